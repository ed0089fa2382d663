package parquetfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// small makes pages and groups so small that a few hundred rows meet every boundary.
func small(w *Writer) {
	w.lim.PageRows, w.lim.PageLevels, w.lim.PageBytes, w.lim.DictValues, w.lim.Sample = 64, 150, 2000, 100, 25
}

func checked(t testing.TB) *memory.CheckedAllocator {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

// write makes a file of records; tune may change the writer.
func write(t testing.TB, s *arrow.Schema, o Options, tune func(*Writer), recs ...arrow.Record) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(&buf, s, o)
	if err != nil {
		t.Fatal(err)
	}
	if tune != nil {
		tune(w)
	}
	for _, r := range recs {
		if err := w.Append(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Size() != int64(buf.Len()) {
		t.Fatalf("Size is %d, %d bytes were written", w.Size(), buf.Len())
	}
	return buf.Bytes()
}

func openFile(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// read returns all rows of a file as text, one line a row, so that records of any cut compare.
func read(t testing.TB, b []byte, want *arrow.Schema, mem memory.Allocator) []string {
	t.Helper()
	rows, err := tryRead(b, want, mem)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func tryRead(b []byte, want *arrow.Schema, mem memory.Allocator) ([]string, error) {
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	if want == nil {
		want, _ = f.Schema()
	}
	var rows []string
	for rec, err := range f.Records(context.Background(), want, mem) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, lines(rec)...)
	}
	return rows, nil
}

// lines are a record's rows as text.
func lines(rec arrow.Record) []string {
	out := make([]string, rec.NumRows())
	for i := range out {
		for k, c := range rec.Columns() {
			out[i] += fmt.Sprintf("%s=%s;", rec.ColumnName(k), text(c, i))
		}
	}
	return out
}

// text is a value's text, exact to the bit and the same for dictionary arrays.
func text(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return text(a.Dictionary(), a.GetValueIndex(i))
	case *array.Float64:
		return fmt.Sprintf("%x", math.Float64bits(a.Value(i)))
	case *array.Float32:
		return fmt.Sprintf("%x", math.Float32bits(a.Value(i)))
	case *array.String:
		return fmt.Sprintf("%q", a.Value(i))
	case *array.Binary:
		return fmt.Sprintf("%x", a.Value(i))
	case *array.Struct:
		s := "{"
		for k := range a.NumField() {
			s += text(a.Field(k), i) + ","
		}
		return s + "}"
	case *array.Map:
		lo, hi := a.ValueOffsets(i)
		s := "<"
		for j := int(lo); j < int(hi); j++ {
			s += text(a.Keys(), j) + ":" + text(a.Items(), j) + ","
		}
		return s + ">"
	case array.ListLike:
		lo, hi := a.ValueOffsets(i)
		s := "["
		for j := int(lo); j < int(hi); j++ {
			s += text(a.ListValues(), j) + ","
		}
		return s + "]"
	}
	return a.ValueStr(i)
}

// random fills a builder with one random value.
func random(r *rand.Rand, b array.Builder, nullable bool) {
	if nullable && r.IntN(5) == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(r.IntN(3) == 0)
	case *array.Int32Builder:
		b.Append(randomInt[int32](r))
	case *array.Int64Builder:
		b.Append(randomInt[int64](r))
	case *array.Date32Builder:
		b.Append(arrow.Date32(20000 + r.IntN(40)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(1764000000000 + r.Int64N(1e9)))
	case *array.Float32Builder:
		b.Append([]float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), r.Float32(), float32(r.IntN(8))}[r.IntN(6)])
	case *array.Float64Builder:
		b.Append([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(-1), r.NormFloat64(), float64(r.IntN(20)) / 4}[r.IntN(6)])
	case *array.StringBuilder:
		b.Append(randomText(r))
	case *array.BinaryBuilder:
		v := make([]byte, r.IntN(12))
		binary.PutUvarint(append(v, make([]byte, 10)...)[:10], r.Uint64N(1<<40))
		b.Append(v)
	case *array.Decimal128Builder:
		p := b.Type().(*arrow.Decimal128Type).Precision
		v := decimal128.New(int64(r.Uint64()), r.Uint64())
		for !v.FitsInPrecision(p) {
			v, _ = v.Div(decimal128.FromI64(10))
		}
		if r.IntN(2) == 0 {
			v = decimal128.FromI64(r.Int64N(19) - 9)
		}
		b.Append(v)
	case *array.MapBuilder:
		b.Append(true)
		for k := range r.IntN(4) {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprint("k", k))
			random(r, b.ItemBuilder(), true)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range max(0, r.IntN(6)-1) {
			random(r, b.ValueBuilder(), true)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			random(r, b.FieldBuilder(i), true)
		}
	default:
		panic(fmt.Sprintf("no random %T", b))
	}
}

func randomInt[T int32 | int64](r *rand.Rand) T {
	switch r.IntN(4) {
	case 0:
		return T(r.Uint64())
	case 1:
		least := T(-1) << (8*binary.Size(T(0)) - 1)
		return []T{0, -1, least, -(least + 1)}[r.IntN(4)]
	}
	return T(r.IntN(30) - 15)
}

func randomText(r *rand.Rand) string {
	switch r.IntN(8) {
	case 0:
		return ""
	case 1:
		b := make([]byte, r.IntN(200))
		for i := range b {
			b[i] = byte('a' + r.IntN(26))
		}
		return string(b)
	case 2:
		return "Grüße, 世界 🌍"[:[]int{0, 2, 4, 9}[r.IntN(4)]]
	}
	return fmt.Sprintf("site-%d", r.IntN(12))
}

// randomRecord makes n rows of random values.
func randomRecord(r *rand.Rand, mem memory.Allocator, s *arrow.Schema, n int) arrow.Record {
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for range n {
		for i, f := range s.Fields() {
			random(r, b.Field(i), f.Nullable)
		}
	}
	return b.NewRecord()
}

// coded returns rec with all its top-level strings as dictionary arrays, with values in no order, some twice and some
// unused.
func coded(r *rand.Rand, mem memory.Allocator, rec arrow.Record) arrow.Record {
	var fields []arrow.Field
	var cols []arrow.Array
	for i, c := range rec.Columns() {
		f := rec.Schema().Field(i)
		s, ok := c.(*array.String)
		if !ok {
			c.Retain()
		} else {
			f.Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: f.Type}
			values, index := array.NewStringBuilder(mem), array.NewUint32Builder(mem)
			values.Append("unused")
			values.AppendNull()
			for k := range s.Len() {
				switch {
				case s.IsNull(k) && r.IntN(2) == 0:
					index.Append(1)
				case s.IsNull(k):
					index.AppendNull()
				default:
					at := -1
					for j := 2; j < values.Len() && r.IntN(10) > 0; j++ {
						if values.Value(j) == s.Value(k) {
							at = j
							break
						}
					}
					if at < 0 {
						at = values.Len()
						values.Append(s.Value(k))
					}
					index.Append(uint32(at))
				}
			}
			v, x := values.NewArray(), index.NewArray()
			c = array.NewDictionaryArray(f.Type, x, v)
			v.Release()
			x.Release()
			values.Release()
			index.Release()
		}
		fields = append(fields, f)
		cols = append(cols, c)
	}
	out := array.NewRecord(arrow.NewSchema(fields, nil), cols, rec.NumRows())
	for _, c := range cols {
		c.Release()
	}
	return out
}
