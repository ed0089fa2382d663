package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"datalake/etl/diff"
	"datalake/etl/inspect"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
)

const diffCodes = `
Exit codes: 0 the same rows, 1 differences found, or failed, 2 bad usage or config,
130 interrupted.`

// diffFlags are the flags of diff.
type diffFlags struct {
	key, ignore []string
	partition   string
	memory, tmp string
	options     diff.Options
}

func (a *app) diffCommand() *cobra.Command {
	var f diffFlags
	c := a.wrap(&cobra.Command{
		Use: "diff TABLE OTHER [--key COLUMN,…] [flags]", Short: "Compare a table with other Parquet files, row by row",
		Long: `Compares a table with a folder of Parquet files, or a file: what a Spark job made of the
same data, for one. Rows are matched by key: the table's dedupe key, unless --key names
columns. Folders named column=value are columns. Values are compared by what they mean:
widths of whole numbers, scales of decimals and units of times do not matter; numbers
with a fraction may differ by the share that --tolerance gives. It tells how many rows
are the same, differ, or are on one side only, which columns differ, and shows some of
each. Columns that one side does not have count as a difference, unless --ignore names
them; those that the engine adds to each table do not.`,
		Example: `  etl diff orders /data/glue/orders --key order_id
  etl diff iot_sensors old/part-00000.parquet --ignore load_ts,etl_job
  etl diff orders /data/glue/orders --partition year=2025/month=11 --tolerance 1e-9
  etl diff orders /data/glue/orders --json | jq '.columns[] | select(.different > 0)'`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("%s needs a table, and what to compare it with", c.CommandPath())
			}
			if len(args) > 2 {
				return fmt.Errorf("%s compares two: %q is too much", c.CommandPath(), args[2])
			}
			return nil
		},
	}, diffCodes, func(ctx context.Context, args []string) error {
		r, err := a.compare(ctx, args[0], args[1], f)
		if errors.Is(err, diff.ErrUsage) {
			return usage(err)
		}
		if err != nil {
			return err
		}
		if a.console.json {
			err = a.object(r)
		} else if !a.quiet {
			err = a.differences(r)
		}
		if err == nil && !r.Same {
			err = errFindings
		}
		return err
	})
	s := c.Flags()
	s.StringSliceVar(&f.key, "key", nil, "`columns` by which rows are matched (default the table's dedupe key)")
	s.StringSliceVar(&f.ignore, "ignore", nil, "`columns` to leave out")
	s.StringVar(&f.partition, "partition", "", "compare only the files below folders of these values: year=2025/month=11, for one")
	s.Float64Var(&f.options.Tolerance, "tolerance", 0, "`share` by which numbers with a fraction may differ")
	s.IntVar(&f.options.Samples, "samples", 5, "how many `samples` of each kind of difference to show")
	s.StringVar(&f.memory, "memory", "512MiB", "`size` of what rows may take that wait; more goes to a temporary file")
	s.StringVar(&f.tmp, "tmp", "", "`folder` for the temporary file (default the system's)")
	return c
}

