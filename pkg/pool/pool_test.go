package pool_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/pool"
)

var _ memory.Allocator = (*pool.Allocator)(nil)

// Buffers are as long as asked for, nobody else's while in use, and come back.
func TestAllocator(t *testing.T) {
	a := pool.New(1 << 20)
	var wg sync.WaitGroup
	for worker := range byte(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			var mine [][]byte
			check := func(b []byte) {
				if !bytes.Equal(b, bytes.Repeat([]byte{worker}, len(b))) {
					t.Errorf("a buffer of %d bytes was written to by another", len(b))
				}
			}
			for range 2000 {
				size := r.IntN(10_000) * r.IntN(10) / 9 // often none
				b := a.Allocate(size)
				if len(b) != size {
					t.Errorf("%d bytes instead of %d", len(b), size)
				}
				for i := range b {
					b[i] = worker
				}
				mine = append(mine, b)
				if i := r.IntN(len(mine)); r.IntN(2) == 0 {
					check(mine[i])
					old := len(mine[i])
					mine[i] = a.Reallocate(old+r.IntN(10_000)-min(5000, old), mine[i])
					check(mine[i][:min(old, len(mine[i]))])
					for k := range mine[i] {
						mine[i][k] = worker
					}
				} else {
					check(mine[i])
					a.Free(mine[i])
					mine[i] = mine[len(mine)-1]
					mine = mine[:len(mine)-1]
				}
			}
			for _, b := range mine {
				a.Free(b)
			}
		})
	}
	wg.Wait()
	if a.Held() <= 0 || a.Held() > 1<<20 {
		t.Errorf("%d bytes held", a.Held())
	}
}

func TestReuse(t *testing.T) {
	a := pool.Poisoned(1 << 20)
	b := a.Allocate(1000)
	a.Free(b)
	if a.Held() != 1024 {
		t.Errorf("%d bytes held, not 1024", a.Held())
	}
	c := a.Allocate(600)
	if &b[0] != &c[0] || a.Held() != 0 || len(c) != 600 || c[599] != 0xdb {
		t.Error("the buffer did not come back, or not poisoned")
	}
	a.Free(a.Allocate(1 << 27))                  // too large to keep
	a.Free(make([]byte, 100))                    // of somebody else
	a.Free(nil)                                  //
	if a.Held() != 0 || len(a.Allocate(0)) > 0 { // nothing
		t.Errorf("%d bytes held", a.Held())
	}
	for range 3 {
		a.Free(a.Allocate(1 << 19))
	}
	big := [][]byte{a.Allocate(1 << 20), a.Allocate(1 << 20)}
	a.Free(big[0])
	a.Free(big[1])
	if a.Held() > 1<<20 {
		t.Errorf("%d bytes held, above the limit", a.Held())
	}
}

// BenchmarkAllocator is a batch's worth of buffers.
func BenchmarkAllocator(b *testing.B) {
	for name, mem := range map[string]memory.Allocator{"pool": pool.New(64 << 20), "go": memory.NewGoAllocator()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var held [40][]byte
			for b.Loop() {
				for i := range held {
					held[i] = mem.Allocate(1000 << (i % 8))
					held[i][0] = 1
				}
				for i := range held {
					mem.Free(held[i])
				}
			}
		})
	}
}

func TestTrim(t *testing.T) {
	a := pool.New(1 << 20)
	kept := a.Allocate(100)
	for _, size := range []int{64, 100, 5000, 5000} {
		defer a.Free(a.Allocate(size))
	}
	a.Free(kept)
	if a.Held() == 0 {
		t.Fatal("nothing is held")
	}
	if a.Trim(); a.Held() != 0 {
		t.Errorf("%d bytes are held", a.Held())
	}
	if a.Free(a.Allocate(100)); a.Held() != 128 {
		t.Errorf("%d bytes are held of one buffer of 128", a.Held())
	}
}
