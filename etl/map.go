package etl

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"datalake/etl/decode"
	"datalake/etl/dedupe"
	"datalake/etl/infer"
	"datalake/etl/input"
	"datalake/etl/lines"
	"datalake/etl/partition"
	"datalake/etl/quarantine"
	"datalake/etl/segment"
	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/lakefile"
)

// groups is in how many groups the partitions of a source are written.
const groups = 32

// group is the group of a partition.
func (w *work) group(partition uint32) int { return int(w.index.Get(partition).Hash % groups) }

// passes is how often the map step may be done until nothing new turns up: once to see what is new, once more to decode by
// it; what only shows then (a value that no widened column takes, a field that stands above columns) needs one more, and so
// does a guess that did not hold. The rest is there to end a loop that should not be.
const passes = 6

// mapAll maps all objects of the plan, again where it found columns that the schemas did not have.
func (w *work) mapAll(ctx context.Context) error {
	guesses, err := w.guess(ctx)
	if err != nil {
		return fmt.Errorf("map a sample: %w", err)
	}
	for pass := 0; pass < passes; {
		profile, read, err := w.mapOnce(ctx, guesses)
		if err != nil && !errors.Is(err, errRefuted) {
			return fmt.Errorf("map: %w", err)
		}
		w.meter.end("map", w.plan.Bytes, w.mapped.records())
		var news bool
		if err != nil {
			news, err = true, guesses.again(profile, read)
		} else {
			pass++
			news, err = w.learn(profile, guesses)
		}
		if err != nil {
			return err
		}
		if !news {
			w.schemas.done()
			if err := w.missing(); err != nil {
				return err
			}
			w.mapped.rejects.Settle(w.mapped.lines.Before)
			return nil
		}
		w.drop()
	}
	return fmt.Errorf("map: the columns did not settle in %d passes", passes)
}

// drop gives back what a pass has left, disk included.
func (w *work) drop() {
	w.mapped.release()
	w.mapped = nil
	for _, f := range w.files {
		w.spilled += f.Size()
		_ = f.Close() // nothing in it is needed
	}
	w.files = nil
	w.index = partition.NewIndex()
}

// learn makes the schemas what a pass has shown them to be, and says whether another is needed.
func (w *work) learn(profile *infer.Profile, g *guesses) (news bool, err error) {
	if news, err = w.schemas.learn(profile); err != nil || g == nil {
		return news, err
	}
	unsure, err := g.settle(profile.Sources())
	return news || unsure, err
}

// mapRun is what the workers of one pass share.
type mapRun struct {
	*work
	*mapped
	guesses *guesses     // nil: none are made
	done    atomic.Int64 // bytes of raw objects
	read    atomic.Int64 // bytes of units
	plans   cleanPlans
	rows    atomic.Int64
}

