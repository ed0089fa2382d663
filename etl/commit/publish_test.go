package commit_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"datalake/etl/commit"
	"datalake/pkg/catalog"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// hooked is a catalog that tests can get between.
type hooked struct {
	commit.Catalog
	before func(op string) error
	refuse func(p catalog.Partition) error
}

func (h hooked) PutTable(ctx context.Context, t catalog.Table) error {
	if h.before != nil {
		if err := h.before("put table"); err != nil {
			return err
		}
	}
	return h.Catalog.PutTable(ctx, t)
}

func (h hooked) PutPartitions(ctx context.Context, table string, ps []catalog.Partition) ([]catalog.Refusal, error) {
	if h.before != nil {
		if err := h.before("put partitions"); err != nil {
			return nil, err
		}
	}
	var taken []catalog.Partition
	var refused []catalog.Refusal
	for _, p := range ps {
		if h.refuse != nil && h.refuse(p) != nil {
			refused = append(refused, catalog.Refusal{Table: table, Values: p.Values, Err: h.refuse(p)})
			continue
		}
		taken = append(taken, p)
	}
	more, err := h.Catalog.PutPartitions(ctx, table, taken)
	return append(refused, more...), err
}

func hook(lake commit.Lake, before func(op string) error, refuse func(catalog.Partition) error) commit.Lake {
	lake.Catalogs = map[string]commit.Catalog{"local": hooked{lake.Catalogs["local"], before, refuse}}
	return lake
}

// The log goes on while a publisher writes: it ends with the newest state.
func TestPublishFollowsTheLog(t *testing.T) {
	store := memory.New()
	lake := openLake(t, store, "me")
	putRaw(t, store, "iot/1", "d1/a d2/b")
	if _, err := runOnce(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	raced := false
	slow := hook(lake, func(op string) error {
		if raced || op != "put partitions" {
			return nil
		}
		raced = true
		putRaw(t, store, "iot/2", "d1/b! d2/c")
		_, err := runOnce(t.Context(), lake)
		return err
	}, nil)
	report, err := commit.Publish(t.Context(), slow)
	if err != nil || report.Seq != 2 {
		t.Errorf("report %+v, %v", report, err)
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 3}); err != nil {
		t.Error(err)
	}
}

