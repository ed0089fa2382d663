package infer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// Options say what Extend may settle.
type Options struct {
	// MaxColumns is how many columns with a path the table may have; 0: no limit.
	MaxColumns int
	// EventTime, Envelope: look for them, which is done once, in the source's first run.
	EventTime, Envelope bool
	// Misfits: what was seen at the path of a column are values that do not fit it. Else they are all values, for there was no
	// schema to decode them by.
	Misfits bool
}

// Report says what Extend did.
type Report struct {
	// Added columns, in the order of the table.
	Added []schema.Column
	// Widened columns, as they are now.
	Widened []schema.Column
	// Rescue are the paths that were refused a column; their values go to _rescued from now on.
	Rescue []schema.Path
	// Others: all values without a column go to _rescued from now on, for there are too many fields.
	Others bool
	// Warnings are for people: names that had to change, the column limit.
	Warnings []string
}

// candidates for the event time, the first that fits being taken.
var candidates = schema.EventTimeFields()

// eventTimeFormats are how an inferred event time may be written.
func eventTimeFormats() []string { return []string{timeparse.RFC3339, timeparse.Epoch, "%Y-%m-%d"} }

// News says whether the schema changed in what it takes of records.
func (r *Report) News() bool {
	return len(r.Added) > 0 || len(r.Widened) > 0 || len(r.Rescue) > 0 || r.Others
}

// Extend gives the schema of a source with columns for the paths that were seen and have none, and with wider columns where the
// schema wants that. s stays as it is. Errors: those of schema.Extend.
func (p *Profile) Extend(s *schema.Schema, o Options) (*schema.Schema, Report, error) {
	next, r, _, err := p.extend(s, o)
	return next, r, err
}

// extend is Extend, and gives the leaves that became the added columns.
func (p *Profile) extend(s *schema.Schema, o Options) (*schema.Schema, Report, []leaf, error) {
	var r Report
	src := p.sources[s.Source]
	if src == nil {
		return s, r, nil, nil
	}
	next := s.Clone()
	if o.Envelope {
		if next.Envelope = schema.Bare; src.enveloped > 0 {
			next.Envelope = schema.Enveloped
		}
	}
	if o.EventTime {
		if path := src.eventTime(next.Envelope); path != nil {
			next.EventTime.Path, next.EventTime.Formats = path, eventTimeFormats()
		}
	}
	if o.Misfits && next.OnTypeConflict == schema.Widen {
		src.widen(next, &r)
	}
	if next.OtherColumns != schema.Keep {
		return next, r, nil, nil
	}
	t := newTaken(next)
	var leaves []leaf
	src.root.leaves(nil, t, &leaves)
	slices.SortFunc(leaves, func(a, b leaf) int {
		return cmp.Or(a.node.first.compare(b.node.first), strings.Compare(a.path.String(), b.path.String()))
	})
	if src.many {
		r.Others = true
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: its records have more than %d different fields: all that have no column go to _rescued", s.Source, maxFields))
		next.OtherColumns = schema.Rescue
		leaves = nil
	}
	if o.MaxColumns > 0 {
		leaves = limit(next, &r, leaves, o.MaxColumns, t.columns)
	}
	paths := make([]schema.Path, len(leaves))
	for i, l := range leaves {
		paths[i] = l.path
	}
	for i, n := range schema.Names(paths, next.Envelope == schema.Enveloped, next.Taken()) {
		if n.Changed {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s", s.Source, n.Why))
		}
		r.Added = append(r.Added, schema.Column{Name: n.Name, Type: leaves[i].typ, Path: n.Path})
	}
	next, err := next.Extend(r.Added)
	return next, r, leaves, err
}

// limit takes the fields out that are beyond the limit of columns.
func limit(next *schema.Schema, r *Report, leaves []leaf, most, columns int) []leaf {
	var kept []leaf
	for _, l := range leaves {
		if columns < most || l.inner {
			columns++
			kept = append(kept, l)
		} else {
			r.Rescue = append(r.Rescue, l.path)
		}
	}
	if n := len(r.Rescue); n > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %d fields are beyond the limit of %d columns and go to _rescued, from %s on", next.Source, n, most, r.Rescue[0]))
		next.Rescue = append(next.Rescue, r.Rescue...)
	}
	return kept
}

