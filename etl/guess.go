package etl

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"datalake/etl/infer"
	"datalake/etl/input"
	"datalake/pkg/batch"
	"datalake/pkg/schema"
)

// guesses spare the run its second pass. A sample of each source gives a guess of its schema, a pass decodes by that, and at
// its end the guess holds or does not (see infer.Guess). A pass whose guess is refuted stops at once, and the next one knows
// better; so what comes late costs as much of a pass as lay before it. When that has added up to a part of the input, the
// sources whose guesses still fail are given up: they are told in full, and then decoded in one more pass.
//
// What a source's columns are depends on its records alone, whichever way it was found out.
type guesses struct {
	*work
	sampling sampling
	seen     *infer.Profile // all that was shown of the sources, in any pass, as records look without a guess
	by       map[string]*infer.Guess
	// given are the sources that get no guess any more: given up, or settled.
	given map[string]bool
	none  []string // sources of which no guess could be made
	// open: passes may stop for a better guess.
	open   bool
	stops  int
	wasted int64

	mu      sync.Mutex // the fields below and seen, while a pass is at work
	counted map[string]*infer.Seen
}

// errRefuted stops a pass whose result could not be used.
var errRefuted = errors.New("the guess is refuted")

// sampling says how much is looked at before a guess. The zero value has the defaults.
type sampling struct {
	least int64 // bytes of input that are worth a guess
	first int64 // bytes of the first sample
	chunk int   // bytes of a unit
	waste int64 // the part of the input that stopped passes may read
	note  func(event string)
}

const (
	// A pass over less input costs less than what a guess needs.
	leastGuessed = 8 << 20
	firstSample  = 1 << 20
	// A sample is at most this part of the input, and of so many folders.
	sampleShare   = 16
	sampleFolders = 64
	// Passes are stopped at most so often, and while they have read less than this part of the input in all.
	mostStops  = 32
	wasteShare = 4
)

func (s sampling) withDefaults() sampling {
	if s.least == 0 {
		s.least = leastGuessed
	}
	if s.first == 0 {
		s.first = firstSample
	}
	if s.waste == 0 {
		s.waste = wasteShare
	}
	if s.note == nil {
		s.note = func(string) {}
	}
	return s
}

// guess takes the sample, doubling it until that brings nothing new. nil: the run makes no guesses.
func (w *work) guess(ctx context.Context) (*guesses, error) {
	s := w.job.sampling.withDefaults()
	if w.plan.Bytes < s.least {
		return nil, nil
	}
	g := &guesses{work: w, sampling: s, seen: infer.NewProfile(), given: map[string]bool{}, open: true}
	var folders []*folder
	for i := 0; i < len(w.plan.Objects) && len(folders) < sampleFolders; {
		n := i
		for n < len(w.plan.Objects) && w.plan.Objects[n].Source == w.plan.Objects[i].Source {
			n++
		}
		folders = append(folders, w.folder(ctx, w.plan.Objects[i:n]))
		i = n
	}
	defer func() {
		for _, f := range folders {
			f.stop()
		}
	}()
	for size := s.first; ; size *= 2 {
		more, err := g.sample(ctx, folders, size/int64(len(folders)))
		if err != nil {
			return nil, err
		}
		before := g.by
		if err := g.make(); err != nil {
			return nil, err
		}
		if !more || size*2 > w.plan.Bytes/sampleShare || size > s.first && maps.EqualFunc(before, g.by, (*infer.Guess).Equal) {
			g.seen.Round()
			g.leave()
			return g, nil
		}
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
				f.bytes += unitBytes(u)
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

func unitBytes(u *batch.Unit) (n int64) {
	for i := range u.Chunks {
		n += int64(len(u.Chunks[i].Data))
	}
	return n
}

// make makes the guesses anew, of what was seen so far.
func (g *guesses) make() error {
	g.by, g.counted, g.none = map[string]*infer.Guess{}, map[string]*infer.Seen{}, g.none[:0]
	for _, source := range g.seen.Sources() {
		if g.given[source] {
			continue
		}
		base, o, err := g.schemas.base(source)
		if err != nil {
			return err
		}
		guess, err := g.seen.Guess(base, o)
		if err != nil {
			return err
		}
		if guess == nil {
			g.none = append(g.none, source)
		} else if !guess.Same {
			g.by[source] = guess
			g.counted[source] = &infer.Seen{Rivals: make([]int64, len(guess.Rivals))}
		}
	}
	g.schemas.guess(g.by)
	return nil
}

// leave gives the sources up of which no guess can be made.
func (g *guesses) leave() {
	for _, source := range g.none {
		g.giveUp(source)
	}
}

func (g *guesses) giveUp(source string) {
	g.given[source] = true
	g.sampling.note("given up")
}

// again makes better guesses after a pass that has read so many bytes was stopped. told is what it has told of the sources
// without a guess.
func (g *guesses) again(told *infer.Profile, bytes int64) error {
	g.seen.Merge(told)
	g.seen.Round()
	g.stops++
	g.sampling.note("stopped")
	g.wasted += bytes
	g.open = g.stops < mostStops && g.wasted < g.plan.Bytes/g.sampling.waste
	for source, c := range g.counted {
		if c.Spoiled {
			g.giveUp(source)
		}
	}
	before := g.by
	if err := g.make(); err != nil {
		return err
	}
	g.leave()
	if g.open {
		return nil
	}
	for source, guess := range g.by {
		if !guess.Equal(before[source]) {
			g.giveUp(source)
		}
	}
	return g.make()
}

// settle ends a pass that has read all: the guesses that hold are the schemas, the others are given up. news: there are some
// of these, so that another pass is needed. told are the sources whose schemas have been learned: what was seen of them was
// seen without these schemas.
func (g *guesses) settle(told []string) (news bool, err error) {
	for _, source := range told {
		g.given[source] = true
	}
	for _, source := range slices.Sorted(maps.Keys(g.by)) {
		guess := g.by[source]
		holds, err := g.seen.Holds(guess, *g.counted[source])
		if err != nil {
			return false, err
		}
		if !holds {
			g.giveUp(source)
			news = true
			continue
		}
		g.given[source] = true
		g.sampling.note("held")
		base, o, err := g.schemas.base(source)
		if err != nil {
			return false, err
		}
		_, report, err := g.seen.Extend(base, o)
		if err != nil {
			return false, err
		}
		g.schemas.settle(source, guess.Schema, report)
	}
	g.seen.Round()
	return news, g.make()
}

// baseSchemas are the schemas without the guesses.
type baseSchemas struct{ *schemas }

func (b baseSchemas) Schema(source string) *schema.Schema { return b.known(source) }
