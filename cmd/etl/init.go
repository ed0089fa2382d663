package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/draft"
	"datalake/etl/golden"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/memory"
)

const (
	// initWhole is up to how many bytes of raw objects init reads all; of more it reads a sample of initSample records.
	initWhole  = 256 << 20
	initSample = 200_000
	// exampleCase is the name of the case that init --test writes.
	exampleCase = "example.txt"
)

func (a *app) initCommand() *cobra.Command {
	var out, tests string
	var force bool
	var sample int
	var limits limits
	c := a.wrap(&cobra.Command{
		Use: "init DIR|FILE|URL... [flags]", Short: "Look at raw data, write a lake file that fits it",
		Long: `Looks at raw JSON, which may lie in a lake (DIR/raw/<source>/…), in any other folder
(each folder below DIR is a source), or in single files, and writes a lake.yaml: per
source the envelope, the event time, the dedupe key and the columns with their types,
and in comments how many values are null, examples, and what is worth a word. A run
with that file gives the same tables as a run without. Of more than 256 MB a sample
is read. Nothing else is written, and an existing file only with --force.`,
		Example: "  etl init my-lake\n  etl init data/orders data/clicks --out lake.yaml --test tests\n  etl init export.json --out - | less",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs a folder or files with raw JSON", c.CommandPath())
			}
			return nil
		},
	}, readCodes, func(ctx context.Context, args []string) error {
		if out == "-" && a.console.json {
			return usage(errors.New("--out - and --json both write to stdout"))
		}
		if sample < 0 {
			return usage(fmt.Errorf("--sample %d: a number of records", sample))
		}
		j := etl.Job{Sample: sample}
		if err := limits.apply(&j); err != nil {
			return err
		}
		at, err := rawOf(args)
		if err != nil {
			return err
		}
		if out == "" {
			out = filepath.Join(at.lake, lakeFile)
		}
		if err := mayWrite(out, force); err != nil {
			return err
		}
		if tests != "" {
			tests = filepath.Join(tests, exampleCase)
			if err := mayWrite(tests, force); err != nil {
				return err
			}
		}
		return a.init(ctx, j, at, out, tests)
	})
	f := c.Flags()
	f.StringVar(&out, "out", "", "the `file` to write, - for stdout (default lake.yaml, in the lake if DIR is one)")
	f.BoolVar(&force, "force", false, "write over files that are there")
	f.IntVar(&sample, "sample", 0, "look at so many `records`, the beginnings of the objects (default all of 256 MB, 200,000 of more)")
	f.StringVar(&tests, "test", "", "write a first golden case, made up from the columns, into this `folder`: see etl test")
	limits.flags(c)
	return c
}

// rawPlace is where raw objects lie.
type rawPlace struct {
	zone layout.Zone
	dir  string   // of the zone, absolute
	only []string // prefixes of keys; nil: all
	lake string   // the folder of the lake whose raw zone it is; empty: it is none
}

// rawOf finds the raw zone that folders and files lie in: that of a lake, a folder, or the nearest that holds all that are named.
func rawOf(args []string) (r rawPlace, err error) {
	var paths []string
	for _, arg := range args {
		path, err := folder(arg)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return r, err
		}
		if _, err := os.Stat(path); err != nil {
			return r, usage(fmt.Errorf("look at %s: %w", arg, err))
		}
		paths = append(paths, path)
	}
	if r.dir = paths[0]; len(paths) > 1 || !isFolder(r.dir) || isSource(r.dir) {
		r.dir = filepath.Dir(r.dir)
		for _, p := range paths {
			for r.dir != filepath.Dir(r.dir) && !strings.HasPrefix(p, r.dir+string(filepath.Separator)) {
				r.dir = filepath.Dir(r.dir)
			}
		}
		for _, p := range paths {
			rel, err := filepath.Rel(r.dir, p)
			if err != nil {
				return r, fmt.Errorf("look at %s: %w", p, err)
			}
			rel = filepath.ToSlash(rel)
			if isFolder(p) {
				rel += "/"
			}
			r.only = append(r.only, rel)
		}
	} else if inner := filepath.Join(r.dir, layout.Raw); isFolder(inner) {
		r.lake, r.dir = args[0], inner
		if r.lake, err = folder(args[0]); err != nil {
			return r, err
		}
	}
	parent, base := filepath.Split(r.dir)
	if base == "" {
		return r, usage(errors.New("the raw zone cannot be the root folder"))
	}
	store, err := file.Open(filepath.Clean(parent))
	if err != nil {
		return r, usage(fmt.Errorf("raw zone: %w", err))
	}
	r.zone = layout.Zone{Store: store, Prefix: base}
	for i := range r.only {
		r.only[i] = r.zone.Key(r.only[i])
	}
	if r.only != nil {
		r.zone.Store = &narrowed{store, r.zone.Prefix + "/", r.only}
	}
	return r, nil
}

// look says what is looked at.
func (r rawPlace) look() string {
	if r.only == nil {
		return r.dir
	}
	names := make([]string, len(r.only))
	for i, o := range r.only {
		names[i] = strings.TrimPrefix(o, r.zone.Prefix+"/")
	}
	return r.dir + ": " + strings.Join(names, ", ")
}

