package main

import (
	"regexp"
	"strings"
	"testing"

	"datalake/benchmarks/process"
)

// A small lake of two kinds is planned and run, and its counts, of which all was tried, are exact.
func TestForecast(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the engine and runs it")
	}
	only := process.NewOnly([]string{"demo", "dirty-inferred"})
	var out strings.Builder
	if err := run(t.Context(), options{size: 0.01, seed: 3, only: only, dir: t.TempDir()}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`\| demo \| rows \| ([\d,]+) \| ([\d,]+) \| \+0 % \| yes \|`, `\| dirty-inferred \| bytes written \| .* MB \| .* MB \| [+-]0 % \| yes \|`, `\d+ of \d+ are within a fifth`} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("the table has no line like %s:\n%s", want, out.String())
		}
	}
}

func TestOff(t *testing.T) {
	for want, f := range map[float64]figure{0: {foreseen: 0, got: 0}, 1: {foreseen: 5, got: 0}, -0.5: {foreseen: 5, got: 10}, 0.25: {foreseen: 5, got: 4}} {
		if f.off() != want {
			t.Errorf("%+v is off by %g, want %g", f, f.off(), want)
		}
	}
}
