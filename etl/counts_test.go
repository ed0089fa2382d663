package etl

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A set of numbers holds each that was added, once, and no more than twice as many entries as it has members.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, most := range []uint32{1, 5, 300, 100_000} {
		var s numbers
		want := map[uint32]bool{}
		for range 20_000 {
			n := r.Uint32N(most)
			for range 1 + r.IntN(3) {
				s.add(n)
			}
			want[n] = true
			if len(s.list) > max(2*len(want), 16) {
				t.Fatalf("%d entries for %d members", len(s.list), len(want))
			}
		}
		got := s.sorted()
		if len(got) != len(want) || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("up to %d: %d members, not %d, or not sorted", most, len(got), len(want))
		}
		for _, n := range got {
			if !want[n] {
				t.Errorf("%d was never added", n)
			}
		}
	}
}
