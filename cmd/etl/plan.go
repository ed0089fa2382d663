package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/forecast"
	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
)

func (a *app) planCommand() *cobra.Command {
	var prices string
	var reach reach
	var limits limits
	c := a.wrap(&cobra.Command{
		Use: "plan [flags]", Short: "Tell what a run would read, write, need and cost",
		Long: `Tries the next run on a sample, in memory and temporary files, and draws from that
what the run would read, write and need on this machine: records, rows, files, bytes,
memory, time; and its price as one Fargate task on S3. Of up to 64 MiB of raw objects
all is tried, and counts are exact. Says first what each edit of the lake file since
the last run means for each table: from the next run on, or only after a backfill.
Nothing is written to the lake.`,
		Example: "  etl plan\n  etl plan --lake my-lake --parallel 4 --memory 2GiB\n  etl plan --json | jq .cost.total_usd",
		Args:    noArgs,
	}, readCodes, func(ctx context.Context, _ []string) error {
		var j etl.Job
		if err := limits.apply(&j); err != nil {
			return err
		}
		var o forecast.Options
		if prices != "" {
			text, err := os.ReadFile(prices)
			if err == nil {
				o.Prices, err = forecast.ParsePrices(text)
			}
			if err != nil {
				return usage(fmt.Errorf("--prices: %w", err))
			}
		}
		l, err := reach.open(a, &j)
		if err != nil {
			return err
		}
		return a.plan(ctx, l, j, o)
	})
	f := c.Flags()
	reach.flags(c)
	f.StringVar(&prices, "prices", "", "a JSON `file` with other prices than those of us-east-1; --json shows the keys")
	limits.flags(c)
	return c
}

// plan tells of the edits, and of the run unless they forbid it.
func (a *app) plan(ctx context.Context, l *lake, j etl.Job, o forecast.Options) error {
	changes, err := forecast.Changes(ctx, l.zones, l.file)
	if err != nil {
		return err
	}
	refused := false
	for _, c := range changes {
		refused = refused || c.Means == forecast.Backfill
	}
	var f *forecast.Forecast
	if !refused {
		if o.Disk, err = diskOf(ctx, j.TempDir); err != nil {
			return err
		}
		if f, err = forecast.Foresee(ctx, l.job(j), o); err != nil {
			return err
		}
	}
	a.event("planned", "changes", changes, "forecast", f)
	if a.console.json {
		return a.object(struct {
			Changes []forecast.Change  `json:"changes"`
			Refused bool               `json:"refused"`
			Run     *forecast.Forecast `json:"run"`
		}{orEmpty(changes), refused, f})
	}
	p := &printer{w: a.out}
	a.printChanges(p, changes)
	if f != nil {
		printForecast(p, f)
	} else {
		p.printf("\nA run is refused until the tables are made anew, or the edits are taken back.\n")
	}
	return p.err
}

func (a *app) printChanges(p *printer, changes []forecast.Change) {
	if len(changes) == 0 {
		return
	}
	p.printf("Edits of the lake file since the last run\n")
	for _, c := range changes {
		means := "from the next run on"
		if c.Means == forecast.Backfill {
			means = "needs a backfill"
		}
		p.printf("  processed_%s  %s\n    %s: %s\n", c.Source, c.What, means, c.Says)
		if c.Command != "" {
			p.printf("    %s\n", a.again(c.Command))
		}
	}
	p.printf("\n")
}

