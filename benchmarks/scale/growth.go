package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/gzip"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
)

// steady holds the peak on more data against that on less, which makes sense where that is enough to use what may be used. Heaps
// differ by some megabytes from run to run.
func steady(less, more int64, sense bool) line {
	bound := less + less/10 + 8<<20
	return judge("peak memory", fmt.Sprintf("%s after %s", megabytes(more), megabytes(less)), "≤ "+megabytes(bound), sense, more <= bound)
}

// tenfold: clean data and ten times of it.
func tenfold(ctx context.Context, b *bench) ([]line, error) {
	var outs [2]outcome
	for i, name := range []string{"once", "tenfold"} {
		records := b.sized(2_000_000, 20_000)
		if i == 1 {
			records *= 10
		}
		l, err := b.oneFile(name, data.Options{Kind: data.Clean, Records: records})
		if err != nil {
			return nil, err
		}
		if outs[i], err = b.best(ctx, l, b.o.runs); err != nil {
			return nil, err
		}
		if err := os.RemoveAll(l.dir); err != nil {
			return nil, err
		}
	}
	return []line{
		ratio("wall time", outs[1].Wall, outs[0].Wall, 10.5, false, b.times()),
		ratio("CPU time", outs[1].CPU, outs[0].CPU, 10.5, false, b.times()),
		steady(outs[0].RSS, outs[1].RSS, b.times()),
	}, nil
}

// withinMemory: 11 GB of data in which nothing repeats, in a budget of 256 MiB; of 128 where there is too little of it to fill that.
func withinMemory(ctx context.Context, b *bench) ([]line, error) {
	budget := int64(256)
	if b.o.size < 0.05 {
		budget = 128
	}
	l, err := b.oneFile("distinct", data.Options{Kind: data.Distinct, Records: b.sized(28_000_000, 250_000)})
	if err != nil {
		return nil, err
	}
	out, err := b.best(ctx, l, 1, "--memory", fmt.Sprint(budget, "MiB"))
	if err != nil {
		return nil, err
	}
	return []line{
		memory(fmt.Sprintf("peak memory, --memory %dMiB", budget), out.RSS, budget<<20),
		judge("spilled", megabytes(out.SpilledBytes), "> 0", true, out.SpilledBytes > 0),
		note("it took", cost(out.Cost)),
	}, nil
}

// manyPartitions: the same records in few and in many partitions.
func manyPartitions(ctx context.Context, b *bench) ([]line, error) {
	var outs [2]outcome
	counts := [2]int{20, b.sized(10_000, 500)}
	for i, n := range counts {
		l, err := b.oneFile(fmt.Sprint("partitions-", n), data.Options{Kind: data.Skewed, Records: b.sized(2_000_000, 50_000), Partitions: n})
		if err != nil {
			return nil, err
		}
		if outs[i], err = b.best(ctx, l, b.o.runs); err != nil {
			return nil, err
		}
	}
	floor, err := b.floor(ctx, floorPartitions, b.path("floor"))
	if err != nil {
		return nil, fmt.Errorf("bare system calls: %w", err)
	}
	return []line{
		judge("partitions", fmt.Sprint(outs[1].Partitions), fmt.Sprintf("≥ %d", counts[1]*9/10), true, outs[1].Partitions >= counts[1]*9/10),
		ratio("wall time", outs[1].Wall, outs[0].Wall, 2, false, b.times()),
		ratio("CPU time", outs[1].CPU, outs[0].CPU, 2, false, false),
		memory("peak memory", outs[1].RSS, 512<<20),
		note("the system calls alone, of 10,000, take", cost(floor)),
	}, nil
}

// largeObject: an object of 1 GB and one of 10 GB.
func largeObject(ctx context.Context, b *bench) ([]line, error) {
	var outs [2]outcome
	for i, name := range []string{"1 GB", "10 GB"} {
		records := b.sized(3_500_000, 35_000)
		if i == 1 {
			records *= 10
		}
		l, err := b.oneFile(name, data.Options{Kind: data.Clean, Records: records})
		if err != nil {
			return nil, err
		}
		if outs[i], err = b.best(ctx, l, 1); err != nil {
			return nil, err
		}
		if err := os.RemoveAll(l.dir); err != nil {
			return nil, err
		}
	}
	return []line{
		ratio("CPU to wall time", outs[1].CPU, outs[1].Wall, 0.9*float64(process.Threads()), true, b.times()),
		steady(outs[0].RSS, outs[1].RSS, b.times()),
		note("it took", cost(outs[1].Cost)),
	}, nil
}

// bareCommand is what this command calls itself with to decompress and do nothing else.
const bareCommand = "bare-gunzip"

// bareCalled does the bare part of a check where this process was called for that: with its name, and a file or a folder.
func bareCalled() bool {
	if len(os.Args) != 3 {
		return false
	}
	bare := map[string]func(name string) error{bareCommand: gunzip, floorPartitions: publishBare, floorObjects: readBare}[os.Args[1]]
	if bare == nil {
		return false
	}
	if err := bare(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
	return true
}

func gunzip(name string) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{z}, make([]byte, 1<<20))
	return err
}

// gzipObject: one gzip of 10 GB of text, and what bare decompression of it takes.
func gzipObject(ctx context.Context, b *bench) ([]line, error) {
	l, err := b.newLake("gzip", data.Options{Kind: data.Clean, Records: b.sized(35_000_000, 100_000)})
	if err != nil {
		return nil, err
	}
	file := l.raw("events.json.gz")
	if err := l.writeGzip(file); err != nil {
		return nil, err
	}
	if err := age(file); err != nil {
		return nil, err
	}
	fmt.Fprintf(b.log, "  %s records, %s of text\n", process.Grouped(l.rows), megabytes(l.size))
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var bare process.Cost
	var out outcome
	wall := time.Duration(0) // the fastest of both, run in turn
	for range b.o.runs {
		m, err := b.measure(ctx, process.Command(ctx, self, bareCommand, file))
		if err != nil {
			return nil, err
		}
		if bare.Wall == 0 || m.Wall < bare.Wall {
			bare = m
		}
		one, err := b.best(ctx, l, 1)
		if err != nil {
			return nil, err
		}
		if wall == 0 || one.Wall < wall {
			wall, out = one.Wall, one
		}
	}
	return []line{
		ratio("wall time of bare decompression to the run's", bare.Wall, out.Wall, 0.9, true, b.times()),
		note("bare decompression took", cost(bare)),
		note("the run took", cost(out.Cost)),
	}, nil
}

func (l *lake) writeGzip(name string) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewWriterLevel(f, gzip.DefaultCompression)
	if err != nil {
		return err
	}
	if l.size, err = l.set.Write(z); err != nil {
		return err
	}
	return errors.Join(z.Close(), f.Sync())
}
