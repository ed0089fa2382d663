package commit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"datalake/etl/commit"
	"datalake/etl/commit/rollback"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func part(zone, source, day string) commitlog.Partition {
	return commitlog.Partition{Zone: zone, Path: dayPath(source, day)}
}

// begin makes an attempt on a lake in which iot has d1 with the row a, and d2 with the row b.
func begin(t *testing.T) (commit.Lake, *memory.Store, *commit.Attempt) {
	t.Helper()
	store := memory.New()
	lake := openLake(t, store, "me")
	putRaw(t, store, "iot/1", "d1/a d2/b")
	if _, err := run(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	a, err := commit.Begin(t.Context(), lake)
	if err != nil {
		t.Fatal(err)
	}
	return lake, store, a
}

// oneRow is the body of an attempt that consumes an object and adds a row to a day of iot.
func oneRow(t *testing.T, a *commit.Attempt, input, day, key string) *commitlog.Body {
	t.Helper()
	p := part(layout.Processed, "iot", day)
	f, err := putKeys(t.Context(), a, p, []string{key})
	if err != nil {
		t.Fatal(err)
	}
	kind := commitlog.Add
	if a.Base.Partitions[p] == nil {
		kind = commitlog.New
	}
	return &commitlog.Body{
		Inputs:       []commitlog.Input{{Key: "raw/iot/" + input, ETag: "e"}},
		Acts:         []commitlog.Act{{Partition: p, Kind: kind, Files: []commitlog.File{f}}},
		Fingerprints: map[string]string{"iot": "one row a key"},
		Counts:       map[string]commitlog.Counts{"iot": {In: 1, Out: 1}},
	}
}

func decide(t *testing.T, a *commit.Attempt, b *commitlog.Body, reads ...commitlog.Set) (uint64, error) {
	t.Helper()
	return a.Decide(t.Context(), commit.Decision{Reads: reads, Body: b})
}

func TestConflicts(t *testing.T) {
	for _, test := range []struct {
		name   string
		other  func(b *commitlog.Body)
		day    string // of the other; ours is d1
		reads  []commitlog.Set
		input  string
		want   commit.Redo
		reason string
	}{
		{name: "none", day: "d2"},
		{name: "same partition", day: "d1", want: commit.Rebase, reason: "wrote"},
		{name: "a partition that we read", day: "d2", reads: []commitlog.Set{"processed:source=iot"}, want: commit.Rebase, reason: "wrote"},
		{name: "a new partition in what we read", day: "d3", reads: []commitlog.Set{"processed:source=iot"}, want: commit.Rebase, reason: "wrote"},
		{name: "another source is read", day: "d2", reads: []commitlog.Set{"processed:source=io"}},
		{name: "our input", day: "d2", input: "ours", want: commit.Replan, reason: "consumed raw/iot/ours"},
		{
			name: "schema", day: "d2", want: commit.Replan, reason: "changed the schema of iot",
			other: func(b *commitlog.Body) {
				b.Schemas = map[string]*schema.Schema{"iot": testSchema("iot")}
			},
		},
		{name: "input before partition", day: "d1", input: "ours", want: commit.Replan, reason: "consumed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			lake, _, a := begin(t)
			other, err := commit.Begin(t.Context(), lake)
			if err != nil {
				t.Fatal(err)
			}
			input := "theirs"
			if test.input != "" {
				input = test.input
			}
			b := oneRow(t, other, input, test.day, "x")
			if test.other != nil {
				test.other(b)
			}
			if seq, err := decide(t, other, b); seq != 2 || err != nil {
				t.Fatal(seq, err)
			}
			seq, err := decide(t, a, oneRow(t, a, "ours", "d1", "y"), test.reads...)
			var c *commit.Conflict
			switch {
			case test.want == 0:
				if seq != 3 || err != nil {
					t.Errorf("got %d, %v", seq, err)
				}
			case !errors.As(err, &c) || !errors.Is(err, commit.ErrConflict):
				t.Errorf("got %d, %v, want a conflict", seq, err)
			case c.Redo != test.want || c.Seq != 2 || !strings.Contains(c.Reason, test.reason):
				t.Errorf("got %v", c)
			}
		})
	}
}

