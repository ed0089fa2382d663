package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// Status says how a lake stands.
type Status struct {
	// Head is the newest entry of the log, 0 where there is none; Last the newest entry that a run decided.
	Head uint64 `json:"head"`
	Last *Entry `json:"last_run,omitempty"`
	// Objects consumed so far; those that nobody has read, and that no run will; those held by rollbacks; and those in the raw zone that
	// are not consumed yet, with their bytes.
	Consumed     int   `json:"objects_consumed"`
	Skipped      int   `json:"objects_skipped"`
	Adopted      int   `json:"objects_adopted"`
	Held         int   `json:"objects_held"`
	Pending      int   `json:"objects_pending"`
	PendingBytes int64 `json:"bytes_pending"`
	// Unpublished is how many entries some catalog does not show yet.
	Unpublished uint64 `json:"unpublished"`
	// Records over all runs.
	In          int64 `json:"records_in"`
	Out         int64 `json:"records_out"`
	Duplicates  int64 `json:"duplicates"`
	Quarantined int64 `json:"quarantined"`
	Replaced    int64 `json:"replaced,omitempty"`
	Rescued     int64 `json:"rescued"`
	// Rules counts what was quarantined by rule.
	Rules map[string]int64 `json:"rules,omitempty"`
	// Checks counts the records that failed a rule and stayed, by rule.
	Checks map[string]int64 `json:"checks,omitempty"`
	// Widen lists where values did not fit, most first.
	Widen []Misfit `json:"widen,omitempty"`
}

// Misfit is a place in a source's records whose values went to _rescued.
type Misfit struct {
	Source string `json:"source"`
	Path   string `json:"path"`
	Values int64  `json:"values"`
	// Column and Type are the column that they did not fit; empty where the path has none.
	Column string `json:"column,omitempty"`
	Type   string `json:"type,omitempty"`
}

// RescuedNote begins the names of the notes by which an entry's counts tell, source by source, how many values of a
// path were rescued.
const RescuedNote = "rescued:"

// Status looks at the log and lists the raw zone; after a rollback or a backfill it counts the rules in the quarantine's files. Errors: a store's, those of the commit log.
func (l *Lake) Status(ctx context.Context) (*Status, error) {
	c := l.state.Counts
	s := &Status{
		Head: l.state.Seq, Consumed: l.state.Ledger.Len(),
		In: c.In, Out: c.Out, Duplicates: c.Duplicates, Quarantined: c.Quarantined, Replaced: c.Replaced, Rescued: c.Rescued,
		Rules: maps.Clone(c.Rules), Checks: maps.Clone(c.Checks),
	}
	// What a replay read again came in before.
	s.In, s.Quarantined = s.In-c.Withdrawn, s.Quarantined-c.Withdrawn
	for note, n := range c.Notes {
		if rule, ok := strings.CutPrefix(note, commitlog.WithdrawnNote); ok && s.Rules[rule] <= n {
			delete(s.Rules, rule)
		} else if ok {
			s.Rules[rule] -= n
		}
	}
	for _, h := range l.state.Held {
		s.Consumed -= int(h.Inputs)
		switch h.Unread {
		case commitlog.Skip:
			s.Skipped += int(h.Inputs)
			continue
		case commitlog.Adopt:
			s.Adopted += int(h.Inputs)
			continue
		}
		s.Held += int(h.Inputs)
	}
	raw := l.zones.Raw
	for info, err := range raw.Store.List(ctx, raw.Prefix+"/", "") {
		if err != nil {
			return nil, fmt.Errorf("list raw zone: %w", err)
		}
		if name := path.Base(info.Key); name[0] == '.' || name[0] == '_' {
			continue // no data, see etl/plan
		}
		_, consumed, err := l.state.Ledger.Seq(ctx, info.Key, info.ETag)
		if err != nil {
			return nil, err
		}
		if !consumed {
			s.Pending++
			s.PendingBytes += info.Size
		}
	}
	published, err := l.published(ctx)
	if err != nil {
		return nil, err
	}
	s.Unpublished = l.state.Seq - published
	taken, err := l.runs(ctx, s)
	if err != nil {
		return nil, err
	}
	if !taken {
		return s, nil
	}
	counts, err := l.CountRejects(ctx, Rejects{}, ByRule)
	if err != nil {
		return nil, err
	}
	s.Rules = map[string]int64{}
	for _, c := range counts {
		s.Rules[c.Value] = c.Records
	}
	return s, nil
}

// runs goes through the log, newest first, for the last run and the misfits. taken: there is a rollback or a backfill, of which the log does
// not say under which rules the records were that left the quarantine by it.
func (l *Lake) runs(ctx context.Context, s *Status) (taken bool, err error) {
	type place struct{ source, path string }
	misfits := map[place]int64{}
	for seq := l.state.Seq; seq > 0; seq-- {
		e, body, err := l.read(ctx, seq)
		if err != nil {
			return false, err
		}
		taken = taken || e.Kind == commitlog.Rollback || e.Kind == commitlog.Backfill
		if s.Last == nil && e.Kind == commitlog.Run {
			s.Last = e
		}
		for source, c := range body.Counts {
			for note, n := range c.Notes {
				if path, ok := strings.CutPrefix(note, RescuedNote); ok {
					misfits[place{source, path}] += n
				}
			}
		}
	}
	for at, n := range misfits {
		m := Misfit{Source: at.source, Path: at.path, Values: n}
		if sc := l.state.Sources[at.source].Schema; sc != nil {
			for _, c := range sc.Columns {
				if c.Role == schema.EventTime && sc.EventTime.Path != nil && sc.EventTime.Path.String() == at.path ||
					c.Path != nil && c.Path.String() == at.path {
					m.Column, m.Type = c.Name, c.Type.String()
					break
				}
			}
		}
		s.Widen = append(s.Widen, m)
	}
	slices.SortFunc(s.Widen, func(a, b Misfit) int {
		return cmp.Or(cmp.Compare(b.Values, a.Values), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Path, b.Path))
	})
	return taken, nil
}

// published is the newest entry that all catalogs show.
func (l *Lake) published(ctx context.Context) (uint64, error) {
	least := l.state.Seq
	z := l.log.Zone()
	for _, name := range l.state.Catalogs {
		var done string
		prefix := z.Key(layout.PublishPrefix + name + "/")
		for info, err := range z.Store.List(ctx, prefix, "") {
			if err != nil {
				return 0, fmt.Errorf("list publishes: %w", err)
			}
			path, err := z.Rel(info.Key)
			if err != nil {
				return 0, err
			}
			if _, isDone, ok := layout.ParseClaim(name, path); ok && isDone {
				done = info.Key
			}
		}
		var at struct{ Seq uint64 }
		if done != "" {
			r, _, err := z.Store.Get(ctx, done, storage.GetOptions{})
			if err != nil {
				return 0, fmt.Errorf("read publish: %w", err)
			}
			text, err := io.ReadAll(r)
			r.Close()
			if err == nil {
				err = json.Unmarshal(text, &at)
			}
			if err != nil {
				return 0, fmt.Errorf("read publish %s: %w", done, err)
			}
		}
		least = min(least, at.Seq)
	}
	return least, nil
}
