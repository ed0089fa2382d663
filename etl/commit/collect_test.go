package commit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"datalake/etl/commit"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// clock is a store's clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func clocked(store *memory.Store) *clock {
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	store.SetClock(func() time.Time { c.advance(time.Millisecond); return c.read() })
	return c
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func keys(t testing.TB, store *memory.Store, prefix string) []string {
	t.Helper()
	var all []string
	for info, err := range store.List(context.Background(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}

func collect(t *testing.T, lake commit.Lake) commit.Collected {
	t.Helper()
	got, err := commit.Collect(t.Context(), lake)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// An attempt that was left alone is condemned once it has shown no sign of life for the time of grace, and not before.
func TestCollectAttempts(t *testing.T) {
	lake, store, a := begin(t)
	c := clocked(store)
	if _, err := a.Alive(t.Context()); err != nil {
		t.Fatal(err)
	}
	oneRow(t, a, "ours", "d1", "y")
	c.advance(20 * time.Hour)
	if _, err := a.Alive(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.advance(20 * time.Hour) // its files are 40 hours old, its sign of life 20
	if got := collect(t, lake); got.Condemned != 0 {
		t.Errorf("a living attempt was condemned: %+v", got)
	}
	c.advance(5 * time.Hour)
	got := collect(t, lake)
	if got.Condemned != 1 || got.Seq == 0 {
		t.Errorf("a dead attempt was not condemned: %+v", got)
	}
	for _, key := range append(keys(t, store, "processed@/"), keys(t, store, "state/processed/attempts/")...) {
		if strings.Contains(key, a.ID) {
			t.Errorf("%s is still there", key)
		}
	}
	// It wakes up, and even brings its file back.
	b := oneRow(t, a, "ours", "d1", "y")
	if _, err := decide(t, a, b); !errors.Is(err, commit.ErrCondemned) {
		t.Errorf("a condemned attempt: %v", err)
	}
	if _, err := a.Rebase(t.Context()); !errors.Is(err, commit.ErrCondemned) {
		t.Errorf("rebase of a condemned attempt: %v", err)
	}
	// The next gc takes away what it brought, the one after that has nothing to do.
	collect(t, lake)
	for range 3 {
		got = collect(t, lake)
	}
	if got.Seq != 0 || got.Deleted != 0 {
		t.Errorf("gc finds no end: %+v", got)
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 2}); err != nil {
		t.Error(err)
	}
}

// An attempt that is decided between gc's look and gc's decision is not condemned.
func TestCollectRace(t *testing.T) {
	lake, store, a := begin(t)
	c := clocked(store)
	if _, err := a.Alive(t.Context()); err != nil {
		t.Fatal(err)
	}
	putRaw(t, store, "iot/ours", "d1/y")
	b := oneRow(t, a, "ours", "d1", "y")
	info, err := store.Head(t.Context(), "raw/iot/ours")
	if err != nil {
		t.Fatal(err)
	}
	b.Inputs[0].ETag = info.ETag
	c.advance(30 * time.Hour)
	raced := false
	store.SetFaults(func(op, key string) error {
		if op == "put" && strings.Contains(key, "/body-") && !raced {
			raced = true // gc is about to decide
			if _, err := decide(t, a, b); err != nil {
				t.Errorf("decide: %v", err)
			}
		}
		return nil
	}, nil)
	got := collect(t, lake)
	if !raced || got.Condemned != 0 {
		t.Errorf("raced %t, gc %+v", raced, got)
	}
	store.SetFaults(nil, nil)
	if _, err := run(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 3}); err != nil {
		t.Error(err)
	}
}

// Directories that were left, and what was put aside, go a time of grace after they were published, and not before.
func TestCollectDirs(t *testing.T) {
	lake, store, _ := begin(t)
	c := clocked(store)
	putRaw(t, store, "iot/2", "d2/a!")
	if _, err := runOnce(t.Context(), lake); err != nil { // d1 is swapped, but not published
		t.Fatal(err)
	}
	c.advance(25 * time.Hour)
	if got := collect(t, lake); got.Dirs != 0 {
		t.Errorf("a directory that is not yet left in the catalog: %+v", got)
	}
	if _, err := commit.Publish(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	c.advance(23 * time.Hour)
	if got := collect(t, lake); got.Dirs != 0 {
		t.Errorf("a directory that was left a moment ago: %+v", got)
	}
	d1 := "processed/" + dayPath("iot", "d1") + "/"
	if len(keys(t, store, d1)) == 0 {
		t.Fatal("the old directory has gone too early")
	}
	c.advance(2 * time.Hour)
	if got := collect(t, lake); got.Dirs != 1 || got.Settled == 0 {
		t.Errorf("gc: %+v", got)
	}
	if k := keys(t, store, d1); len(k) != 0 {
		t.Errorf("the old directory is still there: %v", k)
	}
	for _, key := range keys(t, store, "processed@/") {
		if strings.Contains(key, "/data/") {
			t.Errorf("%s is still there", key)
		}
	}
	head, err := lake.Log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if head.Oldest != 2 {
		t.Errorf("oldest restorable state %d, want 2", head.Oldest)
	}
	collect(t, lake)
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 2}); err != nil {
		t.Error(err)
	}
	// The swapped partition can be added to, and swapped again.
	putRaw(t, store, "iot/3", "d1/z d2/b!")
	if _, err := run(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 3}); err != nil {
		t.Error(err)
	}
}

