package encode

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Row groups end by the size of their values, so that size must depend on the values alone: not on whether they come as
// a dictionary array, nor on what lies in the slots of nulls. A number counts by its width, null or not; a string by
// its bytes and four more.

// RowBytes is the size of the values in the given rows.
func RowBytes(arr arrow.Array, rows []uint32) int64 {
	n := int64(4 * len(rows))
	switch a := arr.(type) {
	case *array.String, *array.Binary:
		offsets := binaryOf(a).offsets
		if v := validityOf(a); !v.all {
			for _, r := range rows {
				if v.at(int(r)) {
					n += int64(offsets[r+1] - offsets[r])
				}
			}
			return n
		}
		for _, r := range rows {
			n += int64(offsets[r+1] - offsets[r])
		}
	case *array.Dictionary:
		offsets, index := binaryOf(a.Dictionary()).offsets, a.Indices().(*array.Uint32).Uint32Values()
		if v := validityOf(a); !v.all {
			for _, r := range rows {
				if v.at(int(r)) {
					k := index[r]
					n += int64(offsets[k+1] - offsets[k])
				}
			}
			return n
		}
		for _, r := range rows {
			k := index[r]
			n += int64(offsets[k+1] - offsets[k])
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
