package parquetfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/codec"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/runs"
)

const (
	// readBytes is how much of a chunk is read at once.
	readBytes = 4 << 20
	// maxPageValues is the most values of a page that is decoded.
	maxPageValues = 1 << 27
)

// chunk reads one column of one row group, page by page.
type chunk struct {
	f    *File
	leaf *leaf
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

// plainDictionary is how old writers call the encoding of a dictionary and of its codes; the format's other names for them
// are the ones to write.
const plainDictionary format.Encoding = 2

// dictionary holds a chunk's dictionary page.
type dictionary struct {
	n       int
	fixed32 []int32
	fixed64 []int64
	offsets []uint32 // of n+1 byte strings in text
	text    []byte
	longest int
}

func (d *dictionary) value(c int32) []byte { return d.text[d.offsets[c]:d.offsets[c+1]] }

// pageData is a decoded data page and how far it was used.
type pageData struct {
	encoding   format.Encoding
	levels     int
	defs, reps []uint8 // defs is empty while all levels are the highest; reps is empty where the column does not repeat
	nulls      int
	present    int // values

	codes   []int32
	fixed32 []int32
	fixed64 []int64
	bits    []byte
	lens    []int32
	text    []byte // of lens, or of one width; aliases the body, or store
	store   []byte

	level, value, textAt int // used
}

func (f *File) chunk(group int, l *leaf) *chunk {
	m := &f.meta.Groups[group].Columns[l.index].Meta
	return &chunk{f: f, leaf: l, meta: m, off: m.Start(), end: m.Start() + m.CompressedSize, left: m.NumValues}
}

// peek returns at least n of the next bytes, fewer only at the chunk's end.
func (c *chunk) peek(n int) ([]byte, error) {
	if len(c.window) >= n || c.off == c.end {
		return c.window, nil
	}
	want := min(max(int64(n), readBytes), c.end-c.off+int64(len(c.window)))
	if int64(cap(c.buf)) < want {
		c.buf = make([]byte, want)
	}
	have := copy(c.buf[:want], c.window)
	m, err := c.f.r.ReadAt(c.buf[have:want], c.off)
	if int64(have+m) < want {
		if err == nil || err == io.EOF {
			err = corruptf("the file ends at %d, inside column %s", c.off+int64(m), dotted(c.leaf.path))
		}
		return nil, err
	}
	c.off += int64(m)
	c.window = c.buf[:want]
	return c.window, nil
}

// next reads the next data page into c.page, and the dictionary before it. It returns io.EOF after the last.
func (c *chunk) next() error {
	err := c.readPage()
	if err != nil && err != io.EOF {
		return fmt.Errorf("column %s: page at %d: %w", dotted(c.leaf.path), c.start, err)
	}
	return err
}

func (c *chunk) readPage() error {
	for {
		c.start = c.off - int64(len(c.window))
		if c.left == 0 {
			return io.EOF
		}
		b, err := c.peek(64 << 10)
		if err != nil {
			return err
		}
		var h meta.PageHeader
		n, err := meta.Unmarshal(b, &h)
		if err != nil {
			return corruptf("page header: %w", err)
		}
		if h.Compressed < 0 || h.Uncompressed < 0 || h.Uncompressed > codec.MaxSize || int64(n)+int64(h.Compressed) > c.end-c.start {
			return corruptf("a page of %d bytes, compressed %d, in a chunk of %d", h.Uncompressed, h.Compressed, c.meta.CompressedSize)
		}
		if b, err = c.peek(n + int(h.Compressed)); err != nil {
			return err
		}
		data := b[n : n+int(h.Compressed)]
		c.window = c.window[n+int(h.Compressed):]
		if h.CRC.Valid && crc32.ChecksumIEEE(data) != uint32(h.CRC.V) {
			return corruptf("wrong checksum")
		}
		if c.body, err = codec.Decompress(c.store, data, int(h.Uncompressed), c.meta.Codec); errors.Is(err, codec.ErrUnknown) {
			return unsupportedf("%w", err)
		} else if err != nil {
			return corruptf("%w", err)
		}
		if c.meta.Codec != format.Uncompressed {
			c.store = c.body
		}
		switch h.Type {
		case format.DictionaryPage:
			if c.dict != nil {
				return corruptf("a second dictionary")
			}
			if enc := h.Dictionary.V.Encoding; enc != format.Plain && enc != plainDictionary {
				return unsupportedf("a dictionary in encoding %s", enc)
			}
			if c.dict, err = readDictionary(c.leaf, c.body, int(h.Dictionary.V.NumValues)); err != nil {
				return err
			}
		case format.DataPage:
			if !h.Data.Valid {
				return corruptf("a data page without its header")
			}
			v := &h.Data.V
			if v.NumValues < 0 || int64(v.NumValues) > c.left {
				return corruptf("a page of %d values, the chunk has %d left", v.NumValues, c.left)
			}
			if v.NumValues > maxPageValues {
				return unsupportedf("a page of %d values", v.NumValues)
			}
			c.left -= int64(v.NumValues)
			return c.decode(v)
		case format.IndexPage:
		default:
			return unsupportedf("page type %s", h.Type)
		}
	}
}

func readDictionary(l *leaf, body []byte, n int) (*dictionary, error) {
	d := &dictionary{n: n}
	if n < 0 || n > len(body) {
		return nil, corruptf("a dictionary of %d values in %d bytes", n, len(body))
	}
	switch l.phys {
	case format.Int32, format.Float, format.Int64, format.Double:
		if len(body) < n*l.width {
			return nil, corruptf("a dictionary of %d values in %d bytes", n, len(body))
		}
		d.fixed32, d.fixed64 = plainFixed(nil, nil, body, n, l.width)
	case format.ByteArray:
		lens, text, err := plainText(nil, nil, body, n)
		if err != nil {
			return nil, err
		}
		d.text, d.offsets = text, make([]uint32, 1, n+1)
		at := uint32(0)
		for _, k := range lens {
			at += uint32(k)
			d.offsets = append(d.offsets, at)
			d.longest = max(d.longest, int(k))
		}
	case format.FixedLenByteArray:
		if len(body) < n*l.width {
			return nil, corruptf("a dictionary of %d values in %d bytes", n, len(body))
		}
		d.text, d.offsets = append([]byte(nil), body[:n*l.width]...), make([]uint32, n+1)
		for i := range d.offsets {
			d.offsets[i] = uint32(i * l.width)
		}
	default:
		return nil, unsupportedf("a dictionary of %s", l.phys)
	}
	return d, nil
}

// plainFixed decodes PLAIN numbers; the caller has checked the length.
func plainFixed(d32 []int32, d64 []int64, b []byte, n, width int) ([]int32, []int64) {
	if width == 4 {
		d32 = grow(d32, n)
		for i := range d32 {
			d32[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return d32, d64
	}
	d64 = grow(d64, n)
	for i := range d64 {
		d64[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return d32, d64
}

// plainText decodes n PLAIN byte arrays: their lengths, and the bytes end to end.
func plainText(lens []int32, text, b []byte, n int) ([]int32, []byte, error) {
	lens, text = lens[:0], text[:0]
	for range n {
		if len(b) < 4 {
			return nil, nil, corruptf("byte arrays: %w", io.ErrUnexpectedEOF)
		}
		k := binary.LittleEndian.Uint32(b)
		if b = b[4:]; uint64(k) > uint64(len(b)) || k > math.MaxInt32 {
			return nil, nil, corruptf("a byte array of %d bytes: %w", k, io.ErrUnexpectedEOF)
		}
		lens = append(lens, int32(k))
		text = append(text, b[:k]...)
		b = b[k:]
	}
	return lens, text, nil
}

// decode makes c.page of the body.
func (c *chunk) decode(h *meta.DataPageHeader) error {
	p := &c.page
	p.encoding, p.levels = h.Encoding, int(h.NumValues)
	p.level, p.value, p.textAt, p.nulls = 0, 0, 0, 0
	p.defs, p.reps = p.defs[:0], p.reps[:0]
	b := c.body
	var err error
	if c.leaf.maxRep > 0 {
		if p.reps, b, err = readLevels(p.reps, b, c.leaf.maxRep, p.levels, h.RepEncoding); err != nil {
			return corruptf("repetition levels: %w", err)
		}
	}
	if c.leaf.maxDef > 0 {
		if p.defs, b, err = readLevels(p.defs, b, c.leaf.maxDef, p.levels, h.DefEncoding); err != nil {
			return corruptf("definition levels: %w", err)
		}
		for _, d := range p.defs {
			if d != c.leaf.maxDef {
				p.nulls++
			}
		}
		if p.nulls == 0 {
			p.defs = p.defs[:0]
		}
	}
	p.present = p.levels - p.nulls
	return c.values(b)
}

// readLevels reads the levels at b's start and returns what follows them.
func readLevels(dst []uint8, b []byte, top uint8, n int, enc format.Encoding) ([]uint8, []byte, error) {
	if enc != format.RLE {
		return nil, nil, unsupportedf("levels in encoding %s", enc)
	}
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	k := int(binary.LittleEndian.Uint32(b))
	dst, err := runs.Decode(dst, b[4:4+k], levelBits(top), n)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range dst {
		if l > top {
			return nil, nil, fmt.Errorf("level %d of %d", l, top)
		}
	}
	return dst, b[4+k:], nil
}

// values decodes the values of a page whose levels are known.
func (c *chunk) values(b []byte) error {
	p, l, n := &c.page, c.leaf, c.page.present
	short := func() error { return corruptf("%d values in %d bytes of %s", n, len(b), p.encoding) }
	if n == 0 {
		p.codes, p.fixed32, p.fixed64, p.lens = p.codes[:0], p.fixed32[:0], p.fixed64[:0], p.lens[:0]
		return nil
	}
	numbers := l.phys == format.Int32 || l.phys == format.Int64
	switch {
	case p.encoding == format.RLEDictionary || p.encoding == plainDictionary:
		if c.dict == nil {
			return corruptf("coded values without a dictionary")
		}
		if len(b) < 1 || b[0] > 32 {
			return short()
		}
		var err error
		if p.codes, err = runs.Decode(p.codes[:0], b[1:], int(b[0]), n); err != nil {
			return corruptf("codes: %w", err)
		}
		for _, code := range p.codes {
			if uint32(code) >= uint32(c.dict.n) {
				return corruptf("code %d in a dictionary of %d", uint32(code), c.dict.n)
			}
		}
		p.encoding = format.RLEDictionary
	case p.encoding == format.Plain && l.phys == format.Boolean:
		if len(b) < (n+7)/8 {
			return short()
		}
		p.bits = b
	case p.encoding == format.Plain && l.phys == format.ByteArray:
		var err error
		p.lens, p.store, err = plainText(p.lens, p.store, b, n)
		p.text = p.store
		return err
	case p.encoding == format.Plain:
		if len(b)/l.width < n {
			return short()
		}
		if l.phys == format.FixedLenByteArray {
			p.text = b[:n*l.width]
		} else {
			p.fixed32, p.fixed64 = plainFixed(p.fixed32, p.fixed64, b, n, l.width)
		}
	case p.encoding == format.DeltaBinaryPacked && numbers:
		k, err := runs.CheckDelta(b, n, 8*l.width)
		if err != nil {
			return corruptf("%w", err)
		}
		got := 0
		if l.width == 4 {
			p.fixed32, err = new(delta.BinaryPackedEncoding).DecodeInt32(p.fixed32, b[:k])
			got = len(p.fixed32)
		} else {
			p.fixed64, err = new(delta.BinaryPackedEncoding).DecodeInt64(p.fixed64, b[:k])
			got = len(p.fixed64)
		}
		if err != nil {
			return corruptf("%w", err)
		}
		if got != n {
			return short()
		}
	case p.encoding == format.DeltaLengthByteArray && l.phys == format.ByteArray:
		k, err := runs.CheckDelta(b, n, 32)
		if err != nil {
			return corruptf("lengths: %w", err)
		}
		if p.lens, err = new(delta.BinaryPackedEncoding).DecodeInt32(p.lens, b[:k]); err != nil {
			return corruptf("lengths: %w", err)
		}
		total := int64(0)
		for _, x := range p.lens {
			if x < 0 {
				return corruptf("a byte array of %d bytes", x)
			}
			total += int64(x)
		}
		if len(p.lens) != n || total > int64(len(b)-k) {
			return short()
		}
		p.text = b[k : int64(k)+total]
	default:
		return unsupportedf("encoding %s of %s", p.encoding, l.phys)
	}
	return nil
}

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
