package encode

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/dict"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/shape"
	"datalake/pkg/parquetfile/internal/stats"
)

// byteStrings holds strings, binaries, and decimals of more than 18 digits.
type byteStrings struct {
	leaf    *shape.Leaf
	lim     *Limits
	compact bool
	bloom   bool

	dict   bool        // values are coded
	table  *dict.Texts // nil where the chunk has no dictionary
	before int         // values of the table before this page
	arena  []byte      // values that are not coded, end to end
	lens   []int32

	src binarySource
	dec []decimal128.Num
	// index of the bound dictionary array, nil for a plain one, and the column's codes of its values plus one, 0 where not
	// yet known. xlate is nil where few rows of a large dictionary are taken.
	index []uint32
	xlate []uint32
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

func newByteStrings(l *shape.Leaf, lim *Limits, compact, bloom bool) *byteStrings {
	return &byteStrings{leaf: l, lim: lim, compact: compact, bloom: bloom, dict: true, table: dict.NewTexts()}
}

func (b *byteStrings) bind(arr arrow.Array) error {
	switch a := arr.(type) {
	case *array.Decimal128:
		b.dec = a.Values()
	case *array.Dictionary:
		b.src = binaryOf(a.Dictionary())
		b.index = a.Indices().(*array.Uint32).Uint32Values() // the record's schema was checked
	default:
		b.src = binaryOf(arr)
	}
	return nil
}

func (b *byteStrings) unbind() {
	b.src, b.dec, b.index, b.xlate = binarySource{}, nil, nil, nil
}

func (b *byteStrings) full() bool {
	if b.dict {
		return len(b.table.Text) >= b.lim.PageBytes
	}
	return len(b.arena) >= b.lim.PageBytes
}

func (b *byteStrings) append(s *Scratch, rows []uint32, all bool) (int, error) {
	left := 0
	if b.dict && b.before == 0 {
		left = b.lim.Probe - len(b.table.Codes)
	}
	if left <= 0 || left > len(rows) {
		return b.take(s, rows, all)
	}
	took, err := b.take(s, rows[:left], all)
	if err != nil || took < left {
		return took, err
	}
	if b.lim.hopeless(len(b.table.Ends)) {
		arena, lens := b.arena[:0], b.lens[:0]
		for _, c := range b.table.Codes {
			v := b.table.Value(c)
			arena, lens = append(arena, v...), append(lens, int32(len(v)))
		}
		b.stop(0)
		b.arena, b.lens = arena, lens
	}
	if b.full() && !all {
		return took, nil
	}
	more, err := b.take(s, rows[left:], all)
	return took + more, err
}

// take is append without a look at whether the dictionary pays.
func (b *byteStrings) take(s *Scratch, rows []uint32, all bool) (int, error) {
	limit := b.lim.PageBytes
	if all {
		limit = int(^uint(0) >> 1)
	}
	switch {
	case b.dec != nil:
		return b.appendDecimals(rows, limit)
	case b.index != nil && b.dict:
		b.translate(s, len(rows))
		for i, r := range rows {
			k := b.index[r]
			var c uint32
			if b.xlate != nil {
				c = b.xlate[k]
			}
			if c == 0 {
				c = uint32(b.table.Code(b.src.value(k))) + 1
				if b.xlate != nil {
					b.xlate[k] = c
				}
				b.table.Codes = append(b.table.Codes, int32(c-1))
				if len(b.table.Text) >= limit {
					return i + 1, nil
				}
				continue
			}
			b.table.Codes = append(b.table.Codes, int32(c-1))
		}
	case b.index != nil:
		for i, r := range rows {
			v := b.src.value(b.index[r])
			b.arena = append(b.arena, v...)
			b.lens = append(b.lens, int32(len(v)))
			if len(b.arena) >= limit {
				return i + 1, nil
			}
		}
	case b.dict:
		for i, r := range rows {
			b.table.Codes = append(b.table.Codes, b.table.Code(b.src.value(r)))
			if len(b.table.Text) >= limit {
				return i + 1, nil
			}
		}
	default:
		for i, r := range rows {
			v := b.src.value(r)
			b.arena = append(b.arena, v...)
			b.lens = append(b.lens, int32(len(v)))
			if len(b.arena) >= limit {
				return i + 1, nil
			}
		}
	}
	return len(rows), nil
}

// translate makes ready a table from the bound dictionary's indexes to the column's codes, if so many rows are worth it.
func (b *byteStrings) translate(s *Scratch, rows int) {
	n := len(b.src.offsets) - 1
	if b.xlate != nil || n <= 0 || n > 4*rows+64 {
		return
	}
	if cap(s.xlate) < n {
		s.xlate = make([]uint32, n, 2*n)
	}
	b.xlate = s.xlate[:n]
	clear(b.xlate)
}

func (b *byteStrings) appendDecimals(rows []uint32, limit int) (int, error) {
	digits := b.leaf.Node().Type.(*arrow.Decimal128Type).Precision
	var v [16]byte
	for i, r := range rows {
		d := b.dec[r]
		if !d.FitsInPrecision(digits) {
			return 0, fault.Typef("a value of more than %d digits in %s", digits, b.leaf)
		}
		binary.BigEndian.PutUint64(v[:], uint64(d.HighBits()))
		binary.BigEndian.PutUint64(v[8:], d.LowBits())
		if b.dict {
			b.table.Codes = append(b.table.Codes, b.table.Code(v[16-b.leaf.Width:]))
		} else {
			b.arena = append(b.arena, v[16-b.leaf.Width:]...)
			b.lens = append(b.lens, int32(b.leaf.Width))
		}
		if b.dict && len(b.table.Text) >= limit || len(b.arena) >= limit {
			return i + 1, nil
		}
	}
	return len(rows), nil
}

func (b *byteStrings) encode(s *Scratch, body []byte) encodedPage {
	arena, lens := b.arena, b.lens
	b.arena, b.lens = b.arena[:0], emptied(b.lens, b.lim)
	if b.dict && len(b.table.Codes) > 0 {
		p, ok := b.encodeCodes(s, body)
		if ok {
			return p
		}
		arena, lens = s.text, s.lens
	} else if cap(arena) > 2*b.lim.PageBytes { // one huge value must not stay for ever
		b.arena = nil
	}
	if len(lens) == 0 {
		return encodedPage{body: body, split: len(body), encoding: format.Plain}
	}
	p := encodedPage{encoding: format.Plain}
	e := stats.Extremes{Signed: b.leaf.Order == stats.Signed}
	at := 0
	for _, n := range lens {
		v := arena[at : at+int(n) : at+int(n)]
		at += int(n)
		e.Add(v)
		if b.bloom {
			p.hashes = append(p.hashes, xxhash.Sum64(v))
		}
	}
	p.bounds = e.Bounds(b.leaf.UTF8)
	switch {
	case b.leaf.Width > 0:
		p.body = append(body, arena...)
		p.split = len(p.body)
	case b.compact:
		p.encoding = format.DeltaLengthByteArray
		s.delta, _ = new(delta.BinaryPackedEncoding).EncodeInt32(s.delta, lens)
		p.body = append(body, s.delta...)
		p.split = len(p.body)
		p.body = append(p.body, arena...)
	default:
		at = 0
		p.body = body
		for _, n := range lens {
			p.body = binary.LittleEndian.AppendUint32(p.body, uint32(n))
			p.body = append(p.body, arena[at:at+int(n)]...)
			at += int(n)
		}
		p.split = len(p.body)
	}
	return p
}

// encodeCodes writes the page by the dictionary if that is smaller. Else it puts the page's values into the scratch's
// text and lens, takes back what the page added to the dictionary, and ends its use.
func (b *byteStrings) encodeCodes(s *Scratch, body []byte) (encodedPage, bool) {
	n := len(b.table.Ends)
	codes := s.indexes(b.table.Codes, n)
	old := 0
	if b.before > 0 {
		old = int(b.table.Ends[b.before-1])
	}
	cost := len(b.table.Text) - old + len(codes)
	if b.before == 0 {
		cost += dictOverhead
	}
	plain := 0
	if b.leaf.Width == 0 {
		cost += 4 * (n - b.before)
		if b.compact {
			plain = len(b.table.Codes) / 2 // lengths, about
		} else {
			plain = len(b.table.Codes) * 4
		}
	}
	for _, c := range b.table.Codes {
		plain += len(b.table.Value(c))
	}
	if cost >= plain {
		s.text, s.lens = s.text[:0], s.lens[:0]
		for _, c := range b.table.Codes {
			v := b.table.Value(c)
			s.text = append(s.text, v...)
			s.lens = append(s.lens, int32(len(v)))
		}
		b.stop(b.before)
		return encodedPage{}, false
	}
	e := stats.Extremes{Signed: b.leaf.Order == stats.Signed}
	for _, c := range s.used(b.table.Codes, n) {
		e.Add(b.table.Value(c))
	}
	body = appendIndexes(body, codes, n)
	p := encodedPage{body: body, split: len(body), encoding: format.RLEDictionary, bounds: e.Bounds(b.leaf.UTF8)}
	b.table.Codes, b.before = emptied(b.table.Codes, b.lim), n
	if n >= b.lim.DictValues || len(b.table.Text) >= b.lim.PageBytes {
		b.stop(n)
	}
	return p, true
}

func (b *byteStrings) stop(n int) {
	b.dict, b.xlate = false, nil
	b.table.Codes = emptied(b.table.Codes, b.lim)
	b.table.Freeze(n)
	if n == 0 {
		b.release()
	}
}

func (b *byteStrings) dictionary(body []byte) ([]byte, int) {
	if b.table == nil {
		return body, 0
	}
	for c := range b.table.Ends {
		v := b.table.Value(int32(c))
		if b.leaf.Width == 0 {
			body = binary.LittleEndian.AppendUint32(body, uint32(len(v)))
		}
		body = append(body, v...)
	}
	return body, len(b.table.Ends)
}

// hashes appends what the bloom filter needs of the chunk's dictionary.
func (b *byteStrings) hashes(dst []uint64) []uint64 {
	if b.table == nil {
		return dst
	}
	for c := range b.table.Ends {
		dst = append(dst, xxhash.Sum64(b.table.Value(int32(c))))
	}
	return dst
}

func (b *byteStrings) reset() {
	if b.table != nil && cap(b.table.Text) > 2*b.lim.PageBytes {
		b.release()
	}
	b.dict, b.before, b.xlate = true, 0, nil
	if b.table == nil {
		b.table = dict.NewTexts()
	}
	b.table.Reset()
}

func (b *byteStrings) release() {
	if b.table != nil {
		b.table.Free()
		b.table = nil
	}
}

func (b *byteStrings) memory() int {
	n := cap(b.arena) + 4*cap(b.lens)
	if b.table != nil {
		n += b.table.Memory()
	}
	return n
}
