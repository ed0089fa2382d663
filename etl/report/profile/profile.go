package profile

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/zeebo/xxh3"
)

const (
	maxExact = 4096 // distinct values that are counted each for itself
	maxTop   = 8    // of them that a Summary names
	maxText  = 256  // bytes of a text that may be one of them
)

// Column profiles the values of one column. Not safe for concurrent use; the zero value is not ready, see New.
type Column struct {
	rows, nulls int64
	counts      map[string]int64 // of distinct values by their key; nil: there were too many
	sketch      *sketch          // of all values, once there were too many
	spread      histogram
	nans        int64
	lo, hi      scalar
	some        bool
	text        func(key string) string // a value's text, by its key; nil: values have no order that people read
	key         []byte
	lengths     bool // values are lists or maps: their lengths are looked at
}

// New gives the profile of a column of an Arrow type; strings may come as Dictionary<uint32, string>.
func New(t arrow.DataType) *Column {
	c := &Column{counts: map[string]int64{}}
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return New(t.ValueType)
	case *arrow.Int32Type, *arrow.Int64Type:
		c.spread.whole, c.text = true, func(key string) string { return strconv.FormatInt(number(key), 10) }
	case *arrow.Float32Type:
		c.text = func(key string) string { return FormatFloat(math.Float64frombits(uint64(number(key))), 32) }
	case *arrow.Float64Type:
		c.text = func(key string) string { return FormatFloat(math.Float64frombits(uint64(number(key))), 64) }
	case *arrow.BooleanType:
		c.text = func(key string) string { return strconv.FormatBool(number(key) != 0) }
	case *arrow.Date32Type:
		c.spread.whole, c.text = true, func(key string) string { return time.Unix(number(key)*86400, 0).UTC().Format(time.DateOnly) }
	case *arrow.TimestampType:
		c.spread.whole, c.text = true, func(key string) string { return FormatTime(number(key)) }
	case *arrow.Decimal128Type:
		c.text = func(key string) string {
			return decimal128.New(number(key[:8]), uint64(number(key[8:]))).ToString(t.Scale)
		}
	case *arrow.StringType:
		c.text = func(key string) string { return key }
	case *arrow.ListType, *arrow.MapType:
		c.spread.whole, c.lengths, c.counts = true, true, nil
	default: // binary, structs: only nulls are counted
		c.counts = nil
	}
	return c
}

// scalar is a value with an order: a number beside its key, or the key itself.
type scalar struct {
	key     string
	number  float64
	decimal decimal128.Num
}

// FormatTime writes milliseconds since 1970 as people read times: without what is zero at the end.
func FormatTime(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	switch {
	case ms%86_400_000 == 0:
		return t.Format(time.DateOnly)
	case ms%1000 == 0:
		return t.Format(time.DateTime)
	}
	return t.Format("2006-01-02 15:04:05.000")
}

// FormatFloat writes a float in the shortest way that reads back as the same.
func FormatFloat(f float64, bits int) string {
	if f != 0 && (math.Abs(f) < 1e-4 || math.Abs(f) >= 1e15) {
		return strconv.FormatFloat(f, 'e', -1, bits)
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}

func number(key string) int64 { return int64(binary.BigEndian.Uint64([]byte(key))) }

// Add looks at the first n values of an array of the column's type.
func (c *Column) Add(a arrow.Array, n int) {
	c.rows += int64(n)
	if d, ok := a.(*array.Dictionary); ok {
		c.dictionary(d, n)
		return
	}
	for i := range n {
		if a.IsNull(i) {
			c.nulls++
			continue
		}
		c.value(a, i, 1)
	}
}

// dictionary counts codes first, so that each text is looked at once.
func (c *Column) dictionary(d *array.Dictionary, n int) {
	counts := make([]int64, d.Dictionary().Len())
	for i := range n {
		if d.IsNull(i) {
			c.nulls++
			continue
		}
		counts[d.GetValueIndex(i)]++
	}
	for code, times := range counts {
		if times > 0 {
			c.value(d.Dictionary(), code, times)
		}
	}
}

// value counts a value that is not null.
func (c *Column) value(a arrow.Array, i int, times int64) {
	switch a := a.(type) {
	case *array.Int32:
		c.whole(int64(a.Value(i)), times)
	case *array.Int64:
		c.whole(a.Value(i), times)
	case *array.Date32:
		c.whole(int64(a.Value(i)), times)
	case *array.Timestamp:
		c.whole(int64(a.Value(i)), times)
	case *array.Float32:
		c.float(float64(a.Value(i)), times)
	case *array.Float64:
		c.float(a.Value(i), times)
	case *array.Boolean:
		n := int64(0)
		if a.Value(i) {
			n = 1
		}
		c.count(binary.BigEndian.AppendUint64(c.key[:0], uint64(n)), times)
	case *array.Decimal128:
		v := a.Value(i)
		key := binary.BigEndian.AppendUint64(c.key[:0], uint64(v.HighBits()))
		key = binary.BigEndian.AppendUint64(key, v.LowBits())
		c.count(key, times)
		if !c.some || v.Less(c.lo.decimal) {
			c.lo = scalar{key: string(key), decimal: v}
		}
		if !c.some || c.hi.decimal.Less(v) {
			c.hi = scalar{key: string(key), decimal: v}
		}
		c.some = true
		c.spread.add(v.ToFloat64(a.DataType().(*arrow.Decimal128Type).Scale), times)
	case *array.String:
		s := a.Value(i)
		if len(s) > maxText {
			c.tooMany()
		}
		c.count(append(c.key[:0], s...), times)
		if !c.some || s < c.lo.key {
			c.lo.key = strings.Clone(s)
		}
		if !c.some || s > c.hi.key {
			c.hi.key = strings.Clone(s)
		}
		c.some = true
	case *array.Map: // before List, which it embeds
		lo, hi := a.ValueOffsets(i)
		c.spread.add(float64(hi-lo), times)
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		c.spread.add(float64(hi-lo), times)
	}
}

func (c *Column) whole(v, times int64) {
	key := binary.BigEndian.AppendUint64(c.key[:0], uint64(v))
	c.count(key, times)
	if !c.some || v < number(c.lo.key) {
		c.lo.key = string(key)
	}
	if !c.some || v > number(c.hi.key) {
		c.hi.key = string(key)
	}
	c.some = true
	c.spread.add(float64(v), times)
}

func (c *Column) float(v float64, times int64) {
	if v == 0 {
		v = 0 // one zero, not two
	}
	key := binary.BigEndian.AppendUint64(c.key[:0], math.Float64bits(v))
	c.count(key, times)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.nans += times
		return
	}
	if !c.some || v < c.lo.number {
		c.lo = scalar{key: string(key), number: v}
	}
	if !c.some || v > c.hi.number {
		c.hi = scalar{key: string(key), number: v}
	}
	c.some = true
	c.spread.add(v, times)
}

