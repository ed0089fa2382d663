package dedupe_test

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"datalake/etl/dedupe"
	"datalake/pkg/spill"
)

// A bucket is resolved in the memory that was allowed, and a few reads of it, whether all of its rows have keys of their own,
// one key, or most one key.
func TestResolveMemory(t *testing.T) {
	const rows, most, allowed = 400_000, 20_000, 60 * 20_000
	for name, distinct := range map[string]uint64{"all distinct": rows, "one key": 1, "one key and others": 1000} {
		t.Run(name, func(t *testing.T) {
			file := spill.NewFile(t.TempDir())
			defer file.Close()
			keys := dedupe.NewBuckets(spill.NewBudget(0), file)
			s := dedupe.NewSender(keys)
			r := rand.New(rand.NewPCG(1, 2))
			different := map[uint64]bool{}
			for i := range rows {
				h := uint64(i)
				if distinct < rows {
					h = max(r.Uint64N(2*distinct), distinct) - distinct // half of the rows have key 0
				}
				different[h] = true
				k := dedupe.Key{H0: h, H1: h * 0x9e3779b97f4a7c15 >> 8, Row: dedupe.New(dedupe.Unit(i>>10, 0), i&1023)}
				if err := s.Send([]dedupe.Key{k}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
			if file.Size() == 0 {
				t.Error("nothing was spilled")
			}
			var before, after runtime.MemStats
			var losers atomic.Int64
			runtime.ReadMemStats(&before)
			if err := dedupe.Resolve(t.Context(), keys, nil, 1, most, func(_, _ dedupe.Row) { losers.Add(1) }); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > allowed {
				t.Errorf("%d bytes were allocated for %d keys at a time", n, most)
			}
			if n := losers.Load(); n != int64(rows-len(different)) {
				t.Errorf("%d rows of %d lose, %d keys", n, rows, len(different))
			}
		})
	}
}

// Where most keys are in the file, evicted ones take no memory but a block a bucket. They are resolved again as before.
func TestEvict(t *testing.T) {
	const rows = 1 << 19
	for name, limit := range map[string]int64{"most in the file": 5 << 20, "half in the file": 12 << 20, "all in memory": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			file, budget := spill.NewFile(t.TempDir()), spill.NewBudget(limit)
			defer file.Close()
			keys := dedupe.NewBuckets(budget, file)
			s := dedupe.NewSender(keys)
			r := rand.New(rand.NewPCG(4, 4))
			for i := range rows {
				k := dedupe.Key{H0: r.Uint64N(rows), Row: dedupe.New(dedupe.Unit(i>>12, 0), i&4095)}
				k.H1 = k.H0 * 0x9e3779b97f4a7c15
				if err := s.Send([]dedupe.Key{k}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
			resolve := func() (lost int64) {
				var n atomic.Int64
				if err := dedupe.Resolve(t.Context(), keys, nil, 2, 0, func(l, _ dedupe.Row) { n.Add(int64(l)) }); err != nil {
					t.Fatal(err)
				}
				return n.Load()
			}
			before, used, size := resolve(), budget.Used(), file.Size()
			if err := keys.Evict(); err != nil {
				t.Fatal(err)
			}
			if most := limit == 5<<20; most != (file.Size() > size) || most && budget.Used() > 256*16<<10 || !most && budget.Used() != used {
				t.Errorf("%d bytes in the file after %d, %d in memory after %d", file.Size(), size, budget.Used(), used)
			}
			if after := resolve(); after != before {
				t.Error("other rows lose")
			}
			if keys.Release(); budget.Used() != 0 {
				t.Errorf("%d bytes are not given back", budget.Used())
			}
		})
	}
}

// BenchmarkBuckets sends keys and resolves them, a twentieth of which are there twice.
func BenchmarkBuckets(b *testing.B) {
	const rows = 1 << 20
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]dedupe.Key, rows)
	for i := range keys {
		keys[i] = dedupe.Key{H0: r.Uint64(), H1: r.Uint64(), Row: dedupe.New(dedupe.Unit(i>>12, 0), i&4095)}
		if i%20 == 0 && i > 0 {
			keys[i].H0, keys[i].H1 = keys[i-1].H0, keys[i-1].H1
		}
	}
	for name, limit := range map[string]int64{"memory": 1 << 30, "file": 0} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(rows)
			for b.Loop() {
				file := spill.NewFile(b.TempDir())
				to := dedupe.NewBuckets(spill.NewBudget(limit), file)
				s := dedupe.NewSender(to)
				for i := 0; i < rows; i += 4096 {
					if err := s.Send(keys[i : i+4096]); err != nil {
						b.Fatal(err)
					}
				}
				if err := s.Flush(); err != nil {
					b.Fatal(err)
				}
				if err := dedupe.Resolve(b.Context(), to, nil, 1, 0, func(_, _ dedupe.Row) {}); err != nil {
					b.Fatal(err)
				}
				to.Release()
				if err := file.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
