package decode

import (
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

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
	m := maker{mem: mem, n: v.n, nulls: nulls}
	if nulls > 0 {
		v.validity(m.grow((v.n + 7) / 8))
	} else {
		m.buffers = append(m.buffers, nil)
	}
	kind := t.Arrow()
	switch v.kind {
	case schema.Bigint, schema.Timestamp, schema.Double:
		m.add(asBytes(v.i64))
	case schema.Int, schema.Date, schema.Float:
		m.add(asBytes(v.i32))
	case schema.Decimal:
		m.add(asBytes(v.dec))
	case schema.Boolean:
		packed := m.grow((v.n + 7) / 8)
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
			values := maker{mem: mem, n: len(v.text.off), buffers: []*memory.Buffer{nil}}
			values.offsets(v.text.off, len(v.text.heap))
			values.add(v.text.heap)
			dictionary := values.data(arrow.BinaryTypes.String)
			defer dictionary.Release()
			m.add(asBytes(v.text.codes))
			defer m.release()
			return array.NewDataWithDictionary(dictionaryType, v.n, m.buffers, nulls, 0, dictionary.(*array.Data))
		}
		m.offsets(v.text.off, len(v.text.heap))
		m.add(v.text.heap)
	case schema.List:
		m.offsets(v.off, v.kids[0].n)
		m.children = append(m.children, v.kids[0].data(t.Elem, mem))
	case schema.Map:
		m.offsets(v.off, v.kids[0].n)
		key := v.kids[0].data(&schema.Type{Kind: schema.String}, mem)
		value := v.kids[1].data(t.Elem, mem)
		entries := maker{mem: mem, n: v.kids[0].n, buffers: []*memory.Buffer{nil}, children: []arrow.ArrayData{key, value}}
		m.children = append(m.children, entries.data(kind.(*arrow.MapType).Elem()))
	case schema.Struct:
		for i, k := range v.kids {
			k.pad(v.n)
			m.children = append(m.children, k.data(&t.Fields[i].Type, mem))
		}
	}
	return m.data(kind)
}

// maker gathers the buffers of one array, copied from the vector's slices into memory of the batch.
type maker struct {
	mem      memory.Allocator
	n, nulls int
	buffers  []*memory.Buffer
	children []arrow.ArrayData
}

func (m *maker) grow(size int) []byte {
	b := memory.NewResizableBuffer(m.mem)
	b.Resize(size)
	m.buffers = append(m.buffers, b)
	return b.Bytes()
}

func (m *maker) add(src []byte) { copy(m.grow(len(src)), src) }

// offsets adds the offsets buffer: the starts, and the end.
func (m *maker) offsets(starts []int32, end int) {
	dst := m.grow(4 * (len(starts) + 1))
	copy(dst, asBytes(starts))
	copy(dst[4*len(starts):], asBytes([]int32{int32(end)}))
}

// data makes the array data, which takes over what the maker holds.
func (m *maker) data(t arrow.DataType) arrow.ArrayData {
	defer m.release()
	return array.NewData(t, m.n, m.buffers, m.children, m.nulls, 0)
}

func (m *maker) release() {
	for _, b := range m.buffers {
		if b != nil {
			b.Release()
		}
	}
	for _, c := range m.children {
		c.Release()
	}
}

// asBytes is the memory of s: Arrow's buffers hold the same values in the same layout, little endian.
func asBytes[T uint32 | uint64 | int32 | int64 | float32 | float64 | decimal128.Num](s []T) []byte {
	var x T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(x)))
}
