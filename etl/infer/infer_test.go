package infer

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

var object = &batch.Object{Key: "raw/s/a.json", Source: "s"}

// tell shows a profile the members of a record, as a decoder without a schema does.
func tell(t testing.TB, p *Profile, envelope bool, at int, record string) {
	t.Helper()
	b := jsontext.Pad([]byte(record))
	o := batch.Origin{Object: object, Offset: int64(at)}
	p.Record("s", envelope, o)
	var w walker
	w.profile, w.b = p, b
	for i := jsontext.Space(b, 1); b[i] == '"'; {
		key, end := w.key(i)
		i = jsontext.Space(b, jsontext.Space(b, end)+1)
		end = w.skip(i)
		if name := string(key); !envelope || name != "record_id" && name != "source" && name != "ingested_at" {
			p.Unknown("s", envelope, o, schema.Path{name}, b, i, end)
		}
		if i = jsontext.Space(b, end); b[i] == ',' {
			i = jsontext.Space(b, i+1)
		}
	}
}

// columns are the added ones as text.
func columns(t testing.TB, p *Profile, s *schema.Schema, o Options) (*schema.Schema, []string, Report) {
	t.Helper()
	next, r, err := p.Extend(s, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range r.Added {
		out = append(out, c.Name+" "+c.Type.String())
	}
	return next, out, r
}

func TestTypes(t *testing.T) {
	for values, want := range map[string]string{
		`1 -5 null`:                 "bigint",
		`1 2.5`:                     "double",
		`8e1`:                       "double",
		`9007199254740993 0.5`:      "json",
		`9223372036854775808 1`:     "bigint",
		`9223372036854775808 0.5`:   "double",
		`12345678901234567890.5 1`:  "double",
		`9223372036854775808`:       "double",
		`true false`:                "boolean",
		`true 1`:                    "json",
		`"a" "b"`:                   "string",
		`"1" "2"`:                   "string",
		`"1" 2`:                     "bigint",
		`"1.5" 2`:                   "double",
		`"032" 2`:                   "json",
		`"x" 2`:                     "json",
		`"2025-01-31"`:              "date",
		`"2025-01-31" "2025-02-30"`: "string",
		`"2025-01-31T00:00:00Z" "2025-01-31T01:00:00.123456+02:00"`: "timestamp",
		`"2025-01-31" "2025-01-31T00:00:00Z"`:                       "string",
		`[] null`:                                                   "list<string>",
		`[1,null] [2]`:                                              "list<bigint>",
		`["a"] [1]`:                                                 "json",
		`[{"a":1}]`:                                                 "json",
		`[[1]]`:                                                     "json",
		`[1] 2`:                                                     "json",
		`{"a":1} 5`:                                                 "json",
		`{"a":1} [1]`:                                               "json",
		`null`:                                                      "",
		`{} null`:                                                   "",
		`{"k":1} {"k":"x"}`:                                         "x_k json",
		`{"k":{"l":true}}`:                                          "x_k_l boolean",
	} {
		p := NewProfile()
		for i, v := range strings.Fields(values) {
			tell(t, p, false, i, `{"x":`+v+`}`)
		}
		_, got, _ := columns(t, p, schema.Common("s", schema.Bare), Options{})
		if want != "" && !strings.Contains(want, " ") {
			want = "x " + want
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s: got %q, want %q", values, s, want)
		}
	}
}

func TestEventTime(t *testing.T) {
	for _, c := range []struct {
		name     string
		envelope bool
		records  []string
		want     string
	}{
		{"in data first", true, []string{`{"data":{"ts":"2025-01-01T00:00:00Z"},"timestamp":"2025-01-01T00:00:00Z"}`}, "data.ts"},
		{"then in the record", true, []string{`{"data":{"ts":"no"},"timestamp":"2025-01-01"}`}, "timestamp"},
		{"order of the names", false, []string{`{"ts":1764064800,"created_at":1764064800000,"time":"1764064800"}`}, "time"},
		{"no small numbers", false, []string{`{"ts":5,"time":"x"}`}, ""},
	} {
		p := NewProfile()
		for i, r := range c.records {
			tell(t, p, c.envelope, i, r)
		}
		next, _, _ := columns(t, p, schema.Common("s", schema.Bare), Options{EventTime: true, Envelope: true})
		if got := next.EventTime.Path; got == nil && c.want != "" || got != nil && got.String() != c.want {
			t.Errorf("%s: got %s, want %q", c.name, got, c.want)
		}
		if (next.Envelope == schema.Enveloped) != c.envelope {
			t.Errorf("%s: envelope %s", c.name, next.Envelope)
		}
	}
	// 95 % are enough, fewer are not.
	for bad, want := range map[int]bool{5: true, 6: false} {
		p := NewProfile()
		for i := range 100 {
			v := `"2025-01-01T00:00:00Z"`
			if i < bad {
				v = `"soon"`
			}
			tell(t, p, false, i, `{"ts":`+v+`}`)
		}
		if next, _, _ := columns(t, p, schema.Common("s", schema.Bare), Options{EventTime: true}); (next.EventTime.Path != nil) != want {
			t.Errorf("%d of 100 bad: %v", bad, next.EventTime.Path)
		}
	}
}

func randomRecord(r *rand.Rand) string {
	var value func(depth int) string
	value = func(depth int) string {
		all := []string{"1", "2.5", "true", "null", `"x"`, `"5"`, `"2025-01-01"`, "[]", "[1,2]", `[{"a":1}]`, "{}", `"2025-01-01T00:00:00Z"`}
		if depth > 0 && r.IntN(3) == 0 {
			var m []string
			for range r.IntN(4) {
				m = append(m, fmt.Sprintf(`"%c":%s`, 'a'+r.IntN(5), value(depth-1)))
			}
			return "{" + strings.Join(m, ",") + "}"
		}
		return all[r.IntN(len(all))]
	}
	var m []string
	for i := range 1 + r.IntN(5) {
		m = append(m, fmt.Sprintf(`"%c%d":%s`, 'a'+r.IntN(4), i%3, value(3)))
	}
	return "{" + strings.Join(m, ",") + "}"
}

// The same records give the same schema, in any order and however they are dealt out to workers.
func TestOrder(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		records := make([]string, 30)
		for i := range records {
			records[i] = randomRecord(r)
		}
		var want *schema.Schema
		for range 4 {
			parts := []*Profile{NewProfile(), NewProfile(), NewProfile()}
			for _, i := range r.Perm(len(records)) {
				tell(t, parts[r.IntN(3)], false, i, records[i])
			}
			r.Shuffle(3, func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			parts[0].Merge(parts[1])
			parts[0].Merge(parts[2])
			got, _, _ := columns(t, parts[0], schema.Common("s", schema.Bare), Options{MaxColumns: 8})
			if want == nil {
				want = got
			} else if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("seed %d: %s", seed, d)
			}
		}
	}
}

