package spill_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"datalake/pkg/spill"
)

func TestBudget(t *testing.T) {
	b := spill.NewBudget(100)
	if !b.Take(60) || b.Take(60) {
		t.Error("60 fit, 120 do not")
	}
	if b.Take(-60); b.Used() != 60 || !b.Take(40) {
		t.Errorf("used %d", b.Used())
	}
	if b.Peak() != 120 {
		t.Errorf("at most %d were counted", b.Peak())
	}
}

// Whoever waits gets its bytes in the end, and never more than the limit are counted unless one alone takes more.
func TestWait(t *testing.T) {
	const limit = 1000
	b := spill.NewBudget(limit)
	var counted, alone atomic.Int64
	var wg sync.WaitGroup
	for worker := range uint64(8) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(worker, 0))
			for range 500 {
				n := 1 + r.Int64N(400)
				if r.IntN(50) == 0 {
					n = limit + 1 + r.Int64N(1000)
				}
				if err := b.Wait(t.Context(), n); err != nil {
					t.Error(err)
					return
				}
				if sum := counted.Add(n); sum > limit && sum != n {
					t.Errorf("%d are counted", sum)
				}
				if n > limit {
					alone.Add(1)
				}
				counted.Add(-n)
				b.Take(-n)
			}
		})
	}
	wg.Wait()
	if b.Used() != 0 || alone.Load() == 0 {
		t.Errorf("%d are still counted, %d were larger than the limit", b.Used(), alone.Load())
	}
}

// They are served in the order in which they came, so that a large amount is not overtaken for ever, and one who gives up is
// not in the way.
func TestWaitOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := spill.NewBudget(100)
		b.Take(50)
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		var gaveUp error
		go func() {
			if gaveUp = b.Wait(ctx, 80); gaveUp == nil {
				got = append(got, "large")
			}
		}()
		synctest.Wait()
		go func() {
			if b.Wait(t.Context(), 20) == nil {
				got = append(got, "small")
			}
		}()
		synctest.Wait()
		if len(got) != 0 {
			t.Fatalf("%v overtook", got)
		}
		cancel()
		synctest.Wait()
		if !errors.Is(gaveUp, context.Canceled) || len(got) != 1 || b.Used() != 70 {
			t.Errorf("error %v; served %v; %d counted", gaveUp, got, b.Used())
		}
		go func() {
			if b.Wait(t.Context(), 100) == nil {
				got = append(got, "all")
			}
		}()
		synctest.Wait()
		if b.Take(-20); len(got) != 1 {
			t.Errorf("served %v too early", got)
		}
		b.Take(-50)
		synctest.Wait()
		if len(got) != 2 || b.Used() != 100 {
			t.Errorf("served %v; %d counted", got, b.Used())
		}
	})
}
