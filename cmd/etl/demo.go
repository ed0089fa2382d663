package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/demo"
	"datalake/etl/inspect"
	"datalake/pkg/layout"
)

// demoMark is the file that makes a folder a demo lake, which the next demo may replace.
const demoMark = ".etl-demo"

// demoFolders are what a demo lake holds beside the mark.
var demoFolders = []string{"raw", "processed", "processed@", "quarantine", "quarantine@", "state"}

func (a *app) demoCommand() *cobra.Command {
	var o demo.Options
	var limits limits
	c := a.wrap(&cobra.Command{
		Use: "demo [DIR] [flags]", Short: "Make a small lake and run it",
		Long: `Makes a lake in DIR (default ./lake) with three sources and the dirt of real life:
duplicates, quoted numbers, nulls, late events, malformed lines, drifting types,
nested objects. Runs it, lets a second drop land, runs again, and shows what happened.
A demo lake that is there already is made anew; any other folder with something in it
is left alone.`,
		Example: "  etl demo\n  etl demo /tmp/my-demo --records 1000000",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one folder: %q is too much", c.CommandPath(), args[1])
			}
			return nil
		},
	}, demoCodes, func(ctx context.Context, args []string) error {
		if len(args) == 1 {
			if a.lakeGiven && args[0] != a.lake {
				return usage(fmt.Errorf("two folders for the demo: %s and %s", args[0], a.lake))
			}
			a.lake, a.lakeGiven = args[0], true
		}
		if a.config != "" {
			return usage(errors.New("a demo lake takes no lake file"))
		}
		return a.demo(ctx, o, limits)
	})
	f := c.Flags()
	f.IntVar(&o.Records, "records", demo.DefaultRecords, "about how many `records` the first drop has")
	f.Uint64Var(&o.Seed, "seed", 0, "another `seed` gives other values")
	limits.flags(c)
	return c
}

// demo makes the lake, and runs each drop.
func (a *app) demo(ctx context.Context, o demo.Options, limits limits) error {
	var j etl.Job
	if err := limits.apply(&j); err != nil {
		return err
	}
	dir, err := folder(a.lake)
	if err != nil {
		return err
	}
	if err := clearDemo(dir); err != nil {
		return err
	}
	l, err := a.open()
	if err != nil {
		return err
	}
	out := struct {
		Lake string        `json:"lake"`
		Runs []*etl.Result `json:"runs"`
	}{Lake: dir}
	for drop := 1; drop <= demo.Drops; drop++ {
		d, err := a.drop(ctx, l, drop, o)
		if err != nil {
			return err
		}
		a.say("\n$ %s\n", a.again("run"))
		r, err := a.run(ctx, l, j)
		if err != nil {
			return err
		}
		if err := planted(d, r); err != nil {
			return err
		}
		out.Runs = append(out.Runs, r)
	}
	if a.console.json {
		return a.object(out)
	}
	return a.tour(ctx, l)
}

// clearDemo makes the folder, or empties it if it is a demo lake.
func clearDemo(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usage(fmt.Errorf("look into the demo's folder: %w", err))
	}
	if len(entries) > 0 {
		if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == demoMark }) {
			return usage(fmt.Errorf("%s is not empty and no demo lake; name another folder: etl demo DIR", dir))
		}
		for _, name := range demoFolders {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("clear the demo's folder: %w", err)
			}
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	mark := "Made by etl demo, which replaces this lake when it is run again.\n"
	if err := os.WriteFile(filepath.Join(dir, demoMark), []byte(mark), 0o666); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	return nil
}

// drop lets a drop land, and gives its files the times at which they are meant to have come.
func (a *app) drop(ctx context.Context, l *lake, n int, o demo.Options) (*demo.Drop, error) {
	d, err := demo.Generate(ctx, l.zones.Raw.Store, l.zones.Raw.Prefix, n, o)
	if err != nil {
		return nil, err
	}
	for _, x := range d.Objects {
		name := filepath.Join(filepath.Dir(l.raw), filepath.FromSlash(x.Key))
		if err := os.Chtimes(name, x.Arrived, x.Arrived); err != nil {
			return nil, fmt.Errorf("date demo object: %w", err)
		}
	}
	var total demo.Source
	for _, s := range d.Sources {
		total.Records += s.Records
		total.Duplicates += s.Duplicates
		total.Broken += s.Broken
	}
	if n == 1 {
		a.say("A small lake in %s. The first drop of raw objects:\n", a.lake)
	} else {
		a.say("\nA day later, a second drop: with new fields, with values that no longer fit, and\nwith records that were sent before:\n")
	}
	a.say("  %s, %s, below %s\n  %s, of which %s are repeated and %s are broken\n",
		plural(len(d.Objects), "object", "objects"), size(d.Bytes), filepath.Join(a.lake, layout.Raw),
		plural(total.Records, "record", "records"), count(total.Duplicates), count(total.Broken))
	a.event("drop landed", "drop", n, "objects", len(d.Objects), "bytes", d.Bytes, "records", total.Records)
	return d, nil
}

// planted holds a run's counts against what the drop is known to hold.
func planted(d *demo.Drop, r *etl.Result) error {
	got := map[string]demo.Source{}
	for _, t := range r.Tables {
		got[t.Source] = demo.Source{Name: t.Source, Records: t.RecordsIn, Duplicates: t.Duplicates, Broken: t.Quarantined}
	}
	for _, want := range d.Sources {
		if got[want.Name] != want {
			return fmt.Errorf("the run's counts are not those of the demo's records: %+v instead of %+v", got[want.Name], want)
		}
	}
	return nil
}

// tour shows the first rows of a table, and what to try next.
func (a *app) tour(ctx context.Context, l *lake) error {
	in, err := a.openToRead(ctx)
	if err != nil {
		return err
	}
	rows, err := in.Head(ctx, inspect.TablePrefix+"iot_sensors", 5)
	if err != nil {
		return err
	}
	if a.quiet || a.logJSON {
		return nil
	}
	width, ok := terminal(a.err)
	if !ok {
		width = pageWidth
	}
	a.say("\n$ %s\n", a.again("head iot_sensors -n 5"))
	if err := printRows(a.err, rows, width); err != nil {
		return err
	}
	a.next(
		[2]string{"tables", "what there is"},
		[2]string{"head quarantine", "what was set aside, and why"},
		[2]string{"status", "what did not fit, what waits"},
		[2]string{"why " + id(rows), "where a record went"},
		[2]string{"run", "again: nothing new is done"},
		[2]string{"verify", "all files against the log"},
	)
	a.say("  duckdb -init %s\n", shellQuote(filepath.Join(a.lake, layout.State, "catalog", "views.sql")))
	return nil
}

// id is the record_id of the first row.
func id(rows *inspect.Rows) string {
	if len(rows.Values) == 0 {
		return "RECORD_ID"
	}
	return shellQuote(cell(rows.Values[0][0], "string"))
}
