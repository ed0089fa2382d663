// Package encode turns columns of Arrow records into pages: it tells which rows have a value and with which levels, codes
// the values by a dictionary while that pays, finds their bounds, and compresses.
//
// One Column is a column of the file; what only the encoding of one page needs is in a Scratch, which goes from column to
// column. Neither is safe for concurrent use.
package encode

import (
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/pool"
	"datalake/pkg/parquetfile/internal/shape"
)

// Limits are what the format leaves to the writer.
type Limits struct {
	GroupRows  int // rows of a row group
	PageRows   int // rows of a page
	PageLevels int // values and nulls of a page, where a row has many; a page ends with the row that reaches it
	PageBytes  int // bytes of a page's values, or of a dictionary; a page ends with the row that reaches it
	DictValues int // values of a dictionary
	Sample     int // values of a chunk after which hopeless judges
	MaxValues  int // most values and nulls of a page: one row may reach it, and is refused
	MaxBytes   int // most bytes of a page before compression, which is refused
}

// Options say how a column is encoded.
type Options struct {
	Compact bool // with DELTA_BINARY_PACKED and DELTA_LENGTH_BYTE_ARRAY
	Snappy  bool // instead of zstd
	Bloom   bool // a bloom filter of the values is wanted
}

// Column is one column of the file that is written: the page that fills, and the finished pages of the current chunk.
type Column struct {
	leaf   *shape.Leaf
	vals   values
	lim    *Limits
	snappy bool

	rows   int     // of the page
	levels int     // of the page: values, nulls and empty lists
	nulls  int     // levels without a value
	defs   []uint8 // none while every level is the highest
	reps   []uint8 // none where the column does not repeat

	pages []Page
	held  *Held // has the pages' data
}

// Init makes c the column of l, empty. The limits are looked at anew for each page. Finished pages are kept in held.
func (c *Column) Init(l *shape.Leaf, lim *Limits, held *Held, o Options) {
	*c = Column{leaf: l, lim: lim, held: held, snappy: o.Snappy}
	switch l.Phys {
	case format.Boolean:
		c.vals = &booleans{lim: lim}
	case format.Int32, format.Float:
		c.vals = newFixed[int32](l, lim, o)
	case format.Int64, format.Double:
		c.vals = newFixed[int64](l, lim, o)
	default:
		c.vals = newByteStrings(l, lim, o.Compact, o.Bloom)
	}
}

// Append takes the given rows of src. A value that does not fit, and a null in a required field, is fault.ErrType; then the
// column is of no more use.
func (c *Column) Append(s *Scratch, src *Source, rows []uint32) error {
	if c.leaf.MaxRep > 0 {
		return c.appendRepeated(s, src, rows)
	}
	present, defs, err := s.flatten(src, rows)
	if err != nil {
		return err
	}
	top := c.leaf.MaxDef
	for n := len(rows); n > 0; {
		k := min(n, c.lim.PageRows-c.rows)
		p := present[:min(k, len(present))]
		if defs != nil && k < n {
			have := 0
			for _, d := range defs[:k] {
				if d == top {
					have++
				}
			}
			p = present[:have]
		}
		took, err := c.vals.append(s, src, p, false)
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
		if full || c.rows == c.lim.PageRows {
			if err := c.flush(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// pushFull adds n levels that all have a value.
func (c *Column) pushFull(n int) {
	if len(c.defs) > 0 {
		c.addLevels(n)
	}
	c.levels += n
}

// addLevels adds n of the highest levels.
func (c *Column) addLevels(n int) {
	k := len(c.defs)
	c.defs = pool.Bytes.Grow(c.defs, n)[:k+n]
	for i := range c.defs[k:] {
		c.defs[k+i] = c.leaf.MaxDef
	}
}

// push adds levels of which so many have no value.
func (c *Column) push(defs []uint8, nulls int) {
	if nulls == 0 {
		c.pushFull(len(defs))
		return
	}
	if len(c.defs) == 0 {
		c.addLevels(c.levels)
	}
	c.defs = append(pool.Bytes.Grow(c.defs, len(defs)), defs...)
	c.levels += len(defs)
	c.nulls += nulls
}

// Chunk is a column of one row group, encoded.
type Chunk struct {
	Dictionary Page // Levels are its values; of no Size: there is none
	Pages      []Page
	Filter     []byte // the bloom filter of all values, where Options.Bloom wants it
}

// Finish ends the chunk and makes ready for the next. The chunk is valid until then, and as long as what is held.
func (c *Column) Finish(s *Scratch) (Chunk, error) {
	if err := c.flush(s); err != nil {
		return Chunk{}, err
	}
	ch := Chunk{Pages: c.pages}
	if b, ok := c.vals.(*byteStrings); ok && b.bloom {
		ch.Filter = c.held.keep(b.finishFilter())
	}
	body, n := c.vals.dictionary(s.body[:0])
	s.body = body
	if n > 0 {
		ch.Dictionary = Page{Levels: n, Encoding: format.Plain}
		err := c.page(s, &ch.Dictionary, encodedPage{body: body, split: len(body)}, meta.PageHeader{
			Type:       format.DictionaryPage,
			Dictionary: thrift.New(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain}),
		})
		if err != nil {
			return Chunk{}, err
		}
	}
	c.vals.reset()
	c.pages = c.pages[:0]
	return ch, nil
}

// Memory is about how many bytes the column holds beside its finished pages.
func (c *Column) Memory() int { return c.vals.memory() + cap(c.defs) + cap(c.reps) }

// Release gives the column's memory to others. Nothing may follow it.
func (c *Column) Release() {
	c.vals.release()
	pool.Bytes.Put(c.defs)
	pool.Bytes.Put(c.reps)
	c.defs, c.reps = nil, nil
}
