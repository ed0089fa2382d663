package parquetfile

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// A column below a list or a map is shredded after Dremel, one column at a time: a walk from the row down to the column's
// values notes two levels for each value, null or empty list it meets. Columns of one tree repeat the walk over its upper
// nodes; that is cheap beside keeping them in step, because each column ends its pages where it must.

// shredder walks one column's chain of nodes through the arrays of one record.
type shredder struct {
	s      *scratch
	leaf   *leaf
	arrays []arrow.Array
	valid  []func(int) bool // nil where all are

	bad bool // a null where none may be
}

func (w *shredder) push(rep, def uint8) {
	w.s.reps = append(w.s.reps, rep)
	w.s.defs = append(w.s.defs, def)
}

func (w *shredder) walk(depth, i int, rep uint8) {
	n := w.leaf.chain[depth]
	if v := w.valid[depth]; v != nil && !v(i) {
		w.push(rep, n.def-1)
		w.bad = w.bad || !n.optional
		return
	}
	switch n.kind {
	case leafNode:
		w.push(rep, n.def)
		w.s.present = append(w.s.present, uint32(i))
	case structNode:
		w.walk(depth+1, i, rep)
	default:
		lo, hi := w.arrays[depth].(array.ListLike).ValueOffsets(i)
		if lo >= hi {
			w.push(rep, n.def)
			return
		}
		for j := lo; j < hi; j++ {
			w.walk(depth+1, int(j), rep)
			rep = n.rep
		}
	}
}

// appendRepeated takes the given rows of a top-level array whose type has a list or a map above this column.
func (c *column) appendRepeated(s *scratch, arr arrow.Array, rows []uint32) error {
	w := shredder{s: s, leaf: c.leaf}
	for i, n := range c.leaf.chain {
		w.arrays = append(w.arrays, arr)
		v, all := validity(arr)
		if all {
			v = nil
		}
		w.valid = append(w.valid, v)
		if i+1 == len(c.leaf.chain) {
			break
		}
		k := childIndex(n, c.leaf.chain[i+1])
		switch n.kind {
		case structNode:
			arr = arr.(structArray).Field(k)
		case listNode:
			arr = arr.(array.ListLike).ListValues()
		case mapNode:
			arr = arr.(array.ListLike).ListValues().(structArray).Field(k)
		}
	}
	if err := c.vals.bind(arr); err != nil {
		return err
	}
	defer c.vals.unbind()
	for _, r := range rows {
		s.reps, s.defs, s.present = s.reps[:0], s.defs[:0], s.present[:0]
		w.walk(0, int(r), 0)
		if w.bad {
			return typef("a null in the required column %s", dotted(c.leaf.path))
		}
		if _, err := c.vals.append(s, s.present, true); err != nil {
			return err
		}
		c.push(s.defs, len(s.defs)-len(s.present))
		c.reps = append(c.reps, s.reps...)
		c.rows++
		if c.rows == c.lim.pageRows || c.levels >= c.lim.pageLevels || c.vals.full() {
			if err := c.flush(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// Row groups end by the size of their values, so that size must depend on the values alone: not on whether they come as
// a dictionary array, nor on what lies in the slots of nulls. A number counts by its width, null or not; a string by
// its bytes and four more.

// rowBytes is the size of the values in the given rows.
func rowBytes(arr arrow.Array, rows []uint32) int64 {
	n := int64(4 * len(rows))
	switch a := arr.(type) {
	case *array.String, *array.Binary:
		b := binaryOf(a)
		if valid, all := validity(a); !all {
			for _, r := range rows {
				if valid(int(r)) {
					n += int64(b.offsets[r+1] - b.offsets[r])
				}
			}
			return n
		}
		for _, r := range rows {
			n += int64(b.offsets[r+1] - b.offsets[r])
		}
	case *array.Dictionary:
		b, index := binaryOf(a.Dictionary()), a.Indices().(*array.Uint32).Uint32Values()
		if valid, all := validity(a); !all {
			for _, r := range rows {
				if valid(int(r)) {
					k := index[r]
					n += int64(b.offsets[k+1] - b.offsets[k])
				}
			}
			return n
		}
		for _, r := range rows {
			k := index[r]
			n += int64(b.offsets[k+1] - b.offsets[k])
		}
	case *array.Struct, array.ListLike:
		n = 0
		for len(rows) > 0 { // rows that follow each other are one stretch
			k := 1
			for k < len(rows) && rows[k] == rows[k-1]+1 {
				k++
			}
			n += rangeBytes(arr, int(rows[0]), int(rows[k-1])+1)
			rows = rows[k:]
		}
	default:
		return int64(len(rows)) * width(arr)
	}
	return n
}

// rangeBytes is the size of the values from lo to hi. Where none is null it needs no look at each.
func rangeBytes(arr arrow.Array, lo, hi int) int64 {
	if lo == hi {
		return 0
	}
	all := arr.NullN() == 0
	n := int64(4 * (hi - lo))
	switch a := arr.(type) {
	case *array.String, *array.Binary:
		b := binaryOf(a)
		if all {
			return n + int64(b.offsets[hi]-b.offsets[lo])
		}
		for i := lo; i < hi; i++ {
			if arr.IsValid(i) {
				n += int64(b.offsets[i+1] - b.offsets[i])
			}
		}
	case *array.Dictionary:
		b := binaryOf(a.Dictionary())
		for i := lo; i < hi; i++ {
			if !all && a.IsNull(i) {
				continue
			}
			if k := a.GetValueIndex(i); a.Dictionary().IsValid(k) {
				n += int64(b.offsets[k+1] - b.offsets[k])
			}
		}
	case *array.Struct:
		n = 0
		for k := range a.NumField() {
			if all {
				n += rangeBytes(a.Field(k), lo, hi)
				continue
			}
			for i := lo; i < hi; i++ {
				if a.IsValid(i) {
					n += rangeBytes(a.Field(k), i, i+1)
				}
			}
		}
	case array.ListLike:
		if all {
			from, _ := a.ValueOffsets(lo)
			_, to := a.ValueOffsets(hi - 1)
			return n + rangeBytes(a.ListValues(), int(from), int(to))
		}
		for i := lo; i < hi; i++ {
			if a.IsValid(i) {
				from, to := a.ValueOffsets(i)
				n += rangeBytes(a.ListValues(), int(from), int(to))
			}
		}
	default:
		return int64(hi-lo) * width(arr)
	}
	return n
}

func width(arr arrow.Array) int64 {
	if t, ok := arr.DataType().(arrow.FixedWidthDataType); ok {
		return int64(max(8, t.BitWidth()) / 8)
	}
	return 0
}
