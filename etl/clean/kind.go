package clean

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// kind knows the values of a type of fixed width, which are of type T in memory.
type kind[T comparable] struct {
	typ schema.Type
	// values gives the values of an array, those below nulls too.
	values func(a arrow.Array) []T
	// add adds a buffer with values to an array in the making.
	add  func(m *batch.Maker, values []T)
	less func(x, y T) bool
	// parse reads what lake.yaml has of a value, without quotes; show writes it so.
	parse func(text string) (T, bool)
	show  func(x T) string
	// formats are further ways of writing a time in records; nil: parse is all.
	formats func(text string) (T, bool)
}

// fixed is a kind, whatever its T.
type fixed interface {
	tidier(c *schema.Clean, whole bool) (tidier, error)
	bounds(c *schema.Check) ([]test, error)
	enum(values []string) (test, error)
}

// fixedOf gives the kind of a type, nil if its values have no fixed width.
func fixedOf(t schema.Type, c *schema.Column) (fixed, error) {
	switch t.Kind {
	case schema.Int:
		return wide(t, jsonInt32, func(x, y int32) bool { return x < y }, func(x int32) string { return strconv.Itoa(int(x)) }), nil
	case schema.Bigint:
		return wide(t, jsonInt64, func(x, y int64) bool { return x < y }, func(x int64) string { return strconv.FormatInt(x, 10) }), nil
	case schema.Float:
		return wide(t, jsonFloat32, func(x, y float32) bool { return x < y }, func(x float32) string { return strconv.FormatFloat(float64(x), 'g', -1, 32) }), nil
	case schema.Double:
		return wide(t, jsonFloat64, func(x, y float64) bool { return x < y }, func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }), nil
	case schema.Decimal:
		return wide(t, func(s string) (decimal128.Num, bool) { return jsontext.Decimal128([]byte(s), 38, t.Scale) }, decimal128.Num.Less,
			func(x decimal128.Num) string { return x.ToString(int32(t.Scale)) }), nil
	case schema.Date:
		k := wide(t, parseDate, func(x, y int32) bool { return x < y }, showDate)
		var err error
		k.formats, err = written(c, func(l *timeparse.Layout, text []byte) (int32, bool) { return l.Date(text) })
		return k, err
	case schema.Timestamp:
		k := wide(t, parseTime, func(x, y int64) bool { return x < y }, showTime)
		var err error
		k.formats, err = written(c, func(l *timeparse.Layout, text []byte) (int64, bool) {
			ms, _, ok := l.Parse(text)
			return ms, ok
		})
		return k, err
	case schema.Boolean:
		return &kind[bool]{
			typ: t, values: bools, add: addBools, less: func(x, y bool) bool { return !x && y }, show: strconv.FormatBool,
			parse: func(s string) (bool, bool) { return s == "true", s == "true" || s == "false" },
		}, nil
	}
	return nil, nil
}

// wide is the kind of a type whose values lie one after the other.
func wide[T interface {
	comparable
	arrow.FixedWidthType
}](t schema.Type, parse func(string) (T, bool), less func(x, y T) bool, show func(T) string) *kind[T] {
	return &kind[T]{
		typ: t, parse: parse, less: less, show: show,
		values: func(a arrow.Array) []T { return arrow.GetValues[T](a.Data(), 1) },
		add:    func(m *batch.Maker, values []T) { b := arrow.GetBytes(values); copy(m.Buffer(len(b)), b) },
	}
}

func bools(a arrow.Array) []bool {
	out := make([]bool, a.Len())
	for i := range out {
		out[i] = a.(*array.Boolean).Value(i)
	}
	return out
}

func addBools(m *batch.Maker, values []bool) {
	packed := m.Buffer(int(bitutil.BytesForBits(int64(len(values)))))
	clear(packed)
	for i, v := range values {
		bitutil.SetBitTo(packed, i, v)
	}
}

