package parquetfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/parquetfile/internal/dict"
	"datalake/pkg/parquetfile/internal/encode"
)

// sensors are rows like those of a fleet of devices: an id of its own each, two times, two coded strings, three
// measures that repeat, a status, and two columns that are nearly always alike.
func sensors(t testing.TB, n int, asDictionary bool) arrow.Record {
	s := columns(t, "!string", "!timestamp", "!timestamp", "string", "string", "double", "double", "int", "string", "double", "string")
	r := rand.New(rand.NewPCG(7, 7))
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	at := int64(1764000000000)
	for range n {
		at += r.Int64N(80)
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("%016x%04x", r.Uint64(), r.IntN(1<<16)))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(at + r.Int64N(3000)))
		d := r.IntN(500)
		b.Field(3).(*array.StringBuilder).Append(fmt.Sprintf("sensor_%03d", d))
		b.Field(4).(*array.StringBuilder).Append(fmt.Sprintf("plant-%d", d%12))
		b.Field(5).(*array.Float64Builder).Append(math.Round(r.NormFloat64()*600+2100) / 100)
		if r.IntN(20) == 0 {
			b.Field(6).AppendNull()
		} else {
			b.Field(6).(*array.Float64Builder).Append(float64(r.IntN(1000)) / 10)
		}
		b.Field(7).(*array.Int32Builder).Append(int32(r.IntN(101)))
		b.Field(8).(*array.StringBuilder).Append([]string{"ok", "ok", "ok", "warn", "fail"}[r.IntN(5)])
		b.Field(9).(*array.Float64Builder).Append(1)
		b.Field(10).AppendNull()
	}
	rec := b.NewRecord()
	if asDictionary {
		old := rec
		rec = codedFast(rec, 3, 4, 8)
		old.Release()
	}
	return rec
}

// codedFast makes columns dictionary arrays, as a decoder does.
func codedFast(rec arrow.Record, columns ...int) arrow.Record {
	fields, cols := rec.Schema().Fields(), append([]arrow.Array(nil), rec.Columns()...)
	for _, c := range columns {
		var t dict.Texts
		index := array.NewUint32Builder(memory.DefaultAllocator)
		for i := range cols[c].Len() {
			index.Append(uint32(t.Code([]byte(cols[c].(*array.String).Value(i)))))
		}
		fields[c].Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}
		values := array.NewStringBuilder(memory.DefaultAllocator)
		for k := range t.Ends {
			values.Append(string(t.Value(int32(k))))
		}
		cols[c] = array.NewDictionaryArray(fields[c].Type, index.NewArray(), values.NewArray())
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, rec.NumRows())
}

const benchRows = 1 << 18

func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name string
		dict bool
		o    Options
	}{
		{"compact", false, Options{Bloom: []string{"c0"}}},
		{"compact-dictionary", true, Options{Bloom: []string{"c0"}}},
		{"plain-snappy", true, Options{Encoding: Plain, Compression: Snappy}},
	} {
		b.Run(c.name, func(b *testing.B) {
			rec := sensors(b, benchRows, c.dict)
			var rows []uint32
			for i := range uint32(benchRows) {
				rows = append(rows, i)
			}
			sizer := encode.NewSizer(rec.Columns())
			b.SetBytes(sizer.RowBytes(rows))
			b.ReportAllocs()
			for b.Loop() {
				w, err := NewWriter(io.Discard, rec.Schema(), c.o)
				if err != nil {
					b.Fatal(err)
				}
				for at := 0; at < benchRows; at += 4 << 10 {
					if err := w.Append(rec, rows[at:at+4<<10]); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(w.Size())/benchRows, "file-B/row")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
		})
	}
}

// Many files with few rows each, as hours of many sources make them.
func BenchmarkWriteSmallFiles(b *testing.B) {
	for _, rows := range []int{10, 1000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			rec := sensors(b, rows, true)
			plan, err := NewPlan(rec.Schema(), Options{Bloom: []string{"c0"}})
			if err != nil {
				b.Fatal(err)
			}
			batch, err := plan.Batch(rec)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				w := plan.NewWriter(io.Discard)
				if err := w.AppendBatch(batch, nil); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(w.Size()), "file-B")
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	rec := sensors(b, benchRows, false)
	file := write(b, rec.Schema(), Options{}, nil, rec)
	for _, c := range []struct {
		name   string
		fields []int
	}{{"key", []int{0}}, {"key-order", []int{0, 2}}, {"all", nil}} {
		b.Run(c.name, func(b *testing.B) {
			want := rec.Schema()
			if c.fields != nil {
				var f []arrow.Field
				for _, i := range c.fields {
					f = append(f, want.Field(i))
				}
				want = arrow.NewSchema(f, nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				f, err := Open(bytes.NewReader(file), int64(len(file)))
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range f.Records(context.Background(), want, memory.DefaultAllocator) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
		})
	}
}

func BenchmarkWriteNested(b *testing.B) {
	s := columns(b, "struct<a:int,b:string>", "list<double>", "list<struct<a:string,b:bigint>>", "map<string,double>")
	rec := randomRecord(rand.New(rand.NewPCG(8, 8)), memory.DefaultAllocator, s, 20_000)
	b.ReportAllocs()
	for b.Loop() {
		w, err := NewWriter(io.Discard, s, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Append(rec, nil); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20_000, "ns/row")
}

func BenchmarkVerify(b *testing.B) {
	rec := sensors(b, benchRows, false)
	file := write(b, rec.Schema(), Options{}, nil, rec)
	for b.Loop() {
		if _, err := Verify(bytes.NewReader(file), int64(len(file))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}
