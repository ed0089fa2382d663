package etl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"

	"datalake/etl/backfill"
	"datalake/etl/commit"
	"datalake/etl/dedupe"
	"datalake/etl/input"
	"datalake/etl/plan"
	"datalake/pkg/batch"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// ErrGone: raw objects that a backfill needs are not there any more, or are others by now. Nothing was done.
var ErrGone = errors.New("raw objects are gone")

// BackfillOptions say what is made anew: days of a source's table, or all of it.
type BackfillOptions struct {
	// Source whose table it is. Needed.
	Source string
	// From and To are event days, both included. Needed, unless All.
	From, To time.Time
	// All makes the whole table anew, its columns, keys and partitions included, as the first run would by today's lake file.
	All bool
	// DryRun says what would be read and made anew, and does nothing.
	DryRun bool
}

// Backfilled says what a backfill did. RecordsIn are the records that were read again, and those that no run had read before;
// RecordsOut the rows that they made, Replaced those that were there before.
type Backfilled struct {
	Result
	// Reread is how many of Objects had been read before.
	Reread int `json:"objects_read_again"`
	// Wide: all of the source's objects were read, because rows had no successor that others may have lost against.
	Wide bool `json:"wide,omitempty"`
	// Renewed are the partitions of the table that were made anew, and what of the quarantine.
	Renewed []string `json:"renewed"`
	DryRun  bool     `json:"dry_run,omitempty"`
}

// back is what makes work one of a backfill.
type back struct {
	o      BackfillOptions
	plan   *backfill.Plan
	again  []bool // by object index: it was read before
	wide   bool
	reread int64
}

// errLost ends work because rows that were kept have no successor.
var errLost = errors.New("rows without successors")

// Backfill makes partitions of a table anew from their raw objects, by the job's lake file of today, and replaces them, in one entry of
// the log. All objects are read that fed these partitions, that had rows which lost there, or that had records set aside; and those of the
// source's folder that no run has read yet. The quarantine of the source is made anew too. Rows for other partitions come in there unless
// the table has their keys. Where a row that was kept has no successor, another may take its place: then all objects of the source are read.
//
// If an object is missing or has changed, the rows that came from it could not be made again: that is refused (ErrGone). So are days of a
// source whose rows mean something else by now (ErrConfig), which needs all. Other errors are those of Run. Of the job, Source, Since
// and Until mean nothing here.
func Backfill(ctx context.Context, job Job, o BackfillOptions) (*Backfilled, error) {
	if err := job.Validate(); err != nil {
		return nil, err
	}
	switch {
	case o.Source == "":
		return nil, fmt.Errorf("%w: a backfill needs a source", ErrConfig)
	case o.All != (o.From.IsZero() && o.To.IsZero()), !o.All && (o.From.IsZero() || o.To.IsZero()):
		return nil, fmt.Errorf("%w: a backfill is of days, from one to another, or of all", ErrConfig)
	case o.To.Before(o.From):
		return nil, fmt.Errorf("%w: to %s lies before from %s", ErrConfig, o.To.Format(time.DateOnly), o.From.Format(time.DateOnly))
	}
	job = job.withDefaults()
	job.Source, job.Since, job.Until = o.Source, time.Time{}, time.Time{}
	out := &Backfilled{DryRun: o.DryRun}
	err := job.rounds(ctx, &out.Result, func(ctx context.Context, lake commit.Lake, m *meter, _ *Result) error {
		return job.tryBackfill(ctx, lake, m, out, o)
	})
	if _, err := out.Result.or(err); err != nil && out.Decided == 0 {
		return nil, err
	}
	return out, err
}

// tryBackfill makes one attempt.
func (j Job) tryBackfill(ctx context.Context, lake commit.Lake, m *meter, out *Backfilled, o BackfillOptions) error {
	attempt, err := commit.Begin(ctx, lake)
	if err != nil {
		return err
	}
	for wide := false; ; wide = true {
		schemas, err := schemasFor(j, attempt.Base, &o)
		if err != nil {
			return err
		}
		b := &back{o: o, wide: wide}
		p, err := j.planBackfill(ctx, attempt, schemas, b)
		if err != nil {
			return err
		}
		m.end("list", 0, 0)
		out.RunID, out.Warnings, out.Reread, out.Wide = attempt.ID, schemas.warnings, int(b.reread), wide
		out.Renewed = b.renewed()
		if o.DryRun || len(p.Objects) == 0 {
			out.Objects, out.BytesIn, out.Published = len(p.Objects), p.Bytes, !o.DryRun
			return attempt.Abandon(ctx)
		}
		w := newWork(j, lake, attempt, p, schemas, m)
		w.back = b
		err = w.do(ctx, &out.Result)
		if errors.Is(err, errLost) && !wide {
			continue
		}
		var gone *input.ObjectError
		if errors.As(err, &gone) && gone.Gone() {
			return fmt.Errorf("%w: %w", ErrGone, err)
		}
		return err
	}
}

