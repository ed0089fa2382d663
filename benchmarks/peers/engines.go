package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"datalake/benchmarks/data"
)

//go:embed *.py *.txt
var scripts embed.FS

// engine is one way to do the job.
type engine struct {
	key, name string
	// script and what it runs in; none: this engine.
	script, environment, module string
	memory                      string // DuckDB's memory_limit
	// inferred: no lake file. Then the first record is kept, not the latest, so that only ids can be compared.
	inferred bool
}

const (
	mainEnvironment   = "main"
	secondEnvironment = "duckdb2"
)

var engines = []engine{
	{key: "etl", name: "this engine, columns declared"},
	{key: "etl-inferred", name: "this engine, no lake file", inferred: true},
	{key: "duckdb", name: "DuckDB", script: "run_duckdb.py", environment: mainEnvironment, module: "duckdb"},
	{key: "duckdb-200MB", name: "DuckDB, memory_limit 200MB", script: "run_duckdb.py", environment: mainEnvironment, module: "duckdb", memory: "200MB"},
	{key: "duckdb2", name: "DuckDB", script: "run_duckdb.py", environment: secondEnvironment, module: "duckdb"},
	{key: "polars", name: "Polars", script: "run_polars.py", environment: mainEnvironment, module: "polars"},
	{key: "chdb", name: "ClickHouse (chdb)", script: "run_chdb.py", environment: mainEnvironment, module: "chdb"},
	{key: "spark", name: "Spark (local)", script: "run_spark.py", environment: mainEnvironment, module: "pyspark"},
}

func (e engine) ours() bool { return e.script == "" }

func keys() []string {
	all := make([]string, 0, len(engines))
	for _, e := range engines {
		all = append(all, e.key)
	}
	return all
}

// job is what a script reads; see job.py.
type job struct {
	Input   string        `json:"input"`
	Output  string        `json:"output"`
	Temp    string        `json:"temp"`
	Columns []data.Column `json:"columns"`
	Event   []string      `json:"event"`
	Threads int           `json:"threads"`
	Memory  string        `json:"memory"`
	IDsOnly bool          `json:"ids_only"` // check.py
}

func (b *bench) writeJob(name string, j job) (string, error) {
	j.Temp, j.Threads = filepath.Join(b.dir, "tmp"), threads()
	j.Columns, j.Event = b.set.Columns(), b.set.EventTime()
	text, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	name = filepath.Join(b.dir, name+".json")
	return name, os.WriteFile(name, text, 0o666)
}

func (b *bench) python(environment string) string {
	return filepath.Join(b.o.python, environment, "bin", "python")
}

// command is exec.Command that is killed when ctx is done.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = 10 * time.Second
	return c
}

// versionOf fails with a reason, for people, where the engine cannot run.
func (b *bench) versionOf(ctx context.Context, e engine) (string, error) {
	if e.ours() {
		return "", nil
	}
	python := b.python(e.environment)
	if _, err := os.Stat(python); err != nil {
		return "", errors.New("not installed; -install does that")
	}
	text, err := command(ctx, python, "-c", "import importlib.metadata as m; print(m.version('"+e.module+"'))").Output()
	if err != nil {
		return "", fmt.Errorf("%s is not in environment %s", e.module, e.environment)
	}
	if e.key == "spark" {
		if text, err := command(ctx, "java", "-version").CombinedOutput(); err != nil {
			return "", fmt.Errorf("it needs Java: %s", lastLine(string(text), err))
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
		name, err := b.writeJob(e.key, job{Input: b.input, Output: dir, Memory: e.memory})
		if err != nil {
			return nil, err
		}
		c := command(ctx, b.python(e.environment), filepath.Join(b.dir, "scripts", e.script), name)
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
	return command(ctx, filepath.Join(b.dir, "etl"), args...), nil
}

// one runs an engine once. That the engine fails is part of the result.
func (b *bench) one(ctx context.Context, r *result, n int) error {
	c, err := b.prepare(ctx, r.engine)
	if err != nil {
		return err
	}
	m, failed := measure(ctx, c, b.o.timeout)
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
	if r.size, r.files, err = sizeOf(b.output(r.engine)); err != nil {
		return err
	}
	r.rows, r.checked = b.check(ctx, r.engine)
	return nil
}

func writeScripts(dir string) error { return os.CopyFS(dir, scripts) }

// installAll makes the environments below dir.
func installAll(ctx context.Context, dir string, log io.Writer) (err error) {
	temp, err := os.MkdirTemp("", "datalake-peers-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := writeScripts(temp); err != nil {
		return err
	}
	for environment, requirements := range map[string]string{mainEnvironment: "requirements.txt", secondEnvironment: "requirements-duckdb2.txt"} {
		path := filepath.Join(dir, environment)
		for _, args := range [][]string{
			{"python3", "-m", "venv", path},
			{filepath.Join(path, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", filepath.Join(temp, requirements)},
		} {
			fmt.Fprintln(log, strings.Join(args, " "))
			c := command(ctx, args[0], args[1:]...)
			c.Stdout, c.Stderr = log, log
			if err := c.Run(); err != nil {
				return fmt.Errorf("make environment %s: %w", environment, err)
			}
		}
	}
	return nil
}