func TestRebase(t *testing.T) {
	lake, _, a := begin(t)
	for round := range commit.MaxRounds + 1 {
		other, err := commit.Begin(t.Context(), lake)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decide(t, other, oneRow(t, other, fmt.Sprint("theirs", round), "d1", fmt.Sprint("x", round))); err != nil {
			t.Fatal(err)
		}
		if _, err := decide(t, a, oneRow(t, a, "ours", "d1", "y")); !errors.Is(err, commit.ErrConflict) {
			t.Fatalf("round %d: %v", round, err)
		}
		seq, err := a.Rebase(t.Context())
		switch {
		case round == commit.MaxRounds:
			if !errors.Is(err, commit.ErrRounds) {
				t.Errorf("after the last round: %v", err)
			}
		case seq != 0 || err != nil:
			t.Errorf("round %d: %d, %v", round, seq, err)
		case a.Base.Seq != uint64(round)+2:
			t.Errorf("round %d: base %d", round, a.Base.Seq)
		}
	}
	if seq, err := decide(t, a, oneRow(t, a, "ours", "d1", "y")); err == nil {
		t.Errorf("an attempt on an old base was decided as %d", seq)
	}
}

// An attempt that a twin decided, or whose answer got lost, is decided once.
func TestDecidedOnce(t *testing.T) {
	_, store, a := begin(t)
	b := oneRow(t, a, "ours", "d1", "y")
	store.SetFaults(nil, func(op, key string) error {
		if op == "put" && strings.Contains(key, "/log/") {
			return storage.ErrUnknown
		}
		return nil
	})
	if seq, err := decide(t, a, b); seq != 2 || err != nil {
		t.Errorf("with the answer lost: %d, %v", seq, err)
	}
	store.SetFaults(nil, nil)
	if seq, err := decide(t, a, b); seq != 2 || err != nil {
		t.Errorf("again: %d, %v", seq, err)
	}
	if seq, err := a.Rebase(t.Context()); seq != 2 || err != nil {
		t.Errorf("rebase: %d, %v", seq, err)
	}
}

func TestUnknown(t *testing.T) {
	for _, test := range []struct {
		name    string
		fault   error
		cancel  bool
		unknown bool
	}{
		{name: "the store fails", fault: errFault, unknown: true},
		{name: "unknown", fault: storage.ErrUnknown, unknown: true},
		{name: "stopped before it was sent", fault: context.Canceled, cancel: true},
		{name: "stopped, and perhaps sent", fault: errors.Join(context.Canceled, storage.ErrUnknown), cancel: true, unknown: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			lake, store, a := begin(t)
			b := oneRow(t, a, "ours", "d1", "y")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			store.SetFaults(func(op, key string) error {
				if op == "put" && strings.Contains(key, "/log/") {
					if test.cancel {
						cancel()
					}
					return test.fault
				}
				return nil
			}, nil)
			_, err := a.Decide(ctx, commit.Decision{Body: b})
			if err == nil || errors.Is(err, commit.ErrUnknown) != test.unknown {
				t.Errorf("got %v", err)
			}
			store.SetFaults(nil, nil)
			if head, err := lake.Log.Head(t.Context()); err != nil || head.Seq != 1 {
				t.Errorf("head: %v, %v", head, err)
			}
			if seq, err := decide(t, a, b); seq != 2 || err != nil {
				t.Errorf("later: %d, %v", seq, err)
			}
		})
	}
}

