package segment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/pool"
)

// randomType draws one of the types that columns have.
func randomType(r *rand.Rand, depth int) arrow.DataType {
	scalars := []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float32,
		arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Timestamp_ms, arrow.BinaryTypes.String,
		arrow.BinaryTypes.Binary, &arrow.Decimal128Type{Precision: 30, Scale: 3},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String},
	}
	if depth == 0 || r.IntN(2) == 0 {
		n := len(scalars)
		if depth < 2 { // nested columns have no dictionaries
			n -= 2
		}
		return scalars[r.IntN(n)]
	}
	switch r.IntN(3) {
	case 0:
		return arrow.ListOf(randomType(r, depth-1))
	case 1:
		return arrow.MapOf(arrow.BinaryTypes.String, randomType(r, depth-1))
	}
	return arrow.StructOf(arrow.Field{Name: "x", Type: randomType(r, depth-1), Nullable: true}, arrow.Field{Name: "y", Type: randomType(r, depth-1), Nullable: true})
}

// appendRandom appends a value; spread says how far numbers lie apart.
func appendRandom(r *rand.Rand, b array.Builder, nulls int, spread int64) {
	if r.IntN(100) < nulls {
		b.AppendNull()
		return
	}
	word := func() string { return fmt.Sprint("w", r.Int64N(spread))[:1+r.IntN(2)] }
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.Int32Builder:
		b.Append(int32(r.Int64N(spread)) - 5)
	case *array.Int64Builder:
		b.Append(r.Int64N(spread) - spread/2)
	case *array.Date32Builder:
		b.Append(arrow.Date32(r.Int64N(spread)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(r.Int64N(spread)))
	case *array.Float32Builder:
		b.Append(r.Float32())
	case *array.Float64Builder:
		b.Append(r.NormFloat64())
	case *array.Decimal128Builder:
		b.Append(decimal128.New(r.Int64(), r.Uint64()))
	case *array.StringBuilder:
		b.Append(word())
	case *array.BinaryBuilder:
		b.Append([]byte(word()))
	case *array.BinaryDictionaryBuilder:
		if err := b.AppendString(word()); err != nil {
			panic(err)
		}
	case *array.MapBuilder:
		b.Append(true)
		for range r.IntN(4) {
			b.KeyBuilder().(*array.StringBuilder).Append(word())
			appendRandom(r, b.ItemBuilder(), nulls, spread)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.IntN(4) {
			appendRandom(r, b.ValueBuilder(), nulls, spread)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			appendRandom(r, b.FieldBuilder(i), nulls, spread)
		}
	default:
		panic(fmt.Sprintf("%T", b))
	}
}

// What is decoded are the rows that were encoded and asked for, whatever their columns, whether they are cut out of larger ones,
// and in how many pieces.
func TestCodec(t *testing.T) {
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 0))
		mem := memory.NewCheckedAllocator(pool.Poisoned(1 << 20))
		fields := make([]arrow.Field, 1+r.IntN(5))
		for i := range fields {
			fields[i] = arrow.Field{Name: fmt.Sprint("c", i), Type: randomType(r, 2), Nullable: true}
		}
		schema := arrow.NewSchema(fields, nil)
		builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		n := r.IntN(300)
		for i := range fields {
			nulls, spread := []int{0, 20, 100}[r.IntN(3)], []int64{1, 100, 30_000, 1 << 20, 1 << 62}[r.IntN(5)]
			for range n {
				appendRandom(r, builder.Field(i), nulls, spread)
			}
		}
		whole := builder.NewRecord()
		builder.Release()
		first, last := uint32(0), uint32(math.MaxUint32)
		if k := r.IntN(3); k < 2 {
			first = uint32(k) * 1000
			last = first + uint32(r.IntN(2))*1000
		}
		type row struct {
			of  arrow.Record
			row uint32
			UnitRows
			number, partition uint32
		}
		var want []row
		d := decoder{mem: mem}
		for range 2 { // the second time with scratch that was used
			want = want[:0]
			d.reset()
			for unit := range uint64(1 + r.IntN(4)) {
				from := r.IntN(n + 1)
				s := Segment{Unit: unit, Record: whole.NewSlice(int64(from), int64(from+r.IntN(n-from+1)))}
				encoded, rows := randomPiece(t, r, &s, first, last)
				for _, i := range rows {
					want = append(want, row{s.Record, i, UnitRows{unit, len(rows)}, s.Numbers[i], s.Partitions[i]})
				}
				defer s.Release()
				if encoded != nil {
					d.add(encoded, unit, first, last)
				}
				if u := d.rows.Units; len(rows) > 0 && u[len(u)-1] != (UnitRows{unit, len(rows)}) {
					t.Fatalf("seed %d: units %v", seed, u)
				}
				if unit == 0 && !joinable(&piece{schema: schema}, &piece{schema: schema}) {
					break
				}
			}
			if len(d.rows.Numbers) != len(want) {
				t.Fatalf("seed %d: %d rows, not %d", seed, len(d.rows.Numbers), len(want))
			}
			if len(want) == 0 {
				continue
			}
			d.record(schema)
			for i := range d.srcs {
				if n := len(d.srcs[i].src); n > 0 {
					t.Errorf("seed %d: %d bytes are left", seed, n)
				}
			}
			if n := len(d.texts); n > 0 {
				t.Errorf("seed %d: %d texts are left", seed, n)
			}
			for i, w := range want {
				if d.rows.Numbers[i] != w.number || d.rows.Partitions[i] != w.partition {
					t.Fatalf("seed %d, row %d: number %d, partition %d", seed, i, d.rows.Numbers[i], d.rows.Partitions[i])
				}
				for c := range fields {
					got, from := d.rows.Record.Column(c), w.of.Column(c)
					if got.ValueStr(i) != from.ValueStr(int(w.row)) || got.IsNull(i) != from.IsNull(int(w.row)) {
						t.Fatalf("seed %d, row %d of %s: %s, not %s", seed, i, fields[c].Type, got.ValueStr(i), from.ValueStr(int(w.row)))
					}
				}
			}
			d.rows.Record.Release()
			mem.AssertSize(t, 0)
		}
		whole.Release()
	}
}

