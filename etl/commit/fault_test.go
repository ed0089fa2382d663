package commit_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"datalake/etl/commit"
	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
	"datalake/pkg/storage/memory"
)

// The story that faults are tried on: new partitions, adds, quarantine, swaps that keep files, and gc.
var story = []struct{ object, text string }{
	{"iot/1", "d1/a d1/b d2/c bad d1/a"},
	{"iot/2", "d1/b d1/d d2/f worse"},
	{"iot/3", "d2/a! d1/e"},
	{"web/4", "d1/a"},
}

var storyRows = map[string]int{"processed iot": 6, "quarantine iot": 2, "processed web": 1}

// tell runs the story until something fails. What is there already does no harm.
func tell(t testing.TB, lake commit.Lake, raw storage.Store, advance func(time.Duration)) error {
	if err := tellOnce(t, lake, raw, advance); err != nil {
		return err
	}
	ctx := context.Background()
	advance(25 * time.Hour)
	got, err := commit.Collect(ctx, lake)
	if err == nil && (got.Settled != len(story) || got.Dirs != 1 || got.Deleted == 0 || len(got.Kept) != 0) {
		err = fmt.Errorf("gc did not do all: %+v", got)
	}
	return err
}

// tellOnce is the story without its end, the gc.
func tellOnce(t testing.TB, lake commit.Lake, raw storage.Store, advance func(time.Duration)) error {
	ctx := context.Background()
	for _, s := range story {
		if err := addRaw(ctx, raw, s.object, s.text); err != nil {
			return err
		}
		if _, err := run(ctx, lake); err != nil {
			return err
		}
	}
	return nil
}

// addRaw puts a raw object if it is not there.
func addRaw(ctx context.Context, store storage.Store, name, text string) error {
	_, err := store.Put(ctx, "raw/"+name, strings.NewReader(text), storage.PutOptions{Once: true})
	if errors.Is(err, storage.ErrExists) {
		return nil
	}
	return err
}

// settle is what follows a fault: the promises hold at once, and after one run without faults everything is done.
func settle(ctx context.Context, lake commit.Lake, raw storage.Store) error {
	return settleRows(ctx, lake, raw, storyRows)
}

func settleRows(ctx context.Context, lake commit.Lake, raw storage.Store, rows map[string]int) error {
	if err := checkInvariants(ctx, lake); err != nil {
		return fmt.Errorf("right after: %w", err)
	}
	for _, s := range story {
		if err := addRaw(ctx, raw, s.object, s.text); err != nil {
			return err
		}
	}
	if _, err := run(ctx, lake); err != nil {
		return fmt.Errorf("run without faults: %w", err)
	}
	return checkDone(ctx, lake, rows)
}

var errFault = errors.New("the store fails")

// faults makes the call with number at fail, and all that follow if crash is set, before or after it took effect.
func faults(at int, crash, after bool) (before, afterwards memory.Fault, calls func() int) {
	var mu sync.Mutex
	n := 0
	// hit says whether a call fails, and whether it comes after the crash.
	hit := func(op, key string, count bool) (fails, later bool) {
		if strings.HasPrefix(key, "raw/") && op == "put" {
			return false, false
		}
		mu.Lock()
		defer mu.Unlock()
		if count {
			n++
		}
		later = crash && n-1 > at
		return n-1 == at || later, later
	}
	before = func(op, key string) error {
		if fails, later := hit(op, key, true); fails && (!after || later) {
			return errFault
		}
		return nil
	}
	afterwards = func(op, key string) error {
		if fails, _ := hit(op, key, false); after && fails {
			return fmt.Errorf("%w: %w", errFault, storage.ErrUnknown)
		}
		return nil
	}
	return before, afterwards, func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

var every = flag.Bool("every", false, "try faults and schedules at every point, not at every second")

// stride is the distance between the points that are tried.
func stride(short int) int {
	switch {
	case *every:
		return 1
	case testing.Short():
		return short
	}
	return 2
}

// Every call to the store fails in turn, once or from then on, before or after it took effect.
func TestFaultAtEveryCall(t *testing.T) {
	for _, crash := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("crash=%t,after=%t", crash, after), func(t *testing.T) {
				t.Parallel()
				for at := 0; ; at += stride(13) {
					store := memory.New()
					now := time.Unix(1_700_000_000, 0)
					store.SetClock(func() time.Time { now = now.Add(time.Millisecond); return now })
					before, afterwards, calls := faults(at, crash, after)
					store.SetFaults(before, afterwards)
					lake := openLake(t, store, "first")
					cause := tell(t, lake, store, func(d time.Duration) { now = now.Add(d) })
					store.SetFaults(nil, nil)
					if crash {
						lake = openLake(t, store, "second")
					}
					if err := settle(t.Context(), lake, store); err != nil {
						t.Fatalf("fault at call %d (%v): %v", at, cause, err)
					}
					if calls() <= at {
						if cause != nil {
							t.Fatalf("without a fault: %v", cause)
						}
						t.Logf("%d calls", at)
						return
					}
				}
			})
		}
	}
}

