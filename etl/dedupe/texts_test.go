package dedupe_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl/dedupe"
	"datalake/pkg/commitlog"
	"datalake/pkg/schema"
)

// BenchmarkKeys makes keys of record ids.
func BenchmarkKeys(b *testing.B) {
	const rows = 4096
	rec := ids(rows)
	defer rec.Release()
	h, err := dedupe.NewHasher(tableOf(schema.Dedupe{}), 7)
	if err != nil {
		b.Fatal(err)
	}
	var keys []dedupe.Key
	for b.Loop() {
		if keys, err = h.Keys(rec, nil, 0, keys[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

// Keys of a column of text are the same by the short way as by the general one, which a dictionary goes; and the bounds are those
// of all values.
func TestTexts(t *testing.T) {
	plain := ids(1000)
	defer plain.Release()
	values := plain.Column(0).(*array.String)
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}
	builder := array.NewDictionaryBuilder(memory.DefaultAllocator, typ).(*array.BinaryDictionaryBuilder)
	defer builder.Release()
	for i := range values.Len() {
		if err := builder.AppendString(values.Value(i)); err != nil {
			t.Fatal(err)
		}
	}
	column := builder.NewArray()
	defer column.Release()
	coded := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "record_id", Type: typ}}, nil), []arrow.Array{column}, plain.NumRows())
	defer coded.Release()
	for _, part := range [][2]int64{{0, 1000}, {0, 1}, {300, 310}, {999, 1000}, {5, 5}} {
		var sums []commitlog.Sum
		keysOf := func(rec arrow.Record) ([]dedupe.Key, dedupe.Seen) {
			h, err := dedupe.NewHasher(tableOf(schema.Dedupe{}), 7)
			if err != nil {
				t.Fatal(err)
			}
			rec = rec.NewSlice(part[0], part[1])
			defer rec.Release()
			keys, err := h.Keys(rec, nil, 5, nil)
			if err != nil {
				t.Fatal(err)
			}
			for row := range uint32(rec.NumRows()) {
				sum, err := h.Sum(rec, []uint32{row})
				if err != nil || sum[0] != keys[row].H0 {
					t.Errorf("row %d: sum %x, %v; key %x", row, sum, err, keys[row].H0)
				}
				sums = append(sums, sum)
			}
			return keys, h.Seen()
		}
		a, seenA := keysOf(plain)
		b, seenB := keysOf(coded)
		if !slices.Equal(a, b) || int64(len(a)) != part[1]-part[0] {
			t.Errorf("rows %v: %d and %d keys, not the same", part, len(a), len(b))
		}
		if n := len(sums) / 2; !slices.Equal(sums[:n], sums[n:]) {
			t.Errorf("rows %v: the sums differ", part)
		}
		var all []string
		for i := part[0]; i < part[1]; i++ {
			all = append(all, values.Value(int(i)))
		}
		for _, s := range []dedupe.Seen{seenA, seenB} {
			if s.Rows != int64(len(all)) || len(all) > 0 && (string(s.Least) != slices.Min(all) || string(s.Greatest) != slices.Max(all)) {
				t.Errorf("rows %v: seen %d, from %s to %s", part, s.Rows, s.Least, s.Greatest)
			}
		}
	}
}

func ids(rows int) arrow.Record {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	defer builder.Release()
	for i := range rows {
		builder.Append(fmt.Sprintf("%08x-c22c-328e-16e6-cb5b24d7%04x", uint32(i)*2654435761, i&0xffff))
	}
	column := builder.NewArray()
	defer column.Release()
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "record_id", Type: arrow.BinaryTypes.String}}, nil), []arrow.Array{column}, int64(rows))
}
