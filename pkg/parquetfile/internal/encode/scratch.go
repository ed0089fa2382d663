package encode

import (
	"datalake/pkg/parquetfile/internal/codec"
	"datalake/pkg/parquetfile/internal/pool"
)

// Scratch is what encoding a page needs beside the page: buffers and coders, held only while one column is encoded, so that
// there are as many as goroutines that write and not as many as open files. The zero value is ready; it keeps its memory.
type Scratch struct {
	coder              codec.Coder
	bounds             [16]byte
	marks              marks
	head, page         []byte
	body, codes, delta []byte
	present, numbers   []uint32
	defs, reps         []uint8
	seen               []bool
	xlate              []uint32
	i32                []int32
	fixed32            []int32
	fixed64            []int64
	lens               []int32
	text, wide         []byte
	ends, kept         []int32
}

// Memory is about how many bytes the scratch keeps.
func (s *Scratch) Memory() int {
	return s.coder.Cap() + cap(s.page) + cap(s.body) + cap(s.codes) + cap(s.delta) + cap(s.text) + cap(s.wide) + cap(s.defs) + cap(s.reps) + cap(s.seen) +
		4*(cap(s.present)+cap(s.numbers)+cap(s.xlate)+cap(s.i32)+cap(s.fixed32)+cap(s.lens)+cap(s.ends)+cap(s.kept)) + 8*cap(s.fixed64)
}

// UpTo are the numbers 0 to n-1.
func (s *Scratch) UpTo(n int) []uint32 {
	for i := len(s.numbers); i < n; i++ {
		s.numbers = append(s.numbers, uint32(i))
	}
	return s.numbers[:n]
}

func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, n+n/4)
	}
	return b[:n]
}

// emptied is what a page's end leaves of a buffer with an entry a value: its memory, but not where one huge row has made it
// far larger than pages need.
func emptied[T any](p *pool.Slices[T], b []T, lim *Limits) []T {
	if cap(b) > 4*(lim.PageLevels+lim.PageRows) {
		p.Put(b)
		return nil
	}
	return b[:0]
}
