package encode

import (
	"math/bits"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/stats"
)

// values gathers the present values of one column's current page, and the dictionary of its current chunk.
type values interface {
	// append takes the values at the given places of src, none of which is null. Unless all is set, it stops after the one that
	// fills the page. It returns how many it took.
	append(s *Scratch, src *Source, rows []uint32, all bool) (int, error)
	// room is how many bytes of text may come before the page can be full.
	room() int
	// full tells that the page must end at the end of this row.
	full() bool
	// encode ends the page: it appends its values to body.
	encode(s *Scratch, body []byte) encodedPage
	// dictionary appends the chunk's dictionary to body, and returns how many values it has.
	dictionary(body []byte) ([]byte, int)
	// reset makes ready for the next chunk.
	reset()
	// memory is about how many bytes are held.
	memory() int
	// release gives memory back; nothing may follow it but a reset.
	release()
}

// encodedPage is a page's body before compression.
type encodedPage struct {
	body     []byte
	split    int  // where the text of a byte array column begins, or what entropy means
	entropy  bool // what begins at split is best compressed without a match search
	encoding format.Encoding
	bounds   stats.Bounds
}

// dictOverhead is what a dictionary page costs beside its values.
const dictOverhead = 32

// indexes encodes dictionary codes, all below n.
func (s *Scratch) indexes(codes []int32, n int) []byte {
	w := max(1, bits.Len(uint(n-1)))
	s.codes, _ = (&rle.Encoding{BitWidth: w}).EncodeInt32(s.codes, codes)
	return s.codes
}

func appendIndexes(body, codes []byte, n int) []byte {
	return append(append(body, byte(max(1, bits.Len(uint(n-1))))), codes...)
}

// used returns the distinct codes of a page, ascending, where there are few against the page; else the codes themselves.
func (s *Scratch) used(codes []int32, n int) []int32 {
	if n > len(codes) {
		return codes
	}
	if cap(s.seen) < n {
		s.seen = make([]bool, n, 2*n)
	}
	seen := s.seen[:n]
	clear(seen)
	for _, c := range codes {
		seen[c] = true
	}
	s.i32 = s.i32[:0]
	for c, ok := range seen {
		if ok {
			s.i32 = append(s.i32, int32(c))
		}
	}
	return s.i32
}
