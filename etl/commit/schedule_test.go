package commit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"datalake/etl/commit"
	"datalake/pkg/storage/memory"
)

// meanwhile calls do once, right before the store's call with number at. What do itself calls is not counted.
func meanwhile(store *memory.Store, at int, do func(op, key string) error) (calls func() int, failed func() error) {
	var mu sync.Mutex // racers of a probe come at the same time
	n, busy := 0, false
	var err error
	enter := func() (number int, fire bool) {
		mu.Lock()
		defer mu.Unlock()
		if busy {
			return 0, false
		}
		n++
		busy = n-1 == at || at < 0
		return n - 1, busy
	}
	store.SetFaults(func(op, key string) error {
		number, fire := enter()
		if !fire {
			return nil
		}
		derr := do(op, key)
		mu.Lock()
		defer mu.Unlock()
		if derr != nil && err == nil {
			err = fmt.Errorf("before call %d, %s %s: %w", number, op, key, derr)
		}
		busy = false
		return nil
	}, nil)
	return func() int { return n }, func() error { return err }
}

// What is promised holds before every single call.
func TestInvariantsAtEveryCall(t *testing.T) {
	store := memory.New()
	c := clocked(store)
	watcher := openLake(t, store, "watcher")
	calls, failed := meanwhile(store, -1, func(string, string) error { return checkInvariants(context.Background(), watcher) })
	if err := tell(t, openLake(t, store, "me"), store, c.advance); err != nil {
		t.Fatal(err)
	}
	if err := failed(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls", calls())
}

// Another process does all of its work between any two calls of the first.
func TestInterleavings(t *testing.T) {
	for _, test := range []struct {
		name  string
		other func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error
		rows  map[string]int
		// sleeps: so long that the first may fail
		sleeps bool
	}{
		{"run", func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error {
			if err := addRaw(ctx, store, "iot/other", "d1/a! d1/o d2/b! d3/o2"); err != nil {
				return err
			}
			_, err := run(ctx, lake)
			return err
		}, map[string]int{"processed iot": 8, "quarantine iot": 2, "processed web": 1}, false},
		{"run of another source", func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error {
			if err := addRaw(ctx, store, "web/other", "d1/o d2/p"); err != nil {
				return err
			}
			_, err := run(ctx, lake)
			return err
		}, map[string]int{"processed iot": 6, "quarantine iot": 2, "processed web": 3}, false},
		{"publish", func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error {
			_, err := commit.Publish(ctx, lake)
			return err
		}, storyRows, false},
		{"repair", func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error {
			_, err := commit.Repair(ctx, lake)
			return err
		}, storyRows, false},
		{"gc", func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error {
			_, err := commit.Collect(ctx, lake)
			return err
		}, storyRows, false},
		// The first sleeps for longer than anybody may. It may fail; nothing may break.
		{"gc after a long sleep", func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error {
			c.advance(25 * time.Hour)
			_, err := commit.Collect(ctx, lake)
			return err
		}, storyRows, true},
		{"run and gc after long sleeps", func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error {
			for i := range 3 {
				c.advance(25 * time.Hour)
				if err := addRaw(ctx, store, fmt.Sprint("iot/other", i), fmt.Sprintf("d%d/a!", i+1)); err != nil {
					return err
				}
				if _, err := run(ctx, lake); err != nil {
					return err
				}
				c.advance(25 * time.Hour)
				if _, err := commit.Collect(ctx, lake); err != nil {
					return err
				}
			}
			return nil
		}, storyRows, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for at := 0; ; at += stride(19) {
				store := memory.New()
				c := clocked(store)
				other := openLake(t, store, "other")
				other.PublishWait = time.Nanosecond
				other.Dead = nil // the first is alive, and its claims count
				calls, failed := meanwhile(store, at, func(op, key string) error {
					if test.sleeps && op == "put" && strings.HasPrefix(key, "state/catalog/") {
						return nil // no request takes effect after that long: without that, nothing could be promised
					}
					err := test.other(context.Background(), other, store, c)
					if errors.Is(err, commit.ErrBusy) {
						err = nil
					}
					if err != nil {
						return err
					}
					return checkInvariants(context.Background(), other)
				})
				me := openLake(t, store, "me")
				me.Clock = c.read
				cause := tellOnce(t, me, store, c.advance)
				store.SetFaults(nil, nil)
				if err := failed(); err != nil {
					t.Fatal(err)
				}
				if cause != nil && !test.sleeps {
					t.Fatalf("%s before call %d: %v", test.name, at, cause)
				}
				if calls() <= at {
					return
				}
				if err := settleRows(context.Background(), openLake(t, store, "third"), store, test.rows); err != nil {
					t.Fatalf("%s before call %d (%v): %v", test.name, at, cause, err)
				}
			}
		})
	}
}
