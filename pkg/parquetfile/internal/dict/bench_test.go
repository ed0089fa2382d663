package dict

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkTexts(b *testing.B) {
	for _, c := range []struct {
		format   string
		distinct int
	}{{"store_%d", 40}, {"sensor_%05d", 2000}, {"%032x", 2000}, {"%d", 100_000}} {
		b.Run(fmt.Sprintf("%s of %d", c.format, c.distinct), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			var data []byte
			offsets := []int32{0}
			rows := make([]uint32, 16<<10)
			for i := range rows {
				rows[i] = uint32(i)
				data = fmt.Appendf(data, c.format, r.IntN(c.distinct))
				offsets = append(offsets, int32(len(data)))
			}
			for b.Loop() {
				var t Texts
				t.Append(offsets, data, rows, 1<<30)
				t.Free()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/value")
		})
	}
}

func BenchmarkNumbers(b *testing.B) {
	for _, distinct := range []int64{100, 5000, 1 << 40} {
		b.Run(fmt.Sprint(distinct), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			values, rows := make([]int64, 16<<10), make([]uint32, 16<<10)
			for i := range rows {
				rows[i], values[i] = uint32(i), r.Int64N(distinct)*1000
			}
			for b.Loop() {
				var t Numbers[int64]
				t.Append(values, rows)
				t.Free()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(rows)), "ns/value")
		})
	}
}
