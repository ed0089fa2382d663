package meta

import (
	"errors"
	"math/rand/v2"
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

// What is appended by hand is what the encoder gives, whatever is in the structs.
func TestAppend(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	text := func(n int) []byte {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	i32 := func() int32 { return int32(r.Uint64() >> (32 + r.IntN(32))) }
	i64 := func() int64 { return int64(r.Uint64()>>r.IntN(64)) - int64(r.IntN(3)) }
	var m Marshaler
	same := func(v any, got []byte) {
		t.Helper()
		want, err := m.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != "x"+string(want) {
			t.Fatalf("%+v:\n got %x\nwant %x", v, got[1:], want)
		}
	}
	for range 2000 {
		h := PageHeader{Type: format.PageType(r.IntN(4)), Uncompressed: i32(), Compressed: i32()}
		if r.IntN(2) == 0 {
			h.CRC = thrift.New(i32())
		}
		if r.IntN(2) == 0 {
			h.Data = thrift.New(DataPageHeader{NumValues: i32(), Encoding: format.Encoding(r.IntN(10)), DefEncoding: format.RLE, RepEncoding: format.RLE})
		}
		if r.IntN(2) == 0 {
			h.Dictionary = thrift.New(format.DictionaryPageHeader{NumValues: i32(), IsSorted: r.IntN(2) == 0})
		}
		same(&h, h.Append([]byte("x")))

		bloom := format.BloomFilterHeader{
			NumBytes:    i32(),
			Algorithm:   format.BloomFilterAlgorithm{Value: &format.SplitBlockAlgorithm{}},
			Hash:        format.BloomFilterHash{Value: &format.XxHash{}},
			Compression: format.BloomFilterCompression{Value: &format.BloomFilterUncompressed{}},
		}
		same(&bloom, AppendBloomHeader([]byte("x"), int(bloom.NumBytes)))

		var ci format.ColumnIndex
		var oi format.OffsetIndex
		var pages []PageStats
		for range r.IntN(40) {
			p := PageStats{Min: text(20), Max: text(200), Nulls: i64(), Empty: r.IntN(3) == 0}
			pages = append(pages, p)
			ci.NullPages, ci.NullCounts = append(ci.NullPages, p.Empty), append(ci.NullCounts, p.Nulls)
			ci.MinValues, ci.MaxValues = append(ci.MinValues, p.Min), append(ci.MaxValues, p.Max)
			oi.PageLocations = append(oi.PageLocations, format.PageLocation{Offset: i64(), CompressedPageSize: i32(), FirstRowIndex: i64()})
		}
		if len(pages) > 0 {
			ci.BoundaryOrder = format.BoundaryOrder(r.IntN(3))
			same(&ci, AppendColumnIndex([]byte("x"), len(pages), func(i int) PageStats { return pages[i] }, ci.BoundaryOrder))
		}
		same(&oi, AppendOffsetIndex([]byte("x"), oi.PageLocations))

		f := File{Version: 2, NumRows: i64(), CreatedBy: string(text(9))}
		f.Schema = []format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(1))}}
		for range r.IntN(20) {
			f.Schema = append(f.Schema, format.SchemaElement{Name: string(text(20)), Type: thrift.New(format.Int64), RepetitionType: thrift.New(format.Optional)})
		}
		f.ColumnOrders = make([]format.ColumnOrder, 1+r.IntN(20))
		for i := range f.ColumnOrders {
			f.ColumnOrders[i].Value = &format.TypeDefinedOrder{}
		}
		for range r.IntN(3) {
			f.KeyValues = append(f.KeyValues, format.KeyValue{Key: string(text(9)), Value: string(text(9))})
		}
		for range r.IntN(3) {
			g := Group{NumRows: i64(), TotalBytes: i64(), FileOffset: i64(), CompressedSize: i64(), Ordinal: int16(i64())}
			for range r.IntN(20) {
				c := Chunk{FilePath: string(text(2)), FileOffset: i64(), Meta: Column{
					Type: format.Type(r.IntN(8)), Codec: format.Zstd, NumValues: i64(), UncompressedSize: i64(), CompressedSize: i64(), DataPageOffset: i64(),
				}}
				for range r.IntN(4) {
					c.Meta.Encodings = append(c.Meta.Encodings, format.Encoding(r.IntN(10)))
					c.Meta.Path = append(c.Meta.Path, string(text(30)))
					c.Meta.EncodingStats = append(c.Meta.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.RLE, Count: i32()})
				}
				st := &c.Meta.Statistics
				for _, set := range []func(){
					func() { c.OffsetIndexOffset, c.OffsetIndexLength = thrift.New(i64()), thrift.New(i32()) },
					func() { c.ColumnIndexOffset, c.ColumnIndexLength = thrift.New(i64()), thrift.New(i32()) },
					func() { c.Meta.DictionaryOffset = thrift.New(i64()) },
					func() { c.Meta.BloomFilterOffset, c.Meta.BloomFilterLength = thrift.New(i64()), thrift.New(i32()) },
					func() { st.NullCount = thrift.New(i64()) },
					func() { st.MinValue, st.MaxValue = text(9), text(99) },
					func() { st.MinExact, st.MaxExact = thrift.New(r.IntN(2) == 0), thrift.New(r.IntN(2) == 0) },
				} {
					if r.IntN(2) == 0 {
						set()
					}
				}
				g.Columns = append(g.Columns, c)
			}
			f.Groups = append(f.Groups, g)
		}
		s, err := NewSchema(f.Schema, len(f.ColumnOrders))
		if err != nil {
			t.Fatal(err)
		}
		same(&f, f.Append([]byte("x"), s))
	}
}
