package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/commit"
)

func (a *app) backfillCommand() *cobra.Command {
	var source, from, to, maxBad string
	var limits limits
	var explain bool
	o := etl.BackfillOptions{}
	c := a.wrap(&cobra.Command{
		Use: "backfill --source S (--from D --to D | --all) [--dry-run] [flags]", Short: "Make days of a table anew from raw",
		Long: `Reads again the raw objects that fed the event days from --from to --to, lost
records there, or had records set aside, and those of the source's folder that no
run has read yet; makes the days anew by today's lake file, and replaces them by one
decision, together with the source's quarantine. Records that belong to other days
are added there, unless the table has their keys. After a change of dedupe,
partitions, time zone or types, which "etl run" refuses, all of the table is made
anew: --all. Other tables stay as they are. Objects that are gone, or have changed,
are named, and nothing is done. The rows of before can be had back with "etl
rollback".`,
		Example: "  etl backfill --source iot_sensors --from 2025-11-24 --to 2025-11-25 --dry-run\n  etl backfill --source iot_sensors --from 2025-11-24 --to 2025-11-25\n  etl backfill --source iot_sensors --all --json",
		Args:    noArgs,
	}, runCodes, func(ctx context.Context, _ []string) error {
		if source == "" || o.All == (from != "" || to != "") || (from == "") != (to == "") {
			return usage(errors.New("etl backfill needs --source S, and --from D --to D (event days, both included) or --all"))
		}
		j := etl.Job{}
		err := limits.apply(&j)
		if err != nil {
			return err
		}
		if o.From, err = day("--from", from); err != nil {
			return err
		}
		if o.To, err = day("--to", to); err != nil {
			return err
		}
		if maxBad != "" {
			if j.MaxBad, err = etl.ParseMaxBad(maxBad); err != nil {
				return usage(fmt.Errorf("--max-bad %w", err))
			}
		}
		if _, o.Source, err = a.openTable(ctx, source); err != nil {
			return err
		}
		if o.Source == "" {
			return usage(fmt.Errorf("--source %s: a backfill is of one source; do one after the other", source))
		}
		l, err := a.open()
		if err != nil {
			return err
		}
		j.Settle = settle
		r, err := a.backfill(ctx, l, j, o)
		if r != nil && explain {
			a.explain(&r.Result)
		}
		if r != nil && a.console.json {
			err = errors.Join(err, a.object(r))
		}
		return err
	})
	f := c.Flags()
	f.StringVar(&source, "source", "", "the `source` whose table it is")
	f.StringVar(&from, "from", "", "the first event `day` that is made anew: YYYY-MM-DD, in the source's time zone")
	f.StringVar(&to, "to", "", "the last event `day`, included")
	f.BoolVar(&o.All, "all", false, "make the whole table anew, as the first run of today's lake file would")
	f.BoolVar(&o.DryRun, "dry-run", false, "tell what would be read and made anew, and do nothing")
	f.StringVar(&maxBad, "max-bad", "", "end with exit code 3 where more is to be set aside: a `share` of any source's records (5%), or a number in all")
	f.BoolVar(&explain, "explain", false, "say at the end where time, bytes and memory went")
	limits.flags(c)
	return c
}

// backfill runs a backfill with progress, and tells what it did.
func (a *app) backfill(ctx context.Context, l *lake, j etl.Job, o etl.BackfillOptions) (*etl.Backfilled, error) {
	j = l.job(j)
	if l.file != nil {
		for _, w := range l.file.Warnings {
			a.warn(w)
		}
	}
	p := newProgress(a.console)
	j.Progress = p.update
	r, err := etl.Backfill(ctx, j, o)
	p.close()
	if r != nil {
		r.Tables, r.Renewed = orEmpty(r.Tables), orEmpty(r.Renewed)
	}
	if err != nil {
		err = a.tooBad(err)
		if r != nil && r.Decided > 0 {
			err = fmt.Errorf("%w (entry %d is decided; the next run or %q publishes it)", err, r.Decided, a.again("repair"))
		}
		return r, err
	}
	table := commit.SourceTable(o.Source)
	if o.DryRun {
		a.event("backfill planned", "result", r)
		a.say("Would read %s, %s of them again, %s, and make anew %s of %s:\n\n", plural(r.Objects, "object", "objects"), count(r.Reread), size(r.BytesIn),
			plural(len(r.Renewed), "partition", "partitions"), table)
		for _, path := range slices.Sorted(slices.Values(r.Renewed)) {
			a.say("  %s\n", path)
		}
		if !o.All {
			a.say("\nAll objects of the source are read if rows turn out to have no successor, so that others may take their place.")
		}
		a.say("\nNothing was changed.\n")
		return r, nil
	}
	if r.Decided == 0 && r.Objects == 0 {
		a.event("backfill finished", "result", r)
		a.say("Nothing to do: no object that was read has to do with these days of %s.\n", table)
		return r, nil
	}
	if r.Decided == 0 {
		a.event("backfill finished", "result", r)
		a.say("Read %s again: %s is as it was, and stays.\n", plural(r.Reread, "object", "objects"), table)
		return r, nil
	}
	a.summary(&r.Result)
	a.say("%s, of which %s had been read before; %s made anew.\n", plural(r.Objects, "object was read", "objects were read"), count(r.Reread),
		plural(len(r.Renewed), "partition was", "partitions were"))
	if r.Wide {
		a.say("All objects of the source were read, because rows had no successor whose duplicates might take their place.\n")
	}
	return r, nil
}
