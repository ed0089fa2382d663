package lines

import (
	"math/rand/v2"
	"testing"

	"datalake/pkg/batch"
)

// However chunks come in, before is the plain sum.
func TestLinesBefore(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	o, other := &batch.Object{}, &batch.Object{}
	l := New()
	counts := map[int]int64{}
	for range 100 {
		chunk, n := rnd.IntN(40)*2, rnd.Int64N(1000)
		l.Note(o, chunk, n)
		l.Note(other, chunk, 7)
		counts[chunk] += n
	}
	for chunk := -1; chunk < 82; chunk++ {
		var want int64
		for c, n := range counts {
			if c < chunk {
				want += n
			}
		}
		if got := l.Before(o, chunk); got != want {
			t.Errorf("chunk %d: %d lines before, want %d", chunk, got, want)
		}
	}
	if n := l.Before(&batch.Object{}, 5); n != 0 {
		t.Errorf("an unknown object has %d lines", n)
	}
}
