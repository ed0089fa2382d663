package parquetfile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/meta"
)

const (
	magic     = "PAR1"
	createdBy = "datalake"
)

// Writer writes one Parquet file. Not safe for concurrent use. Without Close what was written is no Parquet file; a
// Writer that is given up needs no other call. After an error of Append or Close every further call returns that error.
type Writer struct {
	out     io.Writer
	buf     *bufio.Writer // before out, while a row group or the footer is written
	schema  *fileSchema
	opts    Options
	lim     limits
	columns []*column
	tops    [][]*column // the columns of each top-level field

	rows       int64 // in all
	groupRows  int   // in the current row group
	groupBytes int64 // of its values
	size       int64 // written to out
	checked    *arrow.Schema

	groups  []meta.Group
	indexes [][]pageIndex // per row group, per column
	err     error
}

type pageIndex struct {
	column format.ColumnIndex
	none   bool // a page has values but no bounds, so there is no column index
	offset format.OffsetIndex
}

// NewWriter begins a file of schema s on w: one column for each field, nullable unless the field says otherwise.
// Dictionary types count as their value type. The types are those of pkg/schema; others are ErrUnsupported.
// Options.Bloom must name columns that exist and are strings or binaries.
func NewWriter(w io.Writer, s *arrow.Schema, o Options) (*Writer, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("parquet options: %w", err)
	}
	o = o.withDefaults()
	fs, err := newFileSchema(s)
	if err != nil {
		return nil, err
	}
	x := &Writer{out: w, schema: fs, opts: o, lim: defaultLimits(o), tops: make([][]*column, len(fs.fields))}
	for _, l := range fs.leaves {
		withBloom := len(l.path) == 1 && slices.Contains(o.Bloom, l.path[0])
		if withBloom && (l.phys != format.ByteArray || l.maxRep > 0) {
			return nil, unsupportedf("a bloom filter on %s of type %s", l.path[0], l.chain[0].typ)
		}
		c := newColumn(l, &x.lim, o, withBloom)
		x.columns = append(x.columns, c)
		top := slices.Index(fs.fields, l.chain[0])
		x.tops[top] = append(x.tops[top], c)
	}
	for _, name := range o.Bloom {
		if !slices.ContainsFunc(fs.leaves, func(l *leaf) bool { return len(l.path) == 1 && l.path[0] == name }) {
			return nil, unsupportedf("a bloom filter on %s: no such column of strings", name)
		}
	}
	return x, nil
}

// Rows is how many rows were appended.
func (w *Writer) Rows() int64 { return w.rows }

// Size is how many bytes were written to the underlying writer so far. Row groups are written when they end, so it lags
// behind Rows; Size plus Buffered is about the file's size, a little above.
func (w *Writer) Size() int64 { return w.size }

// Buffered is about how many bytes of memory the Writer holds: encoded pages of the current row group, dictionaries,
// and the values of pages that are not full.
func (w *Writer) Buffered() int64 {
	n := int64(0)
	for _, c := range w.columns {
		n += c.memory()
	}
	return n
}

// Append adds the given rows of rec in that order; nil rows means all. The columns of rec are those of the Writer's
// schema, by position, and of its types; a column of strings may be a Dictionary<uint32, string>. rec is not retained.
// A value that does not fit its column, and a null in a required one, is ErrType.
func (w *Writer) Append(rec arrow.Record, rows []uint32) error {
	if w.err != nil {
		return w.err
	}
	s := getScratch()
	defer s.put()
	if w.err = w.append(s, rec, rows); w.err != nil {
		w.err = fmt.Errorf("append to parquet file: %w", w.err)
	}
	return w.err
}

