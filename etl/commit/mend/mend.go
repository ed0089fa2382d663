package mend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"datalake/etl/commit"
	"datalake/pkg/commitlog"
	"datalake/pkg/storage"
)

// Options say how closely to look. The zero value looks at names and sizes.
type Options struct {
	// Content reads every file of the tables and compares its hash.
	Content bool
}

// Result says what was found and done.
type Result struct {
	// Decided is the entry that moved partitions; 0 where none had to.
	Decided uint64 `json:"decided"`
	// Mended partitions have sound files again once that is published.
	Mended []commitlog.Partition `json:"mended"`
	// Lost are files whose bytes are nowhere. Their partitions stay as they are.
	Lost []commit.Finding `json:"lost"`
}

// Run moves the partitions whose directories are not as the log says to fresh ones. It does not publish. Doing it again does
// nothing new. Errors: commit.ErrConflict when others were in the way again and again, those of commit.Begin and Attempt.Decide.
func Run(ctx context.Context, lake commit.Lake, o Options) (*Result, error) {
	return commit.Retry(func() (*Result, error) { return try(ctx, lake, o) })
}

func try(ctx context.Context, lake commit.Lake, o Options) (*Result, error) {
	head, err := lake.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	r := &Result{Mended: []commitlog.Partition{}, Lost: []commit.Finding{}}
	for _, p := range slices.SortedFunc(maps.Keys(head.Partitions), commitlog.Partition.Compare) {
		sound, err := o.sound(ctx, lake, p, head.Partitions[p])
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", p, err)
		}
		if sound {
			continue
		}
		lost, err := lost(ctx, lake, head, p)
		if err != nil {
			return nil, fmt.Errorf("look for the files of %s: %w", p, err)
		}
		if len(lost) == 0 {
			r.Mended = append(r.Mended, p)
		}
		r.Lost = append(r.Lost, lost...)
	}
	if len(r.Mended) == 0 {
		return r, nil
	}
	a, err := commit.Begin(ctx, lake)
	if err != nil {
		return nil, err
	}
	if a.Base.Seq != head.Seq {
		return nil, errors.Join(fmt.Errorf("%w: entry %d came meanwhile", commit.ErrConflict, a.Base.Seq), a.Abandon(ctx))
	}
	acts, err := a.Restore(ctx, head, r.Mended)
	if err != nil {
		return nil, err
	}
	for i := range acts {
		acts[i].Same = true
	}
	r.Decided, err = a.Decide(ctx, commit.Decision{Kind: commitlog.Repair, Alone: true, Body: &commitlog.Body{Acts: acts}})
	return r, err
}

// sound says whether a partition's directory holds nothing but its files, as they should be. A file that is not there is no matter: the
// next publish copies it.
func (o Options) sound(ctx context.Context, lake commit.Lake, p commitlog.Partition, c *commitlog.Content) (bool, error) {
	want := map[string]commitlog.File{}
	for _, f := range c.Files {
		want[c.Dir+f.Name] = f
	}
	for info, err := range lake.Zones[p.Zone].Store.List(ctx, c.Dir, "") {
		if err != nil {
			return false, err
		}
		f, ok := want[info.Key]
		if !ok || info.Size != f.Size {
			return false, nil
		}
		if !o.Content {
			continue
		}
		same, err := lake.Same(ctx, p.Zone, info.Key, f)
		if errors.Is(err, storage.ErrNotFound) {
			continue // gc or a move was quicker
		}
		if err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// lost are the files of a partition whose bytes are nowhere.
func lost(ctx context.Context, lake commit.Lake, head *commitlog.State, p commitlog.Partition) (found []commit.Finding, err error) {
	c := head.Partitions[p]
	for _, f := range c.Files {
		_, err := lake.FindSound(ctx, head, p, f)
		if errors.Is(err, commit.ErrMissing) {
			found = append(found, commit.Finding{
				Severity: commit.Alarm, What: "lost", Key: c.Dir + f.Name,
				Detail: fmt.Sprintf("the bytes of its %d rows are nowhere; a backfill makes them anew from the raw zone", f.Rows),
			})
		} else if err != nil {
			return nil, err
		}
	}
	return found, nil
}
