package etl

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/etl/commit"
	"datalake/etl/plan"
	"datalake/pkg/commitlog"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	memstore "datalake/pkg/storage/memory"
)

var guessSeeds = flag.Int("guesses", 400, "how many random inputs TestGuessAgainstProfile draws")

// inputs draws records whose fields are mostly of one kind, with exceptions that come late, or early, or rarely.
type inputs struct {
	*rand.Rand
	fields []drawn
}

// drawn is a field of the records.
type drawn struct {
	path        []string
	kind, other int     // of values, indexes into kinds
	there, odd  float64 // how often it is there, and of the other kind
	from, until float64 // the part of the input in which it is of the other kind
}

var kinds = []func(r *inputs) string{
	func(r *inputs) string { return fmt.Sprint(r.IntN(100)) },
	func(r *inputs) string { return fmt.Sprint(1700000000 + r.IntN(1000)) },
	func(r *inputs) string { return fmt.Sprint(r.IntN(100)) + ".5" },
	func(r *inputs) string { return fmt.Sprintf("%q", fmt.Sprint(r.IntN(100))) },
	func(r *inputs) string { return fmt.Sprintf(`"2025-01-%02d"`, 1+r.IntN(28)) },
	func(r *inputs) string { return fmt.Sprintf(`"2025-01-%02dT00:00:00Z"`, 1+r.IntN(28)) },
	func(r *inputs) string { return fmt.Sprintf(`"text %d"`, r.IntN(9)) },
	func(r *inputs) string { return r.one("true", "false") },
	func(r *inputs) string { return r.one("[]", `["a"]`, `["a","b"]`) },
	func(r *inputs) string { return r.one("[]", "[1]", "[1,null,3]", "[]") },
	func(r *inputs) string { return "[]" },
	func(r *inputs) string { return fmt.Sprintf(`{"k":%d}`, r.IntN(9)) },
	func(r *inputs) string { return `{"k":{"l":1,"m":null}}` },
	func(r *inputs) string { return "null" },
	func(r *inputs) string { return "{}" },
	// Only as exceptions:
	func(r *inputs) string { return r.one("81.0", "8e1", `"81.0"`, "8.1E1") },
	func(r *inputs) string { return r.one("9007199254740993", `"9007199254740993"`, "9223372036854775807") },
	func(r *inputs) string {
		return r.one("9223372036854775808", "18446744073709551616", `"18446744073709551616"`)
	},
	func(r *inputs) string { return r.one("0.12345678901234567890", "1e999", "3.141592653589793238") },
	func(r *inputs) string { return r.one(`"032"`, `" 5"`, `"1e"`, `"-"`) },
	func(r *inputs) string { return `"` + strings.Repeat("1", 70) + `.0"` },
	func(r *inputs) string { return `"1.` + strings.Repeat("0", 70) + `"` },
	func(r *inputs) string { return r.one(`"true"`, `"false"`) },
	func(r *inputs) string {
		return r.one(`"2025-1-3"`, `"2025-02-30"`, `"2025-01-03T00:00:00.123456+02:00"`)
	},
	func(r *inputs) string {
		return r.one(`[{"a":1}]`, "[[1]]", `[1,"a"]`, `["2025-01-01"]`, "[true]", "[2.5]")
	},
	func(r *inputs) string { return r.one(`{"k":null}`, `{"z":{}}`, `{"z":null}`, `{"k":{}}`) },
	func(r *inputs) string {
		return r.one("4133980800000", "99", `"1999-01-01T00:00:00Z"`, `"2031-01-01T00:00:00Z"`)
	},
	func(r *inputs) string { return fmt.Sprintf(`{"k%d":1}`, r.IntN(9)) },
	func(r *inputs) string { return fmt.Sprintf(`{"k":1,"k":"a","u%d":{"v":1}}`, r.IntN(3)) },
}

// usual is how many kinds fields have but as exceptions.
const usual = 15

func (r *inputs) one(of ...string) string { return of[r.IntN(len(of))] }

