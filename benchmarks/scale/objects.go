package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
	"datalake/benchmarks/python"
)

// smallObjects makes a lake of objects of one record, 1,000 a folder.
func (b *bench) smallObjects(objects int) (*lake, error) {
	l, err := b.newLake(fmt.Sprint("objects-", objects), data.Options{Kind: data.Clean, Records: objects})
	if err != nil {
		return nil, err
	}
	var line []byte
	scratch := data.Scratch{}
	for i := range objects {
		dir := l.raw(fmt.Sprintf("%04d", i/1000))
		if i%1000 == 0 {
			if err := os.Mkdir(dir, 0o777); err != nil {
				return nil, err
			}
		}
		line = l.set.Append(&scratch, line[:0], i)
		file := filepath.Join(dir, fmt.Sprintf("%03d.json", i%1000))
		if err := os.WriteFile(file, line, 0o666); err != nil {
			return nil, err
		}
		if err := age(file); err != nil {
			return nil, err
		}
		l.size += int64(len(line))
	}
	fmt.Fprintf(b.log, "  %s objects, %s\n", process.Grouped(objects), megabytes(l.size))
	return l, nil
}

// manyObjects: this engine and DuckDB on the same small objects, in turn, with the same rows.
func manyObjects(ctx context.Context, b *bench) ([]line, error) {
	l, err := b.smallObjects(b.sized(100_000, 1000))
	if err != nil {
		return nil, err
	}
	program := python.Program(b.o.python, python.Main)
	if _, err := os.Stat(program); err != nil {
		out, err := b.best(ctx, l, b.o.runs)
		return []line{note("DuckDB is not installed; the run took", cost(out.Cost))}, err
	}
	scripts, peer := b.path("scripts"), b.path("duckdb")
	if err := python.WriteScripts(scripts); err != nil {
		return nil, err
	}
	if err := os.Mkdir(b.path("tmp"), 0o777); err != nil {
		return nil, err
	}
	script := func(name string, j python.Job) ([]byte, process.Cost, error) {
		j.Temp = b.path("tmp")
		if err := j.Write(b.path("job.json"), l.set); err != nil {
			return nil, process.Cost{}, err
		}
		c := process.Command(ctx, program, filepath.Join(scripts, name), b.path("job.json"))
		var text bytes.Buffer
		c.Stdout = &text
		m, err := b.measure(ctx, c)
		return text.Bytes(), m, err
	}
	var ours outcome
	var theirs process.Cost
	for range b.o.runs {
		out, err := b.best(ctx, l, 1)
		if err != nil {
			return nil, err
		}
		if ours.Wall == 0 || out.Wall < ours.Wall {
			ours = out
		}
		if err := os.RemoveAll(peer); err != nil {
			return nil, err
		}
		_, m, err := script("run_duckdb.py", python.Job{Input: filepath.Join(l.raw(), "**", "*.json"), Output: peer})
		if err != nil {
			return nil, fmt.Errorf("DuckDB: %w", err)
		}
		fmt.Fprintf(b.log, "  DuckDB: %s\n", cost(m))
		if theirs.Wall == 0 || m.Wall < theirs.Wall {
			theirs = m
		}
	}
	var rows [2][]byte
	for i, dir := range []string{filepath.Join(l.dir, "processed"), peer} {
		if rows[i], _, err = script("check.py", python.Job{Output: dir}); err != nil {
			return nil, fmt.Errorf("read back: %w", err)
		}
	}
	floor, err := b.floor(ctx, floorObjects, l.raw())
	if err != nil {
		return nil, fmt.Errorf("bare system calls: %w", err)
	}
	return []line{
		ratio("DuckDB's wall time to the run's", theirs.Wall, ours.Wall, 5, true, b.times()),
		ratio("DuckDB's CPU time to the run's", theirs.CPU, ours.CPU, 5, true, false),
		judge("rows", fmt.Sprintf("%d, hashes by partition compared", ours.RecordsOut), "the same", true, bytes.Equal(rows[0], rows[1])),
		note("the run took", cost(ours.Cost)),
		note("DuckDB took", cost(theirs)),
		note("the system calls alone take", cost(floor)),
	}, nil
}

// idle: a run that finds nothing new, after one that consumed as many objects as there are to be entries. The objects are still there, and
// listed.
func idle(entries int, most time.Duration, peak int64) func(ctx context.Context, b *bench) ([]line, error) {
	return func(ctx context.Context, b *bench) ([]line, error) {
		l, err := b.smallObjects(b.sized(entries, 1000))
		if err != nil {
			return nil, err
		}
		first, err := b.best(ctx, l, 1)
		if err != nil {
			return nil, err
		}
		out := outcome{}
		for n := range b.o.runs {
			one, err := b.etl(ctx, l)
			if err != nil {
				return nil, err
			}
			if one.Decided != 0 || one.RecordsIn != 0 {
				return nil, fmt.Errorf("%d records were new", one.RecordsIn)
			}
			one.RSS = max(one.RSS, out.RSS)
			if n == 0 || one.CPU < out.CPU {
				out.Cost = one.Cost
			}
			out.RSS = one.RSS
		}
		lines := []line{judge("CPU time", seconds(out.CPU), "< "+seconds(most), b.o.size >= 1, out.CPU < most)}
		if peak > 0 {
			lines = append(lines, judge("peak memory", megabytes(out.RSS), "≤ "+megabytes(peak), b.o.size >= 1, out.RSS <= peak))
		}
		return append(lines, note("it took", cost(out.Cost)), note("the first run took", cost(first.Cost))), nil
	}
}
