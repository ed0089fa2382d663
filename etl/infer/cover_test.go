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

// reader goes through records by a schema, as a decoder does, and tells of the values that no column takes.
type reader struct {
	t     *taken
	json  map[string]bool
	w     walker
	keep  bool
	found func(path schema.Path, start, end int)
}

func newReader(s *schema.Schema) *reader {
	bare := s.Clone()
	bare.Envelope = schema.Bare
	r := &reader{t: newTaken(bare), json: map[string]bool{}, keep: s.OtherColumns == schema.Keep}
	for _, c := range s.Columns {
		if c.Type.Kind == schema.JSON {
			r.json[c.Path.String()] = true
		}
	}
	for _, p := range s.Rescue {
		r.json[p.String()] = true
	}
	return r
}

func (r *reader) record(b []byte) {
	r.w.profile, r.w.b = NewProfile(), b
	r.members(nil, 0)
}

func (r *reader) members(path schema.Path, p int) {
	b := r.w.b
	for p = jsontext.Space(b, p+1); b[p] == '"'; {
		key, end := r.w.key(p)
		at := append(append(schema.Path{}, path...), string(key))
		p = jsontext.Space(b, jsontext.Space(b, end)+1)
		end = r.w.skip(p)
		r.value(at, p, end)
		if p = jsontext.Space(b, end); b[p] == ',' {
			p = jsontext.Space(b, p+1)
		}
	}
}

func (r *reader) value(path schema.Path, p, end int) {
	text := path.String()
	switch {
	case !holds(string(r.w.b[p:end])) || r.json[text]:
	case r.w.b[p] == '{' && r.t.below[text]:
		r.members(path, p)
	case r.t.at[text]:
	case r.keep:
		r.found(path, p, end)
	}
}

// holds says whether there is anything in a value that has no white space and no strings with brackets.
func holds(text string) bool {
	for {
		before := text
		for _, s := range []string{"{}", "null"} {
			text = strings.ReplaceAll(text, ":"+s, ":null")
		}
		for c := 'a'; c <= 'z'; c++ {
			text = strings.ReplaceAll(text, fmt.Sprintf(`"%c":null`, c), "")
		}
		text = strings.ReplaceAll(strings.ReplaceAll(text, "{,", "{"), ",}", "}")
		text = strings.ReplaceAll(text, ",,", ",")
		if text == before {
			return text != "null" && text != "{}"
		}
	}
}

// After Extend no value is told again: each has a column, or goes to _rescued. Run after run, with limits.
func TestNothingIsLost(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := schema.Common("s", schema.Bare)
		o := Options{MaxColumns: r.IntN(20), EventTime: true}
		for run := range 4 {
			var records []string
			for range 1 + r.IntN(6) {
				records = append(records, strings.ReplaceAll(randomRecord(r), "a0", []string{"data", "ts", "b"}[r.IntN(3)]))
			}
			p := NewProfile()
			for i, record := range records {
				at := batch.Origin{Object: object, Offset: int64(i)}
				p.Record("s", false, at)
				b := jsontext.Pad([]byte(record))
				rd := newReader(s)
				rd.found = func(path schema.Path, start, end int) { p.Unknown("s", false, at, path, b, start, end) }
				rd.record(b)
			}
			next, report, err := p.Extend(s, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range records {
				rd := newReader(next)
				rd.found = func(path schema.Path, start, end int) {
					t.Fatalf("seed %d, run %d: %s of %s is lost\n%+v\n%s", seed, run, path, record, report, strings.Join(records, "\n"))
				}
				rd.record(jsontext.Pad([]byte(record)))
			}
			s, o.EventTime = next.Fix(), false
		}
	}
}

// However many paths there are, and whoever sees which, the result is the same; only the field with too many is one value.
func TestOrderWithManyPaths(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 4))
		wide, deep := 2+r.IntN(60), 2+r.IntN(60) // around maxBelow
		records := make([]string, 6000)
		for i := range records {
			records[i] = fmt.Sprintf(`{"id":%d,"loc":{"lat":1.5,"lon":{"deg":2}},"m":{"k%d":{"l%d":{"x":%d}}}}`, i, r.IntN(wide), r.IntN(deep), i)
		}
		var want []string
		for workers := 1; workers <= 3; workers++ {
			parts := make([]*Profile, workers)
			for i := range parts {
				parts[i] = NewProfile()
			}
			for _, i := range r.Perm(len(records)) { // the first sees little
				w := workers - 1
				if r.IntN(50) == 0 {
					w = r.IntN(workers)
				}
				tell(t, parts[w], false, i, records[i])
			}
			for _, q := range parts[1:] {
				parts[0].Merge(q)
			}
			_, got, _ := columns(t, parts[0], schema.Common("s", schema.Bare), Options{})
			if want == nil {
				want = got
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("seed %d, %d × %d keys, %d workers: %s", seed, wide, deep, workers, d)
			}
			for i, c := range []string{"id bigint", "loc_lat double", "loc_lon_deg bigint"} {
				if got[i] != c {
					t.Fatalf("seed %d: column %d is %s, want %s", seed, i, got[i], c)
				}
			}
		}
	}
}

// An envelope's data with too many fields is rescued, not lost; the event time is still found.
func TestManyFields(t *testing.T) {
	s := schema.Common("s", schema.Enveloped)
	for workers := 1; workers <= 2; workers++ {
		parts := []*Profile{NewProfile(), NewProfile()}
		for i := range maxFields + 1 {
			tell(t, parts[i%workers], true, i, fmt.Sprintf(`{"source":"s","data":{"u%d":1,"ts":"2025-01-01T00:00:00Z"}}`, i))
		}
		parts[0].Merge(parts[1])
		next, got, r := columns(t, parts[0], s, Options{MaxColumns: 300, EventTime: true})
		if len(got) > 0 || !r.Others || !r.News() || next.OtherColumns != schema.Rescue || len(r.Warnings) != 1 {
			t.Errorf("%d columns, %+v", len(got), r)
		}
		if next.EventTime.Path.String() != "data.ts" {
			t.Errorf("event time %v", next.EventTime.Path)
		}
	}
}