func drawInputs(seed uint64) *inputs {
	r := &inputs{Rand: rand.New(rand.NewPCG(seed, 7))}
	names := []string{"a", "b", "c", "A", "ts", "time", "event_time", "created_at", "data", "deep", "record_id", "metadata"}
	for range 1 + r.IntN(8) {
		d := drawn{kind: r.IntN(usual), other: r.IntN(len(kinds)), there: 1}
		d.path = []string{names[r.IntN(len(names))]}
		if r.IntN(3) == 0 {
			d.path = append(d.path, names[r.IntN(4)])
		}
		if r.IntN(3) == 0 {
			d.there = r.Float64()
		}
		if strings.HasPrefix(d.path[0], "t") || d.path[0] == "event_time" { // event times, at times with exceptions around one in twenty
			d.kind, d.there = []int{1, 4, 5, 5, 6}[r.IntN(5)], 0.9+0.12*r.Float64()
		}
		switch r.IntN(5) {
		case 0: // now and then
			d.odd, d.until = 0.1*r.Float64(), 1
		case 1: // from somewhere on
			d.from = r.Float64()
			d.odd, d.until = r.Float64(), 1
		case 2: // here only
			d.from = r.Float64()
			d.odd, d.until = r.Float64(), d.from+0.1
		case 3: // there only, and nothing before
			d.from, d.until, d.odd, d.kind = r.Float64(), 1, 0.3, 13
		}
		r.fields = append(r.fields, d)
	}
	return r
}

// object draws the members of an object, of which at has been passed.
func (r *inputs) object(at float64) string {
	tree := map[string]any{}
	var keys []string
	for _, f := range r.fields {
		if r.Float64() > f.there {
			continue
		}
		kind := f.kind
		if at >= f.from && at < f.until && r.Float64() < f.odd {
			kind = f.other
		}
		value := kinds[kind](r)
		if len(f.path) == 1 {
			keys = append(keys, fmt.Sprintf("%q:%s", f.path[0], value))
			continue
		}
		key := f.path[0]
		if tree[key] == nil {
			keys = append(keys, key)
			tree[key] = ""
		}
		tree[key] = tree[key].(string) + fmt.Sprintf(",%q:%s", f.path[1], value)
	}
	if r.IntN(4) == 0 {
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	}
	for i, k := range keys {
		if inner, ok := tree[k]; ok {
			keys[i] = fmt.Sprintf("%q:{%s}", k, inner.(string)[1:])
		}
	}
	return "{" + strings.Join(keys, ",") + "}"
}

