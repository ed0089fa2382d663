package batch

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/jsontext"
)

// AppendJSON appends value i of an array as JSON. Times are RFC 3339 with milliseconds, dates YYYY-MM-DD, binary is base64, decimals are
// numbers with all their digits; infinities and NaN, which JSON has not, are text.
func AppendJSON(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return AppendJSON(dst, a.Dictionary(), a.GetValueIndex(i))
	case *array.String:
		return appendText(dst, a.Value(i))
	case *array.LargeString:
		return appendText(dst, a.Value(i))
	case *array.Binary:
		return appendText(dst, base64.StdEncoding.EncodeToString(a.Value(i)))
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i))
	case *array.Int32:
		return strconv.AppendInt(dst, int64(a.Value(i)), 10)
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(i), 10)
	case *array.Float32:
		return appendFloat(dst, float64(a.Value(i)), 32)
	case *array.Float64:
		return appendFloat(dst, a.Value(i), 64)
	case *array.Decimal128:
		return append(dst, a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)...)
	case *array.Date32:
		return a.Value(i).ToTime().AppendFormat(dst, `"2006-01-02"`)
	case *array.Timestamp:
		return time.UnixMilli(int64(a.Value(i))).UTC().AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
	case *array.Map: // before List, which it embeds
		lo, hi := a.ValueOffsets(i)
		dst = append(dst, '{')
		for k := lo; k < hi; k++ {
			if k > lo {
				dst = append(dst, ',')
			}
			dst = append(AppendJSON(dst, a.Keys(), int(k)), ':')
			dst = AppendJSON(dst, a.Items(), int(k))
		}
		return append(dst, '}')
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		dst = append(dst, '[')
		for k := lo; k < hi; k++ {
			if k > lo {
				dst = append(dst, ',')
			}
			dst = AppendJSON(dst, a.ListValues(), int(k))
		}
		return append(dst, ']')
	case *array.Struct:
		dst = append(dst, '{')
		for k, f := range a.DataType().(*arrow.StructType).Fields() {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, f.Name), ':')
			dst = AppendJSON(dst, a.Field(k), i)
		}
		return append(dst, '}')
	}
	return appendText(dst, fmt.Sprintf("%s: %s", a.DataType(), a.ValueStr(i)))
}

func appendText(dst []byte, s string) []byte { return jsontext.AppendQuoted(dst, []byte(s)) }

// appendFloat writes the shortest number that reads back.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(strconv.AppendFloat(append(dst, '"'), f, 'g', -1, bits), '"')
	}
	if f != 0 && (math.Abs(f) < 1e-6 || math.Abs(f) >= 1e21) {
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}