// Data in the place of keys does not make a table of a million columns, nor a profile without bounds; and it does not matter which
// worker sees which.
func TestManyPaths(t *testing.T) {
	record := func(i int) string {
		return fmt.Sprintf(`{"id":%d,"by_user":{"u%d":{"n":1},"v%d":2}}`, i, i, i)
	}
	var want []string
	for _, workers := range []int{1, 3} {
		parts := make([]*Profile, workers)
		for i := range parts {
			parts[i] = NewProfile()
		}
		for i := range 9000 {
			tell(t, parts[i%workers], false, i, record(i))
		}
		for _, q := range parts[1:] {
			parts[0].Merge(q)
		}
		_, got, _ := columns(t, parts[0], schema.Common("s", schema.Bare), Options{MaxColumns: 300})
		if want == nil {
			want = got
		}
		if fmt.Sprint(got) != "[id bigint by_user json]" || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d workers: %v", workers, got)
		}
	}
	p := NewProfile()
	for i := range maxFields + 1 {
		tell(t, p, false, i, fmt.Sprintf(`{"u%d":1}`, i))
	}
	next, got, r := columns(t, p, schema.Common("s", schema.Bare), Options{MaxColumns: 300})
	if len(got) > 0 || next.OtherColumns != schema.Rescue || len(r.Warnings) != 1 {
		t.Errorf("too many keys at the root: %d columns, %s, %q", len(got), next.OtherColumns, r.Warnings)
	}
}

