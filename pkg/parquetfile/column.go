package parquetfile

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/meta"
)

// column is one column of the file that is written: the page that fills, and the finished pages of the current row group.
type column struct {
	leaf  *leaf
	vals  values
	lim   *limits
	codec string

	rows   int     // of the page
	levels int     // of the page: values, nulls and empty lists
	nulls  int     // levels without a value
	defs   []uint8 // none while every level is the highest
	reps   []uint8 // none where the column does not repeat

	pages []page
	held  int64    // bytes of pages
	bloom []uint64 // hashes of values outside the dictionary; nil without a filter
}

// page is a finished page.
type page struct {
	data     []byte // header and compressed body
	raw      int    // size before compression, with the header
	rows     int
	levels   int
	nulls    int
	encoding format.Encoding
	bounds   bounds
}

func newColumn(l *leaf, lim *limits, o Options, withBloom bool) *column {
	c := &column{leaf: l, lim: lim, codec: o.Compression}
	compact := o.Encoding == Compact
	switch l.phys {
	case format.Boolean:
		c.vals = new(booleans)
	case format.Int32, format.Float:
		c.vals = newFixed[int32](l, lim, compact)
	case format.Int64, format.Double:
		c.vals = newFixed[int64](l, lim, compact)
	default:
		c.vals = newByteStrings(l, lim, compact, withBloom)
	}
	return c
}

