package parquetfile

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/dict"
)

// values gathers the present values of one column's current page, and the dictionary of its current chunk.
type values interface {
	// bind makes arr the source of the following appends, until unbind.
	bind(arr arrow.Array) error
	unbind()
	// append takes the values at the given rows of the bound array, none of which is null. Unless all is set, it stops
	// after the one that fills the page. It returns how many it took.
	append(s *scratch, rows []uint32, all bool) (int, error)
	// full tells that the page must end at the end of this row.
	full() bool
	// encode ends the page: it appends its values to body.
	encode(s *scratch, body []byte) encodedPage
	// dictionary appends the chunk's dictionary to body, and returns how many values it has.
	dictionary(body []byte) ([]byte, int)
	// reset makes ready for the next chunk.
	reset()
	// memory is about how many bytes are held.
	memory() int
	// release gives memory back; nothing may follow it but a reset.
	release()
}

// encodedPage is a page's body before compression.
type encodedPage struct {
	body     []byte
	split    int // where the text of a byte array column begins
	encoding format.Encoding
	bounds   bounds
	hashes   []uint64 // for the bloom filter, of values that are not in the dictionary
}

// dictOverhead is what a dictionary page costs beside its values.
const dictOverhead = 32

// indexes encodes dictionary codes, all below n.
func (s *scratch) indexes(codes []int32, n int) []byte {
	w := max(1, bits.Len(uint(n-1)))
	s.codes, _ = (&rle.Encoding{BitWidth: w}).EncodeInt32(s.codes, codes)
	return s.codes
}

func appendIndexes(body, codes []byte, n int) []byte {
	return append(append(body, byte(max(1, bits.Len(uint(n-1))))), codes...)
}

// fixed holds int32 or int64 values, floats by their bits, and decimals by their unscaled value.
type fixed[T int32 | int64] struct {
	leaf    *leaf
	lim     *limits
	compact bool
	digits  int32 // of a decimal, else 0

	dict   bool             // values are coded
	table  *dict.Numbers[T] // nil where the chunk has no dictionary
	before int              // values of the table before this page
	direct []T              // values that are not coded

	src []T
	dec []decimal128.Num
}

