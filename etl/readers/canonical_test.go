package readers

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/schema"
)

// A value is compared as text. It first takes the shape that read.py writes: nil, bool, json.Number (whole numbers,
// doubles, milliseconds of timestamps), string (text, decimals, dates, base64), []any, map[string]any.

// dialect is how a reader's answers differ from what the files hold, by its own nature.
type dialect struct {
	bytesOnly bool // text and bytes are one type to it: text comes as base64
	emptyNull bool // a list, map or struct is never null to it: it comes empty, a struct with nulls inside
	// partitionAs is the type that it takes whole numbers in a path for, where it cannot be told.
	partitionAs string
	rawPaths    bool // it takes text in a path as it stands, with Hive's escapes and its word for null
}

// text is v of type t, as it is compared. A value that is not of its type gives a text that equals nothing.
func (d dialect) text(v any, t schema.Type) string {
	if v == nil {
		if d.emptyNull && t.Kind == schema.List {
			return "[]"
		}
		if d.emptyNull && t.Kind == schema.Map {
			return "{}"
		}
		if !d.emptyNull || t.Kind != schema.Struct {
			return "null"
		}
		v = map[string]any{}
		for _, f := range t.Fields {
			v.(map[string]any)[f.Name] = nil
		}
	}
	switch t.Kind {
	case schema.String, schema.JSON, schema.Decimal, schema.Date, schema.Binary:
		if s, ok := v.(string); ok {
			return strconv.Quote(s)
		}
	case schema.Boolean:
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b)
		}
	case schema.Int, schema.Bigint, schema.Timestamp:
		if n, ok := v.(json.Number); ok {
			if i, err := n.Int64(); err == nil {
				return strconv.FormatInt(i, 10)
			}
		}
	case schema.Float, schema.Double:
		bits := 64
		if t.Kind == schema.Float {
			bits = 32
		}
		if n, ok := v.(json.Number); ok {
			if f, err := strconv.ParseFloat(n.String(), bits); err == nil {
				return strconv.FormatFloat(f, 'g', -1, bits)
			}
		}
	case schema.List:
		if l, ok := v.([]any); ok {
			out := make([]string, len(l))
			for i, e := range l {
				out[i] = d.text(e, *t.Elem)
			}
			return "[" + strings.Join(out, " ") + "]"
		}
	case schema.Map:
		if m, ok := v.(map[string]any); ok {
			var out []string
			for _, k := range slices.Sorted(maps.Keys(m)) {
				out = append(out, strconv.Quote(k)+":"+d.text(m[k], *t.Elem))
			}
			return "{" + strings.Join(out, " ") + "}"
		}
	case schema.Struct:
		if m, ok := v.(map[string]any); ok && len(m) == len(t.Fields) {
			out := make([]string, len(t.Fields))
			for i, f := range t.Fields {
				x, ok := m[f.Name]
				if !ok {
					return fmt.Sprintf("no field %s in %v", f.Name, v)
				}
				out[i] = f.Name + ":" + d.text(x, f.Type)
			}
			return "{" + strings.Join(out, " ") + "}"
		}
	}
	return fmt.Sprintf("%T(%v) is no %s", v, v, t)
}

// encode is what the reader makes of text: v with all its strings in base64, where it knows bytes only.
func (d dialect) encode(v any, t schema.Type) any {
	if !d.bytesOnly || v == nil {
		return v
	}
	switch t.Kind {
	case schema.String, schema.JSON:
		return base64.StdEncoding.EncodeToString([]byte(v.(string)))
	case schema.List:
		out := make([]any, len(v.([]any)))
		for i, e := range v.([]any) {
			out[i] = d.encode(e, *t.Elem)
		}
		return out
	case schema.Map:
		out := map[string]any{}
		for k, e := range v.(map[string]any) {
			out[k] = d.encode(e, *t.Elem)
		}
		return out
	case schema.Struct:
		out := map[string]any{}
		for _, f := range t.Fields {
			out[f.Name] = d.encode(v.(map[string]any)[f.Name], f.Type)
		}
		return out
	}
	return v
}

// typeText is the type as the reader names it.
func (d dialect) typeText(t schema.Type) string {
	s := t.String()
	s = strings.ReplaceAll(s, "json", "string")
	if d.bytesOnly {
		s = strings.ReplaceAll(s, "string", "binary")
	}
	return s
}

// fromArrow is the value in row i of a in the common shape.
func fromArrow(a arrow.Array, i int, t schema.Type) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return fromArrow(a.Dictionary(), a.GetValueIndex(i), t)
	case *array.String:
		return strings.Clone(a.Value(i))
	case *array.Boolean:
		return a.Value(i)
	case *array.Int32:
		return number(int64(a.Value(i)))
	case *array.Int64:
		return number(a.Value(i))
	case *array.Timestamp:
		return number(int64(a.Value(i)))
	case *array.Float32:
		return json.Number(strconv.FormatFloat(float64(a.Value(i)), 'g', -1, 32))
	case *array.Float64:
		return json.Number(strconv.FormatFloat(a.Value(i), 'g', -1, 64))
	case *array.Decimal128:
		return decimalText(a.Value(i).BigInt(), t.Scale)
	case *array.Date32:
		return time.Unix(int64(a.Value(i))*86400, 0).UTC().Format(time.DateOnly)
	case *array.Binary:
		return base64.StdEncoding.EncodeToString(a.Value(i))
	case *array.Map: // a Map is a List too, so it comes first
		out := map[string]any{}
		from, to := a.ValueOffsets(i)
		for j := int(from); j < int(to); j++ {
			out[a.Keys().(*array.String).Value(j)] = fromArrow(a.Items(), j, *t.Elem)
		}
		return out
	case *array.List:
		from, to := a.ValueOffsets(i)
		out := []any{}
		for j := int(from); j < int(to); j++ {
			out = append(out, fromArrow(a.ListValues(), j, *t.Elem))
		}
		return out
	case *array.Struct:
		out := map[string]any{}
		for j, f := range t.Fields {
			out[f.Name] = fromArrow(a.Field(j), i, f.Type)
		}
		return out
	}
	return fmt.Errorf("no value of %s", a.DataType())
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// decimalText is unscaled·10^-scale with all its digits after the point.
func decimalText(unscaled *big.Int, scale int) string {
	digits := new(big.Int).Abs(unscaled).String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if unscaled.Sign() < 0 {
		return "-" + digits
	}
	return digits
}