// mapOnce reads every object once. Readers cut units, workers decode them; there is a reader and a worker for each
// degree of parallelism, and at most that many units wait between them. read is how many bytes of units came in. The profile
// is of use also when the error is errRefuted.
func (w *work) mapOnce(ctx context.Context, guesses *guesses) (profile *infer.Profile, read int64, err error) {
	m := &mapped{
		segments: segment.NewStore(w.budget, w.tempFile(), w.mem),
		keys:     dedupe.NewBuckets(w.budget, w.tempFile()),
		rejects:  quarantine.NewStore(w.budget, w.tempFile()),
		losers:   dedupe.NewLosers(), lines: lines.New(),
		counts: map[string]*sourceCounts{}, inputs: map[int]*inputCounts{}, seen: map[string]dedupe.Seen{},
	}
	w.mapped = m
	run := &mapRun{work: w, mapped: m, guesses: guesses}
	var (
		buffers = &input.Buffers{}
		tasks   = make(chan *input.Task)
		units   = make(chan *batch.Unit, w.job.Parallel)
		merging sync.Mutex
		readers sync.WaitGroup
	)
	profile = infer.NewProfile()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(tasks)
		for t := range w.inputTasks() {
			select {
			case tasks <- t:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	readers.Add(w.job.Parallel)
	for range w.job.Parallel {
		g.Go(func() error {
			defer readers.Done()
			for t := range tasks {
				began := time.Now()
				for u, err := range t.Units(ctx, buffers) {
					if err != nil {
						return err
					}
					w.meter.read.since(began, u.Bytes(), 0)
					select {
					case units <- u:
					case <-ctx.Done():
						return ctx.Err()
					}
					began = time.Now()
				}
				run.done.Add(t.Bytes)
			}
			return nil
		})
	}
	g.Go(func() error { readers.Wait(); close(units); return nil })
	for range w.job.Parallel {
		g.Go(func() error {
			mp, err := run.newMapper()
			if err != nil {
				return err
			}
			defer func() {
				merging.Lock()
				defer merging.Unlock()
				mp.merge(m)
				profile.Merge(mp.profile)
				if mp.doubt != nil {
					mp.doubt.finish()
				}
			}()
			for u := range units {
				if ctx.Err() != nil { // the pass is over
					buffers.Release(u)
					continue
				}
				run.read.Add(u.Bytes())
				n, err := run.decode(ctx, mp, u)
				run.rows.Add(n)
				buffers.Release(u)
				if err != nil {
					return err
				}
				w.job.Progress(run.progress())
			}
			return mp.sender.Flush()
		})
	}
	err = g.Wait()
	return profile, run.read.Load(), err
}

// progress tells how far the pass is. How much a sample has to read shows only when it was read.
func (r *mapRun) progress() Progress {
	p := Progress{Phase: "map", Done: r.done.Load(), Total: r.plan.Bytes, Records: r.rows.Load()}
	if r.job.Sample > 0 {
		p.Done, p.Total = r.read.Load(), 0
	}
	return p
}

func (w *work) inputOptions() input.Options {
	return input.Options{
		ChunkBytes: w.job.sampling.chunk, Recheck: w.job.Directory, MaxRecord: w.job.Lake.Input.MaxRecord, Take: w.budget.Take, Head: w.head,
	}
}

// folder are the units of one folder of the raw zone, in order.
type folder struct {
	buffers *input.Buffers
	next    func() (*batch.Unit, error, bool)
	stop    func()
	bytes   int64
}

func (w *work) folder(ctx context.Context, objects []*batch.Object) *folder {
	f := &folder{buffers: &input.Buffers{}}
	f.next, f.stop = iter.Pull2(func(yield func(*batch.Unit, error) bool) {
		for t := range input.Tasks(w.job.Zones.Raw.Store, objects, w.inputOptions()) {
			for u, err := range t.Units(ctx, f.buffers) {
				if !yield(u, err) {
					return
				}
			}
		}
	})
	return f
}

// sample shows the profile the units of the folders up to a size. more: one of them has more.
func (g *guesses) sample(ctx context.Context, folders []*folder, size int64) (more bool, err error) {
	type sampled struct {
		*batch.Unit
		from *folder
	}
	units := make(chan sampled)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(units)
		for _, f := range folders {
			for f.bytes < size {
				u, err, ok := f.next()
				if !ok {
					break
				}
				if err != nil {
					return err
				}
				f.bytes += u.Bytes()
				select {
				case units <- sampled{u, f}:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			more = more || f.bytes >= size
		}
		return nil
	})
	for range g.job.Parallel {
		group.Go(func() error {
			profile := infer.NewProfile()
			d, err := g.newDecoder(baseSchemas{g.schemas}, profile)
			if err != nil {
				return err
			}
			for u := range units {
				out, err := d.Decode(u.Unit)
				u.from.buffers.Release(u.Unit)
				if err != nil {
					return err
				}
				out.Release()
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			g.seen.Merge(profile)
			return nil
		})
	}
	return more, group.Wait()
}

// records is how many records the pass has seen.
func (m *mapped) records() (n int64) {
	for _, c := range m.counts {
		n += c.in
	}
	return n
}

func (r *mapRun) newMapper() (*mapper, error) {
	m := &mapper{
		run: r, profile: infer.NewProfile(), sender: dedupe.NewSender(r.keys),
		sources: map[string]*mapSource{}, inputs: map[*batch.Object]*inputCounts{}, counts: map[string]*sourceCounts{},
	}
	var err error
	if r.guesses != nil {
		m.doubt = r.guesses.doubt(m.profile)
		m.decoder, err = r.newDecoder(r.schemas, m.doubt)
	} else {
		m.decoder, err = r.newDecoder(r.schemas, m.profile)
	}
	return m, err
}

func (w *work) newDecoder(s decode.Schemas, o decode.Observer) (*decode.Decoder, error) {
	return decode.New(decode.Options{Limits: w.job.limits(), Allocator: w.mem, Bare: w.schemas.bare()}, s, o)
}

// limits are those of the JSON text.
func (j Job) limits() jsontext.Limits {
	in := j.Lake.Input
	return jsontext.Limits{MaxDepth: in.MaxDepth, ReplaceInvalid: in.InvalidUTF8 == lakefile.InvalidReplace}
}

// merge adds a worker's counts to those of all.
func (m *mapper) merge(to *mapped) {
	for source, c := range m.counts {
		sum := to.counts[source]
		if sum == nil {
			sum = newCounts()
			to.counts[source] = sum
		}
		sum.add(c)
	}
	for o, c := range m.inputs {
		sum := to.inputs[o.Index]
		if sum == nil {
			to.inputs[o.Index] = c
			continue
		}
		sum.add(c)
	}
	for source, s := range m.sources {
		if s.hasher != nil {
			seen := to.seen[source]
			seen.Add(s.hasher.Seen())
			to.seen[source] = seen
		}
	}
}
