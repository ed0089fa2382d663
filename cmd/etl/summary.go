package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"datalake/cmd/etl/screen"
	"datalake/etl"
)

// summary tells what a run did.
func (a *app) summary(r *etl.Result) {
	a.event("run finished", "result", r)
	if a.console.logJSON {
		for _, w := range r.Warnings {
			a.warn(w)
		}
		return
	}
	if a.quiet {
		for _, w := range r.Warnings {
			a.warn(w)
		}
		return
	}
	if r.Pending > 0 {
		a.say("Published what an earlier run had decided.\n")
	}
	if r.Decided == 0 {
		a.say("Nothing new to read.\n")
		printList(a.err, "Warnings", lines(r.Warnings))
		return
	}
	a.say("Read %s, %s, in %s: %s/s, %s records/s.\n\n",
		plural(r.Objects, "object", "objects"), size(r.BytesIn), duration(r.Elapsed),
		size(int64(rate(float64(r.BytesIn), r.Seconds))), count(int64(rate(float64(r.RecordsIn), r.Seconds))))
	a.counts(r)
	printList(a.err, "Quarantined, by rule", bySource(r.Tables, func(t etl.Table) []string { return ranked(t.Rules) }))
	printList(a.err, "Kept, but failed, by rule: the value is null, or quality_score lower", bySource(r.Tables, func(t etl.Table) []string { return ranked(t.Checks) }))
	printList(a.err, "Rescued, by path: values that fit no column are kept in _rescued", bySource(r.Tables, func(t etl.Table) []string { return ranked(t.RescuedBy) }))
	printList(a.err, "New columns", bySource(r.Tables, newColumns))
	printList(a.err, "Also seen", bySource(r.Tables, oddities))
	printList(a.err, "Warnings", lines(r.Warnings))
	wrote := fmt.Sprintf("\nWrote %s, %s, into %s", plural(r.Files, "file", "files"), size(r.BytesOut), plural(r.Partitions, "partition", "partitions"))
	if r.PeakMemory > 0 {
		wrote += "; peak memory " + size(r.PeakMemory)
	}
	published := "and published"
	if !r.Published {
		published = fmt.Sprintf("not yet published everywhere: the next run or %s does it", a.again("repair"))
	}
	a.say("%s.\nDecided as entry %d of the log, %s.\n", wrote, r.Decided, published)
}

// counts prints the balance, a line a source.
func (a *app) counts(r *etl.Result) {
	columns := []column{
		{name: ""},
		{name: "in", right: true},
		{name: "out", right: true},
		{name: "duplicates", right: true},
		{name: "quarantined", right: true, attention: a.paint},
		{name: "rescued", right: true, attention: a.paint},
	}
	replaced := r.Replaced > 0
	if replaced {
		columns = append(columns, column{name: "replaced", right: true})
	}
	line := func(name string, in, out, duplicates, quarantined, rescued, replacedRows int64) []string {
		row := []string{name, count(in), count(out), count(duplicates), count(quarantined), count(rescued)}
		if replaced {
			row = append(row, count(replacedRows))
		}
		return row
	}
	var rows [][]string
	for _, t := range r.Tables {
		rows = append(rows, line(t.Source, t.RecordsIn, t.RecordsOut, t.Duplicates, t.Quarantined, t.Rescued, t.Replaced))
	}
	if len(rows) != 1 {
		rows = append(rows, line("total", r.RecordsIn, r.RecordsOut, r.Duplicates, r.Quarantined, r.Rescued, r.Replaced))
	}
	// What cannot be printed to stderr cannot be told anywhere.
	_ = printFitting(a.err, "  ", columns, rows, page(a.err))
}

// explain tells where a run's time, bytes and memory went.
func (a *app) explain(r *etl.Result) {
	if a.console.logJSON {
		return // the event at the end of the run has the steps
	}
	none := func(n int64, text string) string {
		if n == 0 {
			return ""
		}
		return text
	}
	columns := []column{
		{name: "step"}, {name: "time s", right: true}, {name: "share", right: true}, {name: "MB", right: true}, {name: "rows", right: true}, {name: "memory MB", right: true},
	}
	var rows [][]string
	for _, s := range r.Steps {
		name, share := s.Name, fmt.Sprintf("%.0f %%", 100*rate(s.Seconds, r.Seconds))
		if _, part, ok := strings.Cut(name, ": "); ok { // its time is of several goroutines
			name, share = "  "+part, ""
		}
		rows = append(rows, []string{
			name, fmt.Sprintf("%.2f", s.Seconds), share, none(s.Bytes, fmt.Sprintf("%.1f", float64(s.Bytes)/1e6)), none(s.Rows, count(s.Rows)),
			none(s.Memory, fmt.Sprintf("%.0f", float64(s.Memory)/1e6)),
		})
	}
	fmt.Fprint(a.err, screen.Wrap(fmt.Sprintf("\nWhere the time went: %.2f s in all; indented parts run beside each other, on several threads\n", r.Seconds), lineWidth(a.err)))
	// What cannot be printed to stderr cannot be told anywhere.
	_ = printFitting(a.err, "  ", columns, rows, page(a.err))
	fmt.Fprintf(a.err, "\nTo temporary files %s; peak memory %s.\n", size(r.SpilledBytes), size(r.PeakMemory))
}

