package input

import (
	"bufio"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"datalake/pkg/batch"
	"datalake/pkg/gunzip"
)

const (
	// giantBytes is the largest buffer that is kept for later units and that no account is asked for: a larger one holds
	// a giant record and goes with it.
	giantBytes = 8 << 20
	// giantFactor is by how much such a buffer grows.
	giantFactor = 8
)

// Buffers holds the memory of units and decompressors between uses. The zero value is ready. Safe for concurrent use;
// one for all tasks of a run is best.
type Buffers struct {
	mu      sync.Mutex
	free    []*arena
	out     map[*batch.Unit]*arena
	readers []*bufio.Reader
	gzips   []*gunzip.Reader
	zstds   []*zstd.Decoder
}

// arena is the memory of one unit.
type arena struct {
	unit   batch.Unit
	buf    []byte
	chunks []batch.Chunk
	spans  []batch.Span
	// taken is what the account was told of, by take.
	taken int64
	take  func(int64) bool
}

// Release gives a unit's memory back, with all that aliases it: its chunks, the raw text of batches decoded from it.
// Payloads of Broken stay valid. A unit that is not out (or nil) is ignored.
func (b *Buffers) Release(u *batch.Unit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.out[u]
	if a == nil {
		return
	}
	delete(b.out, u)
	if cap(a.buf) > giantBytes {
		a.buf = nil
	}
	if a.taken > 0 {
		a.take(-a.taken)
		a.taken, a.take = 0, nil
	}
	clear(a.chunks)
	a.unit = batch.Unit{}
	a.buf, a.chunks, a.spans = a.buf[:0], a.chunks[:0], a.spans[:0]
	b.free = append(b.free, a)
}

// arena gives an empty arena of at least size bytes.
func (b *Buffers) arena(take func(int64) bool, size int) *arena {
	b.mu.Lock()
	a := pop(&b.free)
	b.mu.Unlock()
	if a == nil {
		a = &arena{}
	}
	if cap(a.buf) < size {
		b.account(take, a, size)
		a.buf = make([]byte, 0, size)
	}
	return a
}

// account asks take, unless it is nil, before a's buffer is made anew with size bytes, if that makes it a giant. Where it does
// not fit, the buffers that wait for use go first; the record must be held all the same.
func (b *Buffers) account(take func(int64) bool, a *arena, size int) {
	if take == nil || size <= giantBytes {
		return
	}
	more := int64(size) - a.taken
	a.taken, a.take = int64(size), take
	if !take(more) {
		b.mu.Lock()
		b.free = nil
		b.mu.Unlock()
	}
}

// give notes that the arena's unit is out.
func (b *Buffers) give(a *arena) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out == nil {
		b.out = map[*batch.Unit]*arena{}
	}
	b.out[&a.unit] = a
}

// drop takes back an arena whose unit never went out.
func (b *Buffers) drop(a *arena) {
	b.give(a)
	b.Release(&a.unit)
}

func (b *Buffers) reader(r io.Reader) *bufio.Reader {
	b.mu.Lock()
	br := pop(&b.readers)
	b.mu.Unlock()
	if br == nil {
		br = bufio.NewReaderSize(nil, 64<<10)
	}
	br.Reset(r)
	return br
}

func (b *Buffers) gzip() *gunzip.Reader {
	b.mu.Lock()
	z := pop(&b.gzips)
	b.mu.Unlock()
	if z == nil {
		z = new(gunzip.Reader)
	}
	return z
}

func (b *Buffers) zstd() (*zstd.Decoder, error) {
	b.mu.Lock()
	z := pop(&b.zstds)
	b.mu.Unlock()
	if z != nil {
		return z, nil
	}
	// Concurrency 1 decodes in the caller's goroutine.
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
}

// keep stores parts for reuse; each may be nil.
func (b *Buffers) keep(br *bufio.Reader, gz *gunzip.Reader, zs *zstd.Decoder) {
	if br != nil {
		br.Reset(nil)
	}
	if zs != nil && zs.Reset(nil) != nil {
		zs = nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if br != nil {
		b.readers = append(b.readers, br)
	}
	if gz != nil {
		b.gzips = append(b.gzips, gz)
	}
	if zs != nil {
		b.zstds = append(b.zstds, zs)
	}
}

// pop takes the last element of a stack, or the zero value.
func pop[T any](stack *[]T) (v T) {
	if n := len(*stack); n > 0 {
		v, (*stack)[n-1] = (*stack)[n-1], v
		*stack = (*stack)[:n-1]
	}
	return v
}
