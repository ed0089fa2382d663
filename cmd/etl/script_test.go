package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"etl": main})
}

// TestScript runs the command lines of testdata/script. Beside testscript's own commands these have
//
//	exits CODE etl ARGS…    runs etl, which must end with that code
//	field PATH VALUE        the last stdout is one JSON object with that value there: records_in, tables.0.rows, tables.len
//	jsonlines               the last stderr is JSON objects, one a line
//	age FILE…               makes files an hour old, so that a run does not wait for them to settle
//	twice ARGS…             runs etl twice at once: each must end with 0 or 4
//	terminal COLS CODE ARGS… runs etl on a terminal, see onTerminal (Linux)
//	interrupt ARGS…         runs etl, sends it SIGINT after half a second: it must end with 130 within 2 s
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: scriptCommands})
}

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits": exits, "field": field, "jsonlines": jsonLines, "age": age, "interrupt": interrupt, "twice": twice,
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d; stderr:\n%s", got, want, ts.ReadFile("stderr"))
	}
}

func field(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: field PATH VALUE")
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		ts.Fatalf("stdout is no JSON: %v", err)
	}
	if d.More() {
		ts.Fatalf("stdout is more than one JSON value")
	}
	for key := range strings.SplitSeq(args[0], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if key == "len" {
				v = json.Number(fmt.Sprint(len(x)))
			} else if err != nil || i >= len(x) {
				ts.Fatalf("%s: no element %s of %d", args[0], key, len(x))
			} else {
				v = x[i]
			}
		default:
			ts.Fatalf("%s: nothing below %v", args[0], v)
		}
	}
	if got := fmt.Sprint(v); (got == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s (negated: %v)", args[0], got, args[1], neg)
	}
}

func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	n := 0
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		n++
		if !json.Valid([]byte(line)) {
			ts.Fatalf("no JSON: %s", line)
		}
	}
	if n == 0 {
		ts.Fatalf("stderr is empty")
	}
}

func age(ts *testscript.TestScript, neg bool, args []string) {
	old := time.Now().Add(-time.Hour)
	for _, name := range args {
		ts.Check(os.Chtimes(ts.MkAbs(name), old, old))
	}
}

// background makes a command that runs etl beside the script.
func background(ts *testscript.TestScript, args []string, stderr *bytes.Buffer) *exec.Cmd {
	dir, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	c := exec.Command(filepath.Join(dir, "etl"), args...)
	c.Dir, c.Stderr = ts.MkAbs("."), stderr
	c.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	return c
}

func twice(ts *testscript.TestScript, neg bool, args []string) {
	var stderr [2]bytes.Buffer
	var runs [2]*exec.Cmd
	for i := range runs {
		runs[i] = background(ts, args, &stderr[i])
		ts.Check(runs[i].Start())
	}
	for i, c := range runs {
		var exit *exec.ExitError
		if err := c.Wait(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitConflict) {
			ts.Fatalf("ended with %v; stderr: %s", err, stderr[i].String())
		}
	}
}

func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	var stderr bytes.Buffer
	c := background(ts, args, &stderr)
	ts.Check(c.Start())
	time.Sleep(500 * time.Millisecond)
	ts.Check(c.Process.Signal(syscall.SIGINT))
	at := time.Now()
	err := c.Wait()
	ts.Logf("stderr: %s", stderr.String())
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		ts.Fatalf("ended with %v, want exit code %d", err, exitInterrupted)
	}
	if d := time.Since(at); d > 2*time.Second {
		ts.Fatalf("took %v to stop", d)
	}
	if !strings.Contains(stderr.String(), "interrupted") {
		ts.Fatalf("it did not say that it was interrupted")
	}
}
