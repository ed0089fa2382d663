package segment_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl/segment"
	"datalake/pkg/spill"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "n", Type: arrow.PrimitiveTypes.Int64},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "c", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
}, nil)

func make1(mem memory.Allocator, unit uint64, parts []uint32) segment.Segment {
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	s := segment.Segment{Unit: unit, Partitions: parts}
	for i := range parts {
		n := int64(unit)*10_000 + int64(i)
		b.Field(0).(*array.Int64Builder).Append(n)
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprint("text ", n))
		if err := b.Field(2).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("code ", n%3)); err != nil {
			panic(err)
		}
		s.Numbers = append(s.Numbers, uint32(i))
	}
	s.Record = b.NewRecord()
	return s
}

// What was added comes back by group, in order within a partition, twice, whether it waited in memory or in the file.
func TestStore(t *testing.T) {
	for _, limit := range []int64{0, 70_000, 200_000, 1 << 30} {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		budget, file := spill.NewBudget(limit), spill.NewFile(t.TempDir())
		st := segment.NewStore(budget, file, mem)
		r := rand.New(rand.NewPCG(1, 2))
		type place struct {
			group     segment.Group
			partition uint32
		}
		want, groups := map[place][]string{}, map[segment.Group]bool{}
		units := r.Perm(20)
		sent := map[uint64][]uint32{}
		for _, u := range units {
			parts := make([]uint32, r.IntN(4000))
			for i := range parts {
				parts[i] = uint32(r.IntN(6))
			}
			if u%4 == 0 {
				for i := range parts {
					parts[i] = 3
				}
			}
			sent[uint64(u)] = parts
			if err := st.Add("src", make1(mem, uint64(u), parts), func(p uint32) int { return int(p % 3) }); err != nil {
				t.Fatal(err)
			}
		}
		for u := range uint64(20) {
			for i, p := range sent[u] {
				g := segment.Group{Source: "src", Number: int(p % 3)}
				n := int64(u)*10_000 + int64(i)
				groups[g] = true
				want[place{g, p}] = append(want[place{g, p}], fmt.Sprint(n, p, i, "text ", n, "code ", n%3))
			}
		}
		if limit == 0 && st.Spilled() == 0 || limit == 1<<30 && st.Spilled() != 0 {
			t.Errorf("budget %d: %d bytes spilled", limit, st.Spilled())
		}
		used, spilled := budget.Used(), file.Size()
		if err := st.Evict(); err != nil {
			t.Fatal(err)
		}
		if most := spilled >= 8*used; most && budget.Used() != 0 || !most && budget.Used() != used {
			t.Errorf("budget %d: %d bytes in memory after %d, with %d in the file", limit, budget.Used(), used, spilled)
		}
		if limit == 70_000 && used == 0 {
			t.Error("nothing was evicted")
		}
		if g := st.Groups(); len(g) != len(groups) {
			t.Errorf("groups %v", g)
		}
		for _, some := range [][2]uint32{{0, math.MaxUint32}, {1, 3}, {3, 3}, {4, 9}} {
			got := map[place][]string{}
			for g := range groups {
				for s, err := range st.Read(g, some[0], some[1]) {
					if err != nil {
						t.Fatal(err)
					}
					c := s.Record.Column(2).(*array.Dictionary)
					for i, p := range s.Partitions {
						got[place{g, p}] = append(got[place{g, p}], fmt.Sprint(s.Record.Column(0).(*array.Int64).Value(i), p, s.Numbers[i],
							s.Record.Column(1).(*array.String).Value(i), c.Dictionary().(*array.String).Value(c.GetValueIndex(i))))
					}
					s.Record.Release()
				}
			}
			for g, rows := range want {
				if _, counts := st.Size(g.group); counts[g.partition] != int64(len(rows)) {
					t.Errorf("%v has %d rows, not %d", g, counts[g.partition], len(rows))
				}
				if g.partition < some[0] || g.partition > some[1] {
					rows = nil
				}
				if !slices.Equal(got[g], rows) {
					t.Errorf("budget %d, %v: %d rows that differ from %d", limit, g, len(got[g]), len(rows))
				}
			}
		}
		st.Release()
		if budget.Used() != 0 {
			t.Errorf("%d bytes still counted", budget.Used())
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		mem.AssertSize(t, 0)
	}
}
