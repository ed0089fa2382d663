package encode

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/codec"
	"datalake/pkg/parquetfile/internal/dict"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/pool"
	"datalake/pkg/parquetfile/internal/shape"
	"datalake/pkg/parquetfile/internal/stats"
)

// fixed holds int32 or int64 values, floats by their bits, and decimals by their unscaled value.
type fixed[T int32 | int64] struct {
	leaf    *shape.Leaf
	lim     *Limits
	compact bool
	snappy  bool
	digits  int32 // of a decimal, else 0

	stage  stage
	table  dict.Numbers[T]
	before int // values of the table before this page
	direct []T // values that are not coded
}

func newFixed[T int32 | int64](l *shape.Leaf, lim *Limits, o Options) *fixed[T] {
	f := &fixed[T]{leaf: l, lim: lim, compact: o.Compact, snappy: o.Snappy}
	if t, ok := l.Node().Type.(*arrow.Decimal128Type); ok {
		f.digits = t.Precision
	}
	return f
}

func (f *fixed[T]) append(s *Scratch, from *Source, rows []uint32, _ bool) (int, error) {
	src := numbersOf[T](from)
	if f.digits > 0 {
		var err error
		if src, err = f.unscaled(s, from.wide, rows); err != nil {
			return 0, err
		}
		rows = s.UpTo(len(rows))
	}
	took := len(rows)
	if f.stage == first {
		n := min(len(rows), f.lim.Sample-len(f.direct))
		f.keep(src, rows[:n])
		if rows = rows[n:]; len(f.direct) == f.lim.Sample {
			f.judge(s)
		}
	}
	if f.stage == coded {
		f.table.Append(src, rows)
	} else {
		f.keep(src, rows)
	}
	return took, nil
}

// keep adds values to the page as they are.
func (f *fixed[T]) keep(src []T, rows []uint32) {
	n := len(f.direct)
	f.direct = pool.Ints[T]().Grow(f.direct, len(rows))[:n+len(rows)]
	to := f.direct[n:]
	for i, r := range rows {
		to[i] = src[r]
	}
}

// judge ends the first stage.
func (f *fixed[T]) judge(s *Scratch) {
	n := len(f.direct)
	if !few(n, f.lim) {
		s.marks = marks{}
		marked := 0
		for _, v := range f.direct {
			marked += s.marks.add(dict.HashNumber(uint64(v)))
		}
		if hopeless(marked, n) {
			f.stage = plain
			return
		}
	}
	f.stage = coded
	f.table.Append(f.direct, s.UpTo(n))
	f.direct = f.direct[:0]
}

// unscaled are the decimals at the given rows as the file has them, in the scratch's memory.
func (f *fixed[T]) unscaled(s *Scratch, wide []decimal128.Num, rows []uint32) ([]T, error) {
	v := f.scratch(s, len(rows))
	for i, r := range rows {
		d := wide[r]
		if !d.FitsInPrecision(f.digits) {
			return nil, fault.Typef("a value of more than %d digits in %s", f.digits, f.leaf)
		}
		v[i] = T(d.LowBits())
	}
	return v, nil
}

func (f *fixed[T]) full() bool { return false }

func (f *fixed[T]) room() int { return math.MaxInt }

func (f *fixed[T]) encode(s *Scratch, body []byte) encodedPage {
	if f.stage == first && len(f.direct) > 0 {
		f.judge(s)
	}
	v := f.direct
	f.direct = emptied(pool.Ints[T](), f.direct, f.lim)
	if len(f.table.Codes) > 0 {
		var p encodedPage
		if p, v = f.encodeCodes(s, body); v == nil {
			return p
		}
	}
	if len(v) == 0 {
		return encodedPage{body: body, split: len(body), encoding: format.Plain}
	}
	b := stats.Numbers(&s.bounds, f.leaf.Order, v)
	split := len(body)
	if f.deltas() {
		if d := deltaEncode(s, v); f.snappy || !skewed(s, v, len(d)) {
			body = append(body, d...)
			return encodedPage{body: body, split: len(body), encoding: format.DeltaBinaryPacked, bounds: b}
		}
		return encodedPage{body: appendPlain(body, v), split: split, entropy: true, encoding: format.Plain, bounds: b}
	}
	body = appendPlain(body, v)
	return encodedPage{body: body, split: len(body), encoding: format.Plain, bounds: b}
}

// skewed tells that whole numbers are of very different sizes, most of them small: packed as deltas each takes the bits of the
// greatest near it, while an entropy code of their bytes makes the zeros cheap. Such numbers from -10^12 to 10^12, evenly by
// their logarithm, take 3.8 bytes so, and 5.2 packed (with a match search 3.7, in three times the time). It looks at 2,048 of
// them.
func skewed[T int32 | int64](s *Scratch, v []T, packed int) bool {
	width := int(unsafe.Sizeof(v[0]))
	if len(v) < 1<<10 || packed < len(v)*3/2 { // no entropy code takes less than a bit for each byte
		return false
	}
	s.text = s.text[:0]
	step := max(1, len(v)>>11)
	n := 0
	for i := 0; i < len(v); i += step {
		s.text = appendPlain(s.text, v[i:i+1])
		n++
	}
	bits := codec.EntropyBits(s.text) * float64(width)
	return bits*float64(len(v))/8 < float64(packed)*0.95
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
		v = f.valuesOf(s, f.table.Codes)
		plain = len(deltaEncode(s, v))
	}
	if cost >= plain {
		if v == nil {
			v = f.valuesOf(s, f.table.Codes)
		}
		f.stop(f.before)
		return encodedPage{}, v
	}
	body = appendIndexes(body, codes, n)
	b := stats.Numbers(&s.bounds, f.leaf.Order, f.valuesOf(s, s.used(f.table.Codes, n)))
	f.table.Codes, f.before = emptied(&pool.Int32s, f.table.Codes, f.lim), n
	if n >= f.lim.DictValues || n*f.leaf.Width >= f.lim.PageBytes {
		f.stop(n)
	}
	return encodedPage{body: body, split: len(body), encoding: format.RLEDictionary, bounds: b}, nil
}

// valuesOf are the values of codes, in the scratch's memory.
func (f *fixed[T]) valuesOf(s *Scratch, codes []int32) []T {
	v := f.scratch(s, len(codes))
	for i, c := range codes {
		v[i] = f.table.Values[c]
	}
	return v
}

// scratch is memory for n values, used again by the next call.
func (f *fixed[T]) scratch(s *Scratch, n int) []T {
	switch old := any(&s.fixed64).(type) {
	case *[]T:
		*old = grow(*old, n)
		return *old
	}
	old := any(&s.fixed32).(*[]T)
	*old = grow(*old, n)
	return *old
}

// stop ends coding for this chunk; n values stay in the dictionary.
func (f *fixed[T]) stop(n int) {
	f.stage = plain
	f.table.Freeze(n)
}

func (f *fixed[T]) dictionary(body []byte) ([]byte, int) {
	return appendPlain(body, f.table.Values), len(f.table.Values)
}

func (f *fixed[T]) reset() {
	f.stage, f.before = first, 0
	f.table.Reset()
}

func (f *fixed[T]) release() {
	f.table.Free()
	pool.Ints[T]().Put(f.direct)
	f.direct = nil
}

func (f *fixed[T]) memory() int { return cap(f.direct)*f.leaf.Width + f.table.Memory() }

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
