// Command forecast holds what etl plan foresees against the run that follows, on the demo lake and on the lakes of the benchmarks, each
// as whole processes, and prints the table of docs/benchmarks.md:
//
//	go run ./benchmarks/forecast
//	go run ./benchmarks/forecast -size 0.1 -only demo,clean
//
// Figures are good within a fifth. Seconds of the clock are not judged where the machine has other work than this.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
	"datalake/etl"
	"datalake/etl/forecast"
)

// lake is a kind of lake to look at.
type lake struct {
	name     string
	kind     string // of data.Options; empty: the demo lake
	records  int
	declared bool // by the data's lake file
	args     []string
}

var lakes = []lake{
	{name: "demo", records: 120_000},
	{name: "clean", kind: data.Clean, records: 2_000_000, declared: true},
	{name: "clean-inferred", kind: data.Clean, records: 2_000_000},
	{name: "dirty", kind: data.Dirty, records: 410_000, declared: true},
	{name: "dirty-inferred", kind: data.Dirty, records: 410_000},
	{name: "distinct", kind: data.Distinct, records: 2_000_000, declared: true, args: []string{"--memory", "256MiB"}},
	{name: "skewed", kind: data.Skewed, records: 2_000_000, declared: true},
}

type options struct {
	size float64
	seed uint64
	only *process.Only
	dir  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o := options{}
	names := make([]string, len(lakes))
	for i, l := range lakes {
		names[i] = l.name
	}
	flag.Float64Var(&o.size, "size", 1, "share of the full number of records")
	flag.Uint64Var(&o.seed, "seed", 1, "draws the data")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "folder for the data and what is made of it")
	o.only = process.NewOnly(names)
	flag.Var(o.only, "only", o.only.Usage("which lakes"))
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "forecast:", err)
		os.Exit(1)
	}
}

// run prints the table. It fails where a lake could not be looked at; figures that are off are in the table.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.size <= 0 {
		return errors.New("-size is above 0")
	}
	dir, err := os.MkdirTemp(o.dir, "datalake-forecast-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	engine := filepath.Join(dir, "etl")
	if err := process.Build(ctx, engine); err != nil {
		return err
	}
	fmt.Fprintf(out, "Size %g of the full one, seed %d. %s. Load of the system before the runs %.1f.\n\n", o.size, o.seed, process.Machine(), process.Load())
	fmt.Fprintln(out, "| lake | figure | foreseen | the run | off | good |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- |")
	good, all := 0, 0
	for _, l := range lakes {
		if !o.only.Has(l.name) {
			continue
		}
		lines, err := l.compare(ctx, o, engine, filepath.Join(dir, l.name))
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		for _, x := range lines {
			verdict := "not judged"
			if x.judged {
				all++
				if verdict = "**no**"; math.Abs(x.off()) <= 0.2 {
					verdict = "yes"
					good++
				}
			}
			fmt.Fprintf(out, "| %s | %s | %s | %s | %+.0f %% | %s |\n", l.name, x.name, x.text(x.foreseen), x.text(x.got), 100*x.off(), verdict)
		}
	}
	fmt.Fprintf(out, "\n%d of %d are within a fifth.\n", good, all)
	return nil
}

// figure is a line of the table.
type figure struct {
	name          string
	foreseen, got float64
	unit          string // MB, s or nothing
	judged        bool
}

// off is by which part of the measured figure the foreseen one is off.
func (f figure) off() float64 {
	if f.got == 0 {
		if f.foreseen == 0 {
			return 0
		}
		return 1
	}
	return f.foreseen/f.got - 1
}

func (f figure) text(x float64) string {
	switch f.unit {
	case "MB":
		return fmt.Sprintf("%.1f MB", x/1e6)
	case "s":
		return fmt.Sprintf("%.2f s", x)
	}
	return process.Grouped(int(x))
}

// make makes the lake's raw zone and lake file.
func (l lake) make(ctx context.Context, o options, engine, dir string) error {
	records := max(int(float64(l.records)*o.size), 1000)
	if l.kind == "" {
		c := process.Command(ctx, engine, "demo", dir, "--records", fmt.Sprint(records), "--seed", fmt.Sprint(o.seed), "--quiet")
		if text, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("make the demo lake: %w: %s", err, text)
		}
		for _, zone := range []string{"processed", "processed@", "quarantine", "quarantine@", "state"} {
			if err := os.RemoveAll(filepath.Join(dir, zone)); err != nil {
				return err
			}
		}
		return nil
	}
	set, err := data.New(data.Options{Kind: l.kind, Records: records, Seed: o.seed})
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "raw", "events", "events.json")
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	if _, err := process.WriteData(set, name); err != nil {
		return err
	}
	old := time.Now().Add(-time.Hour) // else a run waits until the file has settled
	if err := os.Chtimes(name, old, old); err != nil {
		return err
	}
	if l.declared {
		return os.WriteFile(filepath.Join(dir, "lake.yaml"), set.Lake(), 0o666)
	}
	return nil
}

// compare plans, runs, and holds the one against the other.
func (l lake) compare(ctx context.Context, o options, engine, dir string) (lines []figure, err error) {
	if err := l.make(ctx, o, engine, dir); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var plan struct{ Run forecast.Forecast }
	if _, err := l.call(ctx, engine, dir, "plan", &plan); err != nil {
		return nil, err
	}
	var r etl.Result
	loaded := process.Load() > 1
	cost, err := l.call(ctx, engine, dir, "run", &r)
	if err != nil {
		return nil, err
	}
	f := plan.Run
	return []figure{
		{"records", float64(f.RecordsIn), float64(r.RecordsIn), "", true},
		{"rows", float64(f.RecordsOut), float64(r.RecordsOut), "", true},
		{"partitions", float64(f.Partitions), float64(r.Partitions), "", true},
		{"files", float64(f.Files), float64(r.Files), "", true},
		{"bytes written", float64(f.BytesOut), float64(r.BytesOut), "MB", true},
		{"peak memory", float64(f.PeakMemory), float64(cost.RSS), "MB", true},
		{"to temporary files", float64(f.Spilled), float64(r.SpilledBytes), "MB", false},
		{"seconds", f.Seconds, cost.Wall.Seconds(), "s", !loaded},
		{"CPU seconds", f.CPUSeconds, cost.CPU.Seconds(), "s", true},
	}, nil
}

// call runs a command of the engine with --json on the lake.
func (l lake) call(ctx context.Context, engine, dir, command string, into any) (process.Cost, error) {
	c := process.Command(ctx, engine, append([]string{command, "--lake", dir, "--json", "--quiet"}, l.args...)...)
	text := &jsonText{}
	c.Stdout = text
	cost, failed := process.Measure(ctx, c, 10*time.Minute)
	if failed != "" {
		return cost, fmt.Errorf("etl %s: %s", command, failed)
	}
	if err := json.Unmarshal(text.b, into); err != nil {
		return cost, fmt.Errorf("etl %s --json: %w", command, err)
	}
	return cost, nil
}

// jsonText keeps what is written to it.
type jsonText struct{ b []byte }

func (t *jsonText) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	return len(p), nil
}
