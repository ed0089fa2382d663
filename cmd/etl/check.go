package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"datalake/etl/explain"
	"datalake/etl/forecast"
	"datalake/pkg/lakefile"
	"datalake/pkg/lakefile/grammar"
	"datalake/pkg/schema"
)

func (a *app) checkCommand() *cobra.Command {
	var schemaOnly bool
	var where string
	var sample int
	c := a.wrap(&cobra.Command{
		Use: "check [--against raw|DIR] [flags]", Short: "Check the lake file and explain what it gives",
		Long: `Reads the lake file and the files that it includes. All that is wrong is listed at
once, with file, line, column, key and a cure. When nothing is, it says for each
source what a run will do: where its columns come from, what becomes of values, what
they must be. With --against it is tried on a sample of the raw zone, or of a folder
with a folder for each source: what would be rejected, rescued, renamed, and which
columns stay empty, as if there were no tables yet. Nothing is changed.`,
		Example: "  etl check\n  etl check --against raw\n  etl check -c conf/lake.yaml --json | jq '.errors[].problem'\n  etl check --schema > lake.schema.json",
		Args:    noArgs,
	}, "\nExit codes: 0 nothing is wrong, 1 failed, 2 errors in the lake file, or bad usage.", func(ctx context.Context, _ []string) error {
		if schemaOnly {
			_, err := a.out.Write(grammar.Schema())
			if err != nil {
				return fmt.Errorf("write output: %w", err)
			}
			return nil
		}
		return a.check(ctx, where, sample)
	})
	c.Flags().BoolVar(&schemaOnly, "schema", false, "print the JSON Schema of lake files, for editors, and do nothing else")
	c.Flags().StringVar(&where, "against", "", "try it on data: `raw` is the lake's raw zone, anything else a folder")
	c.Flags().IntVar(&sample, "sample", 10_000, "with --against: read about so many `records`; 0: all")
	return c
}

// checked is what etl check --json writes.
type checked struct {
	// File is the lake file; empty where there is none, and all defaults hold.
	File string `json:"file"`
	// Errors are all that is wrong; the lists below are empty then.
	Errors []fault `json:"errors"`
	// Warnings are what is allowed and yet worth a word.
	Warnings []string `json:"warnings"`
	// Sources are the schemas that first runs start from.
	Sources []*schema.Schema `json:"sources"`
	// Curated are the names of the curated data sets.
	Curated []string `json:"curated"`
	// Against is what the file makes of data, source by source; only with --against.
	Against []forecast.SourceVerdict `json:"against,omitempty"`
}

// fault is one thing wrong.
type fault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Key     string `json:"key,omitempty"`
	Problem string `json:"problem"`
	Allowed string `json:"allowed,omitempty"`
}

func faults(err error) []fault {
	var all lakefile.Errors
	errors.As(err, &all)
	out := make([]fault, len(all))
	for i, e := range all {
		out[i] = fault{e.File, e.Line, e.Column, e.Key, e.Problem, e.Allowed}
	}
	return out
}

func (a *app) check(ctx context.Context, where string, sample int) error {
	root, err := folder(a.lake)
	if err != nil {
		return err
	}
	f, err := a.lakeFile(root, lakefile.Check)
	out := checked{Errors: faults(err), Warnings: []string{}, Sources: []*schema.Schema{}, Curated: []string{}}
	if err != nil {
		if a.console.json && len(out.Errors) > 0 {
			out.File = out.Errors[0].File
			return errors.Join(a.object(out), usage(errFindings))
		}
		if n := len(out.Errors); n > 1 {
			err = fmt.Errorf("%d errors in the lake file:\n%w", n, err)
		}
		return usage(err)
	}
	if f == nil {
		a.say("there is no lake file in %s: every source has all defaults\n", root)
		f = &lakefile.File{}
	}
	out.File = f.Name
	out.Warnings = append(out.Warnings, f.Warnings...)
	out.Curated = append(out.Curated, slices.Sorted(maps.Keys(f.Curated))...)
	names := slices.Sorted(maps.Keys(f.Sources))
	for _, name := range names {
		out.Sources = append(out.Sources, f.Sources[name].Schema(name))
	}
	var v *forecast.Verdict
	if where != "" {
		if v, err = a.against(ctx, f, where, sample); err != nil {
			return err
		}
		out.Against = v.Sources
	}
	if a.console.json {
		return a.object(out)
	}
	for _, w := range f.Warnings {
		a.warn(w)
	}
	var sources []explain.Source
	for _, name := range names {
		sources = append(sources, explain.File(name, f.Sources[name]))
	}
	if err := a.explained(sources); err != nil || v == nil {
		return err
	}
	return a.verdict(v)
}

// explained prints what is said of sources.
func (a *app) explained(sources []explain.Source) error {
	p := &printer{w: a.out}
	for i, s := range sources {
		if i > 0 {
			p.printf("\n")
		}
		p.printf("%s\n", s.Name)
		width := 0
		for _, f := range s.Facts {
			width = max(width, len(f.Name))
		}
		for _, f := range s.Facts {
			p.printf("  %-*s  %s\n", width, f.Name, f.Text)
		}
		rows := make([][]string, len(s.Columns))
		for i, c := range s.Columns {
			rows[i] = []string{c.Name, c.Type, c.From, c.Cleaning, c.Checks}
		}
		p.table([]column{{name: "column"}, {name: "type", cut: 40}, {name: "from", cut: 60}, {name: "cleaning", cut: 60}, {name: "checks", cut: 80}}, rows)
		if len(s.Rules) > 0 {
			rows = rows[:0]
			for _, r := range s.Rules {
				rows = append(rows, []string{r.Name, strings.Join(strings.Fields(r.Expr), " "), r.OnFail})
			}
			p.table([]column{{name: "rule"}, {name: "condition", cut: 100}, {name: "on fail"}}, rows)
		}
	}
	return p.err
}

// table prints rows below an empty line, without the columns that are empty in all of them.
func (p *printer) table(columns []column, rows [][]string) {
	var keep []int
	for i := range columns {
		if slices.ContainsFunc(rows, func(r []string) bool { return r[i] != "" }) {
			keep = append(keep, i)
		}
	}
	pick := make([]column, len(keep))
	for i, k := range keep {
		pick[i] = columns[k]
	}
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = make([]string, len(keep))
		for j, k := range keep {
			out[i][j] = r[k]
		}
	}
	p.printf("\n")
	if p.err == nil {
		p.err = printTable(p.w, "  ", pick, out)
	}
}
