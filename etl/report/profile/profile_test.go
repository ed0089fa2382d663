package profile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// of profiles an array that build makes.
func of(t *testing.T, kind arrow.DataType, build func(array.Builder)) Summary {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewBuilder(mem, kind)
	defer b.Release()
	build(b)
	a := b.NewArray()
	defer a.Release()
	c := New(kind)
	c.Add(a, a.Len())
	return c.Summary()
}

func TestSummary(t *testing.T) {
	long := strings.Repeat("é", 200)
	for _, c := range []struct {
		name  string
		kind  arrow.DataType
		build func(array.Builder)
		want  Summary
	}{
		{"nothing", arrow.BinaryTypes.String, func(array.Builder) {}, Summary{Exact: true}},
		{"nulls", arrow.PrimitiveTypes.Float64, func(b array.Builder) { b.AppendNulls(3) }, Summary{Rows: 3, Nulls: 3, Exact: true}},
		{"strings", arrow.BinaryTypes.String, func(b array.Builder) {
			b.(*array.StringBuilder).AppendValues([]string{"b", "a", "b", "c", ""}, []bool{true, true, true, true, false})
		}, Summary{Rows: 5, Nulls: 1, Distinct: 3, Exact: true, Min: "a", Max: "c", Top: []Value{{"b", 2}, {"a", 1}, {"c", 1}}}},
		{"all different", arrow.BinaryTypes.String, func(b array.Builder) {
			b.(*array.StringBuilder).AppendValues([]string{"b", "a"}, nil)
		}, Summary{Rows: 2, Distinct: 2, Exact: true, Min: "a", Max: "b"}},
		{"long strings", arrow.BinaryTypes.String, func(b array.Builder) {
			b.(*array.StringBuilder).AppendValues([]string{long, "a", long}, nil)
		}, Summary{Rows: 3, Distinct: 2, Min: "a", Max: strings.Repeat("é", 128) + "…"}},
		{"dictionary", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}, func(b array.Builder) {
			d := b.(*array.BinaryDictionaryBuilder)
			for _, s := range []string{"x", "y", "x"} {
				if err := d.AppendString(s); err != nil {
					panic(err)
				}
			}
			d.AppendNull()
		}, Summary{Rows: 4, Nulls: 1, Distinct: 2, Exact: true, Min: "x", Max: "y", Top: []Value{{"x", 2}, {"y", 1}}}},
		{"bigints", arrow.PrimitiveTypes.Int64, func(b array.Builder) {
			b.(*array.Int64Builder).AppendValues([]int64{-1, 5, -1, math.MaxInt64}, nil)
		}, Summary{
			Rows: 4, Distinct: 3, Exact: true, Min: "-1", Max: "9223372036854775807", Top: []Value{{"-1", 2}, {"5", 1}, {"9223372036854775807", 1}},
			Histogram: binsOf(1<<59, -1, 17, map[int]int64{0: 2, 1: 1, 17: 1}),
		}},
		{"doubles", arrow.PrimitiveTypes.Float64, func(b array.Builder) {
			b.(*array.Float64Builder).AppendValues([]float64{0.5, math.Copysign(0, -1), 0, math.NaN(), math.Inf(1), 0.5}, nil)
		}, Summary{
			Rows: 6, Distinct: 4, Exact: true, Min: "0", Max: "0.5", NonFinite: 2, Top: []Value{{"0", 2}, {"0.5", 2}, {"+Inf", 1}, {"NaN", 1}},
			Histogram: binsOf(1./32, 0, 16, map[int]int64{0: 2, 16: 2}),
		}},
		{"floats", arrow.PrimitiveTypes.Float32, func(b array.Builder) {
			b.(*array.Float32Builder).AppendValues([]float32{0.1, 0.1}, nil)
		}, Summary{Rows: 2, Distinct: 1, Exact: true, Min: "0.1", Max: "0.1", Top: []Value{{"0.1", 2}}}},
		{"booleans", arrow.FixedWidthTypes.Boolean, func(b array.Builder) {
			b.(*array.BooleanBuilder).AppendValues([]bool{true, false, true}, nil)
		}, Summary{Rows: 3, Distinct: 2, Exact: true, Top: []Value{{"true", 2}, {"false", 1}}}},
		{"dates", arrow.FixedWidthTypes.Date32, func(b array.Builder) {
			b.(*array.Date32Builder).AppendValues([]arrow.Date32{-1, 0}, nil)
		}, Summary{Rows: 2, Distinct: 2, Exact: true, Min: "1969-12-31", Max: "1970-01-01", Histogram: binsOf(1, -1, 1, map[int]int64{0: 1, 1: 1})}},
		{"times", arrow.FixedWidthTypes.Timestamp_ms, func(b array.Builder) {
			b.(*array.TimestampBuilder).AppendValues([]arrow.Timestamp{0, 1500}, nil)
		}, Summary{Rows: 2, Distinct: 2, Exact: true, Min: "1970-01-01", Max: "1970-01-01 00:00:01.500", Histogram: binsOf(64, 0, 23, map[int]int64{0: 1, 23: 1})}},
		{"decimals", &arrow.Decimal128Type{Precision: 9, Scale: 2}, func(b array.Builder) {
			b.(*array.Decimal128Builder).AppendValues([]decimal128.Num{decimal128.FromI64(-150), decimal128.FromI64(250), decimal128.FromI64(-150)}, nil)
		}, Summary{
			Rows: 3, Distinct: 2, Exact: true, Min: "-1.50", Max: "2.50", Top: []Value{{"-1.50", 2}, {"2.50", 1}},
			Histogram: binsOf(1./4, -6, 16, map[int]int64{0: 2, 16: 1}),
		}},
		{"lists", arrow.ListOf(arrow.PrimitiveTypes.Int64), func(b array.Builder) {
			l := b.(*array.ListBuilder)
			l.Append(true)
			l.AppendNull()
			l.Append(true)
			l.ValueBuilder().(*array.Int64Builder).AppendValues([]int64{1, 2}, nil)
		}, Summary{Rows: 3, Nulls: 1, Distinct: -1, Min: "0", Max: "2", Histogram: binsOf(1, 0, 2, map[int]int64{0: 1, 2: 1})}},
		{"binaries", arrow.BinaryTypes.Binary, func(b array.Builder) {
			b.(*array.BinaryBuilder).Append([]byte{1})
			b.AppendNull()
		}, Summary{Rows: 2, Nulls: 1, Distinct: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, of(t, c.kind, c.build)); d != "" {
				t.Error(d)
			}
		})
	}
}

