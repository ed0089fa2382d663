package batch_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
)

var takeSchema = arrow.NewSchema([]arrow.Field{
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "c", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "n", Type: arrow.PrimitiveTypes.Int64},
	{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64), Nullable: true},
	{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), Nullable: true},
	{Name: "st", Type: arrow.StructOf(
		arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "b", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}), Nullable: true},
	{Name: "dec", Type: &arrow.Decimal128Type{Precision: 20, Scale: 2}, Nullable: true},
	{Name: "bo", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_ms, Nullable: true},
	{Name: "d", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "bi", Type: arrow.BinaryTypes.Binary, Nullable: true},
}, nil)

const takeRows = `[
{"n":0,"s":"x","c":"p","i":1,"l":[1,2],"m":[{"key":"k","value":1}],"st":{"a":1,"b":["q"]},"dec":"1.25","bo":true,"ts":1000,"d":5,"bi":"aGk="},
{"n":1},
{"n":2,"s":"zz","c":"q","l":[],"st":{"a":null,"b":[]},"dec":"7.25","bo":false},
{"n":3,"c":"p","i":4,"l":[null,3],"m":[],"bo":true,"bi":"eA=="},
{"n":4,"s":"","c":"r","st":{"b":["u","v"]}}]`

// Each taken row reads as it did, for whole records and for slices of them.
func TestTake(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	whole, _, err := array.RecordFromJSON(mem, takeSchema, strings.NewReader(takeRows))
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Release()
	for from := range 5 {
		rec := whole.NewSlice(int64(from), 5)
		r := rand.New(rand.NewPCG(1, uint64(from)))
		for n := range 8 {
			rows := make([]uint32, n)
			for i := range rows {
				rows[i] = uint32(r.IntN(5 - from))
			}
			got, err := batch.Take(rec, rows, mem)
			if err != nil {
				t.Fatal(err)
			}
			for c := range takeSchema.Fields() {
				for i, row := range rows {
					if g, w := got.Column(c).ValueStr(i), rec.Column(c).ValueStr(int(row)); g != w {
						t.Errorf("column %s, row %d of slice from %d: got %s, want %s", takeSchema.Field(c).Name, row, from, g, w)
					}
				}
			}
			got.Release()
		}
		rec.Release()
	}
}

// Null leaves nothing of the values that it takes out, and all of the others.
func TestNull(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	whole, _, err := array.RecordFromJSON(mem, takeSchema, strings.NewReader(takeRows))
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Release()
	for from := range 5 {
		rec := whole.NewSlice(int64(from), 5)
		n := 5 - from
		for mask := range 1 << n {
			at := make([]bool, n)
			for i := range at {
				at[i] = mask>>i&1 == 1
			}
			for c, f := range takeSchema.Fields() {
				got, err := batch.Null(rec.Column(c), at, mem)
				if err != nil {
					t.Fatal(err)
				}
				nulls := 0
				for i := range n {
					want := rec.Column(c).ValueStr(i)
					if at[i] {
						want = array.NullValueStr
					}
					if got.ValueStr(i) != want {
						t.Errorf("column %s, row %d of slice from %d: got %s, want %s", f.Name, i, from, got.ValueStr(i), want)
					}
					if got.IsNull(i) {
						nulls++
					}
				}
				if got.NullN() != nulls {
					t.Errorf("column %s: %d nulls, says %d", f.Name, nulls, got.NullN())
				}
				if s, ok := got.(*array.String); ok && mask == 1<<n-1 && len(s.ValueBytes()) > 0 {
					t.Errorf("column %s: %q is left", f.Name, s.ValueBytes())
				}
				got.Release()
			}
		}
		rec.Release()
	}
}
