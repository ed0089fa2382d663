package write_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl/write"
	"datalake/pkg/parquetfile"
)

var coded = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}

// devices is a record of the columns that most lakes have: an id, two times, coded texts, measures, and columns that hardly
// change.
func devices(rows int, seed uint64) arrow.Record {
	r := rand.New(rand.NewPCG(seed, 9))
	var fields []arrow.Field
	for i, t := range []arrow.DataType{
		arrow.BinaryTypes.String, arrow.FixedWidthTypes.Timestamp_ms, arrow.FixedWidthTypes.Timestamp_ms, coded, coded, coded,
		arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int64, arrow.FixedWidthTypes.Boolean,
		arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String,
	} {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("c%d", i), Type: t, Nullable: i > 2})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range rows {
		for c, f := range b.Fields() {
			switch f := f.(type) {
			case *array.StringBuilder:
				if c == 0 {
					f.Append(fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()))
				} else {
					f.AppendNull()
				}
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(1764000000000 + i*200 + r.IntN(1000)))
			case *array.BinaryDictionaryBuilder:
				if err := f.AppendString(fmt.Sprintf("device_%04d", r.IntN(20<<c))); err != nil {
					panic(err)
				}
			case *array.Float64Builder:
				f.Append(float64(r.IntN(2000)*(10-c)) / 100)
			case *array.Int64Builder:
				f.Append(r.Int64N(100))
			case *array.BooleanBuilder:
				f.Append(r.IntN(2) == 0)
			}
		}
	}
	return b.NewRecord()
}

// BenchmarkPartitions writes the same rows to few partitions and to many, one of which has most of them; the others get a row at
// a time, now and then. This is what a group of a run sees.
func BenchmarkPartitions(b *testing.B) {
	const rows, records = 4000, 25
	var recs []arrow.Record
	for i := range uint64(records) {
		recs = append(recs, devices(rows, i))
	}
	selection := make([]uint32, rows)
	for i := range selection {
		selection[i] = uint32(i)
	}
	for _, c := range []struct {
		partitions, share uint32 // of a hundred rows so many go to the first partition
	}{{20, 5}, {500, 95}, {625, 0}, {10_000, 0}} {
		b.Run(fmt.Sprint(c.partitions), func(b *testing.B) {
			r := rand.New(rand.NewPCG(3, 3))
			parts := make([][]uint32, records)
			for i := range parts {
				for range rows {
					p := r.Uint32N(c.partitions)
					if r.Uint32N(100) < c.share {
						p = 0
					}
					parts[i] = append(parts[i], p)
				}
			}
			b.ReportAllocs()
			files := 0
			for b.Loop() {
				g := write.NewGroup(write.Options{Schema: recs[0].Schema(), Parquet: parquetfile.Options{Bloom: []string{"c0"}}, TempDir: b.TempDir()})
				for i, rec := range recs {
					if err := g.Append(b.Context(), rec, selection, func(row uint32) uint32 { return parts[i][row] }); err != nil {
						b.Fatal(err)
					}
				}
				done, err := g.Finish()
				if err != nil {
					b.Fatal(err)
				}
				for _, f := range done {
					if err := f.Close(); err != nil {
						b.Fatal(err)
					}
				}
				files = len(done)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows/records, "ns/row")
			b.ReportMetric(float64(files), "files")
		})
	}
}
