package etl

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"datalake/etl/clean"
	"datalake/etl/decode"
	"datalake/etl/dedupe"
	"datalake/etl/infer"
	"datalake/etl/partition"
	"datalake/etl/quarantine"
	"datalake/etl/segment"
	"datalake/pkg/batch"
	"datalake/pkg/schema"
)

// rulePartition sets rows aside with a value, in a partition column, that no path can hold.
const rulePartition = "partition"

// mapper is one worker of the map step: units come in, rows go to segments, keys to buckets, rejects to the quarantine.
type mapper struct {
	run     *mapRun
	decoder *decode.Decoder
	profile *infer.Profile
	doubt   *doubt // nil: there are no guesses
	sender  *dedupe.Sender
	sources map[string]*mapSource
	inputs  map[*batch.Object]*inputCounts
	counts  map[string]*sourceCounts
	keys    []dedupe.Key
	scope   []uint64
}

// mapSource is what a worker has for each source.
type mapSource struct {
	schema      *schema.Schema
	cleaner     *clean.Cleaner // nil: there is nothing to clean
	partitioner *partition.Partitioner
	hasher      *dedupe.Hasher // nil: the source is not deduplicated
	scope       dedupe.Scope
}

func (m *mapper) source(name string) (*mapSource, error) {
	if s := m.sources[name]; s != nil {
		return s, nil
	}
	sch := m.run.schemas.Schema(name)
	s := &mapSource{schema: sch}
	plan, err := m.run.plans.of(sch, m.run.schemas.masks[name])
	if err != nil {
		return nil, err
	}
	if plan != nil {
		s.cleaner = plan.Cleaner(m.run.mem)
	}
	if s.partitioner, err = partition.New(sch, m.run.index); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if !sch.Dedupe.None {
		if s.hasher, err = dedupe.NewHasher(sch, m.run.seed); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		s.scope = dedupe.ScopeOf(sch)
	}
	m.sources[name] = s
	return s, nil
}

func (m *mapper) count(source string) *sourceCounts {
	c := m.counts[source]
	if c == nil {
		c = newCounts()
		m.counts[source] = c
	}
	return c
}

func (m *mapper) input(o *batch.Object) *inputCounts {
	c := m.inputs[o]
	if c == nil {
		c = &inputCounts{}
		m.inputs[o] = c
	}
	return c
}

// span is some rows of a batch.
type span struct{ first, end int }

// objects yields the rows of each object in turn, which follow each other.
func (m *mapper) objects(origins []batch.Origin) iter.Seq2[*inputCounts, span] {
	return func(yield func(*inputCounts, span) bool) {
		for i := 0; i < len(origins); {
			s := span{i, i + 1}
			for s.end < len(origins) && origins[s.end].Object == origins[i].Object {
				s.end++
			}
			if !yield(m.input(origins[i].Object), s) {
				return
			}
			i = s.end
		}
	}
}

// unit takes one unit through the step and gives the number of its records.
func (m *mapper) unit(ctx context.Context, u *batch.Unit) (records int64, err error) {
	began := time.Now()
	out, err := m.decoder.Decode(u)
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, b := range out.Batches {
			if b != nil {
				b.Release()
			}
		}
	}()
	if m.doubt != nil {
		if err := m.doubt.look(u, out); err != nil {
			return 0, err
		}
	}
	for source, c := range out.Counts {
		if m.run.strangeUnit(source, u) {
			continue
		}
		sum := m.count(source)
		records += c.Records
		sum.rescued += c.Rescued
		sum.duplicateKeys += c.DuplicateKeys
		sum.floored += c.Floored
		sum.sourceDiffers += c.SourceDiffers
		addTo(sum.rescuedBy, c.RescuedBy)
	}
	m.run.meter.decode.since(began, u.Bytes(), records)
	rejects := out.Rejects
	unit, rows := dedupe.Unit(u.First, u.Number), 0
	for i, b := range out.Batches {
		out.Batches[i] = nil
		n, more, err := m.batch(ctx, u, unit, rows, b)
		if err != nil {
			return 0, err
		}
		rows += n
		rejects = append(rejects, more...)
	}
	if rows > 0 {
		m.run.losers.Add(unit, rows)
	}
	return records, m.reject(u, out.Lines, rejects)
}