func newFixed[T int32 | int64](l *leaf, lim *limits, compact bool) *fixed[T] {
	f := &fixed[T]{leaf: l, lim: lim, compact: compact, dict: true, table: dict.NewNumbers[T]()}
	if t, ok := l.chain[len(l.chain)-1].typ.(*arrow.Decimal128Type); ok {
		f.digits = t.Precision
	}
	return f
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

func (f *fixed[T]) bind(arr arrow.Array) error {
	if d, ok := arr.(*array.Decimal128); ok && f.digits > 0 {
		f.dec = d.Values()
		return nil
	}
	f.src = cast[T](arr)
	return nil
}

func (f *fixed[T]) unbind() { f.src, f.dec = nil, nil }

func (f *fixed[T]) append(s *scratch, rows []uint32, _ bool) (int, error) {
	switch {
	case f.digits > 0:
		for _, r := range rows {
			v := f.dec[r]
			if !v.FitsInPrecision(f.digits) {
				return 0, typef("a value of more than %d digits in %s", f.digits, dotted(f.leaf.path))
			}
			if f.dict {
				f.table.Codes = append(f.table.Codes, f.table.Code(T(v.LowBits())))
			} else {
				f.direct = append(f.direct, T(v.LowBits()))
			}
		}
	case f.dict:
		t := f.table
		codes := t.Codes
		for _, r := range rows {
			codes = append(codes, t.Code(f.src[r]))
		}
		t.Codes = codes
	default:
		for _, r := range rows {
			f.direct = append(f.direct, f.src[r])
		}
	}
	return len(rows), nil
}

func (f *fixed[T]) full() bool { return false }

func (f *fixed[T]) encode(s *scratch, body []byte) encodedPage {
	v := f.direct
	f.direct = f.direct[:0]
	if f.dict && len(f.table.Codes) > 0 {
		var p encodedPage
		if p, v = f.encodeCodes(s, body); v == nil {
			return p
		}
	}
	if len(v) == 0 {
		return encodedPage{body: body, split: len(body), encoding: format.Plain}
	}
	b := f.leaf.order.numberBounds(len(v), func(i int) int64 { return int64(v[i]) })
	if f.deltas() {
		body = append(body, deltaEncode(s, v)...)
		return encodedPage{body: body, split: len(body), encoding: format.DeltaBinaryPacked, bounds: b}
	}
	body = appendPlain(body, v)
	return encodedPage{body: body, split: len(body), encoding: format.Plain, bounds: b}
}

func (f *fixed[T]) deltas() bool {
	return f.compact && (f.leaf.order == orderInt32 || f.leaf.order == orderInt64)
}

// encodeCodes writes the page by the dictionary if that is smaller. Else it returns the page's values, takes back what
// the page added to the dictionary, and ends its use.
func (f *fixed[T]) encodeCodes(s *scratch, body []byte) (encodedPage, []T) {
	n := len(f.table.Values)
	codes := s.indexes(f.table.Codes, n)
	cost := (n-f.before)*f.leaf.width + len(codes)
	if f.before == 0 {
		cost += dictOverhead
	}
	plain := len(f.table.Codes) * f.leaf.width
	var v []T
	if f.deltas() {
		v = f.decoded(s)
		plain = len(deltaEncode(s, v))
	}
	if cost >= plain {
		if v == nil {
			v = f.decoded(s)
		}
		f.stop(f.before)
		return encodedPage{}, v
	}
	body = appendIndexes(body, codes, n)
	used := s.used(f.table.Codes, n)
	b := f.leaf.order.numberBounds(len(used), func(i int) int64 { return int64(f.table.Values[used[i]]) })
	f.table.Codes, f.before = f.table.Codes[:0], n
	if n >= f.lim.dictValues || n*f.leaf.width >= f.lim.pageBytes {
		f.stop(n)
	}
	return encodedPage{body: body, split: len(body), encoding: format.RLEDictionary, bounds: b}, nil
}

// decoded are the values of the page's codes, in the scratch's memory.
func (f *fixed[T]) decoded(s *scratch) []T {
	v := grow(fixedScratch[T](s), len(f.table.Codes))
	for i, c := range f.table.Codes {
		v[i] = f.table.Values[c]
	}
	switch v := any(v).(type) {
	case []int32:
		s.fixed32 = v
	case []int64:
		s.fixed64 = v
	}
	return v
}

func fixedScratch[T int32 | int64](s *scratch) []T {
	if v, ok := any(s.fixed32).([]T); ok {
		return v
	}
	return any(s.fixed64).([]T)
}

// stop ends coding for this chunk; n values stay in the dictionary.
func (f *fixed[T]) stop(n int) {
	f.dict = false
	f.table.Freeze(n)
	if n == 0 {
		f.release()
	}
}

// used returns the distinct codes of a page, ascending, where there are few against the page; else the codes themselves.
func (s *scratch) used(codes []int32, n int) []int32 {
	if n > len(codes) {
		return codes
	}
	if cap(s.seen) < n {
		s.seen = make([]bool, n, 2*n)
	}
	seen := s.seen[:n]
	clear(seen)
	for _, c := range codes {
		seen[c] = true
	}
	s.i32 = s.i32[:0]
	for c, ok := range seen {
		if ok {
			s.i32 = append(s.i32, int32(c))
		}
	}
	return s.i32
}

func (f *fixed[T]) dictionary(body []byte) ([]byte, int) {
	if f.table == nil {
		return body, 0
	}
	return appendPlain(body, f.table.Values), len(f.table.Values)
}

func (f *fixed[T]) reset() {
	f.dict, f.before = true, 0
	if f.table == nil {
		f.table = dict.NewNumbers[T]()
	}
	f.table.Reset()
}

func (f *fixed[T]) release() {
	if f.table != nil {
		f.table.Free()
		f.table = nil
	}
}

func (f *fixed[T]) memory() int {
	n := cap(f.direct) * f.leaf.width
	if f.table != nil {
		n += f.table.Memory()
	}
	return n
}

func appendPlain[T int32 | int64](body []byte, v []T) []byte {
	for _, x := range v {
		if unsafe.Sizeof(x) == 4 {
			body = binary.LittleEndian.AppendUint32(body, uint32(x))
		} else {
			body = binary.LittleEndian.AppendUint64(body, uint64(x))
		}
	}
	return body
}

func deltaEncode[T int32 | int64](s *scratch, v []T) []byte {
	switch v := any(v).(type) {
	case []int32:
		s.delta, _ = new(delta.BinaryPackedEncoding).EncodeInt32(s.delta, v)
	case []int64:
		s.delta, _ = new(delta.BinaryPackedEncoding).EncodeInt64(s.delta, v)
	}
	return s.delta
}

// booleans are never coded: a bit each.
type booleans struct {
	bits []byte
	n    int
	has  [2]bool // false, true
	arr  *array.Boolean
}

func (b *booleans) bind(arr arrow.Array) error { b.arr = arr.(*array.Boolean); return nil }
func (b *booleans) unbind()                    { b.arr = nil }
func (b *booleans) full() bool                 { return false }

func (b *booleans) append(_ *scratch, rows []uint32, _ bool) (int, error) {
	for _, r := range rows {
		if b.n&7 == 0 {
			b.bits = append(b.bits, 0)
		}
		if b.arr.Value(int(r)) {
			b.bits[b.n>>3] |= 1 << (b.n & 7)
			b.has[1] = true
		} else {
			b.has[0] = true
		}
		b.n++
	}
	return len(rows), nil
}

func (b *booleans) encode(_ *scratch, body []byte) encodedPage {
	p := encodedPage{encoding: format.Plain}
	p.body = append(body, b.bits...)
	p.split = len(p.body)
	if b.n > 0 {
		lo, hi := byte(1), byte(0)
		if b.has[0] {
			lo = 0
		}
		if b.has[1] {
			hi = 1
		}
		p.bounds = exact([]byte{lo}, []byte{hi})
	}
	*b = booleans{bits: b.bits[:0], arr: b.arr}
	return p
}

func (b *booleans) dictionary(body []byte) ([]byte, int) { return body, 0 }
func (b *booleans) reset()                               {}
func (b *booleans) release()                             {}
func (b *booleans) memory() int                          { return cap(b.bits) }
