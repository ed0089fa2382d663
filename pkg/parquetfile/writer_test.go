package parquetfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/parquet-go/parquet-go/format"
)

func TestSelectedRows(t *testing.T) {
	mem := checked(t)
	s := columns(t, "!string", "list<int>", "struct<a:double>")
	rec := randomRecord(rand.New(rand.NewPCG(12, 12)), mem, s, 100)
	defer rec.Release()
	var buf bytes.Buffer
	w, err := NewWriter(&buf, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := []uint32{99, 3, 3, 0, 50}
	for _, sel := range [][]uint32{rows, {}, rows[:1]} {
		if err := w.Append(rec, sel); err != nil {
			t.Fatal(err)
		}
	}
	if w.Rows() != 6 {
		t.Errorf("Rows is %d", w.Rows())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all, got := lines(rec), read(t, buf.Bytes(), s, mem)
	for i, r := range append(rows, 99) {
		if got[i] != all[r] {
			t.Errorf("row %d is %s, want %s", i, got[i], all[r])
		}
	}
	if err := w.Append(rec, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	if err := w.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

func TestAppendRefuses(t *testing.T) {
	mem := checked(t)
	s := columns(t, "!bigint", "decimal(4,1)", "decimal(20,0)", "!struct<a:int>")
	build := func(fill func(b *array.RecordBuilder)) arrow.Record {
		b := array.NewRecordBuilder(mem, s)
		defer b.Release()
		b.Field(0).(*array.Int64Builder).Append(1)
		b.Field(1).AppendNull()
		b.Field(2).AppendNull()
		b.Field(3).(*array.StructBuilder).Append(true)
		b.Field(3).(*array.StructBuilder).FieldBuilder(0).AppendNull()
		fill(b)
		return b.NewRecord()
	}
	row := func(b *array.RecordBuilder, big, dec4, dec20 func(), st bool) {
		big()
		dec4()
		dec20()
		b.Field(3).(*array.StructBuilder).Append(st)
		b.Field(3).(*array.StructBuilder).FieldBuilder(0).AppendNull()
	}
	other := randomRecord(rand.New(rand.NewPCG(1, 1)), mem, columns(t, "!bigint", "decimal(4,2)", "decimal(20,0)", "!struct<a:int>"), 1)
	defer other.Release()
	fewer := randomRecord(rand.New(rand.NewPCG(1, 1)), mem, columns(t, "!bigint"), 1)
	defer fewer.Release()
	member := randomRecord(rand.New(rand.NewPCG(1, 1)), mem, columns(t, "!bigint", "decimal(4,1)", "decimal(20,0)", "!struct<b:int>"), 1)
	defer member.Release()
	for name, c := range map[string]struct {
		fill func(b *array.RecordBuilder)
		rec  arrow.Record
		rows []uint32
	}{
		"null in a required column": {fill: func(b *array.RecordBuilder) {
			row(b, b.Field(0).AppendNull, b.Field(1).AppendNull, b.Field(2).AppendNull, true)
		}},
		"null in a required struct": {fill: func(b *array.RecordBuilder) {
			row(b, func() { b.Field(0).(*array.Int64Builder).Append(1) }, b.Field(1).AppendNull, b.Field(2).AppendNull, false)
		}},
		"five digits in four": {fill: func(b *array.RecordBuilder) {
			row(b, func() { b.Field(0).(*array.Int64Builder).Append(1) },
				func() { b.Field(1).(*array.Decimal128Builder).Append(decimal128.FromI64(10000)) }, b.Field(2).AppendNull, true)
		}},
		"21 digits in 20": {fill: func(b *array.RecordBuilder) {
			row(b, func() { b.Field(0).(*array.Int64Builder).Append(1) }, b.Field(1).AppendNull,
				func() { b.Field(2).(*array.Decimal128Builder).Append(decimal128.New(6, 0)) }, true)
		}},
		"another type":   {rec: other},
		"fewer columns":  {rec: fewer},
		"another member": {rec: member},
		"a row too far":  {fill: func(*array.RecordBuilder) {}, rows: []uint32{0, 1}},
	} {
		w, err := NewWriter(io.Discard, s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		rec := c.rec
		if rec == nil {
			rec = build(c.fill)
			defer rec.Release()
		}
		if err := w.Append(rec, c.rows); !errors.Is(err, ErrType) {
			t.Errorf("%s: %v, want an ErrType", name, err)
		}
		if err := w.Close(); !errors.Is(err, ErrType) {
			t.Errorf("%s: Close after the error: %v", name, err)
		}
	}
}

func TestNewWriterRefuses(t *testing.T) {
	field := func(t arrow.DataType) *arrow.Schema {
		return arrow.NewSchema([]arrow.Field{{Name: "a", Type: t, Nullable: true}}, nil)
	}
	deep := arrow.DataType(arrow.PrimitiveTypes.Int32)
	for range 300 {
		deep = arrow.ListOf(deep)
	}
	for _, s := range []*arrow.Schema{
		field(arrow.PrimitiveTypes.Uint32), field(arrow.FixedWidthTypes.Timestamp_us), field(&arrow.TimestampType{Unit: arrow.Millisecond}),
		field(arrow.StructOf()), field(&arrow.Decimal128Type{Precision: 39}), field(arrow.Null), field(deep), arrow.NewSchema(nil, nil),
		arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "a", Type: arrow.PrimitiveTypes.Int32}}, nil),
		field(arrow.StructOf(arrow.Field{Name: "x", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "y", Type: arrow.BinaryTypes.String},
			arrow.Field{Name: "x", Type: arrow.BinaryTypes.String})),
	} {
		_, err := NewWriter(io.Discard, s, Options{})
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("schema %s: %v, want ErrUnsupported", s, err)
		} else if strings.Count(err.Error(), "unsupported") != 1 {
			t.Errorf("the error says it twice: %v", err)
		}
	}
	s := field(arrow.BinaryTypes.String)
	err := Options{Encoding: "x", Compression: "y", RowGroupRows: -1, Bloom: []string{"a", "a"}}.Validate()
	if err == nil || len(err.(interface{ Unwrap() []error }).Unwrap()) != 4 {
		t.Errorf("Validate: %v, want four faults", err)
	}
	if _, err := NewWriter(io.Discard, s, Options{Encoding: "x"}); err == nil {
		t.Error("a bad encoding is accepted")
	}
}

func TestMetadata(t *testing.T) {
	want := map[string]string{"b": "2", "a": "", "ü": "\n"}
	f, _ := one(t, "int", Options{Metadata: want}, nil, "1")
	if got := f.Metadata(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Metadata = %v", got)
	}
	if f.meta.CreatedBy != "datalake" {
		t.Errorf("created by %q", f.meta.CreatedBy)
	}
}

// An error of the underlying writer comes out, at whichever write it happens.
func TestWriteErrors(t *testing.T) {
	mem := checked(t)
	s := columns(t, "string", "bigint")
	rec := randomRecord(rand.New(rand.NewPCG(13, 13)), mem, s, 500)
	defer rec.Release()
	broken := errors.New("no space left")
	for n := range 1000 {
		f := &failingWriter{left: n, err: broken}
		w, err := NewWriter(f, s, Options{RowGroupRows: 100, Bloom: []string{"c0"}})
		if err != nil {
			t.Fatal(err)
		}
		err = w.Append(rec, nil)
		if cerr := w.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			if n < 5 {
				t.Fatalf("done after %d writes", n)
			}
			return
		}
		if !errors.Is(err, broken) {
			t.Fatalf("write %d: %v", n, err)
		}
	}
	t.Fatal("it never succeeds")
}