// What a body may not say.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(b *commitlog.Body)
		want   error
		say    string
	}{
		{"balance", func(b *commitlog.Body) { b.Counts["iot"] = commitlog.Counts{In: 2, Out: 1} }, commitlog.ErrInvalid, "2 records in"},
		{"rows", func(b *commitlog.Body) { b.Counts["iot"] = commitlog.Counts{In: 2, Out: 2} }, commitlog.ErrInvalid, "the acts add 1 rows"},
		{"quarantine", func(b *commitlog.Body) { b.Counts["iot"] = commitlog.Counts{In: 2, Out: 1, Quarantined: 1} }, commitlog.ErrInvalid, "to the quarantine"},
		{"rows of no count", func(b *commitlog.Body) { b.Counts = nil }, commitlog.ErrInvalid, "the acts add 1 rows"},
		{"missing file", func(b *commitlog.Body) { b.Acts[0].Files[0].Key += "x" }, commit.ErrMissing, "x"},
		{"size", func(b *commitlog.Body) { b.Acts[0].Files[0].Size++ }, commitlog.ErrInvalid, "bytes, not"},
		{"foreign file", func(b *commitlog.Body) { b.Acts[0].Files[0].Key = "state/processed/x" }, commitlog.ErrInvalid, "outside"},
		{"foreign input", func(b *commitlog.Body) { b.Inputs[0].Key = "rawer/x" }, commitlog.ErrInvalid, "input"},
		{"input twice", func(b *commitlog.Body) { b.Inputs = append(b.Inputs, b.Inputs[0]) }, commitlog.ErrInvalid, "twice"},
		{"act twice", func(b *commitlog.Body) {
			b.Acts = append(b.Acts, b.Acts[0])
			b.Counts["iot"] = commitlog.Counts{In: 2, Out: 2}
		}, commitlog.ErrInvalid, "two acts"},
		{"new on what exists", func(b *commitlog.Body) { b.Acts[0].Kind = commitlog.New }, commitlog.ErrInvalid, "it exists"},
		{"add to nothing", func(b *commitlog.Body) { b.Acts[0].Path = dayPath("iot", "d7") }, commitlog.ErrInvalid, "does not exist"},
		{"another directory", func(b *commitlog.Body) { b.Acts[0].Dir = "processed/x/" }, commitlog.ErrInvalid, "it must be"},
		{"spelling", func(b *commitlog.Body) { b.Acts[0].Path = "source=iot/day=a:b"; b.Acts[0].Kind = commitlog.New }, commitlog.ErrInvalid, "spelt"},
		{"zone", func(b *commitlog.Body) { b.Acts[0].Zone, b.Acts[0].Kind = "raw", commitlog.New }, commitlog.ErrInvalid, "zone"},
		{"nested", func(b *commitlog.Body) {
			b.Acts[0].Path += "/hour=3"
			b.Acts[0].Kind = commitlog.New
		}, commitlog.ErrInvalid, "lies in"},
		{"two files added", func(b *commitlog.Body) {
			f := b.Acts[0].Files[0]
			f.Name = "other"
			b.Acts[0].Files = append(b.Acts[0].Files, f)
			b.Counts["iot"] = commitlog.Counts{In: 2, Out: 2}
		}, commitlog.ErrInvalid, "it must be one"},
		{"fingerprint", func(b *commitlog.Body) { b.Fingerprints["iot"] = "all rows" }, commit.ErrFingerprint, "iot"},
	} {
		t.Run(test.name, func(t *testing.T) {
			lake, _, a := begin(t)
			b := oneRow(t, a, "ours", "d1", "y")
			test.change(b)
			_, err := decide(t, a, b)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.say) {
				t.Errorf("got %v, want %v that says %q", err, test.want, test.say)
			}
			if head, err := lake.Log.Head(t.Context()); err != nil || head.Seq != 1 {
				t.Errorf("the log went on: %v", err)
			}
		})
	}
}