// Two publishers do not write at once: the second waits for the first.
func TestClaims(t *testing.T) {
	lake, store, _ := begin(t)
	lake.Owner, lake.Dead = "", nil
	lake.PublishWait = 30 * time.Millisecond
	c := clocked(store)
	putRaw(t, store, "iot/2", "d1/c")
	if _, err := runOnce(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	nested := error(nil)
	outer := hook(lake, func(string) error {
		_, nested = commit.Publish(t.Context(), lake)
		return nil
	}, nil)
	if _, err := commit.Publish(t.Context(), outer); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(nested, commit.ErrBusy) {
		t.Errorf("a second publisher: %v", nested)
	}
	// One whose last request had no answer leaves its claim, which others respect until it is old.
	putRaw(t, store, "iot/3", "d1/d")
	if _, err := runOnce(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	lost := hook(lake, func(string) error { return storage.ErrUnknown }, nil)
	if _, err := commit.Publish(t.Context(), lost); !errors.Is(err, storage.ErrUnknown) {
		t.Fatal(err)
	}
	if _, err := commit.Publish(t.Context(), lake); !errors.Is(err, commit.ErrBusy) {
		t.Errorf("while the claim is young: %v", err)
	}
	// By a process that can be asked for, it need not grow old.
	mine, theirs := lake, lake
	mine.Owner = "me"
	theirs.Owner, theirs.Dead = "they", func(owner string) bool { return owner == "gone" }
	if _, err := commit.Publish(t.Context(), theirs); !errors.Is(err, commit.ErrBusy) {
		t.Errorf("nobody can tell whose claim it is: %v", err)
	}
	c.advance(16 * time.Minute)
	if _, err := commit.Publish(t.Context(), lake); err != nil {
		t.Errorf("when the claim is old: %v", err)
	}
	for _, owner := range []string{"gone", "me"} {
		putRaw(t, store, "iot/"+owner, "d1/"+owner)
		if _, err := runOnce(t.Context(), lake); err != nil {
			t.Fatal(err)
		}
		lost.Owner = owner
		if _, err := commit.Publish(t.Context(), lost); !errors.Is(err, storage.ErrUnknown) {
			t.Fatal(err)
		}
		next := theirs
		if owner == "me" {
			if _, err := commit.Publish(t.Context(), theirs); !errors.Is(err, commit.ErrBusy) {
				t.Errorf("whose owner lives: %v", err)
			}
			next = mine
		}
		if _, err := commit.Publish(t.Context(), next); err != nil {
			t.Errorf("after %s: %v", owner, err)
		}
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 6}); err != nil {
		t.Error(err)
	}
}

// A publisher that slept sends nothing more, takes a new claim and goes on.
func TestClaimBecomesOld(t *testing.T) {
	lake, store, _ := begin(t)
	putRaw(t, store, "iot/2", "d1/c d3/d")
	if _, err := runOnce(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	lake.ClaimAge = 60 * time.Millisecond
	calls := 0
	slow := hook(lake, func(string) error {
		if calls++; calls == 1 {
			time.Sleep(50 * time.Millisecond)
		}
		return nil
	}, nil)
	if _, err := commit.Publish(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	if n := len(keys(t, store, "state/processed/publish/local/")); n != 6 {
		t.Errorf("%d claims and ends", n)
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 4}); err != nil {
		t.Error(err)
	}
}

// What a catalog refuses is reported and tried again; the rest is published.
func TestRefusedPartition(t *testing.T) {
	lake, store, _ := begin(t)
	c := clocked(store)
	putRaw(t, store, "iot/2", "d1/b! d3/c")
	if _, err := runOnce(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	stubborn := hook(lake, nil, func(p catalog.Partition) error {
		if p.Values[3] == "2" {
			return errors.New("throttled")
		}
		return nil
	})
	report, err := commit.Publish(t.Context(), stubborn)
	if err != nil || len(report.Refused) != 2 {
		t.Fatalf("report %+v, %v", report, err)
	}
	if err := checkInvariants(t.Context(), lake); err != nil {
		t.Error(err)
	}
	c.advance(25 * time.Hour)
	if got := collect(t, lake); got.Dirs != 0 {
		t.Errorf("gc took a directory that the catalog did not leave: %+v", got)
	}
	if _, err := commit.Publish(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 3}); err != nil {
		t.Error(err)
	}
}

// A file that is nowhere keeps its partition as it was, and no other.
func TestMissingFile(t *testing.T) {
	lake, store, _ := begin(t)
	putRaw(t, store, "iot/2", "d1/c d3/d")
	if _, err := runOnce(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	d3 := part(layout.Processed, "iot", "d3")
	head, err := lake.Log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := head.Partitions[d3].Files[0]
	kept, err := readObject(t.Context(), store, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), f.Key); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		report, err := commit.Publish(t.Context(), lake)
		if err != nil || len(report.Refused) != 1 || !errors.Is(report.Refused[0], commit.ErrMissing) {
			t.Fatalf("report %+v, %v", report, err)
		}
	}
	found, err := commit.Verify(t.Context(), lake, commit.Checks{})
	if err != nil || len(found) == 0 || found[0].What != "missing" || found[0].Severity != commit.Alarm {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := store.Put(t.Context(), f.Key, strings.NewReader(string(kept)), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := commit.Publish(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 4}); err != nil {
		t.Error(err)
	}
}

// Repair brings back what was lost of directories and catalogs.
func TestRepair(t *testing.T) {
	lake, store, _ := begin(t)
	for _, key := range append(keys(t, store, "processed/"), keys(t, store, "state/catalog/")...) {
		if err := store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	report, err := commit.Repair(t.Context(), lake)
	if err != nil || report.Copied != 2 {
		t.Errorf("report %+v, %v", report, err)
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 2}); err != nil {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	d1 := "processed/" + dayPath("iot", "d1") + "/"
	file := func(t *testing.T, store *memory.Store) string { return keys(t, store, d1)[0] }
	put := func(t *testing.T, store *memory.Store, key, text string) {
		t.Helper()
		if _, err := store.Put(t.Context(), key, strings.NewReader(text), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, lake commit.Lake, store *memory.Store)
		want  string // the finding begins so; empty: none
	}{
		{"sound", func(t *testing.T, lake commit.Lake, store *memory.Store) {}, ""},
		{"missing", func(t *testing.T, lake commit.Lake, store *memory.Store) {
			_ = store.Delete(t.Context(), file(t, store))
		}, "alarm missing " + d1},
		{"short", func(t *testing.T, lake commit.Lake, store *memory.Store) { put(t, store, file(t, store), "") }, "alarm size " + d1},
		{"corrupt", func(t *testing.T, lake commit.Lake, store *memory.Store) { put(t, store, file(t, store), "b\n") }, "alarm corrupt " + d1},
		{"foreign", func(t *testing.T, lake commit.Lake, store *memory.Store) { put(t, store, d1+"mine.parquet", "x\n") }, "alarm foreign " + d1 + "mine.parquet"},
		{"below", func(t *testing.T, lake commit.Lake, store *memory.Store) { put(t, store, d1+"hour=1/x", "x\n") }, "alarm foreign " + d1 + "hour=1/x"},
		{"orphan", func(t *testing.T, lake commit.Lake, store *memory.Store) { put(t, store, "processed/x/y", "x\n") }, "note orphan processed/x/y"},
		{"orphan aside", func(t *testing.T, lake commit.Lake, store *memory.Store) {
			put(t, store, "processed@/someone/data/a=b/x", "x\n")
		}, "note orphan processed@/someone/"},
		{"unpublished", func(t *testing.T, lake commit.Lake, store *memory.Store) {
			putRaw(t, store, "iot/2", "d1/c")
			if _, err := runOnce(t.Context(), lake); err != nil {
				t.Fatal(err)
			}
		}, "pending "},
		{"catalog behind", func(t *testing.T, lake commit.Lake, store *memory.Store) {
			_ = store.Delete(t.Context(), "state/catalog/processed_iot.json")
		}, "pending catalog processed_iot"},
		{"entry changed", func(t *testing.T, lake commit.Lake, store *memory.Store) {
			key := "state/processed/" + layout.LogPath(1)
			data, _ := readObject(t.Context(), store, key)
			put(t, store, key, strings.Replace(string(data), `"out":2`, `"out":3`, 1))
		}, "alarm chain"},
		{"entry lost", func(t *testing.T, lake commit.Lake, store *memory.Store) {
			_ = store.Delete(t.Context(), "state/processed/"+layout.LogPath(1))
		}, "alarm chain"},
		{"foreign in the log", func(t *testing.T, lake commit.Lake, store *memory.Store) { put(t, store, "state/processed/log/x", "") }, "alarm foreign state/processed/log/x"},
		{"body changed", func(t *testing.T, lake commit.Lake, store *memory.Store) {
			e, err := lake.Log.Entry(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			put(t, store, e.Body.Key, "x")
		}, "alarm chain"},
		{"checkpoint wrong", func(t *testing.T, lake commit.Lake, store *memory.Store) {
			s, err := lake.Log.At(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			wrong := *s
			wrong.Oldest = 1
			if err := lake.Log.PutCheckpoint(t.Context(), &wrong); err != nil {
				t.Fatal(err)
			}
		}, "alarm checkpoint"},
	} {
		t.Run(test.name, func(t *testing.T) {
			lake, store, _ := begin(t)
			putRaw(t, store, "web/1", "d1/a")
			if _, err := run(t.Context(), lake); err != nil {
				t.Fatal(err)
			}
			test.spoil(t, lake, store)
			found, err := commit.Verify(t.Context(), openLake(t, store, "other"), commit.Checks{Content: true, File: rowsOf})
			switch {
			case err != nil:
				t.Error(err)
			case test.want == "" && len(found) > 0:
				t.Errorf("found %v", found)
			case test.want != "" && (len(found) == 0 || !strings.HasPrefix(found[0].String(), test.want)):
				t.Errorf("found %v, want %s", found, test.want)
			}
		})
	}
}

func TestVerifyKeys(t *testing.T) {
	lake, _, _ := begin(t)
	found, err := commit.Verify(t.Context(), lake, commit.Checks{Keys: func(_ context.Context, s *commitlog.State) ([]commit.Finding, error) {
		return []commit.Finding{{Severity: commit.Alarm, What: "key", Key: "a"}}, nil
	}})
	if err != nil || len(found) != 1 || found[0].What != "key" {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestProcessOwner(t *testing.T) {
	me := commit.ProcessOwner()
	if me == "" {
		t.Skip("this system does not tell")
	}
	f := strings.Fields(me)
	if commit.ProcessDead(me) {
		t.Error("this process is said to have ended")
	}
	if !commit.ProcessDead(strings.Join([]string{f[0], f[1], f[2], "1"}, " ")) {
		t.Error("an earlier process of the same number is not said to have ended")
	}
	if !commit.ProcessDead(strings.Join([]string{f[0], f[1], "999999999", f[3]}, " ")) {
		t.Error("a process that does not exist is not said to have ended")
	}
	for _, unsure := range []string{"", "x", strings.Join([]string{"boot", f[1], "999999999", "1"}, " "), strings.Join([]string{f[0], "pid:[1]", "999999999", "1"}, " ")} {
		if commit.ProcessDead(unsure) {
			t.Errorf("%q is said to have ended", unsure)
		}
	}
}

// Sources that are partitioned otherwise are in the table of all sources too.
func TestOtherPartitionKeys(t *testing.T) {
	lake, _, a := begin(t)
	f, err := putKeys(t.Context(), a, commitlog.Partition{Zone: layout.Processed, Path: "source=web/year=2025/hour=7"}, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = decide(t, a, &commitlog.Body{
		Acts:    []commitlog.Act{{Partition: commitlog.Partition{Zone: layout.Processed, Path: "source=web/year=2025/hour=7"}, Kind: commitlog.New, Files: []commitlog.File{f}}},
		Schemas: map[string]*schema.Schema{"web": testSchema("web")},
		Counts:  map[string]commitlog.Counts{"web": {In: 1, Out: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := commit.Publish(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{commit.DataTable: {"web", "2025", "", "", "7"}, commit.SourceTable("web"): {"web", "2025", "7"}} {
		ps, err := lake.Catalogs["local"].Partitions(t.Context(), name)
		if err != nil || !slices.ContainsFunc(ps, func(p catalog.Partition) bool { return slices.Equal(p.Values, want) }) {
			t.Errorf("%s: got %v, %v", name, ps, err)
		}
	}
	if err := checkDone(t.Context(), lake, map[string]int{"processed iot": 2, "processed web": 1}); err != nil {
		t.Error(err)
	}
}
