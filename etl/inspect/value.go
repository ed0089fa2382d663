package inspect

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// appendValue appends value i of an array as JSON. Times are RFC 3339 with milliseconds, dates YYYY-MM-DD, binary is
// base64, decimals are numbers with all their digits.
func appendValue(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return appendValue(dst, a.Dictionary(), a.GetValueIndex(i))
	case *array.String:
		return appendString(dst, a.Value(i))
	case *array.LargeString:
		return appendString(dst, a.Value(i))
	case *array.Binary:
		return appendString(dst, base64.StdEncoding.EncodeToString(a.Value(i)))
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
			dst = append(appendValue(dst, a.Keys(), int(k)), ':')
			dst = appendValue(dst, a.Items(), int(k))
		}
		return append(dst, '}')
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		dst = append(dst, '[')
		for k := lo; k < hi; k++ {
			if k > lo {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, a.ListValues(), int(k))
		}
		return append(dst, ']')
	case *array.Struct:
		fields := a.DataType().(*arrow.StructType).Fields()
		dst = append(dst, '{')
		for k, f := range fields {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, f.Name), ':')
			dst = appendValue(dst, a.Field(k), i)
		}
		return append(dst, '}')
	}
	return appendString(dst, fmt.Sprintf("%s: %s", a.DataType(), a.ValueStr(i)))
}

func appendString(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return append(dst, "null"...) // cannot be: a string always has a JSON form
	}
	return append(dst, b...)
}

// appendFloat writes the shortest number that reads back; infinities and NaN, which JSON has not, as text.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(strconv.AppendFloat(append(dst, '"'), f, 'g', -1, bits), '"')
	}
	if f != 0 && (math.Abs(f) < 1e-6 || math.Abs(f) >= 1e21) {
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}
