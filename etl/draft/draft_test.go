package draft_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"datalake/etl"
	"datalake/etl/demo"
	"datalake/etl/draft"
	"datalake/etl/golden"
	"datalake/pkg/commitlog"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func job(s storage.Store, prefix string) etl.Job {
	zone := func(name string) layout.Zone { return layout.Zone{Store: s, Prefix: prefix + name} }
	return etl.Job{
		Zones:    etl.Zones{Raw: layout.Zone{Store: s, Prefix: "raw"}, Processed: zone("processed"), Quarantine: zone("quarantine"), State: zone("state")},
		Parallel: 2,
	}
}

// tables runs a job and gives each file that it made by partition and hash, and the run's counts.
func tables(t *testing.T, j etl.Job) map[string]int64 {
	t.Helper()
	if _, err := etl.Run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	log, err := commitlog.Open(t.Context(), j.Zones.State.Sub(layout.Processed))
	if err != nil {
		t.Fatal(err)
	}
	state, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]int64{"rescued": state.Counts.Rescued, "in": state.Counts.In}
	for p, c := range state.Partitions {
		for _, f := range c.Files {
			files[p.Zone+" "+p.Path+" "+f.SHA256] = f.Rows
		}
	}
	return files
}

// holdDraft makes a draft and holds a run with it against one without.
func holdDraft(t *testing.T, s *memory.Store) *draft.Draft {
	t.Helper()
	before := s.Requests()
	d, err := draft.Make(t.Context(), job(s, ""), draft.Options{Look: "the test"})
	if err != nil {
		t.Fatal(err)
	}
	for op, n := range s.Requests() {
		if op != "get" && op != "list" && op != "head" && n != before[op] {
			t.Fatalf("making a draft has asked the store to %s", op)
		}
	}
	with := job(s, "with/")
	if with.Lake, err = lakefile.Parse("draft.yaml", d.Text, nil); err != nil {
		t.Fatalf("%v\n%s", err, d.Text)
	}
	if diff := cmp.Diff(tables(t, job(s, "without/")), tables(t, with)); diff != "" {
		t.Fatalf("a run with the draft gives other files (-without +with):\n%s\n%s", diff, d.Text)
	}
	return d
}

