package inspect

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// ErrNoAttempt: no run of that id kept its rejects. Wrapped with the ids that there are.
var ErrNoAttempt = errors.New("no run of that id kept rejects")

// Rejects says which of the records that were set aside are wanted. The zero value wants all of the quarantine.
type Rejects struct {
	// Source and Rule, where not empty, are the record's.
	Source, Rule string
	// Object, where not empty, is the key of the raw object, with or without the raw zone's prefix.
	Object string
	// Day of arrival, UTC; zero: any.
	Day time.Time
	// Attempt, where not empty, asks for what that attempt kept when there was too much of it, and not for the quarantine.
	Attempt string
}

// The things by which CountRejects counts.
const (
	ByRule   = "rule"
	BySource = "source"
	ByDay    = "day"
	ByObject = "object"
)

// RejectCount is a number of records that were set aside.
type RejectCount struct {
	// Value of what they were counted by: a rule's name, a source's, a day of arrival, an object's key.
	Value   string `json:"value"`
	Records int64  `json:"records"`
	// Rule and Reason of the first of them.
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

// HeadRejects gives the first n records, those that arrived on the newest day first, each day's in the order of objects and
// offsets, with the fields of the records as columns in order of appearance. Errors: ErrNoAttempt, a store's.
func (l *Lake) HeadRejects(ctx context.Context, want Rejects, n int) (*Rows, error) {
	out := &Rows{Table: Quarantine}
	for line, err := range l.rejects(ctx, want) {
		if err != nil {
			return nil, err
		}
		if len(out.Values) >= n {
			break
		}
		if err := out.addObject(line.text); err != nil {
			return nil, fmt.Errorf("read quarantine: %w", err)
		}
	}
	return out, nil
}

// CountRejects counts records by ByRule, BySource, ByDay or ByObject: the most first, days the newest first. Errors: ErrNoAttempt,
// a store's, and one for what it cannot count by.
func (l *Lake) CountRejects(ctx context.Context, want Rejects, by string) ([]RejectCount, error) {
	value := map[string]func(*rejectLine) string{
		ByRule:   func(r *rejectLine) string { return r.Rule },
		BySource: func(r *rejectLine) string { return r.Source },
		ByDay:    func(r *rejectLine) string { return r.Arrived[:min(len(r.Arrived), len(time.DateOnly))] },
		ByObject: func(r *rejectLine) string { return r.Object },
	}[by]
	if value == nil {
		return nil, fmt.Errorf("count by %q: it can be %s, %s, %s or %s", by, ByRule, BySource, ByDay, ByObject)
	}
	counts := map[string]*RejectCount{}
	for line, err := range l.rejects(ctx, want) {
		if err != nil {
			return nil, err
		}
		v := value(line)
		if counts[v] == nil {
			counts[v] = &RejectCount{Value: v, Rule: line.Rule, Reason: line.Reason}
		}
		counts[v].Records++
	}
	var out []RejectCount
	for _, c := range counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b RejectCount) int {
		if by == ByDay {
			return cmp.Compare(b.Value, a.Value)
		}
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Value, b.Value))
	})
	return out, nil
}

// rejectLine is what is asked of a line of the quarantine, and the line.
type rejectLine struct {
	Source, Object, Arrived, Rule, Reason string

	text []byte // valid until the next line
}

// rejects yields the records that are wanted. A line is valid until the next.
func (l *Lake) rejects(ctx context.Context, want Rejects) iter.Seq2[*rejectLine, error] {
	return func(yield func(*rejectLine, error) bool) {
		var line rejectLine
		for text, err := range l.rejectLines(ctx, want) {
			if err != nil {
				yield(nil, err)
				return
			}
			line = rejectLine{text: text}
			if err := json.Unmarshal(text, &line); err != nil {
				yield(nil, fmt.Errorf("read quarantine: %w", err))
				return
			}
			if want.Rule != "" && line.Rule != want.Rule || want.Object != "" && line.Object != want.Object && line.Object != l.zones.Raw.Key(want.Object) {
				continue
			}
			if !yield(&line, nil) {
				return
			}
		}
	}
}

// rejectLines yields the lines of the partitions that are wanted.
func (l *Lake) rejectLines(ctx context.Context, want Rejects) iter.Seq2[[]byte, error] {
	if want.Attempt != "" {
		return l.keptLines(ctx, want)
	}
	return func(yield func([]byte, error) bool) {
		parts := l.parts(Quarantine)
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(when(b.Path), when(a.Path)) })
		for _, p := range parts {
			if !want.partition(p.Path) {
				continue
			}
			for line, err := range l.lines(ctx, p) {
				if !yield(line, err) || err != nil {
					return
				}
			}
		}
	}
}

// partition says whether records of a partition of the quarantine may be wanted.
func (w Rejects) partition(path string) bool {
	if w.Source != "" && layout.SourceOf(path) != w.Source {
		return false
	}
	return w.Day.IsZero() || when(path) == w.Day.Format("year=2006/month=01/day=02")
}

// keptLines yields the lines that an attempt kept.
func (l *Lake) keptLines(ctx context.Context, want Rejects) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		z, found := l.log.Zone(), false
		var keys []string
		prefix := z.Key(layout.BadPath(want.Attempt, ""))
		for info, err := range z.Store.List(ctx, prefix, "") {
			if err != nil {
				yield(nil, fmt.Errorf("list kept rejects: %w", err))
				return
			}
			found = true
			path := folderOf(info.Key[len(prefix):])
			if strings.HasSuffix(info.Key, ".ndjson.zst") && want.partition(path) {
				keys = append(keys, info.Key)
			}
		}
		if !found {
			yield(nil, l.noAttempt(ctx, want.Attempt))
			return
		}
		day := func(key string) string { return when(folderOf(key[len(prefix):])) }
		slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(day(b), day(a)) })
		for _, key := range keys {
			r, err := storage.OpenReader(ctx, z.Store, key)
			if err != nil {
				yield(nil, fmt.Errorf("open kept rejects: %w", err))
				return
			}
			if !fileLines(r, yield) {
				return
			}
		}
	}
}

// noAttempt names the attempts that kept rejects, the newest first.
func (l *Lake) noAttempt(ctx context.Context, attempt string) error {
	z := l.log.Zone()
	type kept struct {
		id string
		at time.Time
	}
	var all []kept
	for info, err := range z.Store.List(ctx, z.Key(layout.BadPrefix), "") {
		if err != nil {
			return fmt.Errorf("list kept rejects: %w", err)
		}
		id, name, _ := strings.Cut(strings.TrimPrefix(info.Key, z.Key(layout.BadPrefix)), "/")
		if name == layout.BadSummary {
			all = append(all, kept{id, info.ModTime})
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("%w: %s; no run has ended because of --max-bad in the last 30 days", ErrNoAttempt, attempt)
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.id, b.id)) })
	var b bytes.Buffer
	for i, k := range all[:min(len(all), 5)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s (%s)", k.id, k.at.UTC().Format("2006-01-02 15:04"))
	}
	return fmt.Errorf("%w: %s; those that did, newest first: %s", ErrNoAttempt, attempt, b.String())
}

// folderOf is a path without its last name, and without the slash before it.
func folderOf(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }
