package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"datalake/etl"
)

func (a *app) replayCommand() *cobra.Command {
	var source, rule, since, until string
	var o etl.ReplayOptions
	var limits limits
	c := a.wrap(&cobra.Command{
		Use: "replay [flags]", Short: "Send records of the quarantine through again",
		Long: `Reads records that were set aside once more, by the lake file as it is now: from their
raw objects, or, where these are gone, from what the quarantine kept. Those that pass
leave the quarantine in the entry of the log that adds their rows; the others stay, with
today's rule and reason. They are deduplicated as in a run. Doing it again does
nothing new.`,
		Example: "  etl replay --dry-run\n  etl replay --source iot_sensors --rule required\n  etl replay --since 2025-11-01 --until 2025-11-30 --json",
		Args:    noArgs,
	}, demoCodes, func(ctx context.Context, _ []string) error {
		var j etl.Job
		err := limits.apply(&j)
		if err != nil {
			return err
		}
		o.Source, o.Rule = source, rule
		if o.Since, err = day("--since", since); err != nil {
			return err
		}
		if o.Until, err = day("--until", until); err != nil {
			return err
		}
		l, err := a.open()
		if err != nil {
			return err
		}
		if err := a.mustExist(l); err != nil {
			return err
		}
		p := newProgress(a.console)
		j.Progress = p.update
		r, err := etl.Replay(ctx, l.job(j), o)
		p.close()
		if err != nil && r != nil {
			err = fmt.Errorf("%w (entry %d is decided; the next run or %q publishes it)", err, r.Decided, a.again("repair"))
		}
		if r != nil {
			r.Tables = orEmpty(r.Tables)
			if a.console.json {
				err = errors.Join(err, a.object(r))
			}
		}
		if err == nil {
			a.replayed(r)
		}
		return err
	})
	f := c.Flags()
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would become of the records, and change nothing")
	f.StringVar(&source, "source", "", "records of this source only")
	f.StringVar(&rule, "rule", "", "records that this rule set aside only")
	f.StringVar(&since, "since", "", "records that arrived on this day (UTC) or later: YYYY-MM-DD")
	f.StringVar(&until, "until", "", "records that arrived on this day (UTC) or before")
	limits.flags(c)
	return c
}

// replayed tells what a replay did.
func (a *app) replayed(r *etl.Replayed) {
	a.event("replay finished", "result", r)
	for _, w := range r.Warnings {
		if a.console.logJSON || a.quiet {
			a.warn(w)
		}
	}
	if a.console.logJSON || a.quiet {
		return
	}
	if r.Taken == 0 {
		a.say("The quarantine has no such records.\n")
		return
	}
	would := ""
	if r.DryRun {
		would = "would "
	}
	a.say("Of %s in the quarantine:\n", plural(r.Taken, "record", "records"))
	for _, x := range []struct {
		n    int64
		text string
	}{
		{r.RecordsOut, would + "pass, and become rows"},
		{r.Duplicates, would + "pass, and are duplicates of rows that are there"},
		{r.Quarantined, would + "stay, set aside again"},
		{r.Left, would + "stay unread: the raw object is gone, or nothing can be read there"},
	} {
		if x.n > 0 {
			a.say("  %9s  %s\n", count(x.n), x.text)
		}
	}
	printList(a.err, "Set aside again, by rule", bySource(r.Tables, func(t etl.Table) []string { return ranked(t.Rules) }))
	printList(a.err, "New columns", bySource(r.Tables, newColumns))
	printList(a.err, "Warnings", lines(r.Warnings))
	switch {
	case r.DryRun:
		a.say("\nNothing was changed: --dry-run.\n")
	case r.Decided == 0:
		a.say("\nNothing has changed; no entry was decided.\n")
	default:
		a.say("\nDecided as entry %d of the log, %s.\n", r.Decided, published(r.Published, a))
	}
}

func published(done bool, a *app) string {
	if done {
		return "and published"
	}
	return fmt.Sprintf("not yet published everywhere: the next run or %s does it", a.again("repair"))
}
