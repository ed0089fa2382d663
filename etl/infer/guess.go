package infer

import (
	"math"
	"reflect"
	"slices"

	"datalake/pkg/schema"
)

// Guess is a schema that was made from a part of a source's records, with what it takes to tell whether all of them make it.
//
// Decoding by a guess tells what inference would have told, at the price of decoding. Let a profile P have seen some of the
// records (a sample first), S be what Extend makes of P, and let all records be decoded by S. Every unit with a record that
// bears S not out is shown to P, whole, as a decoder without a guess shows it. If Extend makes S of P then too, and Holds says
// that the counts of the pass agree, then it would make S of all records. For a record that P has not seen changes nothing:
//
//   - It has no value at a path without a column (the decoder would have told it), and no member at all at a new path, be it null
//     (Doubts.Empty). So the paths are those that P knows, or declared ones, or lie in objects that are values of a field that is
//     json anyway; of these there is no telling how many there are, so Guess keeps clear of the limits by the number of
//     columns. It stands behind the place at which the last column first appeared (Early), so it changes no order.
//   - Each value fits its column (Counts.RescuedBy) and is of the kind that the column was inferred from (Doubts.Unlike). A type
//     follows from which kinds there were, and each kind was seen by P: more booleans leave a boolean one, more whole numbers
//     a bigint, more exact numbers a double, more dates a date. A string column has seen a string that is no date and one that is
//     no time, or one that is neither; what was json stays so. Objects that are not flattened, arrays in arrays and mixed kinds are
//     json whatever comes. A list of strings that has seen no element (Lists) is open: whoever decodes must show the units
//     in which it has some.
//   - What depends on shares cannot be seen from kinds. Numbers beyond 64 bits do not fit a bigint, so P has seen them all; it is
//     a bigint while they are clearly the minority, else there is no guess. The event time is the first candidate that is
//     a time in 95 % of the records: Seen counts how often the one taken was none, and how often those before it had a
//     value in their columns (Rivals). They get no guess if declared columns stand in their places.
//   - A source is enveloped if one record is; Seen counts that.
//
// Rejected: to count kinds column by column while decoding. It costs each value something, and only ever tells the little that
// comes out of the units which do not fit. And to guess again and again what a sample may have missed: whoever decodes stops
// once the guess is refuted, and P knows more then.
type Guess struct {
	// Schema is the guess. Same: it is the schema that was there before, for nothing new has been seen.
	Schema *schema.Schema
	Same   bool
	Report Report
	// Lists are the positions of columns that are lists of strings because no element was seen.
	Lists []int
	// Rivals are the positions of columns whose values may turn out to be the event time.
	Rivals []int

	base    *schema.Schema
	options Options
	fresh   map[string]bool // paths of columns that base has not
	newest  place           // where the last of them appeared
}

// Seen is what a pass that decoded by a guess has counted of the source's records, without those that were rejected.
type Seen struct {
	Records, Enveloped int64
	// Late is how many had no event time, or one that inference would not have taken for one.
	Late int64
	// Rivals is how many values the columns of Guess.Rivals had.
	Rivals []int64
	// Spoiled: records were rejected for what stands in them, which inference would have seen.
	Spoiled bool
}

// Guess makes a guess of what Extend would make of s if p had seen all records. nil: there is none, for what p has seen lies
// at a limit. Errors: those of Extend.
func (p *Profile) Guess(s *schema.Schema, o Options) (*Guess, error) {
	src := p.sources[s.Source]
	if src == nil {
		return nil, nil
	}
	next, r, leaves, err := p.extend(s, o)
	if err != nil {
		return nil, err
	}
	g := &Guess{Schema: next, Report: r, base: s, options: o, fresh: map[string]bool{}}
	if o.Misfits && !r.News() {
		g.Schema, g.Same = s, true
		return g, nil
	}
	if r.Others || len(next.Rescue) > 0 || !o.Misfits && s.OnTypeConflict == schema.Widen || src.fields+len(next.Columns) > maxFields {
		return nil, nil
	}
	if !src.root.clear(len(next.Columns)) || o.EventTime && !src.rivals(g) {
		return nil, nil
	}
	for _, l := range leaves {
		n := l.node
		if !n.scalars.decided(p.rounds) || !n.elements.decided(p.rounds) {
			return nil, nil
		}
		g.fresh[l.path.String()] = true
		if n.first.compare(g.newest) > 0 {
			g.newest = n.first
		}
		if l.typ.Kind == schema.List && n.elements.count() == 0 {
			g.Lists = append(g.Lists, column(next, l.path))
		}
	}
	return g, nil
}

