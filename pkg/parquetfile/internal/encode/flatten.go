package encode

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/bitutil"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/shape"
)

// flatten finds, for a column that does not repeat, the rows that have a value and each row's definition level; nil
// levels mean that all have one. What it returns is valid until the next call.
func (s *Scratch) flatten(l *shape.Leaf, arr arrow.Array, rows []uint32) (present []uint32, defs []uint8, _ arrow.Array, _ error) {
	for i, n := range l.Chain {
		if valid, ok := validity(arr); !ok {
			if defs == nil {
				defs = grow(s.defs, len(rows))
				s.defs = defs
				for k := range defs {
					defs[k] = l.MaxDef
				}
			}
			missing := 0
			for k, r := range rows {
				if defs[k] == l.MaxDef && !valid(int(r)) {
					defs[k] = n.Def - 1
					missing++
				}
			}
			if missing > 0 && !n.Optional {
				return nil, nil, nil, fault.Typef("a null in the required column %s", l)
			}
		}
		if i+1 < len(l.Chain) {
			arr = arr.(structArray).Field(childIndex(n, l.Chain[i+1]))
		}
	}
	if defs == nil {
		return rows, nil, arr, nil
	}
	present = grow(s.present, len(rows))
	s.present = present
	k := 0
	for i, r := range rows {
		present[k] = r // kept only if the row has a value
		if defs[i] == l.MaxDef {
			k++
		}
	}
	return present[:k], defs, arr, nil
}

type structArray interface{ Field(int) arrow.Array }

func childIndex(n, kid *shape.Node) int {
	for i, k := range n.Kids {
		if k == kid {
			return i
		}
	}
	return -1
}

// validity returns a function that tells whether a value of arr is there, and true if all are.
func validity(arr arrow.Array) (valid func(int) bool, all bool) {
	d, coded := arr.(dictionaryArray)
	if coded && d.Dictionary().NullN() > 0 {
		return func(i int) bool { return arr.IsValid(i) && d.Dictionary().IsValid(d.GetValueIndex(i)) }, false
	}
	if arr.NullN() == 0 {
		return nil, true
	}
	bits, off := arr.NullBitmapBytes(), arr.Data().Offset()
	if len(bits) == 0 { // an array of the null type has no bitmap
		return arr.IsValid, false
	}
	return func(i int) bool { return bitutil.BitIsSet(bits, off+i) }, false
}

type dictionaryArray interface {
	Dictionary() arrow.Array
	GetValueIndex(int) int
}
