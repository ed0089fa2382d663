package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
	"datalake/etl"
)

// bench is what the checks work with.
type bench struct {
	o     options
	dir   string // of the check that runs: <dir>/work; beside it the engine
	log   io.Writer
	loads []float64
	old   int // how often fresh moved something away
}

func newBench(ctx context.Context, o options, dir string, log io.Writer) (*bench, error) {
	b := &bench{o: o, dir: dir, log: log}
	if err := process.Build(ctx, b.engine()); err != nil {
		return nil, err
	}
	return b, b.clear()
}

func (b *bench) engine() string { return filepath.Join(b.dir, "etl") }

func (b *bench) path(names ...string) string {
	return filepath.Join(append([]string{b.dir, "work"}, names...)...)
}

// clear removes what a check made.
func (b *bench) clear() error {
	return errors.Join(os.RemoveAll(b.path()), os.MkdirAll(b.path(), 0o777))
}

// sized is a number at the bench's size, at least low.
func (b *bench) sized(full, low int) int { return max(int(float64(full)*b.o.size), low) }

// times says whether ratios of time are judged.
func (b *bench) times() bool { return b.o.size >= fullRatio }

// lake is a folder with a raw zone and a lake file.
type lake struct {
	dir  string
	set  *data.Set
	rows int
	size int64 // of the raw text
}

// newLake makes a lake without raw objects.
func (b *bench) newLake(name string, o data.Options) (*lake, error) {
	o.Seed = b.o.seed
	set, err := data.New(o)
	if err != nil {
		return nil, err
	}
	l := &lake{dir: b.path(name), set: set, rows: o.Records}
	if err := os.MkdirAll(l.raw(), 0o777); err != nil {
		return nil, err
	}
	return l, os.WriteFile(filepath.Join(l.dir, "lake.yaml"), set.Lake(), 0o666)
}

// oneFile makes a lake of one object.
func (b *bench) oneFile(name string, o data.Options) (*lake, error) {
	l, err := b.newLake(name, o)
	if err != nil {
		return nil, err
	}
	file := l.raw("events.json")
	if l.size, err = process.WriteData(l.set, file); err != nil {
		return nil, err
	}
	fmt.Fprintf(b.log, "  %s: %s records, %s\n", name, process.Grouped(l.rows), megabytes(l.size))
	return l, age(file)
}

func (l *lake) raw(names ...string) string {
	return filepath.Join(append([]string{l.dir, "raw", "events"}, names...)...)
}

// age makes a file an hour old: one that has just been written would be waited for.
func age(file string) error {
	old := time.Now().Add(-time.Hour)
	return os.Chtimes(file, old, old)
}

// fresh moves away all but the raw zone and the lake file. It deletes nothing, because ext4 then looks for some seconds at each inode number
// that has lately become free before it takes another: the run after that took up to twice the CPU time for 20,000 new directories.
func (b *bench) fresh(l *lake) error {
	b.old++
	old := b.path("old", fmt.Sprint(b.old))
	if err := os.MkdirAll(old, 0o777); err != nil {
		return err
	}
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != "raw" && e.Name() != "lake.yaml" {
			err = errors.Join(err, os.Rename(filepath.Join(l.dir, e.Name()), filepath.Join(old, e.Name())))
		}
	}
	return err
}

// outcome is what a run of the engine gave and took.
type outcome struct {
	process.Cost
	etl.Result
}

// etl runs the engine on a lake as it is.
func (b *bench) etl(ctx context.Context, l *lake, args ...string) (out outcome, err error) {
	c := process.Command(ctx, b.engine(), append([]string{"run", "--lake", l.dir, "--json", "--quiet"}, args...)...)
	var text bytes.Buffer
	c.Stdout = &text
	if out.Cost, err = b.measure(ctx, c); err != nil {
		return out, err
	}
	return out, json.Unmarshal(text.Bytes(), &out.Result)
}

// measure runs a command to its end.
func (b *bench) measure(ctx context.Context, c *exec.Cmd) (process.Cost, error) {
	b.loads = append(b.loads, process.Load())
	m, failed := process.Measure(ctx, c, b.o.timeout)
	if failed != "" {
		return m, errors.New(failed)
	}
	return m, nil
}

// best runs the engine on the whole of a lake, as often as said; the fastest run counts, with the highest peak of all. Rows
// are counted: what is fast because it lost some is no figure.
func (b *bench) best(ctx context.Context, l *lake, runs int, args ...string) (best outcome, err error) {
	for n := range runs {
		if err := b.fresh(l); err != nil {
			return best, err
		}
		out, err := b.etl(ctx, l, args...)
		if err != nil {
			return best, err
		}
		if out.RecordsIn != int64(l.rows) || out.Quarantined+out.Rescued > 0 || out.RecordsOut+out.Duplicates != out.RecordsIn {
			return best, fmt.Errorf("%d records in, %d out, %d duplicates, %d quarantined, %d rescued; %d were there",
				out.RecordsIn, out.RecordsOut, out.Duplicates, out.Quarantined, out.Rescued, l.rows)
		}
		fmt.Fprintf(b.log, "  %s %s: %s\n", filepath.Base(l.dir), strings.Join(args, " "), cost(out.Cost))
		peak := max(best.RSS, out.RSS)
		if n == 0 || out.Wall < best.Wall {
			best = out
		}
		best.RSS = peak
	}
	return best, nil
}

// digests are the files of a lake with the hashes of their content. With dataOnly, they are those of tables and quarantine, by
// their place in the table, which is the same in each run. The notes of attempts are left out.
func (l *lake) digests(dataOnly bool) (map[string][sha256.Size]byte, error) {
	all := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(l.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(l.dir, p)
		if err != nil {
			return err
		}
		if strings.HasPrefix(filepath.ToSlash(name), "state/processed/attempts/") {
			return nil
		}
		if dataOnly {
			zone, rest, found := strings.Cut(filepath.ToSlash(name), "/source=")
			if !found || strings.HasPrefix(zone, "state") {
				return nil
			}
			top, _, _ := strings.Cut(zone, "@")
			top, _, _ = strings.Cut(top, "/")
			name = top + "/source=" + rest
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		all[name] = [sha256.Size]byte(h.Sum(nil))
		return errors.Join(err, f.Close())
	})
	return all, err
}

// same says whether two states of files are equal, and names a file where they are not.
func same(a, b map[string][sha256.Size]byte) (string, bool) {
	if maps.Equal(a, b) {
		return "", true
	}
	both := maps.Clone(a)
	maps.Copy(both, b)
	for name := range both {
		if a[name] != b[name] {
			return name, false
		}
	}
	return "", false
}
