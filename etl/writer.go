package etl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"datalake/etl/dedupe"
	"datalake/etl/partition"
	"datalake/etl/quarantine"
	"datalake/etl/segment"
	"datalake/etl/write"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/planted"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// written is what resolve and write make on one base.
type written struct {
	files []tableFile // of the base, by the number that existing rows name

	mu    sync.Mutex
	acts  map[commitlog.Partition]*commitlog.Act
	bytes int64
}

// write makes the data files and puts them aside, a group of partitions at a time, and the quarantine's.
func (w *work) write(ctx context.Context) error {
	w.written.acts = map[commitlog.Partition]*commitlog.Act{}
	all := w.tasks()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.job.Parallel + putting)
	cores := make(chan struct{}, w.job.Parallel)
	for i, t := range all {
		g.Go(func() error {
			w.job.Progress(Progress{Phase: "write", Done: int64(i), Total: int64(len(all))})
			if err := w.writeGroup(ctx, t, cores); err != nil {
				return fmt.Errorf("table processed_%s: %w", t.Source, err)
			}
			return nil
		})
	}
	g.Go(func() error { return w.writeQuarantine(ctx) })
	return g.Wait()
}

// putting is how many groups may be beyond encoding, and wait for the store, while others encode: on 15 partitions of 4 MB a fifth of
// the write step was waiting for fsync before.
const putting = 2

// losing lists the files of the base that lose rows, by the group that their partition is written in.
func (w *work) losing() map[segment.Group][]int {
	out := map[segment.Group][]int{}
	for _, n := range w.mapped.losers.Files() {
		path := w.written.files[n].partition.Path
		source := layout.SourceOf(path)
		g := segment.Group{Source: source, Number: w.group(w.index.Number(source, path))}
		out[g] = append(out[g], n)
	}
	return out
}

// writeGroup writes the partitions of one task: first what is left of the base's files that lose rows, then the run's rows.
//
// It encodes while it has a place in cores.
func (w *work) writeGroup(ctx context.Context, t task, cores chan struct{}) (err error) {
	cores <- struct{}{}
	encoding := true
	leave := func() {
		if encoding {
			encoding = false
			<-cores
		}
	}
	defer leave()
	s := w.schemas.Schema(t.Source)
	o, err := w.options(s)
	if err != nil {
		return err
	}
	out := write.NewGroup(o)
	defer func() { err = errors.Join(err, out.Abort()) }()
	rewritten, replaced := map[*commitlog.File]bool{}, int64(0)
	for _, n := range t.losing {
		f := w.written.files[n]
		number := w.index.Number(t.Source, f.partition.Path)
		out.Single(number)
		if err := w.rewrite(ctx, out, s, f, number, w.mapped.losers.File(n)); err != nil {
			return fmt.Errorf("rewrite %s: %w", f.table.Dir+f.file.Name, err)
		}
		rewritten[f.file] = true
		replaced += int64(len(w.mapped.losers.File(n)))
	}
	rows, duplicates, err := w.appendRows(ctx, out, t)
	if err != nil {
		return err
	}
	began := time.Now()
	files, err := out.Finish()
	if err != nil {
		return err
	}
	w.meter.encode.since(began, 0, 0)
	leave()
	acts := map[string]*commitlog.Act{}
	for _, n := range t.losing {
		path := w.written.files[n].partition.Path
		acts[path] = w.swap(path, rewritten)
	}
	logged, size, err := w.putFiles(ctx, files)
	if err != nil {
		return err
	}
	for i, f := range files {
		path := w.index.Get(f.Partition).Path
		a := acts[path]
		if a == nil {
			a = w.act(layout.Processed, path)
			acts[path] = a
		}
		a.Files = append(a.Files, logged[i])
	}
	w.written.mu.Lock()
	defer w.written.mu.Unlock()
	for _, a := range acts {
		w.written.acts[a.Partition] = a
	}
	w.written.bytes += size
	c := w.mapped.counts[t.Source]
	c.out += rows
	c.duplicates += duplicates
	c.replaced += replaced
	c.files += len(files)
	c.partitions += len(acts)
	c.bytesOut += size
	return nil
}

