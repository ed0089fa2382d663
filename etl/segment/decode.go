package segment

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// decoder reads what an encoder wrote, from the front of src. It copies, so that src can be used again at once: that costs less
// than to keep it.
type decoder struct {
	src []byte
	mem memory.Allocator
}

func (d *decoder) take(n int) []byte {
	b := d.src[:n]
	d.src = d.src[n:]
	return b
}

func (d *decoder) uint32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }

// has says whether the piece that comes has rows of a partition that is wanted. It takes nothing.
func (d decoder) has(want func(partition uint32) bool) bool {
	d.uint32()
	for range d.uint32() {
		if want(d.uint32()) {
			return true
		}
		d.take(8)
	}
	return false
}

// piece reads the rows of a segment; its slices are used again.
func (d *decoder) piece(schema *arrow.Schema, s *Segment) {
	n := int(d.uint32())
	s.Numbers, s.Partitions = resize(s.Numbers, n), resize(s.Partitions, n)
	heads := decoder{src: d.take(12 * int(d.uint32()))}
	unpack(d, s.Numbers) // the steps between them
	for i := 0; i < n; {
		partition, rows, number := heads.uint32(), int(heads.uint32()), heads.uint32()
		s.Partitions[i], s.Numbers[i] = partition, number
		for k := i + 1; k < i+rows; k++ {
			number += s.Numbers[k]
			s.Partitions[k], s.Numbers[k] = partition, number
		}
		i += rows
	}
	columns := make([]arrow.Array, schema.NumFields())
	for i := range columns {
		data := d.column(schema.Field(i).Type, n)
		columns[i] = array.MakeFromData(data)
		data.Release()
	}
	s.Record = array.NewRecord(schema, columns, int64(n))
	for _, c := range columns {
		c.Release()
	}
}

func resize(s []uint32, n int) []uint32 {
	if cap(s) < n {
		return make([]uint32, n, n+n/2)
	}
	return s[:n]
}

// made is array data in the making. It takes over what it is given.
type made struct {
	mem      memory.Allocator
	n, nulls int
	buffers  []*memory.Buffer
	children []arrow.ArrayData
}

// buffer adds a buffer of size bytes, which hold anything.
func (m *made) buffer(size int) []byte {
	b := memory.NewResizableBuffer(m.mem)
	b.Resize(size)
	m.buffers = append(m.buffers, b)
	return b.Bytes()
}

func (m *made) release() {
	for _, b := range m.buffers {
		if b != nil {
			b.Release()
		}
	}
	for _, c := range m.children {
		c.Release()
	}
}

// column reads n values of type t.
func (d *decoder) column(t arrow.DataType, n int) arrow.ArrayData {
	m := made{mem: d.mem, n: n}
	defer m.release()
	valid := d.take(1)[0]
	switch valid {
	case allValid:
		m.buffers = append(m.buffers, nil)
	case someValid:
		bits := m.buffer((n + 7) / 8)
		copy(bits, d.take(len(bits)))
		m.nulls = n - bitutil.CountSetBits(bits, 0, n)
	case noneValid:
		clear(m.buffer((n + 7) / 8))
		m.nulls = n
	}
	none := valid == noneValid
	switch t := t.(type) {
	case *arrow.BooleanType:
		if to := m.buffer((n + 7) / 8); none {
			clear(to)
		} else {
			copy(to, d.take(len(to)))
		}
	case *arrow.Int64Type, *arrow.TimestampType:
		if to := arrow.Int64Traits.CastFromBytes(m.buffer(8 * n)); none {
			clear(to)
		} else {
			unpack(d, to)
		}
	case *arrow.Int32Type, *arrow.Date32Type:
		if to := arrow.Int32Traits.CastFromBytes(m.buffer(4 * n)); none {
			clear(to)
		} else {
			unpack(d, to)
		}
	case *arrow.DictionaryType:
		return d.coded(t, &m, none)
	case arrow.FixedWidthDataType:
		if to := m.buffer(t.Bytes() * n); none {
			clear(to)
		} else {
			d.fixed(to, t.Bytes())
		}
	case *arrow.StringType, *arrow.BinaryType:
		d.strings(&m, n, none)
	case *arrow.ListType, *arrow.MapType:
		d.list(t.(arrow.ListLikeType), &m, none)
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if none {
				m.children = append(m.children, d.nulls(f.Type, n))
			} else {
				m.children = append(m.children, d.column(f.Type, n))
			}
		}
	}
	return array.NewData(t, n, m.buffers, m.children, m.nulls, 0)
}

