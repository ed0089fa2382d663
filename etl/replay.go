package etl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"datalake/etl/commit"
	"datalake/etl/dedupe"
	"datalake/etl/input"
	"datalake/etl/plan"
	"datalake/etl/quarantine"
	"datalake/etl/write"
	"datalake/pkg/batch"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/ndjson"
	"datalake/pkg/spill"
	"datalake/pkg/storage"
)

// Replayed says what a replay did. RecordsIn are the records that were read again (of a stretch that was given up as one these can be
// several), RecordsOut and Duplicates those that pass now, Quarantined those that still do not.
type Replayed struct {
	Result
	// Taken is how many records of the quarantine were asked for, Left how many of these stay as they are without having been read:
	// their object is gone and their payload is cut, withheld or masked, or nothing begins where they were.
	Taken int64 `json:"taken"`
	Left  int64 `json:"left"`
	// DryRun: nothing was decided.
	DryRun bool `json:"dry_run,omitempty"`
}

// errUndecided ends work whose result is that there is nothing to decide.
var errUndecided = errors.New("nothing to decide")

// Replay sends records of the quarantine through a run again, by the job's lake file of today. They are read from their raw objects,
// at their offsets, or, where an object is gone or has changed, from what the quarantine keeps of them. What passes leaves the quarantine
// in the entry of the log that adds its rows; what does not stays, with today's rule and reason. Where no record passes and none changes,
// nothing is decided.
//
// The rows are deduplicated among each other and against the table as those of a run are: a row that is there stays, although the replayed
// record may have come before it. Of the job, Source, Since, Until, Settle and MaxBad mean nothing here. Errors are those of Run.
func Replay(ctx context.Context, job Job, o ReplayOptions) (*Replayed, error) {
	if err := job.Validate(); err != nil {
		return nil, err
	}
	if !o.Since.IsZero() && !o.Until.IsZero() && o.Until.Before(o.Since) {
		return nil, fmt.Errorf("%w: until %s lies before since %s", ErrConfig, o.Until.Format(time.DateOnly), o.Since.Format(time.DateOnly))
	}
	job = job.withDefaults()
	job.MaxBad = nil
	job.sampling.least = math.MaxInt64 // no guesses: these sample whole objects
	out := &Replayed{DryRun: o.DryRun}
	err := job.rounds(ctx, &out.Result, func(ctx context.Context, lake commit.Lake, m *meter, res *Result) error {
		return job.tryReplay(ctx, lake, m, out, o)
	})
	if _, err := out.Result.or(err); err != nil && out.Decided == 0 {
		return nil, err
	}
	return out, err
}

// replay is what makes work one of a replay.
type replay struct {
	*quarantine.Replay
	o     ReplayOptions
	lake  commit.Lake
	base  *commitlog.State
	texts *spill.File
	// files are those of each partition that records were taken of, by its path.
	files map[string][]commitlog.File
	gone  map[string]bool // keys of objects that changed while an earlier try read them
}

// tryReplay makes one attempt.
func (j Job) tryReplay(ctx context.Context, lake commit.Lake, m *meter, out *Replayed, o ReplayOptions) error {
	attempt, err := commit.Begin(ctx, lake)
	if err != nil {
		return err
	}
	schemas, err := newSchemas(j, attempt.Base)
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	for {
		r := &replay{o: o, lake: lake, base: attempt.Base, texts: spill.NewFile(j.TempDir), files: map[string][]commitlog.File{}, gone: gone}
		r.Replay = quarantine.NewReplay(r.texts)
		err := j.replayOnce(ctx, attempt, r, schemas, m, out)
		err = errors.Join(err, r.texts.Close())
		var e *input.ObjectError
		if errors.As(err, &e) && e.Gone() && !gone[e.Object.Key] {
			gone[e.Object.Key] = true // then from what the quarantine has
			continue
		}
		return err
	}
}

