package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/pkg/lakefile"
)

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_940: "999.9 kB", 999_960: "1.0 MB", 12_345_678: "12.3 MB", 5e12: "5.0 TB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
	for s, want := range map[string]int64{"1": 1, "1KiB": 1024, "1.5GiB": 3 << 29, "2GB": 2e9, "512 MiB": 512 << 20, "64m": 64e6} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("parseSize(%s) = %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "x", "1XB", "-1", "0", "1e30GB", "NaN", "Inf"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("parseSize(%q) = %d, want an error", s, got)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{3 * time.Millisecond: "3 ms", 1234 * time.Millisecond: "1.23 s", 61 * time.Second: "61.0 s", time.Hour: "1h0m0s"} {
		if got := duration(d); got != want {
			t.Errorf("duration(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"東京都", 5, "東京…"},
		{"東京都", 4, "東…"},
		{"a\nb\tc", 0, "a b c"},
		{"\x1b[31m", 0, "�[31m"},
		{"a\u202eb", 0, "a�b"},
		{"", 3, ""},
	} {
		if got := clip(c.in, c.width); got != c.want {
			t.Errorf("clip(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestPrintTable(t *testing.T) {
	var b bytes.Buffer
	err := printTable(&b, "  ", []column{{name: "city", cut: 6}, {name: "n", right: true}, {name: "note"}}, [][]string{
		{"東京", "1", ""}, {"Reykjavík", "1,000", "cold"},
	})
	want := "  city        n  note\n  東京        1\n  Reykj…  1,000  cold\n"
	if err != nil || b.String() != want {
		t.Errorf("%v, %s", err, cmp.Diff(want, b.String()))
	}
}

func TestPrintWithin(t *testing.T) {
	columns := []column{{name: "table", cut: 20}, {name: "rows", right: true, attention: true}, {name: "note", cut: 9}, {name: "file"}}
	rows := [][]string{{"東京の表", "1,000", "a note that is long", "/a/path/that/is/not/cut/anywhere.parquet"}, {"t", "0", "", "x"}}
	blocks := "東京の表\n  rows  \x1b[33m1,000\x1b[0m\n  note  a note that is long\n  file  /a/path/that/is/not/cut/anywhere.parquet\nt\n  rows  0\n  file  x\n"
	lines := "table      rows  note       file\n東京の表  \x1b[33m1,000\x1b[0m  a note t…  /a/path/that/is/not/cut/anywhere.parquet\nt             0             x\n"
	for _, c := range []struct {
		width   int
		limited bool
		want    string
	}{{28, true, lines}, {27, true, blocks}, {0, false, lines}} {
		var b bytes.Buffer
		if err := printWithin(&b, "", columns, rows, c.width, c.limited); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, b.String()); d != "" {
			t.Errorf("width %d: %s", c.width, d)
		}
	}
}

func TestPrintList(t *testing.T) {
	var b bytes.Buffer
	printList(&b, "Title", []item{{"a", []string{"one", "two"}}, {"long", []string{"three"}}})
	printList(&b, "Long", lines([]string{"a sentence that is so long that it does not fit into one line of eighty columns at all"}))
	printList(&b, "None", nil)
	want := `
Title
  a     one, two
  long  three

Long
  a sentence that is so long that it does not fit into one line of eighty
  columns at all
`
	if b.String() != want {
		t.Error(cmp.Diff(want, b.String()))
	}
}

func TestExitCode(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("run: %w", err) }
	for _, c := range []struct {
		err         error
		interrupted bool
		want        int
	}{
		{nil, false, 0},
		{nil, true, 0}, // it was done before it could be stopped
		{errors.New("disk full"), false, 1},
		{errors.New("disk full"), true, 1},
		{errFindings, false, 1},
		{wrapped(etl.ErrUnknown), false, 1},
		{errors.Join(etl.ErrUnknown, context.Canceled), true, 1},
		{usage(errors.New("no")), false, 2},
		{wrapped(etl.ErrConfig), false, 2},
		{lakefile.Errors{{File: "lake.yaml"}}, false, 2},
		{wrapped(etl.ErrConflict), false, 4},
		{etl.Meaning(&commit.Conflict{}), false, 4},
		{etl.Meaning(commit.ErrBusy), false, 4},
		{etl.Meaning(commit.ErrRoots), false, 2},
		{wrapped(context.Canceled), true, 130},
		{wrapped(context.Canceled), false, 1},
	} {
		if got := exitCode(c.err, c.interrupted); got != c.want {
			t.Errorf("exitCode(%v, %v) = %d, want %d", c.err, c.interrupted, got, c.want)
		}
	}
}

func TestFolder(t *testing.T) {
	for in, want := range map[string]string{"lake": "lake", "/a b": "/a b", "file:///a%20b": "/a b", "file:///": "/"} {
		if got, err := folder(in); err != nil || got != want {
			t.Errorf("folder(%s) = %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "s3://b/p", "file://host/p", "gs://x", "file:///%zz"} {
		if got, err := folder(in); err == nil {
			t.Errorf("folder(%q) = %s, want an error", in, got)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{"lake": "lake", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "./x/y-1.z": "./x/y-1.z"} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%s) = %s, want %s", in, got, want)
		}
	}
}