// append takes the given rows of a top-level array.
func (c *column) append(s *scratch, arr arrow.Array, rows []uint32) error {
	if c.leaf.maxRep > 0 {
		return c.appendRepeated(s, arr, rows)
	}
	present, defs, leafArr, err := s.flatten(c.leaf, arr, rows)
	if err != nil {
		return err
	}
	if err := c.vals.bind(leafArr); err != nil {
		return err
	}
	defer c.vals.unbind()
	top := c.leaf.maxDef
	for n := len(rows); n > 0; {
		k := min(n, c.lim.pageRows-c.rows)
		p := present[:min(k, len(present))]
		if defs != nil {
			have := 0
			for _, d := range defs[:k] {
				if d == top {
					have++
				}
			}
			p = present[:have]
		}
		took, err := c.vals.append(s, p, false)
		if err != nil {
			return err
		}
		full := c.vals.full()
		if full && defs == nil {
			k = took
		} else if full {
			// The page ends with the row of the last value taken, wherever the rows of this call end.
			k = 0
			for left := took; left > 0; k++ {
				if defs[k] == top {
					left--
				}
			}
		}
		if defs == nil {
			c.pushFull(k)
		} else {
			c.push(defs[:k], k-took)
			defs = defs[k:]
		}
		present = present[took:]
		n -= k
		c.rows += k
		if full || c.rows == c.lim.pageRows {
			if err := c.flush(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// pushFull adds n levels that all have a value.
func (c *column) pushFull(n int) {
	if len(c.defs) > 0 {
		for range n {
			c.defs = append(c.defs, c.leaf.maxDef)
		}
	}
	c.levels += n
}

// push adds levels of which so many have no value.
func (c *column) push(defs []uint8, nulls int) {
	if nulls == 0 {
		c.pushFull(len(defs))
		return
	}
	if len(c.defs) == 0 {
		for range c.levels {
			c.defs = append(c.defs, c.leaf.maxDef)
		}
	}
	c.defs = append(c.defs, defs...)
	c.levels += len(defs)
	c.nulls += nulls
}

// flatten finds, for a column that does not repeat, the rows that have a value and each row's definition level; nil
// levels mean that all have one. What it returns is valid until the next call.
func (s *scratch) flatten(l *leaf, arr arrow.Array, rows []uint32) (present []uint32, defs []uint8, _ arrow.Array, _ error) {
	for i, n := range l.chain {
		if valid, ok := validity(arr); !ok {
			if defs == nil {
				defs = grow(s.defs, len(rows))
				s.defs = defs
				for k := range defs {
					defs[k] = l.maxDef
				}
			}
			missing := 0
			for k, r := range rows {
				if defs[k] == l.maxDef && !valid(int(r)) {
					defs[k] = n.def - 1
					missing++
				}
			}
			if missing > 0 && !n.optional {
				return nil, nil, nil, typef("a null in the required column %s", dotted(l.path))
			}
		}
		if i+1 < len(l.chain) {
			arr = arr.(structArray).Field(childIndex(n, l.chain[i+1]))
		}
	}
	if defs == nil {
		return rows, nil, arr, nil
	}
	present = grow(s.present, len(rows))
	s.present = present
	k := 0
	for i, r := range rows {
		present[k] = r // kept only if the row has a value
		if defs[i] == l.maxDef {
			k++
		}
	}
	return present[:k], defs, arr, nil
}

type structArray interface{ Field(int) arrow.Array }

func childIndex(n, kid *node) int {
	for i, k := range n.kids {
		if k == kid {
			return i
		}
	}
	return -1
}

func grow[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, n+n/4)
	}
	return b[:n]
}

// flush ends the page.
func (c *column) flush(s *scratch) error {
	if c.rows == 0 {
		return nil
	}
	body := s.body[:0]
	if c.leaf.maxRep > 0 {
		body = c.appendLevels(s, body, c.reps, c.leaf.maxRep)
	}
	if c.leaf.maxDef > 0 {
		body = c.appendLevels(s, body, c.defs, c.leaf.maxDef)
	}
	p := c.vals.encode(s, body)
	s.body = p.body
	data, raw, err := s.page(p.body, p.split, c.codec, meta.PageHeader{
		Type: format.DataPage,
		Data: thrift.New(meta.DataPageHeader{NumValues: int32(c.levels), Encoding: p.encoding, DefEncoding: format.RLE, RepEncoding: format.RLE}),
	})
	if err != nil {
		return err
	}
	c.pages = append(c.pages, page{
		data: data, raw: raw, rows: c.rows, levels: c.levels, nulls: c.nulls, encoding: p.encoding, bounds: p.bounds,
	})
	c.bloom = append(c.bloom, p.hashes...)
	c.held += int64(len(data))
	c.rows, c.levels, c.nulls, c.defs, c.reps = 0, 0, 0, c.defs[:0], c.reps[:0]
	return nil
}

// appendLevels writes levels as data page v1 has them: a length of four bytes, then runs. No levels mean that all are
// the highest.
func (c *column) appendLevels(s *scratch, body []byte, levels []uint8, top uint8) []byte {
	w := levelBits(top)
	if len(levels) == 0 {
		s.codes = append(binary.AppendUvarint(s.codes[:0], uint64(c.levels)<<1), top)
	} else {
		s.codes, _ = (&rle.Encoding{BitWidth: w}).EncodeLevels(s.codes, levels)
	}
	body = binary.LittleEndian.AppendUint32(body, uint32(len(s.codes)))
	return append(body, s.codes...)
}

// page compresses a body and puts the header before it. The result is the caller's.
func (s *scratch) page(body []byte, split int, compression string, h meta.PageHeader) (data []byte, raw int, err error) {
	var comp []byte
	if compression == Snappy {
		comp = s.coder.Snappy(body)
	} else if comp, err = s.coder.Zstd(body, split); err != nil {
		return nil, 0, err
	}
	if len(body) > math.MaxInt32 || len(comp) > math.MaxInt32 {
		return nil, 0, unsupportedf("a page of %d bytes", len(body))
	}
	h.Uncompressed, h.Compressed = int32(len(body)), int32(len(comp))
	h.CRC = thrift.New(int32(crc32.ChecksumIEEE(comp)))
	head, err := s.marshal.Marshal(&h)
	if err != nil {
		return nil, 0, err
	}
	data = make([]byte, len(head)+len(comp))
	copy(data[copy(data, head):], comp)
	return data, len(head) + len(body), nil
}

// memory is about how many bytes the column holds.
func (c *column) memory() int64 {
	return c.held + int64(c.vals.memory()+cap(c.defs)+cap(c.reps)+8*cap(c.bloom))
}

// validity returns a function that tells whether a value of arr is there, and true if all are.
func validity(arr arrow.Array) (valid func(int) bool, all bool) {
	d, coded := arr.(dictionaryArray)
	if coded && d.Dictionary().NullN() > 0 {
		return func(i int) bool { return arr.IsValid(i) && d.Dictionary().IsValid(d.GetValueIndex(i)) }, false
	}
	if arr.NullN() == 0 {
		return nil, true
	}
	bits, off := arr.NullBitmapBytes(), arr.Data().Offset()
	if len(bits) == 0 { // an array of the null type has no bitmap
		return arr.IsValid, false
	}
	return func(i int) bool { return bitutil.BitIsSet(bits, off+i) }, false
}

type dictionaryArray interface {
	Dictionary() arrow.Array
	GetValueIndex(int) int
}
