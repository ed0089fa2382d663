package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
)

// TestMain lets the test's program stand in for the command where that calls itself.
func TestMain(m *testing.M) {
	if bareCalled() {
		return
	}
	os.Exit(m.Run())
}

// small runs checks on whole processes of the engine, with as little data as shows something.
func small(t *testing.T, only ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the engine and runs it many times")
	}
	var out, log bytes.Buffer
	chosen := process.NewOnly(names())
	if err := chosen.Set(strings.Join(only, ",")); err != nil {
		t.Fatal(err)
	}
	o := options{size: 0.001, runs: 1, seed: 3, only: chosen, python: t.TempDir(), dir: t.TempDir(), timeout: time.Minute}
	if err := run(t.Context(), o, &out, &log); err != nil {
		t.Errorf("%v\n%s\n%s", err, out.String(), log.String())
	}
	return out.String()
}

// TestMemory: data in which nothing repeats stays within its budget, and spills for that; many partitions stay within 512 MiB.
func TestMemory(t *testing.T) {
	got := small(t, "memory", "partitions")
	if strings.Count(got, "| yes |") != 4 {
		t.Error(got)
	}
}

// TestBytes: neither parallelism nor the budget reach a byte of the result.
func TestBytes(t *testing.T) {
	got := small(t, "bytes")
	if strings.Count(got, "| yes |") != 4 || strings.Count(got, "0.0 MB to 0.0 MB spilled") == 4 {
		t.Error(got)
	}
}

// TestDisk: what cannot be written costs the run and nothing else.
func TestDisk(t *testing.T) {
	got := small(t, "disk")
	if strings.Count(got, "| yes |")+strings.Count(got, "left out") != 6 {
		t.Error(got)
	}
}

// TestLarge runs what else there is once; its figures mean nothing at this size.
func TestLarge(t *testing.T) {
	got := small(t, "tenfold", "objects", "large", "gzip", "idle")
	for _, want := range []string{"| tenfold | CPU time |", "| objects |", "| large | CPU to wall time |", "| gzip | bare decompression took |", "| idle | CPU time |"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		got  line
		want string
	}{
		{ratio("", 21*time.Second, 2*time.Second, 10.5, false, true), passed},
		{ratio("", 22*time.Second, 2*time.Second, 10.5, false, true), failed},
		{ratio("", 22*time.Second, 2*time.Second, 10.5, false, false), unjudged},
		{ratio("", 9*time.Second, 10*time.Second, 0.9, true, true), passed},
		{ratio("", 8*time.Second, 10*time.Second, 0.9, true, true), failed},
		{memory("", 256<<20, 256<<20), passed},
		{memory("", 256<<20+1, 256<<20), failed},
		{steady(100e6, 115e6, true), passed},
		{steady(100e6, 125e6, true), failed},
		{note("", ""), unjudged},
	} {
		if c.got.verdict != c.want {
			t.Errorf("%+v, want %s", c.got, c.want)
		}
	}
}

// TestFaults: a run that loses rows, spills nothing, gives other bytes or leaves something behind does not pass.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("runs shell scripts in the engine's place")
	}
	// An engine that says what it is told to, and puts a file of its own into the lake.
	fake := func(t *testing.T, says string) *bench {
		dir := t.TempDir()
		b := &bench{o: options{size: 0.001, runs: 1, dir: dir, timeout: time.Minute}, dir: dir, log: io.Discard}
		if err := b.clear(); err != nil {
			t.Fatal(err)
		}
		script := "#!/bin/sh\nmkdir -p \"$3/processed/source=a\"\nfor i in 1 2 3 4 5; do echo $$ > \"$3/processed/source=a/$i.parquet\"; done\n" + says
		if err := os.WriteFile(b.engine(), []byte(script), 0o777); err != nil {
			t.Fatal(err)
		}
		return b
	}
	t.Run("rows", func(t *testing.T) {
		b := fake(t, `echo '{"records_in": 249999, "records_out": 249999}'`)
		if _, err := withinMemory(t.Context(), b); err == nil || !strings.Contains(err.Error(), "250000 were there") {
			t.Error(err)
		}
	})
	t.Run("spill", func(t *testing.T) {
		b := fake(t, `echo '{"records_in": 250000, "records_out": 250000}'`)
		lines, err := withinMemory(t.Context(), b)
		if err != nil || count(lines, failed) != 1 || lines[1].verdict != failed {
			t.Errorf("%+v: %v", lines, err)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		b := fake(t, `echo '{"records_in": 100, "records_out": 100}'`)
		l, err := b.oneFile("some", data.Options{Kind: data.Clean, Records: 100})
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.overSettings(t.Context(), l)
		if err != nil || got.verdict != failed {
			t.Errorf("%+v: %v", got, err)
		}
	})
	t.Run("disk", func(t *testing.T) {
		for says, want := range map[string]string{
			"echo no space left >&2; exit 1":                                         "changed: processed",
			`rm -r "$3/processed"; echo no space left >&2; exit 1`:                   "no space left",
			`rm -r "$3/processed"; echo some error >&2; exit 1`:                      "some error",
			`rm -r "$3/processed"; echo no space left >&2; exit 2`:                   "exit status 2",
			`rm -r "$3/processed"; echo no space left; echo goroutine 1 [x]; exit 1`: "goroutine 1",
			`rm -r "$3/processed"; echo no space left; exit 0`:                       "did not fail",
		} {
			b := fake(t, says)
			l, err := b.oneFile("some", data.Options{Kind: data.Clean, Records: 100})
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.fails(t.Context(), l, b.engine()+" run --lake "+filepath.Join(l.dir), false, []string{"no space left"})
			if good := strings.HasPrefix(want, "no space"); err != nil || !strings.Contains(got.got, want) || (got.verdict == passed) != good {
				t.Errorf("%s: %+v: %v", says, got, err)
			}
		}
	})
}
