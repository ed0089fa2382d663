package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
)

func TestTable(t *testing.T) {
	run := func(walls ...float64) (all []process.Cost) {
		for i, w := range walls {
			all = append(all, process.Cost{Wall: time.Duration(w * 1e9), CPU: time.Duration(w * 2e9), RSS: int64(i+1) * 50e6})
		}
		return all
	}
	b := &bench{o: options{data: data.Options{Kind: data.Clean, Records: 2_000_000, Seed: 1}, runs: 3}, bytes: 560e6, loads: []float64{0.4, 1.9}, results: []*result{
		{engine: engine{name: "this engine"}, runs: run(1.2, 1, 0.9), size: 50e6, files: 15},
		{engine: engine{name: "DuckDB, memory_limit 200MB", script: "x"}, version: "1.5.6", failed: "Out | of memory"},
		{engine: engine{name: "DuckDB", script: "x"}, version: "1.5.6", runs: run(3, 3.5, 3.2), size: 60e6, files: 15},
		{engine: engine{name: "Polars", script: "x"}, skipped: "not installed"},
		{engine: engine{name: "Spark", script: "x"}, version: "4.3.0", runs: run(30, 31, 32), size: 60e6, files: 15},
	}}
	var out bytes.Buffer
	b.table(&out, []string{"All the same."})
	got := out.String()
	for _, want := range []string{
		"2,000,000 records of clean data, seed 1: 560.0 MB of NDJSON.",
		"load of the system before the runs 0.4–1.9",
		"| this engine | 1.00 (0.90–1.20) | 560 | 2.00 | 150 | 50.0 (15) | 3.20× | 3.20× |",
		`| DuckDB 1.5.6, memory_limit 200MB | failed: Out \| of memory |`,
		"| DuckDB 1.5.6 | 3.20 (3.00–3.50) | 175 | 6.40 | 150 | 60.0 (15) | 1.00× | 1.00× |",
		"| Polars | left out: not installed |",
		"| 0.10× | 0.10× |",
		"\nAll the same.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestCompare(t *testing.T) {
	type rows = map[string][2]any
	full := rows{"a/2025/1/1": {3.0, "77"}, "a/2025/1/2": {4.0, "5"}}
	for _, c := range []struct {
		name   string
		peer   rows
		ids    rows
		want   string
		differ bool
	}{
		{"equal", rows{"a/2025/1/1": {3.0, "77"}, "a/2025/1/2": {4.0, "5"}}, rows{"a": {7.0, "1"}}, "the same rows: 7 in 2 partitions", false},
		{"a value", rows{"a/2025/1/1": {3.0, "78"}, "a/2025/1/2": {4.0, "5"}}, nil, "in a/2025/1/1 3 rows both, but other values", true},
		{"a row", rows{"a/2025/1/1": {3.0, "77"}, "a/2025/1/2": {5.0, "5"}}, nil, "in a/2025/1/2 4 rows and 5", true},
		{"a partition", rows{"a/2025/1/1": {3.0, "77"}}, nil, "in a/2025/1/2 4 rows and 0", true},
		{"ids", full, rows{"a": {8.0, "1"}}, "wrote 8 rows, 7 are right", true},
	} {
		b := &bench{results: []*result{
			{engine: engine{name: "ours"}, runs: make([]process.Cost, 1), rows: full},
			{engine: engine{name: "peer"}, runs: make([]process.Cost, 1), rows: c.peer},
		}}
		if c.ids != nil {
			b.results = append(b.results, &result{engine: engine{name: "bare", inferred: true}, runs: make([]process.Cost, 1), rows: c.ids})
		}
		got := strings.Join(b.compare(), "\n")
		if !strings.Contains(got, c.want) || b.differ != c.differ {
			t.Errorf("%s: %q, differ %t", c.name, got, b.differ)
		}
	}
}

// TestRun: with no other engine installed, this one runs, and the table says why the others did not.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the engine")
	}
	for _, kind := range []string{data.Clean, data.Dirty} {
		var out bytes.Buffer
		o := options{data: data.Options{Kind: kind, Records: 2000, Seed: 5}, runs: 2, python: t.TempDir(), dir: t.TempDir(), timeout: time.Minute}
		if err := run(t.Context(), o, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); strings.Contains(got, "failed") || strings.Count(got, "left out: not installed") != len(engines)-2 || strings.Count(got, "was not checked") != 2 {
			t.Error(got)
		}
	}
}
