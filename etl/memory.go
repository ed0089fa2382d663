package etl

import (
	"cmp"
	"maps"
	"slices"

	"datalake/etl/segment"
)

// How Memory is shared out. What is held at a time is at most about half of it, so that the other half is enough for the garbage
// collector, which cmd/etl lets grow the heap by half, for stacks and for the program itself.
//
//	1/16   rows, keys and rejects that wait between the steps; beyond it they go to temporary files
//	1/16   free buffers of batches, to be used again
//	1/16   the filter of a run's keys, where the table has files
//	1/8    tables of the resolve step
//	1/8    open files of the write step, without
//	1/64   their finished pages, and finished files that wait to be put; beyond it they go to temporary files
//
// The resolve and the write step are never at work at once. What units of raw text take is a matter of Parallel: some 9 MiB of text for each at most, and more
// where records are large.

// waiting is the share of what waits, of free buffers, and of the filter.
func (j Job) waiting() int64 { return j.Memory / 16 }

// keys is how many distinct keys a goroutine of the resolve step holds at a time, at 50 bytes each.
func (j Job) keys() int64 { return j.Memory / 8 / int64(j.Parallel) / 50 }

// open is the share of the files that one goroutine of the write step has open.
func (j Job) open() int64 { return j.Memory / 8 / int64(j.Parallel) }

// pages asks for memory for finished pages and files, or gives some back; see write.Options.Keep.
func (w *work) pages(n int64) bool {
	if w.finished.Take(n) || n < 0 {
		return true
	}
	w.finished.Take(-n)
	return false
}

// task is what the write step does at a time: a group, or some partitions of it, where all would be too many files at once.
type task struct {
	segment.Group
	first, last uint32 // partitions of the group
	losing      []int  // files of the base that lose rows
	bytes       int64  // of the run's rows, about
}

// pageRows is how many rows a file takes until its first pages are encoded; before that they are held as they are.
const pageRows = 16 << 10

// tasks are the tasks of all groups, the largest first, so that no core waits for the last. No file that is written depends on how
// groups are divided.
func (w *work) tasks() []task {
	losing := w.losing()
	groups := w.mapped.segments.Groups()
	for g := range losing {
		if !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	var all []task
	for _, g := range groups {
		all = append(all, w.divide(g, losing[g])...)
	}
	slices.SortStableFunc(all, func(a, b task) int { return cmp.Compare(b.bytes, a.bytes) })
	return all
}

// divide makes the tasks of a group: its partitions in their order, as many at a time as may be open.
func (w *work) divide(g segment.Group, losing []int) []task {
	bytes, rows := w.mapped.segments.Size(g)
	total := int64(0)
	for _, n := range rows {
		total += n
	}
	if rows == nil {
		rows = map[uint32]int64{}
	}
	files := map[uint32][]int{}
	for _, n := range losing {
		f := w.written.files[n]
		p := w.index.Number(g.Source, f.partition.Path)
		files[p] = append(files[p], n)
		rows[p] += f.file.Rows
	}
	perRow := int64(64)
	if total > 0 {
		perRow += bytes / total
	}
	numbers := slices.Sorted(maps.Keys(rows))
	var tasks []task
	for from := 0; from < len(numbers); {
		t, open, to := task{Group: g}, int64(0), from
		for ; to < len(numbers); to++ {
			n := rows[numbers[to]]
			need := 2 * perRow * min(n, pageRows) // twice for the dictionaries that are tried on the first pages
			if to > from && open+need > w.job.open() {
				break
			}
			open += need
			t.losing = append(t.losing, files[numbers[to]]...)
			t.bytes += perRow * n
		}
		t.first, t.last = numbers[from], numbers[to-1]
		tasks = append(tasks, t)
		from = to
	}
	return tasks
}
