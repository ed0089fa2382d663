package parquetfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/google/go-cmp/cmp"
)

func TestWidening(t *testing.T) {
	for _, c := range []struct {
		from, to string
		values   []string
		want     string // the rows, or an error
	}{
		{"int", "bigint", []string{"-2147483648", "null", "7"}, "-2147483648 null 7"},
		{"int", "double", []string{"-5", "null"}, "-5 null"},
		{"int", "decimal(12,2)", []string{"123", "-4"}, "123 -4"},
		{"int", "decimal(4,2)", []string{"99", "100"}, "type mismatch"},
		{"bigint", "double", []string{"9007199254740992", "-3"}, "9.007199254740992e+15 -3"},
		{"bigint", "double", []string{"9007199254740993"}, "type mismatch"},
		{"bigint", "double", []string{"9223372036854775807"}, "type mismatch"},
		{"bigint", "decimal(38,4)", []string{"9223372036854775807", "null"}, "9223372036854775807 null"},
		{"bigint", "int", []string{"1"}, "type mismatch"},
		{"float", "double", []string{"0.5", "NaN", "null"}, "0.5 NaN null"},
		{"double", "float", []string{"0.5"}, "type mismatch"},
		{"decimal(5,2)", "decimal(20,4)", []string{"1.25", "-999.99"}, "1.25 -999.99"},
		{"decimal(20,2)", "decimal(5,2)", []string{"1.25"}, "1.25"},
		{"decimal(20,2)", "decimal(5,2)", []string{"1000.00"}, "type mismatch"},
		{"decimal(5,2)", "decimal(5,1)", []string{"1.20"}, "type mismatch"},
		{"date", "timestamp", []string{"2025-11-25", "null"}, "2025-11-25 00:00:00Z null"},
		{"string", "binary", []string{"ab", "null"}, "YWI= null"},
		{"binary", "string", []string{"ab"}, "type mismatch"},
		{"string", "bigint", []string{"1"}, "type mismatch"},
		{"list<int>", "list<bigint>", []string{"[1,2]", "null"}, "[1,2] null"},
		{"struct<a:int>", "struct<a:bigint,b:string>", []string{`{"a":1}`, "null"}, `{"a":1,"b":null} null`},
		{"struct<a:int,b:string>", "struct<b:string>", []string{`{"a":1,"b":"x"}`, "null"}, `{"b":"x"} null`},
		{"struct<a:int>", "struct<z:string>", []string{`{"a":1}`, "null"}, `{"z":null} null`},
		{"struct<a:int>", "list<int>", []string{"null"}, "type mismatch"},
		{"list<struct<a:int>>", "list<struct<z:list<int>>>", []string{`[{"a":1},null]`, "[]"}, `[{"z":null},null] []`},
		{"map<string,int>", "map<string,double>", []string{`[{"key":"k","value":5}]`}, `[{"key":"k","value":5}]`},
	} {
		t.Run(c.from+" as "+c.to, func(t *testing.T) {
			mem := checked(t)
			_, file := one(t, c.from, Options{}, nil, c.values...)
			want := columns(t, c.to)
			var got []string
			for rec, err := range openFile(t, file).Records(context.Background(), want, mem) {
				if err != nil {
					if !errors.Is(err, ErrType) {
						t.Errorf("error %v is no ErrType", err)
					}
					got = []string{"type mismatch"}
					break
				}
				if !rec.Schema().Equal(want) {
					t.Errorf("schema %s", rec.Schema())
				}
				for i := range int(rec.NumRows()) {
					a := rec.Column(0)
					s := a.ValueStr(i)
					if a.IsNull(i) {
						s = "null"
					}
					got = append(got, s)
				}
			}
			if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
				t.Error(d)
			}
		})
	}
}