// options say how files of a source are made.
func (w *work) options(s *schema.Schema) (write.Options, error) {
	o := write.Options{Schema: s.Arrow(), Drop: partition.Columns(s), TempDir: w.job.TempDir, Keep: w.pages}
	lake := w.job.Lake.Source(s.Source)
	o.Parquet.Encoding, o.Parquet.Compression = lake.Encoding, lake.Compression
	if s.Dedupe.None {
		return o, nil
	}
	hasher, err := dedupe.NewHasher(s, w.seed)
	if err != nil {
		return o, err
	}
	o.Sum = hasher.Sum
	if i := s.Index(hasher.Column()); s.Columns[i].Type.Kind == schema.String {
		o.Parquet.Bloom = []string{hasher.Column()}
	}
	return o, nil
}

// puts is how many files of a group are put aside at once: a put mostly waits for the disk or the network.
const puts = 8

// putFiles puts a group's files aside and closes them. It gives them as the log names them, and their bytes in all.
func (w *work) putFiles(ctx context.Context, files []write.File) (logged []commitlog.File, size int64, err error) {
	logged = make([]commitlog.File, len(files))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(puts)
	for i, f := range files {
		size += f.Size()
		g.Go(func() error {
			began := time.Now()
			defer func() { w.meter.put.since(began, f.Size(), f.Rows) }()
			put := commitlog.File{Size: f.Size(), Rows: f.Rows, SHA256: f.SHA256(), Keys: f.Keys}
			var err error
			if err = gctx.Err(); err == nil {
				logged[i], err = w.putFile(gctx, layout.Processed, w.index.Get(f.Partition).Path, put, f.Body())
			}
			return errors.Join(err, f.Close())
		})
	}
	return logged, size, g.Wait()
}

// act begins the act on a partition that loses no rows.
func (w *work) act(zone, path string) *commitlog.Act {
	p := commitlog.Partition{Zone: zone, Path: path}
	switch {
	case w.attempt.Base.Partitions[p] == nil:
	case w.renews(p):
		return &commitlog.Act{Partition: p, Kind: commitlog.Swap}
	default:
		return &commitlog.Act{Partition: p, Kind: commitlog.Add}
	}
	return &commitlog.Act{Partition: p, Kind: commitlog.New}
}

// swap begins the act on a partition some of whose files are rewritten: the others go along as they are.
func (w *work) swap(path string, rewritten map[*commitlog.File]bool) *commitlog.Act {
	p := commitlog.Partition{Zone: layout.Processed, Path: path}
	a := &commitlog.Act{Partition: p, Kind: commitlog.Swap}
	t := w.attempt.Base.Partitions[p]
	for i := range t.Files {
		if !rewritten[&t.Files[i]] {
			a.Files = append(a.Files, t.Files[i])
		}
	}
	return a
}

