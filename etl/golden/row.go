package golden

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/schema"
)

var contentHash = regexp.MustCompile(`^[0-9a-f]{32}$`)

// appendRow appends one row as a JSON object: the columns that are not null, in the table's order. Common columns are left
// out where they are what they mostly are: see testdata/golden/README.md. Columns of JSON text and _rescued stand as the
// JSON that they hold.
func appendRow(dst []byte, s *schema.Schema, rec arrow.Record, row int) ([]byte, error) {
	column := func(name string) arrow.Array {
		if i := rec.Schema().FieldIndices(name); len(i) == 1 {
			return rec.Column(i[0])
		}
		return nil
	}
	text := func(a arrow.Array) string {
		if a == nil || a.IsNull(row) {
			return ""
		}
		return string(appendValue(nil, a, row))
	}
	event, ingested := text(column("event_time")), text(column("ingested_at"))
	for _, c := range s.Columns {
		if r := c.Role; (r == schema.RecordID || r == schema.EventTime || r == schema.IngestedAt) && text(column(c.Name)) == "" {
			return dst, fmt.Errorf("row %d: %s is null", row, c.Name)
		}
	}
	start := len(dst)
	for _, c := range s.Columns {
		a := column(c.Name)
		if a == nil || a.IsNull(row) {
			continue
		}
		value := appendValue(nil, a, row)
		var hidden bool
		switch c.Role {
		case schema.RecordID, schema.Key:
			hidden = contentHash.Match(bytes.Trim(value, `"`))
		case schema.EventTime:
			hidden = event == ingested
		case schema.IngestedAt:
			hidden = ingested == string(appendTime(nil, firstArrival))
		case schema.Quality:
			hidden = string(value) == "1"
		}
		if hidden {
			continue
		}
		if c.Role == schema.Rescued || c.Type.Kind == schema.JSON {
			raw := stringAt(a, row)
			var compact bytes.Buffer
			if err := json.Compact(&compact, []byte(raw)); err != nil || compact.String() != raw {
				return dst, fmt.Errorf("row %d: %s holds %q, which is no compact JSON text", row, c.Name, raw)
			}
			value = []byte(raw)
		}
		dst = append(appendString(append(dst, ','), c.Name), ':')
		dst = append(dst, value...)
	}
	if len(dst) == start {
		return append(dst, "{}"...), nil
	}
	dst[start] = '{'
	return append(dst, '}'), nil
}

func stringAt(a arrow.Array, i int) string {
	if d, ok := a.(*array.Dictionary); ok {
		return stringAt(d.Dictionary(), d.GetValueIndex(i))
	}
	return a.(*array.String).Value(i)
}

func appendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, `"2006-01-02T15:04:05.999Z"`)
}

// appendValue appends a value as JSON. Nulls inside of structs are left out.
func appendValue(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return appendValue(dst, a.Dictionary(), a.GetValueIndex(i))
	case *array.String:
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
		return appendTime(dst, time.UnixMilli(int64(a.Value(i))))
	case *array.Map: // before List, which it embeds
		lo, hi := a.ValueOffsets(i)
		dst = append(dst, '{')
		for k := int(lo); k < int(hi); k++ {
			if k > int(lo) {
				dst = append(dst, ',')
			}
			dst = append(appendValue(dst, a.Keys(), k), ':')
			dst = appendValue(dst, a.Items(), k)
		}
		return append(dst, '}')
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		dst = append(dst, '[')
		for k := int(lo); k < int(hi); k++ {
			if k > int(lo) {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, a.ListValues(), k)
		}
		return append(dst, ']')
	case *array.Struct:
		dst = append(dst, '{')
		begin := len(dst)
		for k, f := range a.DataType().(*arrow.StructType).Fields() {
			if a.Field(k).IsNull(i) {
				continue
			}
			if len(dst) > begin {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, f.Name), ':')
			dst = appendValue(dst, a.Field(k), i)
		}
		return append(dst, '}')
	}
	return append(dst, a.DataType().String()...)
}

// appendFloat appends the shortest number that reads back.
func appendFloat(dst []byte, f float64, bits int) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}

func appendString(dst []byte, s string) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(dst, "null"...) // cannot be: every string has a JSON form
	}
	return append(dst, strings.TrimSuffix(b.String(), "\n")...)
}

// schemaText is a schema as cases have it: the envelope, where the event time comes from, then a line for each column that
// not every table has: name, type, path, and its role unless it is data.
func schemaText(s *schema.Schema) string {
	var b strings.Builder
	fmt.Fprintf(&b, "envelope %s\n", s.Envelope)
	if p := s.EventTime.Path; len(p) > 0 {
		fmt.Fprintf(&b, "event_time %s\n", p)
	} else {
		b.WriteString("event_time arrival\n")
	}
	for _, c := range s.Columns {
		switch c.Role {
		case schema.Data:
			fmt.Fprintf(&b, "%s %s %s\n", c.Name, c.Type, c.Path)
		case schema.NS:
			fmt.Fprintf(&b, "%s %s %s (ns)\n", c.Name, c.Type, c.Path)
		case schema.Derived:
			fmt.Fprintf(&b, "%s %s = %s\n", c.Name, c.Type, c.Expr)
		case schema.Key:
			fmt.Fprintf(&b, "%s %s (key)\n", c.Name, c.Type)
		}
	}
	return b.String()
}