// compare finds the two sets of files and compares them.
func (a *app) compare(ctx context.Context, table, other string, f diffFlags) (*diff.Result, error) {
	o := f.options
	o.Key, o.Ignore, o.TempDir = f.key, f.ignore, f.tmp
	var err error
	if o.Memory, err = parseSize(f.memory); err != nil {
		return nil, usage(fmt.Errorf("--memory: %w", err))
	}
	if o.Tolerance < 0 || o.Tolerance >= 1 {
		return nil, usage(fmt.Errorf("--tolerance %v: a share from 0 to less than 1", o.Tolerance))
	}
	if o.Samples < 1 {
		return nil, usage(fmt.Errorf("--samples %d: at least 1", o.Samples))
	}
	only, err := partitionValues(f.partition)
	if err != nil {
		return nil, err
	}
	l, err := a.open()
	if err != nil {
		return nil, err
	}
	in, err := a.openToRead(ctx)
	if err != nil {
		return nil, err
	}
	name, err := in.Resolve(table)
	if err != nil {
		return nil, usageIfNoTable(err)
	}
	if name == inspect.Quarantine {
		return nil, usage(errors.New("the quarantine is no Parquet table"))
	}
	files, err := in.Files(name)
	if err != nil {
		return nil, err
	}
	here := diff.Set{Name: name}
	for _, x := range files {
		values, err := layout.ParsePath(x.Partition)
		if err != nil {
			return nil, err
		}
		if within(values, only) {
			here.Files = append(here.Files, diff.File{Name: path(x.Location), Partition: values, Open: opener(l.zones.Processed.Store, x.Key)})
		}
	}
	there, err := otherFiles(ctx, other, only)
	if err != nil {
		return nil, err
	}
	if o.Key == nil {
		if o.Key, err = dedupeKey(name, in.Schema(name)); err != nil {
			return nil, err
		}
	}
	for _, r := range []schema.Role{schema.RecordID, schema.EventTime, schema.IngestedAt, schema.Quality, schema.Rescued, schema.Key} {
		o.Own = append(o.Own, string(r))
	}
	o.Own = append(o.Own, "source", "year", "month", "day", "hour")
	return diff.Compare(ctx, here, there, o)
}

// dedupeKey is the key by which a table's rows are told apart.
func dedupeKey(table string, s *schema.Schema) ([]string, error) {
	if s == nil || s.Dedupe.None {
		return nil, usage(fmt.Errorf("%s has no dedupe key: name columns with --key", table))
	}
	return s.Dedupe.WithDefaults().Key, nil
}

func opener(s storage.Store, key string) func(context.Context) (*storage.Reader, error) {
	return func(ctx context.Context) (*storage.Reader, error) { return storage.OpenReader(ctx, s, key) }
}

// otherFiles are a file, or those of a folder and the folders below it. Names that begin with _ or . are no data.
func otherFiles(ctx context.Context, other string, only []layout.Value) (diff.Set, error) {
	set := diff.Set{Name: other}
	name, err := folder(other)
	if err != nil {
		return set, err
	}
	if name, err = filepath.Abs(name); err != nil {
		return set, err
	}
	st, err := os.Stat(name)
	if err != nil {
		return set, usage(fmt.Errorf("compare with %s: %w", other, err))
	}
	dir := name
	if !st.IsDir() {
		dir = filepath.Dir(name)
	}
	s, err := file.Open(dir)
	if err != nil {
		return set, err
	}
	if !st.IsDir() {
		set.Files = []diff.File{{Name: name, Open: opener(s, filepath.Base(name))}}
		return set, nil
	}
	for info, err := range s.List(ctx, "", "") {
		if err != nil {
			return set, fmt.Errorf("list %s: %w", other, err)
		}
		if hidden(info.Key) {
			continue
		}
		values := hiveValues(info.Key)
		if within(values, only) {
			set.Files = append(set.Files, diff.File{Name: filepath.Join(dir, filepath.FromSlash(info.Key)), Partition: values, Open: opener(s, info.Key)})
		}
	}
	return set, nil
}

func hidden(key string) bool {
	for segment := range strings.SplitSeq(key, "/") {
		if segment[0] == '.' || segment[0] == '_' && !strings.Contains(segment, "=") {
			return true
		}
	}
	return strings.HasSuffix(key, ".crc")
}

// hiveValues reads the folders of a key that are named column=value.
func hiveValues(key string) []layout.Value {
	var values []layout.Value
	segments := strings.Split(key, "/")
	for _, s := range segments[:len(segments)-1] {
		if name, v, ok := strings.Cut(s, "="); ok && name != "" {
			if v = layout.Unescape(v); v == layout.Null {
				v = ""
			}
			values = append(values, layout.Value{Key: name, Value: v})
		}
	}
	return values
}