// A schema that has columns gets new ones for new paths only; what is past the limit is rescued.
func TestLater(t *testing.T) {
	s := schema.Common("s", schema.Bare)
	s, err := s.Extend([]schema.Column{{Name: "a", Type: schema.Type{Kind: schema.Int}, Path: schema.Path{"a"}}, {Name: "o_p", Type: schema.Type{Kind: schema.String}, Path: schema.Path{"o", "p"}}})
	if err != nil {
		t.Fatal(err)
	}
	s = s.Fix()
	p := NewProfile()
	tell(t, p, false, 0, `{"a":{"q":1},"o":{"p":1,"n":2},"z":1,"A":true,"y":"t"}`)
	tell(t, p, false, 1, `{"o":5}`)
	next, got, r := columns(t, p, s, Options{MaxColumns: 5})
	if fmt.Sprint(got) != "[o bigint o_n bigint z bigint]" && fmt.Sprint(got) != "[o_n bigint z bigint A boolean]" {
		t.Logf("added %v", got)
	}
	if len(next.Columns) != len(s.Columns)+3 || len(r.Rescue) != 2 || len(next.Rescue) != 2 || len(r.Warnings) == 0 {
		t.Errorf("added %v, rescued %v, warnings %q", got, r.Rescue, r.Warnings)
	}
	for i, c := range s.Columns {
		if next.Columns[i].Name != c.Name {
			t.Errorf("column %d is %s, was %s", i, next.Columns[i].Name, c.Name)
		}
	}
}

func TestWiden(t *testing.T) {
	s := schema.Common("s", schema.Bare)
	s, err := s.Extend([]schema.Column{
		{Name: "i", Type: schema.Type{Kind: schema.Int}, Path: schema.Path{"i"}},
		{Name: "j", Type: schema.Type{Kind: schema.Int}, Path: schema.Path{"j"}},
		{Name: "f", Type: schema.Type{Kind: schema.Float}, Path: schema.Path{"f"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := NewProfile()
	tell(t, p, false, 0, `{"i":3000000000,"j":"x","f":16777217}`)
	if _, _, r := columns(t, p, s, Options{}); len(r.Widened) != 0 {
		t.Errorf("widened without being asked: %v", r.Widened)
	}
	s.OnTypeConflict = schema.Widen
	if _, _, r := columns(t, p, s, Options{}); len(r.Widened) != 0 {
		t.Errorf("widened by values that may well fit: %v", r.Widened)
	}
	next, got, r := columns(t, p, s, Options{Misfits: true})
	if fmt.Sprint(got) != "[]" || len(r.Widened) != 1 || !r.News() {
		t.Errorf("added %v, widened %v", got, r.Widened)
	}
	for name, kind := range map[string]schema.Kind{"i": schema.Bigint, "j": schema.Int, "f": schema.Float} {
		if k := next.Columns[next.Index(name)].Type.Kind; k != kind {
			t.Errorf("%s is %s, want %s", name, k, kind)
		}
	}
}

func BenchmarkUnknown(b *testing.B) {
	text := jsontext.Pad([]byte(`{"timestamp":"2025-11-25T09:00:00.5Z","device_id":"sensor_0001","temperature":21.5,"humidity":45,"location":{"lat":1.5,"lon":2.5}}`))
	p := NewProfile()
	path := schema.Path{"data"}
	o := batch.Origin{Object: object}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		o.Offset++
		p.Record("s", true, o)
		p.Unknown("s", true, o, path, text, 0, len(text)-jsontext.Padding)
	}
}
