package etl

import (
	"slices"

	"datalake/pkg/commitlog"
	"datalake/pkg/schema"
)

// sourceCounts are the numbers of one source of a run. Map makes the first part, resolve and write the second.
type sourceCounts struct {
	in, rejected, rescued, duplicateKeys, floored, sourceDiffers int64
	rules, checks, rescuedBy                                     map[string]int64

	out, duplicates, replaced int64
	withdrawn                 int64 // from the quarantine, by a backfill
	files, partitions         int
	bytesOut                  int64
	newColumns                []schema.Column
}

func newCounts() *sourceCounts {
	return &sourceCounts{rules: map[string]int64{}, checks: map[string]int64{}, rescuedBy: map[string]int64{}}
}

// add adds what a worker counted in the map step.
func (c *sourceCounts) add(d *sourceCounts) {
	c.in += d.in
	c.rejected += d.rejected
	c.rescued += d.rescued
	c.duplicateKeys += d.duplicateKeys
	c.floored += d.floored
	c.sourceDiffers += d.sourceDiffers
	addTo(c.rules, d.rules)
	addTo(c.checks, d.checks)
	addTo(c.rescuedBy, d.rescuedBy)
}

func addTo(to, from map[string]int64) {
	for k, n := range from {
		to[k] += n
	}
}

// redo forgets what resolve and write counted, before they are done again on another base.
func (c *sourceCounts) redo() {
	c.out, c.duplicates, c.replaced, c.files, c.partitions, c.bytesOut = 0, 0, 0, 0, 0, 0
}

// logged gives the numbers as the log keeps them.
func (c *sourceCounts) logged() commitlog.Counts {
	l := commitlog.Counts{
		In: c.in, Out: c.out, Duplicates: c.duplicates, Quarantined: c.rejected, Replaced: c.replaced, Withdrawn: c.withdrawn, Rescued: c.rescued,
		BytesOut: c.bytesOut, Files: int64(c.files), Rules: c.rules, Checks: c.checks, Notes: map[string]int64{},
	}
	for name, n := range map[string]int64{"duplicate_keys": c.duplicateKeys, "floored": c.floored, "source_differs": c.sourceDiffers} {
		if n > 0 {
			l.Notes[name] = n
		}
	}
	for path, n := range c.rescuedBy {
		l.Notes["rescued:"+path] = n
	}
	return l
}

func (c *sourceCounts) table(source string) Table {
	return Table{
		Source: source, Name: "processed_" + source, RecordsIn: c.in, RecordsOut: c.out, Duplicates: c.duplicates,
		Quarantined: c.rejected, Replaced: c.replaced, Rescued: c.rescued, Partitions: c.partitions, Files: c.files,
		Rules: c.rules, Checks: c.checks, RescuedBy: c.rescuedBy, NewColumns: c.newColumns,
		DuplicateKeys: c.duplicateKeys, Floored: c.floored, SourceDiffers: c.sourceDiffers,
	}
}

// inputCounts are the numbers of one object.
type inputCounts struct {
	records, rejects int64
	partitions       numbers  // that its rows went to
	rejecting        []string // sources whose quarantine took records of it
}

// numbers is a set of numbers that mostly come in runs and are few: most objects feed one partition.
type numbers struct {
	list []uint32 // some twice, until sorted
	next int      // the length at which those are taken out
}

func (s *numbers) add(n uint32) {
	if l := len(s.list); l > 0 && s.list[l-1] == n {
		return
	}
	if len(s.list) >= max(s.next, 16) {
		s.list = s.sorted()
		s.next = 2 * len(s.list)
	}
	s.list = append(s.list, n)
}

// sorted gives the numbers, each once.
func (s *numbers) sorted() []uint32 {
	slices.Sort(s.list)
	s.list = slices.Compact(s.list)
	return s.list
}

func (c *inputCounts) add(d *inputCounts) {
	c.records += d.records
	c.rejects += d.rejects
	for _, n := range d.partitions.sorted() {
		c.partitions.add(n)
	}
	for _, source := range d.rejecting {
		c.reject(source)
	}
}

// reject notes that the quarantine of a source takes a record of the object.
func (c *inputCounts) reject(source string) {
	if !slices.Contains(c.rejecting, source) {
		c.rejecting = append(c.rejecting, source)
	}
}
