package encode

import (
	"datalake/pkg/parquetfile/internal/codec"
	"datalake/pkg/parquetfile/internal/meta"
)

// Scratch is what encoding a page needs beside the page: buffers and coders, held only while one column is encoded, so that
// there are as many as goroutines that write and not as many as open files. The zero value is ready; it keeps its memory.
type Scratch struct {
	marshal            meta.Marshaler
	coder              codec.Coder
	body, codes, delta []byte
	other              []byte // a page written in another way, to compare
	present            []uint32
	defs, reps         []uint8
	seen               []bool
	xlate              []uint32
	i32                []int32
	fixed32            []int32
	fixed64            []int64
	lens               []int32
	text               []byte
}

// Memory is about how many bytes the scratch keeps.
func (s *Scratch) Memory() int {
	return s.marshal.Cap() + s.coder.Cap() + cap(s.body) + cap(s.other) + cap(s.codes) + cap(s.delta) + cap(s.text) + cap(s.defs) + cap(s.reps) + cap(s.seen) +
		4*(cap(s.present)+cap(s.xlate)+cap(s.i32)+cap(s.fixed32)+cap(s.lens)) + 8*cap(s.fixed64)
}

func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, n+n/4)
	}
	return b[:n]
}

// emptied is what a page's end leaves of a buffer with an entry a value: its memory, but not where one huge row has made it
// far larger than pages need.
func emptied[T any](b []T, lim *Limits) []T {
	if cap(b) > 4*(lim.PageLevels+lim.PageRows) {
		return nil
	}
	return b[:0]
}
