// Package python holds the scripts that do the benchmarks' job in other engines, and the Python environments that they run in.
package python

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
)

//go:embed *.py *.txt
var scripts embed.FS

// The environments: all engines, and the second version of DuckDB.
const (
	Main   = "main"
	Second = "duckdb2"
)

// Environments is the folder where they are looked for by default, in the user's cache.
func Environments() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "datalake-benchmarks")
}

// Program is an environment's Python, in a folder of environments.
func Program(dir, environment string) string { return filepath.Join(dir, environment, "bin", "python") }

// Job is what a script reads; see job.py.
type Job struct {
	Input   string        `json:"input"`
	Output  string        `json:"output"`
	Temp    string        `json:"temp"`
	Columns []data.Column `json:"columns"`
	Event   []string      `json:"event"`
	Threads int           `json:"threads"`
	Memory  string        `json:"memory"`
	IDsOnly bool          `json:"ids_only"` // check.py
}

// Write writes the job on a set's columns, for as many threads as there are cores, to a file.
func (j Job) Write(name string, set *data.Set) error {
	j.Columns, j.Event, j.Threads = set.Columns(), set.EventTime(), process.Threads()
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o666)
}

// WriteScripts writes them into a folder.
func WriteScripts(dir string) error { return os.CopyFS(dir, scripts) }

// Install makes the environments below dir.
func Install(ctx context.Context, dir string, log io.Writer) (err error) {
	temp, err := os.MkdirTemp("", "datalake-peers-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := WriteScripts(temp); err != nil {
		return err
	}
	for environment, requirements := range map[string]string{Main: "requirements.txt", Second: "requirements-duckdb2.txt"} {
		path := filepath.Join(dir, environment)
		for _, args := range [][]string{
			{"python3", "-m", "venv", path},
			{filepath.Join(path, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", filepath.Join(temp, requirements)},
		} {
			fmt.Fprintln(log, strings.Join(args, " "))
			c := process.Command(ctx, args[0], args[1:]...)
			c.Stdout, c.Stderr = log, log
			if err := c.Run(); err != nil {
				return fmt.Errorf("make environment %s: %w", environment, err)
			}
		}
	}
	return nil
}
