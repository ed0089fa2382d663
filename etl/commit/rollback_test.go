package commit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"datalake/etl/commit"
	"datalake/etl/commit/rollback"
	"datalake/pkg/commitlog"
	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
	"datalake/pkg/storage/memory"
)

// The story of a rollback: its inputs are held while another run comes, then released; gc comes twice. In the end the tables have what
// they would have without it.
func tellBack(lake commit.Lake, raw storage.Store, advance func(time.Duration)) error {
	ctx := context.Background()
	read := func(n int) error {
		if err := addRaw(ctx, raw, story[n].object, story[n].text); err != nil {
			return err
		}
		_, err := run(ctx, lake)
		return err
	}
	gc := func() error {
		advance(25 * time.Hour)
		_, err := commit.Collect(ctx, lake)
		return err
	}
	for n := range 3 {
		if err := read(n); err != nil {
			return err
		}
	}
	r, err := rollback.Run(ctx, lake, rollback.Options{Source: "iot", To: 1})
	if err != nil {
		return err
	}
	if r.Decided != 4 || r.Objects != 2 || len(r.Partitions) != 3 {
		return fmt.Errorf("rolled back: %+v", r)
	}
	if err := read(3); err != nil {
		return err
	}
	if err := checkBack(ctx, lake, map[string]int{"processed iot": 3, "quarantine iot": 1, "processed web": 1}); err != nil {
		return err
	}
	if err := gc(); err != nil {
		return err
	}
	rel, err := rollback.Release(ctx, lake, "iot")
	if err != nil {
		return err
	}
	if rel.Decided == 0 || rel.Objects != 2 {
		return fmt.Errorf("released: %+v", rel)
	}
	if _, err := run(ctx, lake); err != nil {
		return err
	}
	return gc()
}

// checkBack holds the head to the rows that it should have.
func checkBack(ctx context.Context, lake commit.Lake, want map[string]int) error {
	if err := checkInvariants(ctx, lake); err != nil {
		return err
	}
	return checkDone(ctx, lake, want)
}

// settleBack is what follows a fault in the story of a rollback.
func settleBack(ctx context.Context, lake commit.Lake, raw storage.Store) error {
	if err := checkInvariants(ctx, lake); err != nil {
		return fmt.Errorf("right after: %w", err)
	}
	if _, err := rollback.Release(ctx, lake, ""); err != nil {
		return err
	}
	return settle(ctx, lake, raw)
}

