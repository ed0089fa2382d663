// Package pool keeps the memory of record batches for the next ones. What a run touches for the first time costs a page
// fault and the kernel's zeros for every 4 KiB, and what it leaves behind costs the garbage collector; a run of some hundred megabytes allocates two and a
// half times its input.
package pool

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	leastBits = 6  // 64 bytes, the alignment that Arrow asks for
	mostBits  = 26 // 64 MiB; what is larger comes and goes
)

// Allocator is an Arrow memory.Allocator that takes freed buffers back. Memory that it gives out holds anything. Safe for
// concurrent use. Use New.
type Allocator struct {
	limit   int64
	poison  bool
	held    atomic.Int64 // bytes in the lists
	classes [mostBits + 1]class
}

// class are the free buffers of 1<<i bytes, the last freed on top: it is most likely still in a cache.
type class struct {
	mu   sync.Mutex
	free [][]byte
}

// New gives an allocator that keeps up to limit bytes of free buffers.
func New(limit int64) *Allocator { return &Allocator{limit: limit} }

// Poisoned is New for tests: memory that is freed is overwritten, so that whoever still reads it, or relies on zeros, is found
// out.
func Poisoned(limit int64) *Allocator { return &Allocator{limit: limit, poison: true} }

// Held is how many bytes of free buffers there are.
func (a *Allocator) Held() int64 { return a.held.Load() }

func classOf(size int) int { return max(bits.Len(uint(size-1)), leastBits) }

// Allocate gives size bytes.
func (a *Allocator) Allocate(size int) []byte {
	if size <= 0 || size > 1<<mostBits {
		return make([]byte, max(size, 0))
	}
	i := classOf(size)
	c := &a.classes[i]
	c.mu.Lock()
	if n := len(c.free); n > 0 {
		b := c.free[n-1]
		c.free[n-1] = nil
		c.free = c.free[:n-1]
		c.mu.Unlock()
		a.held.Add(-int64(cap(b)))
		return b[:size]
	}
	c.mu.Unlock()
	return make([]byte, size, 1<<i)
}

// Reallocate gives size bytes that begin with those of b, which must not be used any more.
func (a *Allocator) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	bigger := a.Allocate(size)
	copy(bigger, b)
	a.Free(b)
	return bigger
}

// Free takes back what Allocate or Reallocate gave.
func (a *Allocator) Free(b []byte) {
	size := cap(b)
	if size < 1<<leastBits || size > 1<<mostBits || size&(size-1) != 0 {
		return // not from a class
	}
	b = b[:size]
	if a.poison {
		for i := range b {
			b[i] = 0xdb
		}
	}
	if a.held.Add(int64(size)) > a.limit {
		a.held.Add(-int64(size))
		return
	}
	c := &a.classes[bits.Len(uint(size-1))]
	c.mu.Lock()
	c.free = append(c.free, b)
	c.mu.Unlock()
}

// Trim leaves the free buffers to the collector: for when what comes next needs others.
func (a *Allocator) Trim() {
	for i := range a.classes {
		c := &a.classes[i]
		c.mu.Lock()
		for _, b := range c.free {
			a.held.Add(-int64(cap(b)))
		}
		c.free = nil
		c.mu.Unlock()
	}
}
