package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
		row["quality_score"] = json.RawMessage(floatText(float64(asked-bad) / float64(asked)))
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
