package encode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/parquet-go/parquet-go/bloom"
)

// A filter is the one that is made of all hashes at once, whether they waited as hashes or went to a filter for the whole row
// group, and it takes little more memory than that.
func TestFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, c := range []struct{ values, distinct, rows int }{
		{0, 1, 1000},
		{1, 1, 1000},
		{1000, 1000, 1 << 20},
		{20_000, 20_000, 20_000},
		{20_000, 20_000, 100_000},
		{20_000, 300, 20_000},
		{100_000, 70_000, 100_000},
		{100_000, 100_000, 1<<63 - 1},
	} {
		t.Run(fmt.Sprintf("%d of %d", c.values, c.rows), func(t *testing.T) {
			known := make([]uint64, c.distinct)
			for i := range known {
				known[i] = r.Uint64()
			}
			var f filter
			for range 2 { // the second time in the memory of the first
				var all []uint64
				most := 0
				for left := c.values; left > 0; {
					n := min(left, 1+r.IntN(5000))
					left -= n
					f.room(n, c.rows)
					for range n {
						h := known[r.IntN(len(known))]
						f.hashes, all = append(f.hashes, h), append(all, h)
					}
					most = max(most, f.memory())
				}
				blocks := 1
				for 32*blocks < len(all) {
					blocks *= 2
				}
				whole := make(bloom.SplitBlockFilter, blocks)
				whole.InsertBulk(all)
				want := fold(whole).Bytes()
				if got := f.finish(); !bytes.Equal(got, want) {
					t.Fatalf("%d bytes of filter, want %d, or others", len(got), len(want))
				}
				if c.values >= c.rows/2 && most > 4*c.rows+16*5000 {
					t.Errorf("%d bytes for %d values", most, c.values)
				}
				f.reset()
			}
			f.release()
		})
	}
}
