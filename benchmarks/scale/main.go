package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"datalake/benchmarks/process"
	"datalake/benchmarks/python"
)

// check is one thing to measure. It gives lines of the table; an error is that it could not be measured.
type check struct {
	name, what string
	run        func(ctx context.Context, b *bench) ([]line, error)
}

var checks = []check{
	{"tenfold", "ten times the data: at most 10.5 times the time, the same memory", tenfold},
	{"memory", "20 times the data, all keys and values distinct, in 256 MiB, spilled", withinMemory},
	{"partitions", "10,000 partitions, 95 % of the rows in one: at most twice the time of 20, in 512 MiB", manyPartitions},
	{"objects", "100,000 objects of one record: five times as fast as DuckDB", manyObjects},
	{"large", "one object of 10 GB: all cores busy, memory as for 1 GB", largeObject},
	{"gzip", "one gzip of 10 GB of text: at least 90 % of the speed of bare decompression", gzipObject},
	{"idle", "nothing new on 100,000 ledger entries: under 0.5 s of CPU", idle(100_000, 500*time.Millisecond, 0)},
	{"idle-million", "on 1,000,000: under 2 s of CPU and 200 MB", idle(1_000_000, 2*time.Second, 200e6)},
	{"bytes", "the same bytes for any parallelism and budget", sameBytes},
	{"disk", "a full disk, a folder that cannot be written to: a clear error, the lake untouched", fullDisk},
}

func names() []string {
	all := make([]string, 0, len(checks))
	for _, c := range checks {
		all = append(all, c.name)
	}
	return all
}

// options are the flags.
type options struct {
	size    float64
	runs    int
	seed    uint64
	only    *process.Only // checks by name
	python  string
	dir     string
	timeout time.Duration
}

func main() {
	if bareCalled() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context) error {
	o := options{}
	flag.Float64Var(&o.size, "size", 1, "share of the full size")
	flag.IntVar(&o.runs, "runs", 2, "how often the shorter runs are repeated; the fastest counts, with the highest peak")
	flag.Uint64Var(&o.seed, "seed", 1, "draws the data")
	flag.StringVar(&o.python, "python", python.Environments(), "folder of the Python environments, as benchmarks/peers -install makes them")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "folder for the data and what is made of it")
	flag.DurationVar(&o.timeout, "timeout", 30*time.Minute, "the most that one run may take")
	o.only = process.NewOnly(names())
	flag.Var(o.only, "only", o.only.Usage("what to measure"))
	flag.Parse()
	if o.size <= 0 || o.size > 10 || o.runs < 1 {
		return errors.New("-size is above 0 and at most 10, -runs at least 1")
	}
	return run(ctx, o, os.Stdout, os.Stderr)
}

// run measures, prints the table to out and what happens meanwhile to log. It fails where a line of the table does.
func run(ctx context.Context, o options, out, log io.Writer) (err error) {
	dir, err := os.MkdirTemp(o.dir, "datalake-scale-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := newBench(ctx, o, dir, log)
	if err != nil {
		return err
	}
	var all []line
	for _, c := range checks {
		if !o.only.Has(c.name) {
			continue
		}
		fmt.Fprintf(log, "%s: %s\n", c.name, c.what)
		lines, err := c.run(ctx, b)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			lines = append(lines, line{what: "it was measured", got: err.Error(), verdict: failed})
		}
		for _, l := range lines {
			l.check = c.name
			all = append(all, l)
		}
		if err := b.clear(); err != nil {
			return err
		}
	}
	b.table(out, all)
	if n := count(all, failed); n > 0 {
		return fmt.Errorf("%d of %d failed", n, len(all))
	}
	return nil
}
