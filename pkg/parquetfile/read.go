package parquetfile

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/meta"
)

// What a record read holds at most, about.
const (
	batchRows  = 64 << 10
	batchBytes = 8 << 20  // by the pages' average
	batchText  = 64 << 20 // if every value were the dictionary's longest
)

// Records yields the file's rows in their order, as records of schema want, of up to some ten thousand rows each.
// Fields are matched by name, in structs too; a field that the file lacks is null. Only the columns that want names are
// read.
//
// A field may ask for a wider type than the file's: bigint or double of an int, double of a float or (where exact) a
// bigint, a decimal of an int or of a decimal with no greater scale (where it fits), a timestamp of a date, binary of a
// string. A string may also be asked for as Dictionary<uint32, string>; its dictionary need not have been used whole.
// Other types, and nulls where want has none, are ErrType.
//
// A record is valid until the next is asked for, unless retained. After an error nothing more comes. ctx is looked at
// before each record.
func (f *File) Records(ctx context.Context, want *arrow.Schema, mem memory.Allocator) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		r, err := f.newReader(want, mem)
		if err != nil {
			yield(nil, fmt.Errorf("read parquet file: %w", err))
			return
		}
		defer r.asm.release()
		for {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			rec, err := r.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("read parquet file: %w", err))
				return
			}
			more := yield(rec, nil)
			rec.Release()
			if !more {
				return
			}
		}
	}
}

// reader reads a file's row groups one after the other.
type reader struct {
	f      *File
	want   *arrow.Schema
	plans  []*plan
	coded  map[*leaf]bool // columns of which codes are wanted
	leaves []*leaf        // columns that are needed, in order
	asm    assembler

	group  int // the next row group
	left   int64
	rows   int // of a record
	chunks []*chunk
}

func (f *File) newReader(want *arrow.Schema, mem memory.Allocator) (*reader, error) {
	r := &reader{f: f, want: want, coded: map[*leaf]bool{}}
	need := map[*leaf]bool{}
	for _, field := range want.Fields() {
		p, err := newPlan(field, f.schema.fields, "", need)
		if err != nil {
			return nil, err
		}
		r.plans = append(r.plans, p)
		p.codes(r.coded)
	}
	r.asm = assembler{mem: mem, vectors: make([]*vector, len(f.schema.leaves)), dicts: map[*dictionary]arrow.Array{}}
	for _, l := range f.schema.leaves {
		if need[l] {
			r.leaves = append(r.leaves, l)
			r.asm.vectors[l.index] = &vector{leaf: l}
		}
	}
	return r, nil
}

// codes notes the columns that are wanted as dictionaries.
func (p *plan) codes(m map[*leaf]bool) {
	if p.node != nil && p.node.leaf != nil && p.want.ID() == arrow.DICTIONARY {
		m[p.node.leaf] = true
	}
	for _, k := range p.kids {
		k.codes(m)
	}
}

func (r *reader) next() (rec arrow.Record, err error) {
	defer noPanic(&err)
	for r.left == 0 {
		if r.group == len(r.f.meta.Groups) {
			return nil, io.EOF
		}
		if err := r.open(); err != nil {
			return nil, fmt.Errorf("row group %d: %w", r.group, err)
		}
		r.group++
	}
	rec, err = r.read()
	if err != nil {
		return nil, fmt.Errorf("row group %d: %w", r.group-1, err)
	}
	return rec, nil
}

// open begins the next row group.
func (r *reader) open() error {
	g := &r.f.meta.Groups[r.group]
	r.asm.release()
	r.left = g.NumRows
	size, limit := int64(0), int64(batchRows)
	old := r.chunks
	r.chunks = r.chunks[:0:0]
	for i, l := range r.leaves {
		c := r.f.chunk(r.group, l)
		if old != nil { // memory goes from one row group to the next
			c.buf, c.store, c.page = old[i].buf, old[i].store, old[i].page
			c.page.levels, c.page.level = 0, 0
		}
		r.chunks = append(r.chunks, c)
		size += c.meta.UncompressedSize
		if g.NumRows == 0 {
			continue
		}
		if err := c.next(); err != nil && err != io.EOF {
			return err
		}
		if c.dict != nil && c.dict.longest > 0 && !r.coded[l] {
			perRow := max(1, c.meta.NumValues/g.NumRows)
			limit = min(limit, batchText/perRow/int64(c.dict.longest))
		}
	}
	if g.NumRows > 0 {
		limit = min(limit, batchBytes/max(1, size/g.NumRows))
	}
	r.rows = int(max(1, limit))
	return nil
}

// read makes the next record of the current row group.
func (r *reader) read() (arrow.Record, error) {
	n := int(min(int64(r.rows), r.left))
	for i, l := range r.leaves {
		v := r.asm.vectors[l.index]
		v.reset(r.coded[l])
		got, err := v.take(r.chunks[i], n)
		if err != nil {
			return nil, err
		}
		if got != n {
			return nil, corruptf("column %s ends %d rows early", dotted(l.path), r.left-int64(got))
		}
	}
	r.left -= int64(n)
	if r.left == 0 {
		for _, c := range r.chunks {
			if err := c.finished(); err != nil {
				return nil, err
			}
		}
	}
	cols := make([]arrow.Array, 0, len(r.plans))
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for i, p := range r.plans {
		arr, err := r.asm.build(p, 0, 0, n)
		if err != nil {
			return nil, err
		}
		cols = append(cols, arr)
		if field := r.want.Field(i); !field.Nullable && arr.NullN() > 0 {
			return nil, typef("column %s: a null where none may be", field.Name)
		}
	}
	return array.NewRecord(r.want, cols, int64(n)), nil
}