// widen makes int bigint where whole numbers were seen that did not fit: readers take the older files for it, exactly. (Float
// to double would not be exact: a float 0.1 is another double than 0.1.)
func (s *source) widen(next *schema.Schema, r *Report) {
	for i := range next.Columns {
		c := &next.Columns[i]
		if c.Role != schema.Data || c.Type.Kind != schema.Int {
			continue
		}
		n := s.at(c.Path)
		if n == nil {
			continue
		}
		seen := n.scalars.numbers
		seen.merge(&n.scalars.quoted)
		if seen.ints <= seen.beyond {
			continue
		}
		c.Type.Kind = schema.Bigint
		r.Widened = append(r.Widened, *c)
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: column %s is %s now, it was %s", s.name, c.Name, c.Type, schema.Int))
	}
}

// eventTime looks for the path of the event time.
func (s *source) eventTime(e schema.Envelope) schema.Path {
	for _, path := range candidatePaths(e) {
		if n := s.at(path); n != nil && n.times*20 >= s.records*19 {
			return path
		}
	}
	return nil
}

// candidates are the paths at which the event time may stand, the first that fits being taken.
func candidatePaths(e schema.Envelope) []schema.Path {
	var paths []schema.Path
	if e == schema.Enveloped {
		for _, name := range candidates {
			paths = append(paths, schema.Path{"data", name})
		}
	}
	for _, name := range candidates {
		paths = append(paths, schema.Path{name})
	}
	return paths
}

// at is the node of a path, nil if it was not seen.
func (s *source) at(path schema.Path) *node {
	n := s.root
	for _, key := range path {
		if n = n.kids[key]; n == nil {
			return nil
		}
	}
	return n
}

// taken knows which paths a schema takes care of.
type taken struct {
	at      map[string]bool // a column, the event time, or _rescued takes the value here as a whole
	below   map[string]bool // a column takes something below: objects here are always flattened
	columns int             // with a path
}

func newTaken(s *schema.Schema) *taken {
	t := &taken{at: map[string]bool{}, below: map[string]bool{}}
	take := func(p schema.Path) {
		t.at[p.String()] = true
		for n := 1; n < len(p); n++ {
			t.below[p[:n].String()] = true
		}
	}
	for i := range s.Columns {
		if c := &s.Columns[i]; len(c.Path) > 0 {
			take(c.Path)
			t.columns++
		}
	}
	if len(s.EventTime.Path) > 0 {
		take(s.EventTime.Path)
	}
	for _, p := range s.Rescue {
		take(p)
	}
	if s.Envelope == schema.Enveloped {
		t.below["data"], t.below["metadata"] = true, true
	}
	return t
}

// leaf is a path that gets a column.
type leaf struct {
	path schema.Path
	typ  schema.Type
	node *node
	// inner: columns lie below the path, so that it cannot be rescued as a whole. It gets its column whatever the limit.
	inner bool
}

// leaves appends the paths at and below n that get a column. What was seen and holds something is at or below one of them,
// or of what is taken: no value is left to be told again.
func (n *node) leaves(path schema.Path, t *taken, out *[]leaf) {
	if len(path) > 0 {
		text := path.String()
		below := t.below[text]
		typ, flat := n.typ()
		switch {
		case t.at[text]:
			if !below {
				return
			}
		case !below && !flat:
			*out = append(*out, leaf{path, typ, n, false})
			return
		case n.whole():
			*out = append(*out, leaf{path, schema.Type{Kind: schema.JSON}, n, true})
			return
		default:
			if own := n.own(); own.Kind != 0 {
				*out = append(*out, leaf{path, own, n, true})
			}
		}
	}
	for key, k := range n.kids {
		k.leaves(append(slices.Clone(path), key), t, out)
	}
}

// typ is the type of a path's values; flat: they are objects whose members are columns, or nothing at all.
func (n *node) typ() (typ schema.Type, flat bool) {
	own := n.own()
	if own.Kind == 0 {
		return schema.Type{Kind: schema.JSON}, !n.whole()
	}
	if n.objects {
		return schema.Type{Kind: schema.JSON}, false
	}
	return own, false
}

// own is the type of the values that are no objects; Kind 0: there are none.
func (n *node) own() schema.Type {
	switch scalar := n.scalars.kind(); {
	case n.arrays == 0:
		return schema.Type{Kind: scalar}
	case scalar != 0, n.nested > 0:
		return schema.Type{Kind: schema.JSON}
	}
	elem := schema.Type{Kind: n.elements.kind()}
	switch elem.Kind {
	case 0:
		elem.Kind = schema.String
	case schema.JSON:
		return elem
	}
	return schema.Type{Kind: schema.List, Elem: &elem}
}
