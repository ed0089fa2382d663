package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/inspect"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage/file"
)

const (
	defaultLake = "./lake"
	lakeFile    = "lake.yaml"
)

// lake is a lake with its stores open and its lake file read.
type lake struct {
	zones etl.Zones
	file  *lakefile.File // nil: there is none
	raw   string         // the folder of the raw zone
	state string         // and of the state zone
}

// open reads the lake file and opens the zones' stores. It makes nothing.
func (a *app) open() (*lake, error) {
	root, err := folder(a.lake)
	if err != nil {
		return nil, err
	}
	l := &lake{}
	if l.file, err = a.lakeFile(root, lakefile.Load); err != nil {
		return nil, usage(err)
	}
	dirs, err := a.folders(root, l.file)
	if err != nil {
		return nil, err
	}
	l.raw, l.state = dirs[layout.Raw], dirs[layout.State]
	stores := map[string]*file.Store{}
	for _, z := range []struct {
		name string
		zone *layout.Zone
	}{
		{layout.Raw, &l.zones.Raw},
		{layout.Processed, &l.zones.Processed},
		{layout.Quarantine, &l.zones.Quarantine},
		{layout.State, &l.zones.State},
	} {
		parent, base := filepath.Split(dirs[z.name])
		parent = filepath.Clean(parent)
		if base == "" {
			return nil, usage(fmt.Errorf("the %s zone cannot be the root folder", z.name))
		}
		s := stores[parent]
		if s == nil {
			if s, err = file.Open(parent); err != nil {
				return nil, usage(fmt.Errorf("%s zone: %w", z.name, err))
			}
			stores[parent] = s
		}
		*z.zone = layout.Zone{Store: s, Prefix: base, Root: "file://" + strings.TrimSuffix(parent, "/")}
		if err := z.zone.Check(); err != nil {
			return nil, usage(fmt.Errorf("%s zone: %w", z.name, err))
		}
	}
	return l, nil
}

// load is lakefile.Load or lakefile.Check.
type load func(dir fs.FS, name string, shown func(string) string, lookup func(string) (string, bool)) (*lakefile.File, error)

// lakeFile reads the lake file of -c, else that of the lake's folder; nil: there is none.
func (a *app) lakeFile(root string, read load) (*lakefile.File, error) {
	name := a.config
	if name == "" {
		name = filepath.Join(root, lakeFile)
	}
	dir, base := filepath.Split(name)
	if dir == "" {
		dir = "."
	}
	f, err := read(os.DirFS(dir), base, func(s string) string {
		if s == base {
			return name
		}
		return filepath.Join(dir, filepath.FromSlash(s))
	}, os.LookupEnv)
	if errors.Is(err, fs.ErrNotExist) && a.config == "" {
		return nil, nil
	}
	return f, err
}

// folders are the absolute folders of the zones. --lake goes before the lake file's root; single zones of the lake file go
// before both.
func (a *app) folders(root string, f *lakefile.File) (map[string]string, error) {
	var given map[string]string
	if f != nil {
		z := f.Zones
		given = map[string]string{layout.Raw: z.Raw, layout.Processed: z.Processed, layout.Quarantine: z.Quarantine, layout.State: z.State}
		if z.Root != "" && !a.lakeGiven {
			r, err := folder(z.Root)
			if err != nil {
				return nil, err
			}
			root = r
		}
	}
	dirs := map[string]string{}
	for _, zone := range []string{layout.Raw, layout.Processed, layout.Quarantine, layout.State} {
		dir := filepath.Join(root, zone)
		if given[zone] != "" {
			var err error
			if dir, err = folder(given[zone]); err != nil {
				return nil, err
			}
		}
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("%s zone: %w", zone, err)
		}
		dirs[zone] = abs
	}
	return dirs, nil
}

// folder reads a plain path or a file:// URL.
func folder(s string) (string, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case s == "":
		return "", usage(errors.New("a zone has no folder"))
	case !ok:
		return s, nil
	case scheme != "file":
		return "", usage(fmt.Errorf("%s: only folders and file:// URLs can be opened; support for %s:// comes in a later version", s, scheme))
	case !strings.HasPrefix(rest, "/"):
		return "", usage(fmt.Errorf("%s: a file URL names an absolute folder: file:///data/lake", s))
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return "", usage(fmt.Errorf("%s: %w", s, err))
	}
	return path, nil
}

// job makes a job one of this lake.
func (l *lake) job(j etl.Job) etl.Job {
	j.Zones, j.Lake, j.Version, j.Directory, j.Secret = l.zones, l.file, version(), true, secret
	return j
}

// secret gives what a mask names as env:NAME.
func secret(name string) (string, error) {
	if s, ok := os.LookupEnv(name); ok {
		return s, nil
	}
	return "", fmt.Errorf("the environment has no variable %s", name)
}

// source finds the folder of the raw zone that a source's name means, and gives the clean name.
func (l *lake) source(name string) (string, error) {
	entries, err := os.ReadDir(l.raw)
	if err != nil {
		return "", usage(fmt.Errorf("--source %s: %w", name, err))
	}
	var all []string
	for _, e := range entries {
		folder := layout.ParseRaw(e.Name() + "/x").Source
		clean := schema.CleanSource(folder)
		if name == folder || schema.CleanSource(name) == clean {
			return clean, nil
		}
		all = append(all, clean)
	}
	return "", usage(fmt.Errorf("--source %s: there is no such folder in %s; there are %s", name, l.raw, strings.Join(all, ", ")))
}

// openToRead opens a lake for the commands that look at it.
func (a *app) openToRead(ctx context.Context) (*inspect.Lake, error) {
	l, err := a.open()
	if err != nil {
		return nil, err
	}
	if err := a.mustExist(l); err != nil {
		return nil, err
	}
	return inspect.Open(ctx, inspect.Zones{
		Raw: l.zones.Raw, Processed: l.zones.Processed, Quarantine: l.zones.Quarantine, State: l.zones.State,
	})
}

// tableNames, sourceNames and partitionPaths are what a shell is told of the lake of a command line that is not run.
func (a *app) tableNames(c *cobra.Command, _ []string) ([]string, error) {
	in, err := a.peek(c)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range in.Tables() {
		names = append(names, t.Name)
	}
	return names, nil
}

func (a *app) partitionPaths(c *cobra.Command, args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, nil
	}
	in, err := a.peek(c)
	if err != nil {
		return nil, err
	}
	files, err := in.Files(args[0])
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Partition)
	}
	return slices.Compact(paths), nil
}

func (a *app) peek(c *cobra.Command) (*inspect.Lake, error) {
	a.lakeGiven = c.Flags().Changed("lake")
	return a.openToRead(c.Context())
}

func (a *app) sourceNames(c *cobra.Command, _ []string) ([]string, error) {
	a.lakeGiven = c.Flags().Changed("lake")
	l, err := a.open()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(l.raw)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(e.Name(), "_") {
			names = append(names, schema.CleanSource(layout.ParseRaw(e.Name()+"/x").Source))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// mustExist refuses a lake of which neither the raw nor the state zone is there: the path is likely wrong.
func (a *app) mustExist(l *lake) error {
	if isFolder(l.raw) || isFolder(l.state) {
		return nil
	}
	return a.noLake(l)
}

func (a *app) noLake(l *lake) error {
	return usage(fmt.Errorf("no lake in %s: there is no folder %s. Put JSON below %s and run: %s; or try: %s",
		a.lake, l.raw, filepath.Join(l.raw, "<source>"), a.again("run"), a.again("demo")))
}

func isFolder(dir string) bool {
	st, err := os.Stat(dir)
	return err == nil && st.IsDir()
}
