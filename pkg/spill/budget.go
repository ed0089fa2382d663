package spill

import "sync/atomic"

// Budget is an account of bytes of memory that stages ask before they grow: what does not fit they put into a File. Safe for
// concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget allows limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Limit is how many bytes are allowed.
func (b *Budget) Limit() int64 { return b.limit }

// Take counts n more bytes (fewer, if negative) and says whether all fits. It counts them either way: whoever is told
// that it does not fit spills, and takes back what that freed.
func (b *Budget) Take(n int64) bool { return b.used.Add(n) <= b.limit }

// Used is how many bytes are counted now.
func (b *Budget) Used() int64 { return b.used.Load() }
