package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"datalake/cmd/etl/screen"
	"datalake/etl/inspect"
)

func (a *app) tablesCommand() *cobra.Command {
	return a.wrap(&cobra.Command{
		Use: "tables [flags]", Short: "List the tables",
		Long: `Lists the tables: one a source (processed_<source>), processed_data, which spans
all sources with the columns that all have, and quarantine, the records that were
set aside. --json also gives each table's source, and its columns with their types.`,
		Example: "  etl tables\n  etl tables --lake my-lake --json",
		Args:    noArgs,
	}, readCodes, func(ctx context.Context, _ []string) error {
		l, err := a.openToRead(ctx)
		if err != nil {
			return err
		}
		tables := l.Tables()
		if a.console.json {
			return a.object(map[string]any{"tables": orEmpty(tables)})
		}
		if len(tables) == 0 {
			a.say("No tables yet: %s\n", a.again("run"))
			return nil
		}
		var rows [][]string
		for _, t := range tables {
			rows = append(rows, []string{t.Name, count(t.Rows), count(t.Partitions), count(t.Files), size(t.Bytes), count(len(t.Columns))})
		}
		return printFitting(a.out, "", []column{
			{name: "table", cut: 48},
			{name: "rows", right: true},
			{name: "partitions", right: true},
			{name: "files", right: true},
			{name: "size", right: true},
			{name: "columns", right: true},
		}, rows, a.width)
	})
}

func (a *app) filesCommand() *cobra.Command {
	return a.wrap(&cobra.Command{
		Use: "files TABLE [flags]", Short: "List a table's current files",
		Long: `Lists the files that a table consists of now, by partition. "etl tables" names the
tables. Folders may hold other files (of runs that were interrupted): these are not
part of the table. The entry is that of the log which wrote the file.`,
		Example: "  etl files processed_iot_sensors\n  etl files iot_sensors --json | jq -r '.files[].location'",
		Args:    oneArg("table"),
	}, readCodes, func(ctx context.Context, args []string) error {
		l, err := a.openToRead(ctx)
		if err != nil {
			return err
		}
		files, err := l.Files(args[0])
		if err != nil {
			return usageIfNoTable(err)
		}
		if a.console.json {
			name, err := l.Resolve(args[0])
			if err != nil {
				return usageIfNoTable(err)
			}
			return a.object(map[string]any{"table": name, "files": orEmpty(files)})
		}
		var rows [][]string
		for _, f := range files {
			rows = append(rows, []string{count(f.Rows), size(f.Bytes), strconv.FormatUint(f.Seq, 10), path(f.Location)})
		}
		return printTable(a.out, "", []column{
			{name: "rows", right: true}, {name: "size", right: true}, {name: "entry", right: true}, {name: "file"},
		}, rows)
	})
}

// path is a file's location as people write it. Locations are not escaped, as partition paths have escapes of their own.
func path(location string) string { return strings.TrimPrefix(location, "file://") }

func (a *app) headCommand() *cobra.Command {
	n := 10
	var rejects rejectFlags
	var c *cobra.Command
	c = a.wrap(&cobra.Command{
		Use: "head TABLE [-n ROWS] [flags]", Short: "Show the first rows of a table",
		Long: `Shows rows of a table's newest partition, then of the one before it. On a terminal
long values are cut and columns that do not fit are left out; --json has all of it.
"etl head quarantine" shows records that were set aside, and why: all, or those of
a source, a rule, a day of arrival, an object; --by counts them. With --attempt it
shows what a run would have set aside that ended because of --max-bad.`,
		Example: "  etl head processed_iot_sensors\n  etl head iot_sensors -n 3 --json\n  etl head quarantine --rule json -n 20\n  etl head quarantine --by rule",
		Args:    oneArg("table"),
	}, readCodes, func(ctx context.Context, args []string) error {
		if n < 0 {
			return usage(fmt.Errorf("-n %d: at least 0", n))
		}
		if err := onlyQuarantine(c, args[0]); err != nil {
			return err
		}
		l, err := a.openToRead(ctx)
		if err != nil {
			return err
		}
		if args[0] == inspect.Quarantine {
			return a.headQuarantine(ctx, l, &rejects, n)
		}
		rows, err := l.Head(ctx, args[0], n)
		if err != nil {
			return usageIfNoTable(err)
		}
		return a.printHead(rows)
	})
	c.Flags().IntVarP(&n, "rows", "n", 10, "how many `rows`; --limit means the same")
	rejects.flags(c.Flags())
	c.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "limit" {
			name = "rows"
		}
		return pflag.NormalizedName(name)
	})
	return c
}

