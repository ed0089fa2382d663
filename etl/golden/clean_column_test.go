package golden

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"datalake/pkg/jsontext"
)

// cleanColumn is a declared column as the naive cleaning knows it. Values are JSON texts as rows have them; empty for null.
type cleanColumn struct {
	name, typ, letters, mask, onFail string
	trim, collapse, required         bool
	nulls                            []string
	clampMin, clampMax, standIn      string
	min, max, pattern                string
	minLength, maxLength             int // -1: none
	enum                             []string
}

// cleanColumns draws columns and what becomes of their values.
func (g *generator) cleanColumns() []cleanColumn {
	var all []cleanColumn
	some := func(n int) bool { return g.IntN(n) == 0 }
	for i, typ := range []string{"string", "bigint", "double", "date", "boolean", "string"} {
		c := cleanColumn{name: fmt.Sprintf("c%d", i), typ: typ, minLength: -1, maxLength: -1, trim: some(2), required: some(6)}
		c.onFail = one(g, "", "score", "null", "reject").(string)
		switch typ {
		case "string":
			c.collapse, c.letters = some(3), one(g, "", "", "lower", "upper").(string)
			c.nulls = one(g, []string(nil), []string{"-"}, []string{"-", ""}).([]string)
			c.standIn = one(g, "", "", `"AB"`).(string)
			if some(2) {
				c.minLength, c.maxLength = g.IntN(3), 2+g.IntN(4)
			}
			c.pattern = one(g, "", "", "^[aA]", "é").(string)
			if some(4) {
				c.enum, c.pattern = []string{`"a"`, `"AB"`, `"ab"`, `""`}, ""
			}
			c.mask = one(g, "", "", "drop", "sha256", "keep_last").(string)
		case "bigint":
			c.nulls = one(g, []string(nil), []string{"-"}, []string{"-", "-5", "007"}).([]string)
			c.clampMin, c.clampMax, c.standIn = one(g, "", "", "-3").(string), one(g, "", "", "50").(string), one(g, "", "", "7").(string)
			c.min, c.max = one(g, "", "0").(string), one(g, "", "40").(string)
			if some(4) {
				c.enum = []string{"1", "7", "12"}
			}
		case "double":
			c.nulls = one(g, []string(nil), []string{"n/a", "0.5"}).([]string)
			c.clampMin, c.standIn = one(g, "", "", "-1.5").(string), one(g, "", "", "0.25").(string)
			c.min, c.max = one(g, "", "0").(string), one(g, "", "10.5").(string)
		case "date":
			c.nulls = one(g, []string(nil), []string{"1900-01-01"}).([]string)
			c.clampMax, c.standIn = one(g, "", "2026-01-01").(string), one(g, "", "", `"2000-01-01"`).(string)
			c.min = one(g, "", "2000-01-01").(string)
		case "boolean":
			c.nulls, c.enum = one(g, []string(nil), []string{"?", "false"}).([]string), one(g, []string(nil), []string{"true"}).([]string)
		}
		allowed := slices.Clone(c.enum) // what the lake file would refuse is taken out
		c.enum = nil
		if c.enum = slices.DeleteFunc(allowed, func(v string) bool { return c.failing(v) != nil }); len(c.enum) == 0 {
			c.enum = nil
		}
		if c.standIn != "" && c.failing(c.standIn) != nil {
			c.standIn = ""
		}
		if c.onFail != "" && c.min+c.max+c.pattern == "" && c.minLength < 0 && c.enum == nil {
			c.onFail = ""
		}
		if c.trim && c.typ != "string" {
			c.nulls = slices.DeleteFunc(slices.Clone(c.nulls), func(s string) bool { return s == "" })
		}
		all = append(all, c)
	}
	return all
}

// yaml writes a column as the lake file has it.
func (c *cleanColumn) yaml() string {
	s := fmt.Sprintf("      - {path: %s, type: %s", c.name, c.typ)
	add := func(yes bool, format string, args ...any) {
		if yes {
			s += ", " + fmt.Sprintf(format, args...)
		}
	}
	add(c.trim, "trim: true")
	add(c.collapse, "collapse: true")
	add(c.letters != "", "case: %s", c.letters)
	add(c.nulls != nil, "nulls: [%s]", strings.Join(quoteAll(c.nulls), ", "))
	switch {
	case c.clampMin != "" && c.clampMax != "":
		add(true, "clamp: {min: %s, max: %s}", c.clampMin, c.clampMax)
	case c.clampMin != "":
		add(true, "clamp: {min: %s}", c.clampMin)
	case c.clampMax != "":
		add(true, "clamp: {max: %s}", c.clampMax)
	}
	add(c.standIn != "", "default: %s", strings.Trim(c.standIn, `"`))
	add(c.required, "required: true")
	add(c.min != "", "min: %s", c.min)
	add(c.max != "", "max: %s", c.max)
	add(c.minLength >= 0, "length: {min: %d, max: %d}", c.minLength, c.maxLength)
	add(c.pattern != "", "pattern: %q", c.pattern)
	add(c.enum != nil, "enum: [%s]", strings.Join(c.enum, ", "))
	add(c.onFail != "", "on_fail: %q", c.onFail)
	switch c.mask {
	case "drop":
		add(true, "mask: drop")
	case "sha256":
		add(true, "mask: {sha256: 'env:SALT'}")
	case "keep_last":
		add(true, "mask: {keep_last: 2}")
	}
	return s + "}\n"
}

