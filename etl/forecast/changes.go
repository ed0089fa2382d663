package forecast

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"datalake/etl"
	"datalake/pkg/lakefile"
	"datalake/pkg/schema"
)

// The meanings of a Change.
const (
	// NextRun: it holds for what is read from the next run on; rows that are there stay as they are.
	NextRun = "next_run"
	// Backfill: it gives the rows that are there another meaning: a run is refused until the table has been made anew.
	Backfill = "backfill"
)

// Change is what one edit of the lake file means for a table, compared with what the table's last run has fixed.
type Change struct {
	Source string `json:"source"`
	// What was edited, in words: column total: double, was bigint.
	What string `json:"what"`
	// Means is NextRun or Backfill.
	Means string `json:"means"`
	// Says what becomes of new rows, and of those that are there.
	Says string `json:"says"`
	// Command does what is needed, without the program's name; empty: the next run.
	Command string `json:"command,omitempty"`
}

// Changes compares the lake file with the tables, source by source. A table without an entry is as the file has it: an edit of comments,
// order or defaults means nothing. In a lake that no run has touched there is nothing to compare with. Errors: those of reading the log.
func Changes(ctx context.Context, z etl.Zones, file *lakefile.File) ([]Change, error) {
	state, err := head(ctx, z)
	if err != nil {
		return nil, fmt.Errorf("read commit log: %w", err)
	}
	if file == nil || state.Seq == 0 {
		return nil, nil
	}
	var all []Change
	for _, source := range slices.Sorted(maps.Keys(state.Sources)) {
		stored := state.Sources[source].Schema
		if stored == nil {
			continue
		}
		if declared, ok := file.Sources[source]; ok {
			all = append(all, changesOf(source, stored, declared)...)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(file.Sources)) {
		if state.Sources[source].Schema == nil {
			all = append(all, Change{Source: source, What: "a new source", Means: NextRun, Says: "its first run makes the table"})
		}
	}
	return all, nil
}

// changesOf compares what is declared of a source with its stored schema.
func changesOf(source string, stored *schema.Schema, declared lakefile.Source) (all []Change) {
	next, meanings := declared.Apply(stored)
	add := func(means, what, says string) {
		c := Change{Source: source, What: what, Means: means, Says: says}
		if means == Backfill {
			c.Command = "backfill --source " + source + " --all"
		}
		all = append(all, c)
	}
	renamed := map[string]bool{}
	for _, what := range meanings {
		says := "rows that are there would mean something else: a run is refused until the table is made anew"
		if _, to, ok := strings.Cut(what, ": now named "); ok {
			renamed[to] = true
			says = "older files have the old name: a run is refused until the table is made anew"
		}
		add(Backfill, what, says)
	}
	say := func(what, was, is, says string) {
		if was != is {
			add(NextRun, fmt.Sprintf("%s: %s, was %s", what, is, was), says)
		}
	}
	say("on_type_conflict", stored.OnTypeConflict, next.OnTypeConflict, "for values that do not fit from now on; those in _rescued and in quarantine stay there until a backfill or a replay")
	say("other_columns", stored.OtherColumns, next.OtherColumns, "for fields without a column from now on")
	changed := map[string]bool{}
	for _, what := range meanings {
		name, _, _ := strings.Cut(strings.TrimPrefix(what, "column "), ":")
		changed[name] = true
	}
	for _, c := range next.Columns {
		i := stored.Index(c.Name)
		if i < 0 {
			if !renamed[c.Name] && c.Role != schema.Key { // whose table is made anew
				add(NextRun, fmt.Sprintf("new column %s %s", c.Name, c.Type), "at the end of the table; null in older rows until a backfill")
			}
			continue
		}
		if !changed[c.Name] {
			all = append(all, columnChanges(source, stored.Columns[i], c)...)
		}
	}
	if was, is := text(stored.Rules), text(next.Rules); was != is {
		add(NextRun, "rules: changed", "they are asked of new rows; older rows keep their quality_score until a backfill")
	}
	return all
}

// columnChanges compares a column whose rows mean the same as before.
func columnChanges(source string, was, is schema.Column) (all []Change) {
	add := func(what, says string) {
		all = append(all, Change{Source: source, What: "column " + is.Name + ": " + what, Means: NextRun, Says: says})
	}
	if was.Type.String() != is.Type.String() { // wider: others are differences
		add(fmt.Sprintf("%s, was %s", is.Type, was.Type), "older files stay as they are, and readers take them for the wider type")
	}
	switch {
	case is.Required && !was.Required:
		add("required", "records without it go to quarantine from now on; older rows stay")
	case was.Required && !is.Required:
		add("no longer required", "for new records; those in quarantine stay there until a replay")
	}
	if text(was.Clean) != text(is.Clean) {
		add("cleaned otherwise", "values are cleaned so from now on; older rows stay as they are until a backfill")
	}
	if text(was.Check) != text(is.Check) {
		add("checked otherwise", "values are checked so from now on; older rows stay as they are until a backfill")
	}
	if was.Expr != is.Expr {
		add("derived otherwise", "new rows are derived so; older rows stay as they are until a backfill")
	}
	return all
}

// text is a value as JSON, to compare it.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error() // plain structs have no such error
	}
	return string(b)
}
