package etl

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"datalake/etl/decode"
	"datalake/etl/dedupe"
	"datalake/etl/infer"
	"datalake/etl/input"
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
// it; what only shows then (a value that no widened column takes, a field that stands above columns) needs one more. The rest
// is there to end a loop that should not be.
const passes = 5

// mapAll maps all objects of the plan, again where it found columns that the schemas did not have.
func (w *work) mapAll(ctx context.Context) error {
	for range passes {
		profile, err := w.mapOnce(ctx)
		if err != nil {
			return fmt.Errorf("map: %w", err)
		}
		w.meter.end("map", w.plan.Bytes, w.mapped.records())
		news, err := w.schemas.learn(profile)
		if err != nil {
			return err
		}
		if !news {
			w.mapped.rejects.Settle(w.mapped.lines.before)
			return nil
		}
		w.mapped.release()
		w.mapped = nil
	}
	return fmt.Errorf("map: the columns did not settle in %d passes", passes)
}

// mapRun is what the workers of one pass share.
type mapRun struct {
	*work
	*mapped
	done atomic.Int64 // bytes of raw objects
	rows atomic.Int64
}

// mapOnce reads every object once. Readers cut units, workers decode them; there is a reader and a worker for each
// degree of parallelism, and at most that many units wait between them.
func (w *work) mapOnce(ctx context.Context) (*infer.Profile, error) {
	m := &mapped{
		segments: segment.NewStore(w.budget, w.tempFile(), w.mem),
		keys:     dedupe.NewBuckets(w.budget, w.tempFile()),
		rejects:  quarantine.NewStore(w.budget, w.tempFile()),
		losers:   dedupe.NewLosers(), lines: newLines(),
		counts: map[string]*sourceCounts{}, inputs: map[int]*inputCounts{}, seen: map[string]dedupe.Seen{},
	}
	w.mapped = m
	run := &mapRun{work: w, mapped: m}
	var (
		buffers = &input.Buffers{}
		tasks   = make(chan *input.Task)
		units   = make(chan *batch.Unit, w.job.Parallel)
		profile = infer.NewProfile()
		merging sync.Mutex
		readers sync.WaitGroup
	)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(tasks)
		for t := range input.Tasks(w.job.Zones.Raw.Store, w.plan.Objects, input.Options{Recheck: w.job.Directory, MaxRecord: w.job.Lake.Input.MaxRecord}) {
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
			for u := range units {
				n, err := mp.unit(ctx, u)
				run.rows.Add(n)
				buffers.Release(u)
				if err != nil {
					return err
				}
				w.job.Progress(Progress{Phase: "map", Done: run.done.Load(), Total: w.plan.Bytes, Records: run.rows.Load()})
			}
			if err := mp.sender.Flush(); err != nil {
				return err
			}
			merging.Lock()
			defer merging.Unlock()
			mp.merge(m)
			profile.Merge(mp.profile)
			return nil
		})
	}
	return profile, g.Wait()
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
	in := r.job.Lake.Input
	m.decoder, err = decode.New(decode.Options{
		Limits:    jsontext.Limits{MaxDepth: in.MaxDepth, ReplaceInvalid: in.InvalidUTF8 == lakefile.InvalidReplace},
		Allocator: r.mem, Bare: r.schemas.bare(),
	}, r.schemas, m.profile)
	return m, err
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
