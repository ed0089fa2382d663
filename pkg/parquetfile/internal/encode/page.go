package encode

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/pool"
	"datalake/pkg/parquetfile/internal/shape"
	"datalake/pkg/parquetfile/internal/stats"
)

// Page is a finished page.
type Page struct {
	Size     int // of header and compressed body, which are held
	Raw      int // size before compression, with the header
	Rows     int
	Levels   int
	Nulls    int
	Encoding format.Encoding
	Bounds   stats.Bounds // held too

	data []byte // nil: spooled
	at   int64
}

// Empty tells that the page has no value but nulls.
func (p *Page) Empty() bool { return p.Nulls == p.Levels }

// flush ends the page.
func (c *Column) flush(s *Scratch) error {
	if c.rows == 0 {
		return nil
	}
	if c.levels > c.lim.MaxValues {
		return fault.Unsupportedf("column %s: a row of %d values", c.leaf, c.levels)
	}
	body := s.body[:0]
	if c.leaf.MaxRep > 0 {
		body = c.appendLevels(s, body, c.reps, c.leaf.MaxRep)
	}
	if c.leaf.MaxDef > 0 {
		body = c.appendLevels(s, body, c.defs, c.leaf.MaxDef)
	}
	p := c.vals.encode(s, body)
	s.body = p.body
	page := Page{Rows: c.rows, Levels: c.levels, Nulls: c.nulls, Encoding: p.encoding, Bounds: c.held.bounds(p.bounds)}
	if err := c.page(s, &page, p, meta.PageHeader{
		Type: format.DataPage,
		Data: thrift.New(meta.DataPageHeader{NumValues: int32(c.levels), Encoding: p.encoding, DefEncoding: format.RLE, RepEncoding: format.RLE}),
	}); err != nil {
		return err
	}
	c.pages = append(c.pages, page)
	c.rows, c.levels, c.nulls = 0, 0, 0
	c.defs, c.reps = emptied(&pool.Bytes, c.defs, c.lim), emptied(&pool.Bytes, c.reps, c.lim)
	return nil
}

// appendLevels writes levels as data page v1 has them: a length of four bytes, then runs. No levels mean that all are
// the highest.
func (c *Column) appendLevels(s *Scratch, body []byte, levels []uint8, top uint8) []byte {
	w := shape.LevelBits(top)
	if len(levels) == 0 {
		s.codes = append(binary.AppendUvarint(s.codes[:0], uint64(c.levels)<<1), top)
	} else {
		s.codes, _ = (&rle.Encoding{BitWidth: w}).EncodeLevels(s.codes, levels)
	}
	body = binary.LittleEndian.AppendUint32(body, uint32(len(s.codes)))
	return append(body, s.codes...)
}

// page compresses a body, puts the header before it, and holds both for the page.
func (c *Column) page(s *Scratch, page *Page, p encodedPage, h meta.PageHeader) error {
	body := p.body
	if len(body) > c.lim.MaxBytes { // by one value or one row: else a page ends long before
		return fault.Unsupportedf("column %s: a page of %d bytes", c.leaf, len(body))
	}
	var comp []byte
	var err error
	switch {
	case c.snappy:
		comp = s.coder.Snappy(body)
	case p.entropy:
		comp = s.coder.Entropy(body, p.split)
	default:
		if comp, err = s.coder.Zstd(body, p.split); err != nil {
			return err
		}
	}
	h.Uncompressed, h.Compressed = int32(len(body)), int32(len(comp))
	h.CRC = thrift.New(int32(crc32.ChecksumIEEE(comp)))
	s.head = h.Append(s.head[:0])
	page.Raw = len(s.head) + len(body)
	return c.held.hold(s, page, s.head, comp)
}
