package meta

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// example has a value in each field, zeros among those that must be written.
func example() File {
	return File{
		Version: 2, NumRows: 3, CreatedBy: "x", Schema: []format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(1))}},
		KeyValues:    []format.KeyValue{{Key: "k", Value: "v"}},
		ColumnOrders: []format.ColumnOrder{{Value: &format.TypeDefinedOrder{}}},
		Groups: []Group{{NumRows: 3, TotalBytes: 9, FileOffset: 4, CompressedSize: 7, Columns: []Chunk{{
			OffsetIndexOffset: thrift.New(int64(70)), OffsetIndexLength: thrift.New(int32(5)),
			ColumnIndexOffset: thrift.New(int64(60)), ColumnIndexLength: thrift.New(int32(6)),
			Meta: Column{
				Type: format.Int64, Encodings: []format.Encoding{format.Plain, format.RLE}, Path: []string{"a", "b"}, Codec: format.Zstd,
				NumValues: 3, UncompressedSize: 9, CompressedSize: 7, DataPageOffset: 20, DictionaryOffset: thrift.New(int64(4)),
				Statistics: Statistics{
					NullCount: thrift.New(int64(0)), MinValue: []byte{1}, MaxValue: []byte{2},
					MinExact: thrift.New(false), MaxExact: thrift.New(true),
				},
				EncodingStats:     []format.PageEncodingStats{{PageType: format.DataPage, Encoding: format.Plain, Count: 1}},
				BloomFilterOffset: thrift.New(int64(50)), BloomFilterLength: thrift.New(int32(47)),
			},
		}}}},
	}
}

func TestRoundTrip(t *testing.T) {
	var m Marshaler
	want := example()
	for range 2 {
		b, err := m.Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		var got File
		n, err := Unmarshal(append(b, "what follows"...), &got)
		if n != len(b) || err != nil {
			t.Fatalf("%d of %d bytes, %v", n, len(b), err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

// The format package, which lacks two of the fields, reads the others.
func TestFormatReads(t *testing.T) {
	var m Marshaler
	x := example()
	b, err := m.Marshal(&x)
	if err != nil {
		t.Fatal(err)
	}
	var f format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), b, &f); err != nil {
		t.Fatal(err)
	}
	c := f.RowGroups[0].Columns[0]
	if c.MetaData.NumValues != 3 || c.MetaData.BloomFilterLength != 47 || string(c.MetaData.Statistics.MaxValue) != "\x02" || c.OffsetIndexOffset != 70 {
		t.Errorf("%+v", c)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	var m Marshaler
	x := example()
	b, err := m.Marshal(&x)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		var f File
		if _, err := Unmarshal(b[:n], &f); err == nil {
			t.Errorf("%d of %d bytes pass", n, len(b))
		}
	}
	for name, b := range map[string][]byte{
		"a list of 2 Gi structs":   {0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0},
		"a string of 2 GiB":        {0x68, 0xff, 0xff, 0xff, 0xff, 0x07},
		"structs without end":      {0x1c, 0x1c, 0x1c, 0x1c},
		"a map":                    {0x1b, 1, 0x88, 0, 0, 0},
		"a length of eleven bytes": {0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
	} {
		var f File
		if _, err := Unmarshal(b, &f); !errors.Is(err, ErrThrift) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	var m Marshaler
	x := example()
	b, err := m.Marshal(&x)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var x File
		n, err := Unmarshal(b, &x)
		if err != nil {
			return
		}
		if n > len(b) {
			t.Errorf("%d of %d bytes", n, len(b))
		}
		var m Marshaler
		again, err := m.Marshal(&x)
		if err != nil {
			return // a union without a member cannot be written
		}
		var y File
		if _, err := Unmarshal(again, &y); err != nil {
			t.Errorf("what was read and written cannot be read: %v", err)
		}
	})
}
