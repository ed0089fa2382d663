package etl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"golang.org/x/sync/errgroup"

	"datalake/etl/commit"
	"datalake/etl/dedupe"
	"datalake/etl/input"
	"datalake/etl/lines"
	"datalake/etl/partition"
	"datalake/etl/plan"
	"datalake/etl/quarantine"
	"datalake/etl/segment"
	"datalake/pkg/batch"
	"datalake/pkg/catalog/local"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/process"
	"datalake/pkg/spill"
)

// keepAlive is how often a run signs that it lives.
const keepAlive = 5 * time.Minute

// Run turns what is new in the raw zone into rows of the processed zone, and publishes it. When it returns an error,
// nothing was decided, unless the Result, which is given besides, says so: then only publishing failed, and the next run does
// that. With ErrBad, too, a Result is given: its Bad says where the rejects are. Errors: ErrBad, ErrConfig, ErrConflict,
// ErrUnknown, the context's.
func Run(ctx context.Context, job Job) (*Result, error) {
	if err := job.Validate(); err != nil {
		return nil, err
	}
	job = job.withDefaults()
	res := &Result{}
	return res.or(job.rounds(ctx, res, job.try))
}

// or is the result of what ended with an error: none, where the error says all.
func (r *Result) or(err error) (*Result, error) {
	if err != nil && r.Decided == 0 && !errors.Is(err, ErrBad) {
		return nil, err
	}
	return r, err
}

// rounds publishes what was decided before, then tries until no conflict asks for another plan. It fills in the result's times.
func (j Job) rounds(ctx context.Context, res *Result, try func(context.Context, commit.Lake, *meter, *Result) error) error {
	began := time.Now()
	m := &meter{}
	m.start()
	lake, err := j.Commits(ctx)
	if err != nil {
		return err
	}
	report, err := commit.Publish(ctx, lake)
	if err != nil && !errors.Is(err, commit.ErrBusy) {
		return Meaning(fmt.Errorf("publish what earlier runs decided: %w", err))
	}
	res.Pending = report.Partitions
	m.end("open", 0, 0)
	for range commit.MaxRounds {
		err = try(ctx, lake, m, res)
		var conflict *commit.Conflict
		if !errors.As(err, &conflict) || conflict.Redo != commit.Replan {
			break
		}
	}
	err = Meaning(err)
	res.Elapsed = time.Since(began)
	res.Seconds, res.PeakMemory, res.Steps = res.Elapsed.Seconds(), process.PeakMemory(), m.steps
	return err
}

// Meaning adds to an error of etl/commit what it means to the caller: ErrConflict, ErrUnknown or ErrConfig.
func Meaning(err error) error {
	is := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
	}
	switch {
	case is(ErrConflict, ErrUnknown, ErrConfig): // said already
	case is(commit.ErrConflict, commit.ErrRounds, commit.ErrCondemned, commit.ErrBusy):
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case is(commit.ErrUnknown):
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	case is(commit.ErrFingerprint, commit.ErrRoots):
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return err
}

// Commits opens the log of the processed zone, with what its commits work on: what commit.Repair, Collect and Verify need.
func (j Job) Commits(ctx context.Context) (commit.Lake, error) {
	log, err := commitlog.Open(ctx, j.Zones.State.Sub(layout.Processed))
	if err != nil {
		return commit.Lake{}, err
	}
	if len(j.Catalogs) == 0 {
		c, err := local.Open(j.Zones.State.Sub("catalog"))
		if err != nil {
			return commit.Lake{}, err
		}
		j.Catalogs = map[string]commit.Catalog{"local": c}
	}
	lake := commit.Lake{
		Log:      log,
		Zones:    map[string]layout.Zone{layout.Raw: j.Zones.Raw, layout.Processed: j.Zones.Processed, layout.Quarantine: j.Zones.Quarantine},
		Catalogs: j.Catalogs,
		Program:  j.Version,

		QuarantineColumns: quarantine.Columns(),
	}
	if j.Directory {
		lake.Owner, lake.Dead = commit.ProcessOwner(), commit.ProcessDead
	}
	return lake, nil
}

// manifest is what an attempt says of itself before it works.
type manifest struct {
	Version string   `json:"version"`
	Base    uint64   `json:"base"`
	Inputs  int      `json:"inputs"`
	Bytes   int64    `json:"bytes"`
	Keys    []string `json:"keys"`
}

// maxManifestKeys bounds the keys that a manifest names; the body of the entry has them all.
const maxManifestKeys = 1000

