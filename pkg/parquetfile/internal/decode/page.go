package decode

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/runs"
	"datalake/pkg/parquetfile/internal/shape"
)

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

// decode makes c.page of the body.
func (c *Chunk) decode(h *meta.DataPageHeader) error {
	p := &c.page
	p.encoding, p.levels = h.Encoding, int(h.NumValues)
	p.level, p.value, p.textAt, p.nulls = 0, 0, 0, 0
	p.defs, p.reps = p.defs[:0], p.reps[:0]
	b := c.body
	var err error
	if c.leaf.MaxRep > 0 {
		if p.reps, b, err = readLevels(p.reps, b, c.leaf.MaxRep, p.levels, h.RepEncoding); err != nil {
			return fault.Corruptf("repetition levels: %w", err)
		}
	}
	if c.leaf.MaxDef > 0 {
		if p.defs, b, err = readLevels(p.defs, b, c.leaf.MaxDef, p.levels, h.DefEncoding); err != nil {
			return fault.Corruptf("definition levels: %w", err)
		}
		for _, d := range p.defs {
			if d != c.leaf.MaxDef {
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
		return nil, nil, fault.Unsupportedf("levels in encoding %s", enc)
	}
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	k := int(binary.LittleEndian.Uint32(b))
	dst, err := runs.Decode(dst, b[4:4+k], shape.LevelBits(top), n)
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
func (c *Chunk) values(b []byte) error {
	p, l, n := &c.page, c.leaf, c.page.present
	short := func() error { return fault.Corruptf("%d values in %d bytes of %s", n, len(b), p.encoding) }
	if n == 0 {
		p.codes, p.fixed32, p.fixed64, p.lens = p.codes[:0], p.fixed32[:0], p.fixed64[:0], p.lens[:0]
		return nil
	}
	numbers := l.Phys == format.Int32 || l.Phys == format.Int64
	switch {
	case p.encoding == format.RLEDictionary || p.encoding == plainDictionary:
		if c.dict == nil {
			return fault.Corruptf("coded values without a dictionary")
		}
		if len(b) < 1 || b[0] > 32 {
			return short()
		}
		var err error
		if p.codes, err = runs.Decode(p.codes[:0], b[1:], int(b[0]), n); err != nil {
			return fault.Corruptf("codes: %w", err)
		}
		for _, code := range p.codes {
			if uint32(code) >= uint32(c.dict.n) {
				return fault.Corruptf("code %d in a dictionary of %d", uint32(code), c.dict.n)
			}
		}
		p.encoding = format.RLEDictionary
	case p.encoding == format.Plain && l.Phys == format.Boolean:
		if len(b) < (n+7)/8 {
			return short()
		}
		p.bits = b
	case p.encoding == format.Plain && l.Phys == format.ByteArray:
		var err error
		p.lens, p.store, err = plainText(p.lens, p.store, b, n)
		p.text = p.store
		return err
	case p.encoding == format.Plain:
		if len(b)/l.Width < n {
			return short()
		}
		if l.Phys == format.FixedLenByteArray {
			p.text = b[:n*l.Width]
		} else {
			p.fixed32, p.fixed64 = plainFixed(p.fixed32, p.fixed64, b, n, l.Width)
		}
	case p.encoding == format.DeltaBinaryPacked && numbers:
		k, err := runs.CheckDelta(b, n, 8*l.Width)
		if err != nil {
			return fault.Corruptf("%w", err)
		}
		got := 0
		if l.Width == 4 {
			p.fixed32, err = new(delta.BinaryPackedEncoding).DecodeInt32(p.fixed32, b[:k])
			got = len(p.fixed32)
		} else {
			p.fixed64, err = new(delta.BinaryPackedEncoding).DecodeInt64(p.fixed64, b[:k])
			got = len(p.fixed64)
		}
		if err != nil {
			return fault.Corruptf("%w", err)
		}
		if got != n {
			return short()
		}
	case p.encoding == format.DeltaLengthByteArray && l.Phys == format.ByteArray:
		k, err := runs.CheckDelta(b, n, 32)
		if err != nil {
			return fault.Corruptf("lengths: %w", err)
		}
		if p.lens, err = new(delta.BinaryPackedEncoding).DecodeInt32(p.lens, b[:k]); err != nil {
			return fault.Corruptf("lengths: %w", err)
		}
		total := int64(0)
		for _, x := range p.lens {
			if x < 0 {
				return fault.Corruptf("a byte array of %d bytes", x)
			}
			total += int64(x)
		}
		if len(p.lens) != n || total > int64(len(b)-k) {
			return short()
		}
		p.text = b[k : int64(k)+total]
	default:
		return fault.Unsupportedf("encoding %s of %s", p.encoding, l.Phys)
	}
	return nil
}

// plainFixed decodes PLAIN numbers; the caller has checked the length.
func plainFixed(d32 []int32, d64 []int64, b []byte, n, width int) ([]int32, []int64) {
	if width == 4 {
		d32 = slices.Grow(d32[:0], n)[:n]
		for i := range d32 {
			d32[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return d32, d64
	}
	d64 = slices.Grow(d64[:0], n)[:n]
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
			return nil, nil, fault.Corruptf("byte arrays: %w", io.ErrUnexpectedEOF)
		}
		k := binary.LittleEndian.Uint32(b)
		if b = b[4:]; uint64(k) > uint64(len(b)) || k > math.MaxInt32 {
			return nil, nil, fault.Corruptf("a byte array of %d bytes: %w", k, io.ErrUnexpectedEOF)
		}
		lens = append(lens, int32(k))
		text = append(text, b[:k]...)
		b = b[k:]
	}
	return lens, text, nil
}