// land puts objects with records of several sources, or of one, into the raw zone.
func (r *inputs) land(t *testing.T, store storage.Store, run int) {
	envelopes, folders, objects := r.IntN(4), 1+r.IntN(2), 1+r.IntN(3)
	stray := r.IntN(3) == 0
	for f := range folders {
		for o := range objects {
			var b bytes.Buffer
			records := 1 + r.IntN(120)
			for i := range records {
				at := (float64(o) + float64(i)/float64(records)) / float64(objects)
				record := r.object(at)
				source := fmt.Sprint("s", f)
				if stray && r.IntN(40) == 0 {
					source = r.one("s0", "s1", "late")
				}
				if enveloped := envelopes == 0 || envelopes == 1 && r.IntN(30) == 0 || envelopes == 2 && at > 0.7 || source == "late"; enveloped {
					record = fmt.Sprintf(`{"source":%q,"data":%s,"metadata":{"m":%d}}`, source, record, i)
				}
				b.WriteString(record + "\n")
				if r.IntN(50) == 0 {
					b.WriteString(r.one("nonsense\n", "{\"a\":\n", "{} {}\n", "7\n"))
				}
			}
			key := fmt.Sprintf("raw/s%d/%d-%d.json", f, run, o)
			if _, err := store.Put(t.Context(), key, bytes.NewReader(b.Bytes()), storage.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// lake draws a lake file.
func (r *inputs) lake(t *testing.T) *lakefile.File {
	if r.IntN(2) == 0 {
		return nil
	}
	text := "version: 1\nsources:\n"
	for _, s := range []string{"s0", "s1"} {
		text += "  " + s + ":\n    other_columns: " + r.one("keep", "keep", "keep", "rescue", "drop") + "\n"
		if r.IntN(3) == 0 {
			text += "    on_type_conflict: " + r.one("widen", "quarantine") + "\n"
		}
		if r.IntN(3) == 0 {
			text += fmt.Sprintf("    max_columns: %d\n", 3+r.IntN(6))
		}
		if r.IntN(3) == 0 {
			text += "    envelope: " + r.one("none", "envelope") + "\n"
		}
		if r.IntN(3) == 0 {
			text += "    event_time: " + r.one("{path: ts}", "{path: data.ts, missing: quarantine}", "{missing: quarantine}", "arrival", "{min: 1980-01-01, max_future: 36500d}") + "\n"
		}
		if r.IntN(2) == 0 {
			text += "    columns:\n"
			for _, p := range []string{"a", "data.a", "b", "deep.a", "data.time"} {
				if r.IntN(3) == 0 {
					required := ""
					if r.IntN(5) == 0 {
						required = ", required: true"
					}
					text += fmt.Sprintf("      - {path: %s, name: %s_, type: %q%s}\n", p, strings.ReplaceAll(p, ".", "_"), r.one("int", "string", "json", "double", "map<string,string>", "timestamp", "boolean"), required)
				}
			}
			text = strings.TrimSuffix(text, "    columns:\n")
		}
	}
	file, err := lakefile.Parse("lake.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return file
}

// outcome is what inference decides in a run, and what follows from it.
type outcome struct {
	Schemas  map[string]*schema.Schema
	Warnings []string
	Added    map[string][]schema.Column
	Counts   map[string]string
}

// mapInputs maps what a plan has, on schemas of an earlier run.
func mapInputs(t *testing.T, job Job, p *plan.Plan, sources map[string]commitlog.Source) outcome {
	t.Helper()
	base := &commitlog.State{Sources: sources}
	s, err := newSchemas(job, base)
	if err != nil {
		t.Fatal(err)
	}
	w := newWork(job, commit.Lake{}, nil, p, s, &meter{})
	defer w.close()
	if err := w.mapAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := outcome{map[string]*schema.Schema{}, s.warnings, map[string][]schema.Column{}, map[string]string{}}
	for source, c := range w.mapped.counts {
		if s.Schema(source) != nil {
			out.Schemas[source] = s.settled(source)
		}
		if len(s.added[source]) > 0 {
			out.Added[source] = s.added[source]
		}
		out.Counts[source] = fmt.Sprint(c.in, c.rejected, c.rescued, c.duplicateKeys, c.floored, c.sourceDiffers, c.rules, c.rescuedBy, w.mapped.seen[source].Rows)
	}
	slices.Sort(out.Warnings)
	return out
}

// A run that guesses finds the columns, and all else that follows from the records, which a run has that looks at all of them
// first: whatever the sample has missed.
func TestGuessAgainstProfile(t *testing.T) {
	seeds := *guessSeeds
	if testing.Short() {
		seeds /= 10
	}
	events := map[string]int{}
	for seed := range uint64(seeds) {
		r := drawInputs(seed)
		store := memstore.New()
		zone := layout.Zone{Store: store, Prefix: "raw"}
		job := Job{Zones: Zones{Raw: zone}, Lake: r.lake(t), Parallel: 1 + r.IntN(3)}.withDefaults()
		sources := map[string]commitlog.Source{}
		seen := map[string]bool{}
		for run := range 2 {
			r.land(t, store, run)
			p, err := plan.List(t.Context(), zone, plan.Options{
				Consumed: func(key, _ string) (bool, error) { return seen[key], nil }, RecordsAt: func(string) string { return "" },
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range p.Objects {
				seen[o.Key] = true
			}
			chunk := 256 << r.IntN(4)
			job.sampling = sampling{least: math.MaxInt64, chunk: chunk}
			want := mapInputs(t, job, p, sources)
			job.sampling = sampling{least: 1, first: 1 << r.IntN(12), chunk: chunk, waste: int64(1 + r.IntN(4)), note: func(event string) { events[event]++ }}
			got := mapInputs(t, job, p, sources)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("seed %d, run %d (-all seen first +guessed):\n%s", seed, run, d)
				if t.Failed() {
					return
				}
			}
			for source, s := range got.Schemas {
				sources[source] = commitlog.Source{Schema: s}
			}
			if r.IntN(2) == 0 { // other fields come
				r.fields = append(r.fields, drawInputs(seed+1<<32).fields...)
			}
		}
	}
	t.Logf("%v", events)
	for _, event := range []string{"held", "stopped", "given up"} {
		if events[event] < seeds/20 {
			t.Errorf("%d inputs, but only %d times a guess was %s", seeds, events[event], event)
		}
	}
}

// Each of these is a way in which a sample says other than all records do, and no value of which fails to fit its column.
func TestGuessMisled(t *testing.T) {
	many := func(n int, record string) string { return strings.Repeat(record+"\n", n) }
	numbered := func(n int, record string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, record+"\n", i)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ lake, records, want string }{
		"elements of lists": {
			"", many(40, `{"t":[]}`) + many(40, `{"t":["2025-01-01"]}`), "t list<date>",
		},
		"large numbers where the small ones are": {
			"", many(20, `{"n":1}`) + many(60, `{"n":18446744073709551616}`) + many(200, `{"n":1}`), "n bigint",
		},
		"large numbers in the majority": {
			"", many(40, `{"n":1}`) + many(60, `{"n":18446744073709551616}`), "n double",
		},
		"paths of nulls": {
			"", many(40, `{"m":{"x":{"y":1}}}`) + numbered(1100, `{"m":{"x":{"y":1},"n%d":null}}`), "m json",
		},
		"objects in json": {
			"", many(40, `{"m":{"x":{"y":1},"j":[[1]]}}`) + numbered(1100, `{"m":{"x":{"y":1},"j":{"k%d":1}}}`), "m_x json, m_j json",
		},
		"times of another century": {
			"{event_time: {min: 1980-01-01, max_future: 36500d}}",
			many(40, `{"ts":1735689600}`) + many(10, `{"ts":4140000000000}`), "ts bigint",
		},
		"times that inference cannot read": {
			"", many(40, `{"ts":"2025-01-03"}`) + many(10, `{"ts":"2025-1-3"}`), "ts string",
		},
		"a declared column is the event time": {
			"{columns: [{path: time, type: int}]}", many(20, `{"ts":"2025-01-03"}`) + many(400, `{"time":"2025-01-03","ts":"2025-01-03"}`), "time int, ts date",
		},
		"a column becomes the event time": {
			"", many(10, `{"time":"no","ts":"2025-01-03"}`) + many(4, `{"ts":"2025-01-03"}`) + many(290, `{"time":"2025-01-03","ts":"2025-01-03"}`), "ts date",
		},
		"truth in quotes":           {"", many(40, `{"b":true}`) + `{"b":"true"}`, "b json"},
		"a whole number's fraction": {"", many(40, `{"n":1}`) + `{"n":1.0}`, "n double"},
		"a whole number's exponent": {"", many(40, `{"n":[1]}`) + `{"n":[1e2]}`, "n list<double>"},
		"a long number in quotes":   {"", many(40, `{"n":1.5}`) + `{"n":"1.` + strings.Repeat("0", 70) + `"}`, "n json"},
		"a short date":              {"", many(40, `{"d":"2025-01-03"}`) + `{"d":"2025-1-3"}`, "d string"},
		"an empty object":           {"", many(40, `{"m":{"n":1,"o":1}}`) + `{"m":{"n":{},"o":1}}`, "m_n json, m_o bigint"},
		"objects that are rescued": {
			"{max_columns: 1}", many(40, `{"a":1,"m":{"x":{"y":1},"j":1}}`) + numbered(1100, `{"m":{"j":{"k%d":1}}}`), "a bigint",
		},
		"a null before": {
			"", many(40, `{"a":{"z":1}}`) + many(30, `{"a":{"z":1,"n":null}}`) + many(40, `{"a":{"z":1},"b":1}`) + many(40, `{"a":{"z":1,"n":1}}`), "a_z bigint, a_n bigint, b bigint",
		},
		"an envelope": {
			"", many(40, `{"a":1}`) + many(1, `{"source":"s","data":{}}`), "a bigint",
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := memstore.New()
			zone := layout.Zone{Store: store, Prefix: "raw"}
			if _, err := store.Put(t.Context(), "raw/s/1.json", strings.NewReader(c.records), storage.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			p, err := plan.List(t.Context(), zone, plan.Options{
				Consumed: func(string, string) (bool, error) { return false, nil }, RecordsAt: func(string) string { return "" },
			})
			if err != nil {
				t.Fatal(err)
			}
			job := Job{Zones: Zones{Raw: zone}, Parallel: 1}
			if c.lake != "" {
				job.Lake, err = lakefile.Parse("lake.yaml", []byte("version: 1\nsources:\n  s: "+c.lake+"\n"), func(string) (string, bool) { return "", false })
				if err != nil {
					t.Fatal(err)
				}
			}
			job = job.withDefaults()
			job.sampling = sampling{least: math.MaxInt64, chunk: 256}
			want := mapInputs(t, job, p, nil)
			job.sampling = sampling{least: 1, first: 256, chunk: 256, waste: 1}
			if d := cmp.Diff(want, mapInputs(t, job, p, nil)); d != "" {
				t.Errorf("-all seen first +guessed:\n%s", d)
			}
			var columns []string
			for _, col := range want.Schemas["s"].Columns {
				if len(col.Path) > 0 {
					columns = append(columns, col.Name+" "+col.Type.String())
				}
			}
			if got := strings.Join(columns, ", "); got != c.want {
				t.Errorf("the columns are %s, want %s", got, c.want)
			}
		})
	}
}
