package etl

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/etl/decode"
	"datalake/etl/infer"
	"datalake/pkg/batch"
	"datalake/pkg/schema"
)

// guesses spare the run its second pass. A sample of each source gives a guess of its schema, a pass decodes by that, and at
// its end the guess holds or does not (see infer.Guess). A pass whose guess is refuted stops at once, and the next one knows
// better; so what comes late costs as much of a pass as lay before it, less than two passes over all where it is one thing.
// When that has added up to a part of the input, one more pass may be stopped; sources whose guesses fail then are given up: they
// are told in full, and then decoded in one more pass.
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

// sampling says how much is looked at before a guess, and hears what becomes of it: of tests. The zero value has the defaults.
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
	last := !g.open // this pass was the last that could be stopped
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
	if !last {
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

// doubt looks, for one worker, at what speaks against the guesses that its units are decoded by.
type doubt struct {
	*guesses
	// told is what records of sources without a guess tell.
	told *infer.Profile

	source  string   // of the last record
	counted *counted // nil: the source has no guess
	fresh   bool     // and no schema either, so that its records are reason enough to stop
	by      map[string]*counted
	news    map[string]bool // sources without a guess that told of values in this unit

	base    *decode.Decoder // shows units without guesses; nil: none was needed yet
	showing *infer.Profile
}

// counted is what one worker counts of a source.
type counted struct {
	infer.Seen
	unknown bool // a value without a column, in this unit
}

func (g *guesses) doubt(told *infer.Profile) *doubt {
	return &doubt{guesses: g, told: told, by: map[string]*counted{}, news: map[string]bool{}}
}

// of finds the source of the next record.
func (d *doubt) of(source string) *counted {
	if source == d.source {
		return d.counted
	}
	d.source, d.counted, d.fresh = source, d.by[source], false
	switch guess := d.guesses.by[source]; {
	case guess == nil:
		d.fresh = d.open && !d.given[source] && d.schemas.known(source) == nil
	case d.counted == nil:
		d.counted = &counted{Seen: infer.Seen{Rivals: make([]int64, len(guess.Rivals))}}
		d.by[source] = d.counted
	}
	return d.counted
}

// Wants implements decode.Chooser: what has a schema that is no guess has nothing to prove. (Where sources take turns, the look-ups
// for each record took 4 % of a run.)
func (d *doubt) Wants(source string) bool {
	return d.of(source) != nil || d.fresh || d.schemas.known(source) == nil
}

// Record implements decode.Observer.
func (d *doubt) Record(source string, envelope bool, o batch.Origin) {
	c := d.of(source)
	if c == nil {
		d.told.Record(source, envelope, o)
		if d.fresh {
			d.news[source] = true
		}
		return
	}
	c.Records++
	if envelope {
		c.Enveloped++
	}
}

// Unknown implements decode.Observer.
func (d *doubt) Unknown(source string, envelope bool, o batch.Origin, path schema.Path, b []byte, start, end int) {
	c := d.of(source)
	if c == nil {
		d.told.Unknown(source, envelope, o, path, b, start, end)
		if d.open && !d.given[source] {
			d.news[source] = true
		}
		return
	}
	c.unknown = true
}

// look looks at a unit that was decoded, and shows it to the profile if it has anything that does not bear a guess out.
// errRefuted: the pass can stop.
func (d *doubt) look(u *batch.Unit, out *decode.Output) error {
	odd := false
	for source, c := range out.Counts {
		guess := d.guesses.by[source]
		if guess == nil {
			continue
		}
		d.of(source)
		n, doubts := d.counted, out.Doubts[source]
		n.Late += c.NoEventTime
		odd = odd || n.unknown || len(u.Chunks) > 0 && guess.Early(u.Chunks[0].Object.Index, u.Chunks[0].Offset)
		n.unknown = false
		for path := range c.RescuedBy {
			odd = odd || guess.Fresh(path)
		}
		if doubts != nil {
			at := guess.Schema.EventTime.Path.String()
			n.Late += doubts.Unlike[at]
			delete(doubts.Unlike, at)
			odd = odd || doubts.Empty > 0 || len(doubts.Unlike) > 0
		}
	}
	for _, b := range out.Batches {
		guess := d.guesses.by[b.Source]
		if guess == nil {
			continue
		}
		d.of(b.Source)
		for i, at := range guess.Rivals {
			column := b.Record.Column(at)
			d.counted.Rivals[i] += int64(column.Len() - column.NullN())
		}
		for _, at := range guess.Lists {
			values := b.Record.Column(at).(*array.List).ListValues()
			odd = odd || values.Len() > values.NullN()
		}
	}
	for _, r := range out.Rejects {
		if d.guesses.by[r.Source] != nil && (r.Rule == "required" || r.Rule == "type" || r.Rule == "event_time") {
			d.of(r.Source)
			d.counted.Spoiled = true
			return errRefuted
		}
	}
	if odd {
		if err := d.show(u, out); err != nil {
			return err
		}
	}
	return d.untold()
}

// untold stops the pass for what was told of sources without a guess, if that makes new columns.
func (d *doubt) untold() error {
	for source := range d.news {
		delete(d.news, source)
		base, o, err := d.schemas.base(source)
		if err != nil {
			return err
		}
		_, report, err := d.told.Extend(base, o)
		if err != nil {
			return err
		}
		if !o.Misfits || report.News() {
			return errRefuted
		}
	}
	return nil
}

// show shows a unit to the profile, as it is without guesses.
func (d *doubt) show(u *batch.Unit, out *decode.Output) error {
	d.showing = infer.NewProfile()
	if d.base == nil {
		var err error
		if d.base, err = d.newDecoder(baseSchemas{d.schemas}, shower{d}); err != nil {
			return err
		}
	}
	shown, err := d.base.Decode(u)
	if err != nil {
		return err
	}
	shown.Release()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen.Merge(d.showing)
	for source := range out.Counts {
		if guess := d.guesses.by[source]; guess != nil {
			if refuted, err := d.seen.Refuted(guess); refuted || err != nil {
				if err == nil {
					err = errRefuted
				}
				return err
			}
		}
	}
	return nil
}

// finish adds what the worker has counted to that of all.
func (d *doubt) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for source, c := range d.by {
		sum := d.guesses.counted[source]
		sum.Records += c.Records
		sum.Enveloped += c.Enveloped
		sum.Late += c.Late
		sum.Spoiled = sum.Spoiled || c.Spoiled
		for i, n := range c.Rivals {
			sum.Rivals[i] += n
		}
	}
}

// shower tells what records without a guess look like, of the sources that have one.
type shower struct{ *doubt }

func (s shower) Record(source string, envelope bool, o batch.Origin) {
	if s.guesses.by[source] != nil {
		s.showing.Record(source, envelope, o)
	}
}

func (s shower) Unknown(source string, envelope bool, o batch.Origin, path schema.Path, b []byte, start, end int) {
	if s.guesses.by[source] != nil {
		s.showing.Unknown(source, envelope, o, path, b, start, end)
	}
}

var (
	_ decode.Observer = (*doubt)(nil)
	_ decode.Observer = shower{}
)
