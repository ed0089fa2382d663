package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"datalake/cmd/etl/screen"
	"datalake/etl/inspect"
)

// usageIfNoTable makes a table's wrong name a fault of the command line.
func usageIfNoTable(err error) error {
	if errors.Is(err, inspect.ErrNoTable) {
		return usage(err)
	}
	return err
}

const whenFormat = "2006-01-02 15:04:05"

func (a *app) statusCommand() *cobra.Command {
	return a.wrap(&cobra.Command{
		Use: "status [flags]", Short: "Tell how the lake stands",
		Long: `Tells what was read and what waits in the raw zone, whether all is published, what
the last run did, and which columns values did not fit.`,
		Example: "  etl status\n  etl status --lake my-lake --json",
		Args:    noArgs,
	}, readCodes, func(ctx context.Context, _ []string) error {
		l, err := a.openToRead(ctx)
		if err != nil {
			return err
		}
		s, err := l.Status(ctx)
		if err != nil {
			return err
		}
		if a.console.json {
			return a.object(s)
		}
		return a.status(s)
	})
}

func (a *app) status(s *inspect.Status) error {
	rows := [][]string{{"log", "empty: nothing has been run yet"}}
	if s.Head > 0 {
		published := "all published"
		if s.Unpublished > 0 {
			published = fmt.Sprintf("%s not yet published: %s", plural(s.Unpublished, "entry", "entries"), a.again("repair"))
		}
		rows = [][]string{{"log", fmt.Sprintf("%s, %s", plural(s.Head, "entry", "entries"), published)}}
	}
	pending := "nothing waits"
	if s.Pending > 0 {
		pending = fmt.Sprintf("%s waiting, %s: %s", count(s.Pending), size(s.PendingBytes), a.again("run"))
	}
	if s.Held > 0 {
		pending = fmt.Sprintf("%s held by a rollback: %s\n%s", count(s.Held), a.again("release"), pending)
	}
	for _, x := range []struct {
		n    int
		what string
	}{{s.Skipped, "skipped"}, {s.Adopted, "adopted unread"}} {
		if x.n > 0 {
			pending = fmt.Sprintf("%s %s: %s\n%s", count(x.n), x.what, a.again("ledger"), pending)
		}
	}
	rows = append(rows, []string{"raw", fmt.Sprintf("%s read, %s", plural(s.Consumed, "object", "objects"), pending)})
	if s.Last != nil {
		rows = append(rows, []string{"last run", fmt.Sprintf("entry %d, %s UTC\n%s", s.Last.Seq, s.Last.When.UTC().Format(whenFormat), balance(s.Last.In, s.Last.Out, s.Last.Duplicates, s.Last.Quarantined))})
	}
	if s.Head > 0 {
		rows = append(rows, []string{"all runs", balance(s.In, s.Out, s.Duplicates, s.Quarantined)})
	}
	if s.Rescued > 0 {
		rows = append(rows, []string{"rescued", plural(s.Rescued, "row has", "rows have") + " values in _rescued"})
	}
	p := &printer{w: a.out}
	for _, r := range rows {
		text := r[1]
		if n := lineWidth(a.out); n < pageWidth {
			text = screen.Wrap(text, n-10)
		}
		p.printf("%-8s  %s\n", r[0], strings.ReplaceAll(text, "\n", "\n          "))
	}
	if p.err != nil {
		return p.err
	}
	if rules := ranked(s.Rules); len(rules) > 0 {
		printList(a.out, "Quarantined, by rule", []item{{texts: rules}})
	}
	if checks := ranked(s.Checks); len(checks) > 0 {
		printList(a.out, "Kept, but failed, by rule: the value is null, or quality_score lower", []item{{texts: checks}})
	}
	if len(s.Widen) > 0 {
		if _, err := fmt.Fprint(a.out, "\nValues that did not fit, which _rescued keeps; a wider column would take them\n"); err != nil {
			return err
		}
		var table [][]string
		for _, m := range s.Widen {
			table = append(table, []string{m.Source, m.Path, count(m.Values), m.Column, m.Type})
		}
		return printTable(a.out, "  ", []column{
			{name: "source", cut: 24}, {name: "path", cut: 40}, {name: "values", right: true}, {name: "column", cut: 24}, {name: "type", cut: 24},
		}, table)
	}
	return nil
}

// balance says what became of records.
func balance(in, out, duplicates, quarantined int64) string {
	return fmt.Sprintf("%s in = %s out + %s + %s quarantined", count(in), count(out), plural(duplicates, "duplicate", "duplicates"), count(quarantined))
}

func (a *app) logCommand() *cobra.Command {
	n := 20
	c := a.wrap(&cobra.Command{
		Use: "log [-n ENTRIES] [flags]", Short: "List what was decided, the newest first",
		Long: `Lists the entries of the commit log: each is one run, or
another command's decision (its kind), as a whole.`,
		Example: "  etl log\n  etl log -n 1 --json",
		Args:    noArgs,
	}, readCodes, func(ctx context.Context, _ []string) error {
		if n < 0 {
			return usage(fmt.Errorf("-n %d: at least 0", n))
		}
		l, err := a.openToRead(ctx)
		if err != nil {
			return err
		}
		entries, err := l.Log(ctx, n)
		if err != nil {
			return err
		}
		if a.console.json {
			return a.object(map[string]any{"entries": orEmpty(entries)})
		}
		if len(entries) == 0 {
			a.say("The log is empty: %s\n", a.again("run"))
			return nil
		}
		var rows [][]string
		noted := false
		for _, e := range entries {
			note := strings.TrimSuffix(e.By+": "+e.Why, ": ")
			noted = noted || e.By != "" || e.Why != ""
			rows = append(rows, []string{
				strconv.FormatUint(e.Seq, 10), e.When.UTC().Format(whenFormat), e.Kind,
				count(e.In), count(e.Out), count(e.Duplicates), count(e.Quarantined), count(len(e.Partitions)), e.Attempt, note,
			})
		}
		columns := []column{
			{name: "entry", right: true},
			{name: "when (UTC)"},
			{name: "kind"},
			{name: "in", right: true},
			{name: "out", right: true},
			{name: "dup", right: true},
			{name: "quar", right: true},
			{name: "parts", right: true},
			{name: "attempt"},
		}
		if noted {
			columns = append(columns, column{name: "by and why", cut: 60})
		}
		if a.width > 0 {
			columns = columns[:fitting(columns, rows, a.width)]
		}
		return printTable(a.out, "", columns, rows)
	})
	c.Flags().IntVarP(&n, "entries", "n", n, "how many `entries`")
	return c
}