// Equal bytes twice in one partition are two files.
func TestEqualFiles(t *testing.T) {
	lake, _, a := begin(t)
	if _, err := decide(t, a, oneRow(t, a, "ours", "d1", "a")); err != nil { // the first run wrote just "a" there
		t.Fatal(err)
	}
	if _, err := commit.Publish(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	found, err := commit.Verify(t.Context(), lake, commit.Checks{Content: true, File: rowsOf})
	if err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	head, err := lake.Log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := head.Partitions[part(layout.Processed, "iot", "d1")]; len(c.Files) != 2 || c.Files[0].Name == c.Files[1].Name {
		t.Errorf("files: %+v", c.Files)
	}
}

// careless is a store that ignores the condition of a put.
type careless struct{ *memory.Store }

func (c careless) Put(ctx context.Context, key string, body io.ReadSeeker, o storage.PutOptions) (storage.Info, error) {
	return c.Store.Put(ctx, key, body, storage.PutOptions{})
}

func TestProbe(t *testing.T) {
	lake := openLake(t, careless{memory.New()}, "")
	if _, err := commit.Begin(t.Context(), lake); !errors.Is(err, commit.ErrStore) {
		t.Errorf("a store that lets all racers win: %v", err)
	}
	plain := memory.New()
	plain.SetFaults(func(op, key string) error {
		if op == "copy" {
			return errors.New("cross-device link")
		}
		return nil
	}, nil)
	if _, err := commit.Begin(t.Context(), openLake(t, plain, "")); !errors.Is(err, commit.ErrStore) {
		t.Errorf("a store that cannot copy: %v", err)
	}
}

// A log whose first entry is gone is not an empty one: nothing may be decided in it.
func TestBeginningIsMissing(t *testing.T) {
	lake, store, _ := begin(t)
	putRaw(t, store, "iot/2", "d1/c")
	if _, err := run(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), "state/processed/"+layout.LogPath(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := commit.Begin(t.Context(), openLake(t, store, "me")); !errors.Is(err, commitlog.ErrChain) {
		t.Errorf("begin on a log without its first entry: %v", err)
	}
}

// An empty log beside tables that have files is a lost one: a run would add all rows again.
func TestStateIsLost(t *testing.T) {
	_, store, _ := begin(t)
	for info, err := range store.List(t.Context(), "state/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Delete(t.Context(), info.Key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := commit.Begin(t.Context(), openLake(t, store, "me")); !errors.Is(err, commit.ErrRoots) {
		t.Errorf("begin beside tables without a log: %v", err)
	}
}

// Equal files of two partitions are one object aside, and two in the end.
func TestEqualFilesOfPartitions(t *testing.T) {
	lake, store, a := begin(t)
	b := oneRow(t, a, "2", "d8", "x")
	more := oneRow(t, a, "3", "d9", "x")
	b.Inputs, b.Acts = append(b.Inputs, more.Inputs...), append(b.Acts, more.Acts...)
	b.Counts["iot"] = commitlog.Counts{In: 2, Out: 2}
	first, second := b.Acts[0].Files[0], b.Acts[1].Files[0]
	if first.Key != second.Key || len(keys(t, store, "processed@/"+a.ID+"/")) != 1 {
		t.Errorf("aside: %s and %s, %q", first.Key, second.Key, keys(t, store, "processed@/"+a.ID+"/"))
	}
	if _, err := decide(t, a, b); err != nil {
		t.Fatal(err)
	}
	if report, err := commit.Publish(t.Context(), lake); err != nil || report.Copied != 2 || len(report.Refused)+len(report.Foreign) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	for _, day := range []string{"d8", "d9"} {
		if got := keys(t, store, "processed/"+dayPath("iot", day)+"/"); len(got) != 1 {
			t.Errorf("%s: %q", day, got)
		}
	}
	if found, err := commit.Verify(t.Context(), lake, commit.Checks{Content: true, File: rowsOf}); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
}

// A table that is partitioned anew: no directory lies in another one, whether it is in use, left, or still there for gc; gc takes none away
// that is in use; and a rollback brings the older partitions back.
func TestPartitionedAnew(t *testing.T) {
	store := memory.New()
	c := clocked(store)
	lake := openLake(t, store, "me")
	ctx := t.Context()
	paths := []string{"source=iot/year=2025/month=1/day=1", "source=iot/year=2025", "source=iot/year=2025/month=1", "source=iot/year=2025/month=1/day=1"}
	for round, path := range paths {
		a, err := commit.Begin(ctx, lake)
		if err != nil {
			t.Fatal(err)
		}
		p := commitlog.Partition{Zone: layout.Processed, Path: path}
		f, err := putKeys(ctx, a, p, []string{"k"})
		if err != nil {
			t.Fatal(err)
		}
		act := commitlog.Act{Partition: p, Kind: commitlog.New, Files: []commitlog.File{f}}
		if a.Base.Partitions[p] != nil {
			act.Kind = commitlog.Swap
		}
		b := &commitlog.Body{Acts: []commitlog.Act{act}, Fingerprints: map[string]string{"iot": fmt.Sprint(round)}, Counts: map[string]commitlog.Counts{}}
		n := commitlog.Counts{In: 1, Out: 1}
		for old, content := range a.Base.Partitions {
			if n.Replaced += content.Rows(); old != p {
				b.Acts = append(b.Acts, commitlog.Act{Partition: old, Kind: commitlog.Swap})
			}
		}
		b.Counts["iot"] = n
		if _, err := a.Decide(ctx, commit.Decision{Kind: commitlog.Backfill, Body: b}); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if _, err := commit.Publish(ctx, lake); err != nil {
			t.Fatal(err)
		}
		if round == 1 {
			if _, err := rollback.Run(ctx, lake, rollback.Options{To: 1}); err != nil {
				t.Fatal(err)
			}
			s, err := lake.Log.Head(ctx)
			if err != nil || s.Sources["iot"].Fingerprint != "0" || s.Partitions[commitlog.Partition{Zone: layout.Processed, Path: paths[0]}].Rows() != 1 || s.Partitions[p].Rows() != 0 {
				t.Fatalf("after a rollback: %+v, %v", s.Sources, err)
			}
			if _, err := rollback.Run(ctx, lake, rollback.Options{To: 2}); err != nil {
				t.Fatal(err)
			}
			if _, err := commit.Publish(ctx, lake); err != nil {
				t.Fatal(err)
			}
		}
		// What a reader of one location lists is that partition's.
		check := func(when string) {
			t.Helper()
			if err := checkDone(ctx, lake, map[string]int{"processed iot": 1}); err != nil {
				t.Fatalf("round %d%s: %v", round, when, err)
			}
			s, err := lake.Log.Head(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for p, content := range s.Partitions {
				if got := keys(t, store, content.Dir); len(got) != len(content.Files) {
					t.Fatalf("round %d%s: %s lists %q", round, when, p, got)
				}
			}
		}
		check("")
		if round%2 == 1 {
			c.advance(25 * time.Hour)
			if _, err := commit.Collect(ctx, lake); err != nil {
				t.Fatal(err)
			}
			check(", after gc")
		}
	}
}
