package golden

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
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

func quote(s string) string { return string(appendString(nil, s)) }

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

// The expressions beside the columns, and what they are in Go. value gives a column's value, "" for null.
var cleanFormulas = []struct {
	yaml   string
	reject bool
	eval   func(value func(string) string) (holds, null, fault bool)
}{
	{"{name: small, expr: c1 + 1 < 40}", false, func(v func(string) string) (bool, bool, bool) {
		return v("c1") != "" && rat(v("c1")).Cmp(rat("39")) < 0, v("c1") == "", false
	}},
	{"{name: inverse, expr: 100 / c1 >= 0}", false, func(v func(string) string) (bool, bool, bool) {
		return v("c1") != "" && v("c1") != "0" && (v("c1")[0] != '-' || len(v("c1")) > 3), v("c1") == "", v("c1") == "0"
	}},
	{"{name: either, expr: \"c2 > 1.0 || c4\", on_fail: reject}", true, func(v func(string) string) (bool, bool, bool) {
		more, yes := v("c2") != "" && rat(v("c2")).Cmp(rat("1")) > 0, v("c4") == "true"
		return more || yes, !more && !yes && (v("c2") == "" || v("c4") == ""), false
	}},
}

// A row of cleaned columns is what a naive cleaning makes of its record, whatever is declared.
func TestCleaningReference(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 10
	}
	for seed := range uint64(seeds) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
		columns := g.cleanColumns()
		text := "version: 1\nsources:\n  s:\n    envelope: none\n    event_time: arrival\n    dedupe: none\n    partition_by: [source]\n    other_columns: drop\n    columns:\n"
		for i := range columns {
			text += columns[i].yaml()
		}
		text += "    derived: [{name: twice, type: int, expr: c1 * 2}]\n    rules:\n"
		for _, f := range cleanFormulas {
			text += "      - " + f.yaml + "\n"
		}
		l := newLake(settings{parallel: 1 + int(seed%3)})
		if err := l.configure([]byte(text)); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		ref := cleanReference{columns: columns, failed: map[string]int64{}}
		var raw bytes.Buffer
		for range 200 {
			record := map[string]any{}
			for i := range columns {
				if g.IntN(8) > 0 {
					record[columns[i].name] = g.dirty(columns[i].typ)
				}
			}
			offset := raw.Len()
			line, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			raw.Write(append(line, '\n'))
			ref.record(record, offset)
		}
		if err := l.land(t.Context(), []object{{key: "s/a.json", data: raw.Bytes()}}); err != nil {
			t.Fatal(err)
		}
		r, err := l.run(t.Context())
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		tables, err := l.tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if s := tables["s"]; s != nil {
			for _, row := range s.rows[1:] {
				got = append(got, unordered(row))
			}
		}
		rejects, err := l.rejects(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var rejected []string
		for _, x := range rejects {
			rejected = append(rejected, fmt.Sprint(x.Offset, " ", x.Rule))
		}
		failed := r.Tables[0].Checks
		if failed == nil {
			failed = map[string]int64{}
		}
		d := cmp.Diff(sorted(ref.rows), sorted(got)) + cmp.Diff(ref.rejects, rejected) + cmp.Diff(ref.failed, failed)
		if d != "" {
			t.Fatalf("seed %d (-reference +engine):\n%s\n%s", seed, firstLines(d, 40), text)
		}
	}
}

// dirty draws a value for a column of a type, most often one that might have been meant.
func (g *generator) dirty(typ string) any {
	switch g.IntN(12) {
	case 0:
		return nil
	case 1:
		return one(g, "", " ", "-", "?", "n/a", "x", "007", true, json.Number("12"), json.Number("1.5"), []any{"a"}, map[string]any{"a": "b"})
	}
	spaced := func(s string) any { return one(g, s, s, " "+s, s+"\u00a0", "\u2003"+s+"\t ") }
	switch typ {
	case "string":
		return spaced(one(g, "a", "A", "ab", "AB", "a  b", "é", "éA", "abc def", "-", "").(string))
	case "bigint":
		n := one(g, "0", "1", "7", "12", "-5", "-4", "39", "40", "51", "-200", "9223372036854775807", "2000000000").(string)
		return one(g, json.Number(n), json.Number(n), spaced(n))
	case "double":
		n := one(g, "0", "0.5", "-1.5", "-2.25", "10.5", "11", "1.5", "0.12345678901234567890").(string)
		return one(g, json.Number(n), json.Number(n), spaced(n))
	case "date":
		return spaced(one(g, "1900-01-01", "1999-12-31", "2000-01-01", "2025-06-07", "2027-01-01", "2025-02-30").(string))
	}
	return one(g, true, false, true, spaced("true"), spaced("false"))
}