// randomPiece encodes some rows of s, which it gives numbers and partitions. It gives those of the rows that are of partitions from
// first to last; no piece, if there are no rows.
func randomPiece(t *testing.T, r *rand.Rand, s *Segment, first, last uint32) (encoded []byte, rows []uint32) {
	parts := make([]partRows, 1+r.IntN(3))
	for i := range parts {
		parts[i].partition = uint32(i) * 1000
	}
	number, few := uint32(r.IntN(10)), r.IntN(3) == 0
	for i := range uint32(s.Record.NumRows()) {
		p := &parts[r.IntN(len(parts))]
		s.Numbers, s.Partitions = append(s.Numbers, number), append(s.Partitions, p.partition)
		if number++; r.IntN(10) == 0 {
			number += r.Uint32N(100_000)
		}
		if !few || r.IntN(3) == 0 {
			p.rows = append(p.rows, i)
		}
	}
	parts = slices.DeleteFunc(parts, func(p partRows) bool { return len(p.rows) == 0 })
	if len(parts) == 0 {
		return nil, nil
	}
	for _, p := range parts {
		if first <= p.partition && p.partition <= last {
			rows = append(rows, p.rows...)
		}
	}
	var e encoder
	for range 2 { // the second time with scratch that was used
		e.dst = e.dst[:0]
		if err := e.piece(s, parts); err != nil {
			t.Fatal(err)
		}
	}
	return e.dst, rows
}

// BenchmarkCodec is a batch of five columns to a piece and back.
func BenchmarkCodec(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "time", Type: arrow.FixedWidthTypes.Timestamp_ms},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64},
		{Name: "c", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}},
	}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	s := Segment{}
	const n = 1200
	one, third := partRows{partition: 3}, partRows{partition: 3}
	for i := range uint32(n) {
		builder.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("%036x", r.Uint64()))
		for c := 1; c < 5; c++ {
			appendRandom(r, builder.Field(c), 2*(c&2), 1000)
		}
		s.Numbers, s.Partitions, one.rows = append(s.Numbers, i), append(s.Partitions, 3), append(one.rows, i)
		if r.IntN(3) == 0 {
			third.rows = append(third.rows, i)
		}
	}
	s.Record = builder.NewRecord()
	defer s.Release()
	for name, part := range map[string]partRows{"all": one, "third": third} {
		b.Run(name, func(b *testing.B) {
			var e encoder
			d := decoder{mem: pool.New(1 << 20)}
			b.ReportAllocs()
			for b.Loop() {
				e.dst = e.dst[:0]
				if err := e.piece(&s, []partRows{part}); err != nil {
					b.Fatal(err)
				}
				d.reset()
				d.add(e.dst, 0, 0, math.MaxUint32)
				d.record(schema)
				d.rows.Record.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(part.rows)), "ns/row")
			b.ReportMetric(float64(len(e.dst))/float64(len(part.rows)), "B/row")
		})
	}
}
