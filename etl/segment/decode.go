package segment

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// decoder reads what an encoder wrote, from the front of src. It copies, so that src can be used again at once: that costs less
// than to keep it.
type decoder struct {
	src   []byte
	mem   memory.Allocator
	steps []uint32 // scratch
}

func (d *decoder) take(n int) []byte {
	b := d.src[:n]
	d.src = d.src[n:]
	return b
}

func (d *decoder) uint32() uint32 { return binary.LittleEndian.Uint32(d.take(4)) }

// rows are the values of a piece, or of a column in one, that are wanted: those from from up to to, of n.
type rows struct{ n, from, to int }

func (r rows) len() int { return r.to - r.from }

// piece reads the rows of some partitions, from first to last, and says whether there are any. The segment's slices are used
// again.
func (d *decoder) piece(schema *arrow.Schema, s *Segment, first, last uint32) bool {
	r := rows{n: int(d.uint32())}
	heads := decoder{src: d.take(12 * int(d.uint32()))}
	s.Partitions, s.Numbers = s.Partitions[:0], s.Numbers[:0]
	for len(heads.src) > 0 { // in the order of the partitions
		partition, n, number := heads.uint32(), int(heads.uint32()), heads.uint32()
		switch {
		case partition < first:
			r.from += n
			fallthrough
		case partition <= last:
			r.to += n
		}
		if first <= partition && partition <= last {
			at := len(s.Partitions)
			s.Partitions, s.Numbers = resize(s.Partitions, at+n), resize(s.Numbers, at+n)
			for i := range n {
				s.Partitions[at+i] = partition
			}
			s.Numbers[at] = number
		}
	}
	if r.len() == 0 {
		return false
	}
	d.steps = resize(d.steps, r.len())
	unpack(d, d.steps, r)
	for i := 1; i < r.len(); i++ {
		if s.Partitions[i] == s.Partitions[i-1] {
			s.Numbers[i] = s.Numbers[i-1] + d.steps[i]
		}
	}
	columns := make([]arrow.Array, schema.NumFields())
	for i := range columns {
		data := d.column(schema.Field(i).Type, r)
		columns[i] = array.MakeFromData(data)
		data.Release()
	}
	s.Record = array.NewRecord(schema, columns, int64(r.len()))
	for _, c := range columns {
		c.Release()
	}
	return true
}

// resize keeps what s has; what is new may be anything.
func resize(s []uint32, n int) []uint32 { return slices.Grow(s, max(0, n-len(s)))[:n] }

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

// column reads values of type t.
func (d *decoder) column(t arrow.DataType, r rows) arrow.ArrayData {
	n := r.len()
	m := made{mem: d.mem, n: n}
	defer m.release()
	valid := d.take(1)[0]
	switch valid {
	case allValid:
		m.buffers = append(m.buffers, nil)
	case someValid:
		bits := m.buffer((n + 7) / 8)
		d.bits(bits, r)
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
			d.bits(to, r)
		}
	case *arrow.Int64Type, *arrow.TimestampType:
		if to := arrow.Int64Traits.CastFromBytes(m.buffer(8 * n)); none {
			clear(to)
		} else {
			unpack(d, to, r)
		}
	case *arrow.Int32Type, *arrow.Date32Type:
		if to := arrow.Int32Traits.CastFromBytes(m.buffer(4 * n)); none {
			clear(to)
		} else {
			unpack(d, to, r)
		}
	case *arrow.DictionaryType:
		return d.coded(t, &m, r, none)
	case arrow.FixedWidthDataType:
		if to := m.buffer(t.Bytes() * n); none {
			clear(to)
		} else {
			d.fixed(to, t.Bytes(), r)
		}
	case *arrow.StringType, *arrow.BinaryType:
		d.strings(&m, r, none)
	case *arrow.ListType, *arrow.MapType:
		d.list(t.(arrow.ListLikeType), &m, r, none)
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if none {
				m.children = append(m.children, d.nulls(f.Type, n))
			} else {
				m.children = append(m.children, d.column(f.Type, r))
			}
		}
	}
	return array.NewData(t, n, m.buffers, m.children, m.nulls, 0)
}

