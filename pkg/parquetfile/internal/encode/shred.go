package encode

import (
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
	s   *Scratch
	src *Source
	bad bool // a null where none may be
}

func (w *shredder) push(rep, def uint8) {
	w.s.reps = append(w.s.reps, rep)
	w.s.defs = append(w.s.defs, def)
}

func (w *shredder) walk(depth, i int, rep uint8) {
	n := w.src.leaf.Chain[depth]
	if v := &w.src.valid[depth]; !v.all && !v.at(i) {
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
		lo, hi := w.src.arrays[depth].(array.ListLike).ValueOffsets(i)
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

// appendRepeated takes the given rows of a column with a list or a map above it. Levels and values of many rows are added at
// once, up to one with which the page may be full: where pages end does not depend on that.
func (c *Column) appendRepeated(s *Scratch, src *Source, rows []uint32) error {
	w := shredder{s: s, src: src}
	s.reps, s.defs, s.present = s.reps[:0], s.defs[:0], s.present[:0]
	added, text, room := 0, 0, c.vals.room()
	for _, r := range rows {
		first := len(s.present)
		w.walk(0, int(r), 0)
		if w.bad {
			return fault.Typef("a null in the required column %s", c.leaf)
		}
		added++
		if src.text.offsets != nil {
			text += src.textBytes(s.present[first:])
		}
		if c.rows+added < c.lim.PageRows && c.levels+len(s.defs) < c.lim.PageLevels && text < room {
			continue
		}
		if err := c.addRows(s, src, added); err != nil {
			return err
		}
		if c.rows == c.lim.PageRows || c.levels >= c.lim.PageLevels || c.vals.full() {
			if err := c.flush(s); err != nil {
				return err
			}
		}
		added, text, room = 0, 0, c.vals.room()
	}
	return c.addRows(s, src, added)
}

// addRows adds the levels and values in the scratch, of so many rows, to the page.
func (c *Column) addRows(s *Scratch, src *Source, rows int) error {
	if _, err := c.vals.append(s, src, s.present, true); err != nil {
		return err
	}
	c.push(s.defs, len(s.defs)-len(s.present))
	c.reps = append(pool.Bytes.Grow(c.reps, len(s.reps)), s.reps...)
	c.rows += rows
	s.reps, s.defs, s.present = s.reps[:0], s.defs[:0], s.present[:0]
	return nil
}