// partitionValues reads --partition.
func partitionValues(s string) ([]layout.Value, error) {
	if s == "" {
		return nil, nil
	}
	values := hiveValues(strings.Trim(s, "/") + "/x")
	if len(values) != strings.Count(strings.Trim(s, "/"), "/")+1 {
		return nil, usage(fmt.Errorf("--partition %s: write folders as year=2025/month=11", s))
	}
	return values, nil
}

// within says whether a file's folders have the values asked for, as far as they are folders of its set.
func within(values, only []layout.Value) bool {
	for _, o := range only {
		i := slices.IndexFunc(values, func(v layout.Value) bool { return strings.EqualFold(v.Key, o.Key) })
		if i >= 0 && !sameFolder(values[i].Value, o.Value) {
			return false
		}
	}
	return true
}

// sameFolder: 03 is 3.
func sameFolder(a, b string) bool {
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	return a == b || err1 == nil && err2 == nil && x == y
}

// differences prints a result.
func (a *app) differences(r *diff.Result) error {
	p := &printer{w: a.out}
	p.printf("%s has %s, %s has %s; matched by %s\n\n", r.Here, plural(r.RowsHere, "row", "rows"), r.There, plural(r.RowsThere, "row", "rows"), strings.Join(r.Key, ", "))
	for _, x := range []struct {
		n    int64
		text string
	}{
		{r.Equal, "the same"},
		{r.Different, "different"},
		{r.OnlyHere, "only in " + r.Here},
		{r.OnlyThere, "only in " + r.There},
		{r.RepeatedHere, "of a key that came before in " + r.Here},
		{r.RepeatedThere, "of a key that came before in " + r.There},
	} {
		if x.n > 0 || x.text == "the same" {
			p.printf("  %12s  %s\n", count(x.n), x.text)
		}
	}
	var rows [][]string
	for _, c := range r.Columns {
		if c.Different > 0 || !c.Comparable {
			n := count(c.Different)
			if !c.Comparable {
				n += ", types do not go together"
			}
			rows = append(rows, []string{c.Name, c.Here, c.There, n})
		}
	}
	if p.err == nil && len(rows) > 0 {
		p.printf("\nColumns that differ\n")
		p.err = printTable(a.out, "  ", []column{{name: "column", cut: 40}, {name: r.Here, cut: 32}, {name: r.There, cut: 32}, {name: "rows", attention: a.paintOut}}, rows)
	}
	rows = nil
	for _, c := range r.Columns {
		if !c.Comparable {
			continue // all that can be said was said
		}
		for _, s := range c.Samples {
			rows = append(rows, []string{strings.Join(s.Key, ", "), c.Name, s.Here, s.There})
		}
	}
	if p.err == nil && len(rows) > 0 {
		p.printf("\nSome of them\n")
		p.err = printTable(a.out, "  ", []column{{name: strings.Join(r.Key, ", "), cut: 40}, {name: "column", cut: 32}, {name: r.Here, cut: 40}, {name: r.There, cut: 40}}, rows)
	}
	for _, x := range []struct {
		set  string
		keys [][]string
	}{{r.Here, r.KeysHere}, {r.There, r.KeysThere}} {
		if len(x.keys) > 0 {
			p.printf("\nRows only in %s, some of them, by %s\n", x.set, strings.Join(r.Key, ", "))
			for _, k := range x.keys {
				p.printf("  %s\n", clip(strings.Join(k, ", "), 100))
			}
		}
	}
	for _, x := range []struct {
		set     string
		columns []string
	}{{r.Here, r.ColumnsHere}, {r.There, r.ColumnsThere}} {
		if len(x.columns) > 0 {
			p.printf("\nColumns only in %s: %s\n", x.set, strings.Join(x.columns, ", "))
		}
	}
	verdict := fmt.Sprintf("The same rows, in %s.", plural(len(r.Columns), "column", "columns"))
	if !r.Same {
		verdict = a.paintOut.alarm("Not the same.")
	}
	p.printf("\n%s\n", verdict)
	return p.err
}
