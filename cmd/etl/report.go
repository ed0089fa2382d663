package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"datalake/etl/report"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
)

func (a *app) reportCommand() *cobra.Command {
	var output string
	var o report.Options
	c := a.wrap(&cobra.Command{
		Use: "report [RUN] [-o FILE] [flags]", Short: "Write a page about a run",
		Long: `Writes one HTML file about a run: what came in and what became of it, the columns with
their nulls, distinct values and histograms, what was set aside and why, partitions,
files, and where the time went. RUN is a number of "etl log" or an attempt's id; without
it, it is the newest run. The page shows values of the data, unless --no-values is
given. It needs no network: mail it, or keep it. --json gives what the page is made of.`,
		Example: `  etl report
  etl report 12 -o run-12.html --lake my-lake
  etl report --no-values -o - | mail -s "run" -a "Content-Type: text/html" team
  etl report --json | jq '.sources[].columns[] | {name, nulls, distinct}'`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one run: %q is too much", c.CommandPath(), args[1])
			}
			return nil
		},
	}, readCodes, func(ctx context.Context, args []string) error {
		if a.console.json && output != "" {
			return usage(errors.New("--json writes to stdout, and no page: leave -o out"))
		}
		r, err := a.makeReport(ctx, args, o)
		if errors.Is(err, report.ErrNoRun) {
			return usage(err)
		}
		if err != nil {
			return err
		}
		if a.console.json {
			return a.object(r)
		}
		return a.writeReport(r, output)
	})
	f := c.Flags()
	f.StringVarP(&output, "output", "o", "", "`file` to write, - for stdout (default run-N.html, N being the run)")
	f.BoolVar(&o.NoValues, "no-values", false, "leave out what shows values: least, greatest and frequent ones, and records set aside")
	f.Int64Var(&o.Rows, "rows", 0, "look at about so many `rows` of those that the run wrote (default 1000000)")
	return c
}

func (a *app) makeReport(ctx context.Context, args []string, o report.Options) (*report.Report, error) {
	if o.Rows < 0 {
		return nil, usage(fmt.Errorf("--rows %d: at least 1, or 0 for the default", o.Rows))
	}
	l, err := a.open()
	if err != nil {
		return nil, err
	}
	if err := a.mustExist(l); err != nil {
		return nil, err
	}
	log, err := commitlog.Open(ctx, l.zones.State.Sub(layout.Processed))
	if err != nil {
		return nil, err
	}
	run := ""
	if len(args) == 1 {
		run = args[0]
	}
	seq, err := report.Find(ctx, log, run)
	if err != nil {
		return nil, err
	}
	return report.Make(ctx, report.Lake{Log: log, Processed: l.zones.Processed, Quarantine: l.zones.Quarantine}, seq, o)
}

func (a *app) writeReport(r *report.Report, output string) error {
	var page bytes.Buffer
	if err := report.WritePage(&page, r, a.lake); err != nil {
		return err
	}
	if output == "-" {
		_, err := a.out.Write(page.Bytes())
		return err
	}
	if output == "" {
		output = fmt.Sprintf("%s-%d.html", r.Kind, r.Seq)
	}
	if err := os.WriteFile(output, page.Bytes(), 0o666); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	a.event("report written", "run", r.Seq, "file", output)
	a.say("Wrote %s, %s, about %s %d.\n", filepath.Clean(output), size(int64(page.Len())), r.Kind, r.Seq)
	return nil
}
