package dedupe_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"go.uber.org/goleak"

	"datalake/etl/dedupe"
	"datalake/pkg/commitlog"
	"datalake/pkg/schema"
	"datalake/pkg/spill"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// losersOf is the rule in the plainest form: sort, and the first of each key stays. beats has the pairs of rows of one key of which
// the first stands before the second.
func losersOf(run, table []dedupe.Key) (lost map[dedupe.Row]bool, beats map[[2]dedupe.Row]bool) {
	all := slices.Concat(run, table)
	slices.SortFunc(all, func(a, b dedupe.Key) int {
		if a.Order != b.Order {
			if a.Order > b.Order {
				return -1
			}
			return 1
		}
		if a.Row.IsNew() != b.Row.IsNew() {
			if b.Row.IsNew() {
				return -1
			}
			return 1
		}
		if a.Row < b.Row {
			return -1
		}
		return 1
	})
	lost, beats = map[dedupe.Row]bool{}, map[[2]dedupe.Row]bool{}
	ranked := map[[2]uint64][]dedupe.Row{}
	for _, k := range all {
		id := [2]uint64{k.H0, k.H1}
		for _, o := range ranked[id] {
			beats[[2]dedupe.Row{o, k.Row}] = true
		}
		if of := ranked[id]; len(of) > 0 && (k.Row.IsNew() || of[0].IsNew()) {
			lost[k.Row] = true
		}
		ranked[id] = append(ranked[id], k.Row)
	}
	return lost, beats
}

