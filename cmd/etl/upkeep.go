package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/etl/commit/mend"
)

// openToKeep opens a lake for the commands that look after it.
func (a *app) openToKeep(ctx context.Context) (commit.Lake, etl.Job, error) {
	l, err := a.open()
	if err != nil {
		return commit.Lake{}, etl.Job{}, err
	}
	if err := a.mustExist(l); err != nil {
		return commit.Lake{}, etl.Job{}, err
	}
	j := l.job(etl.Job{})
	c, err := j.Commits(ctx)
	return c, j, err
}

func (a *app) verifyCommand() *cobra.Command {
	fast := false
	c := a.wrap(&cobra.Command{
		Use: "verify [--fast] [flags]", Short: "Check files, log and catalog against each other",
		Long: `Checks the chain of the log, the balance of each run, that every file is there with
the size, hash and rows that the log says, that no foreign file lies in a table's
folders, that the catalog shows what was decided, and that no dedupe key occurs twice.
Findings go to stdout: an alarm means that rows are lost, doubled or wrong, or can
be; what is pending, "etl repair" puts right; a note is of what stopped runs have
left, which gc takes away after a day. Nothing is changed.`,
		Example: "  etl verify\n  etl verify --lake my-lake --fast --json",
		Args:    noArgs,
	}, verifyCodes, func(ctx context.Context, _ []string) error {
		l, job, err := a.openToKeep(ctx)
		if err != nil {
			return err
		}
		var checks commit.Checks
		if !fast {
			checks = job.Checks()
		}
		findings, err := commit.Verify(ctx, l, checks)
		if err != nil {
			return etl.Meaning(err)
		}
		if a.console.json {
			if err := a.object(map[string]any{"findings": orEmpty(findings)}); err != nil {
				return err
			}
		} else if len(findings) == 0 {
			a.say("All is as it should be.\n")
		} else {
			p := &printer{w: a.out}
			notes := map[string]int{}
			for _, f := range findings {
				if f.Severity == commit.Note {
					notes[f.What]++
					continue
				}
				severity := fmt.Sprintf("%-8s", f.Severity)
				if f.Severity == commit.Alarm {
					severity = a.paintOut.alarm(severity)
				}
				p.printf("%s %-10s %s\n", severity, f.What, f.Key)
				if f.Detail != "" {
					p.printf("%-8s %-10s %s\n", "", "", f.Detail)
				}
			}
			// What stopped runs have left can be much, and would hide an alarm.
			for _, what := range slices.Sorted(maps.Keys(notes)) {
				p.printf("%-8s %-10s %d; --json names them\n", commit.Note, what, notes[what])
			}
			if p.err != nil {
				return p.err
			}
		}
		for _, f := range findings {
			if f.Severity != commit.Note {
				return errFindings
			}
		}
		return nil
	})
	c.Flags().BoolVar(&fast, "fast", false, "look at the log, the catalog and the listings only, into no file")
	return c
}

func (a *app) repairCommand() *cobra.Command {
	var look mend.Options
	c := a.wrap(&cobra.Command{
		Use: "repair [--content] [flags]", Short: "Bring folders and catalog to what the log says",
		Long: `Brings folders and catalog to the state that the log says: after a run that was
stopped while it published, or after files or the catalog were damaged. A folder with a
file that is foreign or has another size is left, and its partition moves to a new one
with sound copies; with --content every file is read, so that other bytes of the same
size are found too. It deletes nothing; doing it again does nothing new. What it cannot
mend it names.`,
		Example: "  etl repair\n  etl repair --content --lake my-lake --json",
		Args:    noArgs,
	}, repairCodes, func(ctx context.Context, _ []string) error {
		l, _, err := a.openToKeep(ctx)
		if err != nil {
			return err
		}
		m, err := mend.Run(ctx, l, look)
		if err != nil {
			return etl.Meaning(err)
		}
		r, err := commit.Repair(ctx, l)
		if err != nil {
			return etl.Meaning(err)
		}
		if a.console.json {
			if err := a.object(map[string]any{
				"published": r.Seq, "files_copied": r.Copied, "bytes_copied": r.Bytes, "tables": r.Tables, "partitions": r.Partitions,
				"refused": len(r.Refused), "foreign": orEmpty(r.Foreign), "decided": m.Decided, "moved": m.Mended, "lost": m.Lost,
			}); err != nil {
				return err
			}
		}
		a.event("repair finished", "decided", m.Decided, "published", r.Seq, "files_copied", r.Copied, "partitions", r.Partitions,
			"refused", len(r.Refused), "lost", len(m.Lost))
		if m.Decided > 0 {
			a.say("Entry %d moved %s with damaged or foreign files to new folders.\n", m.Decided, plural(len(m.Mended), "partition", "partitions"))
		}
		switch {
		case r.Seq == 0:
			a.say("The log is empty: there is nothing to repair.\n")
		case r.Copied+r.Tables+r.Partitions == 0:
			a.say("Nothing to repair: all shows entry %d, the newest.\n", r.Seq)
		default:
			a.say("Published up to entry %d: %s copied, %s and %s of the catalog brought up to date.\n", r.Seq,
				plural(r.Copied, "file", "files"), plural(r.Tables, "table", "tables"), plural(r.Partitions, "partition", "partitions"))
		}
		for _, f := range r.Foreign {
			a.warn(fmt.Sprintf("foreign file %s: %s", f.Key, f.Detail))
		}
		for _, f := range r.Refused {
			a.warn(f.Error())
		}
		for _, f := range m.Lost {
			a.warn(fmt.Sprintf("%s is damaged: %s", f.Key, f.Detail))
		}
		if len(r.Refused)+len(m.Lost) > 0 {
			return fmt.Errorf("not all could be repaired: the catalog refused %s, and %s cannot be mended",
				plural(len(r.Refused), "partition", "partitions"), plural(len(m.Lost), "file", "files"))
		}
		return nil
	})
	c.Flags().BoolVar(&look.Content, "content", false, "read every file, to find bytes that have changed")
	return c
}

