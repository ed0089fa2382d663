package explain

import (
	"fmt"
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/lakefile"
	"datalake/pkg/schema"
)

func parse(t *testing.T, text string) lakefile.Source {
	t.Helper()
	f, err := lakefile.Parse("lake.yaml", []byte("sources: {s: "+text+"}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.Sources["s"]
}

// TestColumns: what each key of a column becomes in words.
func TestColumns(t *testing.T) {
	for _, c := range []struct{ column, from, cleaning, checks string }{
		{`path: data.x, type: int`, "data.x", "", ""},
		{`path: data.x, type: int, required: true`, "data.x", "", "required"},
		{`path: data.x, type: int, min: 1, max: 5, required: true`, "data.x", "", "required, 1 to 5, else score"},
		{`path: data.x, type: int, max: 5, on_fail: reject`, "data.x", "", "≤ 5, else reject"},
		{`path: data.x, type: string, trim: true, collapse: true, case: upper, nulls: ["", "-"], default: a`, "data.x", `trim, collapse, upper, null: "" "-", default "a"`, ""},
		{`path: data.x, type: int, clamp: {min: 1}`, "data.x", "clamp ≥ 1", ""},
		{`path: data.x, type: date, clamp: {min: 2000-01-01, max: 2001-01-01}`, "data.x", "clamp 2000-01-01 to 2001-01-01", ""},
		{`path: data.x, type: timestamp, formats: [epoch_ms, rfc3339], timezone: Asia/Tokyo`, "data.x", "as epoch_ms or rfc3339, in Asia/Tokyo", ""},
		{`path: data.x, type: string, length: {min: 2}, pattern: "^a", enum: [ab, ac]`, "data.x", "", `length ≥ 2, /^a/, one of "ab" "ac", else score`},
		{`path: data.x, type: "map<string,int>", elements: {min: 0, max: 9}, keys: {length: {min: 1, max: 2}}, on_fail: "null"`, "data.x", "", "elements (0 to 9), keys (length 1 to 2), else null"},
		{`path: data.x, type: string, mask: {sha256: "env:SALT"}`, "data.x", "mask: SHA-256, salt in $SALT", ""},
		{`path: data.x, type: string, mask: {keep_last: 4}`, "data.x", "mask: last 4", ""},
		{`path: data.x, type: string, mask: drop`, "data.x", "mask: null", ""},
	} {
		got := File("s", parse(t, "{columns: [{"+c.column+"}]}")).Columns[3]
		if got.From != c.from || got.Cleaning != c.cleaning || got.Checks != c.checks {
			t.Errorf("%s: %+v", c.column, got)
		}
	}
}

// TestFacts: what holds for all rows.
func TestFacts(t *testing.T) {
	for _, c := range []struct{ source, fact, want string }{
		{"{}", "envelope", "found by the first run"},
		{"{envelope: envelope}", "envelope", "record_id, source, ingested_at, data, metadata"},
		{"{envelope: none}", "envelope", "none: the record is the data"},
		{"{}", "event time", "found by the first run: the first of event_time, timestamp, time, ts, created_at, occurred_at; believed from 2000-01-01 to 24h after the arrival, else the arrival"},
		{"{event_time: arrival}", "event time", "the arrival (ingested_at)"},
		{"{event_time: {path: data.t, formats: epoch, timezone: Asia/Tokyo, missing: quarantine, min: 2010-01-01T12:00:00Z, max_future: 1h30m}}", "event time", "data.t as epoch, in Asia/Tokyo; believed from 2010-01-01T12:00:00Z to 1h30m after the arrival, else quarantine"},
		{"{}", "dedupe", "one row for each record_id in the table, the first stays"},
		{"{dedupe: none}", "dedupe", "none: all rows stay"},
		{"{dedupe: {key: [a, b], scope: partition, keep: {latest: c}}}", "dedupe", "one row for each a + b in a partition, the latest by c stays"},
		{"{dedupe: {scope: 7d}}", "dedupe", "one row for each record_id within 7 days, the first stays"},
		{"{partition_by: [source, year]}", "partitions", "source, year"},
		{"{}", "misfits", "a value that does not fit its column goes to _rescued"},
		{"{on_type_conflict: quarantine}", "misfits", "a record with a value that does not fit goes to quarantine"},
		{"{on_type_conflict: widen}", "misfits", "int becomes bigint where a value asks for it; else a value that does not fit goes to _rescued"},
		{"{max_columns: 40}", "other fields", "become columns, up to 40 in all, then go to _rescued"},
		{"{other_columns: rescue}", "other fields", "go to _rescued"},
		{"{other_columns: drop}", "other fields", "are dropped"},
		{"{records_at: features}", "records", "the elements of features"},
		{"{encoding: plain, compression: snappy}", "files", "plain, snappy"},
	} {
		got := ""
		for _, f := range File("s", parse(t, c.source)).Facts {
			if f.Name == c.fact {
				got = f.Text
			}
		}
		if got != c.want {
			t.Errorf("%s: %s: %q, want %q", c.source, c.fact, got, c.want)
		}
	}
}

// TestSchema explains a schema of the log: what the first run has settled stands there as it is.
func TestSchema(t *testing.T) {
	src := parse(t, "{dedupe: {key: [a, b]}, columns: [{path: data.a, type: string}, {path: data.b, type: timestamp, keep: ns}], derived: [{name: d, type: string, expr: a + a}], rules: [{name: r, expr: 'a != null'}]}")
	s := src.Schema("s")
	s.EventTime.Path, s.EventTime.Formats = schema.Path{"data", "t"}, []string{"rfc3339"}
	s.Envelope = schema.Bare
	s = s.Fix()
	got := Schema(s)
	var lines []string
	for _, c := range got.Columns {
		lines = append(lines, strings.TrimRight(fmt.Sprintf("%s %s: %s", c.Name, c.Type, c.From), " "))
	}
	want := []string{
		"record_id string: the content's hash", "event_time timestamp: data.t", "ingested_at timestamp: the object's time", "a string: data.a", "b timestamp: data.b",
		"b_ns bigint: nanoseconds of data.b", "d string: = a + a", "quality_score double: share of checks and rules that passed", "_rescued string: what did not fit", "_key string: hash of a + b",
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Rule{{"r", "a != null", "score"}}, got.Rules); d != "" {
		t.Error(d)
	}
	gone, _ := parse(t, "{dedupe: {key: [a, b]}}").Apply(s)
	if c := Schema(gone).Columns[6]; c.From != "no longer declared: null" {
		t.Errorf("a derived column that is gone: %+v", c)
	}
}