func TestDemo(t *testing.T) {
	s := memory.New()
	for drop := 1; drop <= demo.Drops; drop++ {
		if _, err := demo.Generate(t.Context(), s, "raw", drop, demo.Options{Records: 20_000, Seed: uint64(drop)}); err != nil {
			t.Fatal(err)
		}
	}
	d := holdDraft(t, s)
	for _, x := range d.Sources {
		if x.Left != "" {
			t.Errorf("%s: %s", x.Name, x.Left)
		}
	}
	for _, want := range []string{
		"# All of it was read: ", "  iot_sensors:\n    envelope: envelope", "  app_clicks:\n    envelope: none", "event_time: {path: data.timestamp, formats: [rfc3339, epoch, \"%Y-%m-%d\"]",
		"- {path: device.os, name: device_os, type: string}", "50 % null; \"ads\", \"newsletter\"", "type: json}  ", "values of several kinds", "# Note: ", "quarantined (",
	} {
		if !strings.Contains(string(d.Text), want) {
			t.Errorf("the draft does not say %q:\n%s", want, d.Text)
		}
	}
	c, err := golden.Parse(d.Example())
	if err != nil {
		t.Fatal(err)
	}
	o := golden.Options{NewStore: func() golden.Store { return memory.New() }}
	if o.Lake, err = lakefile.Parse("draft.yaml", d.Text, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if text := string(c.Format()); !strings.Contains(text, "in=12 out=6 duplicates=3 quarantined=3 rescued=0") {
		t.Errorf("the example is %s", text)
	}
}

// keys are hard to write in YAML, to name, or to tell from what an envelope has.
var keys = []string{
	"a", "b", "A", "a_b", "a.b", "${HOME}", "x: y", "# no", "'", `"`, "null", "true", "7", "-", "é", "record_id", "source", "ingested_at", "event_time", "year", "_rescued",
	"ts", "timestamp", "data", "metadata", "quality_score", "", " ", "{", "*x", "&x", "!x", "%x", "@x", "`", "y", "a-b", "a:b", "\t", "long" + strings.Repeat("x", 300),
}

func value(r *rand.Rand, kind, depth int) any {
	switch kind {
	case 0:
		return r.IntN(1000)
	case 1:
		return float64(r.IntN(1000)) / 8
	case 2:
		return fmt.Sprintf("%c text", 'a'+r.IntN(26))
	case 3:
		return r.IntN(2) == 0
	case 4:
		return fmt.Sprintf("2025-01-%02dT00:00:00Z", 1+r.IntN(28))
	case 5:
		return fmt.Sprintf("2025-01-%02d", 1+r.IntN(28))
	case 6:
		return fmt.Sprint(r.IntN(1000))
	case 7:
		return json.Number("18446744073709551616")
	case 8:
		return nil
	case 9:
		return []any{value(r, r.IntN(7), 0), nil}[:r.IntN(3)]
	case 10:
		return []any{map[string]any{"k": r.IntN(9)}}
	case 11:
		return map[string]any{}
	}
	if depth == 0 {
		return 1
	}
	m := map[string]any{}
	for range r.IntN(4) {
		m[keys[r.IntN(len(keys))]] = value(r, r.IntN(13), depth-1)
	}
	return m
}

// raw makes a raw zone whose fields mostly keep to a kind.
func raw(t *testing.T, seed uint64) *memory.Store {
	r := rand.New(rand.NewPCG(seed, 3))
	s := memory.New()
	for _, source := range []string{"one", "two", "Odd Näme", "null"}[:1+r.IntN(4)] {
		kinds := map[string]int{}
		for range 1 + r.IntN(8) {
			kinds[keys[r.IntN(len(keys))]] = r.IntN(13)
		}
		if r.IntN(12) == 0 {
			for i := range 320 {
				kinds[fmt.Sprintf("c%03d", i)] = r.IntN(7)
			}
		}
		form, odd := r.IntN(4), r.IntN(3) == 0
		for object := range 1 + r.IntN(3) {
			var b strings.Builder
			for range 1 + r.IntN(30) {
				m := map[string]any{}
				for _, k := range slices.Sorted(maps.Keys(kinds)) {
					kind := kinds[k]
					if odd && r.IntN(9) == 0 {
						kind = r.IntN(13)
					}
					if r.IntN(9) > 0 {
						m[k] = value(r, kind, 2)
					}
				}
				enveloped := form == 0 || form == 1 && r.IntN(2) == 0
				if enveloped {
					e := map[string]any{"source": source, "data": m, "record_id": fmt.Sprint(r.IntN(50))}
					if r.IntN(20) == 0 {
						e["source"] = "elsewhere"
					}
					if r.IntN(2) == 0 {
						e["ingested_at"], e["metadata"] = "2025-02-01T00:00:00Z", map[string]any{"v": r.IntN(3)}
					}
					m = e
				}
				text, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				b.Write(text)
				b.WriteString("\n")
				if r.IntN(30) == 0 {
					b.WriteString("{\"broken\n")
				}
			}
			if _, err := s.Put(t.Context(), fmt.Sprintf("raw/%s/%d.json", source, object), strings.NewReader(b.String()), storage.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// A run with a draft gives what a run without gives, byte for byte, whatever the data; and the draft declares nearly all of it.
func TestRandom(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 20
	}
	all, left := 0, 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			for _, s := range holdDraft(t, raw(t, seed)).Sources {
				all++
				if s.Left != "" {
					left++
					t.Logf("%s: %s", s.Name, s.Left)
				}
			}
		})
	}
	if left*4 > all {
		t.Errorf("%d of %d sources are left to inference", left, all)
	}
}

func put(t *testing.T, s *memory.Store, key, text string) {
	t.Helper()
	if _, err := s.Put(t.Context(), "raw/"+key, strings.NewReader(text), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

// What looks like a secret or a mail address is shown by its first characters only, whatever its field is called.
func TestSecrets(t *testing.T) {
	s := memory.New()
	put(t, s, "s/1.json", `{"a":"jane.roe@example.org","password":"hunter22","b":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI","c":"AKIAIOSFODNN7EXAMPLE","d":"+49 151 2345-6789","e":4111111111111111,"f":"see john@doe.com","g":["bob@example.org"],"h":{"api_key":"abcd"},"i":[{"x":"sue@example.org"}],"j":"4111 1111 1111 1111","k":"0123456789abcdef0123456789abcdef","l":"4080d9eddc9db97a","m":"low_temperature_alarm","card":12345}
{"a":"jane.roe@example.org","n":"plain words that are long, but none of them a secret","x":"tab\there\u202e"}`)
	text := string(holdDraft(t, s).Text)
	for _, never := range []string{"jane", "hunt", "eyJh", "AKIA", "+49 ", "4111", "john", "see ", "bob@", "abcd", "sue", "0123", "4080", "1234", "\u202e"} {
		if strings.Contains(text, never) {
			t.Errorf("the draft shows %q:\n%s", never, text)
		}
	}
	for _, want := range []string{`"jan"…`, `"low_temperature_alarm"`, `"hun"…`, `"eyJ"…`, `"AKI"…`, "411…", `["bob"…]`, `"plain words that are lon"…`} {
		if !strings.Contains(text, want) {
			t.Errorf("the draft does not show %s:\n%s", want, text)
		}
	}
}

// An object that holds its records in an array is told, and left as a run without the draft has it.
func TestRecordsAt(t *testing.T) {
	s := memory.New()
	for i := range 3 {
		put(t, s, fmt.Sprintf("quakes/%d.json", i), `{"type":"FeatureCollection","count":2,"features":[{"id":1},{"id":2}]}`)
	}
	put(t, s, "plain/1.json", strings.Repeat(`{"items":[{"id":1}]}`+"\n", 20))
	text := string(holdDraft(t, s).Text)
	if !strings.Contains(text, "    # records_at: features   # each object is one record") || strings.Contains(text, "records_at: items") {
		t.Errorf("the draft is\n%s", text)
	}
}

func TestSample(t *testing.T) {
	s := memory.New()
	put(t, s, "s/1.json", strings.Repeat(`{"v":1}`+"\n", 10)+`{"v":"late"}`)
	j := job(s, "")
	j.Sample = 5
	d, err := draft.Make(t.Context(), j, draft.Options{Raw: "file:///some where/raw"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# A sample was read: 5 records from the beginnings of 1 object", `raw: "file:///some where/raw"`, "{path: v, name: v, type: bigint}"} {
		if !strings.Contains(string(d.Text), want) {
			t.Errorf("the draft does not say %q:\n%s", want, d.Text)
		}
	}
	j.Sample = 100
	if d, err = draft.Make(t.Context(), j, draft.Options{}); err != nil || !strings.Contains(string(d.Text), "# All of it was read: 11 records") {
		t.Errorf("%v, the draft is\n%s", err, d.Text)
	}
}

func TestNothing(t *testing.T) {
	s := memory.New()
	if _, err := draft.Make(t.Context(), job(s, ""), draft.Options{}); !errors.Is(err, draft.ErrNothing) {
		t.Errorf("error %v", err)
	}
	put(t, s, "s/1.json", "none of this is JSON")
	if _, err := draft.Make(t.Context(), job(s, ""), draft.Options{}); !errors.Is(err, draft.ErrNothing) {
		t.Errorf("error %v", err)
	}
}

// The golden cases of the engine are data that is known to be hard: a run with the draft gives what a run without gives.
func TestGoldenCases(t *testing.T) {
	names, err := filepath.Glob("../../testdata/golden/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, objects := memory.New(), 0
		for _, f := range a.Files {
			key, ok := strings.CutPrefix(strings.TrimPrefix(f.Name, "1/"), "raw/")
			if ok && !strings.Contains(key, " (") {
				put(t, s, key, string(f.Data))
				objects++
			}
		}
		if _, err := draft.Make(t.Context(), job(s, ""), draft.Options{}); objects == 0 || errors.Is(err, draft.ErrNothing) {
			continue
		}
		tried++
		t.Run(filepath.Base(name), func(t *testing.T) { holdDraft(t, s) })
	}
	if tried < 80 {
		t.Errorf("only %d cases were tried", tried)
	}
}
