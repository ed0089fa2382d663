package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"datalake/etl"
	"datalake/etl/forecast"
	"datalake/pkg/schema"
)

// dryRejects is how many records of each source and rule a dry run shows.
const dryRejects = 3

// dryRun tells what a run would do, without writing anything.
func (a *app) dryRun(ctx context.Context, l *lake, j etl.Job, explain bool) (err error) {
	j = l.job(j)
	p := newProgress(a.console)
	j.Progress = p.update
	t, err := forecast.Try(ctx, j)
	p.close()
	if err != nil {
		return err
	}
	defer func() {
		if e := t.Close(); err == nil {
			err = e
		}
	}()
	rejects, err := t.Rejects(ctx, dryRejects)
	if err != nil {
		return err
	}
	r := t.Result
	if explain {
		defer a.explain(r)
	}
	r.Tables, r.Decided, r.Published, r.RunID = orEmpty(r.Tables), 0, false, ""
	if a.console.json {
		return a.object(struct {
			DryRun bool `json:"dry_run"`
			*etl.Result
			Schemas []dryTable        `json:"schemas"`
			Rejects []forecast.Reject `json:"rejects"`
		}{true, r, dryTables(t), orEmpty(rejects)})
	}
	a.drySummary(t, rejects)
	return nil
}

// dryTable is a table's schema as --json has it.
type dryTable struct {
	Source    string          `json:"source"`
	New       bool            `json:"new"`
	Envelope  schema.Envelope `json:"envelope"`
	EventTime string          `json:"event_time"`
	Columns   []schema.Column `json:"columns"`
}

func dryTables(t *forecast.Trial) []dryTable {
	out := []dryTable{}
	for _, x := range t.Tables {
		out = append(out, dryTable{x.Source, x.Before == nil, x.Schema.Envelope, eventTime(x.Schema), x.Schema.Columns})
	}
	return out
}

// eventTime says where a table's event time comes from.
func eventTime(s *schema.Schema) string {
	if s.EventTime.Path == nil {
		return "arrival"
	}
	return s.EventTime.Path.String()
}

// drySummary tells people of a trial.
func (a *app) drySummary(t *forecast.Trial, rejects []forecast.Reject) {
	r := t.Result
	a.event("dry run finished", "result", r)
	if a.quiet || a.console.logJSON {
		for _, w := range r.Warnings {
			a.warn(w)
		}
		return
	}
	if r.Objects == 0 {
		a.say("A run would read nothing: nothing is new.\n")
		printList(a.err, "Warnings", lines(r.Warnings))
		return
	}
	a.say("%s\n\n", sampledText(r))
	a.counts(r)
	for _, x := range t.Tables {
		if slices.ContainsFunc(r.Tables, func(t etl.Table) bool { return t.Source == x.Source }) {
			a.dryTable(x)
		}
	}
	printList(a.err, "Rescued, by path: values that fit no column are kept in _rescued", bySource(r.Tables, func(t etl.Table) []string { return ranked(t.RescuedBy) }))
	printList(a.err, "Quarantined, by rule", bySource(r.Tables, func(t etl.Table) []string { return ranked(t.Rules) }))
	for _, x := range rejects {
		where := fmt.Sprintf("line %d", x.Line)
		if r.Sampled != nil { // what lies before it was not read
			where = fmt.Sprintf("byte %d", x.Offset)
		}
		a.say("  %s, %s, rule %s: %s\n    %s\n", x.Object, where, x.Rule, x.Reason, clip(x.Text(), pageWidth-4))
	}
	printList(a.err, "Also seen", bySource(r.Tables, oddities))
	printList(a.err, "Warnings", lines(r.Warnings))
	a.say("\nIt would write %s, %s, into %s. Nothing was written.\n", plural(r.Files, "file", "files"), size(r.BytesOut), plural(r.Partitions, "partition", "partitions"))
}

// sampledText says what was read, and of how much.
func sampledText(r *etl.Result) string {
	if r.Sampled == nil {
		return fmt.Sprintf("A run would read %s, %s, which hold %s:", plural(r.Objects, "object", "objects"), size(r.BytesIn), plural(r.RecordsIn, "record", "records"))
	}
	var objects int
	var bytes int64
	for _, s := range r.Sampled {
		objects += s.AllObjects
		bytes += s.AllBytes
	}
	return fmt.Sprintf("A sample: %s from the beginnings of %s, %s of the %s in\n%s that a run would read. The counts are the sample's:",
		plural(r.RecordsIn, "record", "records"), plural(r.Objects, "object", "objects"), size(r.BytesIn), size(bytes), plural(objects, "object", "objects"))
}

// dryTable prints what would be new in a table.
func (a *app) dryTable(x forecast.Table) {
	name := "processed_" + x.Source
	switch {
	case x.Before == nil:
		a.say("\n%s, a new table: records with%s envelope, event time from %s\n", name, map[bool]string{true: "out", false: ""}[x.Schema.Envelope == schema.Bare], eventTime(x.Schema))
	case len(x.Schema.Columns) == len(x.Before.Columns):
		return
	default:
		a.say("\n%s, new columns\n", name)
	}
	var rows [][]string
	for _, c := range x.Schema.Columns {
		if x.Before != nil && x.Before.Index(c.Name) >= 0 || c.Role != schema.Data && c.Role != schema.NS && c.Role != schema.Derived {
			continue
		}
		rows = append(rows, []string{c.Name, c.Type.String(), strings.TrimSpace(c.Path.String())})
	}
	if len(rows) > 0 {
		// What cannot be printed to stderr cannot be told anywhere.
		_ = printTable(a.err, "  ", []column{{name: "column"}, {name: "type", cut: 40}, {name: "from"}}, rows)
	}
}