func (w *Writer) append(s *scratch, rec arrow.Record, rows []uint32) error {
	if rec.Schema() != w.checked {
		if err := w.check(rec); err != nil {
			return err
		}
		w.checked = rec.Schema()
	}
	total := uint32(rec.NumRows())
	if rows == nil {
		rows = grow(s.rows, int(total))
		s.rows = rows
		for i := range rows {
			rows[i] = uint32(i)
		}
	} else {
		for _, r := range rows {
			if r >= total {
				return typef("row %d of a record of %d rows", r, total)
			}
		}
	}
	arrays := rec.Columns()
	for len(rows) > 0 {
		k := min(len(rows), w.lim.groupRows-w.groupRows)
		bytes := int64(0)
		for _, a := range arrays {
			bytes += rowBytes(a, rows[:k])
		}
		full := false
		if w.groupBytes+bytes > w.lim.groupBytes {
			k, bytes, full = w.cut(arrays, rows[:k])
		}
		for i, cols := range w.tops {
			for _, c := range cols {
				if err := c.append(s, arrays[i], rows[:k]); err != nil {
					return err
				}
			}
		}
		rows = rows[k:]
		w.rows += int64(k)
		w.groupRows += k
		w.groupBytes += bytes
		if full || w.groupRows == w.lim.groupRows {
			if err := w.endGroup(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut finds how many of the rows the current row group still takes: up to the row with which its values pass
// groupBytes, but one at least. full tells that it ends there.
func (w *Writer) cut(arrays []arrow.Array, rows []uint32) (k int, bytes int64, full bool) {
	for k < len(rows) {
		n := int64(0)
		for _, a := range arrays {
			n += rowBytes(a, rows[k:k+1])
		}
		if w.groupBytes+bytes+n > w.lim.groupBytes && w.groupRows+k > 0 {
			return k, bytes, true
		}
		bytes += n
		k++
	}
	return k, bytes, false
}

// check compares a record's columns with the Writer's.
func (w *Writer) check(rec arrow.Record) error {
	s := rec.Schema()
	if s.NumFields() != len(w.schema.fields) {
		return typef("a record of %d columns for a file of %d", s.NumFields(), len(w.schema.fields))
	}
	for i, n := range w.schema.fields {
		if t := s.Field(i).Type; s.Field(i).Name != n.name || !sameType(n, t) {
			return typef("column %d of the record is %s %s, the file's is %s %s", i, s.Field(i).Name, t, n.name, n.typ)
		}
	}
	return nil
}

func sameType(n *node, t arrow.DataType) bool {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return n.kind == leafNode && n.leaf.phys == format.ByteArray && d.IndexType.ID() == arrow.UINT32 && d.ValueType.ID() == n.typ.ID()
	}
	if n.typ.ID() != t.ID() {
		return false
	}
	switch t := t.(type) {
	case *arrow.StructType:
		if t.NumFields() != len(n.kids) {
			return false
		}
		for i, f := range t.Fields() {
			if f.Name != n.kids[i].name || !sameType(n.kids[i], f.Type) {
				return false
			}
		}
		return true
	case *arrow.MapType:
		return sameType(n.kids[0], t.KeyType()) && sameType(n.kids[1], t.ItemType())
	case *arrow.ListType:
		return sameType(n.kids[0], t.Elem())
	}
	return arrow.TypeEqual(n.typ, t)
}

// Close writes what is left and the footer. It does not close the underlying writer. A second Close returns ErrClosed.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	s := getScratch()
	defer s.put()
	if w.err = w.finish(s); w.err != nil {
		w.err = fmt.Errorf("close parquet file: %w", w.err)
		return w.err
	}
	w.err = ErrClosed
	for _, c := range w.columns {
		c.vals.release()
	}
	w.columns, w.tops, w.indexes, w.groups = nil, nil, nil, nil
	return nil
}

// begin makes ready to put bytes, through the scratch's buffer, until flush.
func (w *Writer) begin(s *scratch) error {
	if s.out == nil {
		s.out = bufio.NewWriterSize(nil, 256<<10)
	}
	w.buf = s.out
	w.buf.Reset(w.out)
	if w.size == 0 {
		return w.put([]byte(magic))
	}
	return nil
}

func (w *Writer) put(b []byte) error {
	n, err := w.buf.Write(b)
	w.size += int64(n)
	return err
}

func (w *Writer) flush() error {
	err := w.buf.Flush()
	w.buf.Reset(nil)
	w.buf = nil
	return err
}

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
	for i, c := range w.columns {
		if err := c.flush(s); err != nil {
			return err
		}
		filters[i] = c.filter()
		m, err := w.writeChunk(s, c, &idx[i])
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
	return w.flush()
}

// writeChunk writes a column's pages and makes it ready for the next row group.
func (w *Writer) writeChunk(s *scratch, c *column, idx *pageIndex) (meta.Column, error) {
	m := meta.Column{Type: c.leaf.phys, Path: c.leaf.path, Codec: format.Zstd}
	if w.opts.Compression == Snappy {
		m.Codec = format.Snappy
	}
	start := w.size
	body, n := c.vals.dictionary(s.body[:0])
	s.body = body
	if n > 0 {
		data, raw, err := s.page(body, len(body), c.codec, meta.PageHeader{
			Type:       format.DictionaryPage,
			Dictionary: thrift.New(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain}),
		})
		if err != nil {
			return m, err
		}
		m.DictionaryOffset = thrift.New(w.size)
		m.UncompressedSize += int64(raw)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
		if err := w.put(data); err != nil {
			return m, err
		}
	}
	m.DataPageOffset = w.size
	var b bounds
	row, nulls := int64(0), int64(0)
	for i := range c.pages {
		p := &c.pages[i]
		idx.offset.PageLocations = append(idx.offset.PageLocations, format.PageLocation{
			Offset: w.size, CompressedPageSize: int32(len(p.data)), FirstRowIndex: row,
		})
		idx.addPage(p)
		countPage(&m, p)
		b.add(c.leaf.order, p.bounds)
		row += int64(p.rows)
		nulls += int64(p.nulls)
		if err := w.put(p.data); err != nil {
			return m, err
		}
		p.data = nil
	}
	m.Encodings = encodings(m.EncodingStats)
	m.CompressedSize = w.size - start
	m.Statistics.NullCount = thrift.New(nulls)
	if b.ok() {
		m.Statistics.MinValue, m.Statistics.MaxValue = b.min, b.max
		m.Statistics.MinExact, m.Statistics.MaxExact = thrift.New(b.minExact), thrift.New(b.maxExact)
	}
	idx.column.BoundaryOrder = boundaryOrder(c.leaf.order, c.pages)
	c.vals.reset()
	c.pages, c.held, c.bloom = nil, 0, nil
	return m, nil
}

func (x *pageIndex) addPage(p *page) {
	empty := p.nulls == p.levels
	x.none = x.none || !empty && !p.bounds.ok()
	lo, hi := p.bounds.min, p.bounds.max
	if lo == nil {
		lo, hi = []byte{}, []byte{}
	}
	x.column.NullPages = append(x.column.NullPages, empty)
	x.column.NullCounts = append(x.column.NullCounts, int64(p.nulls))
	x.column.MinValues = append(x.column.MinValues, lo)
	x.column.MaxValues = append(x.column.MaxValues, hi)
}

// countPage adds a page to its chunk's sums.
func countPage(m *meta.Column, p *page) {
	m.NumValues += int64(p.levels)
	m.UncompressedSize += int64(p.raw)
	for i := range m.EncodingStats {
		if e := &m.EncodingStats[i]; e.PageType == format.DataPage && e.Encoding == p.encoding {
			e.Count++
			return
		}
	}
	m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: p.encoding, Count: 1})
}

