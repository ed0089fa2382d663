package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
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
		return string(batch.AppendJSON(nil, a, row))
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
		value := batch.AppendJSON(nil, a, row)
		var hidden bool
		switch c.Role {
		case schema.RecordID, schema.Key:
			hidden = contentHash.Match(bytes.Trim(value, `"`))
		case schema.EventTime:
			hidden = event == ingested
		case schema.IngestedAt:
			hidden = ingested == firstArrival.Format(`"2006-01-02T15:04:05.000Z"`)
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
		dst = append(jsontext.AppendQuoted(append(dst, ','), []byte(c.Name)), ':')
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
