package write

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/commitlog"
	"datalake/pkg/parquetfile"
)

// DefaultFileBytes is the size at which a new partition's file is ended and the next begun.
const DefaultFileBytes = 256 << 20

// Options say how files are made. Schema is needed.
type Options struct {
	// Schema of the records that are handed over.
	Schema *arrow.Schema
	// Drop names the columns that do not go into files: the partition columns.
	Drop []string
	// Parquet is how files are encoded.
	Parquet parquetfile.Options
	// FileBytes is the size at which a file is ended, at the next end of a row group; 0 means DefaultFileBytes.
	FileBytes int64
	// TempDir is where pages and files wait that may not wait in memory; empty means the system's folder.
	TempDir string
	// Keep asks whether finished pages and files may take n more bytes of memory, and counts them if so; of a negative n it is told
	// that they were given back. nil: 16 MiB for the group. It is called by several goroutines. What it says changes no byte of a
	// file.
	Keep func(n int64) bool
	// Sum gives the sum of the hashes of the dedupe keys of some rows; nil: no sums.
	Sum func(rec arrow.Record, rows []uint32) (commitlog.Sum, error)
}

// File is one finished file.
type File struct {
	Partition uint32
	Rows      int64
	Keys      commitlog.Sum
	*Sink
}

// Group writes the files of some partitions of one source. Not safe for concurrent use.
type Group struct {
	o     Options
	out   *arrow.Schema
	keep  []int             // columns that go into files
	plan  *parquetfile.Plan // made with the first rows
	spool *spool
	parts map[uint32]*part
	done  []File

	touched []*part       // by the record at hand
	fields  *arrow.Schema // of the last record
	kept    *arrow.Schema // its columns that go into files
}

type part struct {
	number uint32
	single bool
	file   File
	w      *parquetfile.Writer
	rows   []uint32 // of the record at hand
}

// NewGroup begins a group.
func NewGroup(o Options) *Group {
	if o.FileBytes == 0 {
		o.FileBytes = DefaultFileBytes
	}
	g := &Group{o: o, spool: newSpool(o.TempDir, o.Keep), parts: map[uint32]*part{}}
	g.o.Parquet.Spool = g.spool
	var fields []arrow.Field
	for i, f := range o.Schema.Fields() {
		if !slices.Contains(o.Drop, f.Name) {
			g.keep = append(g.keep, i)
			fields = append(fields, f)
		}
	}
	g.out = arrow.NewSchema(fields, nil)
	return g
}

// Single makes a partition's rows one file however large: it exists already, and readers may never see part of what is
// added. Call it before the partition's first rows.
func (g *Group) Single(partition uint32) { g.part(partition).single = true }

func (g *Group) part(n uint32) *part {
	p := g.parts[n]
	if p == nil {
		p = &part{number: n}
		g.parts[n] = p
	}
	return p
}

// Append adds rows in their order: the row numbers rows of rec, to the partitions that of gives for the entries of rows. rec
// stays the caller's.
func (g *Group) Append(ctx context.Context, rec arrow.Record, rows []uint32, of func(row uint32) uint32) error {
	if len(rows) == 0 {
		return nil
	}
	out := g.project(rec)
	defer out.Release()
	if g.plan == nil {
		var err error
		if g.plan, err = parquetfile.NewPlan(g.out, g.o.Parquet); err != nil {
			return fmt.Errorf("begin a file: %w", err)
		}
	}
	batch, err := g.plan.Batch(out)
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	touched := g.touched[:0]
	var last *part
	for _, r := range rows {
		if n := of(r); last == nil || last.number != n {
			last = g.part(n)
		}
		if len(last.rows) == 0 {
			touched = append(touched, last)
		}
		last.rows = append(last.rows, r)
	}
	g.touched = touched
	for _, p := range touched {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := g.append(p, rec, batch); err != nil {
			return err
		}
		p.rows = p.rows[:0]
	}
	return nil
}

// project leaves out the columns that do not go into files.
func (g *Group) project(rec arrow.Record) arrow.Record {
	if len(g.keep) == int(rec.NumCols()) {
		rec.Retain()
		return rec
	}
	if s := rec.Schema(); s != g.fields { // most records have the same
		var kept []arrow.Field
		for _, c := range g.keep {
			kept = append(kept, s.Field(c))
		}
		g.fields, g.kept = s, arrow.NewSchema(kept, nil)
	}
	cols := make([]arrow.Array, len(g.keep))
	for i, c := range g.keep {
		cols[i] = rec.Column(c)
	}
	return array.NewRecord(g.kept, cols, rec.NumRows())
}

func (g *Group) append(p *part, rec arrow.Record, batch *parquetfile.Batch) error {
	rows := p.rows
	for len(rows) > 0 {
		if p.w == nil {
			p.file = File{Partition: p.number, Sink: NewSink(g.o.TempDir)}
			p.file.keep = g.spool.keep
			p.w = g.plan.NewWriter(p.file.Sink)
		}
		// In small steps, each of a number of rows that the file alone decides, so that the place where a file ends does not depend
		// on how the rows were cut into records.
		const step = 1 << 16
		n := min(len(rows), step-int(p.file.Rows%step))
		if g.o.Sum != nil {
			sum, err := g.o.Sum(rec, rows[:n])
			if err != nil {
				return err
			}
			p.file.Keys.Add(sum)
		}
		if err := p.w.AppendBatch(batch, rows[:n]); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
		p.file.Rows += int64(n)
		rows = rows[n:]
		if !p.single && p.file.Rows%step == 0 && p.w.Size() >= g.o.FileBytes {
			if err := g.end(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Group) end(p *part) error {
	if err := p.w.Close(); err != nil {
		return fmt.Errorf("end a file: %w", err)
	}
	g.done = append(g.done, p.file)
	p.w = nil
	return nil
}

// Finish ends all files and gives them out, by partition number and in order. The caller closes each.
func (g *Group) Finish() ([]File, error) {
	for _, p := range g.parts {
		if p.w != nil {
			if err := g.end(p); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(g.done, func(a, b File) int { return int(a.Partition) - int(b.Partition) })
	if err := g.spool.close(); err != nil {
		return nil, fmt.Errorf("close a temporary file: %w", err)
	}
	files := g.done
	g.done, g.parts = nil, nil
	return files, nil
}

// Abort gives everything back that Finish would have given out. After Finish it does nothing.
func (g *Group) Abort() error {
	var errs []error
	for _, f := range g.done {
		errs = append(errs, f.Close())
	}
	for _, p := range g.parts {
		if p.w != nil {
			errs = append(errs, p.file.Close())
		}
	}
	g.done, g.parts = nil, nil
	return errors.Join(append(errs, g.spool.close())...)
}
