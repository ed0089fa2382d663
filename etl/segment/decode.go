package segment

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
)

// decoder reads what encoders wrote: the rows of pieces of one schema, to one record. A record costs some hundreds of
// nanoseconds a column, here and in all that take it, and where partitions are many a piece has a handful of rows.
//
// It copies, so that the bytes of the pieces can be used again at once: that costs less than to keep them.
type decoder struct {
	mem  memory.Allocator
	srcs []source
	rows Rows

	lengths []int32  // scratch
	texts   [][]byte // scratch
	codes   []uint32 // scratch
}

// source is a piece, read from its front.
type source struct {
	src  []byte
	span span
}

// span are the values of a piece, or of a column in one, that are wanted: those from from up to to, of n.
type span struct {
	n, from, to int
	absent      bool // nothing was written of them, for they are null
}

func (s span) len() int { return s.to - s.from }

func lenOf(spans []span) (n int) {
	for _, s := range spans {
		n += s.len()
	}
	return n
}

func (s *source) take(n int) []byte {
	b := s.src[:n]
	s.src = s.src[n:]
	return b
}

func (s *source) uint32() uint32 { return binary.LittleEndian.Uint32(s.take(4)) }

// reset forgets all pieces.
func (d *decoder) reset() {
	d.srcs = d.srcs[:0]
	d.rows.Numbers, d.rows.Partitions, d.rows.Units = d.rows.Numbers[:0], d.rows.Partitions[:0], d.rows.Units[:0]
}

// add takes the rows of a piece that are of partitions from first to last, if there are any. The bytes are read by record.
func (d *decoder) add(piece []byte, unit uint64, first, last uint32) {
	s := source{src: piece, span: span{n: int(binary.LittleEndian.Uint32(piece))}}
	s.take(4)
	heads := source{src: s.take(12 * int(s.uint32()))}
	r, at := &d.rows, len(d.rows.Numbers)
	for len(heads.src) > 0 { // in the order of the partitions
		partition, n, number := heads.uint32(), int(heads.uint32()), heads.uint32()
		if partition > last {
			break
		}
		if s.span.to += n; partition < first {
			s.span.from += n
			continue
		}
		k := len(r.Partitions)
		r.Partitions, r.Numbers = resize(r.Partitions, k+n), resize(r.Numbers, k+n)
		for i := k; i < k+n; i++ {
			r.Partitions[i] = partition
		}
		r.Numbers[k] = number
	}
	n := s.span.len()
	if n == 0 {
		return
	}
	d.codes = resize(d.codes, n)
	unpack(&s, d.codes, s.span) // the steps between them
	numbers, partitions := r.Numbers[at:], r.Partitions[at:]
	for i := 1; i < n; i++ {
		if partitions[i] == partitions[i-1] {
			numbers[i] = numbers[i-1] + d.codes[i]
		}
	}
	r.Units = append(r.Units, UnitRows{unit, n})
	d.srcs = append(d.srcs, s)
}

// record makes the record of the rows that were added.
func (d *decoder) record(schema *arrow.Schema) {
	spans := make([]span, len(d.srcs))
	for i := range d.srcs {
		spans[i] = d.srcs[i].span
	}
	columns := make([]arrow.Array, schema.NumFields())
	for i := range columns {
		data := d.column(schema.Field(i).Type, spans)
		columns[i] = array.MakeFromData(data)
		data.Release()
	}
	d.rows.Record = array.NewRecord(schema, columns, int64(len(d.rows.Numbers)))
	for _, c := range columns {
		c.Release()
	}
}

// resize keeps what s has; what is new may be anything.
func resize[T any](s []T, n int) []T { return slices.Grow(s, max(0, n-len(s)))[:n] }