func jsonInt32(s string) (int32, bool) {
	i, ok := jsontext.Int64([]byte(s))
	return int32(i), ok && i >= math.MinInt32 && i <= math.MaxInt32
}

func jsonInt64(s string) (int64, bool) { return jsontext.Int64([]byte(s)) }

func jsonFloat32(s string) (float32, bool) {
	f, _, ok := jsontext.Float32([]byte(s))
	return f, ok
}

func jsonFloat64(s string) (float64, bool) {
	f, _, ok := jsontext.Float64([]byte(s))
	return f, ok
}

func parseDate(s string) (int32, bool) { return timeparse.Date([]byte(s)) }

func showDate(days int32) string { return time.Unix(int64(days)*86400, 0).UTC().Format(time.DateOnly) }

var rfc3339 = func() *timeparse.Layout {
	l, err := timeparse.Compile(timeparse.RFC3339, nil)
	if err != nil {
		panic(err) // a constant of that package
	}
	return l
}()

// parseTime reads a date, which is its midnight, or an RFC 3339 time; UTC.
func parseTime(s string) (int64, bool) {
	if d, ok := parseDate(s); ok {
		return int64(d) * 86400000, true
	}
	ms, _, ok := rfc3339.Parse([]byte(s))
	return ms, ok
}

func showTime(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z") }

// written reads a time as the column's records write it.
func written[T any](c *schema.Column, read func(l *timeparse.Layout, text []byte) (T, bool)) (func(string) (T, bool), error) {
	zone, err := time.LoadLocation(c.Timezone) // "" is UTC
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", c.Timezone, err)
	}
	var layouts []*timeparse.Layout
	for _, f := range c.Formats {
		l, err := timeparse.Compile(f, zone)
		if err != nil {
			return nil, err
		}
		layouts = append(layouts, l)
	}
	return func(text string) (x T, ok bool) {
		for _, l := range layouts {
			if x, ok = read(l, []byte(text)); ok {
				return x, true
			}
		}
		return x, false
	}, nil
}

// scalar gives the text of a JSON scalar: of a string what it holds.
func scalar(json string) string {
	if len(json) > 1 && json[0] == '"' {
		return string(jsontext.AppendUnquoted(nil, []byte(json[1:len(json)-1])))
	}
	return json
}

// number spells a number as JSON does: people also write +5, 05, .5 and 5.
func number(text string) string {
	sign := ""
	if text = strings.TrimPrefix(text, "+"); strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, part, point := strings.Cut(text, ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" || whole[0]|0x20 == 'e' {
		whole = "0" + whole
	}
	if !point || part == "" {
		return sign + whole
	}
	return sign + whole + "." + part
}

func (k *kind[T]) read(what, text string) (*T, error) {
	x, ok := k.parse(text)
	if !ok {
		x, ok = k.parse(number(text))
	}
	if !ok {
		return nil, fmt.Errorf("%s %q is no %s", what, text, k.typ)
	}
	return &x, nil
}

// readIf is read for what may be missing.
func (k *kind[T]) readIf(what, text string) (*T, error) {
	if text == "" {
		return nil, nil
	}
	return k.read(what, text)
}

// tidier implements fixed: null tokens that are values of the type, clamp, default.
func (k *kind[T]) tidier(c *schema.Clean, whole bool) (tidier, error) {
	var nulls []T
	for _, text := range c.Nulls {
		x, ok := k.parse(text)
		if k.formats != nil {
			if y, written := k.formats(text); written {
				x, ok = y, true
			}
		}
		if ok {
			nulls = append(nulls, x)
		}
	}
	low, err := k.readIf("clamp", c.ClampMin)
	if err != nil {
		return nil, err
	}
	high, err := k.readIf("clamp", c.ClampMax)
	if err != nil {
		return nil, err
	}
	var standIn *T
	if whole && c.Default != "" {
		if standIn, err = k.read("default", scalar(c.Default)); err != nil {
			return nil, err
		}
	}
	if nulls == nil && low == nil && high == nil && standIn == nil {
		return nil, nil
	}
	return func(a arrow.Array, mem memory.Allocator) (arrow.Array, error) {
		return k.tidy(a, mem, nulls, low, high, standIn), nil
	}, nil
}