// try makes one attempt, from a new plan to the decision and its publication.
func (j Job) try(ctx context.Context, lake commit.Lake, m *meter, res *Result) error {
	attempt, err := commit.Begin(ctx, lake)
	if err != nil {
		return err
	}
	schemas, err := newSchemas(j, attempt.Base)
	if err != nil {
		return err
	}
	leave := map[string]bool{}
	for {
		p, err := j.plan(ctx, attempt, schemas, leave)
		if err != nil {
			return err
		}
		if j.Sample > 0 {
			p.Sample(j.Sample)
		}
		m.end("list", 0, 0)
		if p.Hidden > 0 {
			schemas.warn(fmt.Sprintf("%d objects of the raw zone are passed over because their names begin with _ or .", p.Hidden))
		}
		res.RunID, res.Warnings = attempt.ID, schemas.warnings
		if len(p.Objects) == 0 {
			res.Published = true
			return attempt.Abandon(ctx)
		}
		err = newWork(j, lake, attempt, p, schemas, m).do(ctx, res)
		var gone *input.ObjectError
		if errors.As(err, &gone) && gone.Gone() && !leave[gone.Object.Key] {
			leave[gone.Object.Key] = true // the next run reads what has become of it
			continue
		}
		return err
	}
}

func (j Job) plan(ctx context.Context, attempt *commit.Attempt, schemas *schemas, leave map[string]bool) (*plan.Plan, error) {
	return j.list(ctx, attempt, schemas, leave, nil)
}

// list lists what no entry has consumed, and what is to be read again.
func (j Job) list(ctx context.Context, attempt *commit.Attempt, schemas *schemas, leave map[string]bool, again func(key, etag string) bool) (*plan.Plan, error) {
	j.Progress(Progress{Phase: "list"})
	o := plan.Options{
		Consumed: func(key, etag string) (bool, error) {
			_, ok, err := attempt.Base.Ledger.Seq(ctx, key, etag)
			return ok || len(schemas.refused) > 0, err
		},
		Again: again, RecordsAt: schemas.recordsAt, Source: j.Source, Since: j.Since, Until: j.Until, Leave: leave, Max: dedupe.MaxObjects,
	}
	for waited := false; ; waited = true {
		if j.Settle > 0 {
			o.Now = time.Now()
			o.ChangedBefore = o.Now.Add(-j.Settle)
		}
		p, err := plan.List(ctx, j.Zones.Raw, o)
		if err != nil || waited || p.Youngest.IsZero() || p.Young <= len(leave) {
			return p, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Until(p.Youngest.Add(j.Settle + 10*time.Millisecond))):
		}
	}
}

// do does with the plan what there is to do: map, resolve, write, decide, publish. The work is closed then.
func (w *work) do(ctx context.Context, res *Result) error {
	defer w.close()
	if err := w.job.putManifest(ctx, w.attempt, w.plan); err != nil {
		return err
	}
	if err := w.living(ctx, w.run); err != nil {
		var bad *BadError
		if errors.As(err, &bad) {
			w.fill(res)
			res.Bad = &bad.Bad
			err = errors.Join(err, w.attempt.Abandon(ctx)) // it has put no table's file aside
		}
		if errors.Is(err, errUndecided) {
			w.fill(res)
			res.Published = true
			err = w.attempt.Abandon(ctx) // likewise
		}
		return err
	}
	w.fill(res)
	report, err := commit.Publish(ctx, w.lake)
	w.meter.end("publish", 0, 0)
	if err != nil && !errors.Is(err, commit.ErrBusy) {
		return fmt.Errorf("publish entry %d (decided; the next run or etl repair publishes it): %w", w.seq, err)
	}
	res.Published = err == nil && len(report.Refused) == 0
	for _, f := range report.Refused {
		res.Warnings = append(res.Warnings, f.Error())
	}
	for _, f := range report.Foreign {
		res.Warnings = append(res.Warnings, fmt.Sprintf("foreign file %s: %s", f.Key, f.Detail))
	}
	return nil
}

