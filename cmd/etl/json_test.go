package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"

	"datalake/cmd/etl/manual"
)

// TestJSON: with --json every command writes one JSON object to stdout and nothing else, and with --quiet beside it nothing to stderr,
// unless there is something to warn of. A new command needs a line here.
func TestJSON(t *testing.T) {
	percent := debug.SetGCPercent(100)
	limit := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
	dir := t.TempDir()
	lake, raw := filepath.Join(dir, "lake"), filepath.Join(dir, "case.txt")
	golden := "A case.\n-- raw/s/a.json --\n{\"record_id\":\"a\",\"n\":1}\n-- balance --\nin=1 out=1 duplicates=0 quarantined=0 rescued=0\n"
	if err := os.WriteFile(raw, []byte(golden), 0o666); err != nil {
		t.Fatal(err)
	}
	// How each command is called, in an order that works on one lake.
	calls := []struct{ command, args string }{
		{"demo", "--records 2000"},
		{"run", ""},
		{"run", "--dry-run"},
		{"init", filepath.Join(lake, "raw") + " --out " + filepath.Join(dir, "lake.yaml")},
		{"check", ""},
		{"test", raw},
		{"tables", ""},
		{"head", "iot_sensors"},
		{"head", "quarantine"},
		{"files", "iot_sensors"},
		{"status", ""},
		{"log", ""},
		{"why", "nobody"},
		{"report", ""},
		{"diff", "iot_sensors " + filepath.Join(lake, "processed", "source=iot_sensors")},
		{"replay", ""},
		{"verify", ""},
		{"repair", ""},
		{"gc", ""},
		{"compact", "iot_sensors"},
		{"rollback", "iot_sensors --to 1"},
		{"release", ""},
		{"backfill", "--source iot_sensors --all"},
		{"plan", ""},
		{"ledger set", "--until 2000-01-01"},
		{"ledger", ""},
		{"skip", filepath.Join(lake, "raw", "iot_sensors", "poison.json")},
		{"completion", "fish"},
		{"version", ""},
	}
	called := map[string]bool{}
	for _, c := range calls {
		words := strings.Fields(c.command)
		called[words[len(words)-1]] = true
		if c.command == "skip" {
			if err := os.WriteFile(strings.Fields(c.args)[0], []byte("{"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for _, quiet := range []bool{false, true} {
			args := append(append(words, "--json", "--lake", lake), strings.Fields(c.args)...)
			if c.command == "init" {
				args = append([]string{c.command, "--json", "--force"}, strings.Fields(c.args)...)
			}
			if quiet {
				args = append(args, "--quiet")
			}
			var out, stderr bytes.Buffer
			if code := execute(t.Context(), &atomic.Bool{}, args, &out, &stderr); code != exitDone {
				t.Errorf("etl %s: exit code %d, stderr: %s", strings.Join(args, " "), code, stderr.String())
				continue
			}
			d := json.NewDecoder(bytes.NewReader(out.Bytes()))
			var object map[string]any
			if err := d.Decode(&object); err != nil {
				t.Errorf("etl %s: stdout is no JSON object: %v: %.200s", strings.Join(args, " "), err, out.String())
				continue
			}
			if _, err := d.Token(); err != io.EOF {
				t.Errorf("etl %s: more than one object on stdout", strings.Join(args, " "))
			}
			for line := range strings.Lines(stderr.String()) {
				if quiet && !strings.HasPrefix(line, "warning: ") {
					t.Errorf("etl %s: stderr says %s", strings.Join(args, " "), line)
				}
			}
		}
	}
	for _, c := range manual.All(testApp().command())[1:] {
		if name := c.Name(); !called[name] && len(c.Commands()) == 0 {
			t.Errorf("TestJSON does not call etl %s", name)
		}
	}
}
