package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/jsontext"
)

// generator makes the records of one source, with the dirt of real life.
type generator struct {
	*rand.Rand
	source    string
	enveloped bool
	ids       int
	drift     bool
	past      []map[string]any
}

// A field's values: how often it is there at all is part of what the generator draws.
var fields = map[string]func(g *generator) any{
	"count":  func(g *generator) any { return g.integer() },
	"ratio":  func(g *generator) any { return g.fraction() },
	"quoted": func(g *generator) any { return one(g, any(g.integer()), any(string(g.integer()))) },
	"amount": func(g *generator) any { return one(g, any(g.integer()), any(g.fraction()), any(string(g.fraction()))) },
	"name":   func(g *generator) any { return g.text() },
	"digits": func(g *generator) any { return string(g.integer()) },
	"flag":   func(g *generator) any { return g.IntN(2) == 0 },
	"birth":  func(g *generator) any { return fmt.Sprintf("20%02d-%02d-%02d", g.IntN(30), 1+g.IntN(12), 1+g.IntN(28)) },
	"seen":   func(g *generator) any { return g.instant() },
	"any": func(g *generator) any {
		return one(g, any(g.integer()), any(g.text()), any(true), any([]any{g.integer(), nil}), any(map[string]any{"k": g.text()}))
	},
	"place": func(g *generator) any {
		return map[string]any{"lat": g.fraction(), "at": map[string]any{"zone": g.text(), "tag": one(g, any(nil), any(g.integer()))}}
	},
	"tags": func(g *generator) any {
		return slices.Repeat([]any{"tag " + g.text(), nil}, 1+g.IntN(2))[:1+g.IntN(2)]
	},
	"path":  func(g *generator) any { return []any{g.integer(), g.fraction(), g.fraction()}[:1+g.IntN(3)] },
	"items": func(g *generator) any { return []any{map[string]any{"sku": g.text(), "n": g.integer()}} },
	"large": func(g *generator) any {
		return one(g, any(g.integer()), any(json.Number("9223372036854775807")), any(json.Number("-9223372036854775809")), any(json.Number("18446744073709551616")))
	},
	"long": func(g *generator) any {
		return one(g, any(g.fraction()), any(json.Number("0.12345678901234567890")), any(json.Number("3.141592653589793238")))
	},
	"empty": func(g *generator) any { return one(g, any(nil), any(map[string]any{})) },
}

// drifted are fields that change their kind in a later run, and one that is new.
var drifted = map[string]func(g *generator) any{
	"count": func(g *generator) any {
		return one(g, any(g.integer()), any(g.fraction()), any(g.text()), any(string(g.integer())))
	},
	"flag":  func(g *generator) any { return one(g, any(false), any("true"), any("yes"), any(g.integer())) },
	"birth": func(g *generator) any { return one(g, any("2024-02-29"), any("2023-02-29"), any(g.integer())) },
	"name":  func(g *generator) any { return one(g, any(g.text()), any(map[string]any{"first": g.text()})) },
	"path":  func(g *generator) any { return one(g, any([]any{g.text()}), any(g.integer()), any([]any{})) },
	"place": func(g *generator) any {
		return one(g, any(map[string]any{"lat": g.text(), "lon": g.fraction()}), any(g.text()))
	},
	"extra": func(g *generator) any { return map[string]any{"deep": g.integer()} },
}

func one(g *generator, of ...any) any { return of[g.IntN(len(of))] }

func (g *generator) integer() json.Number {
	return json.Number(strconv.Itoa(g.IntN(1<<(1+g.IntN(40))) - 50))
}

func (g *generator) fraction() json.Number {
	return json.Number(strconv.FormatFloat(float64(g.IntN(1<<30)-1<<29)/float64(int(1)<<g.IntN(20)), 'f', -1, 64))
}

func (g *generator) text() string {
	return one(g, "", "plain", "größe", "日本", "😀", "quote\" and \\", "tab\t", "<&>", "\u2028", "nul\x00", strings.Repeat("long ", g.IntN(40)), fmt.Sprint("id-", g.IntN(1000))).(string)
}

func (g *generator) instant() string {
	s := fmt.Sprintf("2025-%02d-%02dT%02d:%02d:%02d", 1+g.IntN(2), 1+g.IntN(28), g.IntN(24), g.IntN(60), g.IntN(60))
	return s + one(g, "", ".5", ".123", ".1239999", ".000000001").(string) + one(g, "Z", "+02:00", "-11:30").(string)
}

