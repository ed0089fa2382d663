package dedupe

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/zeebo/xxh3"

	"datalake/pkg/commitlog"
	"datalake/pkg/schema"
)

// Hasher makes the keys of one source's rows, from the values as they are stored: those of a batch and those of a file give
// the same keys. Not safe for concurrent use.
type Hasher struct {
	key    string // the column whose value is the key: record_id, another column, or _key
	fields []string
	order  string // the column that Keep latest goes by; empty: keep first
	seed   uint64
	value  []byte
	parts  []byte
	seen   Seen
}

// Seen is what a Hasher has made keys of so far.
type Seen struct {
	// Rows in all, and Nulls of them whose key was null.
	Rows, Nulls int64
	// Least and Greatest value of the key, as the plain encoding has it; nil if there was none.
	Least, Greatest []byte
}

// Add adds what another Hasher of the source has seen.
func (s *Seen) Add(o Seen) {
	s.Rows += o.Rows
	s.Nulls += o.Nulls
	if o.Least != nil && (s.Least == nil || bytes.Compare(o.Least, s.Least) < 0) {
		s.Least = o.Least
	}
	if o.Greatest != nil && (s.Greatest == nil || bytes.Compare(o.Greatest, s.Greatest) > 0) {
		s.Greatest = o.Greatest
	}
}

func (s *Seen) value(v []byte) {
	// Most values lie between the two, and mostly their first eight bytes tell.
	if len(v) >= 8 && len(s.Least) >= 8 && len(s.Greatest) >= 8 {
		head := binary.BigEndian.Uint64(v)
		if head > binary.BigEndian.Uint64(s.Least) && head < binary.BigEndian.Uint64(s.Greatest) {
			return
		}
	}
	if s.Least == nil || bytes.Compare(v, s.Least) < 0 {
		s.Least = append(make([]byte, 0, len(v)), v...)
	}
	if s.Greatest == nil || bytes.Compare(v, s.Greatest) > 0 {
		s.Greatest = append(make([]byte, 0, len(v)), v...)
	}
}

// Seen is what Keys was given so far.
func (h *Hasher) Seen() Seen { return h.seen }

// NewHasher makes the hasher of a schema whose Dedupe is not None. The seed is the run's; see the package comment.
func NewHasher(s *schema.Schema, seed uint64) (*Hasher, error) {
	h := &Hasher{key: string(schema.RecordID), seed: seed ^ xxh3.HashString(s.Source)}
	switch d := s.Dedupe; {
	case len(d.Key) == 1:
		h.key = d.Key[0]
	case len(d.Key) > 1:
		h.key, h.fields = string(schema.Key), d.Key
	}
	if s.Dedupe.Keep == "latest" {
		h.order = s.Dedupe.By
	}
	for _, name := range append([]string{h.key, h.order}, h.fields...) {
		switch {
		case name == "":
		case s.Index(name) < 0 && name == h.order:
			return nil, fmt.Errorf("dedupe, keep latest by %s: the table of %s has no such column", name, s.Source)
		case s.Index(name) < 0:
			return nil, fmt.Errorf("dedupe by %s: the table of %s has no such column", name, s.Source)
		case name == h.order && !ordered(s.Columns[s.Index(name)].Type):
			return nil, fmt.Errorf("dedupe, keep latest by %s: in the table of %s it is %s, which has no order here; timestamp, date, int, bigint, float, double and decimals of up to 18 digits have",
				name, s.Source, s.Columns[s.Index(name)].Type)
		case (name == h.key || name == h.order) && slices.Contains(s.PartitionBy, name):
			return nil, fmt.Errorf("dedupe by %s: the table of %s is partitioned by it, so its files do not hold it; scope: partition makes it part of every key", name, s.Source)
		}
	}
	return h, nil
}

// ordered says whether orderOf knows the type.
func ordered(t schema.Type) bool {
	switch t.Kind {
	case schema.Timestamp, schema.Date, schema.Int, schema.Bigint, schema.Float, schema.Double:
		return true
	case schema.Decimal:
		return t.Precision <= 18
	}
	return false
}

// Column is the name of the column that the key is the value of: what bounds and bloom filters of files are asked about.
func (h *Hasher) Column() string { return h.key }

// Columns are the names of the stored columns that Keys needs.
func (h *Hasher) Columns() []string {
	names := []string{h.key}
	for _, name := range []string{string(schema.RecordID), h.order} {
		if name != "" && name != names[0] && name != names[len(names)-1] {
			names = append(names, name)
		}
	}
	return names
}

