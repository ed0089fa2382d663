package forecast

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	"datalake/pkg/storage/overlay"
)

// Trial is a run that has left no trace. Close it when what it wrote is of no use any more.
type Trial struct {
	// Result is the run's, on what it has read.
	Result *etl.Result
	// Tables are those that have rows, by source: what their schemas would be.
	Tables []Table
	// Zones show the lake as it would be.
	Zones etl.Zones

	before, after *commitlog.State
	overlays      []*overlay.Store
}

// Table is what would become of a source's table.
type Table struct {
	Source string
	// Schema after the run; Before is the one that the table has, nil where there is none yet.
	Schema, Before *schema.Schema
}

// Try makes a run on overlays of the job's zones: all of it, or Job.Sample records. Objects that were just changed are read without
// waiting, and no catalog is told. Errors are those of etl.Run; the lake is as before whatever happens.
func Try(ctx context.Context, job etl.Job) (t *Trial, err error) {
	t = &Trial{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
			t = nil
		}
	}()
	job.Zones = t.lay(job.Zones, job.TempDir)
	job.Settle, job.Catalogs = 0, nil
	t.Zones = job.Zones
	if err := job.Validate(); err != nil {
		return t, err
	}
	if t.before, err = head(ctx, job.Zones); err != nil {
		return t, err
	}
	if t.Result, err = etl.Run(ctx, job); err != nil {
		return t, err
	}
	if t.after, err = head(ctx, job.Zones); err != nil {
		return t, err
	}
	for _, source := range slices.Sorted(maps.Keys(t.after.Sources)) {
		if s := t.after.Sources[source].Schema; s != nil {
			t.Tables = append(t.Tables, Table{Source: source, Schema: s, Before: t.before.Sources[source].Schema})
		}
	}
	return t, nil
}

// lay puts overlays over the stores of the zones; zones of one store share one.
func (t *Trial) lay(z etl.Zones, dir string) etl.Zones {
	for _, zone := range []*layout.Zone{&z.Raw, &z.Processed, &z.Quarantine, &z.State} {
		if zone.Store == nil {
			continue // for Validate to say
		}
		var o *overlay.Store
		for _, there := range t.overlays {
			if reflect.ValueOf(zone.Store).Comparable() && there.Base() == zone.Store {
				o = there
			}
		}
		if o == nil {
			o = overlay.New(zone.Store, dir, nil)
			t.overlays = append(t.overlays, o)
		}
		zone.Store = o
	}
	return z
}

// head is the newest state of a lake's log.
func head(ctx context.Context, z etl.Zones) (*commitlog.State, error) {
	log, err := commitlog.Open(ctx, z.State.Sub(layout.Processed))
	if err != nil {
		return nil, err
	}
	return log.Head(ctx)
}

// Close gives back the temporary files that hold what was written.
func (t *Trial) Close() (err error) {
	for _, o := range t.overlays {
		err = errors.Join(err, o.Close())
	}
	return err
}

// place is where a file lies.
type place struct {
	commitlog.Partition
	key string
}

// added yields the files of a zone that the trial has added, in the order of their partitions.
func (t *Trial) added(zone string) iter.Seq2[place, commitlog.File] {
	return func(yield func(place, commitlog.File) bool) {
		for _, p := range slices.SortedFunc(maps.Keys(t.after.Partitions), commitlog.Partition.Compare) {
			if p.Zone != zone {
				continue
			}
			had := map[string]bool{}
			if b := t.before.Partitions[p]; b != nil {
				for _, f := range b.Files {
					had[f.Name] = true
				}
			}
			c := t.after.Partitions[p]
			for _, f := range c.Files {
				if !had[f.Name] && !yield(place{p, c.Dir + f.Name}, f) {
					return
				}
			}
		}
	}
}

// Records reads the rows of a table that the trial has added, by its schema. A record is valid until the next one.
func (t *Trial) Records(ctx context.Context, table Table) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		for p := range t.added(layout.Processed) {
			if layout.SourceOf(p.Path) != table.Source {
				continue
			}
			if more, err := t.records(ctx, p.key, table, yield); err != nil {
				yield(nil, fmt.Errorf("read %s: %w", p.key, err))
				return
			} else if !more {
				return
			}
		}
	}
}

func (t *Trial) records(ctx context.Context, key string, table Table, yield func(arrow.Record, error) bool) (more bool, err error) {
	r, err := storage.OpenReader(ctx, t.Zones.Processed.Store, key)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, err := parquetfile.Open(r, r.Info.Size)
	if err != nil {
		return false, err
	}
	for rec, err := range f.Records(ctx, table.Schema.Arrow(), memory.DefaultAllocator) {
		if err != nil {
			return false, err
		}
		if !yield(rec, nil) {
			return false, nil
		}
	}
	return true, nil
}

// Differ names the sources whose files, data or quarantine, the other trial has made otherwise: other bytes, or in other partitions.
func (t *Trial) Differ(other *Trial) (sources []string) {
	count := map[string]map[string]int{} // by source and file: here less there
	for sign, t := range map[int]*Trial{1: t, -1: other} {
		for _, zone := range []string{layout.Processed, layout.Quarantine} {
			for p, f := range t.added(zone) {
				source := layout.SourceOf(p.Path)
				if count[source] == nil {
					count[source] = map[string]int{}
				}
				count[source][zone+" "+p.Path+" "+f.SHA256] += sign
			}
		}
	}
	for source, files := range count {
		for _, n := range files {
			if n != 0 {
				sources = append(sources, source)
				break
			}
		}
	}
	slices.Sort(sources)
	return sources
}
