package dedupe

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Resolve finds the rows that lose, among the run's keys and those of the table (which may be nil), on parallel
// goroutines. It calls lost for each of them once, with the row that is kept in its place; calls of different keys may be
// concurrent. Rows of the table never lose to each other. Resolve changes nothing and can be repeated.
func Resolve(ctx context.Context, run, table *Buckets, parallel int, lost func(loser, winner Row)) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range parallel {
		g.Go(func() error {
			var r resolver
			for {
				i := int(next.Add(1)) - 1
				if i >= buckets {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := r.bucket(run, table, i, lost); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// resolver is one goroutine's memory: the keys of a bucket, and an open-addressing table of their numbers plus one.
type resolver struct {
	keys  []Key
	slots []uint32
}

func (r *resolver) bucket(run, table *Buckets, i int, lost func(loser, winner Row)) (err error) {
	r.keys = r.keys[:0]
	if table != nil {
		if r.keys, err = table.load(i, r.keys); err != nil {
			return err
		}
	}
	if r.keys, err = run.load(i, r.keys); err != nil {
		return err
	}
	keys := r.keys
	size := 16
	for size < 2*len(keys) {
		size *= 2
	}
	if cap(r.slots) < size {
		r.slots = make([]uint32, size)
	}
	r.slots = r.slots[:size]
	clear(r.slots)
	// First the winner of each key, then everybody else against it: so each loser is told of the row that is kept.
	mask := uint64(size - 1)
	find := func(k *Key) *uint32 {
		for p := k.H1 & mask; ; p = (p + 1) & mask {
			s := &r.slots[p]
			if *s == 0 {
				return s
			}
			if o := &keys[*s-1]; o.H0 == k.H0 && o.H1 == k.H1 {
				return s
			}
		}
	}
	again := false
	for i := range keys {
		k := &keys[i]
		s := find(k)
		if *s == 0 {
			*s = uint32(i) + 1
			continue
		}
		again = true
		if k.before(&keys[*s-1]) {
			*s = uint32(i) + 1
		}
	}
	if !again {
		return nil
	}
	for i := range keys {
		k := &keys[i]
		w := int(*find(k)) - 1
		if w != i && (k.Row.IsNew() || keys[w].Row.IsNew()) {
			lost(k.Row, keys[w].Row)
		}
	}
	return nil
}

// before says whether k is kept rather than o, which has the same hash.
func (k *Key) before(o *Key) bool {
	if k.Order != o.Order {
		return k.Order > o.Order
	}
	if k.Row.IsNew() != o.Row.IsNew() {
		return !k.Row.IsNew()
	}
	return k.Row < o.Row
}
