package dict

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Codes number values by first appearance, in a fresh table, a reset one and a pooled one.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	table := NewNumbers[int64]()
	for round := range 6 {
		want := map[int64]int32{}
		for range 20_000 {
			v := []int64{r.Int64N(5000), int64(r.Uint64()), r.Int64N(300) << 40, math.MinInt64, 0}[r.IntN(5)]
			code, ok := want[v]
			if !ok {
				code = int32(len(want))
				want[v] = code
			}
			if got := table.Code(v); got != code || table.Values[code] != v {
				t.Fatalf("round %d: %d has code %d, want %d", round, v, got, code)
			}
		}
		if table.Freeze(7); len(table.Values) != 7 {
			t.Errorf("%d values of a frozen table", len(table.Values))
		}
		if round%2 == 0 {
			table.Reset()
		} else {
			table.Free()
			table = NewNumbers[int64]()
		}
	}
}

func TestTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	table := NewTexts()
	for round := range 6 {
		want := map[string]int32{}
		for range 20_000 {
			v := []string{"", fmt.Sprint(r.IntN(5000)), fmt.Sprintf("%0*d", r.IntN(300), r.IntN(9)), "\x00", "\x00\x00"}[r.IntN(5)]
			code, ok := want[v]
			if !ok {
				code = int32(len(want))
				want[v] = code
			}
			if got := table.Code([]byte(v)); got != code || string(table.Value(code)) != v {
				t.Fatalf("round %d: %q has code %d, want %d", round, v, got, code)
			}
		}
		table.Freeze(3)
		if len(table.Ends) != 3 || len(table.Text) != int(table.Ends[2]) {
			t.Errorf("%d values, %d bytes of a frozen table", len(table.Ends), len(table.Text))
		}
		if round%2 == 0 {
			table.Reset()
		} else {
			table.Free()
			table = NewTexts()
		}
	}
}

// Values that step evenly must not cluster in the table.
func TestHashSpreads(t *testing.T) {
	for _, step := range []uint64{1, 250, 1000, 1 << 20, 1 << 32, 1 << 48} {
		const n = 1 << 14
		seen := map[uint32]bool{}
		for i := range uint64(n) {
			seen[hashNumber(i*step)&(2*n-1)] = true
		}
		// Of random hashes 39 in 100 slots are taken, 78 in 100 of the values have one of their own.
		if len(seen) < n*70/100 {
			t.Errorf("step %d: %d slots for %d values", step, len(seen), n)
		}
	}
}
