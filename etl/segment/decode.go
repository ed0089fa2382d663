package segment

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
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

// piece reads the rows of a segment; its slices are used again.
func (d *decoder) piece(schema *arrow.Schema, s *Segment) {
	n := int(d.uint32())
	s.Numbers, s.Partitions = resize(s.Numbers, n), resize(s.Partitions, n)
	d.integers(n, func(i int, v int64) { s.Numbers[i] = uint32(v + int64(i)) })
	for i := 0; i < n; {
		value, end := d.uint32(), 0
		end = i + int(d.uint32())
		for ; i < end; i++ {
			s.Partitions[i] = value
		}
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
		set := 0
		for i := range n {
			set += int(bits[i>>3] >> (i & 7) & 1)
		}
		m.nulls = n - set
	case noneValid:
		clear(m.buffer((n + 7) / 8))
		m.nulls = n
	}
	none := valid == noneValid
	switch t := t.(type) {
	case *arrow.BooleanType:
		d.plain(m.buffer((n+7)/8), none)
	case *arrow.Int64Type, *arrow.TimestampType:
		to := arrow.Int64Traits.CastFromBytes(m.buffer(8 * n))
		if clear(to); !none {
			d.int64s(to)
		}
	case *arrow.Int32Type, *arrow.Date32Type:
		to := arrow.Int32Traits.CastFromBytes(m.buffer(4 * n))
		if clear(to); !none {
			d.integers(n, func(i int, v int64) { to[i] = int32(v) })
		}
	case *arrow.DictionaryType:
		return d.coded(t, &m, none)
	case arrow.FixedWidthDataType:
		d.plain(m.buffer(t.Bytes()*n), none)
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

func (d *decoder) plain(to []byte, none bool) {
	if none {
		clear(to)
		return
	}
	copy(to, d.take(len(to)))
}

// head reads the least value and the width of n integers, and gives what each is more.
func (d *decoder) head(n int) (least int64, width int, deltas []byte) {
	least = int64(binary.LittleEndian.Uint64(d.take(8)))
	width = int(d.take(1)[0])
	return least, width, d.take(width * n)
}

func (d *decoder) integers(n int, put func(i int, v int64)) {
	least, width, from := d.head(n)
	for i := range n {
		put(i, least+delta(from, width, i))
	}
}

func delta(from []byte, width, i int) int64 {
	switch width {
	case 0:
		return 0
	case 1:
		return int64(from[i])
	case 2:
		return int64(binary.LittleEndian.Uint16(from[2*i:]))
	case 4:
		return int64(binary.LittleEndian.Uint32(from[4*i:]))
	}
	return int64(binary.LittleEndian.Uint64(from[8*i:]))
}

// int64s is integers for the commonest kind of column.
func (d *decoder) int64s(to []int64) {
	least, width, from := d.head(len(to))
	switch width {
	case 1:
		for i := range to {
			to[i] = least + int64(from[i])
		}
	case 2:
		for i := range to {
			to[i] = least + int64(binary.LittleEndian.Uint16(from[2*i:]))
		}
	case 4:
		for i := range to {
			to[i] = least + int64(binary.LittleEndian.Uint32(from[4*i:]))
		}
	default:
		for i := range to {
			to[i] = least + delta(from, width, i)
		}
	}
}

// strings adds the buffers of n strings.
func (d *decoder) strings(m *made, n int, none bool) {
	offsets := arrow.Int32Traits.CastFromBytes(m.buffer(4 * (n + 1)))
	if none {
		clear(offsets)
		m.buffer(0)
		return
	}
	at := int32(0)
	least, width, from := d.head(n)
	switch width {
	case 0:
		for i := range n {
			offsets[i] = at
			at += int32(least)
		}
	case 1:
		for i := range n {
			offsets[i] = at
			at += int32(least) + int32(from[i])
		}
	default:
		for i := range n {
			offsets[i] = at
			at += int32(least + delta(from, width, i))
		}
	}
	offsets[n] = at
	copy(m.buffer(int(at)), d.take(int(at)))
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
		codes := arrow.Uint32Traits.CastFromBytes(to)
		least, w, from := d.head(m.n)
		switch w {
		case 1:
			for i := range codes {
				codes[i] = uint32(least) + uint32(from[i])
			}
		default:
			for i := range codes {
				codes[i] = uint32(least + delta(from, w, i))
			}
		}
	default:
		clear(to)
		d.integers(m.n, func(i int, v int64) {
			for k := range min(width, 4) {
				to[i*width+k] = byte(v >> (8 * k))
			}
		})
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
	at := int32(0)
	d.integers(m.n, func(i int, v int64) {
		offsets[i] = at
		at += int32(v)
	})
	offsets[m.n] = at
	m.children = append(m.children, d.column(t.Elem(), inner))
}