// A projection gives the columns that are asked for, in their order, and nulls for those the file lacks.
func TestProjection(t *testing.T) {
	mem := checked(t)
	s := columns(t, "!string", "bigint", "list<int>", "struct<a:int,b:string>", "map<string,double>")
	rec := randomRecord(rand.New(rand.NewPCG(9, 9)), mem, s, 800)
	defer rec.Release()
	b := write(t, s, Options{RowGroupRows: 300}, small, rec)
	want := arrow.NewSchema([]arrow.Field{
		s.Field(4),
		{Name: "later", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		s.Field(1),
		{Name: "coded", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	}, nil)
	all, some := lines(rec), read(t, b, want, mem)
	if len(some) != len(all) {
		t.Fatalf("%d rows, want %d", len(some), len(all))
	}
	for i := range all {
		v := fmt.Sprintf("c4=%s;later=null;c1=%s;coded=null;", text(rec.Column(4), i), text(rec.Column(1), i))
		if some[i] != v {
			t.Fatalf("row %d: %s, want %s", i, some[i], v)
		}
	}

	_, err := tryRead(b, arrow.NewSchema([]arrow.Field{{Name: "later", Type: arrow.BinaryTypes.String}}, nil), mem)
	if !errors.Is(err, ErrType) {
		t.Errorf("a missing column that may not be null: %v", err)
	}
	notNull := s.Field(1)
	notNull.Nullable = false
	if _, err := tryRead(b, arrow.NewSchema([]arrow.Field{notNull}, nil), mem); !errors.Is(err, ErrType) {
		t.Errorf("nulls where none may be: %v", err)
	}
}

// Only the bytes of the wanted columns are read.
func TestProjectionReadsLittle(t *testing.T) {
	rec := sensors(t, 40_000, false)
	defer rec.Release()
	b := write(t, rec.Schema(), Options{}, nil, rec)
	r := &countingReader{r: bytes.NewReader(b)}
	f, err := Open(r, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	r.n = 0
	want := arrow.NewSchema([]arrow.Field{rec.Schema().Field(2)}, nil)
	for _, err := range f.Records(context.Background(), want, checked(t)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if size := f.meta.Groups[0].Columns[2].Meta.CompressedSize; r.n != size {
		t.Errorf("%d bytes read for a column of %d", r.n, size)
	}
}

type countingReader struct {
	r io.ReaderAt
	n int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// Strings come as dictionary arrays where that is asked for, also from pages that are not coded.
func TestReadDictionary(t *testing.T) {
	mem := checked(t)
	s := columns(t, "!string", "string", "list<string>")
	rec := randomRecord(rand.New(rand.NewPCG(10, 10)), mem, s, 2000)
	defer rec.Release()
	d := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}
	want := arrow.NewSchema([]arrow.Field{
		{Name: "c0", Type: d}, {Name: "c1", Type: d, Nullable: true}, {Name: "c2", Type: arrow.ListOf(d), Nullable: true},
	}, nil)
	for _, tune := range []func(*Writer){nil, small} {
		b := write(t, s, Options{RowGroupRows: 900}, tune, rec)
		if d := cmp.Diff(lines(rec), read(t, b, want, mem)); d != "" {
			t.Error(d)
		}
	}
}

// Values that are long but repeat must not make a record of unbounded size.
func TestReadLongRepeatedValues(t *testing.T) {
	mem := checked(t)
	s := columns(t, "string")
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	v := strings.Repeat("x", 1<<20)
	for range 200 {
		b.Field(0).(*array.StringBuilder).Append(v)
	}
	rec := b.NewRecord()
	defer rec.Release()
	f := openFile(t, write(t, s, Options{}, nil, rec))
	rows := int64(0)
	for got, err := range f.Records(context.Background(), s, mem) {
		if err != nil {
			t.Fatal(err)
		}
		rows += got.NumRows()
		if n := got.NumRows(); n > 64 {
			t.Errorf("a record of %d rows of a megabyte", n)
		}
	}
	if rows != 200 {
		t.Errorf("%d rows", rows)
	}
}

func TestReadStops(t *testing.T) {
	mem := checked(t)
	s := columns(t, "bigint")
	rec := randomRecord(rand.New(rand.NewPCG(11, 11)), mem, s, 1000)
	defer rec.Release()
	f := openFile(t, write(t, s, Options{RowGroupRows: 100}, nil, rec))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	for _, err := range f.Records(ctx, s, mem) {
		if n++; n == 3 {
			cancel()
		}
		if err != nil && (n != 4 || !errors.Is(err, context.Canceled)) {
			t.Errorf("record %d: %v", n, err)
		}
	}
	if n != 4 {
		t.Errorf("%d records after the cancel", n)
	}
	for range f.Records(context.Background(), s, mem) {
		break
	}
	failing := errors.New("disk on fire")
	g := &File{}
	*g = File{r: failingReader{failing}, size: f.size, data: f.data, meta: f.meta, arrow: f.arrow, schema: f.schema, filters: f.filters}
	for _, err := range g.Records(context.Background(), s, mem) {
		if !errors.Is(err, failing) || errors.Is(err, ErrCorrupt) {
			t.Errorf("a reader's error comes out as %v", err)
		}
	}
}

type failingReader struct{ err error }

func (f failingReader) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// One File serves many goroutines.
func TestConcurrentUse(t *testing.T) {
	mem := checked(t)
	s := columns(t, "!string", "list<int>", "double")
	rec := randomRecord(rand.New(rand.NewPCG(18, 18)), mem, s, 500)
	defer rec.Release()
	f := openFile(t, write(t, s, Options{RowGroupRows: 150, Bloom: []string{"c0"}}, small, rec))
	want := lines(rec)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var got []string
			for part, err := range f.Records(context.Background(), s, mem) {
				if err != nil {
					t.Error(err)
					return
				}
				got = append(got, lines(part)...)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			for i := range 500 {
				v := rec.Column(0).(*array.String).Value(i)
				if ok, err := f.MayContainHash("c0", Hash([]byte(v))); !ok || err != nil {
					t.Errorf("MayContainHash(%q) = %v, %v", v, ok, err)
				}
			}
		})
	}
	wg.Wait()
}
