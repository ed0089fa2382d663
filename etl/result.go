package etl

import (
	"maps"
	"slices"

	"datalake/pkg/batch"
	"datalake/pkg/commitlog"
	"datalake/pkg/process"
)

// told is what the log keeps of the work so far.
func (w *work) told() *commitlog.Work {
	t := &commitlog.Work{PeakMemory: process.PeakMemory(), Spilled: w.spilledBytes()}
	for _, s := range w.meter.steps {
		t.Steps = append(t.Steps, commitlog.Step(s))
	}
	t.Warnings = append(t.Warnings, w.schemas.warnings[:min(len(w.schemas.warnings), commitlog.MaxWarnings)]...)
	return t
}

// spilledBytes went to temporary files so far.
func (w *work) spilledBytes() int64 {
	n := w.spilled
	for _, f := range w.files {
		n += f.Size()
	}
	return n
}

// fill tells the result what was decided.
func (w *work) fill(res *Result) {
	res.Decided, res.RunID = w.seq, w.attempt.ID
	res.Objects, res.BytesIn = len(w.plan.Objects), w.plan.Bytes
	res.Tables, res.Warnings = nil, w.schemas.warnings
	for _, source := range slices.Sorted(maps.Keys(w.mapped.counts)) {
		t := w.mapped.counts[source].table(source)
		t.NewColumns = w.schemas.added[source]
		res.Tables = append(res.Tables, t)
		res.RecordsIn += t.RecordsIn
		res.RecordsOut += t.RecordsOut
		res.Duplicates += t.Duplicates
		res.Quarantined += t.Quarantined
		res.Replaced += t.Replaced
		res.Rescued += t.Rescued
		res.Files += t.Files
		res.Partitions += t.Partitions
	}
	res.Sampled, res.Apart = w.sampled(), w.apart.Load()
	if res.Sampled != nil {
		res.BytesIn = 0
		for _, s := range res.Sampled {
			res.BytesIn += s.Bytes
		}
	}
	res.WaitedBytes = w.waited
	if w.written != nil { // the run came as far
		res.BytesOut = w.written.bytes
	}
	res.SpilledBytes = w.spilledBytes()
}

// head notes how much of an object a sample has read, in this pass as in others.
func (w *work) head(o *batch.Object, begin, bytes int64) {
	w.headsMu.Lock()
	defer w.headsMu.Unlock()
	if w.heads[o] == nil {
		w.heads[o] = map[int64]int64{}
	}
	w.heads[o][begin] = bytes
}

// sampled says what a run on a sample has read; nil: the run is on all.
func (w *work) sampled() (all []Sampled) {
	by := map[string]*Sampled{}
	for _, f := range w.plan.Whole {
		by[f.Source] = &Sampled{Source: f.Source, AllObjects: f.Objects, AllBytes: f.Bytes}
	}
	for _, o := range w.plan.Objects {
		if s := by[o.Source]; s != nil {
			s.Objects++
			for _, n := range w.heads[o] {
				s.Bytes += n
			}
		}
	}
	for _, f := range w.plan.Whole {
		all = append(all, *by[f.Source])
	}
	return all
}

// rowsOut is how many rows the write step has written.
func (w *work) rowsOut() (n int64) {
	for _, c := range w.mapped.counts {
		n += c.out
	}
	return n
}