// nulls makes a column of n nulls.
func (d *decoder) nulls(t arrow.DataType, n int) arrow.ArrayData {
	none := decoder{src: []byte{noneValid}, mem: d.mem}
	return none.column(t, n)
}

// fixed reads values of a fixed width.
func (d *decoder) fixed(to []byte, width int) {
	if d.take(1)[0] == manyValues {
		copy(to, d.take(len(to)))
		return
	}
	for done := copy(to, d.take(width)); done < len(to); {
		done += copy(to[done:], to[:done])
	}
}

// unpack reads integers.
func unpack[T int32 | uint32 | int64](d *decoder, to []T) {
	least, width := T(binary.LittleEndian.Uint64(d.take(8))), int(d.take(1)[0])
	from := d.take(width * len(to))
	switch width {
	case 0:
		for i := range to {
			to[i] = least
		}
	case 1:
		for i := range to {
			to[i] = least + T(from[i])
		}
	case 2:
		for i := range to {
			to[i] = least + T(binary.LittleEndian.Uint16(from[2*i:]))
		}
	case 4:
		for i := range to {
			to[i] = least + T(binary.LittleEndian.Uint32(from[4*i:]))
		}
	default:
		for i := range to {
			to[i] = least + T(binary.LittleEndian.Uint64(from[8*i:]))
		}
	}
}

// offsets reads lengths, and gives where each begins and the last ends.
func (d *decoder) offsets(to []int32) (end int) {
	to[0] = 0
	unpack(d, to[1:])
	at := int32(0)
	for i, n := range to[1:] {
		at += n
		to[1+i] = at
	}
	return int(at)
}

// strings adds the buffers of n strings.
func (d *decoder) strings(m *made, n int, none bool) {
	offsets := arrow.Int32Traits.CastFromBytes(m.buffer(4 * (n + 1)))
	if none {
		clear(offsets)
		m.buffer(0)
		return
	}
	size := d.offsets(offsets)
	copy(m.buffer(size), d.take(size))
}

func (d *decoder) coded(t *arrow.DictionaryType, m *made, none bool) arrow.ArrayData {
	used := 0
	if !none {
		used = int(d.uint32())
	}
	entries := made{mem: d.mem, n: used, buffers: []*memory.Buffer{nil}}
	defer entries.release()
	d.strings(&entries, used, none)
	dictionary := array.NewData(t.ValueType, used, entries.buffers, nil, 0, 0)
	defer dictionary.Release()
	width := t.IndexType.(arrow.FixedWidthDataType).Bytes()
	to := m.buffer(width * m.n)
	switch {
	case none:
		clear(to)
	case width == 4:
		unpack(d, arrow.Uint32Traits.CastFromBytes(to))
	default:
		codes := make([]uint32, m.n)
		unpack(d, codes)
		clear(to)
		for i, c := range codes {
			for k := range min(width, 4) {
				to[i*width+k] = byte(c >> (8 * k))
			}
		}
	}
	return array.NewDataWithDictionary(t, m.n, m.buffers, m.nulls, 0, dictionary)
}

func (d *decoder) list(t arrow.ListLikeType, m *made, none bool) {
	offsets := arrow.Int32Traits.CastFromBytes(m.buffer(4 * (m.n + 1)))
	if none {
		clear(offsets)
		m.children = append(m.children, d.nulls(t.Elem(), 0))
		return
	}
	inner := int(d.uint32())
	d.offsets(offsets)
	m.children = append(m.children, d.column(t.Elem(), inner))
}