// encodings lists what occurs in a chunk, in order of number. RLE is that of the levels.
func encodings(stats []format.PageEncodingStats) []format.Encoding {
	e := []format.Encoding{format.RLE}
	for _, s := range stats {
		e = append(e, s.Encoding)
	}
	slices.Sort(e)
	return slices.Compact(e)
}

func boundaryOrder(o order, pages []page) format.BoundaryOrder {
	up, down := true, true
	var last *bounds
	for i := range pages {
		b := &pages[i].bounds
		if !b.ok() {
			continue
		}
		if last != nil {
			lo, hi := o.compare(last.min, b.min), o.compare(last.max, b.max)
			up = up && lo <= 0 && hi <= 0
			down = down && lo >= 0 && hi >= 0
		}
		last = b
	}
	switch {
	case up:
		return format.Ascending
	case down:
		return format.Descending
	}
	return format.Unordered
}

// finish writes the last row group, the page index and the footer.
func (w *Writer) finish(s *scratch) error {
	if err := w.endGroup(s); err != nil {
		return err
	}
	if err := w.begin(s); err != nil {
		return err
	}
	for g := range w.groups {
		for i := range w.columns {
			idx := &w.indexes[g][i]
			if idx.none {
				continue
			}
			b, err := s.marshal.Marshal(&idx.column)
			if err != nil {
				return err
			}
			c := &w.groups[g].Columns[i]
			c.ColumnIndexOffset, c.ColumnIndexLength = thrift.New(w.size), thrift.New(int32(len(b)))
			if err := w.put(b); err != nil {
				return err
			}
		}
	}
	for g := range w.groups {
		for i := range w.columns {
			b, err := s.marshal.Marshal(&w.indexes[g][i].offset)
			if err != nil {
				return err
			}
			c := &w.groups[g].Columns[i]
			c.OffsetIndexOffset, c.OffsetIndexLength = thrift.New(w.size), thrift.New(int32(len(b)))
			if err := w.put(b); err != nil {
				return err
			}
		}
	}
	m := meta.File{Version: 2, Schema: w.schema.elements(), NumRows: w.rows, Groups: w.groups, CreatedBy: createdBy}
	for _, k := range slices.Sorted(maps.Keys(w.opts.Metadata)) {
		m.KeyValues = append(m.KeyValues, format.KeyValue{Key: k, Value: w.opts.Metadata[k]})
	}
	for range w.columns {
		m.ColumnOrders = append(m.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	b, err := s.marshal.Marshal(&m)
	if err != nil {
		return err
	}
	if err := w.put(b); err != nil {
		return err
	}
	if err := w.put(append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), magic...)); err != nil {
		return err
	}
	return w.flush()
}
