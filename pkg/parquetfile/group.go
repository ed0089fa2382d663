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
	g := meta.Group{NumRows: int64(w.groupRows), FileOffset: w.size, Ordinal: int16(min(len(w.groups), 1<<15-1))}
	idx := make([]pageIndex, len(w.columns))
	filters := make([][]byte, len(w.columns))
	for i := range w.columns {
		ch, err := w.columns[i].Finish(&s.Scratch)
		if err != nil {
			return err
		}
		if w.plan.bloom[i] {
			s.filter = buildFilter(s.filter, ch.Hashes)
			filters[i] = w.held.Join(s.filter.Bytes(), nil)
		}
		m, err := w.writeChunk(w.plan.schema.Leaves[i], ch, &idx[i])
		if err != nil {
			return err
		}
		g.TotalBytes += m.UncompressedSize
		g.CompressedSize += m.CompressedSize
		g.Columns = append(g.Columns, meta.Chunk{Meta: m})
	}
	for i, f := range filters {
		if f == nil {
			continue
		}
		head, err := s.marshal.Marshal(&format.BloomFilterHeader{
			NumBytes:    int32(len(f)),
			Algorithm:   format.BloomFilterAlgorithm{Value: &format.SplitBlockAlgorithm{}},
			Hash:        format.BloomFilterHash{Value: &format.XxHash{}},
			Compression: format.BloomFilterCompression{Value: &format.BloomFilterUncompressed{}},
		})
		if err != nil {
			return err
		}
		g.Columns[i].Meta.BloomFilterOffset = thrift.New(w.size)
		g.Columns[i].Meta.BloomFilterLength = thrift.New(int32(len(head) + len(f)))
		if err := w.put(head); err != nil {
			return err
		}
		if err := w.put(f); err != nil {
			return err
		}
	}
	w.groups = append(w.groups, g)
	w.indexes = append(w.indexes, idx)
	w.groupRows, w.groupBytes = 0, 0
	w.held.Free()
	return w.flush()
}

// writeChunk writes a column's pages, and describes them.
func (w *Writer) writeChunk(l *shape.Leaf, ch encode.Chunk, idx *pageIndex) (meta.Column, error) {
	m := meta.Column{Type: l.Phys, Path: l.Path, Codec: format.Zstd}
	if w.plan.opts.Compression == Snappy {
		m.Codec = format.Snappy
	}
	start := w.size
	if d := &ch.Dictionary; d.Data != nil {
		m.DictionaryOffset = thrift.New(w.size)
		m.UncompressedSize += int64(d.Raw)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: d.Encoding, Count: 1})
		if err := w.put(d.Data); err != nil {
			return m, err
		}
	}
	m.DataPageOffset = w.size
	var b stats.Bounds
	row, nulls := int64(0), int64(0)
	for i := range ch.Pages {
		p := &ch.Pages[i]
		idx.offset.PageLocations = append(idx.offset.PageLocations, format.PageLocation{
			Offset: w.size, CompressedPageSize: int32(len(p.Data)), FirstRowIndex: row,
		})
		idx.addPage(p)
		countPage(&m, p)
		b.Add(l.Order, p.Bounds)
		row += int64(p.Rows)
		nulls += int64(p.Nulls)
		if err := w.put(p.Data); err != nil {
			return m, err
		}
	}
	m.Encodings = encodings(m.EncodingStats)
	m.CompressedSize = w.size - start
	m.Statistics.NullCount = thrift.New(nulls)
	if b.OK() {
		m.Statistics.MinValue, m.Statistics.MaxValue = b.Min, b.Max
		m.Statistics.MinExact, m.Statistics.MaxExact = thrift.New(b.MinExact), thrift.New(b.MaxExact)
	}
	idx.column.BoundaryOrder = boundaryOrder(l.Order, ch.Pages)
	return m, nil
}

// countPage adds a page to its chunk's sums.
func countPage(m *meta.Column, p *encode.Page) {
	m.NumValues += int64(p.Levels)
	m.UncompressedSize += int64(p.Raw)
	for i := range m.EncodingStats {
		if e := &m.EncodingStats[i]; e.PageType == format.DataPage && e.Encoding == p.Encoding {
			e.Count++
			return
		}
	}
	m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: p.Encoding, Count: 1})
}

// encodings lists what occurs in a chunk, in order of number. RLE is that of the levels.
func encodings(pages []format.PageEncodingStats) []format.Encoding {
	e := []format.Encoding{format.RLE}
	for _, s := range pages {
		e = append(e, s.Encoding)
	}
	slices.Sort(e)
	return slices.Compact(e)
}
