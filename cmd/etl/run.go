package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"datalake/etl"
)

// settle is how long a file must not have changed before it is read: one that is being written changes more often.
const settle = 2 * time.Second

// limits are the flags of what a run may use.
type limits struct {
	memory   string
	parallel int
	tmp      string
}

func (l *limits) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.memory, "memory", "1GiB", "`size` of what the run may use; rows that wait go to temporary files early enough")
	f.IntVar(&l.parallel, "parallel", 0, "how many `threads` decode and write at once (default one a core)")
	f.StringVar(&l.tmp, "tmp", "", "`folder` for temporary files (default the system's)")
}

// apply puts the flags into a job.
func (l *limits) apply(j *etl.Job) (err error) {
	if j.Memory, err = parseSize(l.memory); err != nil {
		return usage(fmt.Errorf("--memory: %w", err))
	}
	if l.parallel < 0 {
		return usage(fmt.Errorf("--parallel %d: at least 1, or 0 for one a core", l.parallel))
	}
	j.Parallel, j.TempDir = l.parallel, l.tmp
	// The memory of batches and pages is used again and holds no pointers, so collections cost little: at 50 instead of 100 some 1 % of
	// the time, for a fifth of the memory; at 25 another 4 %, for a sixth.
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(j.Memory)
	return nil
}

func (a *app) runCommand() *cobra.Command {
	var maxBad string
	var reach reach
	var limits limits
	var explain, dry bool
	var sample int
	c := a.wrap(&cobra.Command{
		Use: "run [flags]", Short: "Bring the tables up to date with the raw zone",
		Long: `Reads the raw objects that no run has read before, cleans and deduplicates their
records, writes them to Parquet, and publishes them. Objects lie in
<lake>/raw/<source>/, with or without year=YYYY/month=MM/day=DD folders below; they
are JSON or NDJSON, plain, gzip or zstd. Doing it again does nothing new.`,
		Example: "  etl run\n  etl run --max-bad 5%\n  etl run --lake my-lake --since 2025-11-01 --source iot_sensors\n  etl run --dry-run --sample 10000\n  etl run --json --quiet | jq .records_out",
		Args:    noArgs,
	}, runCodes, func(ctx context.Context, _ []string) error {
		var j etl.Job
		if sample < 0 || sample > 0 && !dry {
			return usage(fmt.Errorf("--sample %d: a number of records, with --dry-run", sample))
		}
		if err := limits.apply(&j); err != nil {
			return err
		}
		var err error
		if maxBad != "" {
			if j.MaxBad, err = etl.ParseMaxBad(maxBad); err != nil {
				return usage(fmt.Errorf("--max-bad %w", err))
			}
		}
		l, err := reach.open(a, &j)
		if err != nil {
			return err
		}
		if dry {
			j.Sample = sample
			return a.dryRun(ctx, l, j, explain)
		}
		j.Settle = settle
		r, err := a.run(ctx, l, j)
		if r != nil && explain {
			a.explain(r)
		}
		if r != nil && a.console.json {
			err = errors.Join(err, a.object(r))
		}
		return err
	})
	f := c.Flags()
	f.BoolVar(&explain, "explain", false, "say at the end where time, bytes and memory went")
	f.BoolVar(&dry, "dry-run", false, "show rows, rejects and schema; write nothing anywhere")
	f.IntVar(&sample, "sample", 0, "with --dry-run: read only so many `records`, the beginnings of the objects")
	f.StringVar(&maxBad, "max-bad", "", "end with exit code 3 where more is to be set aside: a `share` of any source's records (5%), or a number in all")
	reach.flags(c)
	limits.flags(c)
	return c
}

// reach are the flags of what a run reads of the raw zone.
type reach struct{ source, since, until string }

func (r *reach) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.source, "source", "", "only the objects of this `folder` of the raw zone")
	f.StringVar(&r.since, "since", "", "only what arrived on this `day` (UTC) or later: YYYY-MM-DD")
	f.StringVar(&r.until, "until", "", "only what arrived on this `day` (UTC) or before")
}

// open opens the lake, which must have a raw zone, and puts the flags into a job.
func (r *reach) open(a *app, j *etl.Job) (l *lake, err error) {
	if j.Since, err = day("--since", r.since); err != nil {
		return nil, err
	}
	if j.Until, err = day("--until", r.until); err != nil {
		return nil, err
	}
	if l, err = a.open(); err != nil {
		return nil, err
	}
	if !isFolder(l.raw) {
		return nil, a.noLake(l)
	}
	if r.source != "" {
		j.Source, err = l.source(r.source)
	}
	return l, err
}

func day(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, usage(fmt.Errorf("%s %s: write a day as 2025-11-24", flag, s))
	}
	return t, nil
}

// run runs a job on a lake with progress, and tells what it did.
func (a *app) run(ctx context.Context, l *lake, j etl.Job) (*etl.Result, error) {
	j = l.job(j)
	if err := l.file.Missing(os.LookupEnv); err != nil {
		return nil, usage(err)
	}
	if l.file != nil {
		for _, w := range l.file.Warnings {
			a.warn(w)
		}
	}
	p := newProgress(a.console)
	j.Progress = p.update
	r, err := etl.Run(ctx, j)
	p.close()
	if r != nil {
		r.Tables = orEmpty(r.Tables)
	}
	if err != nil {
		err = a.failedObject(a.tooBad(err))
		if r != nil && r.Decided > 0 {
			err = fmt.Errorf("%w (entry %d is decided; the next run or %q publishes it)", err, r.Decided, a.again("repair"))
		}
		return r, err
	}
	a.summary(r)
	return r, nil
}
