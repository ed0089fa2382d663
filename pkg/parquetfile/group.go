package parquetfile

import (
	"slices"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/encode"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
	"datalake/pkg/parquetfile/internal/stats"
)

// endGroup writes the current row group.
func (w *Writer) endGroup(s *scratch) error {
	if w.groupRows == 0 {
		return nil
	}
	if err := w.begin(s); err != nil {
		return err
	}
	g := meta.Group{
		NumRows: int64(w.groupRows), FileOffset: w.size, Ordinal: int16(min(len(w.groups), 1<<15-1)),
		Columns: make([]meta.Chunk, len(w.columns)),
	}
	filters := s.filters[:0]
	for i := range w.columns {
		ch, err := w.columns[i].Finish(&s.Scratch)
		if err != nil {
			return err
		}
		if w.plan.bloom[i] {
			filters = append(filters, chunkFilter{i, ch.Filter})
		}
		c := &g.Columns[i]
		if err := w.writeChunk(s, w.plan.schema.Leaves[i], ch, c); err != nil {
			return err
		}
		g.TotalBytes += c.Meta.UncompressedSize
		g.CompressedSize += c.Meta.CompressedSize
	}
	s.filters = filters
	for _, f := range filters {
		s.bytes = meta.AppendBloomHeader(s.bytes[:0], len(f.bytes))
		m := &g.Columns[f.column].Meta
		m.BloomFilterOffset = thrift.New(w.size)
		m.BloomFilterLength = thrift.New(int32(len(s.bytes) + len(f.bytes)))
		if err := w.put(s.bytes); err != nil {
			return err
		}
		if err := w.put(f.bytes); err != nil {
			return err
		}
	}
	clear(filters)
	w.groups = append(w.groups, g)
	w.groupRows, w.groupBytes = 0, 0
	w.held.Free()
	return w.flush()
}

// chunkFilter is a column's bloom filter, which follows the chunks.
type chunkFilter struct {
	column int
	bytes  []byte
}

// writeChunk writes a column's pages, and describes them. The page index is kept for the file's end.
func (w *Writer) writeChunk(s *scratch, l *shape.Leaf, ch encode.Chunk, c *meta.Chunk) error {
	m := &c.Meta
	m.Type, m.Path, m.Codec = l.Phys, l.Path, format.Zstd
	if w.plan.opts.Compression == Snappy {
		m.Codec = format.Snappy
	}
	start := w.size
	counts := len(w.counts)
	if d := &ch.Dictionary; d.Size > 0 {
		m.DictionaryOffset = thrift.New(w.size)
		m.UncompressedSize += int64(d.Raw)
		w.counts = append(w.counts, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: d.Encoding, Count: 1})
		if err := w.putPage(s, d); err != nil {
			return err
		}
	}
	m.DataPageOffset = w.size
	var b stats.Bounds
	row, nulls := int64(0), int64(0)
	locations := s.locations[:0]
	indexed := true
	for i := range ch.Pages {
		p := &ch.Pages[i]
		locations = append(locations, format.PageLocation{Offset: w.size, CompressedPageSize: int32(p.Size), FirstRowIndex: row})
		indexed = indexed && (p.Empty() || p.Bounds.OK())
		m.NumValues += int64(p.Levels)
		m.UncompressedSize += int64(p.Raw)
		w.countPage(counts, p.Encoding)
		b.Add(l.Order, p.Bounds)
		row += int64(p.Rows)
		nulls += int64(p.Nulls)
		if err := w.putPage(s, p); err != nil {
			return err
		}
	}
	s.locations = locations
	m.EncodingStats = w.counts[counts:len(w.counts):len(w.counts)]
	m.Encodings = w.encodingsOf(m.EncodingStats)
	m.CompressedSize = w.size - start
	m.Statistics.NullCount = thrift.New(nulls)
	if b.OK() {
		kept := w.kept.Join(b.Min, b.Max)
		m.Statistics.MinValue, m.Statistics.MaxValue = kept[:len(b.Min):len(b.Min)], kept[len(b.Min):]
		m.Statistics.MinExact, m.Statistics.MaxExact = thrift.New(b.MinExact), thrift.New(b.MaxExact)
	}
	if indexed {
		n := len(w.columnIndex)
		w.columnIndex = appendColumnIndex(w.columnIndex, l.Order, ch.Pages)
		c.ColumnIndexLength = thrift.New(int32(len(w.columnIndex) - n))
	}
	n := len(w.offsetIndex)
	w.offsetIndex = meta.AppendOffsetIndex(w.offsetIndex, locations)
	c.OffsetIndexLength = thrift.New(int32(len(w.offsetIndex) - n))
	return nil
}

func (w *Writer) putPage(s *scratch, p *encode.Page) error {
	b, err := w.held.Bytes(&s.Scratch, p)
	if err != nil {
		return err
	}
	return w.put(b)
}

// countPage counts a page of an encoding among the chunk's counts, which begin at first.
func (w *Writer) countPage(first int, e format.Encoding) {
	for i := first; i < len(w.counts); i++ {
		if c := &w.counts[i]; c.PageType == format.DataPage && c.Encoding == e {
			c.Count++
			return
		}
	}
	w.counts = append(w.counts, format.PageEncodingStats{PageType: format.DataPage, Encoding: e, Count: 1})
}

// encodingsOf lists what occurs in a chunk, in order of number. RLE is that of the levels.
func (w *Writer) encodingsOf(pages []format.PageEncodingStats) []format.Encoding {
	n := len(w.encodings)
	w.encodings = append(w.encodings, format.RLE)
	for _, s := range pages {
		w.encodings = append(w.encodings, s.Encoding)
	}
	slices.Sort(w.encodings[n:])
	w.encodings = w.encodings[:n+len(slices.Compact(w.encodings[n:]))]
	return w.encodings[n:len(w.encodings):len(w.encodings)]
}
