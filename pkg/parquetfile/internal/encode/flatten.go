package encode

import "datalake/pkg/parquetfile/internal/fault"

// flatten finds, for a column that does not repeat, the rows that have a value and each row's definition level; nil
// levels mean that all have one. What it returns is valid until the next call.
func (s *Scratch) flatten(src *Source, rows []uint32) (present []uint32, defs []uint8, _ error) {
	if src.all {
		return rows, nil, nil
	}
	l := src.leaf
	present = rows
	for i, n := range l.Chain {
		v := &src.valid[i]
		if v.all {
			continue
		}
		var left int
		if defs == nil {
			defs = grow(s.defs, len(rows))
			s.defs = defs
			present = grow(s.present, len(rows))
			s.present = present
			left = v.first(rows, present, defs, n.Def-1, l.MaxDef)
		} else {
			left = v.next(rows, present, defs, n.Def-1, l.MaxDef)
		}
		if left < len(present) && !n.Optional {
			return nil, nil, fault.Typef("a null in the required column %s", l)
		}
		if present = present[:left]; left == len(rows) { // nulls there are, but not in these rows
			present, defs = rows, nil
		}
	}
	return present, defs, nil
}

// first puts the rows that have a value into present and gives each row its level, top or missing. It returns how many have
// one. Every row is stored and kept only if it counts: without a branch on the bit it takes 1.3 ns a row, with a function
// called for each it took 6 (2 % nulls).
func (v *validity) first(rows, present []uint32, defs []uint8, missing, top uint8) int {
	k := 0
	if v.bits == nil {
		for i, r := range rows {
			defs[i] = missing
			if v.is(int(r)) {
				defs[i] = top
				present[k] = r
				k++
			}
		}
		return k
	}
	bits, off, gap := v.bits, uint32(v.off), top-missing
	present, defs = present[:len(rows)], defs[:len(rows)]
	for i, r := range rows {
		at := off + r
		bit := bits[at>>3] >> (at & 7) & 1
		present[k] = r
		defs[i] = missing + gap*bit
		k += int(bit)
	}
	return k
}

// next is first where some rows have lost their value already.
func (v *validity) next(rows, present []uint32, defs []uint8, missing, top uint8) int {
	k := 0
	for i, r := range rows {
		if defs[i] != top {
			continue
		}
		if !v.at(int(r)) {
			defs[i] = missing
			continue
		}
		present[k] = r
		k++
	}
	return k
}
