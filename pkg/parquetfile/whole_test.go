package parquetfile

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"
)

// Whole numbers are written as deltas where that is smaller, and plain where a column mixes lengths; either comes back.
func TestWholeNumbers(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name  string
		value func(i int64) int64
		want  format.Encoding
	}{
		{"times", func(i int64) int64 { return 1_700_000_000_000 + 900*i + r.Int64N(1000) }, format.DeltaBinaryPacked},
		{"random", func(int64) int64 { return r.Int64() }, format.DeltaBinaryPacked},
		{"mixed", func(int64) int64 { return r.Int64N(1 << (7 * r.IntN(7))) }, format.Plain},
	} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, s)
		var values []int64
		for i := range int64(40_000) {
			values = append(values, c.value(i))
		}
		b.Field(0).(*array.Int64Builder).AppendValues(values, nil)
		rec := b.NewRecord()
		b.Release()
		file := write(t, s, Options{}, nil, rec)
		f, err := Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		// The first page of a chunk may have been tried with a dictionary, which no column here deserves.
		found := false
		for _, e := range f.meta.Groups[0].Columns[0].Meta.Encodings {
			found = found || e == c.want
			if e == format.RLEDictionary || e != c.want && (e == format.Plain || e == format.DeltaBinaryPacked) {
				t.Errorf("%s: written as %v", c.name, e)
			}
		}
		if !found {
			t.Errorf("%s: not written as %v", c.name, c.want)
		}
		at := 0
		for got, err := range f.Records(t.Context(), s, memory.DefaultAllocator) {
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range got.Column(0).(*array.Int64).Int64Values() {
				if v != values[at] {
					t.Fatalf("%s: value %d is %d, not %d", c.name, at, v, values[at])
				}
				at++
			}
			got.Release()
		}
		if at != len(values) {
			t.Errorf("%s: %d values of %d", c.name, at, len(values))
		}
		rec.Release()
	}
}