// batch takes the rows of one source from its decoded batch, which it owns, to segments and keys. The first of them has
// the number first in its unit. It gives the number of rows that went on, and the rejects that stages made.
func (m *mapper) batch(ctx context.Context, u *batch.Unit, unit uint64, first int, b *batch.Batch) (rows int, rejects []batch.Reject, err error) {
	defer func() { b.Release() }() // of whatever b is by then
	if any, err := m.mine(b); err != nil || !any {
		return 0, nil, err
	}
	s, err := m.source(b.Source)
	if err != nil {
		return 0, nil, err
	}
	for in, rows := range m.objects(b.Origins) {
		in.records += int64(rows.end - rows.first)
	}
	m.count(b.Source).in += int64(b.NumRows())
	began := time.Now()
	if s.cleaner != nil {
		failed, err := s.cleaner.Apply(b)
		if err != nil {
			return 0, nil, fmt.Errorf("clean %s: %w", b.Source, err)
		}
		addTo(m.count(b.Source).checks, failed)
		m.run.meter.clean.since(began, 0, int64(b.NumRows()))
		began = time.Now()
	}
	for _, stage := range m.run.job.Stages {
		if b, err = stage.Apply(ctx, b); err != nil {
			return 0, nil, &stageError{stage, err}
		}
	}
	if len(m.run.job.Stages) > 0 {
		m.run.meter.stages.since(began, 0, int64(b.NumRows()))
		began = time.Now()
	}
	parts, err := s.partitioner.Assign(b.Record, nil, func(row int, reason string) { b.Reject(row, rulePartition, reason) })
	if err != nil {
		return 0, nil, err
	}
	if len(b.Rejected) > 0 {
		if rejects, parts, err = m.split(u, b, parts); err != nil {
			return 0, nil, err
		}
	}
	if s.hasher != nil {
		if err := m.sendKeys(s, b, parts, dedupe.New(unit, first)); err != nil {
			return 0, nil, err
		}
	}
	for in, rows := range m.objects(b.Origins) {
		for _, p := range parts[rows.first:rows.end] {
			in.partitions.add(p)
		}
	}
	rows = b.NumRows()
	m.run.meter.keys.since(began, 0, int64(rows))
	if first+rows > dedupe.MaxRows {
		return 0, nil, fmt.Errorf("a chunk has more than %d records", dedupe.MaxRows)
	}
	numbers := make([]uint32, rows)
	for i := range numbers {
		numbers[i] = uint32(first + i)
	}
	seg := segment.Segment{Unit: unit, Record: b.Record, Numbers: numbers, Partitions: parts}
	b.Record = nil // the segments' now
	began = time.Now()
	err = m.run.segments.Add(b.Source, seg, m.run.group)
	m.run.meter.segments.since(began, 0, int64(rows))
	return rows, rejects, err
}

// sendKeys fills _key where the table has it and sends the keys of all rows, the first of which is row.
func (m *mapper) sendKeys(s *mapSource, b *batch.Batch, parts []uint32, row dedupe.Row) error {
	combined, err := s.hasher.Combined(b.Record, m.run.mem)
	if err != nil {
		return err
	}
	if combined != nil {
		b.SetColumn(s.schema.ByRole(schema.Key), combined)
	}
	if m.scope, err = s.scope.Rows(b.Record, func(i int) uint64 { return m.run.index.Get(parts[i]).Hash }, m.scope[:0]); err != nil {
		return err
	}
	if m.keys, err = s.hasher.Keys(b.Record, m.scope, row, m.keys[:0]); err != nil {
		return err
	}
	return m.sender.Send(m.keys)
}

// split takes the rejected rows out of a batch.
func (m *mapper) split(u *batch.Unit, b *batch.Batch, parts []uint32) (rejects []batch.Reject, left []uint32, err error) {
	out := map[int]bool{}
	for _, r := range b.Rejected {
		if out[r.Row] {
			continue
		}
		out[r.Row] = true
		o := b.Origins[r.Row]
		rejects = append(rejects, batch.Reject{
			Origin: o, Source: b.Source, Line: lineOf(u, o), Rule: r.Rule, Reason: r.Reason, Record: true, Payload: bytes.Clone(b.Raw[r.Row]),
		})
		// It was counted as a row, and reject counts it again.
		m.input(o.Object).records--
		m.count(b.Source).in--
	}
	rows := make([]uint32, 0, len(parts))
	origins := make([]batch.Origin, 0, len(parts))
	for i := range parts {
		if !out[i] {
			rows, origins, left = append(rows, uint32(i)), append(origins, b.Origins[i]), append(left, parts[i])
		}
	}
	rec, err := batch.Take(b.Record, rows, m.run.mem)
	if err != nil {
		return nil, nil, err
	}
	b.Record.Release()
	b.Record, b.Origins, b.Raw, b.Rejected = rec, origins, nil, nil
	return rejects, left, nil
}

// lineOf is the line of a record as decode counts lines.
func lineOf(u *batch.Unit, o batch.Origin) int64 {
	for i := range u.Chunks {
		c := &u.Chunks[i]
		if at := o.Offset - c.Offset; c.Object == o.Object && at >= 0 && at < int64(len(c.Data)) {
			return max(c.Line, 1) + int64(bytes.Count(c.Data[:at], []byte{'\n'}))
		}
	}
	return 0
}

// reject counts the rejects of a unit and puts them into the quarantine, without what is masked.
func (m *mapper) reject(u *batch.Unit, lines []int64, rejects []batch.Reject) error {
	rejects = slices.DeleteFunc(rejects, func(r batch.Reject) bool { return m.run.strange(r.Source, r.Object) })
	for i := range rejects {
		r := &rejects[i]
		m.run.schemas.hide(r)
		c := m.input(r.Object)
		c.records++
		c.rejects++
		c.reject(r.Source)
		sum := m.count(r.Source)
		sum.in++
		sum.rejected++
		sum.rules[r.Rule]++
	}
	chunk := quarantine.WholeObject
	for i := range u.Chunks {
		c := &u.Chunks[i]
		if c.Line == 0 {
			chunk = u.Number
		}
		// The first chunk of a large object knows its line, and those after it count from its end.
		if c.Line == 0 || c.Lines && u.Number == 0 && c.Object.Size > int64(len(c.Data)) {
			m.run.lines.Note(c.Object, u.Number, lines[i])
		}
	}
	return m.run.rejects.Add(rejects, chunk)
}
