package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/etl/commit/rollback"
	"datalake/etl/inspect"
)

func (a *app) rollbackCommand() *cobra.Command {
	var again, dry bool
	to := int64(-1)
	c := a.wrap(&cobra.Command{
		Use: "rollback TABLE --to ENTRY [--again] [--dry-run] [flags]", Short: "Bring a table back to what it was after an entry of the log",
		Long: `Brings the rows of a table, and its quarantine, back to what they were after an entry
of the log ("etl log" lists them); processed_data stands for all tables. Nothing is
deleted: the rollback is an entry of its own, and can be rolled back too. The objects
that were read since are held: no run reads them again until "etl release". With
--again they are read by the next run. States go as far back as gc has left them.
An object is read as a whole: where objects that were read since fed other tables
too, all tables have to go back together.`,
		Example: "  etl rollback iot_sensors --to 12 --dry-run\n  etl rollback iot_sensors --to 12\n  etl rollback processed_data --to 12 --again",
		Args:    oneArg("table"),
	}, repairCodes, func(ctx context.Context, args []string) error {
		if to < 0 {
			return usage(errors.New("etl rollback needs --to ENTRY: the entry of the log after which the table was right; etl log lists them"))
		}
		l, source, err := a.openTable(ctx, args[0])
		if err != nil {
			return err
		}
		r, err := rollback.Run(ctx, l, rollback.Options{Source: source, To: uint64(to), DryRun: dry})
		if err != nil {
			return undoError(err)
		}
		out := struct {
			*rollback.Result
			DryRun    bool               `json:"dry_run"`
			Published bool               `json:"published"`
			Released  *rollback.Released `json:"released,omitempty"`
		}{Result: r, DryRun: dry}
		r.Partitions = orEmpty(r.Partitions)
		if !dry {
			if again {
				if out.Released, err = rollback.Release(ctx, l, source); err != nil {
					return undoError(err)
				}
				out.Released.Entries = orEmpty(out.Released.Entries)
			}
			if err := a.publish(ctx, l, r.Decided); err != nil {
				return err
			}
			out.Published = true
		}
		a.event("rollback finished", "result", out)
		if a.console.json {
			if err := a.object(out); err != nil {
				return err
			}
		}
		return a.rolledBack(r, out.Released, source, dry)
	})
	f := c.Flags()
	f.Int64Var(&to, "to", to, "the entry of the log after which the table was right; 0: before the first")
	f.BoolVar(&again, "again", false, "let the next run read again what was read since")
	f.BoolVar(&dry, "dry-run", false, "tell what would be done, and do nothing")
	return c
}

// openTable opens a lake for a command that changes one table, or all: then source is empty.
func (a *app) openTable(ctx context.Context, table string) (l commit.Lake, source string, err error) {
	in, err := a.openToRead(ctx)
	if err != nil {
		return l, "", err
	}
	name, err := in.Resolve(table)
	if err != nil {
		return l, "", usageIfNoTable(err)
	}
	switch name {
	case inspect.Quarantine:
		return l, "", usage(errors.New("the quarantine is no table by itself: name the table whose records it holds, or processed_data for all"))
	case inspect.DataTable:
	default:
		source = strings.TrimPrefix(name, inspect.TablePrefix)
	}
	l, _, err = a.openToKeep(ctx)
	return l, source, err
}

// undoError says what an error of etl/commit/rollback means for the exit code.
func undoError(err error) error {
	if errors.Is(err, rollback.ErrState) || errors.Is(err, rollback.ErrShared) {
		return usage(err)
	}
	return etl.Meaning(err)
}

// publish shows what an entry has decided.
func (a *app) publish(ctx context.Context, l commit.Lake, decided uint64) error {
	r, err := commit.Publish(ctx, l)
	if err == nil && len(r.Refused) > 0 {
		err = fmt.Errorf("the catalog refused %s", plural(len(r.Refused), "partition", "partitions"))
	}
	if err != nil && decided > 0 {
		err = fmt.Errorf("%w (entry %d is decided; the next run or %q publishes it)", err, decided, a.again("repair"))
	}
	if err != nil {
		return etl.Meaning(err)
	}
	for _, f := range r.Foreign {
		a.warn(fmt.Sprintf("foreign file %s: %s", f.Key, f.Detail))
	}
	return nil
}

// rolledBack tells people what a rollback did, or would do.
func (a *app) rolledBack(r *rollback.Result, released *rollback.Released, source string, dry bool) error {
	name := "all tables"
	if source != "" {
		name = inspect.TablePrefix + source
	}
	if len(r.Partitions) == 0 && r.Objects == 0 {
		a.say("Nothing to do: %s has what it had after entry %d.\n", name, r.To)
	} else if !a.quiet && !a.logJSON {
		if dry {
			a.say("Would bring %s back", name)
		} else {
			a.say("Brought %s back", name)
		}
		a.say(" to what it was after entry %d.\n\n", r.To)
		var rows [][]string
		for _, p := range r.Partitions {
			rows = append(rows, []string{p.Zone, p.Path, count(p.Rows), count(p.RowsAfter), count(p.Files), count(p.FilesNow)})
		}
		// What cannot be printed to stderr cannot be told anywhere.
		_ = printTable(a.err, "  ", []column{
			{name: "zone"},
			{name: "partition", cut: 80},
			{name: "rows", right: true},
			{name: "after", right: true},
			{name: "files", right: true},
			{name: "after", right: true},
		}, rows)
		for _, s := range r.Schemas {
			a.say("\nThe older columns, keys and partitions of %s are back too; the lake file must fit them again.", inspect.TablePrefix+s)
		}
		a.say("\n")
	}
	switch {
	case dry:
		if r.Objects > 0 {
			a.say("%s, %s, would be held: read since, and not read again before a release.\n", plural(r.Objects, "object", "objects"), size(r.Bytes))
		}
		a.say("Nothing was changed.\n")
		return nil
	case released != nil && released.Objects > 0:
		a.say("%s will be read again: %s\n", plural(released.Objects, "object", "objects"), a.again("run"))
	case r.Objects > 0:
		a.say("%s, %s, held: read since, and not read again before: %s\n", plural(r.Objects, "object is", "objects are"), size(r.Bytes), a.again(strings.TrimSpace("release "+source)))
	}
	if r.Decided > 0 {
		a.say("Decided as entry %d of the log, and published.\n", r.Decided)
	}
	return nil
}

func (a *app) releaseCommand() *cobra.Command {
	return a.wrap(&cobra.Command{
		Use: "release [TABLE] [flags]", Short: "Let the next run read what a rollback holds",
		Long: `The objects that a rollback holds become pending: the next run reads them. With a
table, only what rollbacks of that table hold.`,
		Example: "  etl release\n  etl release iot_sensors",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one table: %q is too much", c.CommandPath(), args[1])
			}
			return nil
		},
	}, repairCodes, func(ctx context.Context, args []string) error {
		l, _, err := a.openToKeep(ctx)
		source := ""
		if err == nil && len(args) > 0 {
			l, source, err = a.openTable(ctx, args[0])
		}
		if err != nil {
			return err
		}
		r, err := rollback.Release(ctx, l, source)
		if err != nil {
			return undoError(err)
		}
		r.Entries = orEmpty(r.Entries)
		a.event("release finished", "result", r)
		if a.console.json {
			return a.object(r)
		}
		if r.Decided == 0 {
			a.say("Nothing is held.\n")
			return nil
		}
		a.say("%s will be read again: %s\nDecided as entry %d of the log.\n", plural(r.Objects, "object", "objects"), a.again("run"), r.Decided)
		return nil
	})
}
