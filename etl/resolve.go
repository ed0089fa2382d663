package etl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"datalake/etl/dedupe"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// tableFile is a file of the base state that may hold rows of the same keys as the run's.
type tableFile struct {
	partition commitlog.Partition
	table     *commitlog.Content
	file      *commitlog.File
}

// resolve finds the rows that are not kept, among the run's and against the base's files.
func (w *work) resolve(ctx context.Context) error {
	w.job.Progress(Progress{Phase: "resolve"})
	w.mapped.losers.Reset()
	for _, c := range w.mapped.counts {
		c.redo()
	}
	if w.table != nil {
		w.table.Release()
	}
	w.table = dedupe.NewBuckets(w.budget, w.tempFile())
	w.written = &written{}
	if err := w.loadTable(ctx); err != nil {
		return err
	}
	w.apart.Store(0)
	err := dedupe.Resolve(ctx, w.mapped.keys, w.table, w.job.Parallel, w.job.keys(), func(loser, kept dedupe.Row) {
		w.mapped.losers.Mark(loser)
		if w.job.Sample > 0 && loser.IsNew() && kept.IsNew() && apart(loser, kept) {
			w.apart.Add(1)
		}
	})
	if err != nil {
		return err
	}
	return w.makeRoom()
}

// apart says whether two rows stand in different stretches of a sample: neither in one unit, nor in units that follow each other.
func apart(a, b dedupe.Row) bool {
	x, _ := a.Unit()
	y, _ := b.Unit()
	return max(x, y)-min(x, y) > 1
}

// makeRoom gives the memory of what waits, and the buffers of the map step, to the write step, where that costs little.
func (w *work) makeRoom() error {
	before := w.budget.Used()
	if err := errors.Join(w.mapped.keys.Evict(), w.mapped.segments.Evict()); err != nil {
		return err
	}
	if pool, ok := w.mem.(interface{ Trim() }); ok && w.budget.Used() < before {
		pool.Trim()
	}
	return nil
}

// loadTable sends the keys of the base's files that the run may have to the buckets.
func (w *work) loadTable(ctx context.Context) error {
	files := w.tableFiles()
	if len(files) == 0 {
		return nil
	}
	if len(files) > dedupe.MaxFiles {
		return fmt.Errorf("the table has more than %d files", dedupe.MaxFiles)
	}
	w.written.files = files
	filter, err := dedupe.NewFilter(w.mapped.keys, w.job.waiting())
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.job.Parallel)
	for i, f := range files {
		g.Go(func() error {
			if err := w.loadFile(ctx, i, f, filter); err != nil {
				return fmt.Errorf("read keys of %s: %w", f.table.Dir+f.file.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// tableFiles lists the base's files in the scope of the run's rows, in the order of their partitions.
func (w *work) tableFiles() []tableFile {
	touched := map[string]bool{}
	for i := range w.index.Len() {
		touched[w.index.Get(uint32(i)).Path] = true
	}
	var files []tableFile
	for _, p := range slices.SortedFunc(maps.Keys(w.attempt.Base.Partitions), commitlog.Partition.Compare) {
		source := layout.SourceOf(p.Path)
		if p.Zone != layout.Processed || w.mapped.seen[source].Rows == 0 || w.renews(p) {
			continue
		}
		if dedupe.ScopeOf(w.schemas.Schema(source)).Partition && !touched[p.Path] {
			continue
		}
		t := w.attempt.Base.Partitions[p]
		for i := range t.Files {
			files = append(files, tableFile{p, t, &t.Files[i]})
		}
	}
	return files
}

// open opens a file of a partition: in the partition's directory, or where it was put aside, if it is not published yet.
func (f tableFile) open(ctx context.Context, store storage.Store) (*storage.Reader, *parquetfile.File, error) {
	r, err := storage.OpenReader(ctx, store, f.table.Dir+f.file.Name)
	if errors.Is(err, storage.ErrNotFound) {
		r, err = storage.OpenReader(ctx, store, f.file.Key)
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := parquetfile.Open(r, r.Info.Size)
	if err != nil {
		return nil, nil, errors.Join(err, r.Close())
	}
	return r, p, nil
}

// fewKeys is up to how many keys a run's are asked of each file's bloom filter one by one.
const fewKeys = 1 << 16

func (w *work) loadFile(ctx context.Context, number int, f tableFile, filter *dedupe.Filter) (err error) {
	s := w.schemas.Schema(layout.SourceOf(f.partition.Path))
	hasher, err := dedupe.NewHasher(s, w.seed)
	if err != nil {
		return err
	}
	r, p, err := f.open(ctx, w.job.Zones.Processed.Store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	seen := w.mapped.seen[s.Source]
	if may, err := w.mayHold(p, s, hasher.Column(), seen); err != nil || !may {
		return err
	}
	sender := dedupe.NewSender(w.table)
	err = fileKeys(ctx, p, s, f.partition.Path, hasher, dedupe.Existing(number, 0), w.mem, func(keys []dedupe.Key) error {
		return sender.Send(slices.DeleteFunc(keys, func(k dedupe.Key) bool { return !filter.Has(&k) }))
	})
	if err != nil {
		return err
	}
	return sender.Flush()
}

// fileKeys gives the keys of all rows of a file, some at a time; the first row has the name first.
func fileKeys(ctx context.Context, p *parquetfile.File, s *schema.Schema, path string, h *dedupe.Hasher, first dedupe.Row, mem memory.Allocator, use func([]dedupe.Key) error) error {
	sc, partition := dedupe.ScopeOf(s), xxh3.HashString(path)
	var keys []dedupe.Key
	var scopes []uint64
	for rec, err := range p.Records(ctx, fieldsOf(s, h.Columns(), sc), mem) {
		if err != nil {
			return err
		}
		if scopes, err = sc.Rows(rec, func(int) uint64 { return partition }, scopes[:0]); err == nil {
			keys, err = h.Keys(rec, scopes, first, keys[:0])
		}
		first += dedupe.Row(rec.NumRows())
		if err != nil {
			return err
		}
		if err := use(keys); err != nil {
			return err
		}
	}
	return nil
}

// mayHold says whether a file may have a key of the run, from its statistics and, where the run has few keys, its bloom
// filter.
func (w *work) mayHold(p *parquetfile.File, s *schema.Schema, column string, seen dedupe.Seen) (bool, error) {
	switch i := s.Index(column); {
	case seen.Nulls > 0 || i < 0 || s.Columns[i].Type.Kind != schema.String:
		return true, nil
	case seen.Least == nil:
		return false, nil
	}
	if lo, hi, ok := p.Bounds(column); ok && (string(seen.Greatest) < string(lo) || string(seen.Least) > string(hi)) {
		return false, nil
	}
	if n := w.mapped.keys.Len(); n > fewKeys || n > p.Rows() {
		return true, nil
	}
	for h, err := range w.mapped.keys.Hashes() {
		if err != nil {
			return true, err
		}
		if may, err := p.MayContainHash(column, h); may || err != nil {
			return true, err
		}
	}
	return false, nil
}

// fieldsOf are the columns of a file that keys are made of.
func fieldsOf(s *schema.Schema, names []string, sc dedupe.Scope) *arrow.Schema {
	if sc.Window > 0 && !slices.Contains(names, string(schema.EventTime)) {
		names = append(names, string(schema.EventTime))
	}
	var fields []arrow.Field
	for _, name := range names {
		fields = append(fields, s.Arrow().Field(s.Index(name)))
	}
	return arrow.NewSchema(fields, nil)
}
