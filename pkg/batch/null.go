package batch

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Null makes a copy of a in which the values at the given rows are null, and nothing of them is left below the nulls. The caller
// releases the result; a stays as it is. It fails on types that pkg/schema does not have.
func Null(a arrow.Array, at []bool, mem memory.Allocator) (arrow.Array, error) {
	data, err := null(a, at, mem)
	if err != nil {
		return nil, err
	}
	defer data.Release()
	return array.MakeFromData(data), nil
}

func null(a arrow.Array, at []bool, mem memory.Allocator) (arrow.ArrayData, error) {
	n := a.Len()
	m := &Maker{Mem: mem, N: n}
	defer m.Release()
	bits := m.Buffer(int(bitutil.BytesForBits(int64(n))))
	clear(bits)
	for i := range n {
		if a.IsValid(i) && !at[i] {
			bitutil.SetBit(bits, i)
		} else {
			m.Nulls++
		}
	}
	data := a.Data()
	switch t := a.DataType().(type) {
	case *arrow.BooleanType:
		packed := m.Buffer(len(bits))
		clear(packed)
		from := data.Buffers()[1].Bytes()
		for i := range n {
			if bitutil.BitIsSet(bits, i) {
				bitutil.SetBitTo(packed, i, bitutil.BitIsSet(from, data.Offset()+i))
			}
		}
	case *arrow.DictionaryType:
		m.fixed(data, t.IndexType.(arrow.FixedWidthDataType).Bytes(), bits)
		return m.Coded(t, data.Dictionary()), nil
	case arrow.FixedWidthDataType:
		m.fixed(data, t.Bytes(), bits)
	case arrow.BinaryDataType:
		from, heap := arrow.GetOffsets[int32](data, 1), data.Buffers()[2].Bytes()
		size := 0
		for i := range n {
			if bitutil.BitIsSet(bits, i) {
				size += int(from[i+1] - from[i])
			}
		}
		to := arrow.Int32Traits.CastFromBytes(m.Buffer(4 * (n + 1)))
		values, end := m.Buffer(size), 0
		for i := range n {
			if to[i] = int32(end); bitutil.BitIsSet(bits, i) {
				end += copy(values[end:], heap[from[i]:from[i+1]])
			}
		}
		to[n] = int32(end)
	case *arrow.ListType, *arrow.MapType:
		from := arrow.GetOffsets[int32](data, 1)
		to := arrow.Int32Traits.CastFromBytes(m.Buffer(4 * (n + 1)))
		var inner []uint32
		for i := range n {
			to[i] = int32(len(inner))
			for e := from[i]; e < from[i+1] && bitutil.BitIsSet(bits, i); e++ {
				inner = append(inner, uint32(e))
			}
		}
		to[n] = int32(len(inner))
		child, err := take(Elements(a), inner, mem)
		if err != nil {
			return nil, err
		}
		m.Children = append(m.Children, child)
	case *arrow.StructType:
		s := a.(*array.Struct)
		for i := range s.NumField() {
			// Field gives the child already cut to the struct's offset and length.
			child, err := null(s.Field(i), at, mem)
			if err != nil {
				return nil, err
			}
			m.Children = append(m.Children, child)
		}
	default:
		return nil, fmt.Errorf("values of type %s cannot be made null", a.DataType())
	}
	return m.Data(a.DataType()), nil
}

// fixed adds a buffer with the values of a fixed width, and zeros where there are none.
func (m *Maker) fixed(data arrow.ArrayData, width int, bits []byte) {
	to := m.Buffer(width * m.N)
	copy(to, data.Buffers()[1].Bytes()[data.Offset()*width:])
	for i := range m.N {
		if !bitutil.BitIsSet(bits, i) {
			clear(to[i*width : (i+1)*width])
		}
	}
}

// Elements gives the elements of a list array, or the entries of a map array; nil for another array. They are all that the
// array's offsets count from.
func Elements(a arrow.Array) arrow.Array {
	switch l := a.(type) {
	case *array.Map:
		return l.ListValues()
	case *array.List:
		return l.ListValues()
	}
	return nil
}
