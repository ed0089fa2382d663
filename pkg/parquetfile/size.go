package parquetfile

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Row groups end by the size of their values, so that size must depend on the values alone: not on whether they come as a
// dictionary array, nor on what lies in the slots of nulls. A number counts by its width, null or not; a string by its bytes and
// four more.

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
		for _, r := range rows {
			n += rangeBytes(arr, int(r), int(r)+1)
		}
	default:
		return int64(len(rows)) * width(arr)
	}
	return n
}

// rangeBytes is the size of the values from lo to hi.
func rangeBytes(arr arrow.Array, lo, hi int) int64 {
	n := int64(0)
	switch a := arr.(type) {
	case *array.String, *array.Binary:
		b := binaryOf(a)
		n = int64(4 * (hi - lo))
		for i := lo; i < hi; i++ {
			if a.IsValid(i) {
				n += int64(b.offsets[i+1] - b.offsets[i])
			}
		}
	case *array.Dictionary:
		b := binaryOf(a.Dictionary())
		n = int64(4 * (hi - lo))
		for i := lo; i < hi; i++ {
			if a.IsValid(i) {
				if k := a.GetValueIndex(i); a.Dictionary().IsValid(k) {
					n += int64(b.offsets[k+1] - b.offsets[k])
				}
			}
		}
	case *array.Struct:
		for i := lo; i < hi; i++ {
			if a.IsValid(i) {
				for k := range a.NumField() {
					n += rangeBytes(a.Field(k), i, i+1)
				}
			}
		}
	case array.ListLike:
		n = int64(4 * (hi - lo))
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