func TestRollbackFaultAtEveryCall(t *testing.T) {
	for _, crash := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("crash=%t,after=%t", crash, after), func(t *testing.T) {
				t.Parallel()
				for at := 0; ; at += stride(17) {
					store := memory.New()
					now := time.Unix(1_700_000_000, 0)
					store.SetClock(func() time.Time { now = now.Add(time.Millisecond); return now })
					before, afterwards, calls := faults(at, crash, after)
					store.SetFaults(before, afterwards)
					lake := openLake(t, store, "first")
					cause := tellBack(lake, store, func(d time.Duration) { now = now.Add(d) })
					store.SetFaults(nil, nil)
					if crash {
						lake = openLake(t, store, "second")
					}
					if err := settleBack(t.Context(), lake, store); err != nil {
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

func TestRollbackPowerLoss(t *testing.T) {
	for at := 0; ; at += stride(60) {
		disk := crashfs.New()
		store, err := file.OpenFS("/lake", disk)
		if err != nil {
			t.Fatal(err)
		}
		disk.CrashAt(at)
		cause := tellBack(openLake(t, store, "first"), store, disk.Advance)
		if cause != nil && !errors.Is(cause, crashfs.ErrCrashed) {
			t.Fatalf("power loss at %d: %v", at, cause)
		}
		if at%4 == 0 {
			disk.Crash()
		} else {
			disk.CrashRandom(rand.New(rand.NewPCG(uint64(at), 7)))
		}
		disk.CrashAt(-1)
		if store, err = file.OpenFS("/lake", disk); err != nil {
			t.Fatal(err)
		}
		if err := settleBack(t.Context(), openLake(t, store, "second"), store); err != nil {
			t.Fatalf("power loss at %d (%v): %v", at, cause, err)
		}
		if cause == nil {
			t.Logf("%d operations", at)
			return
		}
	}
}

// Another process works between any two calls of a rollback and a release.
func TestRollbackInterleavings(t *testing.T) {
	for name, other := range map[string]func(ctx context.Context, lake commit.Lake, store *memory.Store, c *clock) error{
		"run": func(ctx context.Context, lake commit.Lake, store *memory.Store, _ *clock) error {
			if err := addRaw(ctx, store, "iot/late", "d1/a d2/late"); err != nil {
				return err
			}
			_, err := run(ctx, lake)
			return err
		},
		"run that adds no row": func(ctx context.Context, lake commit.Lake, store *memory.Store, _ *clock) error {
			if err := addRaw(ctx, store, "iot/late", "d1/d d2/f"); err != nil {
				return err
			}
			_, err := run(ctx, lake)
			return err
		},
		"the same": func(ctx context.Context, lake commit.Lake, _ *memory.Store, _ *clock) error {
			_, err := rollback.Run(ctx, lake, rollback.Options{Source: "iot", To: 1})
			return err
		},
		// Both read their inputs in one entry: what the one holds of it, the other must not take for its own.
		"another table": func(ctx context.Context, lake commit.Lake, _ *memory.Store, _ *clock) error {
			_, err := rollback.Run(ctx, lake, rollback.Options{Source: "web", To: 1})
			return err
		},
		"release": func(ctx context.Context, lake commit.Lake, _ *memory.Store, _ *clock) error {
			_, err := rollback.Release(ctx, lake, "iot")
			return err
		},
		"gc": func(ctx context.Context, lake commit.Lake, _ *memory.Store, c *clock) error {
			c.advance(25 * time.Hour)
			_, err := commit.Collect(ctx, lake)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 0; ; at++ {
				store := memory.New()
				c := clocked(store)
				lake := openLake(t, store, "me")
				for n := range 3 {
					if err := addRaw(t.Context(), store, story[n].object, story[n].text); err != nil {
						t.Fatal(err)
					}
					if _, err := run(t.Context(), lake); err != nil {
						t.Fatal(err)
					}
				}
				if name == "another table" {
					for _, object := range []string{"web/early", "iot/early"} {
						if err := addRaw(t.Context(), store, object, "d1/early"); err != nil {
							t.Fatal(err)
						}
					}
					if _, err := run(t.Context(), lake); err != nil {
						t.Fatal(err)
					}
				}
				second := openLake(t, store, "other")
				calls, failed := meanwhile(store, at, func(string, string) error { return other(t.Context(), second, store, c) })
				r, err := rollback.Run(t.Context(), lake, rollback.Options{Source: "iot", To: 1})
				switch {
				case errors.Is(err, rollback.ErrState) && name == "gc", errors.Is(err, commit.ErrCondemned) && name == "gc":
				case err != nil:
					t.Fatalf("at %d: %v", at, err)
				default:
					// What was decided is state 1 and what came after the rollback.
					s, err := lake.Log.At(t.Context(), max(r.Decided, 1))
					if err != nil {
						t.Fatal(err)
					}
					if n := rowsOfSource(s, "iot"); r.Decided > 0 && n != 3 {
						t.Fatalf("at %d: %d rows after the rollback, state 1 had 3", at, n)
					}
				}
				store.SetFaults(nil, nil)
				if err := failed(); err != nil {
					t.Fatal(err)
				}
				rows, late := map[string]int{"processed iot": 7, "quarantine iot": 2, "processed web": 1}, "d1/a d2/late"
				if name == "run that adds no row" {
					rows["processed iot"], late = 6, "d1/d d2/f"
				}
				if name == "another table" {
					rows = map[string]int{"processed iot": 8, "quarantine iot": 2, "processed web": 2}
				}
				if err := addRaw(t.Context(), store, "iot/late", late); err != nil {
					t.Fatal(err)
				}
				if err := settleBackRows(t.Context(), lake, store, rows); err != nil {
					t.Fatalf("at %d: %v", at, err)
				}
				if calls() <= at {
					t.Logf("%d calls", at)
					return
				}
			}
		})
	}
}

func settleBackRows(ctx context.Context, lake commit.Lake, raw storage.Store, rows map[string]int) error {
	if _, err := rollback.Release(ctx, lake, ""); err != nil {
		return err
	}
	return settleRows(ctx, lake, raw, rows)
}

func rowsOfSource(s *commitlog.State, source string) (n int64) {
	for p, c := range s.Partitions {
		if p.Zone == "processed" && strings.HasPrefix(p.Path, "source="+source+"/") {
			n += c.Rows()
		}
	}
	return n
}

// What a rollback refuses, what a dry run tells, and that it does nothing when there is nothing to do.
func TestRollback(t *testing.T) {
	store := memory.New()
	c := clocked(store)
	lake := openLake(t, store, "me")
	ctx := t.Context()
	read := func(object, text string) {
		t.Helper()
		putRaw(t, store, object, text)
		if _, err := run(ctx, lake); err != nil {
			t.Fatal(err)
		}
	}
	back := func(o rollback.Options) *rollback.Result {
		t.Helper()
		r, err := rollback.Run(ctx, lake, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := commit.Publish(ctx, lake); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, s := range story {
		read(s.object, s.text)
	}
	if _, err := rollback.Run(ctx, lake, rollback.Options{To: 5}); !errors.Is(err, rollback.ErrState) || !strings.Contains(err.Error(), "the newest state is 4, 5 does not exist") {
		t.Errorf("to a state that does not exist: %v", err)
	}
	if r := back(rollback.Options{To: 4}); r.Decided != 0 || len(r.Partitions) != 0 || r.Objects != 0 {
		t.Errorf("to the head: %+v", r)
	}
	dry := back(rollback.Options{Source: "iot", To: 1, DryRun: true})
	if dry.Decided != 0 || dry.From != 4 || dry.Objects != 2 || dry.Bytes == 0 || len(dry.Partitions) != 3 {
		t.Errorf("dry: %+v", dry)
	}
	if d1 := dry.Partitions[0]; d1.Path != "source=iot/year=2025/month=1/day=1" || d1.Rows != 3 || d1.RowsAfter != 2 || d1.Files != 2 || d1.FilesNow != 1 {
		t.Errorf("dry: %+v", d1)
	}
	if head, err := lake.Log.Head(ctx); err != nil || head.Seq != 4 {
		t.Fatalf("a dry run decided: %v, %v", head.Seq, err)
	}
	if r := back(rollback.Options{Source: "iot", To: 1}); r.Decided != 5 || r.Objects != 2 {
		t.Errorf("back: %+v", r)
	}
	if r := back(rollback.Options{Source: "iot", To: 1}); r.Decided != 0 {
		t.Errorf("again: %+v", r)
	}
	// What is held is not read; new objects are, and go with the next rollback.
	read("iot/9", "d1/z")
	if err := checkDone(ctx, lake, map[string]int{"processed iot": 4, "quarantine iot": 1, "processed web": 1}); err != nil {
		t.Error(err)
	}
	if r := back(rollback.Options{Source: "iot", To: 1}); r.Decided != 7 || r.Objects != 1 || len(r.Partitions) != 1 {
		t.Errorf("back once more: %+v", r)
	}
	// To a state after the rollback, when all was held: nothing is held twice.
	if r := back(rollback.Options{To: 5}); r.Decided != 0 {
		t.Errorf("to the rollback: %+v", r)
	}
	// All tables to nothing; what one rollback holds is released alone, what holds all together.
	if r := back(rollback.Options{To: 0}); r.Decided != 8 || r.Objects != 2 || len(r.Partitions) != 4 {
		t.Errorf("to nothing: %+v", r)
	}
	if _, err := rollback.Release(ctx, lake, "web"); !errors.Is(err, rollback.ErrShared) || !strings.Contains(err.Error(), "is held for all tables: release it together") {
		t.Errorf("release of web alone: %v", err)
	}
	if r, err := rollback.Release(ctx, lake, "iot"); err != nil || r.Objects != 3 || len(r.Entries) != 3 {
		t.Errorf("release of iot: %+v, %v", r, err)
	}
	if r, err := rollback.Release(ctx, lake, ""); err != nil || r.Objects != 2 {
		t.Errorf("release of the rest: %+v, %v", r, err)
	}
	if r, err := rollback.Release(ctx, lake, ""); err != nil || r.Decided != 0 {
		t.Errorf("release of nothing: %+v, %v", r, err)
	}
	if _, err := run(ctx, lake); err != nil {
		t.Fatal(err)
	}
	if err := checkDone(ctx, lake, map[string]int{"processed iot": 7, "quarantine iot": 2, "processed web": 1}); err != nil {
		t.Error(err)
	}
	// gc takes the old directories, and with them the states.
	c.advance(25 * time.Hour)
	if _, err := commit.Collect(ctx, lake); err != nil {
		t.Fatal(err)
	}
	if _, err := rollback.Run(ctx, lake, rollback.Options{To: 1}); !errors.Is(err, rollback.ErrState) || !strings.Contains(err.Error(), "the oldest that can be restored is 8") {
		t.Errorf("to a state that gc has taken: %v", err)
	}
}

// A table does not go back alone where an object that would be held fed another table too, or has rejects that may be of another.
func TestRollbackShared(t *testing.T) {
	for name, c := range map[string]struct {
		in   commitlog.Input
		want bool // it is refused
	}{
		"rows of another table":    {commitlog.Input{Partitions: []string{dayPath("iot", "d1"), dayPath("web", "d1")}}, true},
		"rejects of another table": {commitlog.Input{Partitions: []string{dayPath("iot", "d1")}, Rejects: 1, Rejecting: []string{"web"}}, true},
		"rejects of its own":       {commitlog.Input{Partitions: []string{dayPath("iot", "d1")}, Rejects: 1, Rejecting: []string{"iot"}}, false},
		"rejects of who knows":     {commitlog.Input{Partitions: []string{dayPath("iot", "d1")}, Rejects: 1}, true},
	} {
		store := memory.New()
		lake := openLake(t, store, "me")
		a, err := commit.Begin(t.Context(), lake)
		if err != nil {
			t.Fatal(err)
		}
		c.in.Key, c.in.ETag = "raw/all/1", "1"
		b := &commitlog.Body{Inputs: []commitlog.Input{c.in}, Counts: map[string]commitlog.Counts{}}
		for _, s := range []string{"iot", "web"} {
			q := commitlog.Partition{Zone: "quarantine", Path: dayPath(s, "d1")}
			f, err := putKeys(t.Context(), a, q, []string{s})
			if err != nil {
				t.Fatal(err)
			}
			b.Acts = append(b.Acts, commitlog.Act{Partition: q, Kind: commitlog.New, Files: []commitlog.File{f}})
			b.Counts[s] = commitlog.Counts{In: 1, Quarantined: 1}
		}
		if _, err := a.Decide(t.Context(), commit.Decision{Body: b}); err != nil {
			t.Fatal(err)
		}
		_, err = rollback.Run(t.Context(), lake, rollback.Options{Source: "iot", DryRun: true})
		if is := errors.Is(err, rollback.ErrShared) && strings.Contains(err.Error(), "1 of the objects that fed processed_iot since state 0 also fed processed_web"); is != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
