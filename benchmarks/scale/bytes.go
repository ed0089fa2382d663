package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"datalake/benchmarks/data"
)

// sameBytes: every file that three kinds of data give, over parallelism and budget. The dirty columns are inferred.
func sameBytes(ctx context.Context, b *bench) ([]line, error) {
	var lines []line
	for _, c := range []struct {
		name     string
		o        data.Options
		inferred bool
	}{
		{"clean", data.Options{Kind: data.Clean, Records: b.sized(2_000_000, 20_000)}, false},
		{"dirty, inferred", data.Options{Kind: data.Dirty, Records: b.sized(410_000, 6000)}, true},
		{"distinct", data.Options{Kind: data.Distinct, Records: b.sized(1_400_000, 50_000)}, false},
		{"skewed", data.Options{Kind: data.Skewed, Records: b.sized(2_000_000, 20_000), Partitions: b.sized(2000, 60)}, false},
	} {
		l, err := b.oneFile(c.name, c.o)
		if err != nil {
			return nil, err
		}
		if c.inferred {
			if err := os.Remove(filepath.Join(l.dir, "lake.yaml")); err != nil {
				return nil, err
			}
		}
		got, err := b.overSettings(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		lines = append(lines, got)
		if err := os.RemoveAll(l.dir); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// overSettings compares what runs with all settings make of a lake.
func (b *bench) overSettings(ctx context.Context, l *lake) (line, error) {
	grid := [][2]string{{"1", "64MiB"}, {"2", "256MiB"}, {"8", "4GiB"}}
	how := "--parallel 1 with --memory 64MiB, 2 with 256MiB, 8 with 4GiB"
	if b.o.size >= 0.01 {
		how = "--parallel 1, 2, 8 with --memory 64MiB, 256MiB, 4GiB, all nine"
		grid = nil
		for _, parallel := range []string{"1", "2", "8"} {
			for _, memory := range []string{"64MiB", "256MiB", "4GiB"} {
				grid = append(grid, [2]string{parallel, memory})
			}
		}
	}
	what := filepath.Base(l.dir) + ": files for " + how
	var first map[string][sha256.Size]byte
	var least, most int64 // spilled
	for _, g := range grid {
		parallel, memory := g[0], g[1]
		out, err := b.best(ctx, l, 1, "--parallel", parallel, "--memory", memory)
		if err != nil {
			return line{}, fmt.Errorf("--parallel %s --memory %s: %w", parallel, memory, err)
		}
		files, err := l.digests(true)
		if err != nil {
			return line{}, err
		}
		if first == nil {
			first, least, most = files, out.SpilledBytes, out.SpilledBytes
		}
		least, most = min(least, out.SpilledBytes), max(most, out.SpilledBytes)
		if file, equal := same(first, files); !equal {
			return judge(what, fmt.Sprintf("--parallel %s --memory %s gives another %s", parallel, memory, file), "the same", true, false), nil
		}
		if len(files) < 5 {
			return line{}, fmt.Errorf("only %d files were seen", len(files))
		}
	}
	return judge(what, fmt.Sprintf("%d files, %s to %s spilled", len(first), megabytes(least), megabytes(most)), "the same", true, true), nil
}