// finished tells whether all of a chunk was used.
func (c *chunk) finished() error {
	if c.left > 0 || c.page.level < c.page.levels {
		return corruptf("column %s: rows beyond the row group's", dotted(c.leaf.path))
	}
	return nil
}

// Verify reads all of a file: the footer, every page with its checksum, levels and values, the page index and the bloom
// filters. It holds against each other the rows and nulls that they state. It returns the number of rows. Errors: those
// of r, ErrCorrupt, ErrUnsupported.
func Verify(r io.ReaderAt, size int64) (rows int64, err error) {
	defer noPanic(&err)
	f, err := Open(r, size)
	if err != nil {
		return 0, err
	}
	head, err := readAt(r, 0, 4)
	if err != nil {
		return 0, err
	}
	if string(head) != magic {
		return 0, corruptf("verify parquet file: begins with %q, not with %s", head, magic)
	}
	for g := range f.meta.Groups {
		for _, l := range f.schema.leaves {
			if err := f.verifyChunk(g, l); err != nil {
				return 0, fmt.Errorf("verify parquet file: row group %d: %w", g, err)
			}
		}
	}
	return f.meta.NumRows, nil
}

func (f *File) verifyChunk(g int, l *leaf) error {
	cm := &f.meta.Groups[g].Columns[l.index]
	m := &cm.Meta
	var offsets format.OffsetIndex
	var index format.ColumnIndex
	hasOffsets, err := f.readIndex(cm.OffsetIndexOffset.V, cm.OffsetIndexLength.V, &offsets)
	if err != nil {
		return fmt.Errorf("offset index of column %s: %w", dotted(l.path), err)
	}
	hasIndex, err := f.readIndex(cm.ColumnIndexOffset.V, cm.ColumnIndexLength.V, &index)
	if err != nil {
		return fmt.Errorf("column index of column %s: %w", dotted(l.path), err)
	}
	c := f.chunk(g, l)
	rows, nulls, pages := int64(0), int64(0), 0
	for {
		err := c.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		p := &c.page
		if hasOffsets {
			if pages >= len(offsets.PageLocations) {
				return corruptf("column %s: more pages than its offset index has", dotted(l.path))
			}
			at := offsets.PageLocations[pages]
			end := c.off - int64(len(c.window))
			if at.Offset != c.start || int64(at.CompressedPageSize) != end-c.start || at.FirstRowIndex != rows {
				return corruptf("column %s: page %d has %d bytes at %d and begins with row %d, the offset index says %d, %d, %d", dotted(l.path),
					pages, end-c.start, c.start, rows, at.CompressedPageSize, at.Offset, at.FirstRowIndex)
			}
		}
		if hasIndex && pages < len(index.NullCounts) && index.NullCounts[pages] != int64(p.nulls) {
			return corruptf("column %s: page %d has %d nulls, the column index says %d", dotted(l.path), pages, p.nulls, index.NullCounts[pages])
		}
		if l.maxRep == 0 {
			rows += int64(p.levels)
		}
		for _, r := range p.reps {
			if r == 0 {
				rows++
			}
		}
		nulls += int64(p.nulls)
		pages++
	}
	switch {
	case rows != f.meta.Groups[g].NumRows:
		return corruptf("column %s has %d rows, the row group %d", dotted(l.path), rows, f.meta.Groups[g].NumRows)
	case m.Statistics.NullCount.Valid && m.Statistics.NullCount.V != nulls:
		return corruptf("column %s has %d nulls, its meta.Statistics say %d", dotted(l.path), nulls, m.Statistics.NullCount.V)
	case c.off-int64(len(c.window)) != c.end:
		return corruptf("column %s: %d bytes after its pages", dotted(l.path), c.end-c.off+int64(len(c.window)))
	case hasOffsets && pages != len(offsets.PageLocations):
		return corruptf("column %s has %d pages, its offset index %d", dotted(l.path), pages, len(offsets.PageLocations))
	case hasIndex && (pages != len(index.NullPages) || pages != len(index.MinValues) || pages != len(index.MaxValues)):
		return corruptf("column %s has %d pages, its column index %d", dotted(l.path), pages, len(index.NullPages))
	}
	_, err = f.filter(g, l)
	return err
}

// readIndex reads one part of the page index; false if there is none.
func (f *File) readIndex(off int64, n int32, into any) (bool, error) {
	if off <= 0 || n == 0 {
		return false, nil
	}
	if off < 4 || n < 0 || int64(n) > f.data-off {
		return false, corruptf("%d bytes at %d are outside the file's data", n, off)
	}
	b, err := readAt(f.r, off, int64(n))
	if err != nil {
		return false, err
	}
	if _, err := meta.Unmarshal(b, into); err != nil {
		return false, corruptf("%w", err)
	}
	return true, nil
}
