package etl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"datalake/etl/commit"
	"datalake/etl/plan"
	"datalake/pkg/commitlog"
	"datalake/pkg/storage"
)

// Reason says who takes objects as read, or takes that back, and why: it stands in the entry.
type Reason struct{ By, Why string }

// maxReason is how long each text of a reason may be, in bytes: an entry is small.
const maxReason = 1000

func (r Reason) validate() error {
	for _, text := range []string{r.By, r.Why} {
		if len(text) > maxReason || !utf8.ValidString(text) {
			return fmt.Errorf("%w: who and why take at most %d bytes of UTF-8 each", ErrConfig, maxReason)
		}
	}
	return nil
}

// Taken says what was taken as read, or made pending again.
type Taken struct {
	// Decided is the entry; 0 where there was nothing to do.
	Decided uint64 `json:"decided"`
	// Published: every catalog shows it. No table changes by it.
	Published bool  `json:"published"`
	Objects   int64 `json:"objects"`
	// Bytes of the objects taken as read.
	Bytes int64 `json:"bytes"`
}

// Skip takes the raw object of that key, in the version that it has now, as read, with no records, so that runs go on without it.
// Where it is skipped already nothing is done. Errors: ErrConfig if there is no such object, or a run has read it; ErrConflict.
func (j Job) Skip(ctx context.Context, key string, r Reason) (*Taken, error) {
	return j.holding(ctx, r, commitlog.Skip, func(ctx context.Context, base *commitlog.State) (*commitlog.Body, error) {
		info, err := j.Zones.Raw.Store.Head(ctx, key)
		if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrKey) {
			return nil, fmt.Errorf("%w: skip %s: there is no such object in the raw zone", ErrConfig, key)
		}
		if err != nil {
			return nil, fmt.Errorf("skip %s: %w", key, err)
		}
		seq, ok, err := base.Ledger.Seq(ctx, key, info.ETag)
		switch {
		case err != nil:
			return nil, err
		case ok && base.Held[seq].Unread == commitlog.Skip:
			return nil, nil
		case ok && base.Held[seq].Unread == commitlog.Adopt:
			return nil, fmt.Errorf("%w: skip %s: entry %d has adopted it, so no run reads it", ErrConfig, key, seq)
		case ok:
			return nil, fmt.Errorf("%w: skip %s: entry %d has read it", ErrConfig, key, seq)
		}
		return &commitlog.Body{Inputs: []commitlog.Input{{Key: key, ETag: info.ETag, Size: info.Size, ModTime: info.ModTime.UnixMilli()}}}, nil
	})
}

// Unskip makes an object pending that was skipped, in whatever version. Errors: ErrConfig if it is not skipped; ErrConflict.
func (j Job) Unskip(ctx context.Context, key string, r Reason) (*Taken, error) {
	return j.holding(ctx, r, commitlog.Undo, func(ctx context.Context, base *commitlog.State) (*commitlog.Body, error) {
		lake, err := j.Commits(ctx)
		if err != nil {
			return nil, err
		}
		b := &commitlog.Body{}
		for _, seq := range slices.Sorted(maps.Keys(base.Held)) {
			if base.Held[seq].Unread != commitlog.Skip {
				continue
			}
			e, err := lake.Log.Entry(ctx, seq)
			if err != nil {
				return nil, err
			}
			held, err := e.ReadBody(ctx)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(held.Inputs, func(in commitlog.Input) bool { return in.Key == key }) {
				b.Release = append(b.Release, seq)
			}
		}
		if len(b.Release) == 0 {
			return nil, fmt.Errorf("%w: undo the skip of %s: it is not skipped", ErrConfig, key)
		}
		return b, nil
	})
}

// Adopt takes all raw objects that no run has read yet and that arrived until a day, that included, as read without reading them, in one
// entry: the way into a lake whose older data is elsewhere. With a source, those of its folder. Errors: ErrConflict, a store's.
func (j Job) Adopt(ctx context.Context, until time.Time, source string, r Reason) (*Taken, error) {
	return j.holding(ctx, r, commitlog.Adopt, func(ctx context.Context, base *commitlog.State) (*commitlog.Body, error) {
		p, err := plan.List(ctx, j.Zones.Raw, plan.Options{
			Consumed: func(key, etag string) (bool, error) {
				_, ok, err := base.Ledger.Seq(ctx, key, etag)
				return ok, err
			},
			Source: source, Until: until,
		})
		if err != nil || len(p.Objects) == 0 {
			return nil, err
		}
		b := &commitlog.Body{}
		for i, o := range p.Objects {
			b.Inputs = append(b.Inputs, commitlog.Input{Key: o.Key, ETag: o.ETag, Size: o.Size, ModTime: p.ModTimes[i].UnixMilli()})
		}
		return b, nil
	})
}

// Unadopt makes the objects pending that an entry adopted. Errors: ErrConfig if it adopted none, or they are pending already; ErrConflict.
func (j Job) Unadopt(ctx context.Context, entry uint64, r Reason) (*Taken, error) {
	return j.holding(ctx, r, commitlog.Undo, func(_ context.Context, base *commitlog.State) (*commitlog.Body, error) {
		if base.Held[entry].Unread == commitlog.Adopt {
			return &commitlog.Body{Release: []uint64{entry}}, nil
		}
		var adopted []uint64
		for _, seq := range slices.Sorted(maps.Keys(base.Held)) {
			if base.Held[seq].Unread == commitlog.Adopt {
				adopted = append(adopted, seq)
			}
		}
		return nil, fmt.Errorf("%w: entry %d holds no adopted objects; entries that do: %v", ErrConfig, entry, adopted)
	})
}

// holding decides an entry that holds inputs which nobody has read, or lets such go: what body gives, nil if there is nothing to do.
func (j Job) holding(ctx context.Context, r Reason, kind string, body func(context.Context, *commitlog.State) (*commitlog.Body, error)) (*Taken, error) {
	if err := errors.Join(j.Validate(), r.validate()); err != nil {
		return nil, err
	}
	lake, err := j.Commits(ctx)
	if err != nil {
		return nil, err
	}
	t, err := commit.Retry(func() (*Taken, error) { return holdOnce(ctx, lake, r, kind, body) })
	if err != nil || t.Decided == 0 {
		return t, Meaning(err)
	}
	return publishTaken(ctx, lake, t)
}

func publishTaken(ctx context.Context, lake commit.Lake, t *Taken) (*Taken, error) {
	report, err := commit.Publish(ctx, lake)
	if err != nil && !errors.Is(err, commit.ErrBusy) {
		return t, fmt.Errorf("publish entry %d (decided; the next run or etl repair publishes it): %w", t.Decided, err)
	}
	t.Published = err == nil && len(report.Refused) == 0
	return t, nil
}

func holdOnce(ctx context.Context, lake commit.Lake, r Reason, kind string, body func(context.Context, *commitlog.State) (*commitlog.Body, error)) (*Taken, error) {
	a, err := commit.Begin(ctx, lake)
	if err != nil {
		return nil, err
	}
	b, err := body(ctx, a.Base)
	if err != nil || b == nil {
		return &Taken{Published: true}, errors.Join(err, a.Abandon(ctx))
	}
	t := &Taken{}
	for i := range b.Inputs {
		t.Objects++
		t.Bytes += b.Inputs[i].Size
	}
	for _, seq := range b.Release {
		t.Objects += a.Base.Held[seq].Inputs
	}
	if len(b.Inputs) > 0 {
		b.Unread = kind
	}
	t.Decided, err = a.Decide(ctx, commit.Decision{Kind: kind, By: r.By, Why: r.Why, Body: b})
	return t, err
}