// column reads values of type t.
func (d *decoder) column(t arrow.DataType, of []span) arrow.ArrayData {
	n := lenOf(of)
	m := batch.Maker{Mem: d.mem, N: n, Buffers: make([]*memory.Buffer, 0, 3)}
	defer m.Release()
	spans := d.validity(&m, of)
	switch t := t.(type) {
	case *arrow.BooleanType:
		to, at := m.Buffer((n+7)/8), 0
		for i, s := range spans {
			if s.absent {
				bitutil.SetBitsTo(to, int64(at), int64(s.len()), false)
			} else {
				d.srcs[i].bits(to, at, s)
			}
			at += s.len()
		}
	case *arrow.Int64Type, *arrow.TimestampType:
		unpackAll(d, arrow.Int64Traits.CastFromBytes(m.Buffer(8*n)), spans)
	case *arrow.Int32Type, *arrow.Date32Type:
		unpackAll(d, arrow.Int32Traits.CastFromBytes(m.Buffer(4*n)), spans)
	case *arrow.DictionaryType:
		return d.coded(t, &m, spans)
	case arrow.FixedWidthDataType:
		to, width := m.Buffer(t.Bytes()*n), t.Bytes()
		for i, s := range spans {
			if s.absent {
				clear(to[:width*s.len()])
			} else {
				d.srcs[i].fixed(to[:width*s.len()], width, s)
			}
			to = to[width*s.len():]
		}
	case *arrow.StringType, *arrow.BinaryType:
		base := len(d.texts)
		at, to := int32(0), arrow.Int32Traits.CastFromBytes(m.Buffer(4*(n+1)))
		to[0] = 0
		to = to[1:]
		for i, s := range spans {
			text := d.offsets(i, to[:s.len()], at, s)
			to, at = to[s.len():], at+int32(text.len())
			d.texts = append(d.texts, d.srcs[i].take(text.n)[text.from:text.to])
		}
		d.text(m.Buffer(int(at)), base)
	case *arrow.ListType, *arrow.MapType:
		inner := make([]span, len(spans))
		at, to := int32(0), arrow.Int32Traits.CastFromBytes(m.Buffer(4*(n+1)))
		to[0] = 0
		to = to[1:]
		for i, s := range spans {
			inner[i] = d.offsets(i, to[:s.len()], at, s)
			to, at = to[s.len():], at+int32(inner[i].len())
		}
		m.Children = append(m.Children, d.column(t.(arrow.ListLikeType).Elem(), inner))
	case *arrow.StructType:
		for _, f := range t.Fields() {
			m.Children = append(m.Children, d.column(f.Type, spans))
		}
	}
	return m.Data(t)
}

// validity adds the buffer that says which values are valid. It gives the spans with those marked of which nothing follows.
func (d *decoder) validity(m *batch.Maker, of []span) []span {
	spans, all := of, true
	for i, s := range of {
		valid := byte(noneValid)
		if !s.absent {
			valid = d.srcs[i].src[0]
		}
		if all = all && valid == allValid; valid == noneValid && !s.absent {
			if &spans[0] == &of[0] {
				spans = slices.Clone(of)
			}
			spans[i].absent = true
		}
	}
	if all {
		for i := range of {
			d.srcs[i].take(1)
		}
		m.Buffers = append(m.Buffers, nil)
		return spans
	}
	to, at := m.Buffer((m.N+7)/8), 0
	for i, s := range of {
		valid := byte(noneValid)
		if !s.absent {
			valid = d.srcs[i].take(1)[0]
		}
		if valid == someValid {
			d.srcs[i].bits(to, at, s)
		} else {
			bitutil.SetBitsTo(to, int64(at), int64(s.len()), valid == allValid)
		}
		at += s.len()
	}
	m.Nulls = m.N - bitutil.CountSetBits(to, 0, m.N)
	return spans
}

// bits reads bits to those from at on.
func (s *source) bits(to []byte, at int, p span) {
	bitutil.CopyBitmap(s.take((p.n+7)/8), p.from, p.len(), to, at)
}