type failingWriter struct {
	left int
	err  error
}

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return len(p) / 2, f.err
	}
	return len(p), nil
}

// What is chosen for a column depends on what makes it smaller.
func TestEncodings(t *testing.T) {
	ids, rising, few, floats, drift := make([]string, 40_000), make([]string, 40_000), make([]string, 40_000), make([]string, 40_000), make([]string, 40_000)
	skewed, narrow := make([]string, 40_000), make([]string, 40_000)
	r := rand.New(rand.NewPCG(14, 14))
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x", r.Uint64())
		rising[i] = fmt.Sprint(1764000000000 + i*1000 + r.IntN(900))
		few[i] = fmt.Sprint(r.IntN(5))
		floats[i] = fmt.Sprint(r.NormFloat64())
		skewed[i] = fmt.Sprint(int64(math.Exp(r.Float64() * 20)))
		narrow[i] = fmt.Sprint(r.IntN(1 << 20))
		drift[i] = few[i]
		if i > 20_000 {
			drift[i] = ids[i]
		}
	}
	for _, c := range []struct {
		name, typ string
		values    []string
		o         Options
		want      []format.Encoding
	}{
		{"ids", "string", ids, Options{}, []format.Encoding{format.RLE, format.DeltaLengthByteArray}},
		{"ids", "string", ids, Options{Encoding: Plain}, []format.Encoding{format.Plain, format.RLE}},
		{"rising", "bigint", rising, Options{}, []format.Encoding{format.RLE, format.DeltaBinaryPacked}},
		{"rising", "bigint", rising, Options{Encoding: Plain}, []format.Encoding{format.Plain, format.RLE}},
		{"skewed", "bigint", skewed, Options{}, []format.Encoding{format.Plain, format.RLE}},
		{"skewed", "int", skewed, Options{}, []format.Encoding{format.Plain, format.RLE}},
		{"skewed", "bigint", skewed, Options{Compression: Snappy}, []format.Encoding{format.RLE, format.DeltaBinaryPacked}},
		{"narrow", "bigint", narrow, Options{}, []format.Encoding{format.RLE, format.DeltaBinaryPacked}},
		{"few", "string", few, Options{}, []format.Encoding{format.Plain, format.RLE, format.RLEDictionary}},
		{"few", "double", few, Options{}, []format.Encoding{format.Plain, format.RLE, format.RLEDictionary}},
		{"floats", "double", floats, Options{}, []format.Encoding{format.Plain, format.RLE}},
		{"drift", "string", drift, Options{}, []format.Encoding{format.Plain, format.RLE, format.DeltaLengthByteArray, format.RLEDictionary}},
	} {
		f, file := one(t, c.typ, c.o, nil, c.values...)
		m := f.meta.Groups[0].Columns[0].Meta
		if fmt.Sprint(m.Encodings) != fmt.Sprint(c.want) {
			t.Errorf("%s as %s, %+v: %v, want %v", c.name, c.typ, c.o, m.Encodings, c.want)
		}
		if _, err := Verify(bytes.NewReader(file), int64(len(file))); err != nil {
			t.Error(err)
		}
	}
}

