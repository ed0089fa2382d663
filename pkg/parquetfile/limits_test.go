package parquetfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/decode"
	"datalake/pkg/parquetfile/internal/encode"
	"datalake/pkg/parquetfile/internal/meta"
)

// Columns without a value, and records without a row, come back.
func TestAllNull(t *testing.T) {
	for _, typ := range allTypes {
		if typ[0] == '!' {
			continue
		}
		mem := checked(t)
		s := columns(t, typ)
		b := array.NewRecordBuilder(mem, s)
		none := b.NewRecord()
		for range 200 {
			b.Field(0).AppendNull()
		}
		rec := b.NewRecord()
		b.Release()
		for _, o := range []Options{{}, {Encoding: Plain, Compression: Snappy, RowGroupRows: 70}} {
			file := write(t, s, o, small, none, rec, none)
			if d := cmp.Diff(lines(rec), read(t, file, s, mem)); d != "" {
				t.Errorf("%s: %s", typ, d)
			}
			if n, err := Verify(bytes.NewReader(file), int64(len(file))); n != 200 || err != nil {
				t.Errorf("%s: Verify: %d, %v", typ, n, err)
			}
		}
		none.Release()
		rec.Release()
	}
}

func TestDeepNesting(t *testing.T) {
	mem := checked(t)
	typ := "string"
	for k := range 60 {
		typ = fmt.Sprintf([]string{"list<%s>", "struct<a:%s>"}[k%2], typ)
	}
	s := columns(t, typ)
	rec := randomRecord(rand.New(rand.NewPCG(21, 21)), mem, s, 3000)
	defer rec.Release()
	file := write(t, s, Options{}, small, rec)
	if d := cmp.Diff(lines(rec), read(t, file, s, mem)); d != "" {
		t.Error(d)
	}
}

// More row groups than their ordinal counts.
func TestManyRowGroups(t *testing.T) {
	mem := checked(t)
	s := columns(t, "!int")
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	const n = 1<<15 + 10
	for i := range n {
		b.Field(0).(*array.Int32Builder).Append(int32(i))
	}
	rec := b.NewRecord()
	defer rec.Release()
	file := write(t, s, Options{RowGroupRows: 1}, nil, rec)
	f := openFile(t, file)
	if f.RowGroups() != n {
		t.Errorf("%d row groups", f.RowGroups())
	}
	if rows, err := Verify(bytes.NewReader(file), int64(len(file))); rows != n || err != nil {
		t.Errorf("Verify: %d, %v", rows, err)
	}
	if lo, hi, ok := f.IntBounds("c0"); lo != 0 || hi != n-1 || !ok {
		t.Errorf("IntBounds = %d, %d, %v", lo, hi, ok)
	}
}

// What could not be read again is refused before it is compressed and written.
func TestTooLargeForAPage(t *testing.T) {
	mem := checked(t)
	for typ, tune := range map[string]func(*encode.Limits){
		"string":       func(l *encode.Limits) { l.MaxBytes = 1000 },
		"list<string>": func(l *encode.Limits) { l.MaxBytes = 1000 },
		"list<int>":    func(l *encode.Limits) { l.MaxValues = 40 },
	} {
		s := columns(t, typ)
		b := array.NewRecordBuilder(mem, s)
		switch f := b.Field(0).(type) {
		case *array.StringBuilder:
			f.Append(strings.Repeat("x", 1001))
		case *array.ListBuilder:
			f.Append(true)
			for i := range 41 {
				if v, ok := f.ValueBuilder().(*array.StringBuilder); ok {
					v.Append(fmt.Sprintf("%030d", i))
				} else {
					f.ValueBuilder().AppendNull()
				}
			}
		}
		rec := b.NewRecord()
		b.Release()
		w, err := NewWriter(io.Discard, s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		tune(&w.lim.Limits)
		if err = w.Append(rec, nil); err == nil {
			err = w.Close()
		}
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "column c0") {
			t.Errorf("%s: %v, want an ErrUnsupported that names the column", typ, err)
		}
		rec.Release()
	}
}

// One huge row does not stay in the memory of a Writer that is open for long.
func TestHugeRowIsForgotten(t *testing.T) {
	mem := checked(t)
	for _, typ := range []string{"int", "boolean", "string", "double"} {
		for _, distinct := range []bool{false, true} {
			s := columns(t, "list<"+typ+">")
			b := array.NewRecordBuilder(mem, s)
			l := b.Field(0).(*array.ListBuilder)
			l.Append(true)
			for i := range 1 << 20 {
				if !distinct {
					i = 0
				}
				switch v := l.ValueBuilder().(type) {
				case *array.Int32Builder:
					v.Append(int32(i))
				case *array.Float64Builder:
					v.Append(float64(i) / 3)
				case *array.BooleanBuilder:
					v.Append(i%3 == 0)
				case *array.StringBuilder:
					v.Append(fmt.Sprint(i))
				}
			}
			rec := b.NewRecord()
			b.Release()
			w, err := NewWriter(io.Discard, s, Options{RowGroupRows: 1})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second is met without a dictionary, where that pays
				if err := w.Append(rec, nil); err != nil {
					t.Fatal(err)
				}
			}
			if n := w.Buffered(); n > 3<<20 {
				t.Errorf("a list of a million of %s, distinct %v: %d bytes are still held", typ, distinct, n)
			}
			rec.Release()
		}
	}
}