// item is one entry of a printed list: a name, and what there is to say of it.
type item struct {
	name  string
	texts []string
}

func bySource(tables []etl.Table, texts func(etl.Table) []string) []item {
	var items []item
	for _, t := range tables {
		if x := texts(t); len(x) > 0 {
			items = append(items, item{t.Source, x})
		}
	}
	return items
}

// lines makes each text an item; of very many the first.
func lines(texts []string) []item {
	const most = 20
	var items []item
	for _, t := range texts[:min(len(texts), most)] {
		items = append(items, item{texts: []string{t}})
	}
	if len(texts) > most {
		items = append(items, item{texts: []string{fmt.Sprintf("and %d more; --json has all of them", len(texts)-most)}})
	}
	return items
}

// ranked writes counts by name, the largest first.
func ranked(m map[string]int64) []string {
	names := slices.SortedFunc(maps.Keys(m), func(x, y string) int {
		return cmp.Or(cmp.Compare(m[y], m[x]), cmp.Compare(x, y))
	})
	for i, n := range names {
		names[i] = clip(n, 60) + " " + count(m[n])
	}
	return names
}

func newColumns(t etl.Table) []string {
	var texts []string
	for _, c := range t.NewColumns {
		texts = append(texts, c.Name+" "+c.Type.String())
	}
	return texts
}

func oddities(t etl.Table) []string {
	var texts []string
	for _, x := range []struct {
		n         int64
		one, many string
	}{
		{t.DuplicateKeys, "record with a key twice (the last counts)", "records with a key twice (the last counts)"},
		{t.Floored, "time finer than a millisecond (floored)", "times finer than a millisecond (floored)"},
		{t.SourceDiffers, "record that names another source than its folder", "records that name another source than their folder"},
	} {
		if x.n > 0 {
			texts = append(texts, plural(x.n, x.one, x.many))
		}
	}
	return texts
}

// maxTexts is how many texts of one item are printed.
const maxTexts = 12

// printList prints items below a title, texts separated by commas and broken between them. Nothing is printed where
// there are no items.
func printList(w io.Writer, title string, items []item) {
	if len(items) == 0 {
		return
	}
	width := page(w)
	fmt.Fprintf(w, "\n%s\n", screen.Wrap(title, width))
	name := 0
	for _, x := range items {
		name = max(name, screen.Width(x.name))
	}
	indent := 2
	if name > 0 {
		indent += name + 2
	}
	for _, x := range items {
		texts := x.texts
		if len(texts) > maxTexts {
			texts = append(slices.Clone(texts[:maxTexts]), fmt.Sprintf("and %d more", len(texts)-maxTexts))
		}
		line := "  " + x.name
		line += strings.Repeat(" ", indent-screen.Width(line))
		for i, word := range breakable(texts) {
			if i > 0 && screen.Width(line)+screen.Width(word) >= width {
				fmt.Fprintln(w, strings.TrimRight(line, " "))
				line = strings.Repeat(" ", indent)
			}
			line += word + " "
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// breakable joins texts by commas and gives the pieces between which a line may break: the texts, or the words of a
// single text.
func breakable(texts []string) []string {
	if len(texts) == 1 {
		return strings.Fields(clip(texts[0], 0))
	}
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = clip(t, 0)
		if i < len(texts)-1 {
			out[i] += ","
		}
	}
	return out
}

// next tells which commands to try, each with what it is good for.
func (a *app) next(commands ...[2]string) {
	a.say("\nNext\n")
	width := 0
	for i := range commands {
		commands[i][0] = a.again(commands[i][0])
		width = max(width, screen.Width(commands[i][0]))
	}
	narrow := page(a.err) < pageWidth
	for _, c := range commands {
		if narrow {
			a.say("  %s\n    %s\n", c[0], c[1])
			continue
		}
		a.say("  %s%s  %s\n", c[0], strings.Repeat(" ", width-screen.Width(c[0])), c[1])
	}
}
