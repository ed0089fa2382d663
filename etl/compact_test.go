package etl_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	arrowmem "github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/pkg/commitlog"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/pool"
	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
	"datalake/pkg/storage/memory"
)

// grow runs a feed n times, so that each partition has some n files.
func grow(t testing.TB, l *lake, f *feed, n int) {
	t.Helper()
	for range n {
		f.add(t, l)
		l.run(t)
	}
}

func (l *lake) compact(t testing.TB, c etl.Compaction) *etl.Compacted {
	t.Helper()
	res, err := etl.Compact(context.Background(), l.job, c)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// texts are the rows of a partition in order, as text, by the columns of today's schema.
func (l *lake) texts(t testing.TB, s *commitlog.State, p commitlog.Partition) (rows []string) {
	t.Helper()
	ctx, want := context.Background(), s.Sources[layout.SourceOf(p.Path)].Schema.Arrow()
	for _, f := range s.Partitions[p].Files {
		r, err := storage.OpenReader(ctx, l.store, s.Partitions[p].Dir+f.Name)
		if err != nil {
			t.Fatal(err)
		}
		pf, err := parquetfile.Open(r, r.Info.Size)
		if err != nil {
			t.Fatal(err)
		}
		for rec, err := range pf.Records(ctx, want, arrowmem.DefaultAllocator) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range int(rec.NumRows()) {
				var b strings.Builder
				for c := range int(rec.NumCols()) {
					fmt.Fprint(&b, rec.Column(c).ValueStr(i), " ")
				}
				rows = append(rows, b.String())
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func (l *lake) state(t testing.TB) *commitlog.State {
	t.Helper()
	s, err := l.head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The rows of each partition stay, and their order; the files become few, of the same bytes whatever the parallelism and the memory; the
// version of the rows stays; what is few stays as it is; gc takes the old files after a day.
func TestCompact(t *testing.T) {
	var first map[string]string
	for _, o := range []struct {
		parallel int
		memory   int64
	}{{1, 1 << 30}, {4, 1 << 30}, {2, 1}} {
		store := memory.New()
		now := time.Date(2025, 11, 25, 0, 0, 0, 0, time.UTC)
		store.SetClock(func() time.Time { now = now.Add(time.Millisecond); return now })
		l, f := openLake(store), newFeed(5)
		grow(t, l, f, 6)
		mem := arrowmem.NewCheckedAllocator(pool.Poisoned(64 << 20))
		l.job.Parallel, l.job.Memory, l.job.Allocator = o.parallel, o.memory, mem
		before := l.state(t)

		dry := l.compact(t, etl.Compaction{DryRun: true})
		if s := l.state(t); s.Seq != before.Seq || dry.Decided != 0 || len(dry.Partitions) == 0 {
			t.Fatalf("a dry run: %+v, head %d", dry, s.Seq)
		}
		res := l.compact(t, etl.Compaction{})
		mem.AssertSize(t, 0)
		after := l.state(t)
		if res.Decided != before.Seq+1 || !res.Published || len(res.Partitions) != len(dry.Partitions) {
			t.Fatalf("compacted: %+v", res)
		}
		got := map[string]string{}
		for p, c := range before.Partitions {
			if p.Zone != layout.Processed {
				continue
			}
			is := after.Partitions[p]
			if len(is.Files) != 1 || is.RowsSince() != c.RowsSince() || is.Dir == c.Dir {
				t.Errorf("%s: %d files, rows of entry %d, in %s; had %d of entry %d", p, len(is.Files), is.RowsSince(), is.Dir, len(c.Files), c.RowsSince())
			}
			if want := l.texts(t, before, p); !slices.Equal(l.texts(t, after, p), want) {
				t.Errorf("%s: other rows, or in another order", p)
			}
			got[p.Path] = is.Files[0].Name
		}
		for i, p := range res.Partitions {
			is := after.Partitions[commitlog.Partition{Zone: layout.Processed, Path: p.Path}]
			if p.Files < 4 || p.FilesAfter != 1 || p.BytesAfter != is.Files[0].Size || p.Rows != is.Rows() || p.FilesAfter != dry.Partitions[i].FilesAfter || dry.Partitions[i].BytesAfter != 0 {
				t.Errorf("told %+v, dry %+v, in the log %d bytes", p, dry.Partitions[i], is.Files[0].Size)
			}
		}
		if first == nil {
			first = got
		} else if !maps.Equal(first, got) {
			t.Errorf("parallel %d, memory %d: other files than with one worker", o.parallel, o.memory)
		}
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatal(err)
		}
		if res := l.compact(t, etl.Compaction{}); res.Decided != 0 || len(res.Partitions) != 0 {
			t.Errorf("compacted once more: %+v", res)
		}
		grow(t, l, f, 1) // a run goes on with it
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatal(err)
		}
		now = now.Add(25 * time.Hour)
		c, err := l.job.Commits(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := commit.Collect(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		for p, old := range before.Partitions {
			if p.Zone != layout.Processed {
				continue
			}
			if _, err := store.Head(context.Background(), old.Dir+old.Files[0].Name); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s is still there (%v)", old.Dir, err)
			}
		}
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatal(err)
		}
	}
}

// What is asked for by name is made few from two files on, and nothing else.
func TestCompactNarrowed(t *testing.T) {
	l, f := openLake(memory.New()), newFeed(6)
	grow(t, l, f, 2)
	if res := l.compact(t, etl.Compaction{}); res.Decided != 0 {
		t.Errorf("two files are few: %+v", res)
	}
	for _, c := range []struct {
		c    etl.Compaction
		want int
	}{
		{etl.Compaction{Partition: "year=2025/month=11/day=01", Source: "s0"}, 1},
		{etl.Compaction{Partition: "source=s1/year=2025/month=11/day=02/"}, 1},
		{etl.Compaction{Partition: "year=2025/month=11"}, 2},
	} {
		if res := l.compact(t, c.c); len(res.Partitions) != c.want {
			t.Errorf("%+v: %+v", c.c, res.Partitions)
		}
	}
	for c, want := range map[etl.Compaction]string{
		{Partition: "year=2025/month=1"}: "no partition year=2025/month=1",
		{TargetSize: -1}:                 "-1 bytes",
	} {
		if _, err := etl.Compact(context.Background(), l.job, c); !errors.Is(err, etl.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := l.check(context.Background(), f.want); err != nil {
		t.Fatal(err)
	}
}

// Files that lack later columns, or whose key is narrower, are merged by today's schema.
func TestCompactOlderSchemas(t *testing.T) {
	l := openLake(memory.New())
	file, err := lakefile.Parse("lake.yaml", []byte(`
sources:
  s: {dedupe: {key: [n]}, on_type_conflict: widen, columns: [{path: data.n, type: int}], event_time: {path: data.t}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	l.job.Lake = file
	for i, n := range []int{1, 2, 5_000_000_000, 3, 4} {
		l.put(t, fmt.Sprintf("raw/s/%d.json", i), fmt.Sprintf(`{"source":"s","data":{"t":"2025-11-01T00:00:00Z","n":%d,"c%d":"x"}}`, n, i%3))
		l.run(t)
	}
	before := l.state(t)
	p := commitlog.Partition{Zone: layout.Processed, Path: "source=s/year=2025/month=11/day=01"}
	if n := len(before.Partitions[p].Files); n != 5 {
		t.Fatalf("%d files", n)
	}
	if res := l.compact(t, etl.Compaction{}); len(res.Partitions) != 1 {
		t.Fatalf("%+v", res)
	}
	after := l.state(t)
	if got, want := l.texts(t, after, p), l.texts(t, before, p); !slices.Equal(got, want) || len(after.Partitions[p].Files) != 1 {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := l.verify(context.Background()); err != nil {
		t.Error(err)
	}
	// The keys are the same to later runs.
	l.put(t, "raw/s/9.json", `{"source":"s","data":{"t":"2025-11-01T00:00:00Z","n":2}}`)
	if res := l.run(t); res.Duplicates != 1 {
		t.Errorf("a key of before is new: %+v", res)
	}
}

// A file that does not hold what the log says is not merged.
func TestCompactDamaged(t *testing.T) {
	store := memory.New()
	l, f := openLake(store), newFeed(7)
	grow(t, l, f, 5)
	s := l.state(t)
	p := commitlog.Partition{Zone: layout.Processed, Path: "source=s0/year=2025/month=11/day=01"}
	c := s.Partitions[p]
	// A sound file, but that of another partition.
	other := s.Partitions[commitlog.Partition{Zone: layout.Processed, Path: "source=s0/year=2025/month=11/day=03"}]
	key := c.Dir + c.Files[1].Name
	if err := store.Delete(context.Background(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Copy(context.Background(), other.Dir+other.Files[1].Name, key); err != nil {
		t.Fatal(err)
	}
	_, err := etl.Compact(context.Background(), l.job, etl.Compaction{})
	if !errors.Is(err, parquetfile.ErrCorrupt) || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "the log says") {
		t.Errorf("merged a file of other rows: %v", err)
	}
	if now := l.state(t); now.Seq != s.Seq {
		t.Errorf("decided entry %d", now.Seq)
	}
}

// Which files are worth it.
func TestCompactPays(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		sizes []int64 // MB
		want  int     // files after
		named int     // the same where the partition is named
	}{
		{[]int64{1, 1, 1}, 3, 1},
		{[]int64{1, 1, 1, 1}, 1, 1},
		{[]int64{300, 1, 1, 1, 1, 400, 1, 1}, 5, 4},
		{[]int64{100, 100, 100, 100}, 4, 2},
		{[]int64{60, 60, 60, 60, 60, 60, 60, 60, 1}, 2, 2},
		{[]int64{60, 60, 60, 200, 60, 60, 60}, 7, 3},
		{[]int64{200, 1, 1, 1, 1}, 2, 2},
		{[]int64{200, 1}, 2, 2},
		{[]int64{256, 256}, 2, 2},
		{[]int64{300}, 1, 1},
		{nil, 0, 0},
	} {
		files := make([]commitlog.File, len(c.sizes))
		for i, n := range c.sizes {
			files[i] = commitlog.File{Name: fmt.Sprint(i), Size: n * mb}
		}
		s := commitlog.Empty()
		s.Partitions[commitlog.Partition{Zone: layout.Processed, Path: "source=s/day=1"}] = &commitlog.Content{Files: files}
		for named, want := range map[string]int{"": c.want, "day=1": c.named} {
			got := len(files)
			for _, p := range etl.FindCompaction(t, s, etl.Compaction{Partition: named, TargetSize: 256 * mb}) {
				got = p.FilesAfter
			}
			if got != want {
				t.Errorf("%v, named %q: %d files, want %d", c.sizes, named, got, want)
			}
		}
	}
}

// A run comes between any two requests of a compaction: its files are kept, and nothing is lost.
func TestCompactInterleaved(t *testing.T) {
	step, points := 3, 0
	if testing.Short() {
		step = 29
	}
	for at := 0; ; at += step {
		points++
		store := memory.New()
		l, f := openLake(store), newFeed(8)
		grow(t, l, f, 4)
		f.add(t, l)
		other := openLake(store)
		other.job.Parallel = 1
		end := before(store, at, func() error {
			_, err := etl.Run(context.Background(), other.job)
			return err
		})
		if _, err := etl.Compact(context.Background(), l.job, etl.Compaction{}); err != nil {
			t.Fatalf("a run before request %d: %v", at, err)
		}
		fired := end()
		l.run(t)
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatalf("a run before request %d: %v", at, err)
		}
		if !fired {
			break
		}
	}
	t.Logf("%d points", points)
}

// The power fails, or a request does, while a compaction is at work: the rows are the same at once, and after the next.
func TestCompactFaults(t *testing.T) {
	step := 9
	if testing.Short() {
		step = 61
	}
	points := 0
	for at := 0; ; at += step {
		points++
		disk := crashfs.New()
		store, err := file.OpenFS("/lake", disk)
		if err != nil {
			t.Fatal(err)
		}
		l, f := openLake(store), newFeed(9)
		grow(t, l, f, 4)
		store = powerLoss(t, disk, at, 1, func(ctx context.Context) error { _, err := etl.Compact(ctx, l.job, etl.Compaction{}); return err })
		if store == nil {
			break
		}
		l = openLake(store)
		l.run(t) // publishes
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatalf("power loss at operation %d: %v", at, err)
		}
		l.compact(t, etl.Compaction{})
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatalf("power loss at operation %d, compacted: %v", at, err)
		}
	}
	for at := 0; ; at += step {
		points++
		store := memory.New()
		l, f := openLake(store), newFeed(9)
		grow(t, l, f, 4)
		end := failing(store, at, true)
		_, err := etl.Compact(context.Background(), l.job, etl.Compaction{})
		hit := end()
		if err != nil && !errors.Is(err, errFault) {
			t.Fatalf("fault at request %d: %v", at, err)
		}
		l.run(t)
		if err := l.check(context.Background(), f.want); err != nil {
			t.Fatalf("fault at request %d: %v", at, err)
		}
		if !hit {
			break
		}
	}
	t.Logf("%d points", points)
}
