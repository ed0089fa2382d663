package forecast_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/etl/forecast"
)

func TestAgainst(t *testing.T) {
	l := newLake(t)
	l.land("s/1.json", `{"ts":"2025-01-01T00:00:00Z","n":1,"year":5,"A":1,"a":2}`+"\n"+`{"ts":"2025-01-01T00:00:01Z","n":"many","name":"x"}`+"\n"+`{"ts":"2025-01-01T00:00:02Z","name":7}`+"\n{broken\n")
	l.land("t/1.json", `{"x":1}`)
	l.run() // that all was read, and that there are tables, does not matter
	l.configure(`
sources:
  s:
    envelope: none
    columns:
      - {path: n, type: bigint, required: true}
      - {path: name, name: label, type: string}
      - {path: nmae, type: string}
  u: {}
`)
	l.job.Sample = 0
	before := l.Requests()
	v, err := forecast.Against(t.Context(), l.job)
	if err != nil {
		t.Fatal(err)
	}
	for op, n := range l.Requests() {
		if (op == "put" || op == "copy" || op == "delete") && n != before[op] {
			t.Errorf("the lake was asked to %s", op)
		}
	}
	if len(v.Sources) != 2 || v.Sources[1].Declared || v.Sources[1].Records != 1 || v.Result.Objects != 2 {
		t.Fatalf("%+v", v)
	}
	if d := cmp.Diff([]string{"u"}, v.Silent); d != "" {
		t.Errorf("silent: %s", d)
	}
	s := v.Sources[0]
	if !s.Declared || s.Records != 4 || s.Rows != 1 {
		t.Errorf("%+v", s)
	}
	if len(s.Rejected) != 2 || s.Rejected[0].Rule != "required" || s.Rejected[0].Count != 2 || len(s.Rejected[0].Samples) != 2 || s.Rejected[1].Rule != "json" || s.Rejected[1].Samples[0].Line != 4 {
		t.Errorf("rejected: %+v", s.Rejected)
	}
	var names []string
	for _, x := range s.Renamed {
		names = append(names, x.Path+" "+x.Name+" "+x.Plain)
	}
	if len(names) != 3 || names[0] != "name label name" || s.Renamed[1].Plain != "year" || s.Renamed[2].Path != "A" {
		t.Errorf("renamed: %q", names)
	}
	if len(s.Unfilled) != 2 || s.Unfilled[0].Name != "label" || s.Unfilled[1].Name != "nmae" {
		t.Errorf("unfilled: %+v", s.Unfilled)
	}

	// Values that do not fit, and a sample.
	l.configure("sources: {s: {columns: [{path: n, type: bigint}]}}")
	if v, err = forecast.Against(t.Context(), l.job); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]forecast.Rescued{{Path: "n", Count: 1, Column: "n", Type: "bigint"}}, v.Sources[0].Rescued); d != "" {
		t.Errorf("rescued: %s", d)
	}
	l.job.Sample = 2
	if v, err = forecast.Against(t.Context(), l.job); err != nil || v.Result.RecordsIn != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}