// binsOf are the bins of a width from number first on, up to that of number first+last.
func binsOf(width float64, first, last int, counts map[int]int64) []Bin {
	var out []Bin
	for i := range last + 1 {
		lo := float64(first+i) * width
		out = append(out, Bin{lo, lo + width, counts[i]})
	}
	return out
}

// TestHistogram: random numbers, in any order, give the same bins, which hold what they say.
func TestHistogram(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		scale, offset := math.Pow(10, float64(r.IntN(40)-20)), math.Pow(10, float64(r.IntN(12)))*(r.Float64()-0.5)
		values := make([]float64, 1+r.IntN(200))
		for i := range values {
			values[i] = r.NormFloat64()*scale + offset
			if r.IntN(20) == 0 {
				values[i] = 0
			}
			if round%2 == 0 {
				values[i] = math.Round(values[i])
			}
		}
		var first []Bin
		for range 3 {
			h := histogram{whole: round%2 == 0}
			for _, v := range values {
				h.add(v, 1)
			}
			got := h.result()
			if first == nil {
				first = got
			}
			if d := cmp.Diff(first, got); d != "" {
				t.Fatalf("round %d: another order gives other bins: %s", round, d)
			}
			r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		}
		if len(first) == 0 {
			if slices.Min(values) != slices.Max(values) {
				t.Fatalf("round %d: no bins", round)
			}
			continue
		}
		if len(first) > maxBins || first[0].Count == 0 || first[len(first)-1].Count == 0 {
			t.Fatalf("round %d: bins %v", round, first)
		}
		for _, b := range first {
			n := int64(0)
			for _, v := range values {
				if v >= b.Lo && v < b.Hi {
					n++
				}
			}
			if n != b.Count {
				t.Fatalf("round %d: bin %v holds %d", round, b, n)
			}
		}
	}
}

// TestDistinct: exact up to a number of values, then within four standard errors; whatever the order.
func TestDistinct(t *testing.T) {
	for _, n := range []int{1, maxExact, maxExact + 1, 20_000, 200_000} {
		got := of(t, arrow.BinaryTypes.String, func(b array.Builder) {
			for i := range n {
				b.(*array.StringBuilder).Append(fmt.Sprint("value ", i))
			}
		})
		if off := math.Abs(float64(got.Distinct)/float64(n) - 1); off > 0.0325 || got.Exact != (n <= maxExact) || got.Exact && off != 0 {
			t.Errorf("%d values: %d distinct, exact %v", n, got.Distinct, got.Exact)
		}
	}
}

func BenchmarkColumn(b *testing.B) {
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range 1 << 16 {
		builder.Append(int64(i * 7919 % 50021))
	}
	a := builder.NewArray()
	b.SetBytes(int64(a.Len()) * 8)
	for b.Loop() {
		c := New(a.DataType())
		c.Add(a, a.Len())
	}
}
