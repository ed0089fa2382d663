package infer

import (
	"fmt"
	"slices"

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
	// Warnings are for people: names that had to change, the column limit.
	Warnings []string
}

// candidates for the event time, the first that fits being taken.
var candidates = []string{"event_time", "timestamp", "time", "ts", "created_at", "occurred_at"}

// eventTimeFormats are how an inferred event time may be written.
func eventTimeFormats() []string { return []string{timeparse.RFC3339, timeparse.Epoch, "%Y-%m-%d"} }

// News says whether the schema changed in what it takes of records.
func (r *Report) News() bool { return len(r.Added) > 0 || len(r.Widened) > 0 || len(r.Rescue) > 0 }

// Extend gives the schema of a source with columns for the paths that were seen and have none, and with wider columns where the
// schema wants that. s stays as it is. Errors: those of schema.Extend.
func (p *Profile) Extend(s *schema.Schema, o Options) (*schema.Schema, Report, error) {
	var r Report
	src := p.sources[s.Source]
	if src == nil {
		return s, r, nil
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
		return next, r, nil
	}
	t := newTaken(next)
	var leaves []leaf
	src.root.leaves(nil, t, &leaves)
	slices.SortFunc(leaves, func(a, b leaf) int { return a.node.first.compare(b.node.first) })
	if src.root.whole {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: more than %d different keys stand at the root of its records: all of them go to _rescued", s.Source, maxPaths))
		next.OtherColumns = schema.Rescue
	}
	if room := o.MaxColumns - t.columns; o.MaxColumns > 0 && len(leaves) > room {
		room = max(room, 0)
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %d fields are beyond the limit of %d columns and go to _rescued, from %s on", s.Source, len(leaves)-room, o.MaxColumns, leaves[room].path))
		for _, l := range leaves[room:] {
			r.Rescue = append(r.Rescue, l.path)
		}
		leaves = leaves[:room]
		next.Rescue = append(next.Rescue, r.Rescue...)
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
	return next, r, err
}

// widen makes int bigint and float double, where numbers were seen that did not fit: what readers of the older files take
// without being told.
func (s *source) widen(next *schema.Schema, r *Report) {
	for i := range next.Columns {
		c := &next.Columns[i]
		was := c.Type.Kind
		if c.Role != schema.Data || was != schema.Int && was != schema.Float {
			continue
		}
		n := s.root
		for _, key := range c.Path {
			if n != nil {
				n = n.kids[key]
			}
		}
		if n == nil {
			continue
		}
		seen := n.scalars.numbers
		seen.merge(&n.scalars.quoted)
		switch {
		case was == schema.Int && seen.ints > seen.beyond:
			c.Type.Kind = schema.Bigint
		case was == schema.Float && seen.count() > 0:
			c.Type.Kind = schema.Double
		default:
			continue
		}
		r.Widened = append(r.Widened, *c)
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: column %s is %s now, it was %s", s.name, c.Name, c.Type, was))
	}
}

// eventTime looks for the path of the event time.
func (s *source) eventTime(e schema.Envelope) schema.Path {
	for _, in := range []schema.Path{{"data"}, nil} {
		if e != schema.Enveloped && in != nil {
			continue
		}
		n := s.root
		for _, key := range in {
			if n != nil {
				n = n.kids[key]
			}
		}
		if n == nil {
			continue
		}
		for _, name := range candidates {
			if k := n.kids[name]; k != nil && k.times*20 >= s.records*19 {
				return append(slices.Clone(in), name)
			}
		}
	}
	return nil
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
}

// leaves appends the paths at and below n that get a column.
func (n *node) leaves(path schema.Path, t *taken, out *[]leaf) {
	text := ""
	if len(path) > 0 {
		if text = path.String(); t.at[text] {
			return
		}
		typ, flat := n.typ()
		if !flat && !t.below[text] {
			*out = append(*out, leaf{path, typ, n})
			return
		}
		if own := n.own(); t.below[text] && own.Kind != 0 {
			*out = append(*out, leaf{path, own, n})
		}
	}
	for key, k := range n.kids {
		k.leaves(append(slices.Clone(path), key), t, out)
	}
}

// typ is the type of a path's values; flat: they are objects whose members are columns, or nothing at all.
func (n *node) typ() (typ schema.Type, flat bool) {
	own := n.own()
	switch {
	case n.objects == 0 && own.Kind == 0:
		return own, true
	case n.objects == 0:
		return own, false
	case own.Kind != 0, n.whole:
		return schema.Type{Kind: schema.JSON}, false
	}
	return own, true
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
