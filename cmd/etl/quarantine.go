package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"datalake/etl"
	"datalake/etl/inspect"
)

// rejectFlags say which records of the quarantine a command is about.
type rejectFlags struct {
	source, rule, day, object, attempt, by string
}

// rejectFlagNames are those that make sense for the quarantine alone.
var rejectFlagNames = []string{"source", "rule", "day", "object", "attempt", "by"}

func (r *rejectFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&r.source, "source", "", "of the quarantine: records of this source")
	f.StringVar(&r.rule, "rule", "", "of the quarantine: records that this rule set aside")
	f.StringVar(&r.day, "day", "", "of the quarantine: records that arrived on this day (UTC): YYYY-MM-DD")
	f.StringVar(&r.object, "object", "", "of the quarantine: records of this raw object")
	f.StringVar(&r.attempt, "attempt", "", "what a run kept that --max-bad ended, by the run's id")
	f.StringVar(&r.by, "by", "", "of the quarantine: count records by rule, source, day or object")
}

// wanted are the records that the flags mean.
func (r *rejectFlags) wanted() (inspect.Rejects, error) {
	at, err := day("--day", r.day)
	return inspect.Rejects{Source: r.source, Rule: r.rule, Object: r.object, Day: at, Attempt: r.attempt}, err
}

// onlyQuarantine refuses flags of the quarantine with another table.
func onlyQuarantine(c *cobra.Command, table string) error {
	for _, name := range rejectFlagNames {
		if table != inspect.Quarantine && c.Flags().Changed(name) {
			return usage(fmt.Errorf("--%s goes with the table quarantine only", name))
		}
	}
	return nil
}

// headQuarantine shows records that were set aside, or counts them.
func (a *app) headQuarantine(ctx context.Context, l *inspect.Lake, r *rejectFlags, n int) error {
	want, err := r.wanted()
	if err != nil {
		return err
	}
	if r.by != "" {
		return a.countQuarantine(ctx, l, want, r.by)
	}
	rows, err := l.HeadRejects(ctx, want, n)
	if err != nil {
		return usageIfNoAttempt(err)
	}
	return a.printHead(rows)
}

func (a *app) countQuarantine(ctx context.Context, l *inspect.Lake, want inspect.Rejects, by string) error {
	switch by {
	case inspect.ByRule, inspect.BySource, inspect.ByDay, inspect.ByObject:
	default:
		return usage(fmt.Errorf("--by %s: it can be rule, source, day or object", by))
	}
	counts, err := l.CountRejects(ctx, want, by)
	if err != nil {
		return usageIfNoAttempt(err)
	}
	if a.console.json {
		return a.object(map[string]any{"by": by, "counts": orEmpty(counts)})
	}
	if len(counts) == 0 {
		a.say("No records.\n")
		return nil
	}
	var rows [][]string
	for _, c := range counts {
		example := c.Reason
		if by != inspect.ByRule {
			example = c.Rule + ": " + c.Reason
		}
		rows = append(rows, []string{c.Value, count(c.Records), example})
	}
	return printTable(a.out, "", []column{{name: by, cut: 60}, {name: "records", right: true}, {name: "the first of them", cut: 60}}, rows)
}

// usageIfNoAttempt makes an attempt's wrong id a fault of the command line.
func usageIfNoAttempt(err error) error {
	if errors.Is(err, inspect.ErrNoAttempt) {
		return usage(err)
	}
	return err
}

// tooBad tells, besides, where the records are that a run would have set aside.
func (a *app) tooBad(err error) error {
	var bad *etl.BadError
	if !errors.As(err, &bad) {
		return err
	}
	look := "head quarantine --attempt " + bad.Attempt
	return fmt.Errorf("%w. The objects are still pending. To look at the records: %s; by rule: %s", err, a.again(look), a.again(look+" --by rule"))
}