// nulls makes a column of n nulls.
func (d *decoder) nulls(t arrow.DataType, n int) arrow.ArrayData {
	none := decoder{src: []byte{noneValid}, mem: d.mem}
	return none.column(t, rows{n, 0, n})
}

// bits reads bits; those of the last byte that are left over may be anything.
func (d *decoder) bits(to []byte, r rows) {
	from := d.take((r.n + 7) / 8)
	if r.from%8 == 0 {
		copy(to, from[r.from/8:])
		return
	}
	bitutil.CopyBitmap(from, r.from, r.len(), to, 0)
}

// fixed reads values of a fixed width.
func (d *decoder) fixed(to []byte, width int, r rows) {
	if d.take(1)[0] == manyValues {
		copy(to, d.take(width * r.n)[width*r.from:])
		return
	}
	for done := copy(to, d.take(width)); done < len(to); {
		done += copy(to[done:], to[:done])
	}
}

// unpack reads integers.
func unpack[T int32 | uint32 | int64](d *decoder, to []T, r rows) {
	least, width := T(binary.LittleEndian.Uint64(d.take(8))), int(d.take(1)[0])
	from := d.take(width * r.n)[width*r.from:]
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

// offsets adds a buffer of where each of some things begins and the last ends, from their lengths and the sum of all. It gives the sum
// of the lengths, as rows of which those are wanted that the things have.
func (d *decoder) offsets(m *made, r rows) rows {
	inner := rows{n: int(d.uint32())}
	if r.from > 0 { // of those before too
		d.steps = resize(d.steps, r.from)
		again := *d
		unpack(&again, d.steps, rows{r.n, 0, r.from})
		for _, n := range d.steps {
			inner.from += int(n)
		}
	}
	to := arrow.Int32Traits.CastFromBytes(m.buffer(4 * (r.len() + 1)))
	to[0] = 0
	unpack(d, to[1:], r)
	at := int32(0)
	for i, n := range to[1:] {
		at += n
		to[1+i] = at
	}
	inner.to = inner.from + int(at)
	return inner
}

// strings adds the buffers of strings.
func (d *decoder) strings(m *made, r rows, none bool) {
	if none {
		clear(m.buffer(4 * (r.len() + 1)))
		m.buffer(0)
		return
	}
	text := d.offsets(m, r)
	copy(m.buffer(text.len()), d.take(text.n)[text.from:])
}

func (d *decoder) coded(t *arrow.DictionaryType, m *made, r rows, none bool) arrow.ArrayData {
	used := 0
	if !none {
		used = int(d.uint32())
	}
	entries := made{mem: d.mem, n: used, buffers: []*memory.Buffer{nil}}
	defer entries.release()
	d.strings(&entries, rows{used, 0, used}, none)
	dictionary := array.NewData(t.ValueType, used, entries.buffers, nil, 0, 0)
	defer dictionary.Release()
	width := t.IndexType.(arrow.FixedWidthDataType).Bytes()
	to := m.buffer(width * m.n)
	switch {
	case none:
		clear(to)
	case width == 4:
		unpack(d, arrow.Uint32Traits.CastFromBytes(to), r)
	default:
		codes := make([]uint32, m.n)
		unpack(d, codes, r)
		clear(to)
		for i, c := range codes {
			for k := range min(width, 4) {
				to[i*width+k] = byte(c >> (8 * k))
			}
		}
	}
	return array.NewDataWithDictionary(t, m.n, m.buffers, m.nulls, 0, dictionary)
}

func (d *decoder) list(t arrow.ListLikeType, m *made, r rows, none bool) {
	if none {
		clear(m.buffer(4 * (m.n + 1)))
		m.children = append(m.children, d.nulls(t.Elem(), 0))
		return
	}
	m.children = append(m.children, d.column(t.Elem(), d.offsets(m, r)))
}