// A directory that a catalog names stays, whatever the log of publishes says.
func TestCollectSparesWhatIsShown(t *testing.T) {
	lake, store, _ := begin(t)
	c := clocked(store)
	old, err := readObject(t.Context(), store, "state/catalog/processed_iot.json")
	if err != nil {
		t.Fatal(err)
	}
	putRaw(t, store, "iot/2", "d2/a!")
	if _, err := run(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	c.advance(25 * time.Hour)
	if _, err := store.Put(t.Context(), "state/catalog/processed_iot.json", bytes.NewReader(old), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	d1 := "processed/" + dayPath("iot", "d1") + "/"
	if got := collect(t, lake); !slices.Equal(got.Kept, []string{d1}) || len(keys(t, store, d1)) == 0 {
		t.Errorf("gc: %+v", got)
	}
	if _, err := commit.Publish(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, lake); len(got.Kept) != 0 || len(keys(t, store, d1)) != 0 {
		t.Errorf("gc after publishing again: %+v", got)
	}
}

// Claims and checkpoints do not pile up, and no number of a claim becomes free.
func TestCollectSmall(t *testing.T) {
	store := memory.New()
	c := clocked(store)
	lake := openLake(t, store, "me")
	for i := range 150 {
		putRaw(t, store, fmt.Sprintf("iot/%03d", i), fmt.Sprintf("d%d/k%d", i%28+1, i))
		if _, err := run(t.Context(), lake); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(keys(t, store, "state/processed/checkpoint/0")); n < 5 {
		t.Fatalf("%d checkpoints", n)
	}
	c.advance(25 * time.Hour)
	collect(t, lake)
	if k := keys(t, store, "state/processed/publish/local/"); len(k) > 205 || !strings.HasSuffix(k[len(k)-1], "00150.done") {
		t.Errorf("%d claims, the last is %s", len(k), k[len(k)-1])
	}
	if k := keys(t, store, "state/processed/checkpoint/0"); len(k) != 1 {
		t.Errorf("checkpoints: %v", k)
	}
	fresh := openLake(t, store, "other")
	if err := checkDone(t.Context(), fresh, map[string]int{"processed iot": 150}); err != nil {
		t.Error(err)
	}
	if got := collect(t, fresh); got.Seq == 0 && got.Deleted > 0 {
		t.Errorf("second gc: %+v", got)
	}
}