// count counts a value by its key, which it keeps the memory of.
func (c *Column) count(key []byte, times int64) {
	c.key = key
	if c.sketch != nil {
		c.sketch.add(xxh3.Hash(key))
		return
	}
	if n, ok := c.counts[string(key)]; ok || len(c.counts) < maxExact {
		c.counts[string(key)] = n + times
		return
	}
	c.tooMany()
	c.sketch.add(xxh3.Hash(key))
}

// tooMany goes over to an estimate.
func (c *Column) tooMany() {
	if c.sketch != nil {
		return
	}
	c.sketch = new(sketch)
	for k := range c.counts {
		c.sketch.add(xxh3.HashString(k))
	}
	c.counts = nil
}

// Summary is what a profile has found.
type Summary struct {
	Rows  int64 `json:"rows"`
	Nulls int64 `json:"nulls"`
	// Distinct values, nulls left out; Exact says that the number is no estimate. -1 where it is not known: of lists, maps,
	// structs and binaries.
	Distinct int64 `json:"distinct"`
	Exact    bool  `json:"exact"`
	// Min and Max as people read them, empty where there is no value or no order. Of lists and maps the least and the greatest number
	// of elements. NaN and infinities are left out; NonFinite counts them.
	Min       string `json:"min,omitempty"`
	Max       string `json:"max,omitempty"`
	NonFinite int64  `json:"non_finite,omitempty"`
	// Histogram of numbers, times (milliseconds since 1970), dates (days since 1970) and lengths.
	Histogram []Bin `json:"histogram,omitempty"`
	// Top are the most frequent values, where some value occurs more than once and not too many are distinct.
	Top []Value `json:"top,omitempty"`
}

// Value is a value and how often it occurs.
type Value struct {
	Text  string `json:"value"`
	Count int64  `json:"count"`
}

// Summary says what was found so far.
func (c *Column) Summary() Summary {
	s := Summary{Rows: c.rows, Nulls: c.nulls, Distinct: -1, NonFinite: c.nans, Histogram: c.spread.result()}
	switch {
	case c.sketch != nil:
		s.Distinct = min(c.sketch.estimate(), c.rows-c.nulls)
	case c.counts != nil:
		s.Distinct, s.Exact = int64(len(c.counts)), true
		s.Top = c.top()
	}
	if c.some && c.text != nil {
		s.Min, s.Max = cut(c.text(c.lo.key)), cut(c.text(c.hi.key))
	}
	if c.lengths && c.spread.some {
		s.Min, s.Max = FormatFloat(c.spread.lo, 64), FormatFloat(c.spread.hi, 64)
	}
	return s
}

// cut makes a text as short as those that are counted.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

func (c *Column) top() []Value {
	most := make([]Value, 0, len(c.counts))
	again := false
	for k, n := range c.counts {
		again = again || n > 1
		most = append(most, Value{c.text(k), n})
	}
	if !again {
		return nil
	}
	slices.SortFunc(most, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return most[:min(len(most), maxTop)]
}
