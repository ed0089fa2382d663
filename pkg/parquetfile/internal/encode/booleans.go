package encode

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/stats"
)

// booleans are never coded: a bit each.
type booleans struct {
	lim  *Limits
	bits []byte
	n    int
	has  [2]bool // false, true
	arr  *array.Boolean
}

func (b *booleans) bind(arr arrow.Array) error { b.arr = arr.(*array.Boolean); return nil }

func (b *booleans) unbind() { b.arr = nil }

func (b *booleans) full() bool { return false }

func (b *booleans) append(_ *Scratch, rows []uint32, _ bool) (int, error) {
	for _, r := range rows {
		if b.n&7 == 0 {
			b.bits = append(b.bits, 0)
		}
		if b.arr.Value(int(r)) {
			b.bits[b.n>>3] |= 1 << (b.n & 7)
			b.has[1] = true
		} else {
			b.has[0] = true
		}
		b.n++
	}
	return len(rows), nil
}

func (b *booleans) encode(_ *Scratch, body []byte) encodedPage {
	p := encodedPage{encoding: format.Plain}
	p.body = append(body, b.bits...)
	p.split = len(p.body)
	if b.n > 0 {
		lo, hi := byte(1), byte(0)
		if b.has[0] {
			lo = 0
		}
		if b.has[1] {
			hi = 1
		}
		p.bounds = stats.Exact([]byte{lo}, []byte{hi})
	}
	*b = booleans{lim: b.lim, bits: emptied(b.bits, b.lim), arr: b.arr}
	return p
}

func (b *booleans) dictionary(body []byte) ([]byte, int) { return body, 0 }

func (b *booleans) reset() {}

func (b *booleans) release() {}

func (b *booleans) memory() int { return cap(b.bits) }
