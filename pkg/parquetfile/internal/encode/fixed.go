package encode

import (
	"encoding/binary"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/dict"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/shape"
	"datalake/pkg/parquetfile/internal/stats"
)

// fixed holds int32 or int64 values, floats by their bits, and decimals by their unscaled value.
type fixed[T int32 | int64] struct {
	leaf    *shape.Leaf
	lim     *Limits
	compact bool
	digits  int32 // of a decimal, else 0

	dict   bool             // values are coded
	table  *dict.Numbers[T] // nil where the chunk has no dictionary
	before int              // values of the table before this page
	direct []T              // values that are not coded
	whole  choice           // of whole numbers that are not coded

	src []T
	dec []decimal128.Num
}

// choice is how the whole numbers of a chunk are written.
type choice uint8

const (
	open choice = iota
	byDelta
	asPlain
)

// chosen says how the chunk's whole numbers are written, v being those of a page. Deltas are small and cheap where numbers are
// alike, as times are. Where a column mixes small numbers with some that are many digits longer, each block of deltas is
// as wide as its longest, and zstd does better on plain numbers: 30 % on such columns, for ten times the CPU. The first
// page of some length decides for the chunk.
func (f *fixed[T]) chosen(s *Scratch, v []T) choice {
	const least = 1 << 10
	if f.whole != open || len(v) < least {
		return f.whole
	}
	f.whole = byDelta
	deltas := deltaEncode(s, v)
	if len(deltas) < 3*len(v) { // nothing to win
		return f.whole
	}
	compressed, err := s.coder.Zstd(deltas, len(deltas))
	if err != nil {
		return f.whole // which the page's own compression meets again
	}
	size := len(compressed)
	s.other = appendPlain(s.other[:0], v)
	if len(s.coder.Entropy(s.other))*8 < size*7 {
		f.whole = asPlain
	}
	return f.whole
}

func newFixed[T int32 | int64](l *shape.Leaf, lim *Limits, compact bool) *fixed[T] {
	f := &fixed[T]{leaf: l, lim: lim, compact: compact, dict: true, table: dict.NewNumbers[T]()}
	if t, ok := l.Node().Type.(*arrow.Decimal128Type); ok {
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

func (f *fixed[T]) append(s *Scratch, rows []uint32, _ bool) (int, error) {
	left := 0
	if f.dict && f.before == 0 {
		left = f.lim.Probe - len(f.table.Codes)
	}
	if left <= 0 || left > len(rows) {
		return f.take(rows)
	}
	took, err := f.take(rows[:left])
	if err != nil {
		return took, err
	}
	if f.lim.hopeless(len(f.table.Values)) {
		f.direct = append(f.direct[:0], f.decoded(s)...)
		f.stop(0)
	}
	more, err := f.take(rows[left:])
	return took + more, err
}

// take is append without a look at whether the dictionary pays.
func (f *fixed[T]) take(rows []uint32) (int, error) {
	switch {
	case f.digits > 0:
		for _, r := range rows {
			v := f.dec[r]
			if !v.FitsInPrecision(f.digits) {
				return 0, fault.Typef("a value of more than %d digits in %s", f.digits, f.leaf)
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

func (f *fixed[T]) encode(s *Scratch, body []byte) encodedPage {
	v := f.direct
	f.direct = emptied(f.direct, f.lim)
	if f.dict && len(f.table.Codes) > 0 {
		var p encodedPage
		if p, v = f.encodeCodes(s, body); v == nil {
			return p
		}
	}
	if len(v) == 0 {
		return encodedPage{body: body, split: len(body), encoding: format.Plain}
	}
	b := f.leaf.Order.Numbers(len(v), func(i int) int64 { return int64(v[i]) })
	if f.deltas() && f.chosen(s, v) != asPlain {
		body = append(body, deltaEncode(s, v)...)
		return encodedPage{body: body, split: len(body), encoding: format.DeltaBinaryPacked, bounds: b}
	}
	body = appendPlain(body, v)
	return encodedPage{body: body, split: len(body), entropy: f.whole == asPlain, encoding: format.Plain, bounds: b}
}

func (f *fixed[T]) deltas() bool {
	return f.compact && (f.leaf.Order == stats.Int32 || f.leaf.Order == stats.Int64)
}

// encodeCodes writes the page by the dictionary if that is smaller. Else it returns the page's values, takes back what
// the page added to the dictionary, and ends its use.
func (f *fixed[T]) encodeCodes(s *Scratch, body []byte) (encodedPage, []T) {
	n := len(f.table.Values)
	codes := s.indexes(f.table.Codes, n)
	cost := (n-f.before)*f.leaf.Width + len(codes)
	if f.before == 0 {
		cost += dictOverhead
	}
	plain := len(f.table.Codes) * f.leaf.Width
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
	b := f.leaf.Order.Numbers(len(used), func(i int) int64 { return int64(f.table.Values[used[i]]) })
	f.table.Codes, f.before = emptied(f.table.Codes, f.lim), n
	if n >= f.lim.DictValues || n*f.leaf.Width >= f.lim.PageBytes {
		f.stop(n)
	}
	return encodedPage{body: body, split: len(body), encoding: format.RLEDictionary, bounds: b}, nil
}

// decoded are the values of the page's codes, in the scratch's memory.
func (f *fixed[T]) decoded(s *Scratch) []T {
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

func fixedScratch[T int32 | int64](s *Scratch) []T {
	if v, ok := any(s.fixed32).([]T); ok {
		return v
	}
	return any(s.fixed64).([]T)
}

// stop ends coding for this chunk; n values stay in the dictionary.
func (f *fixed[T]) stop(n int) {
	f.dict = false
	f.table.Codes = emptied(f.table.Codes, f.lim)
	f.table.Freeze(n)
	if n == 0 {
		f.release()
	}
}

func (f *fixed[T]) dictionary(body []byte) ([]byte, int) {
	if f.table == nil {
		return body, 0
	}
	return appendPlain(body, f.table.Values), len(f.table.Values)
}

func (f *fixed[T]) reset() {
	f.dict, f.before, f.whole = true, 0, open
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
	n := cap(f.direct) * f.leaf.Width
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

func deltaEncode[T int32 | int64](s *Scratch, v []T) []byte {
	switch v := any(v).(type) {
	case []int32:
		s.delta, _ = new(delta.BinaryPackedEncoding).EncodeInt32(s.delta, v)
	case []int64:
		s.delta, _ = new(delta.BinaryPackedEncoding).EncodeInt64(s.delta, v)
	}
	return s.delta
}
