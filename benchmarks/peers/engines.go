package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"datalake/benchmarks/process"
	"datalake/benchmarks/python"
)

// engine is one way to do the job.
type engine struct {
	key, name string
	// script and what it runs in; none: this engine.
	script, environment, module string
	memory                      string // DuckDB's memory_limit
	// inferred: no lake file. Then the first record is kept, not the latest, so that only ids can be compared.
	inferred bool
}

var engines = []engine{
	{key: "etl", name: "this engine, columns declared"},
	{key: "etl-inferred", name: "this engine, no lake file", inferred: true},
	{key: "duckdb", name: "DuckDB", script: "run_duckdb.py", environment: python.Main, module: "duckdb"},
	{key: "duckdb-200MB", name: "DuckDB, memory_limit 200MB", script: "run_duckdb.py", environment: python.Main, module: "duckdb", memory: "200MB"},
	{key: "duckdb2", name: "DuckDB", script: "run_duckdb.py", environment: python.Second, module: "duckdb"},
	{key: "polars", name: "Polars", script: "run_polars.py", environment: python.Main, module: "polars"},
	{key: "chdb", name: "ClickHouse (chdb)", script: "run_chdb.py", environment: python.Main, module: "chdb"},
	{key: "spark", name: "Spark (local)", script: "run_spark.py", environment: python.Main, module: "pyspark"},
}

func (e engine) ours() bool { return e.script == "" }

func keys() []string {
	all := make([]string, 0, len(engines))
	for _, e := range engines {
		all = append(all, e.key)
	}
	return all
}

func (b *bench) writeJob(name string, j python.Job) (string, error) {
	j.Temp = filepath.Join(b.dir, "tmp")
	name = filepath.Join(b.dir, name+".json")
	return name, j.Write(name, b.set)
}

func (b *bench) python(environment string) string { return python.Program(b.o.python, environment) }

// versionOf fails with a reason, for people, where the engine cannot run.
func (b *bench) versionOf(ctx context.Context, e engine) (string, error) {
	if e.ours() {
		return "", nil
	}
	program := b.python(e.environment)
	if _, err := os.Stat(program); err != nil {
		return "", errors.New("not installed; -install does that")
	}
	text, err := process.Command(ctx, program, "-c", "import importlib.metadata as m; print(m.version('"+e.module+"'))").Output()
	if err != nil {
		return "", fmt.Errorf("%s is not in environment %s", e.module, e.environment)
	}
	if e.key == "spark" {
		if text, err := process.Command(ctx, "java", "-version").CombinedOutput(); err != nil {
			return "", fmt.Errorf("it needs Java: %s", process.LastLine(string(text), err))
		}
	}
	return strings.TrimSpace(string(text)), nil
}

// output is where an engine's Parquet files are.
func (b *bench) output(e engine) string {
	if e.ours() {
		return filepath.Join(b.folder(e), "processed")
	}
	return b.folder(e)
}

// folder is what an engine has for itself.
func (b *bench) folder(e engine) string { return filepath.Join(b.dir, "out", e.key) }

// prepare removes what an earlier run left, and gives the command of the next.
func (b *bench) prepare(ctx context.Context, e engine) (*exec.Cmd, error) {
	dir := b.folder(e)
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if !e.ours() {
		name, err := b.writeJob(e.key, python.Job{Input: b.input, Output: dir, Memory: e.memory})
		if err != nil {
			return nil, err
		}
		c := process.Command(ctx, b.python(e.environment), filepath.Join(b.dir, "scripts", e.script), name)
		return c, nil
	}
	raw := filepath.Join(dir, "raw", "events")
	if err := os.MkdirAll(raw, 0o777); err != nil {
		return nil, err
	}
	if err := os.Link(b.input, filepath.Join(raw, "events.json")); err != nil {
		return nil, err
	}
	// A file that has just been written would be waited for.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(b.input, old, old); err != nil {
		return nil, err
	}
	args := []string{"run", "--lake", dir, "--json", "--quiet"}
	if !e.inferred {
		args = append(args, "-c", b.lake)
	}
	return process.Command(ctx, filepath.Join(b.dir, "etl"), args...), nil
}

// one runs an engine once. That the engine fails is part of the result.
func (b *bench) one(ctx context.Context, r *result, n int) error {
	c, err := b.prepare(ctx, r.engine)
	if err != nil {
		return err
	}
	m, failed := process.Measure(ctx, c, b.o.timeout)
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.failed = failed; failed != "" {
		return nil
	}
	r.runs = append(r.runs, m)
	if n > 0 {
		return nil
	}
	if r.size, r.files, err = process.SizeOf(b.output(r.engine)); err != nil {
		return err
	}
	r.rows, r.checked = b.check(ctx, r.engine)
	return nil
}