// isSource says whether a folder looks like that of one source: files or folders of dates lie in it.
func isSource(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false // whoever lists it says why
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			continue
		}
		if _, dated := strings.CutPrefix(name, "year="); dated || !e.IsDir() || len(name) == 4 && strings.Trim(name, "0123456789") == "" {
			return !isFolder(filepath.Join(dir, layout.Raw))
		}
	}
	return false
}

// narrowed lists only some of the objects below a prefix.
type narrowed struct {
	storage.Store
	below string
	only  []string
}

func (n *narrowed) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for info, err := range n.Store.List(ctx, prefix, after) {
			if err == nil && strings.HasPrefix(info.Key, n.below) && !n.has(info.Key) {
				continue
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

func (n *narrowed) has(key string) bool {
	for _, o := range n.only {
		if key == o || strings.HasSuffix(o, "/") && strings.HasPrefix(key, o) {
			return true
		}
	}
	return false
}

// mayWrite refuses a file that is there.
func mayWrite(name string, force bool) error {
	if name == "-" || force {
		return nil
	}
	switch _, err := os.Lstat(name); {
	case err == nil:
		return usage(fmt.Errorf("%s is there already; --force writes over it", name))
	case !errors.Is(err, fs.ErrNotExist):
		return usage(err)
	}
	return nil
}

// init writes the lake file, and a golden case if tests names one.
func (a *app) init(ctx context.Context, j etl.Job, at rawPlace, out, tests string) (err error) {
	if j.Sample == 0 {
		if j.Sample, err = sampleFor(ctx, at.zone); err != nil {
			return err
		}
	}
	j.Zones.Raw, j.Version, j.Directory = at.zone, version(), true
	p := newProgress(a.console)
	j.Progress = p.update
	o := draft.Options{Look: at.look()}
	if at.lake == "" {
		u := url.URL{Scheme: "file", Path: filepath.ToSlash(at.dir)}
		o.Raw = u.String()
	}
	d, err := draft.Make(ctx, j, o)
	p.close()
	if errors.Is(err, draft.ErrNothing) {
		return usage(fmt.Errorf("no JSON records below %s", at.dir))
	}
	if err != nil {
		return err
	}
	if out == "-" {
		_, err = a.out.Write(d.Text)
	} else {
		err = os.WriteFile(out, d.Text, 0o666)
	}
	if err != nil {
		return fmt.Errorf("write the lake file: %w", err)
	}
	if tests != "" {
		if err := writeExample(ctx, d, tests); err != nil {
			return err
		}
	}
	a.event("lake file written", "file", out, "sources", len(d.Sources), "records", d.Result.RecordsIn)
	if a.console.json {
		return a.object(map[string]any{
			"file": out, "test": tests, "sources": sourceNames(d), "records": d.Result.RecordsIn, "objects": d.Result.Objects, "bytes": d.Result.BytesIn, "sampled": d.Result.Sampled,
		})
	}
	a.say("%s of %s in %s: %s", plural(d.Result.RecordsIn, "record", "records"), plural(len(d.Sources), "source", "sources"), plural(d.Result.Objects, "object", "objects"), strings.Join(sourceNames(d), ", "))
	if out != "-" {
		a.say("\nWrote %s", out)
	}
	a.say(".\n")
	if out == "-" {
		return nil
	}
	run := "run -c " + shellQuote(out)
	if len(at.only) == 1 && strings.HasSuffix(at.only[0], "/") {
		run += " --source " + shellQuote(filepath.Base(at.only[0]))
	}
	if at.lake != "" && out == filepath.Join(at.lake, lakeFile) {
		run = "run --lake " + shellQuote(at.lake)
	}
	steps := [][2]string{{run + " --dry-run", "see what a run with it would do"}, {run, "do it"}}
	if tests != "" {
		steps = append(steps, [2]string{"test " + shellQuote(filepath.Dir(tests)) + " -c " + shellQuote(out), "play the first golden case"})
	}
	a.next(steps...)
	return nil
}

func sourceNames(d *draft.Draft) (names []string) {
	for _, s := range d.Sources {
		names = append(names, s.Name)
	}
	return names
}

// sampleFor is how many records of a raw zone are looked at; 0: all.
func sampleFor(ctx context.Context, zone layout.Zone) (int, error) {
	var total int64
	for info, err := range zone.Store.List(ctx, zone.Prefix+"/", "") {
		if err != nil {
			return 0, fmt.Errorf("list the raw zone: %w", err)
		}
		if total += info.Size; total > initWhole {
			return initSample, nil
		}
	}
	return 0, nil
}

// writeExample writes a first golden case, with what comes out.
func writeExample(ctx context.Context, d *draft.Draft, name string) error {
	c, err := golden.Parse(d.Example())
	if err != nil {
		return fmt.Errorf("make an example case: %w", err)
	}
	o := golden.Options{NewStore: func() golden.Store { return memory.New() }}
	if o.Lake, err = lakefile.Parse(lakeFile, d.Text, os.LookupEnv); err != nil {
		return fmt.Errorf("make an example case: %w", err)
	}
	if err = c.Update(ctx, o); err == nil {
		if err = os.MkdirAll(filepath.Dir(name), 0o777); err == nil {
			err = os.WriteFile(name, c.Format(), 0o666)
		}
	}
	if err != nil {
		return fmt.Errorf("write an example case: %w", err)
	}
	return nil
}