// column is the position of the column at a path that was inferred; -1: none.
func column(s *schema.Schema, p schema.Path) int {
	return slices.IndexFunc(s.Columns, func(c schema.Column) bool { return slices.Equal(c.Path, p) })
}

// clear says whether more paths could come, as many as there are columns, without the limit of any field being reached; or it
// was, and all in the field is one value.
func (n *node) clear(more int) bool {
	if t := n.tree; t != nil && t.field == n {
		paths := more
		for _, d := range t.depths {
			paths += d
		}
		return t.limit == 0 || t.limit == math.MaxInt && paths <= maxBelow
	}
	for _, k := range n.kids {
		if !k.clear(more) {
			return false
		}
	}
	return true
}

// decided says whether more numbers within 64 bits cannot change the type: p's counts are those of so many rounds, in each of
// which a record was seen at most once, so a count is at most so many times too large.
func (s *stat) decided(rounds int64) bool {
	all := s.numbers
	all.merge(&s.quoted)
	return s.numbers.count() == 0 || all.floats > 0 || all.beyond == 0 || all.beyond*2*rounds <= all.ints
}

// rivals finds the candidates for the event time that come before the one taken. false: what they hold cannot be counted.
func (s *source) rivals(g *Guess) bool {
	next := g.Schema
	for _, path := range candidatePaths(next.Envelope) {
		if slices.Equal(path, next.EventTime.Path) {
			break
		}
		if column(g.base, path) >= 0 || next.OtherColumns != schema.Keep {
			return false
		}
		n := s.at(path)
		if n == nil {
			continue
		}
		if n.scalars.count()*20 >= s.records*19 {
			return false
		}
		if i := column(next, path); i >= 0 {
			g.Rivals = append(g.Rivals, i)
		}
	}
	return true
}

// Early says whether records at o may stand before the first of a column.
func (g *Guess) Early(object int, offset int64) bool {
	return place{object, offset, 0}.compare(g.newest) <= 0
}

// Fresh says whether the column at a path is a guess.
func (g *Guess) Fresh(path string) bool { return g.fresh[path] }

// Equal says whether h guesses the same.
func (g *Guess) Equal(h *Guess) bool { return h != nil && reflect.DeepEqual(g.Schema, h.Schema) }

// Refuted says whether p, which has seen more since, makes another guess now.
func (p *Profile) Refuted(g *Guess) (bool, error) {
	now, err := p.Guess(g.base, g.options)
	return err != nil || !g.Equal(now), err
}

// Holds says whether the guess is what all records make: p has seen what a pass by it doubted, and seen was counted in that
// pass. The report that counts then is that of p.Extend.
func (p *Profile) Holds(g *Guess, seen Seen) (bool, error) {
	if refuted, err := p.Refuted(g); refuted || err != nil {
		return false, err
	}
	if seen.Spoiled || g.options.Envelope && g.Schema.Envelope != schema.Enveloped && seen.Enveloped > 0 {
		return false, nil
	}
	if !g.options.EventTime {
		return true, nil
	}
	if len(g.Schema.EventTime.Path) > 0 && (seen.Records-seen.Late)*20 < seen.Records*19 {
		return false, nil
	}
	return !slices.ContainsFunc(seen.Rivals, func(n int64) bool { return n*20 >= seen.Records*19 }), nil
}

// Round tells that records which were seen may be seen again from now on.
func (p *Profile) Round() { p.rounds++ }
