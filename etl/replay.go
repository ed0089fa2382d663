package etl

import (
	"cmp"
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
	"datalake/pkg/batch"
	"datalake/pkg/commitlog"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/ndjson"
	"datalake/pkg/spill"
	"datalake/pkg/storage"
)

// ReplayOptions say which records of the quarantine are read again. The zero value wants all.
type ReplayOptions struct {
	// Source and Rule, where not empty, are the record's.
	Source, Rule string
	// Since and Until are days of arrival, both included; zero: no bound.
	Since, Until time.Time
	// DryRun decides and writes nothing: the result says what would become of the records.
	DryRun bool
}

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
	// unread counts lines that are wanted and stand for no record.
	unread int64
	gone   map[string]bool // keys of objects that changed while an earlier try read them
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
	out.RunID, out.Taken, out.Warnings = attempt.ID, r.Taken()+r.unread, schemas.warnings
	out.Left = out.Taken
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
		if !l.Replayable() {
			r.unread++
			return nil
		}
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
			if masked || !l.Replayable() {
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
					if r.o.Rule != "" && l.Rule != r.o.Rule {
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

// partition says whether records of a partition may be wanted.
func (o ReplayOptions) partition(path string) bool {
	if o.Source != "" && layout.SourceOf(path) != o.Source {
		return false
	}
	day, ok := dayOf(path)
	return !ok || (o.Since.IsZero() || !day.Before(o.Since)) && (o.Until.IsZero() || !day.After(o.Until))
}

// dayOf is the day of arrival that a partition of the quarantine is of.
func dayOf(path string) (day time.Time, ok bool) {
	values, err := layout.ParsePath(path)
	if err != nil || len(values) != 4 {
		return day, false
	}
	day, err = time.Parse(time.DateOnly, values[1].Value+"-"+values[2].Value+"-"+values[3].Value)
	return day, err == nil
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
	line := cmp.Or(o.MaxRecord, lakefile.DefaultMaxRecord)
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
				// Of a large object only the stretches are read that records were taken of, and so much before as a line may be long.
				start, end, ok := t.Range()
				if ok && !text && !w.replay.Wants(t.Objects[0].Index, start, end+line) {
					continue
				}
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
