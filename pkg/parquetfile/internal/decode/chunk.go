// Package decode reads pages and makes Arrow records of them. Nothing in a file is trusted: lengths, levels, codes and
// checksums are checked before they are used.
//
// A Chunk yields the pages of a column of one row group; vectors take stretches of them; the assembler makes arrays of the
// vectors, by a plan that matches the wanted fields with the file's. A Reader joins them. None is safe for concurrent use.
package decode

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/codec"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
)

const (
	// readBytes is how much of a chunk is read at once.
	readBytes = 4 << 20
	// headBytes holds all page headers of ours; longHead those of writers that put whole values into their statistics.
	headBytes = 64 << 10
	longHead  = 16 << 20
)

// Chunk reads one column of one row group, page by page.
type Chunk struct {
	r    io.ReaderAt
	leaf *shape.Leaf
	meta *meta.Column

	off    int64  // in the file, of what comes after window
	end    int64  // where the chunk ends
	window []byte // bytes read and not yet used
	buf    []byte // memory of window
	left   int64  // levels in pages not yet read
	start  int64  // of the current page in the file
	body   []byte // of the current page, decompressed; part of window where it was not compressed
	store  []byte // memory of body

	dict *dictionary
	page pageData
}

// NewChunk is the chunk of l that m describes, whose place has been checked.
func NewChunk(r io.ReaderAt, l *shape.Leaf, m *meta.Column) *Chunk {
	return &Chunk{r: r, leaf: l, meta: m, off: m.Start(), end: m.Start() + m.CompressedSize, left: m.NumValues}
}

// peek returns at least n of the next bytes, fewer only at the chunk's end.
func (c *Chunk) peek(n int) ([]byte, error) {
	if len(c.window) >= n || c.off == c.end {
		return c.window, nil
	}
	want := min(max(int64(n), readBytes), c.end-c.off+int64(len(c.window)))
	if int64(cap(c.buf)) < want {
		c.buf = make([]byte, want)
	}
	have := copy(c.buf[:want], c.window)
	m, err := c.r.ReadAt(c.buf[have:want], c.off)
	if int64(have+m) < want {
		if err == nil || err == io.EOF {
			err = fault.Corruptf("the file ends at %d, inside column %s", c.off+int64(m), c.leaf)
		}
		return nil, err
	}
	c.off += int64(m)
	c.window = c.buf[:want]
	return c.window, nil
}

// Next decodes the next data page, and the dictionary before it. It returns io.EOF after the last. Other errors are those of
// the reader, fault.ErrCorrupt and fault.ErrUnsupported.
func (c *Chunk) Next() error {
	err := c.readPage()
	if err != nil && err != io.EOF {
		return fmt.Errorf("column %s: page at %d: %w", c.leaf, c.start, err)
	}
	return err
}

func (c *Chunk) readPage() error {
	for {
		c.start = c.offset()
		if c.left == 0 {
			return io.EOF
		}
		b, err := c.peek(headBytes)
		if err != nil {
			return err
		}
		var h meta.PageHeader
		n, err := meta.Unmarshal(b, &h)
		if err != nil && int64(len(b)) < c.end-c.start {
			if b, err = c.peek(longHead); err != nil {
				return err
			}
			h = meta.PageHeader{}
			n, err = meta.Unmarshal(b, &h)
		}
		if err != nil {
			return fault.Corruptf("page header: %w", err)
		}
		if h.Compressed < 0 || h.Uncompressed < 0 || int64(n)+int64(h.Compressed) > c.end-c.start {
			return fault.Corruptf("a page of %d bytes, compressed %d, in a chunk of %d", h.Uncompressed, h.Compressed, c.meta.CompressedSize)
		}
		if h.Uncompressed > codec.MaxSize {
			return fault.Unsupportedf("a page of %d bytes", h.Uncompressed)
		}
		if b, err = c.peek(n + int(h.Compressed)); err != nil {
			return err
		}
		data := b[n : n+int(h.Compressed)]
		c.window = c.window[n+int(h.Compressed):]
		if h.CRC.Valid && crc32.ChecksumIEEE(data) != uint32(h.CRC.V) {
			return fault.Corruptf("wrong checksum")
		}
		if c.body, err = codec.Decompress(c.store, data, int(h.Uncompressed), c.meta.Codec); errors.Is(err, codec.ErrUnknown) {
			return fault.Unsupportedf("%w", err)
		} else if err != nil {
			return fault.Corruptf("%w", err)
		}
		if c.meta.Codec != format.Uncompressed {
			c.store = c.body
		}
		switch h.Type {
		case format.DictionaryPage:
			if c.dict != nil {
				return fault.Corruptf("a second dictionary")
			}
			if enc := h.Dictionary.V.Encoding; enc != format.Plain && enc != plainDictionary {
				return fault.Unsupportedf("a dictionary in encoding %s", enc)
			}
			if c.dict, err = readDictionary(c.leaf, c.body, int(h.Dictionary.V.NumValues)); err != nil {
				return err
			}
		case format.DataPage:
			if !h.Data.Valid {
				return fault.Corruptf("a data page without its header")
			}
			v := &h.Data.V
			if v.NumValues < 0 || int64(v.NumValues) > c.left {
				return fault.Corruptf("a page of %d values, the chunk has %d left", v.NumValues, c.left)
			}
			if v.NumValues > meta.MaxPageValues {
				return fault.Unsupportedf("a page of %d values", v.NumValues)
			}
			c.left -= int64(v.NumValues)
			return c.decode(v)
		case format.IndexPage:
		default:
			return fault.Unsupportedf("page type %s", h.Type)
		}
	}
}

// PageInfo is what a page states of itself.
type PageInfo struct {
	Offset, Size int64 // in the file, with the header
	Rows, Nulls  int64 // Rows are those that begin in it
}

// Page is about the page that Next decoded last.
func (c *Chunk) Page() PageInfo {
	p := &c.page
	i := PageInfo{Offset: c.start, Size: c.offset() - c.start, Nulls: int64(p.nulls)}
	if c.leaf.MaxRep == 0 {
		i.Rows = int64(p.levels)
	}
	for _, r := range p.reps {
		if r == 0 {
			i.Rows++
		}
	}
	return i
}

// Left is how many bytes come after the pages that were decoded.
func (c *Chunk) Left() int64 { return c.end - c.offset() }

func (c *Chunk) offset() int64 { return c.off - int64(len(c.window)) }

// finished tells whether all of a chunk was used.
func (c *Chunk) finished() error {
	if c.left > 0 || c.page.level < c.page.levels {
		return fault.Corruptf("column %s: rows beyond the row group's", c.leaf)
	}
	return nil
}