// rewrite appends the rows of a file that do not lose.
func (w *work) rewrite(ctx context.Context, out *write.Group, s *schema.Schema, f tableFile, number uint32, losers []uint32) (err error) {
	r, p, err := f.open(ctx, w.job.Zones.Processed.Store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	slices.Sort(losers)
	first := uint32(0)
	for rec, err := range p.Records(ctx, s.Arrow(), w.mem) {
		if err != nil {
			return err
		}
		var rows []uint32
		for row := range uint32(rec.NumRows()) {
			if len(losers) > 0 && losers[0] == first+row {
				losers = losers[1:]
				continue
			}
			rows = append(rows, row)
		}
		first += uint32(rec.NumRows())
		if err := out.Append(ctx, rec, rows, func(uint32) uint32 { return number }); err != nil {
			return err
		}
	}
	return nil
}

// appendRows appends the rows of the run's segments that do not lose.
func (w *work) appendRows(ctx context.Context, out *write.Group, t task) (kept, lose int64, err error) {
	var rows []uint32
	began := time.Now()
	for seg, err := range w.mapped.segments.Read(t.Group, t.first, t.last) {
		if err != nil {
			return 0, 0, err
		}
		w.meter.load.since(began, 0, int64(len(seg.Numbers)))
		began = time.Now()
		rows = rows[:0]
		last, i := -1, 0
		for _, u := range seg.Units {
			bits := w.mapped.losers.Unit(u.Unit)
			for end := i + u.Rows; i < end; i++ {
				if bits.Has(seg.Numbers[i]) && !planted.Bug("keep-losers") {
					lose++
					continue
				}
				rows = append(rows, uint32(i))
				if p := seg.Partitions[i]; int(p) != last {
					last = int(p)
					if q := (commitlog.Partition{Zone: layout.Processed, Path: w.index.Get(p).Path}); w.attempt.Base.Partitions[q] != nil && !w.renews(q) {
						out.Single(p)
					}
				}
			}
		}
		kept += int64(len(rows))
		err = out.Append(ctx, seg.Record, rows, func(row uint32) uint32 { return seg.Partitions[row] })
		seg.Record.Release()
		if err != nil {
			return 0, 0, err
		}
		w.meter.encode.since(began, 0, int64(len(rows)))
		began = time.Now()
	}
	return kept, lose, nil
}

// putFile puts a finished file aside and reads it back.
func (w *work) putFile(ctx context.Context, zone, path string, f commitlog.File, body io.ReadSeeker) (commitlog.File, error) {
	f, err := w.attempt.PutFile(ctx, commitlog.Partition{Zone: zone, Path: path}, f, body)
	if err != nil {
		return f, err
	}
	r, err := storage.OpenReader(ctx, w.lake.Zones[zone].Store, f.Key)
	if err != nil {
		return f, fmt.Errorf("read back: %w", err)
	}
	err = w.readBack(r, zone, f)
	if err := errors.Join(err, r.Close()); err != nil {
		return f, fmt.Errorf("read back %s: %w", f.Key, err)
	}
	return f, nil
}

func (w *work) readBack(r *storage.Reader, zone string, f commitlog.File) error {
	if r.Info.Size != f.Size {
		return fmt.Errorf("%d bytes were written, %d are there", f.Size, r.Info.Size)
	}
	var rows int64
	if zone == layout.Processed {
		p, err := w.opener.Open(r, r.Info.Size)
		if err != nil {
			return err
		}
		rows = p.Rows()
	} else {
		var err error
		if rows, err = countLines(r); err != nil {
			return err
		}
	}
	if rows != f.Rows {
		return fmt.Errorf("%d rows were written, %d are there", f.Rows, rows)
	}
	return nil
}

// writeQuarantine puts the quarantine's files aside.
func (w *work) writeQuarantine(ctx context.Context) error {
	if w.replay != nil {
		return w.rewriteQuarantine(ctx)
	}
	for _, p := range w.mapped.rejects.Parts() {
		if err := w.writePart(ctx, p); err != nil {
			return fmt.Errorf("quarantine %s: %w", p.Path, err)
		}
	}
	return nil
}

func (w *work) writePart(ctx context.Context, p quarantine.Part) error {
	f, err := w.putPart(ctx, p)
	if err != nil {
		return err
	}
	a := w.act(layout.Quarantine, p.Path)
	a.Files = []commitlog.File{f}
	w.written.mu.Lock()
	defer w.written.mu.Unlock()
	w.written.acts[a.Partition] = a
	return nil
}

// putPart puts the file of a part aside.
func (w *work) putPart(ctx context.Context, p quarantine.Part) (f commitlog.File, err error) {
	sink := write.NewSink(w.job.TempDir)
	defer func() { err = errors.Join(err, sink.Close()) }()
	if err := w.mapped.rejects.Write(p, sink); err != nil {
		return f, err
	}
	w.written.mu.Lock()
	w.written.bytes += sink.Size()
	w.written.mu.Unlock()
	return w.putFile(ctx, layout.Quarantine, p.Path, commitlog.File{Size: sink.Size(), Rows: int64(p.Rows()), SHA256: sink.SHA256()}, sink.Body())
}