// renewed are the paths of the table's partitions that are made anew.
func (b *back) renewed() []string {
	paths := []string{}
	for p := range b.plan.Partitions {
		if p.Zone == layout.Processed {
			paths = append(paths, p.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// planBackfill lists what is read.
func (j Job) planBackfill(ctx context.Context, attempt *commit.Attempt, schemas *schemas, b *back) (*plan.Plan, error) {
	o := backfill.Options{
		Source: b.o.Source, From: b.o.From, To: b.o.To, All: b.o.All, Wide: b.wide,
		Folder: func(key string) string { return plan.Source(j.Zones.Raw, key) },
	}
	if stored := attempt.Base.Sources[b.o.Source].Schema; stored != nil {
		o.Loose = stored.Dedupe.None && !b.o.All
	}
	lake, err := j.Commits(ctx)
	if err != nil {
		return nil, err
	}
	if b.plan, err = backfill.New(ctx, lake.Log, attempt.Base, o); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	found := map[backfill.Version]bool{}
	if len(schemas.refused) > 0 {
		schemas.warn(fmt.Sprintf("objects that no run has read yet are left to the next run: the lake file gives the rows of %s another meaning, and these objects may hold some",
			strings.Join(schemas.refused, ", ")))
	}
	p, err := j.list(ctx, attempt, schemas, nil, func(key, etag string) bool {
		v := backfill.Version{Key: key, ETag: etag}
		_, is := b.plan.Inputs[v]
		found[v] = found[v] || is
		return is
	})
	if err != nil {
		return nil, err
	}
	var missing []backfill.Version
	rows := int64(0)
	for v, records := range b.plan.Inputs {
		if !found[v] {
			missing = append(missing, v)
			rows += records
		}
	}
	if len(missing) > 0 {
		slices.SortFunc(missing, func(x, y backfill.Version) int { return strings.Compare(x.Key, y.Key) })
		var names []string
		for _, v := range missing[:min(len(missing), 3)] {
			names = append(names, v.Key)
		}
		if n := len(missing) - len(names); n > 0 {
			names = append(names, fmt.Sprintf("and %d more", n))
		}
		return nil, fmt.Errorf("%w: %d of the %d objects to be read again are not there or have changed since: %s. Up to %d records came from them, and their rows could not be made again. Put the objects back as they were (time included), or choose other days",
			ErrGone, len(missing), len(b.plan.Inputs), strings.Join(names, ", "), rows)
	}
	b.again = make([]bool, len(p.Objects))
	for i, o := range p.Objects {
		if _, b.again[i] = b.plan.Inputs[backfill.Version{Key: o.Key, ETag: o.ETag}]; b.again[i] {
			b.reread++
		}
	}
	if b.reread < int64(len(b.plan.Inputs)) {
		return nil, fmt.Errorf("%w: a backfill reads %d objects at once, %d are allowed: choose fewer days", ErrConfig, len(b.plan.Inputs), dedupe.MaxObjects)
	}
	return p, nil
}

// renews says whether a partition of the base is made anew: none of its rows stays.
func (w *work) renews(p commitlog.Partition) bool { return w.back != nil && w.back.plan.Partitions[p] }

// strange says whether records of an object are none of a backfill's: of another source, whose table has had them since the object
// was read first.
func (w *work) strange(source string, o *batch.Object) bool {
	return w.back != nil && source != w.back.o.Source && w.back.again[o.Index]
}

// strangeUnit says whether all that a unit has of a source is.
func (w *work) strangeUnit(source string, u *batch.Unit) bool {
	return w.back != nil && !slices.ContainsFunc(u.Chunks, func(c batch.Chunk) bool { return !w.strange(source, c.Object) })
}

// mine leaves out of a batch what is none of a backfill's; any: something is left.
func (m *mapper) mine(b *batch.Batch) (any bool, err error) {
	if m.run.back == nil || b.Source == m.run.back.o.Source {
		return true, nil
	}
	var rows []uint32
	var origins []batch.Origin
	var raw [][]byte
	for i, o := range b.Origins {
		if m.run.strange(b.Source, o.Object) {
			continue
		}
		rows, origins = append(rows, uint32(i)), append(origins, o)
		if b.Raw != nil {
			raw = append(raw, b.Raw[i])
		}
	}
	if len(rows) == 0 || len(rows) == len(b.Origins) {
		return len(rows) > 0, nil
	}
	rec, err := batch.Take(b.Record, rows, m.run.mem)
	if err != nil {
		return false, err
	}
	b.Record.Release()
	b.Record, b.Origins, b.Raw = rec, origins, raw
	return true, nil
}

// lostKeys ends the work of a backfill with errLost if a row that is made anew has no successor. Where the scope of a key is a partition,
// what lost against it is among what is read already; in a table without dedupe nothing lost.
func (w *work) lostKeys(ctx context.Context) (err error) {
	if w.back == nil || w.back.wide || w.back.o.All {
		return nil
	}
	s := w.schemas.Schema(w.back.o.Source)
	if s == nil || s.Dedupe.None || dedupe.ScopeOf(s).Partition {
		return nil
	}
	old := dedupe.NewBuckets(w.budget, w.tempFile())
	defer old.Release()
	sender := dedupe.NewSender(old)
	hasher, err := dedupe.NewHasher(s, w.seed)
	if err != nil {
		return err
	}
	var seen []rowSet
	total := int64(0)
	for _, path := range w.back.renewed() {
		p := commitlog.Partition{Zone: layout.Processed, Path: path}
		c := w.attempt.Base.Partitions[p]
		for i := range c.Files {
			if err := w.sendFile(ctx, tableFile{p, c, &c.Files[i]}, s, hasher, len(seen), sender); err != nil {
				return err
			}
			seen = append(seen, make(rowSet, (c.Files[i].Rows+63)/64))
			total += c.Files[i].Rows
		}
	}
	if err := sender.Flush(); err != nil {
		return err
	}
	var mu sync.Mutex
	err = dedupe.Resolve(ctx, w.mapped.keys, old, w.job.Parallel, w.job.keys(), func(loser, kept dedupe.Row) {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range []dedupe.Row{loser, kept} {
			if !r.IsNew() {
				file, row := r.File()
				seen[file][row/64] |= 1 << (row % 64)
			}
		}
	})
	for _, rows := range seen {
		total -= rows.len()
	}
	if err == nil && total > 0 {
		err = errLost
	}
	return err
}

// rowSet has a bit for each row of a file.
type rowSet []uint64

func (s rowSet) len() (n int64) {
	for _, word := range s {
		n += int64(bits.OnesCount64(word))
	}
	return n
}

// sendFile sends the keys of a file.
func (w *work) sendFile(ctx context.Context, f tableFile, s *schema.Schema, h *dedupe.Hasher, number int, sender *dedupe.Sender) (err error) {
	r, p, err := f.open(ctx, w.job.Zones.Processed.Store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return fileKeys(ctx, p, s, f.partition.Path, h, dedupe.Existing(number, 0), w.mem, sender.Send)
}

// renew completes the acts of a backfill: partitions for which no row came are left without files, and those whose files came out as
// they were stay where they are. What was there before is counted as replaced.
func (w *work) renew() error {
	if w.back == nil {
		return nil
	}
	c := w.mapped.counts[w.back.o.Source]
	if c == nil {
		c = newCounts()
		w.mapped.counts[w.back.o.Source] = c
	}
	before, withdrawn := int64(0), int64(0)
	for _, p := range slices.SortedFunc(maps.Keys(w.back.plan.Partitions), commitlog.Partition.Compare) {
		was, act := w.attempt.Base.Partitions[p], w.written.acts[p]
		switch {
		case act == nil && len(was.Files) > 0:
			w.written.acts[p] = &commitlog.Act{Partition: p, Kind: commitlog.Swap}
			if p.Zone == layout.Processed {
				c.partitions++
			}
		case act != nil && !w.back.o.All && slices.EqualFunc(act.Files, was.Files, func(a, b commitlog.File) bool { return a.SHA256 == b.SHA256 }):
			delete(w.written.acts, p)
			if p.Zone == layout.Processed {
				c.partitions--
				c.files -= len(act.Files)
			}
		}
		if p.Zone == layout.Quarantine {
			withdrawn += was.Rows()
		} else {
			before += was.Rows()
		}
	}
	c.replaced += before
	c.withdrawn = withdrawn
	if w.back.o.All && before > 0 && c.out == 0 {
		return fmt.Errorf("%w: by this lake file no record of %s passes, and its %d rows would be gone; see the rules by: etl run --dry-run", ErrConfig, w.back.o.Source, before)
	}
	return nil
}

// complete makes the decision of a run that of a backfill.
func (b *back) complete(d *commit.Decision) {
	d.Kind, d.Sources, d.Body.Reread = commitlog.Backfill, []string{b.o.Source}, b.reread
}