// Combined makes the column _key of a batch: 32 hex digits of a hash of the key's columns, null where one of them is null.
// It returns nil where the key is one column.
func (h *Hasher) Combined(rec arrow.Record, mem memory.Allocator) (arrow.Array, error) {
	if h.fields == nil {
		return nil, nil
	}
	cols := make([]feeder, len(h.fields))
	for i, name := range h.fields {
		var err error
		if cols[i], err = feed(rec, name); err != nil {
			return nil, err
		}
	}
	b := array.NewStringBuilder(mem)
	defer b.Release()
	var digits [32]byte
rows:
	for row := range int(rec.NumRows()) {
		h.parts = h.parts[:0]
		for _, c := range cols {
			value, ok := c(row, h.value[:0])
			if h.value = value; !ok {
				b.AppendNull()
				continue rows
			}
			h.parts = binary.AppendUvarint(h.parts, uint64(len(value)))
			h.parts = append(h.parts, value...)
		}
		sum := xxh3.Hash128(h.parts).Bytes()
		hex.Encode(digits[:], sum[:])
		b.Append(string(digits[:]))
	}
	return b.NewArray(), nil
}

// Keys appends one key for each row of rec to dst; Row is first plus the row's number. scope, where it is not nil, has a
// number for each row: keys of rows with different numbers are different. Where the key is null, record_id takes its place.
func (h *Hasher) Keys(rec arrow.Record, scope []uint64, first Row, dst []Key) ([]Key, error) {
	key, err := feed(rec, h.key)
	if err != nil {
		return nil, err
	}
	id, err := feed(rec, string(schema.RecordID))
	if err != nil {
		return nil, err
	}
	order := func(int) int64 { return 0 }
	if h.order != "" {
		if order, err = orderOf(rec, h.order); err != nil {
			return nil, err
		}
	}
	if h.texts(rec, scope, order, first, &dst) {
		return dst, nil
	}
	for row := range int(rec.NumRows()) {
		seed := h.seed
		value, ok := key(row, h.value[:0])
		if ok {
			h.seen.value(value)
		} else {
			h.seen.Nulls++
			seed ^= 0x9e3779b97f4a7c15 // a record_id is never equal to a key of the same text
			value, _ = id(row, value[:0])
		}
		h.value = value
		if scope != nil {
			seed = fold(seed^scope[row], 0xd6e8feb86659fd93)
		}
		dst = append(dst, Key{
			H0: xxhash.Sum64(value), H1: xxh3.HashSeed(value, seed), Order: order(row), Row: first + Row(row),
		})
	}
	h.seen.Rows += rec.NumRows()
	return dst, nil
}

// texts is Keys for what nearly every table has: one key of text that is never null. It spares the copy of each value and the
// calls: 15 ns a row instead of 25 (BenchmarkKeys).
func (h *Hasher) texts(rec arrow.Record, scope []uint64, order func(row int) int64, first Row, dst *[]Key) bool {
	c, ok := keyText(rec, h.key)
	if !ok || scope != nil {
		return false
	}
	n := c.Len()
	offsets, text := c.ValueOffsets(), c.ValueBytes()
	keys := slices.Grow(*dst, n)
	for row := range n {
		// ValueBytes begins with the first value, whatever its offset is.
		value := text[offsets[row]-offsets[0] : offsets[row+1]-offsets[0]]
		h.seen.value(value)
		keys = append(keys, Key{H0: xxhash.Sum64(value), H1: xxh3.HashSeed(value, h.seed), Order: order(row), Row: first + Row(row)})
	}
	h.seen.Rows += int64(n)
	*dst = keys
	return true
}

// fold multiplies and keeps both halves of the product.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Sum adds up the stable hashes of the keys of some rows: equal for the same rows in any order, and kept in the log. It leaves
// the scope out.
func (h *Hasher) Sum(rec arrow.Record, rows []uint32) (sum commitlog.Sum, err error) {
	key, err := feed(rec, h.key)
	if err != nil {
		return sum, err
	}
	id, err := feed(rec, string(schema.RecordID))
	if err != nil {
		return sum, err
	}
	if c, ok := keyText(rec, h.key); ok { // as in texts
		offsets, text := c.ValueOffsets(), c.ValueBytes()
		for _, row := range rows {
			sum.Add(sumOf(xxhash.Sum64(text[offsets[row]-offsets[0] : offsets[row+1]-offsets[0]])))
		}
		return sum, nil
	}
	for _, row := range rows {
		value, ok := key(int(row), h.value[:0])
		if !ok {
			value, _ = id(int(row), value[:0])
		}
		h.value = value
		h0 := xxhash.Sum64(value)
		if !ok {
			h0 = ^h0 // a record_id is never equal to a key of the same text
		}
		sum.Add(sumOf(h0))
	}
	return sum, nil
}

// sumOf is what a key of the hash adds to a sum.
func sumOf(h0 uint64) commitlog.Sum {
	return commitlog.Sum{h0, fold(h0^0xa0761d6478bd642f, 0xe7037ed1a0b428db)}
}

