package expr

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/google/cel-go/common/types"

	"datalake/pkg/schema"
)

// Kind is what a Value is.
type Kind uint8

// The kinds. KindError is a value that could not be computed; it takes the place of a second result, so that false && error is
// false, as in CEL.
const (
	KindNull Kind = iota
	KindError
	KindBool
	KindInt
	KindDouble
	KindString
	KindTimestamp
	KindDuration
	KindBytes
	KindList
	KindMap
	// KindDyn is the kind of an expression of which only its values can tell; no Value has it.
	KindDyn
)

var kindNames = [...]string{"null", "error", "bool", "int", "double", "string", "timestamp", "duration", "bytes", "list", "map", "value of unknown type"}

func (k Kind) String() string { return kindNames[k] }

// Value is a value of an expression. The zero Value is null. Values do not change, so they may be shared.
type Value struct {
	kind Kind
	bits uint64 // bool, int, double, milliseconds
	text string // string, bytes; the text of an error
	many any    // []Value, map[string]Value
}

// Null is the null value.
var Null = Value{}

// Bool, Int, Double and String are values of columns of these types.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, bits: 1}
	}
	return Value{kind: KindBool}
}

// Int is a value of an int or bigint column.
func Int(i int64) Value { return Value{kind: KindInt, bits: uint64(i)} }

// Double is a value of a float, double or decimal column.
func Double(f float64) Value { return Value{kind: KindDouble, bits: math.Float64bits(f)} }

// String is a value of a string or json column.
func String(s string) Value { return Value{kind: KindString, text: s} }

// Timestamp is a value of a timestamp or date column: milliseconds since 1970, UTC.
func Timestamp(ms int64) Value { return Value{kind: KindTimestamp, bits: uint64(ms)} }

// Duration is a time span in milliseconds.
func Duration(ms int64) Value { return Value{kind: KindDuration, bits: uint64(ms)} }

// Bytes is a value of a binary column.
func Bytes(b string) Value { return Value{kind: KindBytes, text: b} }

// List is a value of a list column. It keeps the slice.
func List(v []Value) Value { return Value{kind: KindList, many: v} }

// Map is a value of a map or struct column: a struct's fields by name. It keeps the map.
func Map(m map[string]Value) Value { return Value{kind: KindMap, many: m} }

func fail(text string) Value { return Value{kind: KindError, text: text} }

// Kind is what the value is.
func (v Value) Kind() Kind { return v.kind }

// IsTrue says whether the value is true: not false, not null, not an error.
func (v Value) IsTrue() bool { return v.kind == KindBool && v.bits == 1 }

// Int gives an int, or the milliseconds of a timestamp or duration.
func (v Value) Int() int64 { return int64(v.bits) }

// Double gives a double.
func (v Value) Double() float64 { return math.Float64frombits(v.bits) }

// Text gives a string or bytes, and what an error says.
func (v Value) Text() string { return v.text }

// List gives the elements of a list, which the caller must not change.
func (v Value) List() []Value {
	l, _ := v.many.([]Value)
	return l
}

// Map gives the values of a map by key, which the caller must not change.
func (v Value) Map() map[string]Value {
	m, _ := v.many.(map[string]Value)
	return m
}

// keys are a map's keys, sorted: the order in which a comprehension goes through it.
func (v Value) keys() []string { return slices.Sorted(maps.Keys(v.Map())) }

// number gives an int or double as a double.
func (v Value) number() float64 {
	if v.kind == KindInt {
		return float64(v.Int())
	}
	return v.Double()
}

func (v Value) numeric() bool { return v.kind == KindInt || v.kind == KindDouble }

// String writes the value for messages and tests: strings in quotes.
func (v Value) String() string {
	switch v.kind {
	case KindBool:
		return strconv.FormatBool(v.bits == 1)
	case KindInt:
		return strconv.FormatInt(v.Int(), 10)
	case KindDouble:
		return formatDouble(v.Double())
	case KindString, KindBytes:
		return strconv.Quote(v.text)
	case KindTimestamp:
		return formatTime(v.Int())
	case KindDuration:
		return (time.Duration(v.Int()) * time.Millisecond).String()
	case KindList:
		s := "["
		for i, x := range v.List() {
			if i > 0 {
				s += ", "
			}
			s += x.String()
		}
		return s + "]"
	case KindMap:
		s := "{"
		for i, k := range v.keys() {
			if i > 0 {
				s += ", "
			}
			s += k + ": " + v.Map()[k].String()
		}
		return s + "}"
	case KindError:
		return "error: " + v.text
	}
	return "null"
}

func formatDouble(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func formatTime(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z") }

// celType is the CEL type of a column's type.
func celType(t schema.Type) *types.Type {
	switch t.Kind {
	case schema.Boolean:
		return types.BoolType
	case schema.Int, schema.Bigint:
		return types.IntType
	case schema.Float, schema.Double, schema.Decimal:
		return types.DoubleType
	case schema.Date, schema.Timestamp:
		return types.TimestampType
	case schema.Binary:
		return types.BytesType
	case schema.String, schema.JSON:
		return types.StringType
	case schema.List:
		return types.NewListType(celType(*t.Elem))
	case schema.Map:
		return types.NewMapType(types.StringType, celType(*t.Elem))
	case schema.Struct:
		return types.NewMapType(types.StringType, types.DynType)
	}
	return types.DynType
}

// kindOf is the kind of a CEL type.
func kindOf(t *types.Type) Kind {
	switch t.Kind() {
	case types.BoolKind:
		return KindBool
	case types.IntKind:
		return KindInt
	case types.DoubleKind:
		return KindDouble
	case types.StringKind:
		return KindString
	case types.TimestampKind:
		return KindTimestamp
	case types.DurationKind:
		return KindDuration
	case types.BytesKind:
		return KindBytes
	case types.ListKind:
		return KindList
	case types.MapKind:
		return KindMap
	case types.NullTypeKind:
		return KindNull
	}
	return KindDyn
}
