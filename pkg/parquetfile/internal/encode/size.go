package encode

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Row groups end by the size of their values, so that size must depend on the values alone: not on whether they come as
// a dictionary array, nor on what lies in the slots of nulls. A number counts by its width, null or not; a string by
// its bytes and four more.

// Sizer tells the size of rows of one record. It refers to the record's memory. Safe for concurrent use.
type Sizer struct {
	fixed  int64 // of a row's numbers, and what each text takes beside its bytes
	texts  []sizedText
	groups []arrow.Array // structs, lists and maps
}

type sizedText struct {
	valid   validity
	offsets []int32
	index   []uint32 // of a dictionary array
}

// NewSizer looks at a record's columns.
func NewSizer(columns []arrow.Array) Sizer {
	var z Sizer
	for _, arr := range columns {
		switch a := arr.(type) {
		case *array.String, *array.Binary:
			z.fixed += 4
			z.texts = append(z.texts, sizedText{valid: validityOf(a), offsets: binaryOf(a).offsets})
		case *array.Dictionary:
			z.fixed += 4
			z.texts = append(z.texts, sizedText{validityOf(a), binaryOf(a.Dictionary()).offsets, a.Indices().(*array.Uint32).Uint32Values()})
		case *array.Struct, array.ListLike:
			z.groups = append(z.groups, a)
		default:
			z.fixed += width(arr)
		}
	}
	return z
}

// RowBytes is the size of the values in the given rows.
func (z *Sizer) RowBytes(rows []uint32) int64 {
	n := z.fixed * int64(len(rows))
	for i := range z.texts {
		n += z.texts[i].rowBytes(rows)
	}
	for _, arr := range z.groups {
		for rows := rows; len(rows) > 0; { // rows that follow each other are one stretch
			k := 1
			for k < len(rows) && rows[k] == rows[k-1]+1 {
				k++
			}
			n += rangeBytes(arr, int(rows[0]), int(rows[k-1])+1)
			rows = rows[k:]
		}
	}
	return n
}

// rowBytes is the size of the text in the given rows.
func (t *sizedText) rowBytes(rows []uint32) int64 {
	n := int64(0)
	offsets, index := t.offsets, t.index
	switch {
	case index == nil && t.valid.all:
		for i := 0; i < len(rows); { // a stretch of rows is one piece of text
			k := i + 1
			for k < len(rows) && rows[k] == rows[k-1]+1 {
				k++
			}
			n += int64(offsets[rows[k-1]+1] - offsets[rows[i]])
			i = k
		}
	case t.valid.all:
		for _, r := range rows {
			k := index[r]
			n += int64(offsets[k+1] - offsets[k])
		}
	case t.valid.bits != nil && len(offsets) > 1:
		// Without a branch on the bit; a null takes the first text's place, for what stands in its own may be anything.
		bits, off := t.valid.bits, uint32(t.valid.off)
		for _, r := range rows {
			at := off + r
			there := -uint32(bits[at>>3] >> (at & 7) & 1)
			k := r
			if index != nil {
				k = index[r]
			}
			k &= there
			n += int64(uint32(offsets[k+1]-offsets[k]) & there)
		}
	default:
		for _, r := range rows {
			if !t.valid.at(int(r)) {
				continue
			}
			if index != nil {
				r = index[r]
			}
			n += int64(offsets[r+1] - offsets[r])
		}
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
