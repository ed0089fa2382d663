package batch_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
)

func TestAppendJSON(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	for _, c := range []struct {
		name string
		kind arrow.DataType
		add  func(b array.Builder)
		want string
	}{
		{"string", arrow.BinaryTypes.String, func(b array.Builder) { b.(*array.StringBuilder).Append("é\"\n") }, `"é\"\n"`},
		{"no HTML", arrow.BinaryTypes.String, func(b array.Builder) { b.(*array.StringBuilder).Append("<a&b>") }, `"<a&b>"`},
		{"null", arrow.BinaryTypes.String, func(b array.Builder) { b.AppendNull() }, "null"},
		{"binary", arrow.BinaryTypes.Binary, func(b array.Builder) { b.(*array.BinaryBuilder).Append([]byte{0, 255}) }, `"AP8="`},
		{"boolean", arrow.FixedWidthTypes.Boolean, func(b array.Builder) { b.(*array.BooleanBuilder).Append(true) }, "true"},
		{"int", arrow.PrimitiveTypes.Int32, func(b array.Builder) { b.(*array.Int32Builder).Append(-5) }, "-5"},
		{"bigint", arrow.PrimitiveTypes.Int64, func(b array.Builder) { b.(*array.Int64Builder).Append(math.MinInt64) }, "-9223372036854775808"},
		{"float", arrow.PrimitiveTypes.Float32, func(b array.Builder) { b.(*array.Float32Builder).Append(0.1) }, "0.1"},
		{"double", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(1e300) }, "1e+300"},
		{"small double", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(20.5) }, "20.5"},
		{"large double", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(1e21) }, "1e+21"},
		{"tiny double", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(1e-7) }, "1e-07"},
		{"NaN", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.(*array.Float64Builder).Append(math.NaN()) }, `"NaN"`},
		{"decimal", &arrow.Decimal128Type{Precision: 10, Scale: 2}, func(b array.Builder) {
			b.(*array.Decimal128Builder).Append(decimal128.FromI64(-1205))
		}, "-12.05"},
		{"date", arrow.FixedWidthTypes.Date32, func(b array.Builder) { b.(*array.Date32Builder).Append(-1) }, `"1969-12-31"`},
		{"timestamp", arrow.FixedWidthTypes.Timestamp_ms, func(b array.Builder) { b.(*array.TimestampBuilder).Append(-1) }, `"1969-12-31T23:59:59.999Z"`},
		{"list", arrow.ListOf(arrow.PrimitiveTypes.Int64), func(b array.Builder) {
			l := b.(*array.ListBuilder)
			l.Append(true)
			l.ValueBuilder().(*array.Int64Builder).Append(1)
			l.ValueBuilder().AppendNull()
		}, "[1,null]"},
		{"empty list", arrow.ListOf(arrow.PrimitiveTypes.Int64), func(b array.Builder) { b.(*array.ListBuilder).Append(true) }, "[]"},
		{"map", arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), func(b array.Builder) {
			m := b.(*array.MapBuilder)
			m.Append(true)
			m.KeyBuilder().(*array.StringBuilder).Append("k")
			m.ItemBuilder().(*array.Int64Builder).Append(7)
		}, `{"k":7}`},
		{"struct", arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true}), func(b array.Builder) {
			s := b.(*array.StructBuilder)
			s.Append(true)
			s.FieldBuilder(0).(*array.Int64Builder).Append(1)
			s.FieldBuilder(1).AppendNull()
		}, `{"a":1,"b":null}`},
		{"dictionary", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}, func(b array.Builder) {
			if err := b.(*array.BinaryDictionaryBuilder).AppendString("x"); err != nil {
				t.Fatal(err)
			}
		}, `"x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := array.NewBuilder(mem, c.kind)
			defer b.Release()
			b.AppendNull() // so that offsets count
			c.add(b)
			a := b.NewArray()
			defer a.Release()
			got := batch.AppendJSON(nil, a, 1)
			if string(got) != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if !json.Valid(got) {
				t.Errorf("no JSON: %s", got)
			}
		})
	}
}
