package parquetfile

import (
	"bufio"
	"sync"

	"datalake/pkg/parquetfile/internal/codec"
	"datalake/pkg/parquetfile/internal/meta"
)

// scratch is what encoding a page needs beside the page: buffers and coders, held only while one page is encoded, so that
// there are as many as goroutines that write and not as many as open files.
type scratch struct {
	marshal            meta.Marshaler
	coder              codec.Coder
	out                *bufio.Writer
	body, codes, delta []byte
	rows               []uint32
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

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

// maxScratch bounds what a scratch may keep; a larger one is left to the collector.
const maxScratch = 16 << 20

func (s *scratch) put() {
	if cap(s.body)+cap(s.codes)+cap(s.delta)+cap(s.text)+s.coder.Cap()+s.marshal.Cap() <= maxScratch {
		scratches.Put(s)
	}
}
