package parquetfile

import (
	"fmt"
	"io"

	"datalake/pkg/parquetfile/internal/pool"
)

// Buffer keeps a file in memory, in the blocks in which Writers keep their pages: what a Writer gives up when a row group
// ends, the file takes next. The zero value is empty. Not safe for concurrent use.
type Buffer struct {
	blocks [][]byte // all full but the last
	ends   []int64  // where each of them ends
	memory int
}

// The blocks of a Buffer grow up to 256 KiB, so that a file of few rows takes little.
const (
	firstBlock = 4 << 10
	lastBlock  = 256 << 10
)

// Write appends p. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		last := len(b.blocks) - 1
		if last < 0 || len(b.blocks[last]) == cap(b.blocks[last]) {
			b.blocks = append(b.blocks, pool.Bytes.Get(min(max(b.memory, firstBlock), lastBlock)))
			b.ends = append(b.ends, b.Len())
			last++
			b.memory += cap(b.blocks[last])
		}
		block := b.blocks[last]
		k := min(len(p), cap(block)-len(block))
		b.blocks[last] = append(block, p[:k]...)
		b.ends[last] += int64(k)
		p = p[k:]
	}
	return n, nil
}

// Len is how many bytes were written.
func (b *Buffer) Len() int64 {
	if len(b.ends) == 0 {
		return 0
	}
	return b.ends[len(b.ends)-1]
}

// Free empties the Buffer and gives its memory to others. Readers of it must not be used any more.
func (b *Buffer) Free() {
	for _, block := range b.blocks {
		pool.Bytes.Put(block)
	}
	*b = Buffer{}
}

// Reader reads what was written so far, from the start. It is also an io.WriterTo, which copies nothing.
func (b *Buffer) Reader() io.ReadSeeker { return &bufferReader{blocks: b.blocks, ends: b.ends} }

type bufferReader struct {
	blocks [][]byte
	ends   []int64
	at     int64
	block  int // where at lies, unless at the end
}

func (r *bufferReader) size() int64 {
	if len(r.ends) == 0 {
		return 0
	}
	return r.ends[len(r.ends)-1]
}

// rest is what is left of the block at hand, nil at the end.
func (r *bufferReader) rest() []byte {
	for r.block < len(r.ends) && r.at >= r.ends[r.block] {
		r.block++
	}
	if r.block == len(r.ends) {
		return nil
	}
	b := r.blocks[r.block]
	return b[int64(len(b))-(r.ends[r.block]-r.at):]
}

// Read implements io.Reader.
func (r *bufferReader) Read(p []byte) (int, error) {
	b := r.rest()
	if b == nil && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, b)
	r.at += int64(n)
	return n, nil
}

// WriteTo implements io.WriterTo.
func (r *bufferReader) WriteTo(w io.Writer) (int64, error) {
	start := r.at
	for b := r.rest(); b != nil; b = r.rest() {
		n, err := w.Write(b)
		r.at += int64(n)
		if err != nil {
			return r.at - start, err
		}
	}
	return r.at - start, nil
}

// Seek implements io.Seeker.
func (r *bufferReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size()
	}
	if offset < 0 || offset > r.size() {
		return r.at, fmt.Errorf("seek to %d of %d bytes", offset, r.size())
	}
	r.at, r.block = offset, 0
	return offset, nil
}
