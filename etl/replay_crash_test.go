package etl_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	arrowmem "github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl"
	"datalake/pkg/pool"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
	"datalake/pkg/storage/memory"
)

// setAside puts objects of which a half is set aside by the first lake file, and gives the rows that they must give in the end.
func setAside(t testing.TB, l *lake, round int) map[string]string {
	t.Helper()
	want := map[string]string{}
	for o := range 3 {
		var b strings.Builder
		for i := range 20 {
			id, v := fmt.Sprintf("r%d-%d-%02d", round, o, i), fmt.Sprint(100*round+i)
			want[id] = v
			more := ""
			if i%2 == 0 {
				more = `,"w":"x"`
			}
			fmt.Fprintf(&b, `{"record_id":%q,"source":"s","ingested_at":"2025-11-0%dT00:00:00Z","data":{"v":%s%s}}`+"\n", id, 1+i%3, v, more)
			if i%5 == 0 {
				b.WriteString("{\"broken\n")
			}
		}
		l.put(t, fmt.Sprintf("raw/s/%d-%d.json", round, o), b.String())
	}
	return want
}

const (
	tooStrict = "sources: {s: {columns: [{path: data.v, type: bigint}, {path: data.w, type: string, required: true}]}}\n"
	justRight = "sources: {s: {columns: [{path: data.v, type: bigint}, {path: data.w, type: string}]}}\n"
	brokenOf  = 12 // of one round
)

// checkReplayed holds the lake to the rows, and to so many records that are still set aside.
func checkReplayed(l *lake, want map[string]string, aside int) error {
	if err := l.check(context.Background(), want); err != nil {
		return err
	}
	got, err := l.aside(context.Background())
	if err == nil && len(got) != aside {
		err = fmt.Errorf("%d records are set aside, want %d", len(got), aside)
	}
	return err
}

// Each request of a replay fails, or succeeds but says that it failed; then one replay more, and all is as if nothing had happened.
func TestReplayFaults(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 10
	}
	points := 0
	for _, after := range []bool{false, true} {
		for at := 0; ; at += step {
			points++
			store := memory.New()
			l := openLake(store)
			l.configure(t, tooStrict)
			want := setAside(t, l, 1)
			l.run(t)
			l.configure(t, justRight)
			end := failing(store, at, after)
			r, err := etl.Replay(context.Background(), l.job, etl.ReplayOptions{})
			hit := end()
			if err != nil && !errors.Is(err, errFault) {
				t.Fatalf("fault at request %d: %v", at, err)
			}
			if err == nil && hit && r.Decided == 0 {
				t.Fatalf("fault at request %d was swallowed: %+v", at, r)
			}
			l.replay(t, etl.ReplayOptions{})
			if err := checkReplayed(l, want, brokenOf); err != nil {
				t.Fatalf("fault at request %d (after: %v): %v", at, after, err)
			}
			if !hit {
				break
			}
		}
	}
	t.Logf("%d fault points", points)
}

// The power fails before an operation of the disk; then one replay, and all is as if nothing had happened.
func TestReplayPowerLoss(t *testing.T) {
	step := 5
	if testing.Short() {
		step = 41
	}
	points := 0
	for at := 0; ; at += step {
		points++
		disk := crashfs.New()
		disk.SetWhole(at % 2 * 20)
		store, err := file.OpenFS("/lake", disk)
		if err != nil {
			t.Fatal(err)
		}
		l := openLake(store)
		l.configure(t, tooStrict)
		want := setAside(t, l, 1)
		l.run(t)
		l.configure(t, justRight)
		store = powerLoss(t, disk, at, 1, func(ctx context.Context) error { _, err := etl.Replay(ctx, l.job, etl.ReplayOptions{}); return err })
		if store == nil {
			if err := checkReplayed(l, want, brokenOf); err != nil {
				t.Fatal(err)
			}
			break
		}
		again := openLake(store)
		again.job.Lake = l.job.Lake
		again.replay(t, etl.ReplayOptions{})
		if err := checkReplayed(again, want, brokenOf); err != nil {
			t.Fatalf("crash at operation %d: %v", at, err)
		}
	}
	t.Logf("%d crash points", points)
}

