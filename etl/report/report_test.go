package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"datalake/etl"
	"datalake/etl/report"
	"datalake/etl/report/profile"
	"datalake/pkg/commitlog"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

var update = flag.Bool("update", false, "rewrite testdata/page.html")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lake is a lake in memory.
type lake struct {
	store *memory.Store
	job   etl.Job
	log   *commitlog.Log
}

func newLake(t *testing.T) *lake {
	t.Helper()
	s := memory.New()
	zone := func(prefix string) layout.Zone { return layout.Zone{Store: s, Prefix: prefix} }
	l := &lake{store: s, job: etl.Job{
		Zones: etl.Zones{Raw: zone("raw"), Processed: zone("processed"), Quarantine: zone("quarantine"), State: zone("state")}, Version: "test",
	}}
	var err error
	if l.log, err = commitlog.Open(t.Context(), zone("state/processed")); err != nil {
		t.Fatal(err)
	}
	return l
}

// run lets an object land and runs.
func (l *lake) run(t *testing.T, key string, lines ...string) *etl.Result {
	t.Helper()
	if _, err := l.store.Put(t.Context(), key, strings.NewReader(strings.Join(lines, "\n")), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := etl.Run(t.Context(), l.job)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (l *lake) report(t *testing.T, seq uint64, o report.Options) *report.Report {
	t.Helper()
	r, err := report.Make(t.Context(), report.Lake{Log: l.log, Processed: l.job.Zones.Processed, Quarantine: l.job.Zones.Quarantine}, seq, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func page(t *testing.T, r *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.WritePage(&b, r, "<lake> & sons"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func record(id int, day int, data string) string {
	return fmt.Sprintf(`{"record_id":"r%d","source":"s","ingested_at":"2025-11-25T10:00:00Z","data":{"timestamp":"2025-11-%02dT00:00:00Z",%s}}`, id, day, data)
}

// twoRuns is a lake with dirt: a run of two days, and one with a new field, a duplicate, a misfit and two broken records.
func twoRuns(t *testing.T) *lake {
	l := newLake(t)
	l.run(t, "raw/s/1.json", record(1, 24, `"n":1,"color":"red"`), record(2, 24, `"n":2,"color":"red"`), record(3, 25, `"color":"blue"`), record(4, 25, `"n":9,"color":"red"`))
	l.run(t, "raw/s/2.json", record(5, 25, `"n":5,"color":"red","size":1.5`), record(1, 24, `"n":1,"color":"red"`), record(6, 26, `"n":"six","color":"green"`),
		`{"record_id":"r7","source":"s","data":{`, "nonsense")
	return l
}

func TestReport(t *testing.T) {
	l := twoRuns(t)
	r := l.report(t, 2, report.Options{})
	if w := r.Work; w == nil || len(w.Steps) < 5 || w.Steps[0].Name != "open" {
		t.Errorf("work %+v", w)
	}
	if r.Kind != "run" || r.Program != "test" || r.When.IsZero() || len(r.Attempt) < 10 {
		t.Errorf("%+v", r)
	}
	want := report.Totals{In: 5, Out: 2, Duplicates: 1, Quarantined: 2, Rescued: 1, Objects: 1, Files: 2, Partitions: 2}
	got := r.Totals
	got.BytesIn, got.BytesOut = 0, 0
	if d := cmp.Diff(want, got); d != "" || r.Totals.BytesIn == 0 || r.Totals.BytesOut == 0 {
		t.Error(d)
	}
	s := r.Sources[0]
	if d := cmp.Diff([]report.Change{{Column: "size", Type: "double", Path: "data.size"}}, s.Changes); d != "" || s.First {
		t.Error(d, s.First)
	}
	if d := cmp.Diff([]report.Count{{Name: "json", Count: 2}}, s.Rules); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]report.Count{{Name: "data.n", Count: 1}}, s.Rescued); d != "" {
		t.Error(d)
	}
	if len(s.Rejects) != 2 || s.Rejects[0].Line != 4 || s.Rejects[1].Payload != "nonsense" || s.Rejects[1].Object != "raw/s/2.json" {
		t.Errorf("%+v", s.Rejects)
	}
	if s.TableRows != 6 || s.RowsRead != 2 || s.RowsWritten != 2 {
		t.Errorf("%d rows in the table, %d of %d read", s.TableRows, s.RowsRead, s.RowsWritten)
	}
	columns := map[string]profile.Summary{}
	for _, c := range s.Columns {
		columns[c.Name] = c.Summary
	}
	for name, want := range map[string]profile.Summary{
		"n":         {Rows: 2, Nulls: 1, Distinct: 1, Exact: true, Min: "5", Max: "5"},
		"color":     {Rows: 2, Distinct: 2, Exact: true, Min: "green", Max: "red"},
		"record_id": {Rows: 2, Distinct: 2, Exact: true, Min: "r5", Max: "r6"},
		"size":      {Rows: 2, Nulls: 1, Distinct: 1, Exact: true, Min: "1.5", Max: "1.5"},
	} {
		if d := cmp.Diff(want, columns[name]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	var parts []string
	for _, p := range s.Partitions {
		parts = append(parts, fmt.Sprintf("%s %s %d of %d in %d", p.Path, p.Act, p.Written, p.Rows, len(p.Files)))
	}
	if d := cmp.Diff([]string{"source=s/year=2025/month=11/day=25 add 1 of 3 in 1", "source=s/year=2025/month=11/day=26 new 1 of 1 in 1"}, parts); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]report.Object{{Key: "raw/s/2.json", Records: 5, Rejects: 2}}, r.Rejecting); d != "" {
		t.Error(d)
	}
	// The first run, as it was then.
	one := l.report(t, 1, report.Options{})
	if s := one.Sources[0]; !s.First || len(s.Changes) != 0 || s.TableRows != 4 || s.RowsRead != 4 || len(s.Rejects) != 0 || one.Missing != 0 {
		t.Errorf("%+v", s)
	}
}

// TestSame: the same entry gives the same report and page.
func TestSame(t *testing.T) {
	l := twoRuns(t)
	a, b := l.report(t, 2, report.Options{}), l.report(t, 2, report.Options{})
	if d := cmp.Diff(a, b); d != "" {
		t.Error(d)
	}
	if page(t, a) != page(t, b) {
		t.Error("two pages")
	}
}

// TestSample: of many rows some are read from each file, and the report and the page say so.
func TestSample(t *testing.T) {
	l := newLake(t)
	var lines []string
	for i := range 3000 {
		lines = append(lines, record(i, 1+i%3, fmt.Sprintf(`"n":%d`, i)))
	}
	l.run(t, "raw/s/1.json", lines...)
	r := l.report(t, 1, report.Options{Rows: 300})
	if s := r.Sources[0]; s.RowsRead != 300 || s.RowsWritten != 3000 || s.Columns[0].Rows != s.RowsRead {
		t.Errorf("%d of %d", s.RowsRead, s.RowsWritten)
	}
	if p := page(t, r); !strings.Contains(p, "A sample: 300 of the 3,000 rows") {
		t.Error("the page does not say that it is a sample")
	}
}

func TestFind(t *testing.T) {
	l := newLake(t)
	if _, err := report.Find(t.Context(), l.log, ""); !errors.Is(err, report.ErrNoRun) || !strings.Contains(err.Error(), "the log is empty") {
		t.Error(err)
	}
	res := l.run(t, "raw/s/1.json", record(1, 24, `"n":1`))
	l.run(t, "raw/s/2.json", record(2, 24, `"n":1`))
	for run, want := range map[string]uint64{"": 2, "1": 1, "2": 2, res.RunID: 1} {
		if seq, err := report.Find(t.Context(), l.log, run); seq != want || err != nil {
			t.Errorf("%q: %d, %v", run, seq, err)
		}
	}
	for _, run := range []string{"0", "3", "x", "-1"} {
		if _, err := report.Find(t.Context(), l.log, run); !errors.Is(err, report.ErrNoRun) || !strings.Contains(err.Error(), "the entries 1 to 2") {
			t.Errorf("%q: %v", run, err)
		}
	}
}

// TestMissing: files that are gone are counted, and the rest is told.
func TestMissing(t *testing.T) {
	l := twoRuns(t)
	for _, prefix := range []string{"processed", "quarantine"} {
		for info, err := range l.store.List(t.Context(), prefix, "") {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(info.Key, "day=26") || strings.HasPrefix(info.Key, "processed@/") || prefix == "quarantine" {
				if err := l.store.Delete(t.Context(), info.Key); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	r := l.report(t, 2, report.Options{})
	if s := r.Sources[0]; r.Missing != 2 || s.RowsRead != 1 || len(s.Rejects) != 0 {
		t.Errorf("%d missing, %d rows", r.Missing, s.RowsRead)
	}
	if !strings.Contains(page(t, r), "2 files of this entry are no longer there") {
		t.Error("the page does not say so")
	}
}

// TestNoValues: what hides values shows none, neither on the page nor in JSON.
func TestNoValues(t *testing.T) {
	l := newLake(t)
	l.run(t, "raw/s/1.json", record(1, 24, `"n":987651,"color":"vermilion"`), record(2, 24, `"n":987659,"color":"vermilion"`), "secret nonsense")
	for _, hide := range []bool{false, true} {
		r := l.report(t, 1, report.Options{NoValues: hide})
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		p := page(t, r)
		for _, value := range []string{"987651", "987659", "vermilion", "secret nonsense"} {
			if strings.Contains(p, value) == hide || strings.Contains(string(text), value) == hide {
				t.Errorf("hidden %v: %q is shown on the page %v, in JSON %v", hide, value, strings.Contains(p, value), strings.Contains(string(text), value))
			}
		}
	}
}

var (
	tags       = regexp.MustCompile(`<([a-zA-Z!/][a-zA-Z0-9]*)`)
	attributes = regexp.MustCompile(`\son[a-z]+\s*=|javascript:|https?://|src=|@import|url\(`)
	allowed    = strings.Fields("html head meta title style body header h1 h2 h3 p span code nav ul li a main section div dl dt dd small i b table caption thead tbody tr th td svg path details summary blockquote pre footer br")
)

// TestHostile: names, values, objects and warnings that would be markup elsewhere are text on the page, and it asks nothing of any
// network.
func TestHostile(t *testing.T) {
	l := newLake(t)
	evil := `</style></title><script>alert(1)</script><img src=x onerror=alert(2)>"'` + "`" + ` {{.Seq}} <!-- --> javascript:alert(3) https://evil.example/`
	quoted, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range 6 {
		lines = append(lines, record(i, 24, fmt.Sprintf(`%s:%s,"v":%s`, quoted, quoted, quoted)))
	}
	lines = append(lines, `{"broken":`+string(quoted), evil)
	l.run(t, "raw/s/<script>alert('key').json", lines...)
	r := l.report(t, 1, report.Options{})
	r.Work.Warnings = append(r.Work.Warnings, evil)
	r.Sources[0].Oddities = append(r.Sources[0].Oddities, report.Count{Name: evil, Count: 1})
	r.Sources[0].Rescued = append(r.Sources[0].Rescued, report.Count{Name: evil, Count: 1})
	p := page(t, r)
	if n := strings.Count(p, "&lt;script&gt;alert(1)"); n < 6 {
		t.Errorf("the hostile text stands on the page %d times: is it shown at all?", n)
	}
	safe(t, p)
	if !strings.Contains(p, "&lt;lake&gt; &amp; sons") {
		t.Error("the lake's name is not escaped")
	}
}

// safe checks that a page holds no markup but ours.
func safe(t *testing.T, p string) {
	t.Helper()
	body := p[strings.Index(p, "<body>"):]
	for _, m := range tags.FindAllStringSubmatch(body, -1) {
		if name := strings.TrimPrefix(m[1], "/"); !strings.Contains(" "+strings.Join(allowed, " ")+" ", " "+name+" ") {
			t.Errorf("the page has a <%s>", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`<[^>]*>`).FindAllString(p, -1) {
		if attributes.MatchString(m) {
			t.Errorf("the page has %s", m)
		}
	}
	if strings.Contains(p, "<script") || strings.Contains(p[:strings.Index(p, "<body>")], "url(") || !strings.Contains(p, "default-src 'none'") {
		t.Error("the page can load or run something")
	}
}

// TestOld: an entry of a program that did not tell of its work has a page without times.
func TestOld(t *testing.T) {
	l := twoRuns(t)
	r := l.report(t, 2, report.Options{})
	r.Work = nil
	if p := page(t, r); strings.Contains(p, `id="time"`) || strings.Contains(p, "#time") {
		t.Error("the page tells of time")
	}
}

// TestNoRecords: an entry that handled none is refused.
func TestNoRecords(t *testing.T) {
	l := twoRuns(t)
	c, err := l.job.Commits(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	head, err := c.Log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := &commitlog.Body{Collect: &commitlog.Collect{Oldest: 1}}
	ref, err := c.Log.PutBody(t.Context(), "collector", body)
	if err != nil {
		t.Fatal(err)
	}
	e := &commitlog.Entry{Seq: 3, Kind: commitlog.GC, Format: commitlog.Format, MinWriter: commitlog.Writer, Attempt: "collector", Base: 2, Prev: head.Hash, Body: ref}
	data, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Log.Put(t.Context(), 3, data); err != nil {
		t.Fatal(err)
	}
	if seq, err := report.Find(t.Context(), l.log, ""); seq != 2 || err != nil {
		t.Errorf("the newest run is %d, %v", seq, err)
	}
	_, err = report.Make(t.Context(), report.Lake{Log: l.log, Processed: l.job.Zones.Processed, Quarantine: l.job.Zones.Quarantine}, 3, report.Options{})
	if !errors.Is(err, report.ErrNoRun) || !strings.Contains(err.Error(), "entry 3 is a gc") {
		t.Error(err)
	}
}

// TestSwap: of a partition that was rewritten only the entry's own file counts as written.
func TestSwap(t *testing.T) {
	l := newLake(t)
	file, err := lakefile.Parse("lake.yaml", []byte("version: 1\nsources: {s: {dedupe: {key: [n], keep: {latest: ingested_at}}}}"), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	l.job.Lake = file
	l.run(t, "raw/s/1.json", record(1, 24, `"n":1`), record(2, 24, `"n":2`))
	newer := strings.ReplaceAll(record(3, 24, `"n":1`), "2025-11-25T10", "2025-11-25T11")
	l.run(t, "raw/s/2.json", newer)
	r := l.report(t, 2, report.Options{})
	if s := r.Sources[0]; r.Totals.Replaced != 1 || len(s.Partitions) != 1 || s.Partitions[0].Act != commitlog.Swap || s.Partitions[0].Rows != 2 || s.RowsRead != s.RowsWritten {
		t.Errorf("%+v", s)
	}
	if p := page(t, r); !strings.Contains(p, "1 older row gave way") || !strings.Contains(p, "rewritten") {
		t.Error("the page does not say so")
	}
}

// TestReplay: of an entry that takes records out of the quarantine, those are what came in.
func TestReplay(t *testing.T) {
	l := newLake(t)
	parse := func(conflict string) {
		file, err := lakefile.Parse("lake.yaml", []byte("version: 1\nsources: {s: {on_type_conflict: "+conflict+", columns: [{path: data.n, type: bigint}]}}"), os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		l.job.Lake = file
	}
	parse("quarantine")
	l.run(t, "raw/s/1.json", record(1, 24, `"n":1`), record(2, 24, `"n":"x"`))
	parse("rescue")
	if _, err := etl.Replay(t.Context(), l.job, etl.ReplayOptions{}); err != nil {
		t.Fatal(err)
	}
	r := l.report(t, 2, report.Options{})
	if r.Kind != commitlog.Replay || r.Totals.Out != 1 || r.Totals.Withdrawn != 1 || r.Totals.Quarantined != 0 || len(r.Sources) != 1 {
		t.Errorf("%+v", r.Totals)
	}
	p := page(t, r)
	for _, want := range []string{"<h1>Replay 2</h1>", "1 record left the quarantine and became 1 row in 1 partition", "from quarantine", "records that were in quarantine under type", `<i class="kept" style="width:100.000%">`} {
		if !strings.Contains(p, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// TestMasked: what a source masks stands neither on the page nor in JSON; what failed a check and was kept is counted.
func TestMasked(t *testing.T) {
	l := newLake(t)
	text := "version: 1\nsources: {s: {columns: [{path: data.email, type: string, mask: {keep_last: 4}, required: true}, {path: data.n, type: bigint, max: 5, on_fail: \"null\"}]}}"
	file, err := lakefile.Parse("lake.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	l.job.Lake = file
	const secret = "jane.roe@example"
	l.run(t, "raw/s/1.json", record(1, 24, `"email":"`+secret+`.com","n":1`), record(2, 24, `"email":"`+secret+`.org","n":9`),
		record(3, 24, `"email":["`+secret+`.net"],"n":1`), `{"record_id":"r4","source":"s","data":{"email":"`+secret)
	r := l.report(t, 1, report.Options{})
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	p := page(t, r)
	if strings.Contains(p, secret) || strings.Contains(string(data), secret) {
		t.Error("the report shows what is masked")
	}
	if !strings.Contains(p, ".com") {
		t.Error("the masked column is not shown at all")
	}
	if d := cmp.Diff([]report.Count{{Name: "n.max", Count: 1}}, r.Sources[0].Checks); d != "" || !strings.Contains(p, "Kept, but failed, by rule") {
		t.Error(d)
	}
	if r.Totals.Quarantined != 2 || len(r.Sources[0].Rejects) != 2 {
		t.Errorf("%+v", r.Sources[0].Rejects)
	}
}

// TestPage holds the page of a report that has everything to testdata/page.html. After a change: go test ./etl/report -update, and
// look at it in a browser.
func TestPage(t *testing.T) {
	p := page(t, full())
	name := filepath.Join("testdata", "page.html")
	if *update {
		if err := os.WriteFile(name, []byte(p), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), p); d != "" {
		t.Error(d)
	}
	safe(t, p)
	for _, tag := range []string{"div", "section", "table", "dl", "ul", "details", "svg"} {
		if opened, closed := len(regexp.MustCompile(`<`+tag+`[ >]`).FindAllString(p, -1)), strings.Count(p, "</"+tag+">"); opened != closed || opened == 0 {
			t.Errorf("%d <%s>, %d of them closed", opened, tag, closed)
		}
	}
}

// full is a report with something in every place.
func full() *report.Report {
	hist := []profile.Bin{{Lo: 0, Hi: 8, Count: 10}, {Lo: 8, Hi: 16, Count: 1000}, {Lo: 16, Hi: 24, Count: 0}, {Lo: 24, Hi: 32, Count: 400}}
	source := report.Source{
		Name: "iot_sensors", Table: "processed_iot_sensors", TableRows: 98765432,
		Totals:   report.Totals{In: 1500000, Out: 1410000, Duplicates: 89000, Quarantined: 1000, Replaced: 3, Rescued: 70, Objects: 12, BytesIn: 412345678, BytesOut: 31234567, Files: 2, Partitions: 2},
		Rules:    []report.Count{{Name: "json", Count: 900}, {Name: "required", Count: 100}},
		Checks:   []report.Count{{Name: "temperature.max", Count: 12}, {Name: "dew_point", Count: 3}},
		Rescued:  []report.Count{{Name: "data.temperature", Count: 70}},
		Oddities: []report.Count{{Name: "times finer than a millisecond (floored)", Count: 5}},
		Rejects: []report.Reject{
			{Rule: "json", Reason: "text ends inside a string", Object: "raw/iot_sensors/a.json", Line: 17, Payload: `{"record_id": "a", "temp`, Cut: true},
			{Rule: "required", Reason: "data.device_id is missing", Object: "raw/iot_sensors/b.json", Offset: 4711},
		},
		Changes: []report.Change{{Column: "co2_ppm", Type: "bigint", Path: "data.co2_ppm"}, {Column: "battery", Was: "int", Type: "bigint", Path: "battery"}},
		Columns: []report.Column{
			{Name: "record_id", Type: "string", Summary: profile.Summary{Rows: 1000, Distinct: 1000, Exact: true, Min: "000", Max: strings.Repeat("f", 60)}},
			{Name: "event_time", Type: "timestamp", Summary: profile.Summary{Rows: 1000, Distinct: 998, Min: "2025-11-24", Max: "2025-11-25 10:00:00", Histogram: []profile.Bin{{Lo: 1763942400000, Hi: 1763946400000, Count: 3}, {Lo: 1763946400000, Hi: 1763950400000, Count: 997}}}},
			{Name: "temperature", Type: "double", Path: "data.temperature", Summary: profile.Summary{Rows: 1000, Nulls: 21, Distinct: 210, Exact: true, Min: "0.5", Max: "31", NonFinite: 1, Histogram: hist, Top: []profile.Value{{Text: "20", Count: 30}}}},
			{Name: "site", Type: "string", Path: "data.site", Summary: profile.Summary{Rows: 1000, Nulls: 400, Distinct: 3, Exact: true, Min: "", Max: "Wien", Top: []profile.Value{{Text: "Wien", Count: 500}, {Text: "東京", Count: 99}, {Text: "", Count: 1}}}},
			{Name: "tags", Type: "list<string>", Path: "data.tags", Summary: profile.Summary{Rows: 1000, Nulls: 1, Distinct: -1, Min: "0", Max: "3"}},
		},
		RowsRead: 1000, RowsWritten: 1410000,
		Partitions: []report.Partition{
			{Path: "source=iot_sensors/year=2025/month=11/day=24", Act: "add", Rows: 2000000, Written: 10000, Files: []report.File{{Key: "processed/source=iot_sensors/year=2025/month=11/day=24/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.parquet", Rows: 10000, Bytes: 234567}}},
			{Path: "source=iot_sensors/year=2025/month=11/day=25", Act: "new", Rows: 1400000, Written: 1400000, Files: []report.File{{Key: "processed/source=iot_sensors/year=2025/month=11/day=25/ff.parquet", Rows: 1400000, Bytes: 31000000}}},
		},
	}
	return &report.Report{
		Seq: 42, Kind: "run", Attempt: "l4i6i6vuw4hswwel", Program: "1.2.3", When: time.Date(2025, 11, 26, 3, 4, 5, 0, time.UTC),
		Totals: source.Totals, Sources: []report.Source{source}, Missing: 1, Values: true,
		Rejecting: []report.Object{{Key: "raw/iot_sensors/a.json", Records: 100000, Rejects: 900}},
		Work: &commitlog.Work{
			PeakMemory: 123456789, Spilled: 5_000_000, Warnings: []string{"data.Temp has the name of data.temp: its column is temp_3fa9c1"},
			Steps: []commitlog.Step{{Name: "open", Seconds: 0.01}, {Name: "list", Seconds: 0.2}, {Name: "map", Seconds: 3.1}, {Name: "map: read", Seconds: 0.4}, {Name: "map: decode", Seconds: 4.5}, {Name: "resolve", Seconds: 0.5}, {Name: "write", Seconds: 1.25}, {Name: "write: encode", Seconds: 2}},
		},
	}
}
