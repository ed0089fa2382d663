package rollback

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"datalake/etl/commit"
	"datalake/pkg/commitlog"
)

// Released says what a release did.
type Released struct {
	// Decided is its entry; 0 where nothing is held.
	Decided uint64 `json:"decided"`
	// Objects that are pending again.
	Objects int64 `json:"objects_released"`
	// Entries are those that had read them.
	Entries []uint64 `json:"entries"`
}

// Release makes the inputs pending that rollbacks hold: all, or with a source those held by rollbacks of that one's table. Where
// nothing is held, it does nothing. Errors: ErrShared if what is held is held together with that of other tables;
// commit.ErrConflict; those of commit.Begin and Attempt.Decide.
func Release(ctx context.Context, lake commit.Lake, source string) (*Released, error) {
	return commit.Retry(func() (*Released, error) { return release(ctx, lake, source) })
}

func release(ctx context.Context, lake commit.Lake, source string) (*Released, error) {
	head, err := lake.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	r := &Released{}
	together := uint64(0)
	for _, seq := range slices.Sorted(maps.Keys(head.Held)) {
		h := head.Held[seq]
		if h.Unread != "" {
			continue // skipped or adopted: no rollback's
		}
		if source != "" && h.Source != source {
			if h.Source == "" {
				together = seq
			}
			continue
		}
		r.Entries = append(r.Entries, seq)
		r.Objects += h.Inputs
	}
	if len(r.Entries) == 0 {
		if together > 0 {
			return nil, fmt.Errorf("%w: what entry %d had read is held for all tables: release it together", ErrShared, together)
		}
		return r, nil
	}
	a, err := commit.Begin(ctx, lake)
	if err != nil {
		return nil, err
	}
	r.Decided, err = a.Decide(ctx, commit.Decision{Kind: commitlog.Release, Body: &commitlog.Body{Release: r.Entries}})
	return r, err
}
