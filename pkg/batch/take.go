package batch

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Take makes a record of the given rows of rec, in that order. Dictionaries are shared, not copied. The caller releases
// the result; rec stays as it is. It fails on types that pkg/schema does not have.
func Take(rec arrow.Record, rows []uint32, mem memory.Allocator) (arrow.Record, error) {
	cols := make([]arrow.Array, rec.NumCols())
	defer func() {
		for _, c := range cols {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i, c := range rec.Columns() {
		data, err := take(c, rows, mem)
		if err != nil {
			return nil, fmt.Errorf("take rows of column %s: %w", rec.ColumnName(i), err)
		}
		cols[i] = array.MakeFromData(data)
		data.Release()
	}
	return array.NewRecord(rec.Schema(), cols, int64(len(rows))), nil
}

func take(a arrow.Array, rows []uint32, mem memory.Allocator) (arrow.ArrayData, error) {
	var own []*memory.Buffer // released here: the array data holds references of its own
	defer func() {
		for _, b := range own {
			b.Release()
		}
	}()
	buffer := func(n int) *memory.Buffer {
		b := memory.NewResizableBuffer(mem)
		b.Resize(n)
		own = append(own, b)
		return b
	}
	validity, nulls := (*memory.Buffer)(nil), 0
	if a.NullN() > 0 {
		validity = buffer(int(bitutil.BytesForBits(int64(len(rows)))))
		bits := validity.Bytes()
		clear(bits)
		for i, r := range rows {
			if a.IsValid(int(r)) {
				bitutil.SetBit(bits, i)
			} else {
				nulls++
			}
		}
	}
	made := func(buffers []*memory.Buffer, children []arrow.ArrayData) arrow.ArrayData {
		d := array.NewData(a.DataType(), len(rows), append([]*memory.Buffer{validity}, buffers...), children, nulls, 0)
		for _, c := range children {
			c.Release()
		}
		return d
	}
	data := a.Data()
	switch t := a.DataType().(type) {
	case *arrow.BooleanType:
		b := buffer(int(bitutil.BytesForBits(int64(len(rows)))))
		clear(b.Bytes())
		from := data.Buffers()[1].Bytes()
		for i, r := range rows {
			bitutil.SetBitTo(b.Bytes(), i, bitutil.BitIsSet(from, data.Offset()+int(r)))
		}
		return made([]*memory.Buffer{b}, nil), nil
	case *arrow.DictionaryType:
		width := t.IndexType.(arrow.FixedWidthDataType).Bytes()
		b := buffer(width * len(rows))
		gather(b.Bytes(), data.Buffers()[1].Bytes()[data.Offset()*width:], width, rows)
		return array.NewDataWithDictionary(t, len(rows), []*memory.Buffer{validity, b}, nulls, 0, data.Dictionary().(*array.Data)), nil
	case arrow.FixedWidthDataType:
		width := t.Bytes()
		b := buffer(width * len(rows))
		gather(b.Bytes(), data.Buffers()[1].Bytes()[data.Offset()*width:], width, rows)
		return made([]*memory.Buffer{b}, nil), nil
	case arrow.BinaryDataType:
		from := arrow.Int32Traits.CastFromBytes(data.Buffers()[1].Bytes())[data.Offset():]
		size := 0
		for _, r := range rows {
			size += int(from[r+1] - from[r])
		}
		offsets, values := buffer(4*(len(rows)+1)), buffer(size)
		to, at := arrow.Int32Traits.CastFromBytes(offsets.Bytes()), 0
		for i, r := range rows {
			to[i] = int32(at)
			if from[r] != from[r+1] {
				at += copy(values.Bytes()[at:], data.Buffers()[2].Bytes()[from[r]:from[r+1]])
			}
		}
		to[len(rows)] = int32(at)
		return made([]*memory.Buffer{offsets, values}, nil), nil
	case *arrow.ListType, *arrow.MapType:
		from := arrow.Int32Traits.CastFromBytes(data.Buffers()[1].Bytes())[data.Offset():]
		offsets := buffer(4 * (len(rows) + 1))
		to := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
		var inner []uint32
		for i, r := range rows {
			to[i] = int32(len(inner))
			if a.IsNull(int(r)) {
				continue
			}
			for e := from[r]; e < from[r+1]; e++ {
				inner = append(inner, uint32(e))
			}
		}
		to[len(rows)] = int32(len(inner))
		child, err := take(Elements(a), inner, mem)
		if err != nil {
			return nil, err
		}
		return made([]*memory.Buffer{offsets}, []arrow.ArrayData{child}), nil
	case *arrow.StructType:
		s := a.(*array.Struct)
		children := make([]arrow.ArrayData, s.NumField())
		for i := range children {
			var err error
			// Field gives the child already cut to the struct's offset and length.
			if children[i], err = take(s.Field(i), rows, mem); err != nil {
				for _, c := range children[:i] {
					c.Release()
				}
				return nil, err
			}
		}
		return made(nil, children), nil
	}
	return nil, fmt.Errorf("rows of type %s cannot be taken", a.DataType())
}

// gather copies values of a fixed width.
func gather(dst, src []byte, width int, rows []uint32) {
	switch width {
	case 4:
		d, s := arrow.Uint32Traits.CastFromBytes(dst), arrow.Uint32Traits.CastFromBytes(src)
		for i, r := range rows {
			d[i] = s[r]
		}
	case 8:
		d, s := arrow.Uint64Traits.CastFromBytes(dst), arrow.Uint64Traits.CastFromBytes(src)
		for i, r := range rows {
			d[i] = s[r]
		}
	default:
		for i, r := range rows {
			copy(dst[i*width:], src[int(r)*width:(int(r)+1)*width])
		}
	}
}