// record draws one record, often one that was there before.
func (g *generator) record() map[string]any {
	if len(g.past) > 0 && g.IntN(8) == 0 {
		return g.past[g.IntN(len(g.past))]
	}
	data := map[string]any{}
	for _, name := range slices.Sorted(keys(fields)) {
		make := fields[name]
		if g.drift && drifted[name] != nil {
			make = drifted[name]
		}
		if n := g.IntN(10); n == 0 {
			data[name] = nil
		} else if n > 3 {
			data[name] = make(g)
		}
	}
	if g.drift && g.IntN(3) == 0 {
		data["extra"] = drifted["extra"](g)
	}
	if n := g.IntN(200); n > 3 {
		data["ts"] = g.instant()
	} else {
		data["ts"] = one(g, "1999-01-01T00:00:00Z", "2031-01-01T00:00:00Z", "soon", nil)
	}
	r := data
	if g.enveloped {
		g.ids++
		r = map[string]any{"source": g.source, "data": data}
		if g.IntN(10) > 0 {
			r["record_id"] = fmt.Sprint(g.source, "-", g.ids)
		}
		if g.IntN(3) > 0 {
			r["ingested_at"] = one(g, "2025-02-28T23:59:59.999Z", "2025-03-01T01:00:00+02:00", "today").(string)
		}
		if g.IntN(5) == 0 {
			r["metadata"] = map[string]any{"ip": g.text()}
		}
	}
	g.past = append(g.past, r)
	return r
}

// render writes a value in one of its spellings: keys in any order, white space, escapes, sometimes a key twice.
func (g *generator) render(b *bytes.Buffer, v any) {
	space := func() {
		if g.IntN(20) == 0 {
			b.WriteString(one(g, " ", "\t", "  ").(string))
		}
	}
	space()
	switch v := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		names := slices.Sorted(keys(v))
		g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for i, k := range names {
			if i > 0 {
				b.WriteByte(',')
			}
			if g.IntN(100) == 0 {
				fmt.Fprintf(b, "%q:%d,", k, g.IntN(9))
			}
			g.render(b, k)
			b.WriteByte(':')
			g.render(b, v[k])
		}
		space()
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			g.render(b, e)
		}
		space()
		b.WriteByte(']')
	case string:
		switch g.IntN(10) {
		case 0:
			b.WriteString(strconv.QuoteToASCII("")[:1])
			for _, r := range v {
				if r > 0xffff {
					b.WriteRune(r)
				} else {
					fmt.Fprintf(b, `\u%04x`, r)
				}
			}
			b.WriteByte('"')
		case 1:
			escaped, _ := json.Marshal(v)
			b.Write(escaped)
		default:
			b.Write(jsontext.AppendQuoted(nil, []byte(v)))
		}
	case json.Number:
		b.WriteString(string(v))
		if !strings.Contains(string(v), ".") && g.IntN(20) == 0 {
			b.WriteString(one(g, ".0", "e0", "E+00").(string))
		}
	default:
		fmt.Fprint(b, strings.ReplaceAll(fmt.Sprint(v), "<nil>", "null"))
	}
	space()
}