// A nested null that the wanted type has no place for is an error; a member of a null struct is none.
func TestNestedNulls(t *testing.T) {
	member := func(t arrow.DataType, nullable bool) arrow.DataType {
		return arrow.StructOf(arrow.Field{Name: "a", Type: t, Nullable: nullable})
	}
	i32 := arrow.PrimitiveTypes.Int32
	items := arrow.MapOf(arrow.BinaryTypes.String, i32)
	items.SetItemNullable(false)
	for _, c := range []struct {
		from   string
		want   arrow.DataType
		values []string
		ok     bool
	}{
		{"struct<a:int>", member(i32, false), []string{`{"a":1}`, "null", `{"a":2}`}, true},
		{"struct<a:int>", member(i32, false), []string{`{"a":1}`, `{"a":null}`}, false},
		{"struct<a:int>", member(arrow.PrimitiveTypes.Int64, false), []string{`{"a":null}`}, false},
		{"list<int>", arrow.ListOfNonNullable(i32), []string{"[1,2]", "null", "[]"}, true},
		{"list<int>", arrow.ListOfNonNullable(i32), []string{"[1,2]", "[null]"}, false},
		{"list<list<int>>", arrow.ListOfNonNullable(arrow.ListOf(i32)), []string{"[[null],[]]", "null"}, true},
		{"list<list<int>>", arrow.ListOfNonNullable(arrow.ListOf(i32)), []string{"[[1],null]"}, false},
		{"map<string,int>", items, []string{`[{"key":"k","value":5}]`, "null", "[]"}, true},
		{"map<string,int>", items, []string{`[{"key":"k","value":null}]`}, false},
		{"struct<a:struct<a:int>>", member(member(i32, true), false), []string{`{"a":{"a":null}}`, "null"}, true},
		{"struct<a:struct<a:int>>", member(member(i32, true), false), []string{`{"a":null}`}, false},
	} {
		_, file := one(t, c.from, Options{}, nil, c.values...)
		rows, err := tryRead(file, arrow.NewSchema([]arrow.Field{{Name: "c0", Type: c.want, Nullable: true}}, nil), checked(t))
		if c.ok && (err != nil || len(rows) != len(c.values)) || !c.ok && !errors.Is(err, ErrType) {
			t.Errorf("%s as %s, %q: %d rows, %v", c.from, c.want, c.values, len(rows), err)
		}
	}
}

// Wanted as codes, long values that repeat are still spelt out where a page is not coded: records are small there too.
func TestReadLongValuesOfMixedPages(t *testing.T) {
	mem := checked(t)
	s := columns(t, "string")
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for range 100 {
		b.Field(0).(*array.StringBuilder).Append(strings.Repeat("x", 900<<10))
	}
	for i := range 200 {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("%x", i*7919))
	}
	rec := b.NewRecord()
	defer rec.Release()
	file := write(t, s, Options{}, func(w *Writer) { w.lim.PageRows = 64 }, rec)
	d := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}
	want := arrow.NewSchema([]arrow.Field{{Name: "c0", Type: d, Nullable: true}}, nil)
	rows := int64(0)
	for got, err := range openFile(t, file).Records(context.Background(), want, mem) {
		if err != nil {
			t.Fatal(err)
		}
		rows += got.NumRows()
		if n := got.NumRows(); n > 80 {
			t.Errorf("a record of %d rows of up to a megabyte", n)
		}
	}
	if rows != 300 {
		t.Errorf("%d rows", rows)
	}
}

// Other writers put whole values into the statistics of a page's header.
func TestLongPageHeader(t *testing.T) {
	f, _ := one(t, "!binary", Options{}, nil, "x")
	var file []byte
	var enc meta.Marshaler
	m := meta.Column{Type: format.ByteArray, Codec: format.Uncompressed}
	for _, n := range []int{4<<20 - 400<<10, 10} { // the second header begins near the end of what is read at once
		body := append([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}, make([]byte, n)...)
		head, err := enc.Marshal(&format.PageHeader{
			Type: format.DataPage, UncompressedPageSize: int32(len(body)), CompressedPageSize: int32(len(body)), CRC: int32(crc32.ChecksumIEEE(body)),
			DataPageHeader: thrift.New(format.DataPageHeader{
				NumValues: 1, Encoding: format.Plain, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
				Statistics: format.Statistics{MaxValue: make([]byte, 300<<10)},
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		file = append(append(file, head...), body...)
		m.NumValues++
	}
	m.CompressedSize = int64(len(file))
	c := decode.NewChunk(bytes.NewReader(file), f.schema.Leaves[0], &m)
	for range 2 {
		if err := c.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Next(); err != io.EOF || c.Left() != 0 {
		t.Errorf("after the last page: %v, %d bytes left", err, c.Left())
	}
}
