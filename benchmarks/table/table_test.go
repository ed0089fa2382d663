package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	err := run(strings.NewReader(`goos: linux
pkg: datalake/benchmarks
BenchmarkDecode/clean-2 	 1	 43000000 ns/op	1186.00 MB/s	 99.98 hit-%	 4138411 rows/s	37000000 B/op	 25405 allocs/op
BenchmarkDecode/clean-2 	 1	 42000000 ns/op	1200.00 MB/s	 99.97 hit-%	 4200000 rows/s	37100000 B/op	 25406 allocs/op
BenchmarkRunSpilled/64_MiB-2 	 1	 2000 ns/op
PASS
pkg: datalake/etl/decode
BenchmarkDecode/clean-2 	 1	 123456789 ns/op
`), &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| decode, clean | 42ms | 1,200 | 4,200,000 | 37.1 | 25,406 | 99.97 hit-% |\n",
		"| run spilled, 64 MiB | 2µs |  |  |  |  |  |\n",
		"| etl/decode: decode, clean | 123ms |  |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	for _, bad := range []string{"", "PASS\n", "--- FAIL: BenchmarkX\n", "BenchmarkX-2 1 a ns/op\n", "BenchmarkX-2 1 4 ns/op\nFAIL\n"} {
		if err := run(strings.NewReader(bad), &out); err == nil {
			t.Errorf("%q gave a table", bad)
		}
	}
}
