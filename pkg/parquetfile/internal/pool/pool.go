// Package pool keeps the memory of slices that grow with a page or a dictionary and are given up with their file.
//
// Memory that was touched once is cheaper than new memory: the kernel clears a new page of it at some 250 ns a KiB, which for
// short-lived files was a quarter of their cost. So a slice grows by whole powers of two, and what it leaves goes to the next
// that needs that size, of whatever file. What waits is at most 32 MiB in all; the rest is the collector's.
package pool

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	minBits = 4  // the smallest slice has 16 entries,
	maxBits = 22 // the largest that is kept 4,194,304
	keep    = 32 << 20
)

// waiting is how many bytes wait in all pools.
var waiting atomic.Int64

// Slices is a pool of slices of T. The zero value is empty and ready. Safe for concurrent use.
type Slices[T any] struct {
	mu   sync.Mutex
	free [maxBits + 1][][]T
}

func class(n int) int { return max(minBits, bits.Len(uint(max(1, n)-1))) }

// Grow returns s with room for n more entries. Where that takes other memory, the old is given up, so nothing else may refer to
// it.
func (p *Slices[T]) Grow(s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	t := p.Get(max(len(s)+n, 2*cap(s)))[:len(s)]
	copy(t, s)
	p.Put(s)
	return t
}

// Get returns an empty slice with room for n entries, whatever they hold.
func (p *Slices[T]) Get(n int) []T {
	k := class(n)
	if k > maxBits {
		return make([]T, 0, n)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if free := p.free[k]; len(free) > 0 {
		s := free[len(free)-1]
		free[len(free)-1] = nil
		p.free[k] = free[:len(free)-1]
		waiting.Add(-bytesOf[T](1 << k))
		return s
	}
	return make([]T, 0, 1<<k)
}

// Put gives s's memory up. Slices that do not come from a pool are left to the collector.
func (p *Slices[T]) Put(s []T) {
	n := cap(s)
	k := class(n)
	if n != 1<<k || k > maxBits {
		return
	}
	size := bytesOf[T](n)
	if waiting.Add(size) > keep {
		waiting.Add(-size)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free[k] = append(p.free[k], s[:0])
}

func bytesOf[T any](n int) int64 {
	var t T
	return int64(n) * int64(unsafe.Sizeof(t))
}

// The pools that all files share.
var (
	Bytes   Slices[byte]
	Int32s  Slices[int32]
	Int64s  Slices[int64]
	Uint32s Slices[uint32]
	Uint64s Slices[uint64]
)

// Ints is the pool of slices of T.
func Ints[T int32 | int64]() *Slices[T] {
	if p, ok := any(&Int32s).(*Slices[T]); ok {
		return p
	}
	return any(&Int64s).(*Slices[T])
}
