package main

import (
	"context"
	"fmt"
	"path/filepath"

	"datalake/etl"
	"datalake/etl/forecast"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/storage/file"
)

// rawZone is what --against calls the lake's own raw zone.
const rawZone = "raw"

// against tries a lake file on so many records of the raw zone, or of a folder like it.
func (a *app) against(ctx context.Context, f *lakefile.File, where string, sample int) (*forecast.Verdict, error) {
	if sample < 0 {
		return nil, usage(fmt.Errorf("--sample %d: at least 1, or 0 for all", sample))
	}
	l, err := a.open()
	if err != nil {
		return nil, err
	}
	if where != rawZone {
		dir, err := folder(where)
		if err != nil {
			return nil, err
		}
		store, err := file.Open(filepath.Dir(dir))
		if err != nil {
			return nil, fmt.Errorf("--against %s: %w", where, err)
		}
		l.raw, l.zones.Raw = dir, layout.Zone{Store: store, Prefix: filepath.Base(dir)}
	}
	if !isFolder(l.raw) {
		return nil, usage(fmt.Errorf("--against %s: there is no folder %s", where, l.raw))
	}
	l.file = f
	j := l.job(etl.Job{Sample: sample})
	p := newProgress(a.console)
	j.Progress = p.update
	v, err := forecast.Against(ctx, j)
	p.close()
	return v, err
}

// verdict tells people what a lake file makes of data.
func (a *app) verdict(v *forecast.Verdict) error {
	p := &printer{w: a.out}
	for _, s := range v.Sources {
		note := ""
		if !s.Declared {
			note = " (the lake file does not name it: all defaults)"
		}
		p.printf("\nTried on %s of %s%s: %s, %s.\n", plural(s.Records, "record", "records"), s.Source, note,
			plural(s.Rows, "row", "rows"), plural(s.Records-s.Rows-rejected(s), "duplicate", "duplicates"))
		for _, r := range s.Rejected {
			p.printf("  rejected  %s by %s\n", plural(r.Count, "record", "records"), r.Rule)
			for _, x := range r.Samples {
				p.printf("            %s, byte %d: %s\n              %s\n", x.Object, x.Offset, x.Reason, clip(x.Text(), pageWidth-14))
			}
		}
		for _, r := range s.Rescued {
			why := "no column has this path"
			if r.Column != "" {
				why = fmt.Sprintf("they fit not %s, which is %s", r.Column, r.Type)
			}
			p.printf("  rescued   %s at %s: %s\n", plural(r.Count, "value", "values"), r.Path, why)
		}
		for _, r := range s.Renamed {
			p.printf("  renamed   %s is called %s, not %s\n", r.Path, r.Name, r.Plain)
		}
		for _, c := range s.Unfilled {
			p.printf("  empty     no record has a value at %s (column %s)\n", c.Path, c.Name)
		}
		if len(s.Rejected)+len(s.Rescued)+len(s.Renamed)+len(s.Unfilled) == 0 {
			p.printf("  All records fit.\n")
		}
	}
	for _, s := range v.Silent {
		p.printf("\nNo record of %s was seen.\n", s)
	}
	for _, w := range v.Result.Warnings {
		a.warn(w)
	}
	return p.err
}

func rejected(s forecast.SourceVerdict) (n int64) {
	for _, r := range s.Rejected {
		n += r.Count
	}
	return n
}
