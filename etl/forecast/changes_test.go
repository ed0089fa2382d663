package forecast_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/etl/forecast"
)

// Each edit is told as what it is, and a run after it goes or is refused as it says.
func TestChanges(t *testing.T) {
	const first = "sources:\n  s:\n    columns:\n      - {path: n, type: int}\n      - {path: d, type: double}\n      - {path: r, type: string, required: true}\n"
	for name, c := range map[string]struct {
		edit string
		want []string
	}{
		"nothing":                {first, nil},
		"no file":                {"", nil},
		"not named any more":     {"sources: {}", nil},
		"a comment":              {"# why\n" + first, nil},
		"new field":              {first + "      - {path: x, type: string}\n", []string{"next_run new column x string"}},
		"nanoseconds":            {first + "      - {path: x, type: timestamp, keep: ns}\n", []string{"next_run new column x timestamp", "next_run new column x_ns bigint"}},
		"widened":                {strings.Replace(first, "type: int}", "type: bigint}", 1), []string{"next_run column n: bigint, was int"}},
		"another type":           {strings.Replace(first, "type: double}", "type: string}", 1), []string{"backfill column d: string from d, was double from d"}},
		"narrower":               {strings.Replace(first, "type: double}", "type: int}", 1), []string{"backfill column d: int from d, was double from d"}},
		"renamed":                {strings.Replace(first, "{path: d, ", "{path: d, name: dd, ", 1), []string{"backfill column d: now named dd"}},
		"another path":           {strings.Replace(first, "{path: d, ", "{path: e, name: d, ", 1), []string{"backfill column d: double from e, was double from d"}},
		"no longer required":     {strings.Replace(first, ", required: true", "", 1), []string{"next_run column r: no longer required"}},
		"required":               {strings.Replace(first, "type: double}", "type: double, required: true}", 1), []string{"next_run column d: required"}},
		"undeclared":             {"sources:\n  s:\n    columns:\n      - {path: r, type: string, required: true}\n", nil},
		"key":                    {first + "    dedupe: {key: [n, r]}\n", []string{"backfill dedupe: key n+r, scope table, keep first, was key record_id, scope table, keep first"}},
		"scope":                  {first + "    dedupe: {scope: 7d}\n", []string{"backfill dedupe: key record_id, scope 7d, keep first, was key record_id, scope table, keep first"}},
		"time zone":              {first + "    event_time: {timezone: Europe/Vienna}\n", []string{"backfill event_time: ts as rfc3339|epoch|%Y-%m-%d in Europe/Vienna"}},
		"partitioning":           {first + "    partition_by: [source, year]\n", []string{"backfill partition_by: source, year, was source, year, month, day"}},
		"envelope":               {first + "    envelope: none\n", nil},
		"what does not fit":      {first + "    on_type_conflict: widen\n", []string{"next_run on_type_conflict: widen, was rescue"}},
		"other fields":           {first + "    other_columns: drop\n", []string{"next_run other_columns: drop, was keep"}},
		"another source":         {first + "  t: {}\n", []string{"next_run a new source"}},
		"what is not the tables": {first + "    max_columns: 10\n", nil},
	} {
		l := newLake(t)
		l.configure(first)
		if none, err := forecast.Changes(t.Context(), l.job.Zones, l.job.Lake); err != nil || len(none) > 0 {
			t.Errorf("before the first run: %v, %v", none, err)
		}
		l.land("s/1.json", `{"ts":"2025-01-01T00:00:00Z","n":1,"d":1.5,"r":"x","more":1}`)
		l.run()
		if l.configure(c.edit); c.edit == "" {
			l.job.Lake = nil
		}
		changes, err := forecast.Changes(t.Context(), l.job.Zones, l.job.Lake)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		refused := false
		for _, x := range changes {
			if x.Says == "" || (x.Command == "backfill --source s --all") != (x.Means == forecast.Backfill) {
				t.Errorf("%s: %+v", name, x)
			}
			refused = refused || x.Means == forecast.Backfill
			what := x.What
			if name == "time zone" {
				what, _, _ = strings.Cut(what, ", missing")
			}
			got = append(got, fmt.Sprintf("%s %s", x.Means, what))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		l.land("s/2.json", `{"ts":"2025-01-01T00:00:01Z","n":2,"d":1.5,"r":"x"}`)
		if _, err := l.tryErr(0); (err != nil) != refused {
			t.Errorf("%s: refused %v, but a run says %v", name, refused, err)
		}
	}
}

func TestPrices(t *testing.T) {
	p, err := forecast.ParsePrices([]byte(`{"fargate_vcpu_hour": 1, "fargate_gb_hour": 0.5}`))
	if err != nil || p.VCPUHour != 1 || p.GBHour != 0.5 || p.Gets != forecast.DefaultPrices().Gets || p.Date == "" {
		t.Errorf("%+v, %v", p, err)
	}
	for text, want := range map[string]string{"{": "read prices", `{"x":1}`: `unknown field "x"; the keys are`, `{"s3_gb_month":-1}`: "-1 is no price"} {
		if _, err := forecast.ParsePrices([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The requests that a forecast counts are those that the run makes, on a store that is asked for each object.
func TestCost(t *testing.T) {
	l := newLake(t)
	for i := range 60 {
		l.land(fmt.Sprintf("s/%d.json", i), fmt.Sprintf(`{"ts":"2025-01-%02dT00:00:00Z","v":%d}`, 1+i%20, i))
	}
	l.job.Parallel = 2
	f, err := forecast.Foresee(t.Context(), l.job, forecast.Options{Prices: forecast.Prices{VCPUHour: 3600, GBHour: 360, Puts: 1000, Gets: 100, Storage: 1e9}})
	if err != nil {
		t.Fatal(err)
	}
	before := l.Requests()
	r := l.run()
	after := l.Requests()
	var puts, gets int64
	for op, n := range after {
		n -= before[op]
		if slices.Contains([]string{"put", "copy", "list"}, op) {
			puts += n
		} else if op != "delete" {
			gets += n
		}
	}
	c := f.Cost
	if c.Puts < puts*8/10 || c.Puts > puts*12/10 || c.Gets < gets*8/10 || c.Gets > gets*12/10 {
		t.Errorf("%d puts and %d gets were foreseen, %d and %d made", c.Puts, c.Gets, puts, gets)
	}
	if c.VCPU != 2 || c.GB != 4 || c.Seconds != 60 || c.Compute != 60*2+60*4*0.1 || c.Requests != float64(c.Puts)+float64(c.Gets)/10 || c.Total != c.Compute+c.Requests || math.Abs(c.Storage-float64(r.BytesOut)) > 1 {
		t.Errorf("%+v", c)
	}
}

// A task is as large as threads and memory ask for.
func TestTask(t *testing.T) {
	for _, c := range []struct {
		parallel int
		memory   int64 // of the run, before its margin of a fifth
		vcpu, gb float64
	}{
		{1, 100 << 20, 1, 2}, {2, 100 << 20, 2, 4}, {1, 3 << 30, 1, 4}, {3, 1 << 30, 4, 8}, {1, 10 << 30, 2, 12}, {16, 50 << 30, 16, 64}, {64, 1 << 30, 16, 120},
	} {
		got := forecast.DefaultPrices().Of(&forecast.Forecast{Objects: 1, PeakMemory: c.memory}, c.parallel, 1)
		if got.VCPU != c.vcpu || got.GB != c.gb {
			t.Errorf("%d threads, %d bytes: %g vCPU and %g GB, want %g and %g", c.parallel, c.memory, got.VCPU, got.GB, c.vcpu, c.gb)
		}
	}
}