// fixed reads values of a fixed width.
func (s *source) fixed(to []byte, width int, p span) {
	if s.take(1)[0] == manyValues {
		copy(to, s.take(width * p.n)[width*p.from:])
		return
	}
	for done := copy(to, s.take(width)); done < len(to); {
		done += copy(to[done:], to[:done])
	}
}

func unpackAll[T int32 | int64](d *decoder, to []T, spans []span) {
	for i, s := range spans {
		if s.absent {
			clear(to[:s.len()])
		} else {
			unpack(&d.srcs[i], to[:s.len()], s)
		}
		to = to[s.len():]
	}
}

// unpack reads integers.
func unpack[T int32 | uint32 | int64](s *source, to []T, p span) {
	least, width := T(binary.LittleEndian.Uint64(s.take(8))), int(s.take(1)[0])
	from := s.take(width * p.n)[width*p.from:]
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

// offsets reads, from the sum of the lengths of some things and their lengths, where each ends, if the first begins at at. It gives
// the span of what the things hold.
func (d *decoder) offsets(i int, to []int32, at int32, p span) span {
	if p.absent {
		for k := range to {
			to[k] = at
		}
		return span{absent: true}
	}
	s := &d.srcs[i]
	inner := span{n: int(s.uint32())}
	if p.from > 0 { // of those before too
		d.lengths = resize(d.lengths, p.from)
		again := *s
		unpack(&again, d.lengths, span{n: p.n, to: p.from})
		for _, n := range d.lengths {
			inner.from += int(n)
		}
	}
	unpack(s, to, p)
	end := at
	for k, n := range to {
		end += n
		to[k] = end
	}
	inner.to = inner.from + int(end-at)
	return inner
}

// text joins the texts from base on, and forgets them.
func (d *decoder) text(to []byte, base int) {
	for _, t := range d.texts[base:] {
		to = to[copy(to, t):]
	}
	d.texts = d.texts[:base]
}

// coded reads a column with a dictionary, which becomes those of the pieces one behind the other: an entry may stand in it
// several times.
func (d *decoder) coded(t *arrow.DictionaryType, m *batch.Maker, spans []span) arrow.ArrayData {
	d.codes = resize(d.codes, m.N)
	codes, ends := d.codes, d.lengths[:0]
	for i, s := range spans {
		if s.absent {
			clear(codes[:s.len()])
			codes = codes[s.len():]
			continue
		}
		first, used, at := uint32(len(ends)), int(d.srcs[i].uint32()), int32(0)
		if first > 0 {
			at = ends[first-1]
		}
		ends = resize(ends, len(ends)+used)
		text := d.offsets(i, ends[first:], at, span{n: used, to: used})
		d.texts = append(d.texts, d.srcs[i].take(text.n))
		unpack(&d.srcs[i], codes[:s.len()], s)
		if first > 0 {
			for k := range codes[:s.len()] {
				codes[k] += first
			}
		}
		codes = codes[s.len():]
	}
	d.lengths = ends
	entries := batch.Maker{Mem: d.mem, N: len(ends), Buffers: []*memory.Buffer{nil}}
	defer entries.Release()
	offsets := arrow.Int32Traits.CastFromBytes(entries.Buffer(4 * (len(ends) + 1)))
	offsets[0] = 0
	copy(offsets[1:], ends)
	d.text(entries.Buffer(int(offsets[len(ends)])), 0) // no other column is being read: there are no dictionaries in lists
	dictionary := entries.Data(t.ValueType)
	defer dictionary.Release()
	width := t.IndexType.(arrow.FixedWidthDataType).Bytes()
	to := m.Buffer(width * m.N)
	if width == 4 {
		copy(arrow.Uint32Traits.CastFromBytes(to), d.codes)
	} else { // of a stage of the caller's own
		clear(to)
		for i, c := range d.codes {
			for k := range min(width, 4) {
				to[i*width+k] = byte(c >> (8 * k))
			}
		}
	}
	return m.Coded(t, dictionary)
}
