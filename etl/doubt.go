package etl

import (
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/etl/decode"
	"datalake/etl/infer"
	"datalake/pkg/batch"
	"datalake/pkg/schema"
)

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