// printForecast tells people what a run would do.
func printForecast(p *printer, f *forecast.Forecast) {
	if f.Objects == 0 {
		p.printf("A run would read nothing: nothing is new.\n")
		return
	}
	about := ""
	if f.Sampled {
		about = "about "
		p.printf("A run would, by a sample of %s:\n", plural(f.Tried, "record", "records"))
	} else {
		p.printf("A run would (all of it was tried; counts are exact):\n")
	}
	p.printf("  read     %s, %s, %s%s\n", plural(f.Objects, "object", "objects"), size(f.BytesIn), about, plural(f.RecordsIn, "record", "records"))
	p.printf("  write    %s%s into %s%s, %s, %s\n", about, plural(f.RecordsOut, "row", "rows"), about, plural(f.Partitions, "partition", "partitions"), plural(f.Files, "file", "files"), size(f.BytesOut))
	p.printf("  drop     %s%s; quarantine %s; rescue values of %s\n", about, plural(f.Duplicates, "duplicate", "duplicates"), plural(f.Quarantined, "record", "records"), plural(f.Rescued, "record", "records"))
	if f.Replaced > 0 {
		p.printf("  replace  %s%s of the tables\n", about, plural(f.Replaced, "row", "rows"))
	}
	p.printf("  need     about %s of memory, %s of temporary files\n", size(f.PeakMemory), size(f.Spilled))
	p.printf("  take     about %s on this machine\n", duration(time.Duration(f.Seconds*float64(time.Second))))
	c := f.Cost
	p.printf("  cost     about $%s: a Fargate task of %g vCPU and %g GB for %g s $%s, S3 requests $%s;\n           storage $%s a month (%s, %s)\n",
		dollars(c.Total), c.VCPU, c.GB, c.Seconds, dollars(c.Compute), dollars(c.Requests), dollars(c.Storage), c.Prices.Region, c.Prices.Date)
	if len(f.Tables) > 1 && p.err == nil {
		p.printf("\n")
		var rows [][]string
		for _, t := range f.Tables {
			rows = append(rows, []string{t.Source, count(t.RecordsIn), count(t.RecordsOut), count(t.Duplicates), count(t.Quarantined), count(t.Rescued), count(t.Partitions)})
		}
		p.err = printTable(p.w, "  ", []column{
			{name: ""},
			{name: "in", right: true},
			{name: "out", right: true},
			{name: "duplicates", right: true},
			{name: "quarantined", right: true},
			{name: "rescued", right: true},
			{name: "partitions", right: true},
		}, rows)
	}
	if p.err == nil {
		printList(p.w, "Warnings", lines(f.Warnings))
	}
}

// dollars writes an amount with the digits that matter.
func dollars(x float64) string {
	switch {
	case x >= 1:
		return fmt.Sprintf("%.2f", x)
	case x >= 0.001:
		return fmt.Sprintf("%.4f", x)
	}
	return fmt.Sprintf("%.6f", x)
}

// diskOf measures what a file costs on the disk of temporary files, which may be another than the lake's: see --tmp.
func diskOf(ctx context.Context, dir string) (d forecast.Disk, err error) {
	const files = 32
	dir, err = os.MkdirTemp(dir, "etl-plan-*")
	if err != nil {
		return d, fmt.Errorf("measure the disk: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := file.Open(dir)
	if err != nil {
		return d, fmt.Errorf("measure the disk: %w", err)
	}
	began := time.Now()
	for i := range files { // each in a folder of its own, as partitions are
		key := fmt.Sprintf("z@/a/%d/x", i)
		if _, err := s.Put(ctx, key, bytes.NewReader(make([]byte, 32<<10)), storage.PutOptions{Once: true}); err != nil {
			return d, fmt.Errorf("measure the disk: %w", err)
		}
		if _, err := s.Copy(ctx, key, fmt.Sprintf("z/%d/x", i)); err != nil {
			return d, fmt.Errorf("measure the disk: %w", err)
		}
	}
	d.Write = time.Since(began).Seconds() / files
	began = time.Now()
	for i := range files {
		r, _, err := s.Get(ctx, fmt.Sprintf("z/%d/x", i), storage.GetOptions{})
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			err = errors.Join(err, r.Close())
		}
		if err != nil {
			return d, fmt.Errorf("measure the disk: %w", err)
		}
	}
	d.Read = time.Since(began).Seconds() / files
	return d, nil
}