// tidy gives what becomes of a, which is a itself where nothing does.
func (k *kind[T]) tidy(a arrow.Array, mem memory.Allocator, nulls []T, low, high, standIn *T) arrow.Array {
	given := k.values(a)
	if given == nil { // nothing but nulls has no values
		given = make([]T, a.Len())
	}
	out, valid := given, []bool(nil)
	change := func(i int, x T, there bool) {
		if valid == nil {
			out, valid = append([]T(nil), given...), make([]bool, len(given))
			for j := range valid {
				valid[j] = a.IsValid(j)
			}
		}
		out[i], valid[i] = x, there
	}
	some := a.NullN() > 0
	for i, x := range given {
		there := !some || a.IsValid(i)
		was, y := there, x
		if there {
			for _, null := range nulls {
				there = there && x != null
			}
		}
		switch {
		case !there && standIn != nil:
			y, there = *standIn, true
		case !there:
			var zero T
			y = zero
		case low != nil && k.less(x, *low):
			y = *low
		case high != nil && k.less(*high, x):
			y = *high
		}
		if there != was || there && y != x {
			change(i, y, there)
		}
	}
	if valid == nil {
		a.Retain()
		return a
	}
	m := &batch.Maker{Mem: mem, N: len(out)}
	defer m.Release()
	addValidity(m, valid)
	k.add(m, out)
	return finish(m, a.DataType())
}

// addValidity adds the bitmap of an array in the making.
func addValidity(m *batch.Maker, valid []bool) {
	bits := m.Buffer(int(bitutil.BytesForBits(int64(len(valid)))))
	clear(bits)
	for i, there := range valid {
		if there {
			bitutil.SetBit(bits, i)
		} else {
			m.Nulls++
		}
	}
}

func finish(m *batch.Maker, t arrow.DataType) arrow.Array {
	d := m.Data(t)
	defer d.Release()
	return array.MakeFromData(d)
}

// bounds implements fixed.
func (k *kind[T]) bounds(c *schema.Check) (tests []test, err error) {
	for _, b := range []struct{ name, text, where string }{{"min", c.Min, "below the minimum"}, {"max", c.Max, "above the maximum"}} {
		bound, err := k.readIf(b.name, b.text)
		if err != nil {
			return nil, err
		}
		if bound == nil {
			continue
		}
		out := func(x T) bool { return k.less(x, *bound) }
		if b.name == "max" {
			out = func(x T) bool { return k.less(*bound, x) }
		}
		tests = append(tests, k.test(b.name, b.where+" "+k.show(*bound), out))
	}
	return tests, nil
}

// enum implements fixed.
func (k *kind[T]) enum(values []string) (test, error) {
	allowed := map[T]bool{}
	var texts []string
	for _, v := range values {
		x, err := k.read("enum", scalar(v))
		if err != nil {
			return test{}, err
		}
		allowed[*x] = true
		texts = append(texts, k.show(*x))
	}
	return k.test("enum", noneOf(texts), func(x T) bool { return !allowed[x] }), nil
}

// test makes the test of values that fail where bad is true.
func (k *kind[T]) test(name, why string, bad func(T) bool) test {
	return test{
		name: name,
		fails: func(a arrow.Array, failed []bool) (n int) {
			some := a.NullN() > 0
			for i, x := range k.values(a) {
				if bad(x) && (!some || a.IsValid(i)) {
					failed[i] = true
					n++
				}
			}
			return n
		},
		tell: telling(why, func(a arrow.Array, i int) string { return k.show(k.values(a)[i]) }),
	}
}
