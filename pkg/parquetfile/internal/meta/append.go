package meta

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Headers, indexes and footers are appended by hand: a file of ten rows and twelve columns has some sixty structs, which an
// encoder that looks at types and tags needs 25 µs for, and this 3. What is appended is, byte for byte, what Marshal gives.

// The types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftBinary = 8
	thriftList   = 9
	thriftStruct = 12
)

// fields appends the fields of one struct.
type fields struct {
	b    []byte
	last int
}

func (f *fields) head(id, typ int) {
	f.b = append(f.b, byte(id-f.last)<<4|byte(typ)) // no struct has a gap of 16
	f.last = id
}

func (f *fields) int(id, typ int, v int64) {
	f.head(id, typ)
	f.b = binary.AppendVarint(f.b, v)
}

func (f *fields) bool(id int, v bool) {
	if v {
		f.head(id, thriftTrue)
	} else {
		f.head(id, thriftFalse)
	}
}

func (f *fields) bytes(id int, v []byte) {
	f.head(id, thriftBinary)
	f.b = appendBytes(f.b, v)
}

// list begins a list of n entries; they follow.
func (f *fields) list(id, typ, n int) {
	f.head(id, thriftList)
	if n < 15 {
		f.b = append(f.b, byte(n)<<4|byte(typ))
		return
	}
	f.b = binary.AppendUvarint(append(f.b, 0xf0|byte(typ)), uint64(n))
}

// begin begins a field that is a struct of its own; end ends a struct.
func (f *fields) begin(id int) fields {
	f.head(id, thriftStruct)
	return fields{b: f.b}
}

func (f *fields) end() []byte { return append(f.b, 0) }

func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func optional[T int32 | int64](f *fields, id, typ int, v thrift.Null[T]) {
	if v.Valid {
		f.int(id, typ, int64(v.V))
	}
}

// Append appends the header's bytes.
func (h *PageHeader) Append(b []byte) []byte {
	f := fields{b: b}
	f.int(1, thriftI32, int64(h.Type))
	f.int(2, thriftI32, int64(h.Uncompressed))
	f.int(3, thriftI32, int64(h.Compressed))
	optional(&f, 4, thriftI32, h.CRC)
	if d := &h.Data.V; h.Data.Valid {
		x := f.begin(5)
		x.int(1, thriftI32, int64(d.NumValues))
		x.int(2, thriftI32, int64(d.Encoding))
		x.int(3, thriftI32, int64(d.DefEncoding))
		x.int(4, thriftI32, int64(d.RepEncoding))
		f.b = x.end()
	}
	if d := &h.Dictionary.V; h.Dictionary.Valid {
		x := f.begin(7)
		x.int(1, thriftI32, int64(d.NumValues))
		x.int(2, thriftI32, int64(d.Encoding))
		if d.IsSorted {
			x.bool(3, true)
		}
		f.b = x.end()
	}
	return f.end()
}

// AppendBloomHeader appends the header of a split block filter of n bytes, of XXH64, as it is.
func AppendBloomHeader(b []byte, n int) []byte {
	f := fields{b: b}
	f.int(1, thriftI32, int64(n))
	for id := 2; id <= 4; id++ { // algorithm, hash and compression: of each the first that there is
		x := f.begin(id)
		y := x.begin(1)
		x.b = y.end()
		f.b = x.end()
	}
	return f.end()
}

// PageStats are what the column index says of a page. Without values of it (Min is nil) the page is empty.
type PageStats struct {
	Min, Max []byte
	Nulls    int64
	Empty    bool // no value but nulls
}

// AppendColumnIndex appends the column index of a chunk's pages.
func AppendColumnIndex(b []byte, n int, page func(i int) PageStats, order format.BoundaryOrder) []byte {
	f := fields{b: b}
	f.list(1, thriftFalse, n)
	for i := range n {
		if page(i).Empty {
			f.b = append(f.b, 1)
		} else {
			f.b = append(f.b, 0)
		}
	}
	f.list(2, thriftBinary, n)
	for i := range n {
		f.b = appendBytes(f.b, page(i).Min)
	}
	f.list(3, thriftBinary, n)
	for i := range n {
		f.b = appendBytes(f.b, page(i).Max)
	}
	f.int(4, thriftI32, int64(order))
	f.list(5, thriftI64, n)
	for i := range n {
		f.b = binary.AppendVarint(f.b, page(i).Nulls)
	}
	return f.end()
}

// AppendOffsetIndex appends the offset index of a chunk's pages.
func AppendOffsetIndex(b []byte, pages []format.PageLocation) []byte {
	f := fields{b: b}
	f.list(1, thriftStruct, len(pages))
	for _, p := range pages {
		x := fields{b: f.b}
		x.int(1, thriftI64, p.Offset)
		x.int(2, thriftI32, int64(p.CompressedPageSize))
		x.int(3, thriftI64, p.FirstRowIndex)
		f.b = x.end()
	}
	return f.end()
}

