package inspect

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// What a raw object can be.
const (
	Pending  = "pending"  // the next run reads it
	Consumed = "consumed" // a run has read it
	Held     = "held"     // its rows were rolled back; a release makes it pending
	Skipped  = "skipped"  // people gave it up
	Adopted  = "adopted"  // taken as read, when the lake began
)

// LedgerStates are all of them, in the order in which people are told.
var LedgerStates = []string{Consumed, Pending, Held, Skipped, Adopted}

// Ledger says which raw objects are wanted. The zero value wants all.
type Ledger struct {
	// Source is that of the object's folder, State one of LedgerStates, Object a key, with or without the raw zone's prefix. Empty: any.
	Source, State, Object string
	// Since and Until are days of arrival, both included; zero: no bound.
	Since, Until time.Time
}

// RawObject is an object of the raw zone, and what the log says of it.
type RawObject struct {
	Key     string    `json:"object"`
	Source  string    `json:"source"`
	State   string    `json:"state"`
	Bytes   int64     `json:"bytes"`
	Arrived time.Time `json:"arrived"`
	// Seq is the entry that read, held, skipped or adopted it; 0 where it is pending.
	Seq uint64 `json:"entry,omitempty"`
}

// LedgerCount is how many objects of a source are in a state.
type LedgerCount struct {
	Source  string `json:"source"`
	State   string `json:"state"`
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
}

// Objects lists the raw zone by what the log says of its objects: the counts by source and state of all that are wanted, and the first n of
// these by key. What is no data by its name is left out. Objects that are gone from the raw zone are not told of. Errors: a store's.
func (l *Lake) Objects(ctx context.Context, want Ledger, n int) (counts []LedgerCount, objects []RawObject, err error) {
	raw := l.zones.Raw
	type key struct{ source, state string }
	sums := map[key]*LedgerCount{}
	for info, err := range raw.Store.List(ctx, raw.Prefix+"/", "") {
		if err != nil {
			return nil, nil, fmt.Errorf("list raw zone: %w", err)
		}
		if name := path.Base(info.Key); name[0] == '.' || name[0] == '_' {
			continue // no data, see etl/plan
		}
		o := RawObject{Key: info.Key, Source: "default", Bytes: info.Size, Arrived: info.ModTime.UTC()}
		folders := layout.ParseRaw(strings.TrimPrefix(info.Key, raw.Prefix+"/"))
		if folders.Source != "" {
			o.Source = schema.CleanSource(folders.Source)
		}
		if day := time.Unix(folders.Day*24*60*60, 0).UTC(); folders.Dated && !day.Equal(o.Arrived.Truncate(24*time.Hour)) {
			o.Arrived = day
		}
		if !want.place(raw, &o) {
			continue
		}
		if o.State, o.Seq, err = l.stateOf(ctx, info.Key, info.ETag); err != nil {
			return nil, nil, err
		}
		if want.State != "" && o.State != want.State {
			continue
		}
		k := key{o.Source, o.State}
		if sums[k] == nil {
			sums[k] = &LedgerCount{Source: o.Source, State: o.State}
		}
		sums[k].Objects++
		sums[k].Bytes += o.Bytes
		if len(objects) < n {
			objects = append(objects, o)
		}
	}
	for _, c := range sums {
		counts = append(counts, *c)
	}
	slices.SortFunc(counts, func(a, b LedgerCount) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(slices.Index(LedgerStates, a.State), slices.Index(LedgerStates, b.State)))
	})
	return counts, objects, nil
}

// place says whether an object is wanted, whatever its state.
func (w Ledger) place(raw layout.Zone, o *RawObject) bool {
	day := o.Arrived.Truncate(24 * time.Hour)
	return (w.Source == "" || o.Source == w.Source) && (w.Object == "" || o.Key == w.Object || o.Key == raw.Key(w.Object)) &&
		(w.Since.IsZero() || !day.Before(w.Since)) && (w.Until.IsZero() || !day.After(w.Until))
}

func (l *Lake) stateOf(ctx context.Context, key, etag string) (state string, seq uint64, err error) {
	seq, ok, err := l.state.Ledger.Seq(ctx, key, etag)
	if err != nil || !ok {
		return Pending, 0, err
	}
	h, held := l.state.Held[seq]
	switch {
	case !held:
		return Consumed, seq, nil
	case h.Unread == commitlog.Skip:
		return Skipped, seq, nil
	case h.Unread == commitlog.Adopt:
		return Adopted, seq, nil
	}
	return Held, seq, nil
}
