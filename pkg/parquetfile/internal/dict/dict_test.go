package dict

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Codes number values by first appearance, in a fresh table, a reset one and one with memory that others gave up.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	table := new(Numbers[int64])
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
		}
	}
}

func TestTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	table := new(Texts)
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
		}
	}
}

// Append is Code for many values, and stops where the text reaches the limit.
func TestAppend(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		var values []int64
		var data []byte
		offsets := []int32{0}
		var rows []uint32
		for i := range uint32(1 + r.IntN(400)) {
			v := r.Int64N(1 + r.Int64N(500))
			values = append(values, v)
			data = append(data, fmt.Sprintf("%03d", v)[:r.IntN(4)]...)
			offsets = append(offsets, int32(len(data)))
			rows = append(rows, uint32(r.IntN(int(i)+1)))
		}
		var numbers, wantNumbers Numbers[int64]
		var texts, wantTexts Texts
		for at := 0; at < len(rows); {
			some := rows[at : at+1+r.IntN(len(rows)-at)]
			limit := len(texts.Text) + 1 + r.IntN(200)
			n := texts.Append(offsets, data, some, limit)
			for _, row := range some[:n] {
				if len(wantTexts.Text) >= limit {
					t.Fatalf("a value after %d bytes, the limit is %d", len(wantTexts.Text), limit)
				}
				wantTexts.Codes = append(wantTexts.Codes, wantTexts.Code(data[offsets[row]:offsets[row+1]]))
				wantNumbers.Codes = append(wantNumbers.Codes, wantNumbers.Code(values[row]))
			}
			if n < len(some) && len(wantTexts.Text) < limit {
				t.Fatalf("stopped at %d bytes, the limit is %d", len(wantTexts.Text), limit)
			}
			numbers.Append(values, some[:n])
			at += n
		}
		if !slices.Equal(texts.Codes, wantTexts.Codes) || !slices.Equal(texts.Ends, wantTexts.Ends) || string(texts.Text) != string(wantTexts.Text) {
			t.Fatal("Append gives other texts than Code")
		}
		shortest := 3
		for c := range texts.Ends {
			shortest = min(shortest, len(texts.Value(int32(c))))
		}
		if texts.Shortest() != shortest {
			t.Fatalf("the shortest text has %d bytes, not %d", shortest, texts.Shortest())
		}
		if !slices.Equal(numbers.Codes, wantNumbers.Codes) || !slices.Equal(numbers.Values, wantNumbers.Values) {
			t.Fatal("Append gives other numbers than Code")
		}
		texts.Free()
		numbers.Free()
	}
}

// Texts that differ little must not cluster in the table, nor share the part of the hash that tells them apart.
func TestTextHashSpreads(t *testing.T) {
	for _, format := range []string{"%d", "%06d", "%x", "sensor_%05d", "%012d", "a-rather-long-name-%d", "%d.50"} {
		const n = 1 << 14
		slots, high := map[uint64]bool{}, map[uint64]bool{}
		for i := range n {
			h := hashText(fmt.Appendf(nil, format, i))
			slots[h&(2*n-1)], high[h>>32] = true, true
		}
		if len(slots) < n*70/100 || len(high) < n-4 {
			t.Errorf("%s: %d slots, %d high halves for %d values", format, len(slots), len(high), n)
		}
	}
}

// Values that step evenly must not cluster in the table.
func TestHashSpreads(t *testing.T) {
	for _, step := range []uint64{1, 250, 1000, 1 << 20, 1 << 32, 1 << 48} {
		const n = 1 << 14
		seen := map[uint32]bool{}
		for i := range uint64(n) {
			seen[HashNumber(i*step)&(2*n-1)] = true
		}
		// Of random hashes 39 in 100 slots are taken, 78 in 100 of the values have one of their own.
		if len(seen) < n*70/100 {
			t.Errorf("step %d: %d slots for %d values", step, len(seen), n)
		}
	}
}
