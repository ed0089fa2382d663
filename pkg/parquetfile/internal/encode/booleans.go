package encode

import (
	"math"

	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/pool"
	"datalake/pkg/parquetfile/internal/stats"
)

// booleanBytes are false and true in the PLAIN encoding.
var booleanBytes = []byte{0, 1}

// booleans are never coded: a bit each.
type booleans struct {
	lim   *Limits
	bits  []byte
	n     int
	trues int
}

func (b *booleans) full() bool { return false }

func (b *booleans) room() int { return math.MaxInt }

func (b *booleans) append(_ *Scratch, from *Source, rows []uint32, _ bool) (int, error) {
	src, off := from.bits, uint32(from.bitOff)
	n := (b.n + len(rows) + 7) / 8
	if more := n - len(b.bits); more > 0 {
		b.bits = pool.Bytes.Grow(b.bits, more)
		clear(b.bits[len(b.bits):n])
		b.bits = b.bits[:n]
	}
	for _, r := range rows {
		at := off + r
		bit := src[at>>3] >> (at & 7) & 1
		b.bits[b.n>>3] |= bit << (b.n & 7)
		b.trues += int(bit)
		b.n++
	}
	return len(rows), nil
}

func (b *booleans) encode(_ *Scratch, body []byte) encodedPage {
	p := encodedPage{encoding: format.Plain}
	p.body = append(body, b.bits...)
	p.split = len(p.body)
	if b.n > 0 {
		lo, hi := booleanBytes[1:], booleanBytes[:1]
		if b.trues < b.n {
			lo = booleanBytes[:1]
		}
		if b.trues > 0 {
			hi = booleanBytes[1:]
		}
		p.bounds = stats.Exact(lo, hi)
	}
	*b = booleans{lim: b.lim, bits: emptied(&pool.Bytes, b.bits, b.lim)}
	return p
}

func (b *booleans) dictionary(body []byte) ([]byte, int) { return body, 0 }

func (b *booleans) reset() {}

func (b *booleans) release() {
	pool.Bytes.Put(b.bits)
	b.bits = nil
}

func (b *booleans) memory() int { return cap(b.bits) }