// Whole numbers are written in the way that makes them smaller, whatever their sizes: never much larger than as deltas.
func TestWholeNumbersAreSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 16))
	for _, spread := range []float64{1, 4, 8, 14, 20, 28, 43} {
		values := make([]string, 20_000)
		for i := range values {
			values[i] = fmt.Sprint(int64(math.Exp(r.Float64() * spread)))
		}
		_, file := one(t, "bigint", Options{}, nil, values...)
		_, packed := one(t, "bigint", Options{Compression: Snappy}, func(w *Writer) { w.lim.DictValues = 1 }, values...)
		if len(file) > len(packed)*102/100 {
			t.Errorf("numbers up to e^%.0f: %d bytes, as deltas %d", spread, len(file), len(packed))
		}
		if spread == 28 && len(file) > len(packed)*4/5 {
			t.Errorf("numbers up to e^%.0f: %d bytes, as deltas %d", spread, len(file), len(packed))
		}
	}
}

// A Writer with few rows holds little, and one that has written a row group only the memory of its pages.
func TestBuffered(t *testing.T) {
	rec := sensors(t, 60_000, true)
	defer rec.Release()
	runtime.GC() // twice, so that no pooled memory is left
	runtime.GC()
	w, err := NewWriter(io.Discard, rec.Schema(), Options{RowGroupRows: 60_000})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]uint32, 60_000)
	for i := range rows {
		rows[i] = uint32(i)
	}
	for _, c := range []struct {
		upTo, atMost int
	}{{10, 16 << 10}, {100, 64 << 10}, {1000, 384 << 10}, {59_999, 4 << 20}, {60_000, 3 << 20}} {
		if err := w.Append(rec, rows[w.Rows():c.upTo]); err != nil {
			t.Fatal(err)
		}
		if n := w.Buffered(); n > int64(c.atMost) || n < int64(c.upTo) {
			t.Errorf("%d bytes held at row %d, at most %d are right", n, c.upTo, c.atMost)
		}
	}
	if w.Size() < 1<<20 {
		t.Errorf("only %d bytes written at the row group's end", w.Size())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Buffered() != 0 {
		t.Errorf("%d bytes held after Close", w.Buffered())
	}
}

// Where the first values leave a dictionary no chance, weighing the whole page would have found the same: for values drawn from
// so many, text and numbers give the same bytes with a look at them and without, in files of one page and of several.
func TestSampleAgreesWithWeighing(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 15))
	for _, distinct := range []int{1, 1000, 4000, 20_000, 50_000, 100_000, 1 << 40} {
		values := make([]string, 40_000)
		for i := range values {
			values[i] = fmt.Sprint(100_000_000_000 + r.IntN(distinct)*7919)
		}
		for _, n := range []int{100, 300, 3000, 5000, 40_000} {
			for _, typ := range []string{"string", "bigint", "double", "decimal(30,0)"} {
				_, file := one(t, typ, Options{}, nil, values[:n]...)
				_, weighed := one(t, typ, Options{}, func(w *Writer) { w.lim.Sample = 0 }, values[:n]...)
				if !bytes.Equal(file, weighed) {
					t.Errorf("%d of %d distinct values as %s: %d bytes, without the sample %d", n, distinct, typ, len(file), len(weighed))
				}
			}
		}
	}
}
