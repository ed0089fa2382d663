package etl_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
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

// feed adds raw objects in rounds, and knows the rows that they must give: the first record of each id by key order,
// whichever run reads it.
type feed struct {
	r     *rand.Rand
	want  map[string]string
	round int
}

func newFeed(seed uint64) *feed {
	return &feed{r: rand.New(rand.NewPCG(seed, 1)), want: map[string]string{}}
}

// add puts a few objects of some 40 records: new ones, repeated ones of all rounds, broken ones.
func (f *feed) add(t testing.TB, l *lake) {
	f.round++
	for o := range 3 {
		var b strings.Builder
		for range 40 {
			n := f.r.IntN(f.round * 100)
			id := fmt.Sprintf("r%05d", n)
			source := fmt.Sprintf("s%d", n%2)
			if f.r.IntN(20) == 0 {
				b.WriteString(`{"broken":` + "\n")
			}
			b.WriteString(event(source, id, 1+n%4, n))
			f.want[id] = fmt.Sprint(n)
		}
		l.put(t, fmt.Sprintf("raw/s%d/%05d-%d.json", o%2, f.round, o), b.String())
	}
}

const childDir = "DATALAKE_TEST_CHILD"

// child is the life of a process that TestKill kills: one run on the directory.
func child() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	store, err := file.Open(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := etl.Run(context.Background(), openLake(store).job); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// SIGKILL at random moments; then one run, and all is as if nothing had happened.
func TestKill(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	dir := t.TempDir()
	store, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, f := openLake(store), newFeed(1)
	r := rand.New(rand.NewPCG(2, 2))
	killed, life := 0, 100*time.Millisecond
	for range rounds {
		f.add(t, l)
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		var out strings.Builder
		cmd.Stderr = &out
		began := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Int64N(int64(life)+1)), func() {
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Error(err)
			}
		})
		err := cmd.Wait()
		timer.Stop()
		switch {
		case err == nil:
			life = time.Since(began) // how long a whole run takes
		case strings.Contains(err.Error(), "killed"):
			killed++
			life += life / 20 // what was left undone makes the next run longer
		default:
			t.Fatalf("%v: %s", err, out.String())
		}
	}
	l.run(t)
	if err := l.check(context.Background(), f.want); err != nil {
		t.Error(err)
	}
	if res := l.run(t); res.Decided != 0 {
		t.Errorf("a run with nothing new decided entry %d", res.Decided)
	}
	t.Logf("%d of %d processes killed", killed, rounds)
	if killed < rounds/4 {
		t.Errorf("only %d of %d processes were killed in time", killed, rounds)
	}
}

// The power fails before an operation of the disk; then one run, and all is as if nothing had happened.
func TestPowerLoss(t *testing.T) {
	step := 7
	if testing.Short() {
		step = 61
	}
	points := 0
	for seed := range uint64(2) {
		for at := int(seed); ; at += step {
			points++
			disk := crashfs.New()
			disk.SetWhole(at % 3 * 20) // never, or from 20 or 40 files on the disk is synced as a whole
			store, err := file.OpenFS("/lake", disk)
			if err != nil {
				t.Fatal(err)
			}
			l, f := openLake(store), newFeed(seed)
			f.add(t, l)
			l.run(t)
			f.add(t, l)
			store = powerLoss(t, disk, at, seed, func(ctx context.Context) error { _, err := etl.Run(ctx, l.job); return err })
			if store == nil {
				if err := l.check(context.Background(), f.want); err != nil {
					t.Fatal(err)
				}
				break
			}
			l = openLake(store)
			l.run(t)
			if err := l.check(context.Background(), f.want); err != nil {
				t.Fatalf("seed %d, crash at operation %d: %v", seed, at, err)
			}
		}
	}
	t.Logf("%d crash points", points)
}

// Each request to the store fails, or succeeds but says that it failed; then one run, and all is as if nothing had happened.
func TestFaults(t *testing.T) {
	step := 5
	if testing.Short() {
		step = 50
	}
	points := 0
	for _, after := range []bool{false, true} {
		for at := 0; ; at += step {
			points++
			store := memory.New()
			l, f := openLake(store), newFeed(3)
			f.add(t, l)
			l.run(t)
			f.add(t, l)
			end := failing(store, at, after)
			res, err := etl.Run(context.Background(), l.job)
			hit := end()
			if err != nil && !errors.Is(err, errFault) {
				t.Fatalf("fault at request %d: %v", at, err)
			}
			if err == nil && hit && res.Decided == 0 {
				t.Fatalf("fault at request %d was swallowed: %+v", at, res)
			}
			l.run(t)
			if err := l.check(context.Background(), f.want); err != nil {
				t.Fatalf("fault at request %d (after: %v): %v", at, after, err)
			}
			if !hit {
				break
			}
		}
	}
	t.Logf("%d fault points", points)
}

// Two runs at once: each does its part, or says that it lost; together they give the right rows.
func TestTwoRuns(t *testing.T) {
	for seed := range uint64(10) {
		store := memory.New()
		l, f := openLake(store), newFeed(seed)
		if seed%2 == 0 {
			f.add(t, l)
			l.run(t)
		}
		f.add(t, l)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := etl.Run(context.Background(), openLake(store).job); err != nil && !errors.Is(err, etl.ErrConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		l.run(t)
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// Same bytes for any degree of parallelism and any budget.
func TestSameBytes(t *testing.T) {
	var first map[string]string
	for _, o := range []struct {
		parallel int
		memory   int64
	}{{1, 1 << 30}, {2, 1 << 30}, {8, 1 << 30}, {2, 1}} {
		store := memory.New()
		store.SetClock(func() time.Time { return time.Date(2025, 11, 25, 0, 0, 0, 0, time.UTC) })
		l, f := openLake(store), newFeed(5)
		mem := arrowmem.NewCheckedAllocator(pool.Poisoned(64 << 20))
		l.job.Parallel, l.job.Memory, l.job.Allocator = o.parallel, o.memory, mem
		for range 3 {
			f.add(t, l)
			l.run(t)
		}
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatal(err)
		}
		mem.AssertSize(t, 0)
		head, err := l.head(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if head.Counts.Inputs != 9 || head.Counts.BytesIn == 0 || head.Ledger.Len() != 9 {
			t.Errorf("the log counts %d inputs of %d bytes, its ledger %d", head.Counts.Inputs, head.Counts.BytesIn, head.Ledger.Len())
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
