package pool

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// What grows keeps what it holds, and no two slices share memory, whichever goroutines take and give.
func TestSlices(t *testing.T) {
	var p Slices[uint32]
	var wg sync.WaitGroup
	for g := range uint32(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			held := make([][]uint32, 5)
			want := make([][]uint32, len(held))
			for range 3000 {
				i := r.IntN(len(held))
				if r.IntN(10) == 0 {
					p.Put(held[i])
					held[i], want[i] = nil, nil
				}
				n := r.IntN(300)
				held[i] = p.Grow(held[i], n)
				for range n {
					v := r.Uint32()<<2 | g
					held[i], want[i] = append(held[i], v), append(want[i], v)
				}
				if k := r.IntN(len(held)); !slices.Equal(held[k], want[k]) {
					t.Error("a slice was changed by others")
					return
				}
			}
		})
	}
	wg.Wait()
}

// Memory that was given up is used again, and what waits is bounded.
func TestKept(t *testing.T) {
	var p Slices[byte]
	s := p.Get(1000)
	if len(s) != 0 || cap(s) != 1024 {
		t.Fatalf("%d of %d", len(s), cap(s))
	}
	s = append(s, 7)
	p.Put(s)
	if n := testing.AllocsPerRun(100, func() { p.Put(p.Get(900)) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
	before := waiting.Load()
	for range 100 {
		p.Put(make([]byte, 0, 1<<20))
	}
	if n := len(p.free[20]) << 20; n > keep || waiting.Load() > keep || int64(n) != waiting.Load()-before {
		t.Errorf("%d bytes wait here, %d in all", n, waiting.Load())
	}
	for len(p.free[20]) > 0 {
		p.Get(1 << 20)
	}
	if n := waiting.Load(); n != before {
		t.Errorf("%d bytes wait in all, before it were %d", n, before)
	}
	p.Put(make([]byte, 0, 1000)) // not of a pool
	p.Put(nil)
	for k, free := range p.free {
		for _, s := range free {
			if cap(s) != 1<<k {
				t.Errorf("a slice of %d entries among those of %d", cap(s), 1<<k)
			}
		}
	}
}

// Pieces keep what they hold until Free, and an arena's memory follows what is kept.
func TestArena(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var a Arena
	for range 5 {
		var pieces, want [][]byte
		sum := 0
		for range 300 {
			x, y := make([]byte, r.IntN(200)), make([]byte, r.IntN(1+r.IntN([]int{9000, 200_000}[r.IntN(2)])))
			for i := range x {
				x[i] = byte(r.Uint32())
			}
			for i := range y {
				y[i] = byte(r.Uint32())
			}
			had, needs := a.Memory(), a.Needs(len(x)+len(y))
			pieces, want = append(pieces, a.Join(x, y)), append(want, slices.Concat(x, y))
			if a.Memory() != had+needs {
				t.Fatalf("%d bytes more, %d were needed", a.Memory()-had, needs)
			}
			sum += len(x) + len(y)
			if n := a.Memory(); n < sum || n > 3*sum+2*large {
				t.Fatalf("%d bytes of memory for %d", n, sum)
			}
		}
		for i, p := range pieces {
			if !slices.Equal(p, want[i]) || cap(p) != len(p) {
				t.Fatalf("piece %d was changed", i)
			}
		}
		a.Free()
		if a.Memory() != 0 {
			t.Errorf("%d bytes after Free", a.Memory())
		}
	}
}