// The losers are those of the plain rule, in any order of keys, with any number of goroutines and any budget.
func TestResolve(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 0))
		n, distinct := r.IntN(20_000), 1+r.IntN(8000)
		var run, table []dedupe.Key
		inTable := map[int]bool{}
		key := func(id int) dedupe.Key {
			s := rand.New(rand.NewPCG(uint64(id), seed))
			k := dedupe.Key{H0: s.Uint64() % 4, H1: s.Uint64()}
			if seed%3 == 0 { // in two buckets
				k.H1 &= 1<<57 - 1
			}
			return k
		}
		for i := range n {
			id := r.IntN(distinct)
			k := key(id)
			if k.Order = int64(r.IntN(3)); seed%2 == 0 {
				k.Order = 0
			}
			if r.IntN(4) == 0 && (!inTable[id] || seed%5 == 0) { // a damaged table holds a key twice
				inTable[id] = true
				k.Row = dedupe.Existing(r.IntN(10), i)
				table = append(table, k)
			} else {
				k.Row = dedupe.New(dedupe.Unit(i/100, i/10%10), i%10)
				run = append(run, k)
			}
		}
		want, beats := losersOf(run, table)
		for _, parallel := range []int{1, 3} {
			for _, limit := range []int64{0, 100_000, 1 << 30} {
				budget, file := spill.NewBudget(limit), spill.NewFile(t.TempDir())
				fill := func(keys []dedupe.Key) *dedupe.Buckets {
					b := dedupe.NewBuckets(budget, file)
					r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
					var wg sync.WaitGroup
					for part := range slices.Chunk(keys, 1+len(keys)/3) {
						wg.Go(func() {
							s := dedupe.NewSender(b)
							if err := s.Send(part); err != nil {
								t.Error(err)
							}
							if err := s.Flush(); err != nil {
								t.Error(err)
							}
						})
					}
					wg.Wait()
					return b
				}
				rb, tb := fill(run), fill(table)
				if rb.Len() != int64(len(run)) {
					t.Fatalf("%d keys of %d", rb.Len(), len(run))
				}
				var mu sync.Mutex
				got := map[dedupe.Row]bool{}
				most := []int64{0, 1, 1 << 20}[r.IntN(3)]
				err := dedupe.Resolve(t.Context(), rb, tb, parallel, most, func(loser, kept dedupe.Row) {
					mu.Lock()
					defer mu.Unlock()
					if _, twice := got[loser]; twice {
						t.Errorf("row %x lost twice", loser)
					}
					got[loser] = true
					if !beats[[2]dedupe.Row{kept, loser}] {
						t.Errorf("row %x lost to %x, which does not come before it", loser, kept)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("seed %d, parallel %d, budget %d: %s", seed, parallel, limit, d)
				}
				f, err := dedupe.NewFilter(rb, []int64{1 << 20, 512}[seed%2])
				if err != nil {
					t.Fatal(err)
				}
				for i := range run {
					if !f.Has(&run[i]) {
						t.Fatal("the filter misses a key of the run")
					}
				}
				rb.Release()
				tb.Release()
				if budget.Used() != 0 {
					t.Errorf("%d bytes still counted", budget.Used())
				}
				if limit == 0 && seed%3 == 0 && len(run) > 2000 && file.Size() == 0 {
					t.Error("nothing was spilled")
				}
				if err := file.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestRow(t *testing.T) {
	unit, row := dedupe.New(dedupe.Unit(dedupe.MaxObjects-1, dedupe.MaxChunks-1), dedupe.MaxRows-1).Unit()
	if unit != dedupe.Unit(dedupe.MaxObjects-1, dedupe.MaxChunks-1) || row != dedupe.MaxRows-1 {
		t.Errorf("unit %x, row %d", unit, row)
	}
	r := dedupe.Existing(dedupe.MaxFiles-1, math.MaxUint32)
	if file, row := r.File(); r.IsNew() || file != dedupe.MaxFiles-1 || row != math.MaxUint32 {
		t.Errorf("file %d, row %d", file, row)
	}
	if !dedupe.New(1, 2).IsNew() || dedupe.New(1, 2) >= dedupe.New(2, 0) {
		t.Error("rows are not ordered by unit")
	}
}

func record(t *testing.T, mem memory.Allocator, json string) arrow.Record {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "record_id", Type: arrow.BinaryTypes.String},
		{Name: "a", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "b", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "_key", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	rec, _, err := array.RecordFromJSON(mem, s, strings.NewReader(json))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func tableOf(d schema.Dedupe) *schema.Schema {
	s := schema.Common("src", schema.Enveloped)
	s.Columns = append(s.Columns, schema.Column{Name: "a", Type: schema.Type{Kind: schema.String}}, schema.Column{Name: "b", Type: schema.Type{Kind: schema.Bigint}}, schema.Column{Name: "f", Type: schema.Type{Kind: schema.Double}}, schema.Column{Name: "_key", Role: schema.Key})
	s.Dedupe = d.WithDefaults()
	return s
}

func TestHasher(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	rec := record(t, mem, `[{"record_id":"r1","a":"r2","b":1,"f":0},{"record_id":"r2","b":1},{"record_id":"r3","a":"r2","b":-1,"f":-0.0}]`)
	defer rec.Release()
	keys := func(d schema.Dedupe, scope []uint64) []dedupe.Key {
		h, err := dedupe.NewHasher(tableOf(d), 7)
		if err != nil {
			t.Fatal(err)
		}
		k, err := h.Keys(rec, scope, dedupe.New(5, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	id := keys(schema.Dedupe{}, nil)
	if id[0].H0 != xxhash.Sum64([]byte("r1")) || id[2].Row != dedupe.New(5, 2) || id[0].H1 == id[1].H1 {
		t.Errorf("keys by record_id: %+v", id)
	}
	a := keys(schema.Dedupe{Key: []string{"a"}}, nil)
	if a[0].H0 != a[2].H0 || a[0].H1 != a[2].H1 {
		t.Error("equal values of a give different keys")
	}
	if a[1].H0 != id[1].H0 || a[1].H1 == id[1].H1 || a[1].H1 == a[0].H1 {
		t.Error("a null key must fall back to record_id, and not equal a key of that text")
	}
	f := keys(schema.Dedupe{Key: []string{"f"}}, nil)
	if f[0].H1 != f[2].H1 {
		t.Error("0 and -0 are different keys")
	}
	scoped := keys(schema.Dedupe{}, []uint64{1, 2, 3})
	again := keys(schema.Dedupe{}, []uint64{1, 9, 3})
	if scoped[0] != again[0] || scoped[1].H1 == again[1].H1 || scoped[1].H0 != again[1].H0 {
		t.Error("the scope must change H1 and nothing else")
	}
	latest := keys(schema.Dedupe{Keep: schema.KeepLatest, By: "b"}, nil)
	if latest[0].Order <= latest[2].Order || latest[0].Order != latest[1].Order {
		t.Errorf("orders %d %d %d", latest[0].Order, latest[1].Order, latest[2].Order)
	}
	byFloat := keys(schema.Dedupe{Keep: schema.KeepLatest, By: "f"}, nil)
	if byFloat[1].Order != math.MinInt64 || byFloat[0].Order != byFloat[2].Order {
		t.Errorf("orders %d %d %d", byFloat[0].Order, byFloat[1].Order, byFloat[2].Order)
	}
	h, err := dedupe.NewHasher(tableOf(schema.Dedupe{Key: []string{"a"}}), 7)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(rows ...uint32) commitlog.Sum {
		s, err := h.Sum(rec, rows)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if sum(0, 1, 2) != sum(2, 0, 1) || sum(0, 1) == sum(0) || sum(0) != sum(2) || sum(1) == sum(0) {
		t.Error("the sum must depend on the rows' keys, not on their order")
	}
}

// A combined key is null where one of its columns is, and tells columns apart.
func TestCombined(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	rec := record(t, mem, `[{"record_id":"r1","a":"x","b":1},{"record_id":"r2","b":1},{"record_id":"r3","a":"x","b":1},{"record_id":"r4","a":"x","b":2}]`)
	defer rec.Release()
	h, err := dedupe.NewHasher(tableOf(schema.Dedupe{Key: []string{"a", "b"}}), 7)
	if err != nil {
		t.Fatal(err)
	}
	col, err := h.Combined(rec, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer col.Release()
	s := col.(*array.String)
	if len(s.Value(0)) != 32 || s.Value(0) != s.Value(2) || s.Value(0) == s.Value(3) || !s.IsNull(1) {
		t.Errorf("combined keys %v", s)
	}
	if _, err := dedupe.NewHasher(tableOf(schema.Dedupe{Key: []string{"nope"}}), 7); err == nil || !strings.Contains(err.Error(), "nope") {
		t.Errorf("error %v does not name the column", err)
	}
	table := tableOf(schema.Dedupe{Key: []string{"a"}})
	table.PartitionBy = append(table.PartitionBy, "a")
	if _, err := dedupe.NewHasher(table, 7); err == nil || !strings.Contains(err.Error(), "partitioned by it") {
		t.Errorf("a key that files do not hold: %v", err)
	}
	for by, want := range map[string]string{"a": "which has no order", "nope": "keep latest by nope"} {
		if _, err := dedupe.NewHasher(tableOf(schema.Dedupe{Keep: schema.KeepLatest, By: by}), 7); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("keep latest by %s: %v", by, err)
		}
	}
}

func TestLosers(t *testing.T) {
	l := dedupe.NewLosers()
	l.Add(7, 130)
	l.Add(8, 1)
	for range 2 {
		for _, r := range []dedupe.Row{dedupe.New(7, 0), dedupe.New(7, 129), dedupe.Existing(3, 9), dedupe.Existing(1, 5), dedupe.Existing(3, 2)} {
			l.Mark(r)
		}
		var lost []uint32
		for row := range uint32(130) {
			if l.Unit(7).Has(row) {
				lost = append(lost, row)
			}
		}
		if !slices.Equal(lost, []uint32{0, 129}) || l.Unit(8).Has(0) || !slices.Equal(l.Files(), []int{1, 3}) || !slices.Equal(l.File(3), []uint32{9, 2}) {
			t.Errorf("rows %v of the run; rows %v of file 3 of %v", lost, l.File(3), l.Files())
		}
		l.Reset()
		if l.Unit(7).Has(0) || len(l.Files()) > 0 {
			t.Error("marks are left")
		}
	}
}
