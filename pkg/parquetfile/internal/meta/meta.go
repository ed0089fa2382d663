// Package meta holds the Thrift structs of a Parquet file: footer and page headers. Those that hold statistics are
// defined here, with the fields is_max_value_exact and is_min_value_exact, which parquet-go's format package lacks; all
// others are that package's.
package meta

import (
	"bytes"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Statistics are a chunk's.
type Statistics struct {
	NullCount thrift.Null[int64] `thrift:"3,optional"`
	MaxValue  []byte             `thrift:"5,optional"`
	MinValue  []byte             `thrift:"6,optional"`
	MaxExact  thrift.Null[bool]  `thrift:"7,optional"`
	MinExact  thrift.Null[bool]  `thrift:"8,optional"`
}

// MaxPageValues is the most values and nulls of a page that is read, and so of one that may be written.
const MaxPageValues = 1 << 27

// DataPageHeader is that of a data page v1. It has no statistics: the page index has them.
type DataPageHeader struct {
	NumValues   int32           `thrift:"1,required"`
	Encoding    format.Encoding `thrift:"2,required"`
	DefEncoding format.Encoding `thrift:"3,required"`
	RepEncoding format.Encoding `thrift:"4,required"`
}

// PageHeader comes before each page.
type PageHeader struct {
	Type         format.PageType                          `thrift:"1,required"`
	Uncompressed int32                                    `thrift:"2,required"`
	Compressed   int32                                    `thrift:"3,required"`
	CRC          thrift.Null[int32]                       `thrift:"4,optional"`
	Data         thrift.Null[DataPageHeader]              `thrift:"5,optional"`
	Dictionary   thrift.Null[format.DictionaryPageHeader] `thrift:"7,optional"`
}

// Column describes a column chunk.
type Column struct {
	Type              format.Type                            `thrift:"1,required"`
	Encodings         thrift.Slice[format.Encoding]          `thrift:"2,required"`
	Path              thrift.Slice[string]                   `thrift:"3,required"`
	Codec             format.CompressionCodec                `thrift:"4,required"`
	NumValues         int64                                  `thrift:"5,required"`
	UncompressedSize  int64                                  `thrift:"6,required"`
	CompressedSize    int64                                  `thrift:"7,required"`
	DataPageOffset    int64                                  `thrift:"9,required"`
	DictionaryOffset  thrift.Null[int64]                     `thrift:"11,optional"`
	Statistics        Statistics                             `thrift:"12,optional,writezero"`
	EncodingStats     thrift.Slice[format.PageEncodingStats] `thrift:"13,optional"`
	BloomFilterOffset thrift.Null[int64]                     `thrift:"14,optional"`
	BloomFilterLength thrift.Null[int32]                     `thrift:"15,optional"`
}

// Start is where a chunk's first page lies.
func (m *Column) Start() int64 {
	if m.DictionaryOffset.Valid && m.DictionaryOffset.V > 0 && m.DictionaryOffset.V < m.DataPageOffset {
		return m.DictionaryOffset.V
	}
	return m.DataPageOffset
}

// AllNull tells that no value is in the chunk, by its statistics.
func (m *Column) AllNull() bool {
	return m.Statistics.NullCount.Valid && m.Statistics.NullCount.V == m.NumValues
}

// Chunk is a column chunk's place in a row group.
type Chunk struct {
	FilePath          string             `thrift:"1,optional"`
	FileOffset        int64              `thrift:"2,required"`
	Meta              Column             `thrift:"3,optional"`
	OffsetIndexOffset thrift.Null[int64] `thrift:"4,optional"`
	OffsetIndexLength thrift.Null[int32] `thrift:"5,optional"`
	ColumnIndexOffset thrift.Null[int64] `thrift:"6,optional"`
	ColumnIndexLength thrift.Null[int32] `thrift:"7,optional"`
}

// Group is a row group.
type Group struct {
	Columns        thrift.Slice[Chunk] `thrift:"1,required"`
	TotalBytes     int64               `thrift:"2,required"`
	NumRows        int64               `thrift:"3,required"`
	FileOffset     int64               `thrift:"5,optional"`
	CompressedSize int64               `thrift:"6,optional"`
	Ordinal        int16               `thrift:"7,optional,writezero"`
}

// File is the footer.
type File struct {
	Version      int32                              `thrift:"1,required"`
	Schema       thrift.Slice[format.SchemaElement] `thrift:"2,required"`
	NumRows      int64                              `thrift:"3,required"`
	Groups       thrift.Slice[Group]                `thrift:"4,required"`
	KeyValues    thrift.Slice[format.KeyValue]      `thrift:"5,optional"`
	CreatedBy    string                             `thrift:"6,optional"`
	ColumnOrders thrift.Slice[format.ColumnOrder]   `thrift:"7,optional"`
}

// Marshaler encodes structs in Thrift's compact protocol. The zero value is ready; it keeps its memory. Not safe for
// concurrent use.
type Marshaler struct {
	buf   bytes.Buffer
	proto thrift.CompactProtocol
	w     thrift.Writer
	enc   *thrift.Encoder
}

// Marshal returns the bytes of the struct that v points to, valid until the next call.
func (m *Marshaler) Marshal(v any) ([]byte, error) {
	m.buf.Reset()
	if m.enc == nil {
		m.w = m.proto.NewWriter(&m.buf)
		m.enc = thrift.NewEncoder(m.w)
	}
	if err := m.enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return m.buf.Bytes(), nil
}

// Cap is how much memory m keeps.
func (m *Marshaler) Cap() int { return m.buf.Cap() }