func (j Job) replayOnce(ctx context.Context, attempt *commit.Attempt, r *replay, schemas *schemas, m *meter, out *Replayed) error {
	j.Progress(Progress{Phase: "list"})
	p, err := r.plan(ctx, j, schemas)
	if err != nil {
		return err
	}
	m.end("list", 0, 0)
	out.RunID, out.Taken, out.Left, out.Warnings = attempt.ID, r.Taken(), r.Taken(), schemas.warnings
	if len(p.Objects) == 0 {
		out.Published = true
		return attempt.Abandon(ctx)
	}
	w := newWork(j, r.lake, attempt, p, schemas, m)
	w.replay = r
	err = w.do(ctx, &out.Result)
	if r.o.DryRun && err == nil {
		out.Duplicates = w.mapped.losers.New()
		out.RecordsOut = out.RecordsIn - out.Quarantined - out.Duplicates
	}
	out.Objects = 0
	for i := range p.Objects {
		if !quarantine.IsText(p.Objects[i]) {
			out.Objects++
		}
	}
	for _, rules := range r.Found() {
		for _, n := range rules {
			out.Left -= n
		}
	}
	return err
}

// plan takes the records that are wanted, and lists what is to be read to have them.
func (r *replay) plan(ctx context.Context, j Job, schemas *schemas) (*plan.Plan, error) {
	last := map[string]string{}
	err := r.each(ctx, func(path string, f commitlog.File, l *quarantine.Line, text []byte) error {
		r.Add(path, l, text)
		if last[path] != f.Name {
			last[path] = f.Name
			r.files[path] = append(r.files[path], f)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	missing, err := r.look(ctx, j, schemas)
	if err != nil {
		return nil, err
	}
	if missing {
		masks := map[string]bool{}
		err := r.each(ctx, func(_ string, _ commitlog.File, l *quarantine.Line, _ []byte) error {
			masked, ok := masks[l.Source]
			if !ok {
				var err error
				if masked, err = schemas.masked(l.Source); err != nil {
					return err
				}
				masks[l.Source] = masked
			}
			if masked {
				return nil
			}
			return r.AddText(l)
		})
		if err != nil {
			return nil, err
		}
	}
	p := &plan.Plan{Objects: r.Objects()}
	if len(p.Objects) > dedupe.MaxObjects {
		return nil, fmt.Errorf("%w: records of %d objects at once, %d are allowed: replay them by source, rule or day", ErrConfig, len(p.Objects), dedupe.MaxObjects)
	}
	p.ModTimes = make([]time.Time, len(p.Objects))
	for i, o := range p.Objects {
		p.Bytes += o.Size
		p.ModTimes[i] = time.UnixMilli(o.Arrived)
	}
	return p, nil
}

// each visits the lines that are wanted, in the order of partitions and files. The text is valid for the call.
func (r *replay) each(ctx context.Context, visit func(path string, f commitlog.File, l *quarantine.Line, text []byte) error) error {
	for _, p := range slices.SortedFunc(maps.Keys(r.base.Partitions), commitlog.Partition.Compare) {
		if p.Zone != layout.Quarantine || !r.o.partition(p.Path) {
			continue
		}
		for _, f := range r.base.Partitions[p].Files {
			err := r.lines(ctx, p, f, func(file io.Reader) error {
				for text, err := range ndjson.Lines(file) {
					if err != nil {
						return err
					}
					l, err := quarantine.ParseLine(text)
					if err != nil {
						return err
					}
					if !l.Replayable() || r.o.Rule != "" && l.Rule != r.o.Rule {
						continue
					}
					if err := visit(p.Path, f, l, text); err != nil {
						return err
					}
				}
				return ctx.Err()
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// lines opens a file of the base's quarantine.
func (r *replay) lines(ctx context.Context, p commitlog.Partition, f commitlog.File, use func(io.Reader) error) error {
	z, info, err := r.lake.Find(ctx, r.base, p, f)
	if err != nil {
		return err
	}
	file, err := storage.OpenReader(ctx, z.Store, info.Key)
	if err != nil {
		return fmt.Errorf("read quarantine: %w", err)
	}
	if err := errors.Join(use(io.NewSectionReader(file, 0, file.Info.Size)), file.Close()); err != nil {
		return fmt.Errorf("read quarantine, %s: %w", info.Key, err)
	}
	return nil
}

// looking is how many objects are looked for in the raw zone at once.
const looking = 16

// look finds out which of the objects are still there, in the version that was read.
func (r *replay) look(ctx context.Context, j Job, schemas *schemas) (missing bool, err error) {
	raw := j.Zones.Raw
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(looking)
	versions := r.Versions()
	for _, v := range versions {
		v.Folder = plan.Source(raw, v.Key)
		v.RecordsAt = schemas.recordsAt(v.Folder)
		if v.ETag == "" || r.gone[v.Key] {
			continue
		}
		g.Go(func() error {
			info, err := raw.Store.Head(gctx, v.Key)
			if errors.Is(err, storage.ErrNotFound) || err == nil && info.ETag != v.ETag {
				return nil
			}
			if err != nil {
				return fmt.Errorf("look for %s: %w", v.Key, err)
			}
			v.Object = &batch.Object{Key: v.Key, ETag: v.ETag, Size: info.Size, Source: v.Folder, RecordsAt: v.RecordsAt}
			return nil
		})
	}
	err = g.Wait()
	for _, v := range versions {
		missing = missing || v.Object == nil
	}
	return missing, err
}

// masked says whether a source hides values: what the quarantine has of its records is not what came.
func (s *schemas) masked(source string) (bool, error) {
	sch, _, err := s.base(source)
	if err != nil {
		return false, err
	}
	for i := range sch.Columns {
		if c := sch.Columns[i].Clean; c != nil && c.Mask != nil {
			return true, nil
		}
	}
	return false, nil
}

// inputTasks are the tasks of the map step.
func (w *work) inputTasks() iter.Seq[*input.Task] {
	objects, o := w.plan.Objects, w.inputOptions()
	if w.replay == nil {
		return input.Tasks(w.job.Zones.Raw.Store, objects, o)
	}
	return func(yield func(*input.Task) bool) {
		for i := 0; i < len(objects); {
			store, text := w.job.Zones.Raw.Store, quarantine.IsText(objects[i])
			if text {
				store = w.replay.Texts()
			}
			n := i + 1
			for n < len(objects) && quarantine.IsText(objects[n]) == text {
				n++
			}
			for t := range input.Tasks(store, objects[i:n], o) {
				if !yield(t) {
					return
				}
			}
			i = n
		}
	}
}

// picked is what is wanted of a unit.
func (w *work) picked(u *batch.Unit) (*batch.Unit, error) {
	if w.replay == nil {
		return u, nil
	}
	return w.replay.Pick(u)
}

// decode has a mapper take what is wanted of a unit.
func (r *mapRun) decode(ctx context.Context, m *mapper, u *batch.Unit) (records int64, err error) {
	if u, err = r.picked(u); err != nil {
		return 0, err
	}
	return m.unit(ctx, u)
}

// complete makes the body of a run that of a replay: it consumes nothing, and its counts are what it changes. So the records that were read again
// came in before, and those of them that passed are no longer quarantined.
func (r *replay) complete(b *commitlog.Body) {
	byVersion := map[string]int{}
	for i, in := range b.Inputs {
		o := r.Origin(i)
		in.Key, in.ETag = o.Key, o.ETag
		at, ok := byVersion[in.Key+"\x00"+in.ETag]
		if !ok {
			byVersion[in.Key+"\x00"+in.ETag] = len(b.Replayed)
			b.Replayed = append(b.Replayed, in)
			continue
		}
		sum := &b.Replayed[at]
		sum.Size, sum.Records, sum.Rejects = sum.Size+in.Size, sum.Records+in.Records, sum.Rejects+in.Rejects
		sum.Partitions = append(sum.Partitions, in.Partitions...)
		slices.Sort(sum.Partitions)
		sum.Partitions = slices.Compact(sum.Partitions)
	}
	b.Inputs = nil
	for path, rules := range r.Found() {
		source := layout.SourceOf(path)
		c := b.Counts[source]
		c.Rules = maps.Clone(c.Rules)
		if c.Rules == nil {
			c.Rules = map[string]int64{}
		}
		for rule, n := range rules {
			c.In -= n
			c.Quarantined -= n
			c.Rules[rule] -= n
		}
		b.Counts[source] = c
	}
	for source, c := range b.Counts {
		c.Inputs, c.BytesIn = 0, 0
		maps.DeleteFunc(c.Rules, func(_ string, n int64) bool { return n == 0 })
		if b.Counts[source] = c; c.In == 0 && c.Out == 0 && c.Duplicates == 0 && c.Quarantined == 0 && len(c.Rules) == 0 {
			delete(b.Counts, source)
		}
	}
}

// rewriteQuarantine puts the quarantine's files aside as they are without the records that were read, and with those that were set aside again.
// On a base in which somebody else has taken such records, the plan is void: a Conflict says so.
func (w *work) rewriteQuarantine(ctx context.Context) error {
	r := w.replay
	parts := map[string]quarantine.Part{}
	for _, p := range w.mapped.rejects.Parts() {
		parts[p.Path] = p
	}
	found := r.Found()
	paths := maps.Clone(r.files)
	for path := range parts {
		paths[path] = r.files[path]
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		part, again := parts[path]
		var err error
		switch n := count(found[path]); {
		case n == 0 && again:
			err = w.writePart(ctx, part)
		case n > 0:
			err = w.swapPart(ctx, path, part, n)
		}
		if err != nil {
			return fmt.Errorf("quarantine %s: %w", path, err)
		}
	}
	return nil
}

func count(rules map[string]int64) (n int64) {
	for _, k := range rules {
		n += k
	}
	return n
}

// swapPart makes the act on a partition of which n lines were read again; part is what was set aside of them, and has perhaps no records.
func (w *work) swapPart(ctx context.Context, path string, part quarantine.Part, n int64) error {
	r, p := w.replay, commitlog.Partition{Zone: layout.Quarantine, Path: path}
	if int64(part.Rows()) == n {
		if same, err := w.mapped.rejects.Unchanged(part, r.Replay); same || err != nil {
			return err
		}
	}
	act := &commitlog.Act{Partition: p, Kind: commitlog.Swap}
	taken := map[string]bool{}
	for _, f := range r.files[path] {
		taken[f.Name] = true
	}
	for _, f := range w.attempt.Base.Partitions[p].Files {
		if !taken[f.Name] {
			act.Files = append(act.Files, f)
			continue
		}
		delete(taken, f.Name)
		left, err := w.withoutTaken(ctx, p, f)
		if err != nil {
			return err
		}
		if left.Rows > 0 {
			act.Files = append(act.Files, left)
		}
	}
	if len(taken) > 0 {
		return &commit.Conflict{Seq: w.attempt.Base.Seq, Redo: commit.Replan, Reason: "took records out of " + p.String()}
	}
	if part.Rows() > 0 {
		f, err := w.putPart(ctx, part)
		if err != nil {
			return err
		}
		act.Files = append(act.Files, f)
	}
	w.written.mu.Lock()
	defer w.written.mu.Unlock()
	w.written.acts[p] = act
	return nil
}

// withoutTaken puts a file aside without the lines that were read again. It is the file itself if there are none, and has no rows if there is
// nothing else in it.
func (w *work) withoutTaken(ctx context.Context, p commitlog.Partition, f commitlog.File) (left commitlog.File, err error) {
	sink := write.NewSink(w.job.TempDir)
	defer func() { err = errors.Join(err, sink.Close()) }()
	var kept, dropped int64
	err = w.replay.lines(ctx, p, f, func(file io.Reader) error {
		kept, dropped, err = quarantine.CopyLines(sink, file, func(l *quarantine.Line) bool { return !w.replay.Took(l) })
		return err
	})
	switch {
	case err != nil:
		return left, err
	case dropped == 0:
		return f, nil
	case kept == 0:
		return left, nil
	}
	w.written.mu.Lock()
	w.written.bytes += sink.Size()
	w.written.mu.Unlock()
	return w.putFile(ctx, p.Zone, p.Path, commitlog.File{Size: sink.Size(), Rows: kept, SHA256: sink.SHA256()}, sink.Body())
}