func quoteAll(s []string) []string {
	out := make([]string, len(s))
	for i := range s {
		out[i] = strconv.Quote(s[i])
	}
	return out
}

func content(text string) string {
	var s string
	if json.Unmarshal([]byte(text), &s) != nil {
		return text
	}
	return s
}

func quote(s string) string { return string(jsontext.AppendQuoted(nil, []byte(s))) }

// tidied is what cleaning makes of a text; false: null.
func (c *cleanColumn) tidied(s string) (string, bool) {
	if c.trim {
		s = strings.TrimSpace(s)
	}
	if c.collapse {
		s = regexp.MustCompile(`[\s\x{85}\x{a0}\x{2003}\x{3000}]+`).ReplaceAllString(s, " ")
	}
	switch c.letters {
	case "lower":
		s = strings.ToLower(s)
	case "upper":
		s = strings.ToUpper(s)
	}
	return s, !slices.Contains(c.nulls, s)
}

// less compares two values of the column.
func (c *cleanColumn) less(a, b string) bool {
	if c.typ == "date" {
		return content(a) < content(b)
	}
	return rat(a).Cmp(rat(b)) < 0
}

// read gives a raw value as the cleaned column has it, and whether the raw value is rescued too. decoded: as it is while it is still
// text, before null tokens of what fits, clamp and default.
func (c *cleanColumn) read(v any, decoded bool) (value string, rescued bool) {
	switch s, isText := v.(string); {
	case v == nil:
	case c.typ == "string":
		if k := fmt.Sprintf("%T", v); k == "[]interface {}" || k == "map[string]interface {}" {
			rescued = true
			break
		}
		if !isText {
			s = fmt.Sprint(v)
		}
		if s, ok := c.tidied(s); ok || decoded {
			value = quote(s)
		}
	default:
		var exact bool
		value, exact = convert(c.typ, v)
		if value == "" && isText && (c.trim || c.nulls != nil) {
			if s, there := c.tidied(s); there {
				value, exact = convert(c.typ, s)
			} else {
				exact = true
			}
		}
		rescued = !exact
		if decoded {
			break
		}
		for _, token := range c.nulls {
			of, _ := convert(c.typ, token)
			if of != "" && value != "" && (of == value || c.typ != "date" && c.typ != "boolean" && numberText.MatchString(token) && rat(of).Cmp(rat(value)) == 0) {
				value = ""
			}
		}
	}
	bound := func(b string) string {
		if c.typ == "date" {
			return strconv.Quote(b)
		}
		return b
	}
	switch {
	case decoded:
	case value == "":
		value = c.standIn
	case c.clampMin != "" && c.less(value, bound(c.clampMin)):
		value = bound(c.clampMin)
	case c.clampMax != "" && c.less(bound(c.clampMax), value):
		value = bound(c.clampMax)
	}
	return value, rescued
}

// tests names the column's checks in order.
func (c *cleanColumn) tests() (names []string) {
	for _, x := range []struct {
		yes  bool
		name string
	}{{c.min != "", "min"}, {c.max != "", "max"}, {c.minLength >= 0, "length"}, {c.pattern != "", "pattern"}, {c.enum != nil, "enum"}} {
		if x.yes {
			names = append(names, x.name)
		}
	}
	return names
}

// failing names the checks that a value fails.
func (c *cleanColumn) failing(value string) (failed []string) {
	for _, name := range c.tests() {
		bad := false
		switch s := content(value); name {
		case "min":
			bad = c.less(value, c.min)
		case "max":
			bad = c.less(c.max, value)
		case "length":
			n := utf8.RuneCountInString(s)
			bad = n < c.minLength || n > c.maxLength
		case "pattern":
			bad = !regexp.MustCompile(c.pattern).MatchString(s)
		case "enum":
			bad = !slices.Contains(c.enum, value)
		}
		if bad {
			failed = append(failed, name)
		}
	}
	return failed
}

// hidden is a value behind the column's mask.
func (c *cleanColumn) hidden(value string) string {
	s := content(value)
	switch c.mask {
	case "drop":
		return ""
	case "sha256":
		sum := sha256.Sum256([]byte("pepper" + s))
		return quote(hex.EncodeToString(sum[:]))
	case "keep_last":
		r := []rune(s)
		for i := range r {
			if i < len(r)-2 || len(r) <= 2 {
				r[i] = '*'
			}
		}
		return quote(string(r))
	}
	return value
}
