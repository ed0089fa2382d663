package spill

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Budget is an account of bytes of memory that stages ask before they grow. Who can put what it holds into a File asks Take;
// who can only wait for others asks Wait. Safe for concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
	peak  atomic.Int64

	waiters atomic.Int32 // len(queue), to be looked at without the lock
	mu      sync.Mutex
	queue   []*waiter // first come, first served: or a large amount would wait for ever
}

type waiter struct {
	n     int64
	ready chan struct{} // closed when n is counted
}

// NewBudget allows limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Limit is how many bytes are allowed.
func (b *Budget) Limit() int64 { return b.limit }

// Take counts n more bytes (fewer, if negative) and says whether all fits. It counts them either way: whoever is told
// that it does not fit spills, and takes back what that freed.
func (b *Budget) Take(n int64) bool {
	used := b.used.Add(n)
	for n > 0 {
		peak := b.peak.Load()
		if used <= peak || b.peak.CompareAndSwap(peak, used) {
			break
		}
	}
	if n < 0 && b.waiters.Load() > 0 {
		b.mu.Lock()
		b.serve()
		b.mu.Unlock()
	}
	return used <= b.limit
}

// Wait counts n more bytes as soon as they fit; an amount that is larger than the limit, as soon as nothing else is counted.
// Take gives them back. When ctx is done first, nothing is counted and its error returned.
func (b *Budget) Wait(ctx context.Context, n int64) error {
	b.mu.Lock()
	w := &waiter{n, make(chan struct{})}
	b.queue = append(b.queue, w)
	b.waiters.Store(int32(len(b.queue)))
	b.serve()
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.ready: // meanwhile
		return nil
	default:
	}
	b.queue = slices.DeleteFunc(b.queue, func(o *waiter) bool { return o == w })
	b.waiters.Store(int32(len(b.queue)))
	b.serve() // those behind it may be smaller
	return ctx.Err()
}

// serve lets those go that fit, in their order.
func (b *Budget) serve() {
	for len(b.queue) > 0 {
		w := b.queue[0]
		if used := b.used.Load(); used > 0 && used+w.n > b.limit {
			break
		}
		b.Take(w.n)
		close(w.ready)
		b.queue = b.queue[1:]
	}
	b.waiters.Store(int32(len(b.queue)))
}

// Used is how many bytes are counted now.
func (b *Budget) Used() int64 { return b.used.Load() }

// Peak is how many were counted at most.
func (b *Budget) Peak() int64 { return b.peak.Load() }