// Append appends the footer's bytes. Elements and orders, which all files of a schema share, are appended as they are given
// by AppendSchema.
func (m *File) Append(b []byte, s *Schema) []byte {
	f := fields{b: b}
	f.int(1, thriftI32, int64(m.Version))
	f.list(2, thriftStruct, s.n)
	f.b = append(f.b, s.elements...)
	f.int(3, thriftI64, m.NumRows)
	f.list(4, thriftStruct, len(m.Groups))
	for i := range m.Groups {
		f.b = m.Groups[i].append(f.b)
	}
	if len(m.KeyValues) > 0 {
		f.list(5, thriftStruct, len(m.KeyValues))
		for _, kv := range m.KeyValues {
			x := fields{b: f.b}
			x.bytes(1, []byte(kv.Key))
			x.bytes(2, []byte(kv.Value))
			f.b = x.end()
		}
	}
	if m.CreatedBy != "" {
		f.bytes(6, []byte(m.CreatedBy))
	}
	f.list(7, thriftStruct, s.columns)
	for range s.columns {
		x := fields{b: f.b}
		y := x.begin(1) // TypeDefinedOrder
		x.b = y.end()
		f.b = x.end()
	}
	return f.end()
}

// Schema is a footer's schema, encoded once.
type Schema struct {
	n, columns int
	elements   []byte
}

// NewSchema encodes a schema of so many columns.
func NewSchema(elements []format.SchemaElement, columns int) (*Schema, error) {
	s := &Schema{n: len(elements), columns: columns}
	var m Marshaler
	for i := range elements {
		b, err := m.Marshal(&elements[i])
		if err != nil {
			return nil, err
		}
		s.elements = append(s.elements, b...)
	}
	return s, nil
}

func (g *Group) append(b []byte) []byte {
	f := fields{b: b}
	f.list(1, thriftStruct, len(g.Columns))
	for i := range g.Columns {
		f.b = g.Columns[i].append(f.b)
	}
	f.int(2, thriftI64, g.TotalBytes)
	f.int(3, thriftI64, g.NumRows)
	if g.FileOffset != 0 {
		f.int(5, thriftI64, g.FileOffset)
	}
	if g.CompressedSize != 0 {
		f.int(6, thriftI64, g.CompressedSize)
	}
	f.int(7, thriftI16, int64(g.Ordinal))
	return f.end()
}

func (c *Chunk) append(b []byte) []byte {
	f := fields{b: b}
	if c.FilePath != "" {
		f.bytes(1, []byte(c.FilePath))
	}
	f.int(2, thriftI64, c.FileOffset)
	x := f.begin(3)
	f.b = c.Meta.append(x)
	optional(&f, 4, thriftI64, c.OffsetIndexOffset)
	optional(&f, 5, thriftI32, c.OffsetIndexLength)
	optional(&f, 6, thriftI64, c.ColumnIndexOffset)
	optional(&f, 7, thriftI32, c.ColumnIndexLength)
	return f.end()
}

func (m *Column) append(f fields) []byte {
	f.int(1, thriftI32, int64(m.Type))
	f.list(2, thriftI32, len(m.Encodings))
	for _, e := range m.Encodings {
		f.b = binary.AppendVarint(f.b, int64(e))
	}
	f.list(3, thriftBinary, len(m.Path))
	for _, p := range m.Path {
		f.b = append(binary.AppendUvarint(f.b, uint64(len(p))), p...)
	}
	f.int(4, thriftI32, int64(m.Codec))
	f.int(5, thriftI64, m.NumValues)
	f.int(6, thriftI64, m.UncompressedSize)
	f.int(7, thriftI64, m.CompressedSize)
	f.int(9, thriftI64, m.DataPageOffset)
	optional(&f, 11, thriftI64, m.DictionaryOffset)
	x := f.begin(12)
	f.b = m.Statistics.append(x)
	if len(m.EncodingStats) > 0 {
		f.list(13, thriftStruct, len(m.EncodingStats))
		for _, s := range m.EncodingStats {
			x := fields{b: f.b}
			x.int(1, thriftI32, int64(s.PageType))
			x.int(2, thriftI32, int64(s.Encoding))
			x.int(3, thriftI32, int64(s.Count))
			f.b = x.end()
		}
	}
	optional(&f, 14, thriftI64, m.BloomFilterOffset)
	optional(&f, 15, thriftI32, m.BloomFilterLength)
	return f.end()
}

func (s *Statistics) append(f fields) []byte {
	optional(&f, 3, thriftI64, s.NullCount)
	if s.MaxValue != nil {
		f.bytes(5, s.MaxValue)
	}
	if s.MinValue != nil {
		f.bytes(6, s.MinValue)
	}
	if s.MaxExact.Valid {
		f.bool(7, s.MaxExact.V)
	}
	if s.MinExact.Valid {
		f.bool(8, s.MinExact.V)
	}
	return f.end()
}
