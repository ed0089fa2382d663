// Command peers runs one job on the same data with this engine and with others, each as a whole process, in turn, and prints
// what each took:
//
//	go run ./benchmarks/peers -install                # once: Python environments with the other engines
//	go run ./benchmarks/peers                         # 2,000,000 clean records
//	go run ./benchmarks/peers -kind dirty -seed 7
//
// The job: read one file of NDJSON, keep the latest record of each record_id by ingested_at, give its columns their types, write
// zstd-compressed Parquet partitioned by source, year, month and day. Columns and data are those of benchmarks/data. The other
// engines' scripts lie beside this file; each does it in the way that is the fastest for that engine as far as we know.
//
// Wall time is from start to exit, Python's start included. CPU time and peak memory are what the system accounts to the process
// and to children that it waited for. What all wrote is read back by DuckDB and compared, row by row through hashes. An engine
// that is not installed is left out, with the reason.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
	"datalake/benchmarks/python"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	data    data.Options
	runs    int
	only    *process.Only // engines by key
	python  string        // folder of the environments
	dir     string        // folder for data and output
	keep    bool
	timeout time.Duration
}

func start(ctx context.Context) error {
	o := options{}
	flag.StringVar(&o.data.Kind, "kind", data.Clean, "clean or dirty data")
	flag.IntVar(&o.data.Records, "records", 0, "how many lines (default some 560 MB: 2,000,000 clean, 410,000 dirty)")
	flag.Uint64Var(&o.data.Seed, "seed", 1, "draws the data, and the shapes of dirty data")
	flag.IntVar(&o.runs, "runs", 3, "how often each engine runs; the table has the medians")
	flag.StringVar(&o.python, "python", python.Environments(), "folder of the Python environments")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "folder for the data and what the engines write; about three times the data")
	flag.BoolVar(&o.keep, "keep", false, "leave data and output there")
	flag.DurationVar(&o.timeout, "timeout", 20*time.Minute, "the most that one run may take")
	o.only = process.NewOnly(keys())
	flag.Var(o.only, "only", o.only.Usage("engines to run"))
	install := flag.Bool("install", false, "make the Python environments and stop")
	flag.Parse()
	if *install {
		return python.Install(ctx, o.python, os.Stderr)
	}
	if o.data.Records == 0 {
		o.data.Records = map[string]int{data.Clean: 2_000_000, data.Dirty: 410_000}[o.data.Kind]
	}
	if o.runs < 1 {
		return fmt.Errorf("-runs %d: at least 1", o.runs)
	}
	return run(ctx, o, os.Stdout, os.Stderr)
}

// run makes the data, runs all engines and prints the table to out; what happens meanwhile goes to log.
func run(ctx context.Context, o options, out, log io.Writer) (err error) {
	dir, err := os.MkdirTemp(o.dir, "datalake-peers-*")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(log, "data and output:", dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	b, err := newBench(ctx, o, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "%d %s records, %.1f MB; load %.1f\n", o.data.Records, o.data.Kind, float64(b.bytes)/1e6, process.Load())
	for n := range o.runs {
		for _, r := range b.results {
			if r.skipped != "" || r.failed != "" {
				continue
			}
			b.loads = append(b.loads, process.Load())
			if err := b.one(ctx, r, n); err != nil {
				return err
			}
			if r.failed != "" {
				fmt.Fprintf(log, "run %d: %s: %s\n", n+1, r.title(), r.failed)
				continue
			}
			m := r.runs[len(r.runs)-1]
			fmt.Fprintf(log, "run %d: %s: %.2f s wall, %.2f s CPU, %d MB\n", n+1, r.title(), m.Wall.Seconds(), m.CPU.Seconds(), m.RSS/1e6)
		}
	}
	verdict := b.compare()
	b.table(out, verdict)
	if b.differ {
		return errors.New("not all engines wrote the same rows")
	}
	for _, r := range b.results {
		if r.ours() && r.failed != "" {
			return fmt.Errorf("%s failed: %s", r.name, r.failed)
		}
	}
	return nil
}

// bench is one comparison.
type bench struct {
	o       options
	dir     string
	set     *data.Set
	input   string
	lake    string // lake file
	bytes   int64
	results []*result
	differ  bool
	loads   []float64 // of the system before each run
}

// result is what one engine did.
type result struct {
	engine
	version string
	skipped string // why it did not run
	failed  string // why a run gave nothing
	runs    []process.Cost
	size    int64 // of the output
	files   int
	rows    map[string][2]any // partition: count, sum of hashes; nil: not checked
	checked string            // why not
}

func newBench(ctx context.Context, o options, dir string) (*bench, error) {
	b := &bench{o: o, dir: dir, input: filepath.Join(dir, "events.json"), lake: filepath.Join(dir, "lake.yaml")}
	var err error
	if b.set, err = data.New(o.data); err != nil {
		return nil, err
	}
	if b.bytes, err = process.WriteData(b.set, b.input); err != nil {
		return nil, fmt.Errorf("write data: %w", err)
	}
	if err := os.WriteFile(b.lake, b.set.Lake(), 0o666); err != nil {
		return nil, err
	}
	if err := python.WriteScripts(filepath.Join(dir, "scripts")); err != nil {
		return nil, err
	}
	for _, name := range []string{"tmp", "out"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			return nil, err
		}
	}
	if err := process.Build(ctx, filepath.Join(dir, "etl")); err != nil {
		return nil, err
	}
	for _, e := range engines {
		if !o.only.Has(e.key) {
			continue
		}
		r := &result{engine: e}
		if r.version, err = b.versionOf(ctx, e); err != nil {
			r.skipped = err.Error()
		}
		b.results = append(b.results, r)
	}
	return b, nil
}