// The power fails at every operation of the file system that changes something.
func TestPowerLossAtEveryOperation(t *testing.T) {
	strict := func(disk *crashfs.FS, _ int) { disk.Crash() }
	random := func(disk *crashfs.FS, at int) { disk.CrashRandom(rand.New(rand.NewPCG(uint64(at), 7))) }
	for name, c := range map[string]struct {
		crash func(disk *crashfs.FS, at int)
		whole int // from how many files on the disk is synced as a whole
	}{
		"strict": {strict, 0}, "random": {random, 0}, "whole disk, strict": {strict, 1}, "whole disk, random": {random, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 0; ; at += stride(40) {
				disk := crashfs.New()
				disk.SetWhole(c.whole)
				store, err := file.OpenFS("/lake", disk)
				if err != nil {
					t.Fatal(err)
				}
				disk.CrashAt(at)
				cause := tell(t, openLake(t, store, "first"), store, disk.Advance)
				over := cause == nil
				if !over && !errors.Is(cause, crashfs.ErrCrashed) {
					t.Fatalf("power loss at %d: %v", at, cause)
				}
				c.crash(disk, at)
				disk.CrashAt(-1)
				if store, err = file.OpenFS("/lake", disk); err != nil {
					t.Fatal(err)
				}
				if err := settle(t.Context(), openLake(t, store, "second"), store); err != nil {
					t.Fatalf("power loss at %d (%v): %v", at, cause, err)
				}
				if over {
					t.Logf("%d operations", at)
					return
				}
			}
		})
	}
}

// Committers and publishers race; each wins or is told to do it again.
func TestRace(t *testing.T) {
	for round := range 10 {
		store := memory.New()
		for i := range 8 {
			putRaw(t, store, fmt.Sprintf("%s/%d", []string{"iot", "web"}[i%2], i), fmt.Sprintf("d1/%d d1/x%d d2/y%d bad%d d1/x0! ", i, i%4, i/4, i))
		}
		var g errgroup.Group
		var mu sync.Mutex
		lost := 0
		for w := range 4 {
			lake := openLake(t, store, "me")
			lake.Parallel = 4
			g.Go(func() error {
				_, err := run(t.Context(), lake)
				if errors.Is(err, commit.ErrRounds) {
					mu.Lock()
					defer mu.Unlock()
					lost++
					return nil
				}
				if err != nil {
					return fmt.Errorf("runner %d: %w", w, err)
				}
				return nil
			})
			g.Go(func() error {
				_, err := commit.Publish(t.Context(), lake)
				return err
			})
		}
		// Objects that come meanwhile are for whoever sees them.
		for i := range 4 {
			putRaw(t, store, fmt.Sprintf("iot/late%d", i), fmt.Sprintf("d1/late%d d3/z!", i))
		}
		if err := g.Wait(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		lake := openLake(t, store, "me")
		if _, err := run(t.Context(), lake); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		head, err := lake.Log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"processed iot": 13, "processed web": 9, "quarantine iot": 4, "quarantine web": 4}
		if err := checkDone(t.Context(), lake, want); err != nil {
			t.Fatalf("round %d, %d entries, %d lost: %v", round, head.Seq, lost, err)
		}
		if in := head.Counts.In; in != 8*5+4*2 {
			t.Errorf("round %d: %d records in", round, in)
		}
	}
}
