package decode

import (
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/schema"
)

// dictionaryType is how columns of repeating strings are carried.
var dictionaryType = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}

// array makes an Arrow array of the vector's n values, with memory of mem. The vector stays as it is, but for strings
// whose dictionary did not pay: they are plain afterwards.
func (v *vector) array(t *schema.Type, n int, mem memory.Allocator) arrow.Array {
	v.pad(n)
	d := v.data(t, mem)
	defer d.Release()
	return array.MakeFromData(d)
}

func (v *vector) data(t *schema.Type, mem memory.Allocator) arrow.ArrayData {
	nulls := v.nullCount()
	m := &batch.Maker{Mem: mem, N: v.n, Nulls: nulls}
	defer m.Release()
	if nulls > 0 {
		v.validity(m.Buffer((v.n + 7) / 8))
	} else {
		m.Buffers = append(m.Buffers, nil)
	}
	kind := t.Arrow()
	switch v.kind {
	case schema.Bigint, schema.Timestamp, schema.Double:
		add(m, asBytes(v.i64))
	case schema.Int, schema.Date, schema.Float:
		add(m, asBytes(v.i32))
	case schema.Decimal:
		add(m, asBytes(v.dec))
	case schema.Boolean:
		packed := m.Buffer((v.n + 7) / 8)
		clear(packed)
		for i, b := range v.bools {
			if b {
				packed[i>>3] |= 1 << (i & 7)
			}
		}
	case schema.String, schema.JSON, schema.Binary:
		if x := &v.text; !x.plain && len(x.off)*2 > v.n-nulls {
			x.toPlain(v.nulls)
		}
		if !v.text.plain {
			values := &batch.Maker{Mem: mem, N: len(v.text.off), Buffers: []*memory.Buffer{nil}}
			defer values.Release()
			addOffsets(values, v.text.off, len(v.text.heap))
			add(values, v.text.heap)
			dictionary := values.Data(arrow.BinaryTypes.String)
			defer dictionary.Release()
			add(m, asBytes(v.text.codes))
			return m.Coded(dictionaryType, dictionary)
		}
		addOffsets(m, v.text.off, len(v.text.heap))
		add(m, v.text.heap)
	case schema.List:
		addOffsets(m, v.off, v.kids[0].n)
		m.Children = append(m.Children, v.kids[0].data(t.Elem, mem))
	case schema.Map:
		addOffsets(m, v.off, v.kids[0].n)
		key := v.kids[0].data(&schema.Type{Kind: schema.String}, mem)
		value := v.kids[1].data(t.Elem, mem)
		entries := &batch.Maker{Mem: mem, N: v.kids[0].n, Buffers: []*memory.Buffer{nil}, Children: []arrow.ArrayData{key, value}}
		defer entries.Release()
		m.Children = append(m.Children, entries.Data(kind.(*arrow.MapType).Elem()))
	case schema.Struct:
		for i, k := range v.kids {
			k.pad(v.n)
			m.Children = append(m.Children, k.data(&t.Fields[i].Type, mem))
		}
	}
	return m.Data(kind)
}

// add adds a buffer that holds src.
func add(m *batch.Maker, src []byte) { copy(m.Buffer(len(src)), src) }

// addOffsets adds the offsets buffer: the starts, and the end.
func addOffsets(m *batch.Maker, starts []int32, end int) {
	dst := m.Buffer(4 * (len(starts) + 1))
	copy(dst, asBytes(starts))
	copy(dst[4*len(starts):], asBytes([]int32{int32(end)}))
}

// asBytes is the memory of s: Arrow's buffers hold the same values in the same layout, little endian.
func asBytes[T uint32 | uint64 | int32 | int64 | float32 | float64 | decimal128.Num](s []T) []byte {
	var x T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(x)))
}
