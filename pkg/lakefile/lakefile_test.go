package lakefile

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// env is the environment of the tests.
func env(name string) (string, bool) {
	v, ok := map[string]string{"NAME": "n", "WRONG": "wrong", "BUCKET": "acme", "ZONE": "Europe/Berlin", "VERSION": "1"}[name]
	return v, ok
}

// golden is a case of a golden file: === name, text, --- and what is expected.
type golden struct{ name, text, want string }

func readGolden(t *testing.T, file string) (head string, cases []golden) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(b), "\n=== ")
	for _, p := range parts[1:] {
		name, rest, _ := strings.Cut(p, "\n")
		text, want, ok := strings.Cut(rest, "\n---\n")
		if !ok {
			text, ok = strings.CutSuffix(rest, "\n---")
		}
		if !ok {
			t.Fatalf("%s: case %s has no ---", file, name)
		}
		// ---extra stands for the mark of a second document.
		cases = append(cases, golden{name, strings.ReplaceAll(text+"\n", "---extra\n", "---\n"), strings.Trim(want, "\n")})
	}
	return parts[0], cases
}

// checkGolden runs f on each case and compares, or writes the file anew.
func checkGolden(t *testing.T, file string, f func(t *testing.T, text string) string) {
	head, cases := readGolden(t, file)
	out := head
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := c.want // should f end the test, the case stays in the file
			defer func() {
				out += "\n=== " + c.name + "\n" + strings.ReplaceAll(c.text, "---\n", "---extra\n") + "---\n" + got + "\n"
			}()
			got = strings.Trim(f(t, c.text), "\n")
			if d := cmp.Diff(c.want, got); d != "" && !*update {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestErrors(t *testing.T) {
	n := 0
	checkGolden(t, "testdata/errors.txt", func(t *testing.T, text string) string {
		f, err := Parse("lake.yaml", []byte(text), env)
		var all Errors
		if f != nil || !errors.As(err, &all) || len(all) == 0 {
			t.Fatalf("Parse gave %v, %v", f, err)
		}
		n += len(all)
		var one *Error
		if !errors.As(err, &one) || one.Line < 1 || one.Column < 1 || one.File != "lake.yaml" {
			t.Errorf("the first error is %+v", one)
		}
		return err.Error()
	})
	if n < 100 && !t.Failed() {
		t.Errorf("only %d mistakes", n)
	}
}

// TestSchemas shows what schemas good files give.
func TestSchemas(t *testing.T) {
	checkGolden(t, "testdata/schemas.txt", func(t *testing.T, text string) string {
		f, err := Parse("lake.yaml", []byte(text), env)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		line := func(v any) {
			e := json.NewEncoder(&out)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				t.Fatal(err)
			}
		}
		if f.Zones != (Zones{}) {
			line(f.Zones.Under("file:///default"))
		}
		for _, name := range []string{"a", "b", "c", "d"} {
			src, ok := f.Sources[name]
			if !ok {
				continue
			}
			s := src.Schema(name)
			out.WriteString(name + ": envelope " + src.Envelope + ", ")
			if src.RecordsAt != "" {
				out.WriteString("records_at " + src.RecordsAt + ", ")
			}
			if src.Arrival {
				out.WriteString("arrival, ")
			}
			if src.MaxColumns != DefaultMaxColumns {
				out.WriteString("bounded, ")
			}
			if src.Encoding != "compact" || src.Compression != "zstd" {
				out.WriteString(src.Encoding + " " + src.Compression + ", ")
			}
			columns := s.Columns
			s.Columns = nil
			line(s)
			for _, c := range columns {
				out.WriteString("  ")
				line(c)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(f.Curated)) {
			out.WriteString("curated " + name + ": ")
			line(f.Curated[name])
		}
		for _, x := range f.Secrets {
			out.WriteString(fmt.Sprintf("secret %s of %s:%d:%d: %s\n", x.Name, x.File, x.Line, x.Column, x.Key))
		}
		for _, w := range f.Warnings {
			out.WriteString("warning " + w + "\n")
		}
		return out.String()
	})
}

func TestNoFile(t *testing.T) {
	var none *File
	empty, err := Parse("lake.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(none.Source("x"), empty.Source("x")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(schema.Common("x", schema.Enveloped), none.Source("x").Schema("x")); d != "" {
		t.Errorf("the schema of a source that nothing is said about is not Common: %s", d)
	}
	if z := (Zones{}).Under("file:///lake/"); z.State != "file:///lake/state" || z.Raw != "file:///lake/raw" || z.Root != "file:///lake" {
		t.Errorf("zones %+v", z)
	}
	if z := (Zones{}).Under("file:///"); z.State != "file:///state" {
		t.Errorf("zones %+v", z)
	}
}

// TestSchemaShares: a schema may be changed without changing the file it came from.
func TestSchemaShares(t *testing.T) {
	f, err := Parse("lake.yaml", []byte("sources: {a: {dedupe: {key: [x, y]}, columns: [{path: x, type: int}, {path: y, type: int}]}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := f.Source("a").Schema("a")
	want := f.Source("a").Schema("a")
	s.Columns[3].Name, s.Dedupe.Key[0], s.PartitionBy[0] = "changed", "changed", "changed"
	if d := cmp.Diff(want, f.Source("a").Schema("a")); d != "" {
		t.Error(d)
	}
}

func TestDuration(t *testing.T) {
	for s, want := range map[string]int64{"24h": 86400000, "7d": 7 * 86400000, "90m": 5400000, "1d12h": 129600000, "0s": 0, "1d2h3m4s": 93784000} {
		if got, ok := duration(s); !ok || got != want {
			t.Errorf("%s: %d, %v", s, got, ok)
		}
	}
	for _, s := range []string{"5", "h", "1w", "1h1d", "1h1h", "-1h", "1.5h", "36501d", "99999999999d", "9999999999d"} {
		if got, ok := duration(s); ok {
			t.Errorf("%s: %d", s, got)
		}
	}
}

func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a: &a [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 'b'; i < 'm'; i++ {
		b.WriteString(string(i) + ": &" + string(i) + " [" + strings.Repeat("*"+string(i-1)+", ", 10) + "]\n")
	}
	_, err := Parse("lake.yaml", []byte(b.String()), nil)
	if err == nil || !strings.Contains(err.Error(), "the file holds more than") {
		t.Errorf("error %.200v", err)
	}
}

// FuzzParse: whatever the text, Parse gives a file or errors with places, and a file gives schemas.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/errors.txt", "testdata/schemas.txt"} {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, p := range strings.Split(string(b), "\n=== ")[1:] {
			_, text, _ := strings.Cut(p, "\n")
			text, _, _ = strings.Cut(text, "\n---\n")
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("x", []byte(text), env)
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("error %v", err)
			}
			for _, e := range all {
				if e.Line < 1 || e.Column < 1 || e.Problem == "" {
					t.Fatalf("error %+v", e)
				}
			}
			return
		}
		for name, s := range file.Sources {
			if _, err := s.Schema(name).Extend(nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func parse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("lake.yaml", []byte(text), env)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestApply: what a later lake file does to a stored schema.
func TestApply(t *testing.T) {
	base := parse(t, `sources: {a: {columns: [{path: data.x, type: int, required: true}]}}`).Source("a").Schema("a")
	inferred, err := base.Extend([]schema.Column{{Name: "temp", Type: schema.Type{Kind: schema.Double}, Path: schema.Path{"data", "temp"}}})
	if err != nil {
		t.Fatal(err)
	}
	stored := inferred.Fix()
	stored.EventTime.Path, stored.EventTime.Formats = schema.Path{"data", "ts"}, []string{"rfc3339"}
	for _, c := range []struct {
		name, text string
		columns    string
		changes    []string // what each change begins with
	}{
		{"nothing said", ``, "x:int temp:double", nil},
		{"the same", `columns: [{path: data.x, type: int}], event_time: {path: data.ts, formats: rfc3339}`, "x:int temp:double", nil},
		{"other settings", `other_columns: drop, on_type_conflict: quarantine, max_columns: 5`, "x:int temp:double", nil},
		{"the inferred one declared", `columns: [{path: data.temp, type: double, required: true}]`, "x:int temp:double!", nil},
		{"in UTC, in words", `event_time: {timezone: UTC}`, "x:int temp:double", nil},
		{"a new one", `columns: [{path: data.y, type: string}]`, "x:int temp:double y:string", nil},
		{"another type", `columns: [{path: data.temp, type: float}]`, "x:int temp:float", []string{"column temp: float from data.temp, was double"}},
		{"another name", `columns: [{path: data.temp, name: t, type: double}]`, "x:int temp:double t:double", []string{"column temp: now named t"}},
		{"another key", `dedupe: {key: [x, temp]}`, "x:int temp:double _key:string", []string{"dedupe: key x+temp"}},
		{"no dedupe", `dedupe: none`, "x:int temp:double", []string{"dedupe: none"}},
		{"partitions", `partition_by: [source, year]`, "x:int temp:double", []string{"partition_by: source, year, was"}},
		{"the arrival", `event_time: arrival`, "x:int temp:double", []string{"event_time: the arrival"}},
		{"another time zone", `event_time: {timezone: Asia/Tokyo}`, "x:int temp:double", []string{"event_time: data.ts as rfc3339 in Asia/Tokyo"}},
		{"a derived one", `columns: [{path: data.temp, type: double}], derived: [{name: d, type: double, expr: temp * 2}, {name: e, type: double, expr: d * 2}]`, "x:int temp:double d:double e:double", nil},
		{"bare", `envelope: none`, "x:int temp:double", []string{"envelope: none, was envelope"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, changes := parse(t, "sources: {a: {"+c.text+"}}").Source("a").Apply(stored)
			var columns []string
			for _, x := range next.Columns {
				if x.Role != schema.Data && x.Role != schema.Key && x.Role != schema.Derived {
					continue
				}
				s := x.Name + ":" + x.Type.String()
				if x.Required {
					s += "!"
				}
				columns = append(columns, s)
			}
			if got := strings.Join(columns, " "); got != c.columns {
				t.Errorf("columns %s, want %s", got, c.columns)
			}
			ok := len(changes) == len(c.changes) && next.Fixed
			for i := 0; ok && i < len(changes); i++ {
				ok = strings.HasPrefix(changes[i], c.changes[i])
			}
			if !ok {
				t.Errorf("changes %q, want %q", changes, c.changes)
			}
			if len(changes) == 0 && next.Fingerprint() != stored.Fingerprint() {
				t.Error("no changes, and another fingerprint")
			}
		})
	}
}

func TestByteOrderMark(t *testing.T) {
	if f := parse(t, "\ufeffversion: 1\r\nsources:\r\n  a: {dedupe: none}\r\n"); !f.Source("a").Dedupe.None {
		t.Errorf("source %+v", f.Source("a"))
	}
}
