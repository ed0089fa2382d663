package commit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"datalake/pkg/catalog"
	"datalake/pkg/commitlog"
	"datalake/pkg/planted"
)

// Report says what a publish did.
type Report struct {
	// Seq is the state that all catalogs show; 0 if the log is empty.
	Seq uint64
	// Copied files, and their bytes.
	Copied int
	Bytes  int64
	// Tables and Partitions that were put into catalogs.
	Tables, Partitions int
	// Refused partitions are not published, or show an older state; the next publish tries again.
	Refused []catalog.Refusal
	// Foreign are files in table directories, and partitions in catalogs, that nobody decided.
	Foreign []Finding
}

// Publish brings directories and catalogs to the head of the log: it copies files into table directories, and then lets
// each catalog show the state. It works from the log alone and is idempotent; anyone may call it at any time, also at
// the same time. A failure loses nothing: the next publish goes on.
//
// Errors: ErrBusy if others publish and do not finish within PublishWait; those of the log, the stores and the
// catalogs. What one partition or one catalog refuses does not stop the others.
func Publish(ctx context.Context, lake Lake) (Report, error) { return publish(ctx, lake, false) }

// Repair is Publish for a lake in doubt: it trusts no earlier publish and looks at every file of the head. It deletes
// nothing.
func Repair(ctx context.Context, lake Lake) (Report, error) { return publish(ctx, lake, true) }

func publish(ctx context.Context, lake Lake, doubt bool) (Report, error) {
	var report Report
	if err := lake.Validate(); err != nil {
		return report, fmt.Errorf("publish: %w", err)
	}
	lake = lake.withDefaults()
	head, err := lake.Log.Head(ctx)
	if err != nil {
		return report, fmt.Errorf("publish: %w", err)
	}
	if head.Seq == 0 {
		return report, nil
	}
	if err := lake.checkRoots(head); err != nil {
		return report, fmt.Errorf("publish: %w", err)
	}
	// Before anything follows from an entry, it must be sure to stay.
	if err := lake.Log.Confirm(ctx, head.Seq); err != nil {
		return report, fmt.Errorf("publish: %w", err)
	}
	names := slices.Sorted(maps.Keys(lake.Catalogs))
	var filled uint64
	shown := map[string]uint64{} // what each catalog shows, if nobody publishes to it now
	for _, name := range names {
		h, err := lake.history(ctx, name)
		if err != nil {
			return report, fmt.Errorf("publish: %w", err)
		}
		seq, err := lake.published(ctx, h, time.Time{})
		if err != nil {
			return report, fmt.Errorf("publish: %w", err)
		}
		filled = max(filled, min(seq, head.Seq))
		if h.done {
			shown[name] = seq
		}
	}
	f := newFiller(lake, filled)
	if doubt {
		if err := f.all(ctx, head); err != nil {
			return report, fmt.Errorf("repair: %w", err)
		}
	}
	if err := f.to(ctx, head); err != nil {
		return report, fmt.Errorf("publish: %w", err)
	}
	var errs []error
	for i, name := range names {
		if shown[name] == head.Seq && !doubt {
			// Nothing to do, most likely: a look needs no claim.
			same, err := lake.shows(ctx, name, head)
			if err == nil && same {
				if i == 0 || head.Seq < report.Seq {
					report.Seq = head.Seq
				}
				continue
			}
		}
		seq, err := lake.publishTo(ctx, name, f, &report, head)
		if err != nil {
			errs = append(errs, fmt.Errorf("publish to catalog %s: %w", name, err))
		}
		if i == 0 || seq < report.Seq {
			report.Seq = seq
		}
	}
	report.Copied, report.Bytes = f.copied, f.bytes
	for _, p := range slices.SortedFunc(maps.Keys(f.broken), commitlog.Partition.Compare) {
		report.Refused = append(report.Refused, catalog.Refusal{Table: p.Zone, Values: []string{p.Path}, Err: f.broken[p]})
	}
	if err := errors.Join(errs...); err != nil {
		return report, err
	}
	if head, err = lake.Log.Head(ctx); err != nil {
		return report, fmt.Errorf("publish: %w", err)
	}
	foreign, err := f.foreign(ctx, head)
	report.Foreign = append(report.Foreign, foreign...)
	if err != nil {
		return report, fmt.Errorf("publish: %w", err)
	}
	if err := lake.Log.Checkpoint(ctx, head); err != nil {
		return report, fmt.Errorf("publish: %w", err)
	}
	return report, nil
}

// shows says whether a catalog shows a state, without writing to it.
func (l Lake) shows(ctx context.Context, name string, s *commitlog.State) (same bool, err error) {
	tables, err := l.tables(s, nil)
	if err != nil {
		return false, err
	}
	c := l.Catalogs[name]
	for _, t := range tables {
		has, err := c.Table(ctx, t.Name)
		if err != nil {
			return false, err
		}
		want := t.Table
		want.Version = has.Version
		ps, err := c.Partitions(ctx, t.Name)
		if err != nil {
			return false, err
		}
		if d := compare(t, ps); !reflect.DeepEqual(has, want) || len(d.created)+len(d.moved)+len(d.extra) > 0 {
			return false, nil
		}
	}
	return true, nil
}

// publishTo makes one catalog show the head, and gives the state that it shows.
func (l Lake) publishTo(ctx context.Context, name string, f *filler, report *Report, first *commitlog.State) (uint64, error) {
	for {
		c, err := l.claim(ctx, name)
		if err != nil {
			return 0, err
		}
		seq, err := l.publishClaimed(ctx, c, f, report, first)
		if err == nil {
			return seq, nil
		}
		l.abandon(ctx, c, err)
		if !errors.Is(err, errClaimOld) {
			return 0, err
		}
	}
}

// publishClaimed goes on until the catalog shows the head that the log has then, and ends the claim.
func (l Lake) publishClaimed(ctx context.Context, c *claim, f *filler, report *Report, first *commitlog.State) (uint64, error) {
	for {
		head, err := l.Log.Head(ctx)
		if err != nil {
			return 0, err
		}
		if planted.Bug("stale-catalog") {
			head = first
		}
		if head.Seq > f.upTo {
			if err := l.Log.Confirm(ctx, head.Seq); err != nil {
				return 0, err
			}
			if err := f.to(ctx, head); err != nil {
				return 0, err
			}
		}
		tables, err := l.tables(head, f.broken)
		if err != nil {
			return 0, err
		}
		done, err := show(ctx, l.Catalogs[c.catalog], c, tables)
		report.Tables += done.tables
		report.Partitions += done.partitions
		if err != nil {
			return 0, err
		}
		now, err := l.Log.Head(ctx)
		if err != nil {
			return 0, err
		}
		if now.Seq > head.Seq && !planted.Bug("stale-catalog") {
			continue
		}
		report.Refused = append(report.Refused, done.refused...)
		report.Foreign = append(report.Foreign, done.extra...)
		return head.Seq, l.end(ctx, c, doneBody{Seq: head.Seq, Refused: len(done.refused) + len(f.broken)})
	}
}
