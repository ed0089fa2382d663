package encode

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/pool"
	"datalake/pkg/parquetfile/internal/shape"
)

// A column below a list or a map is shredded after Dremel, one column at a time: a walk from the row down to the column's
// values notes two levels for each value, null or empty list it meets. Columns of one tree repeat the walk over its upper
// nodes; that is cheap beside keeping them in step, because each column ends its pages where it must.

// shredder walks one column's chain of nodes through the arrays of one record.
type shredder struct {
	s      *Scratch
	leaf   *shape.Leaf
	arrays []arrow.Array
	valid  []validity

	bad bool // a null where none may be
}

func (w *shredder) push(rep, def uint8) {
	w.s.reps = append(w.s.reps, rep)
	w.s.defs = append(w.s.defs, def)
}

func (w *shredder) walk(depth, i int, rep uint8) {
	n := w.leaf.Chain[depth]
	if v := &w.valid[depth]; !v.all && !v.at(i) {
		w.push(rep, n.Def-1)
		w.bad = w.bad || !n.Optional
		return
	}
	switch n.Kind {
	case shape.LeafNode:
		w.push(rep, n.Def)
		w.s.present = append(w.s.present, uint32(i))
	case shape.StructNode:
		w.walk(depth+1, i, rep)
	default:
		lo, hi := w.arrays[depth].(array.ListLike).ValueOffsets(i)
		if lo >= hi {
			w.push(rep, n.Def)
			return
		}
		for j := lo; j < hi; j++ {
			w.walk(depth+1, int(j), rep)
			rep = n.Rep
		}
	}
}

// appendRepeated takes the given rows of a top-level array whose type has a list or a map above this column.
func (c *Column) appendRepeated(s *Scratch, arr arrow.Array, rows []uint32) error {
	w := shredder{s: s, leaf: c.leaf}
	for i, n := range c.leaf.Chain {
		w.arrays = append(w.arrays, arr)
		w.valid = append(w.valid, validityOf(arr))
		if i+1 == len(c.leaf.Chain) {
			break
		}
		k := childIndex(n, c.leaf.Chain[i+1])
		switch n.Kind {
		case shape.StructNode:
			arr = arr.(structArray).Field(k)
		case shape.ListNode:
			arr = arr.(array.ListLike).ListValues()
		case shape.MapNode:
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
			return fault.Typef("a null in the required column %s", c.leaf)
		}
		if _, err := c.vals.append(s, s.present, true); err != nil {
			return err
		}
		c.push(s.defs, len(s.defs)-len(s.present))
		c.reps = append(pool.Bytes.Grow(c.reps, len(s.reps)), s.reps...)
		c.rows++
		if c.rows == c.lim.PageRows || c.levels >= c.lim.PageLevels || c.vals.full() {
			if err := c.flush(s); err != nil {
				return err
			}
		}
	}
	return nil
}