// cleanReference is what comes of records.
type cleanReference struct {
	columns       []cleanColumn
	rows, rejects []string
	failed        map[string]int64
}

func (r *cleanReference) record(record map[string]any, offset int) {
	row, rescued := map[string]json.RawMessage{}, map[string]any{}
	values := map[string]string{}
	var rules, failures []string // first of those that reject; of those that do not
	asked, bad := 0, 0
	for i := range r.columns {
		c := &r.columns[i]
		raw := record[c.name]
		value, isRescued := c.read(raw, false)
		if isRescued {
			rescued[c.name] = raw
			if c.mask != "" {
				rescued[c.name] = nil
				text, err := json.Marshal(raw)
				if s, _ := c.tidied(content(string(text))); err == nil && c.mask != "drop" {
					rescued[c.name] = json.RawMessage(c.hidden(quote(s)))
				}
			}
		}
		values[c.name] = value
	}
	if r.missing(record) {
		rules = []string{"required"} // while decoding, before anything else is asked
	}
	for i := range r.columns {
		c := &r.columns[i]
		value := values[c.name]
		if value != "" {
			asked += len(c.tests())
			for _, name := range c.failing(value) {
				rule := c.name + "." + name
				if c.onFail == "reject" {
					rules = append(rules, rule)
					continue
				}
				failures = append(failures, rule)
				bad++
				if c.onFail == "null" {
					values[c.name] = ""
				}
			}
		}
		if c.required && values[c.name] == "" {
			rules = append(rules, "required")
		}
	}
	if v := values["c1"]; v != "" {
		asked++
		if twice := rat(v).Mul(rat(v), rat("2")); twice.Num().IsInt64() && twice.Num().Int64() == int64(int32(twice.Num().Int64())) {
			values["twice"] = twice.Num().String()
		} else {
			failures = append(failures, "twice.derived")
			bad++
		}
	}
	for _, f := range cleanFormulas {
		holds, null, _ := f.eval(func(name string) string { return values[name] })
		if null {
			continue
		}
		asked++
		_, name, _ := strings.Cut(f.yaml, "name: ")
		name, _, _ = strings.Cut(name, ",")
		switch {
		case holds:
		case f.reject:
			rules = append(rules, name)
		default:
			failures = append(failures, name)
			bad++
		}
	}
	if len(rules) > 0 {
		r.rejects = append(r.rejects, fmt.Sprint(offset, " ", rules[0]))
		return
	}
	for _, name := range failures {
		r.failed[name]++
	}
	for i := range r.columns {
		c := &r.columns[i]
		if v := values[c.name]; v != "" && c.hidden(v) != "" {
			row[c.name] = json.RawMessage(c.hidden(v))
		}
	}
	if values["twice"] != "" {
		row["twice"] = json.RawMessage(values["twice"])
	}
	if bad > 0 {
		row["quality_score"] = appendFloat(nil, float64(asked-bad)/float64(asked), 64)
	}
	if len(rescued) > 0 {
		text, _ := json.Marshal(rescued)
		row["_rescued"] = text
	}
	text, _ := json.Marshal(row)
	r.rows = append(r.rows, unordered(string(text)))
}

// missing says whether a record is set aside while it is decoded, for a required value that does not come at all or does not fit.
func (r *cleanReference) missing(record map[string]any) bool {
	for i := range r.columns {
		c := &r.columns[i]
		if v, _ := c.read(record[c.name], true); c.required && c.standIn == "" && v == "" {
			return true
		}
	}
	return false
}