func (a *app) gcCommand() *cobra.Command {
	return a.wrap(&cobra.Command{
		Use: "gc [flags]", Short: "Delete what no state of the tables needs any more",
		Long: `Deletes what runs left behind that were stopped before they decided, files that lie
in two places, and folders that partitions have left: all of it only 24 hours after it
went out of use, for queries may still read it. What goes is decided in the log first.`,
		Example: "  etl gc\n  etl gc --lake my-lake --json",
		Args:    noArgs,
	}, repairCodes, func(ctx context.Context, _ []string) error {
		l, job, err := a.openToKeep(ctx)
		if err != nil {
			return err
		}
		r, err := commit.Collect(ctx, l)
		if err != nil {
			return etl.Meaning(err)
		}
		objects, bytes, err := job.CollectBad(ctx)
		if err != nil {
			return err
		}
		r.Deleted, r.Bytes = r.Deleted+objects, r.Bytes+bytes
		a.event("gc finished", "decided", r.Seq, "deleted", r.Deleted, "bytes", r.Bytes)
		if a.console.json {
			return a.object(map[string]any{
				"decided": r.Seq, "attempts_condemned": r.Condemned, "attempts_settled": r.Settled, "folders": r.Dirs,
				"deleted": r.Deleted, "bytes": r.Bytes, "kept": orEmpty(r.Kept),
			})
		}
		for _, dir := range r.Kept {
			a.warn(fmt.Sprintf("%s stays: a catalog still names it", dir))
		}
		if r.Seq == 0 && r.Deleted == 0 {
			a.say("Nothing to delete.\n")
			return nil
		}
		a.say("Deleted %s, %s", plural(r.Deleted, "object", "objects"), size(r.Bytes))
		if r.Seq > 0 {
			a.say("; decided as entry %d of the log", r.Seq)
		}
		a.say(".\n")
		return nil
	})
}

func (a *app) compactCommand() *cobra.Command {
	var limits limits
	var target string
	o := etl.Compaction{}
	c := a.wrap(&cobra.Command{
		Use: "compact TABLE [--partition PATH] [--target-size SIZE] [--dry-run] [flags]", Short: "Put a table's small files together",
		Long: `Rewrites partitions that consist of many small files into few: each run adds a file to
every partition that it touches. The rows and their order stay, which is checked before
the decision; files that a run adds meanwhile are kept. Four files must become one for a
partition to be rewritten, or two where --partition names it. The old files go with a gc
after 24 hours. processed_data stands for all tables.`,
		Example: "  etl compact iot_sensors\n  etl compact iot_sensors --partition year=2025/month=11 --dry-run\n  etl compact processed_data --target-size 128MiB --json",
		Args:    oneArg("table"),
	}, repairCodes, func(ctx context.Context, args []string) error {
		j := etl.Job{}
		err := limits.apply(&j)
		if err != nil {
			return err
		}
		if o.TargetSize, err = parseSize(target); err != nil {
			return usage(fmt.Errorf("--target-size: %w", err))
		}
		if _, o.Source, err = a.openTable(ctx, args[0]); err != nil {
			return err
		}
		l, err := a.open()
		if err != nil {
			return err
		}
		p := newProgress(a.console)
		j = l.job(j)
		j.Progress = p.update
		r, err := etl.Compact(ctx, j, o)
		p.close()
		if err != nil {
			if r != nil && r.Decided > 0 {
				err = fmt.Errorf("%w (entry %d is decided; the next run or %q publishes it)", err, r.Decided, a.again("repair"))
			}
			return err
		}
		a.event("compact finished", "result", r)
		if a.console.json {
			if err := a.object(r); err != nil {
				return err
			}
		}
		a.compacted(r, o.DryRun)
		return nil
	})
	f := c.Flags()
	f.StringVar(&o.Partition, "partition", "", "only this partition and those below it: year=2025/month=11/day=24")
	f.StringVar(&target, "target-size", "256MiB", "the size of a file up to which smaller ones are put together")
	f.BoolVar(&o.DryRun, "dry-run", false, "tell what would be done, and do nothing")
	limits.flags(c)
	return c
}

// compacted tells people what a compaction did, or would do.
func (a *app) compacted(r *etl.Compacted, dry bool) {
	if a.quiet || a.logJSON {
		return
	}
	if len(r.Partitions) == 0 {
		a.say("Nothing to do: no partition has many small files.\n")
		return
	}
	columns := []column{
		{name: "partition", cut: 80},
		{name: "rows", right: true},
		{name: "files", right: true},
		{name: "after", right: true},
		{name: "size", right: true},
	}
	if !dry {
		columns = append(columns, column{name: "after", right: true})
	}
	var rows [][]string
	for _, p := range r.Partitions {
		rows = append(rows, []string{p.Path, count(p.Rows), count(p.Files), count(p.FilesAfter), size(p.Bytes), size(p.BytesAfter)})
	}
	// What cannot be printed to stderr cannot be told anywhere.
	_ = printTable(a.err, "  ", columns, rows)
	switch {
	case dry:
		a.say("\nNothing was changed.\n")
	case r.Decided > 0:
		a.say("\nDecided as entry %d of the log, and published. The old files go with: %s, after 24 hours.\n", r.Decided, a.again("gc"))
	}
}
