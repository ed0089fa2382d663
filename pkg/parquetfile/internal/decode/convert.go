package decode

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/shape"
)

// widens tells whether every value, or all that fit, of a column of type from can be read as type to. What does not fit
// is ErrType when it is met.
func widens(from, to arrow.DataType) bool {
	if arrow.TypeEqual(from, to) {
		return true
	}
	switch t := to.(type) {
	case *arrow.Int64Type:
		return from.ID() == arrow.INT32
	case *arrow.Float64Type:
		return from.ID() == arrow.INT32 || from.ID() == arrow.INT64 || from.ID() == arrow.FLOAT32
	case *arrow.Decimal128Type:
		f, ok := from.(*arrow.Decimal128Type)
		return from.ID() == arrow.INT32 || from.ID() == arrow.INT64 || ok && f.Scale <= t.Scale
	case *arrow.TimestampType:
		return from.ID() == arrow.DATE32 && t.Unit == arrow.Millisecond
	case *arrow.BinaryType:
		return from.ID() == arrow.STRING
	}
	return false
}

// convert makes arr one of type to, where widens allows it. It takes arr over.
func convert(arr arrow.Array, to arrow.DataType, l *shape.Leaf, mem memory.Allocator) (arrow.Array, error) {
	if arrow.TypeEqual(arr.DataType(), to) {
		return arr, nil
	}
	defer arr.Release()
	if to.ID() == arrow.BINARY {
		d := array.NewData(to, arr.Len(), arr.Data().Buffers(), nil, arr.NullN(), arr.Data().Offset())
		defer d.Release()
		return array.NewBinaryData(d), nil
	}
	b := array.NewBuilder(mem, to)
	defer b.Release()
	b.Reserve(arr.Len())
	for i := range arr.Len() {
		if arr.IsNull(i) {
			b.AppendNull()
			continue
		}
		if !convertValue(b, arr, i) {
			return nil, fault.Typef("column %s: %s does not fit %s", l, arr.ValueStr(i), to)
		}
	}
	return b.NewArray(), nil
}

func convertValue(b array.Builder, arr arrow.Array, i int) bool {
	whole := int64(0)
	switch a := arr.(type) {
	case *array.Int32:
		whole = int64(a.Value(i))
	case *array.Int64:
		whole = a.Value(i)
	}
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(whole)
	case *array.Float64Builder:
		if a, ok := arr.(*array.Float32); ok {
			b.Append(float64(a.Value(i)))
			return true
		}
		f := float64(whole)
		if f >= math.MaxInt64 || int64(f) != whole { // the nearest double is another number
			return false
		}
		b.Append(f)
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(int64(arr.(*array.Date32).Value(i)) * 86_400_000))
	case *array.Decimal128Builder:
		to := b.Type().(*arrow.Decimal128Type)
		v, scale := decimal128.FromI64(whole), int32(0)
		if a, ok := arr.(*array.Decimal128); ok {
			v, scale = a.Value(i), a.DataType().(*arrow.Decimal128Type).Scale
		}
		v, err := v.Rescale(scale, to.Scale)
		if err != nil || !v.FitsInPrecision(to.Precision) {
			return false
		}
		b.Append(v)
	}
	return true
}
