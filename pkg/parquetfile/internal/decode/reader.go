package decode

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
)

// What a record read holds at most, about.
const (
	batchRows  = 64 << 10
	batchBytes = 8 << 20  // by the pages' average
	batchText  = 64 << 20 // if every value were the dictionary's longest
)

// Reader reads a file's row groups one after the other.
type Reader struct {
	r      io.ReaderAt
	groups []meta.Group
	want   *arrow.Schema
	plans  []*plan
	coded  map[*shape.Leaf]bool // columns of which codes are wanted
	leaves []*shape.Leaf        // columns that are needed, in order
	asm    assembler

	group  int // the next row group
	left   int64
	rows   int // of a record
	chunks []*Chunk
}

// NewReader reads the fields of want, which are matched by name with those of s, from the groups of a file, whose footer has
// been checked. Other types than s can give are fault.ErrType. Release gives memory back.
func NewReader(r io.ReaderAt, groups []meta.Group, s *shape.Schema, want *arrow.Schema, mem memory.Allocator) (*Reader, error) {
	x := &Reader{r: r, groups: groups, want: want, coded: map[*shape.Leaf]bool{}}
	need := map[*shape.Leaf]bool{}
	for _, field := range want.Fields() {
		p, err := newPlan(field, s.Fields, "", need)
		if err != nil {
			return nil, err
		}
		x.plans = append(x.plans, p)
		p.codes(x.coded)
	}
	x.asm = assembler{mem: mem, vectors: make([]*vector, len(s.Leaves)), dicts: map[*dictionary]arrow.Array{}}
	for _, l := range s.Leaves {
		if need[l] {
			x.leaves = append(x.leaves, l)
			x.asm.vectors[l.Index] = &vector{leaf: l}
		}
	}
	return x, nil
}

// Next yields the next record, io.EOF after the last. The record is the caller's.
func (r *Reader) Next() (rec arrow.Record, err error) {
	defer fault.NoPanic(&err)
	for r.left == 0 {
		if r.group == len(r.groups) {
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
func (r *Reader) open() error {
	g := &r.groups[r.group]
	r.asm.release()
	r.left = g.NumRows
	size, limit := int64(0), int64(batchRows)
	old := r.chunks
	r.chunks = r.chunks[:0:0]
	for i, l := range r.leaves {
		c := NewChunk(r.r, l, &g.Columns[l.Index].Meta)
		if old != nil { // memory goes from one row group to the next
			c.buf, c.store, c.page = old[i].buf, old[i].store, old[i].page
			c.page.levels, c.page.level = 0, 0
		}
		r.chunks = append(r.chunks, c)
		size += c.meta.UncompressedSize
		if g.NumRows == 0 {
			continue
		}
		if err := c.Next(); err != nil && err != io.EOF {
			return err
		}
		if c.dict != nil && c.dict.longest > 0 && (!r.coded[l] || !allCoded(c.meta)) {
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
func (r *Reader) read() (arrow.Record, error) {
	n := int(min(int64(r.rows), r.left))
	for i, l := range r.leaves {
		v := r.asm.vectors[l.Index]
		v.reset(r.coded[l])
		got, err := v.take(r.chunks[i], n)
		if err != nil {
			return nil, err
		}
		if got != n {
			return nil, fault.Corruptf("column %s ends %d rows early", l, r.left-int64(got))
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
	for _, p := range r.plans {
		arr, err := r.asm.build(p, 0, 0, n)
		if err != nil {
			return nil, err
		}
		cols = append(cols, arr)
	}
	return array.NewRecord(r.want, cols, int64(n)), nil
}

// Release gives back what records of one row group share.
func (r *Reader) Release() { r.asm.release() }