func (j Job) putManifest(ctx context.Context, attempt *commit.Attempt, p *plan.Plan) error {
	m := manifest{Version: j.Version, Base: attempt.Base.Seq, Inputs: len(p.Objects), Bytes: p.Bytes}
	for _, o := range p.Objects[:min(len(p.Objects), maxManifestKeys)] {
		m.Keys = append(m.Keys, o.Key)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	_, err = attempt.Put(ctx, "manifest", bytes.NewReader(text))
	return err
}

// work is the state of one attempt of a run.
type work struct {
	job     Job
	lake    commit.Lake
	attempt *commit.Attempt
	plan    *plan.Plan
	schemas *schemas
	meter   *meter

	mem      memory.Allocator
	seed     uint64
	index    *partition.Index
	budget   *spill.Budget // of what waits between the steps
	finished *spill.Budget // of finished pages and files
	files    []*spill.File
	spilled  int64 // bytes of files of passes that were given up
	apart    atomic.Int64
	waited   int64 // bytes that waited after the map step, in memory and files
	mapped   *mapped
	table    *dedupe.Buckets // keys of the table's files, as of the last resolve
	written  *written
	seq      uint64
	replay   *replay // nil: all of the plan's records are wanted
	back     *back   // nil: no partition is made anew

	opener parquetfile.Opener // of files that are read back

	headsMu sync.Mutex
	heads   map[*batch.Object]map[int64]int64 // raw bytes that a sample has read of objects, by where they begin
}

func newWork(j Job, lake commit.Lake, attempt *commit.Attempt, p *plan.Plan, s *schemas, m *meter) *work {
	return &work{
		job: j, lake: lake, attempt: attempt, plan: p, schemas: s, meter: m,
		mem: j.Allocator, seed: rand.Uint64(), index: partition.NewIndex(), budget: spill.NewBudget(j.waiting()), finished: spill.NewBudget(j.Memory / 64),
		heads: map[*batch.Object]map[int64]int64{},
	}
}

// tempFile gives a temporary file that lives as long as the work.
func (w *work) tempFile() *spill.File {
	f := spill.NewFile(w.job.TempDir)
	w.files = append(w.files, f)
	return f
}

// close gives back all memory and disk. Nothing that a temporary file says on closing could lose a row.
func (w *work) close() {
	if w.mapped != nil {
		w.mapped.release()
	}
	if w.table != nil {
		w.table.Release()
	}
	for _, f := range w.files {
		_ = f.Close()
	}
}

// living does something, and signs the attempt as alive meanwhile.
func (w *work) living(ctx context.Context, do func(context.Context) error) error {
	stop, stopped := context.WithCancel(ctx)
	g, gctx := errgroup.WithContext(stop)
	g.Go(func() error { return w.alive(gctx) })
	g.Go(func() error {
		defer stopped()
		return do(gctx)
	})
	return g.Wait()
}

// alive signs the attempt as alive until ctx is done.
func (w *work) alive(ctx context.Context) error {
	t := time.NewTicker(keepAlive)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if _, err := w.attempt.Alive(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// run maps until the schemas have settled, then resolves, writes and decides, on a newer base where it must.
func (w *work) run(ctx context.Context) error {
	if err := w.mapAll(ctx); err != nil {
		return err
	}
	if err := w.tooBad(ctx); err != nil {
		return err
	}
	w.waited = w.budget.Used()
	for _, f := range w.files {
		w.waited += f.Size()
	}
	for {
		if err := w.resolve(ctx); err != nil {
			return fmt.Errorf("resolve: %w", err)
		}
		w.meter.end("resolve", 0, w.mapped.keys.Len()+w.table.Len())
		if w.replay != nil && w.replay.o.DryRun {
			return errUndecided
		}
		if err := w.lostKeys(ctx); err != nil {
			return fmt.Errorf("resolve: %w", err)
		}
		if err := w.write(ctx); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if err := w.renew(); err != nil {
			return err
		}
		w.meter.end("write", w.written.bytes, w.rowsOut())
		body, err := w.body()
		if err != nil {
			return err
		}
		body.Work = w.told()
		kind := commitlog.Run
		if w.replay != nil {
			kind = commitlog.Replay
			if len(body.Acts) == 0 {
				return errUndecided
			}
			w.replay.complete(body)
		}
		d := commit.Decision{Kind: kind, Reads: w.reads(), Body: body}
		if w.back != nil {
			if w.back.complete(&d); len(body.Acts)+len(body.Schemas) == 0 && len(body.Inputs) == int(body.Reread) {
				return errUndecided
			}
		}
		w.seq, err = w.attempt.Decide(ctx, d)
		w.meter.end("decide", 0, 0)
		var conflict *commit.Conflict
		if err == nil || !errors.As(err, &conflict) || conflict.Redo != commit.Rebase {
			return err
		}
		if w.seq, err = w.attempt.Rebase(ctx); err != nil || w.seq > 0 {
			return err
		}
	}
}

// reads are the partitions that the result depends on: of each source that is deduplicated, all that are in scope.
func (w *work) reads() []commitlog.Set {
	var sets []commitlog.Set
	for _, source := range slices.Sorted(maps.Keys(w.mapped.counts)) {
		s := w.schemas.Schema(source)
		if s == nil || s.Dedupe.None || w.mapped.seen[source].Rows == 0 || dedupe.ScopeOf(s).Partition {
			continue // no rows, or rows of the partitions that are written to, which count as read anyway
		}
		path, err := layout.Path(layout.Value{Key: "source", Value: source})
		if err != nil {
			continue // no row has such a partition
		}
		sets = append(sets, commitlog.SetOf(commitlog.Partition{Zone: layout.Processed, Path: path}))
	}
	return sets
}

// mapped is what a pass of the map step leaves for resolve and write.
type mapped struct {
	segments *segment.Store
	keys     *dedupe.Buckets
	rejects  *quarantine.Store
	losers   *dedupe.Losers
	lines    *lines.Counts
	counts   map[string]*sourceCounts
	inputs   map[int]*inputCounts // by object index
	seen     map[string]dedupe.Seen
}

func (m *mapped) release() {
	m.segments.Release()
	m.keys.Release()
	m.rejects.Release()
}