// Two replays and two runs at once, the runs with more to set aside in the same partition: each does its part, or says that it lost.
func TestReplaysAndRuns(t *testing.T) {
	for range 10 {
		store := memory.New()
		l := openLake(store)
		l.configure(t, tooStrict)
		want := setAside(t, l, 1)
		l.run(t)
		maps.Copy(want, setAside(t, l, 2))
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				other := openLake(store)
				var err error
				if i%2 == 0 {
					other.configure(t, tooStrict)
					_, err = etl.Run(context.Background(), other.job)
				} else {
					other.configure(t, justRight)
					_, err = etl.Replay(context.Background(), other.job, etl.ReplayOptions{})
				}
				if err != nil && !errors.Is(err, etl.ErrConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		l.configure(t, justRight)
		l.run(t)
		l.replay(t, etl.ReplayOptions{})
		if err := checkReplayed(l, want, 2*brokenOf); err != nil {
			t.Fatal(err)
		}
		if r := l.replay(t, etl.ReplayOptions{}); r.Decided != 0 {
			t.Errorf("one replay more was not idle: %+v", r)
		}
	}
}

// Same bytes for any degree of parallelism and any budget, the quarantine's among them.
func TestReplaySameBytes(t *testing.T) {
	var first map[string]string
	for _, o := range []struct {
		parallel int
		memory   int64
	}{{1, 1 << 30}, {2, 1 << 30}, {8, 1 << 30}, {2, 1}} {
		store := memory.New()
		store.SetClock(func() time.Time { return time.Date(2025, 11, 25, 0, 0, 0, 0, time.UTC) })
		l := openLake(store)
		mem := arrowmem.NewCheckedAllocator(pool.Poisoned(64 << 20))
		l.job.Parallel, l.job.Memory, l.job.Allocator = o.parallel, o.memory, mem
		l.configure(t, tooStrict)
		want := setAside(t, l, 1)
		l.run(t)
		maps.Copy(want, setAside(t, l, 2))
		l.run(t)
		if err := store.Delete(t.Context(), "raw/s/2-1.json"); err != nil {
			t.Fatal(err)
		}
		l.configure(t, justRight)
		l.replay(t, etl.ReplayOptions{})
		if err := checkReplayed(l, want, 2*brokenOf); err != nil {
			t.Fatal(err)
		}
		mem.AssertSize(t, 0)
		head, err := l.head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for p, c := range head.Partitions {
			for i, file := range c.Files {
				got[fmt.Sprint(p, i)] = file.Name
			}
		}
		if first == nil {
			first = got
		} else if !maps.Equal(first, got) {
			t.Errorf("parallel %d, memory %d: other files than with one worker", o.parallel, o.memory)
		}
	}
}

// A raw object that is replaced between the plan of a replay and its reading is read from the quarantine.
func TestReplayObjectChanges(t *testing.T) {
	store := memory.New()
	l := openLake(store)
	l.configure(t, tooStrict)
	want := setAside(t, l, 1)
	l.run(t)
	l.configure(t, justRight)
	var once sync.Once
	store.SetFaults(func(op, key string) error {
		if op == "get" && key == "raw/s/1-1.json" {
			once.Do(func() { l.put(t, key, "{\"broken\n") })
		}
		return nil
	}, nil)
	r := l.replay(t, etl.ReplayOptions{})
	store.SetFaults(nil, nil)
	if r.Left != 0 || r.Quarantined != brokenOf || r.Objects != 2 {
		t.Errorf("%+v", r)
	}
	if err := checkReplayed(l, want, brokenOf); err != nil {
		t.Error(err)
	}
}
