package etl

import (
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl/dedupe"
	"datalake/etl/partition"
	"datalake/etl/segment"
	"datalake/pkg/commitlog"
	"datalake/pkg/spill"
)

// Each partition of a group is written by one task, with the files of it that lose rows; and a task has many partitions only where
// they may be open together.
func TestDivide(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "f", Type: arrow.PrimitiveTypes.Float64}}, nil)
	r := rand.New(rand.NewPCG(1, 2))
	for _, budget := range []int64{1, 1 << 24, 1 << 40} {
		mem := memory.DefaultAllocator
		st := segment.NewStore(spill.NewBudget(1<<30), nil, mem)
		w := &work{job: Job{Memory: budget, Parallel: 2}, index: partition.NewIndex(), mapped: &mapped{segments: st, losers: dedupe.NewLosers()}}
		const partitions = 40
		rows := map[uint32]int{}
		for unit := range uint64(10) {
			b := array.NewRecordBuilder(mem, schema)
			s := segment.Segment{Unit: unit}
			for row := range uint32(2000) {
				p := r.Uint32N(1 + r.Uint32N(partitions))
				rows[p]++
				b.Field(0).(*array.Float64Builder).Append(r.Float64())
				s.Numbers, s.Partitions = append(s.Numbers, row), append(s.Partitions, p)
			}
			s.Record = b.NewRecord()
			b.Release()
			if err := st.Add("src", s, func(uint32) int { return 0 }); err != nil {
				t.Fatal(err)
			}
		}
		w.written = &written{}
		for n, path := range []string{"p0", "p3", "p3", "only in the table"} {
			w.index.Number("src", path)
			w.written.files = append(w.written.files, tableFile{partition: commitlog.Partition{Path: path}, file: &commitlog.File{Rows: 5, Name: string(rune('a' + n))}})
		}
		tasks := w.divide(segment.Group{Source: "src"}, []int{0, 1, 2, 3})
		switch {
		case budget == 1 && len(tasks) != len(rows), budget == 1<<40 && len(tasks) != 1, budget == 1<<24 && (len(tasks) < 2 || len(tasks) == len(rows)):
			t.Errorf("memory %d: %d tasks for %d partitions", budget, len(tasks), len(rows))
		}
		losing := map[int]int{}
		for _, task := range tasks {
			for _, n := range task.losing {
				losing[n]++
				if p := w.index.Number("src", w.written.files[n].partition.Path); p < task.first || p > task.last {
					t.Errorf("file %d is not of the task's partitions", n)
				}
			}
		}
		if len(losing) != 4 || losing[0]+losing[1]+losing[2]+losing[3] != 4 {
			t.Errorf("files that lose rows, and tasks of each: %v", losing)
		}
		for p := range rows {
			n := 0
			for _, task := range tasks {
				if task.first <= p && p <= task.last {
					n++
				}
			}
			if n != 1 {
				t.Errorf("partition %d is written %d times", p, n)
			}
		}
		st.Release()
	}
}