// printHead shows rows.
func (a *app) printHead(rows *inspect.Rows) error {
	if a.console.json {
		return a.object(map[string]any{"table": rows.Table, "columns": orEmpty(rows.Columns), "rows": rowObjects(rows)})
	}
	if len(rows.Values) == 0 {
		a.say("No rows.\n")
		return nil
	}
	return printRows(a.out, rows, a.width)
}

// rowObjects are rows as JSON objects with their keys in the order of the columns.
func rowObjects(r *inspect.Rows) []json.RawMessage {
	out := []json.RawMessage{}
	for _, row := range r.Values {
		var b bytes.Buffer
		b.WriteByte('{')
		for i, v := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			name, err := json.Marshal(r.Columns[i].Name)
			if err != nil {
				continue // cannot be: a string has a JSON form
			}
			b.Write(name)
			b.WriteByte(':')
			b.Write(v)
		}
		b.WriteByte('}')
		out = append(out, b.Bytes())
	}
	return out
}

// How wide a value may be where rows are printed: to a terminal, by name or else valueCut; elsewhere pipedCut.
const (
	valueCut = 24
	pipedCut = 60
)

var cuts = map[string]int{"record_id": 13, "reason": 48, "payload": 60}

// printRows prints rows as a table. Where width is limited, columns that tell most come first, and those that do not fit are
// named below. Columns in which all rows are null come last.
func printRows(w io.Writer, r *inspect.Rows, width int) error {
	order := make([]int, len(r.Columns))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return weight(r, i) - weight(r, j) })
	var columns []column
	var cells [][]string
	for _, row := range r.Values {
		line := make([]string, len(order))
		for k, i := range order {
			line[k] = cell(row[i], r.Columns[i].Type)
		}
		cells = append(cells, line)
	}
	for _, i := range order {
		c := column{name: r.Columns[i].Name, right: numeric(r.Columns[i].Type), cut: pipedCut}
		if width > 0 {
			c.cut = cuts[c.name]
			if c.cut == 0 {
				c.cut = valueCut
			}
		}
		columns = append(columns, c)
	}
	fit := len(columns)
	if width > 0 {
		fit = fitting(columns, cells, width)
	}
	if err := printTable(w, "", columns[:fit], cells); err != nil {
		return err
	}
	if fit == len(columns) {
		return nil
	}
	var left []string
	for _, c := range columns[fit:] {
		left = append(left, c.name)
	}
	line := fmt.Sprintf("… and %s: %s", plural(len(left), "more column", "more columns"), strings.Join(left, ", "))
	_, err := fmt.Fprintln(w, clip(line, width))
	return err
}

// fitting says how many of the columns fit into width. The last of them may be cut to what is left.
func fitting(columns []column, cells [][]string, width int) int {
	const least = 16
	used := -len(gap)
	for i := range columns {
		used += len(gap)
		need := widths(columns[i:i+1], only(cells, i))[0]
		if used+need > width {
			rest := width - used
			if columns[i].right || rest < max(least, screen.Width(columns[i].name)) {
				return max(i, 1)
			}
			columns[i].cut = rest
			return i + 1
		}
		used += need
	}
	return len(columns)
}

// only is column i of a table of texts.
func only(cells [][]string, i int) [][]string {
	out := make([][]string, len(cells))
	for k := range cells {
		out[k] = cells[k][i : i+1]
	}
	return out
}

// weight orders columns for people: id, event time, then data, then what the engine added, then what is empty; of the
// quarantine the reasons come first.
func weight(r *inspect.Rows, i int) int {
	full := slices.ContainsFunc(r.Values, func(row []json.RawMessage) bool { return string(row[i]) != "null" })
	if r.Table == inspect.Quarantine {
		at := slices.Index([]string{"rule", "reason", "payload", "payload_base64", "object", "line"}, r.Columns[i].Name)
		if at < 0 {
			at = len(r.Columns)
		}
		return at
	}
	switch r.Columns[i].Name {
	case "record_id":
		return 0
	case "event_time":
		return 1
	case "ingested_at", "quality_score":
		return 4
	case "_rescued":
		if full {
			return 3
		}
	}
	if !full {
		return 5
	}
	return 2
}

// cell is a JSON value as people read it: strings without quotes, null as nothing, times without a T.
func cell(v json.RawMessage, kind string) string {
	if string(v) == "null" {
		return ""
	}
	if len(v) == 0 || v[0] != '"' {
		return string(v)
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return string(v)
	}
	if kind == "timestamp" {
		s = strings.TrimSuffix(strings.TrimSuffix(strings.Replace(s, "T", " ", 1), "Z"), ".000")
	}
	return s
}

func numeric(kind string) bool {
	switch kind {
	case "int", "bigint", "float", "double":
		return true
	}
	return strings.HasPrefix(kind, "decimal")
}

// orEmpty makes no elements an empty array in JSON, not null.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
