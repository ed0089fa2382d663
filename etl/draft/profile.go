package draft

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/etl/forecast"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// profile is what there is to say of a table's columns, by their position.
type profile struct {
	rows    int64
	columns []columnProfile
}

type columnProfile struct {
	nulls    int64
	examples []string
	// of a json column: how many values are arrays of objects, and values in all.
	arrays, texts int64
}

const (
	// mostExamples is how many examples a column has, from as many of the first rows.
	mostExamples = 3
	exampleRows  = 1000
	// longest is how much of an example is shown, hidden how much of what looks like a secret, in characters.
	longest = 24
	hidden  = 3
)

// profileOf reads a table that a trial has made.
func profileOf(ctx context.Context, t *forecast.Trial, table forecast.Table) (*profile, error) {
	p := &profile{columns: make([]columnProfile, len(table.Schema.Columns))}
	for rec, err := range t.Records(ctx, table) {
		if err != nil {
			return nil, err
		}
		for i := range p.columns {
			p.columns[i].add(rec.Column(i), table.Schema.Columns[i], p.rows)
		}
		p.rows += rec.NumRows()
	}
	return p, nil
}

func (c *columnProfile) add(a arrow.Array, column schema.Column, before int64) {
	c.nulls += int64(a.NullN())
	if column.Type.Kind == schema.JSON {
		for i := range a.Len() {
			if !a.IsNull(i) {
				c.texts++
				if strings.HasPrefix(textAt(a, i), "[{") {
					c.arrays++
				}
			}
		}
		return // what is in it may be anything: no examples
	}
	for i := 0; i < a.Len() && before+int64(i) < exampleRows && len(c.examples) < mostExamples; i++ {
		if a.IsNull(i) {
			continue
		}
		if text := example(column.Name, a, i); !slices.Contains(c.examples, text) {
			c.examples = append(c.examples, text)
		}
	}
}

// textAt is the text of a string column, dictionary or not.
func textAt(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.Dictionary:
		return textAt(a.Dictionary(), a.GetValueIndex(i))
	case *array.String:
		return a.Value(i)
	}
	return ""
}

// example shows a value, as far as it may be shown.
func example(name string, a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.Dictionary:
		return example(name, a.Dictionary(), a.GetValueIndex(i))
	case *array.String:
		return showText(name, a.Value(i))
	case *array.Timestamp:
		return time.UnixMilli(int64(a.Value(i))).UTC().Format("2006-01-02T15:04:05.999Z")
	case *array.Date32:
		return a.Value(i).ToTime().Format(time.DateOnly)
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		var parts []string
		for k := lo; k < min(hi, lo+2); k++ {
			parts = append(parts, example(name, a.ListValues(), int(k)))
		}
		if hi > lo+2 {
			parts = append(parts, "…")
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if a.IsNull(i) {
		return "null"
	}
	return showNumber(name, a.ValueStr(i))
}

var (
	// telling are names whose values are nobody's business.
	telling = regexp.MustCompile(`(?i)passw|secret|token|api_?key|auth|credential|cookie|session|ssn|iban|card|cvv|\bpin\b|_pin$|phone|mobile|e?mail`)
	// A long word is a key, a hash or a token, and so is a shorter one with digits in it; so are long stretches of digits, as phones and
	// cards have them.
	longWord   = regexp.MustCompile(`[A-Za-z0-9+/=_-]{24,}`)
	digitWord  = regexp.MustCompile(`[A-Za-z0-9+/=_-]{16,}`)
	longDigits = regexp.MustCompile(`[0-9][0-9 ()./-]{8,}[0-9]`)
)

// showText shows a text in quotes, cut; only the first characters of what looks like a secret.
func showText(name, s string) string {
	limit := longest
	if telling.MatchString(name) || strings.Contains(s, "@") || longWord.MatchString(s) || longDigits.MatchString(s) ||
		strings.ContainsAny(strings.Join(digitWord.FindAllString(s, -1), ""), "0123456789") {
		limit = hidden
	}
	runes := []rune(s)
	cut := len(runes) > limit
	runes = runes[:min(len(runes), limit)]
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = unicode.ReplacementChar
		}
	}
	text := quoted(string(runes))
	if cut {
		text += "…"
	}
	return text
}

// showNumber shows a number; of one that could be a card's or an account's the first digits.
func showNumber(name, s string) string {
	if len(s) > hidden && (telling.MatchString(name) || len(strings.TrimLeft(s, "-")) >= 14 && !strings.ContainsAny(s, ".e")) {
		return s[:hidden] + "…"
	}
	return s
}

// quoted is a JSON string.
func quoted(s string) string { return string(jsontext.AppendQuoted(nil, []byte(s))) }