// keyText is the column of that name, if it is text that is never null.
func keyText(rec arrow.Record, name string) (*array.String, bool) {
	c, ok := rec.Column(rec.Schema().FieldIndices(name)[0]).(*array.String)
	return c, ok && c.Len() > 0 && c.NullN() == 0
}

// feeder appends the plain encoding of a column's value to dst, as a Parquet bloom filter hashes it; false: it is null.
type feeder func(row int, dst []byte) ([]byte, bool)

func column(rec arrow.Record, name string) (arrow.Array, error) {
	i := rec.Schema().FieldIndices(name)
	if len(i) != 1 {
		return nil, fmt.Errorf("dedupe by %s: the batch has no such column", name)
	}
	return rec.Column(i[0]), nil
}

func feed(rec arrow.Record, name string) (feeder, error) {
	col, err := column(rec, name)
	if err != nil {
		return nil, err
	}
	put, err := plain(col)
	if err != nil {
		return nil, fmt.Errorf("dedupe by %s: %w", name, err)
	}
	if col.NullN() == 0 {
		return func(row int, dst []byte) ([]byte, bool) { return put(row, dst), true }, nil
	}
	return func(row int, dst []byte) ([]byte, bool) {
		if col.IsNull(row) {
			return dst, false
		}
		return put(row, dst), true
	}, nil
}

func plain(col arrow.Array) (func(row int, dst []byte) []byte, error) {
	le := binary.LittleEndian
	switch c := col.(type) {
	case *array.String:
		return func(row int, dst []byte) []byte { return append(dst, c.Value(row)...) }, nil
	case *array.Binary:
		return func(row int, dst []byte) []byte { return append(dst, c.Value(row)...) }, nil
	case *array.Dictionary:
		values, err := plain(c.Dictionary())
		if err != nil {
			return nil, err
		}
		return func(row int, dst []byte) []byte { return values(c.GetValueIndex(row), dst) }, nil
	case *array.Boolean:
		return func(row int, dst []byte) []byte {
			if c.Value(row) {
				return append(dst, 1)
			}
			return append(dst, 0)
		}, nil
	case *array.Int32:
		return func(row int, dst []byte) []byte { return le.AppendUint32(dst, uint32(c.Value(row))) }, nil
	case *array.Date32:
		return func(row int, dst []byte) []byte { return le.AppendUint32(dst, uint32(c.Value(row))) }, nil
	case *array.Int64:
		return func(row int, dst []byte) []byte { return le.AppendUint64(dst, uint64(c.Value(row))) }, nil
	case *array.Timestamp:
		return func(row int, dst []byte) []byte { return le.AppendUint64(dst, uint64(c.Value(row))) }, nil
	case *array.Float32: // + 0 makes -0 equal to 0
		return func(row int, dst []byte) []byte { return le.AppendUint32(dst, math.Float32bits(c.Value(row)+0)) }, nil
	case *array.Float64:
		return func(row int, dst []byte) []byte { return le.AppendUint64(dst, math.Float64bits(c.Value(row)+0)) }, nil
	case *array.Decimal128:
		return func(row int, dst []byte) []byte {
			v := c.Value(row)
			return le.AppendUint64(le.AppendUint64(dst, v.LowBits()), uint64(v.HighBits()))
		}, nil
	}
	return nil, fmt.Errorf("values of type %s cannot be a key", col.DataType())
}

// orderOf gives a column's values as integers of the same order; null comes before all others.
func orderOf(rec arrow.Record, name string) (func(row int) int64, error) {
	col, err := column(rec, name)
	if err != nil {
		return nil, err
	}
	var value func(row int) int64
	switch c := col.(type) {
	case *array.Int32:
		value = func(row int) int64 { return int64(c.Value(row)) }
	case *array.Date32:
		value = func(row int) int64 { return int64(c.Value(row)) }
	case *array.Int64:
		value = func(row int) int64 { return max(c.Value(row), math.MinInt64+1) }
	case *array.Timestamp:
		value = func(row int) int64 { return int64(c.Value(row)) }
	case *array.Decimal128: // of at most 18 digits, so all of it is in the low half
		value = func(row int) int64 { return int64(c.Value(row).LowBits()) }
	case *array.Float32:
		value = func(row int) int64 { return floatOrder(float64(c.Value(row))) }
	case *array.Float64:
		value = func(row int) int64 { return floatOrder(c.Value(row)) }
	default:
		return nil, fmt.Errorf("keep latest by %s: values of type %s have no order here", name, col.DataType())
	}
	if col.NullN() == 0 {
		return value, nil
	}
	return func(row int) int64 {
		if col.IsNull(row) {
			return math.MinInt64
		}
		return value(row)
	}, nil
}

func floatOrder(f float64) int64 {
	b := int64(math.Float64bits(f + 0))
	if b < 0 {
		b ^= math.MaxInt64
	}
	return max(b, math.MinInt64+1)
}
