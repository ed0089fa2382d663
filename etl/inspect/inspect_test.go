package inspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/etl/inspect"
	"datalake/pkg/storage"
)

func TestEmptyLake(t *testing.T) {
	f := newFixture(t)
	f.put("raw/iot/1.json", "12345")
	l := f.lake()
	if tables := l.Tables(); len(tables) != 0 || l.Seq() != 0 {
		t.Errorf("tables %v at %d", tables, l.Seq())
	}
	if _, err := l.Files("iot"); !errors.Is(err, inspect.ErrNoTable) {
		t.Errorf("files: %v", err)
	}
	s, err := l.Status(t.Context())
	if err != nil || s.Pending != 1 || s.PendingBytes != 5 || s.Last != nil || s.Unpublished != 0 {
		t.Errorf("status %+v, %v", s, err)
	}
	if log, err := l.Log(t.Context(), 10); err != nil || len(log) != 0 {
		t.Errorf("log %v, %v", log, err)
	}
	w, err := l.Why(t.Context(), "a")
	if err != nil || len(w.Rows) != 0 || w.Pending != 1 {
		t.Errorf("why %+v, %v", w, err)
	}
}

func TestTables(t *testing.T) {
	var got []string
	for _, x := range twoRuns(t).lake().Tables() {
		got = append(got, fmt.Sprintf("%s %q rows %d, %d partitions, %d files, %d columns", x.Name, x.Source, x.Rows, x.Partitions, x.Files, len(x.Columns)))
	}
	want := []string{
		`processed_iot "iot" rows 5, 2 partitions, 3 files, 6 columns`,
		`processed_data "" rows 5, 2 partitions, 3 files, 5 columns`,
		`quarantine "" rows 2, 1 partitions, 1 files, 0 columns`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFiles(t *testing.T) {
	l := twoRuns(t).lake()
	for _, name := range []string{"iot", "processed_iot", "processed_data"} {
		files, err := l.Files(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range files {
			got = append(got, fmt.Sprintf("%s rows %d entry %d", x.Partition, x.Rows, x.Seq))
			if !strings.HasPrefix(x.Location, "processed/"+x.Partition+"/") || !strings.Contains(x.Location, x.SHA256) {
				t.Errorf("%s: location %s", name, x.Location)
			}
		}
		want := []string{day24 + " rows 3 entry 1", day24 + " rows 1 entry 2", day25 + " rows 1 entry 1"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if _, err := l.Files("nosuch"); !errors.Is(err, inspect.ErrNoTable) || !strings.Contains(err.Error(), "processed_iot, processed_data, quarantine") {
		t.Errorf("nosuch: %v", err)
	}
}

func TestHead(t *testing.T) {
	f := twoRuns(t)
	l := f.lake()
	for _, c := range []struct {
		table string
		n     int
		want  string
	}{
		{"iot", 0, ""}, {"iot", 1, "d"}, {"iot", 3, "dab"}, {"iot", 5, "dabce"}, {"iot", 100, "dabce"}, {"processed_data", 2, "da"}, {"data", 100, "dabce"},
	} {
		rows, err := l.Head(t.Context(), c.table, c.n)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range rows.Values {
			got += strings.Trim(string(r[0]), `"`)
		}
		if got != c.want {
			t.Errorf("head %s -n %d: %s, want %s", c.table, c.n, got, c.want)
		}
	}
	if rows, err := l.Head(t.Context(), "data", 1); err != nil || rows.Table != "processed_data" || len(rows.Columns) != 9 {
		t.Errorf("data: %+v, %v", rows, err)
	}
	rows, err := l.Head(t.Context(), "iot", 3)
	if err != nil {
		t.Fatal(err)
	}
	want := `"b","2023-11-14T22:13:20.001Z","2023-11-14T22:13:20.500Z",1,1,null,"iot",2025,11,24`
	if got := string(bytes.Join(raw(rows.Values[2]), []byte(","))); got != want {
		t.Errorf("row %s, want %s", got, want)
	}
}

func raw(row []json.RawMessage) [][]byte {
	out := make([][]byte, len(row))
	for i := range row {
		out[i] = row[i]
	}
	return out
}

func TestHeadQuarantine(t *testing.T) {
	rows, err := twoRuns(t).lake().Head(t.Context(), "quarantine", 10)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range rows.Columns {
		names = append(names, c.Name)
	}
	if d := cmp.Diff([]string{"source", "rule", "line", "payload", "reason"}, names); d != "" {
		t.Error(d)
	}
	var got []string
	for _, r := range rows.Values {
		got = append(got, string(bytes.Join(raw(r), []byte(" "))))
	}
	want := []string{`"iot" "json" 3 "{\"record_id\":\"bad\",\"x\":" null`, `"iot" "json" null "{\"record_id\":\"worse <&> \\\"q\\\"\"" "cut"`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLog(t *testing.T) {
	l := twoRuns(t).lake()
	entries, err := l.Log(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Seq != 2 || entries[1].Seq != 1 || entries[0].When.IsZero() {
		t.Fatalf("entries %+v", entries)
	}
	if d := cmp.Diff([]string{day24, day25}, entries[1].Partitions); d != "" {
		t.Error(d)
	}
	if e := entries[0]; e.In != e.Out+e.Duplicates+e.Quarantined || e.In != 3 || e.Attempt != "second" {
		t.Errorf("entry %+v", e)
	}
	if one, err := l.Log(t.Context(), 1); err != nil || len(one) != 1 || one[0].Seq != 2 {
		t.Errorf("one entry: %+v, %v", one, err)
	}
}

func TestStatus(t *testing.T) {
	f := twoRuns(t)
	s, err := f.lake().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Head != 2 || s.Consumed != 2 || s.Pending != 1 || s.PendingBytes != 12 || s.Unpublished != 2 || s.Last.Seq != 2 {
		t.Errorf("status %+v", s)
	}
	if s.In != 8 || s.Out != 5 || s.Duplicates != 1 || s.Quarantined != 2 || s.Rules["json"] != 2 {
		t.Errorf("counts %+v", s)
	}
	want := []inspect.Misfit{
		{Source: "iot", Path: "data.n", Values: 7, Column: "n", Type: "bigint"},
		{Source: "iot", Path: "data.x", Values: 2},
	}
	if d := cmp.Diff(want, s.Widen); d != "" {
		t.Error(d)
	}
	f.put("state/processed/publish/local/00000000000000000001.done", `{"seq":1}`)
	f.put("state/processed/publish/local/00000000000000000002.claim", `{}`)
	if s, err = f.lake().Status(t.Context()); err != nil || s.Unpublished != 1 {
		t.Errorf("one entry is published: %+v, %v", s, err)
	}
}

func TestWhy(t *testing.T) {
	l := twoRuns(t).lake()
	w, err := l.Why(t.Context(), "c")
	if err != nil || len(w.Rows) != 1 {
		t.Fatalf("%+v, %v", w, err)
	}
	r := w.Rows[0]
	if r.Table != "processed_iot" || r.Partition != day24 || r.Row != 2 || r.Run.Seq != 1 || r.ObjectCount != 1 || r.Objects[0] != "raw/iot/1.json" {
		t.Errorf("row %+v", r)
	}
	if len(r.Values.Values) != 1 || string(r.Values.Values[0][0]) != `"c"` || string(r.Values.Values[0][3]) != "2" {
		t.Errorf("values %s", r.Values.Values)
	}
	if w, err = l.Why(t.Context(), "e"); err != nil || len(w.Rows) != 1 || w.Rows[0].Run.Seq != 2 || w.Rows[0].Objects[0] != "raw/iot/2.json" {
		t.Errorf("e: %+v, %v", w, err)
	}
	if w, err = l.Why(t.Context(), `worse <&> "q"`); err != nil || len(w.Rows) != 0 || len(w.Quarantined) != 1 || !strings.Contains(string(w.Quarantined[0]), "cut") {
		t.Errorf("worse: %+v, %v", w, err)
	}
	if w, err = l.Why(t.Context(), "nobody"); err != nil || len(w.Rows)+len(w.Quarantined) != 0 || w.Pending != 1 {
		t.Errorf("nobody: %+v, %v", w, err)
	}
}

// TestPublishedFirst: a file is read where it is published, and where it was put aside only as long as it is not.
func TestPublishedFirst(t *testing.T) {
	f := twoRuns(t)
	ctx := context.Background()
	for p, c := range f.state.Partitions {
		for _, x := range c.Files {
			if _, err := f.store.Copy(ctx, x.Key, c.Dir+x.Name); err != nil {
				t.Fatal(err)
			}
			if err := f.store.Delete(ctx, x.Key); err != nil {
				t.Fatal(err)
			}
			_ = p
		}
	}
	rows, err := f.lake().Head(ctx, "iot", 100)
	if err != nil || len(rows.Values) != 5 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestMissingFile(t *testing.T) {
	f := twoRuns(t)
	for _, c := range f.state.Partitions {
		for _, x := range c.Files {
			if err := f.store.Delete(t.Context(), x.Key); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := f.lake().Head(t.Context(), "iot", 1); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("head: %v", err)
	}
	if _, err := f.lake().Head(t.Context(), "quarantine", 1); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("quarantine: %v", err)
	}
}