// broken are lines that hold no record.
var broken = []string{`{"a":1`, `{"a":tru}`, "nonsense", "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `7`, `"text"`, `{"a":01}`, `{"a":1}}`, "{\"a\":\"\x01\"}"}

// object draws an object of n records, in one of the formats, and says where they lie in it.
func (g *generator) object(key string, n int) (object, []refLine) {
	var b bytes.Buffer
	var lines []refLine
	format := g.IntN(4) // 0 an array, 1 concatenated, else lines
	for i := range n {
		switch {
		case format == 0:
			b.WriteByte("[,"[min(i, 1)])
		case format == 1 && g.IntN(2) == 0 && i > 0:
			b.WriteByte('\n')
		}
		start := b.Len()
		if format > 1 && i > 2 && g.IntN(12) == 0 {
			b.WriteString(one(g, toAny(broken)...).(string))
		} else {
			var r bytes.Buffer
			g.render(&r, g.record())
			b.Write(bytes.TrimSpace(r.Bytes()))
		}
		lines = append(lines, refLine{object: key, source: g.source, offset: start, text: bytes.Clone(b.Bytes()[start:])})
		if format > 1 {
			b.WriteString(one(g, "\n", "\n", "\r\n", "\n\n").(string))
		}
	}
	if format == 0 {
		b.WriteByte(']')
	}
	o := object{key: key, data: b.Bytes()}
	var err error
	switch g.IntN(4) {
	case 0:
		o.data, err = gzipped(o.data, 1+g.IntN(len(o.data)))
	case 1:
		o.data, err = zstded(o.data)
	}
	if err != nil {
		panic(err)
	}
	return o, lines
}

func toAny(s []string) []any {
	out := make([]any, len(s))
	for i := range s {
		out[i] = s[i]
	}
	return out
}

// drop is what comes before one run.
type drop struct {
	objects []object
	lines   []refLine
}

// drops draws two runs' worth of objects for two sources.
func drops(seed uint64, objects, records int) []drop {
	r := rand.New(rand.NewPCG(seed, 0))
	sources := []*generator{{Rand: r, source: "bare"}, {Rand: r, source: "enveloped", enveloped: true}}
	var out []drop
	for n := range 2 {
		var d drop
		for _, g := range sources {
			g.drift = n > 0
			for i := range objects {
				o, lines := g.object(fmt.Sprintf("%s/%d-%03d.json", g.source, n, i), 1+r.IntN(2*records))
				for k := range lines {
					lines[k].arrived = firstArrival.AddDate(0, 0, n)
				}
				d.objects, d.lines = append(d.objects, o), append(d.lines, lines...)
			}
		}
		out = append(out, d)
	}
	return out
}

// Random dirty records come out of the engine as a naive implementation has them, row for row.
func TestReference(t *testing.T) {
	seeds := 15
	if testing.Short() {
		seeds = 3
	}
	for seed := range uint64(seeds) {
		ref := &refLake{tables: map[string]*refTable{}}
		l := newLake(settings{parallel: 1 + int(seed%3)})
		for n, d := range drops(seed, 4, 25) {
			if err := l.land(t.Context(), d.objects); err != nil {
				t.Fatal(err)
			}
			result, err := l.run(t.Context())
			if err != nil {
				t.Fatalf("seed %d, run %d: %v", seed, n+1, err)
			}
			before := *ref
			ref.run(d.lines)
			want := fmt.Sprintf("in=%d out=%d duplicates=%d quarantined=%d rescued=%d", ref.in-before.in, ref.out-before.out,
				ref.dups-before.dups, len(ref.rejects)-len(before.rejects), ref.rescued-before.rescued)
			if got := balanceText(result); !strings.HasPrefix(got+" ", want+" ") {
				t.Errorf("seed %d, run %d: %s, want %s", seed, n+1, got, want)
			}
			l.compareTo(t, ref, fmt.Sprintf("seed %d, run %d", seed, n+1))
			if t.Failed() {
				return
			}
		}
	}
}

// compareTo holds all rows and rejects against the reference's.
func (l *lake) compareTo(t *testing.T, ref *refLake, what string) {
	t.Helper()
	tables, err := l.tables(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for source, table := range ref.tables {
		var want, got []string
		for _, day := range slices.Sorted(keys(table.rows)) {
			want = append(append(want, day), sorted(table.rows[day])...)
		}
		var part []string
		for _, row := range append(tables[source].rows, "") {
			if strings.HasPrefix(row, "{") {
				part = append(part, unordered(row))
				continue
			}
			got = append(got, sorted(part)...)
			if part = nil; row != "" {
				got = append(got, row)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: rows of %s (-reference +engine):\n%s", what, source, firstLines(d, 40))
		}
	}
	rejects, err := l.rejects(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var got []string
	for _, r := range rejects {
		got = append(got, fmt.Sprintf("%s %d %s", r.Object, r.Offset, r.Rule))
	}
	if d := cmp.Diff(sorted(ref.rejects), sorted(got)); d != "" {
		t.Errorf("%s: rejects (-reference +engine):\n%s", what, firstLines(d, 20))
	}
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// unordered is a JSON object with its keys sorted, at every depth.
func unordered(row string) string {
	d := json.NewDecoder(strings.NewReader(row))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return row
	}
	b, err := json.Marshal(v)
	if err != nil {
		return row
	}
	return string(b)
}

func firstLines(s string, n int) string {
	lines := strings.SplitAfterN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "")
}

// Objects that are cut into many chunks give the same files, byte for byte, whatever the parallelism and the memory, and the
// rows that the reference gives.
func TestSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("reads some 10 MB several times")
	}
	given := drops(1, 2, 2200)
	for n, d := range given {
		large := 0
		for _, o := range d.objects {
			if len(o.data) > 1<<20 {
				large++
			}
		}
		if large == 0 {
			t.Fatalf("no object of run %d is larger than a chunk", n+1)
		}
	}
	ref := &refLake{tables: map[string]*refTable{}}
	var want [][]string
	for _, s := range []settings{{parallel: 1}, {parallel: 2}, {parallel: 8}, {parallel: 8, memory: 1}} {
		l := newLake(s)
		for n, d := range given {
			if err := l.land(t.Context(), d.objects); err != nil {
				t.Fatal(err)
			}
			if _, err := l.run(t.Context()); err != nil {
				t.Fatalf("%+v, run %d: %v", s, n+1, err)
			}
			if s.parallel == 1 {
				ref.run(d.lines)
				l.compareTo(t, ref, fmt.Sprintf("run %d", n+1))
			}
			tables, err := l.tables(t.Context())
			if err != nil {
				t.Fatalf("%+v, run %d: %v", s, n+1, err)
			}
			got := files(outcome{tables: tables})
			if s.parallel == 1 {
				want = append(want, got)
			} else if d := cmp.Diff(want[n], got); d != "" {
				t.Errorf("%+v: other files after run %d (-parallel 1, +this):\n%s", s, n+1, firstLines(d, 20))
			}
		}
	}
}
