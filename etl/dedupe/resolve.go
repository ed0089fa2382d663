package dedupe

import (
	"context"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Resolve finds the rows that lose, among the run's keys and those of the table (which may be nil), on parallel
// goroutines. It calls lost for each of them once, with a row of the same key that is kept rather than it; calls of different
// keys may be concurrent. Rows of the table never lose to each other. Resolve changes nothing and can be repeated.
//
// Each goroutine holds at most some 50 bytes for each of most distinct keys (at least 1024), however many rows there are: a
// bucket with more distinct keys it reads several times, each time for a share of the hashes. 0: no limit.
func Resolve(ctx context.Context, run, table *Buckets, parallel int, most int64, lost func(loser, kept Row)) error {
	if most == 0 {
		most = math.MaxInt64
	}
	most = max(most, 1024)
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range parallel {
		g.Go(func() error {
			r := resolver{lost: lost, scratch: new(block)}
			for {
				i := int(next.Add(1)) - 1
				if i >= buckets {
					return nil
				}
				if err := r.bucket(ctx, run, table, i, most); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// resolver is one goroutine's memory: the best row so far of each key, and an open-addressing table of their numbers plus one.
type resolver struct {
	lost  func(loser, kept Row)
	best  []Key
	slots []uint32
	// behind are rows of the table that stand behind another of the table, which can only be where the table holds a key twice:
	// they lose if a row of the run turns out the best.
	behind  []Key
	scratch *block
	seen    []uint64 // of distinct
}

func (r *resolver) bucket(ctx context.Context, run, table *Buckets, i int, most int64) error {
	sources := []*Buckets{run}
	if table != nil {
		sources = []*Buckets{table, run}
	}
	each := func(do func(keys []Key)) error {
		for _, b := range sources {
			for keys, err := range b.blocks(i, r.scratch) {
				if err != nil {
					return err
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				do(keys)
			}
		}
		return nil
	}
	n := int64(0)
	for _, b := range sources {
		n += int64(b.b[i].n)
	}
	// All keys of a bucket have the same upper 8 bits of H1. The share of a pass is in the bits below.
	passes := uint64(1)
	if n > most {
		var err error
		if n, err = r.distinct(n, most, each); err != nil {
			return err
		}
		for int64(passes)*most < n && passes < 1<<16 {
			passes *= 2
		}
	}
	for pass := range passes {
		r.reset(n / int64(passes))
		err := each(func(keys []Key) {
			for k := range keys {
				if keys[k].H1>>40&(passes-1) == pass {
					r.add(&keys[k])
				}
			}
		})
		if err != nil {
			return err
		}
		for k := range r.behind {
			if best := &r.best[*r.find(&r.behind[k])-1]; best.Row.IsNew() {
				r.lost(r.behind[k].Row, best.Row)
			}
		}
	}
	return nil
}

// distinct is about how many distinct keys there are among n, or a few more: many rows may have one key, and that needs one
// pass, not many. It is linear counting (Whang et al., 1990): the share of bits that no hash has hit tells the number, to a
// percent or so, up to some three times the number of bits; where all are hit, the answer is n.
func (r *resolver) distinct(n, most int64, each func(func([]Key)) error) (int64, error) {
	size := uint64(1024)
	for int64(size) < 4*most {
		size *= 2
	}
	if uint64(cap(r.seen)) < size/64 {
		r.seen = make([]uint64, size/64)
	}
	seen := r.seen[:size/64]
	clear(seen)
	err := each(func(keys []Key) {
		for k := range keys {
			at := keys[k].H1 & (size - 1)
			seen[at/64] |= 1 << (at % 64)
		}
	})
	free := 0
	for _, w := range seen {
		free += bits.OnesCount64(^w)
	}
	if free == 0 {
		return n, err
	}
	return min(n, 64+int64(1.05*float64(size)*math.Log(float64(size)/float64(free)))), err
}

// reset makes room for about n distinct keys.
func (r *resolver) reset(n int64) {
	r.best, r.behind = slices.Grow(r.best[:0], int(n)), r.behind[:0]
	size := 16
	for int64(3*size) < 4*n {
		size *= 2
	}
	if cap(r.slots) < size {
		r.slots = make([]uint32, size)
	}
	r.slots = r.slots[:size]
	clear(r.slots)
}

// find gives the slot of a key: that of its best row, or the empty one where it belongs.
func (r *resolver) find(k *Key) *uint32 {
	mask := uint64(len(r.slots) - 1)
	for p := k.H1 & mask; ; p = (p + 1) & mask {
		s := &r.slots[p]
		if *s == 0 {
			return s
		}
		if o := &r.best[*s-1]; o.H0 == k.H0 && o.H1 == k.H1 {
			return s
		}
	}
}

// add takes in one row: of it and the best so far, one loses.
func (r *resolver) add(k *Key) {
	s := r.find(k)
	if *s == 0 {
		r.best = append(r.best, *k)
		if *s = uint32(len(r.best)); 4*len(r.best) > 3*len(r.slots) {
			r.grow()
		}
		return
	}
	best := &r.best[*s-1]
	behind := *k
	if k.before(best) {
		behind, *best = *best, *k
	}
	if behind.Row.IsNew() || best.Row.IsNew() {
		r.lost(behind.Row, best.Row)
	} else {
		r.behind = append(r.behind, behind)
	}
}

func (r *resolver) grow() {
	r.slots = make([]uint32, 2*len(r.slots))
	for i := range r.best {
		*r.find(&r.best[i]) = uint32(i) + 1
	}
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
