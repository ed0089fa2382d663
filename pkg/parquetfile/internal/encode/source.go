package encode

import (
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"datalake/pkg/parquetfile/internal/shape"
)

// Source is one column's values in a record, looked up once for all files that take rows of the record. It refers to the
// record's memory. Safe for concurrent use.
type Source struct {
	leaf   *shape.Leaf
	arrays []arrow.Array // of the leaf's chain
	valid  []validity    // likewise
	all    bool          // no value is missing

	ints32 []int32 // ints and floats by their bits
	ints64 []int64
	wide   []decimal128.Num
	bits   []byte // booleans; the first at bitsOff
	bitOff int
	text   binarySource
	// index has each row's value in text, nil where that is the row.
	index []uint32
}

// NewSource looks up the column of l in the array of its top-level field. The array's type was checked.
func NewSource(l *shape.Leaf, arr arrow.Array) Source {
	src := Source{leaf: l, all: true}
	for i, n := range l.Chain {
		v := validityOf(arr)
		src.arrays, src.valid, src.all = append(src.arrays, arr), append(src.valid, v), src.all && v.all
		if i+1 == len(l.Chain) {
			break
		}
		k := childIndex(n, l.Chain[i+1])
		switch n.Kind {
		case shape.StructNode:
			arr = arr.(structArray).Field(k)
		case shape.ListNode:
			arr = arr.(array.ListLike).ListValues()
		case shape.MapNode:
			arr = arr.(array.ListLike).ListValues().(structArray).Field(k)
		}
	}
	switch a := arr.(type) {
	case *array.Decimal128:
		src.wide = a.Values()
	case *array.Dictionary:
		src.text, src.index = binaryOf(a.Dictionary()), a.Indices().(*array.Uint32).Uint32Values()
	case *array.String, *array.Binary:
		src.text = binaryOf(a)
	case *array.Boolean:
		if b := a.Data().Buffers(); len(b) > 1 && b[1] != nil {
			src.bits, src.bitOff = b[1].Bytes(), a.Data().Offset()
		}
	default:
		if width(arr) == 4 {
			src.ints32 = cast[int32](arr)
		} else {
			src.ints64 = cast[int64](arr)
		}
	}
	return src
}

// textBytes is the size of the text at the given places, all of which have a value.
func (src *Source) textBytes(rows []uint32) int {
	n := 0
	for _, r := range rows {
		if src.index != nil {
			r = src.index[r]
		}
		n += int(src.text.offsets[r+1] - src.text.offsets[r])
	}
	return n
}

// numbersOf are the values of a column of T.
func numbersOf[T int32 | int64](src *Source) []T {
	if v, ok := any(src.ints32).([]T); ok {
		return v
	}
	return any(src.ints64).([]T)
}

// cast views a fixed-width array's values.
func cast[T any](arr arrow.Array) []T {
	d := arr.Data()
	n := d.Len()
	if n == 0 || len(d.Buffers()) < 2 || d.Buffers()[1] == nil {
		return nil
	}
	b := d.Buffers()[1].Bytes()
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(*new(T))))[d.Offset() : d.Offset()+n]
}

// binarySource views a string or binary array's values.
type binarySource struct {
	offsets []int32
	data    []byte
}

func (b binarySource) value(i uint32) []byte { return b.data[b.offsets[i]:b.offsets[i+1]] }

func binaryOf(arr arrow.Array) binarySource {
	d := arr.Data()
	if d.Len() == 0 || len(d.Buffers()) < 3 || d.Buffers()[1] == nil {
		return binarySource{}
	}
	s := binarySource{offsets: arrow.Int32Traits.CastFromBytes(d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()+1]}
	if d.Buffers()[2] != nil {
		s.data = d.Buffers()[2].Bytes()
	}
	return s
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

// validity tells which values of an array are there.
type validity struct {
	all  bool
	bits []byte // a bit for each value, the first at off; nil: is tells
	off  int
	is   func(int) bool
}

type dictionaryArray interface {
	Dictionary() arrow.Array
	GetValueIndex(int) int
}

func validityOf(arr arrow.Array) validity {
	if d, ok := arr.(dictionaryArray); ok && d.Dictionary().NullN() > 0 {
		return validity{is: func(i int) bool { return arr.IsValid(i) && d.Dictionary().IsValid(d.GetValueIndex(i)) }}
	}
	if arr.NullN() == 0 {
		return validity{all: true}
	}
	if bits := arr.NullBitmapBytes(); len(bits) > 0 {
		return validity{bits: bits, off: arr.Data().Offset()}
	}
	return validity{is: arr.IsValid} // an array of the null type has no bitmap
}

func (v *validity) at(i int) bool {
	switch {
	case v.all:
		return true
	case v.bits != nil:
		return bitutil.BitIsSet(v.bits, v.off+i)
	}
	return v.is(i)
}
