package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
)

// Entry is one decision of the log.
type Entry struct {
	Seq uint64 `json:"seq"`
	// When is the store's time of the entry.
	When    time.Time `json:"when"`
	Kind    string    `json:"kind"`
	Attempt string    `json:"attempt"`
	Program string    `json:"program,omitempty"`
	// By and Why are who decided it and what for, where people did so by hand.
	By  string `json:"by,omitempty"`
	Why string `json:"why,omitempty"`
	// In = Out + Duplicates + Quarantined.
	In          int64 `json:"records_in"`
	Out         int64 `json:"records_out"`
	Duplicates  int64 `json:"duplicates"`
	Quarantined int64 `json:"quarantined"`
	Replaced    int64 `json:"replaced,omitempty"`
	// Withdrawn records left the quarantine: a replay read them again, or a rollback took them back.
	Withdrawn int64 `json:"withdrawn,omitempty"`
	Rescued   int64 `json:"rescued"`
	Objects   int64 `json:"objects"`
	BytesIn   int64 `json:"bytes_in"`
	BytesOut  int64 `json:"bytes_out"`
	Files     int64 `json:"files"`
	// Rules counts what was quarantined by rule.
	Rules map[string]int64 `json:"rules,omitempty"`
	// Checks counts the records that failed a rule and stayed, by rule.
	Checks map[string]int64 `json:"checks,omitempty"`
	// Partitions of the processed zone that it changed, in order.
	Partitions []string `json:"partitions,omitempty"`
}

// Log gives the newest n entries, the newest first. Errors: those of the commit log.
func (l *Lake) Log(ctx context.Context, n int) ([]Entry, error) {
	var out []Entry
	for seq := l.state.Seq; seq > 0 && len(out) < n; seq-- {
		x, _, err := l.read(ctx, seq)
		if err != nil {
			return nil, err
		}
		out = append(out, *x)
	}
	return out, nil
}

// read reads an entry and its body.
func (l *Lake) read(ctx context.Context, seq uint64) (*Entry, *commitlog.Body, error) {
	e, err := l.log.Entry(ctx, seq)
	if err != nil {
		return nil, nil, err
	}
	body, err := e.ReadBody(ctx)
	if err != nil {
		return nil, nil, err
	}
	when, err := l.when(ctx, seq)
	if err != nil {
		return nil, nil, err
	}
	c := e.Counts
	x := &Entry{
		Seq: seq, When: when, Kind: e.Kind, Attempt: e.Attempt, Program: e.Program, By: e.By, Why: e.Why,
		In: c.In, Out: c.Out, Duplicates: c.Duplicates, Quarantined: c.Quarantined, Replaced: c.Replaced, Withdrawn: c.Withdrawn, Rescued: c.Rescued,
		Objects: c.Inputs, BytesIn: c.BytesIn, BytesOut: c.BytesOut, Files: c.Files, Rules: c.Rules, Checks: c.Checks,
	}
	for _, a := range body.Acts {
		if a.Zone == layout.Processed {
			x.Partitions = append(x.Partitions, a.Path)
		}
	}
	slices.Sort(x.Partitions)
	return x, body, nil
}

// when is the store's time of an entry.
func (l *Lake) when(ctx context.Context, seq uint64) (time.Time, error) {
	z := l.log.Zone()
	info, err := z.Store.Head(ctx, z.Key(layout.LogPath(seq)))
	if err != nil {
		return time.Time{}, fmt.Errorf("read entry %d: %w", seq, err)
	}
	return info.ModTime, nil
}
