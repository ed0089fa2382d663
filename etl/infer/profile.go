package infer

import (
	"cmp"
	"maps"
	"slices"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// maxPaths is how many paths a source may have before objects are taken as a whole.
const maxPaths = 10_000

// Profile is what was seen of the values that have no column yet. Not safe for concurrent use.
type Profile struct {
	sources map[string]*source
	text    []byte // scratch
}

// NewProfile gives an empty profile.
func NewProfile() *Profile { return &Profile{sources: map[string]*source{}} }

type source struct {
	name               string
	records, enveloped int64
	root               *node
	depths             []int // number of nodes at each depth, the root's not counted
}

// place orders values by their first appearance.
type place struct {
	object int
	offset int64 // of the record
	at     int   // of the value, in the text that holds the record
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.object, q.object), cmp.Compare(p.offset, q.offset), cmp.Compare(p.at, q.at))
}

// node is one path.
type node struct {
	first   place
	objects int64
	// whole: the objects here have too many members; kids are forgotten.
	whole bool
	kids  map[string]*node

	scalars  stat
	arrays   int64
	elements stat  // scalars in arrays
	nested   int64 // arrays and objects in arrays
	times    int64 // scalars that can be an event time
}

// Sources are the names of the sources that records came of, sorted.
func (p *Profile) Sources() []string { return slices.Sorted(maps.Keys(p.sources)) }

func (p *Profile) source(name string) *source {
	s := p.sources[name]
	if s == nil {
		s = &source{name: name, root: &node{}}
		p.sources[name] = s
	}
	return s
}

// Record counts a record of a source.
func (p *Profile) Record(source string, envelope bool, _ batch.Origin) {
	s := p.source(source)
	s.records++
	if envelope {
		s.enveloped++
	}
}

// Unknown takes in the value b[start:end], which stands at path in the record at o. b is padded, the value valid. Nothing of
// what is given is kept.
func (p *Profile) Unknown(source string, _ bool, o batch.Origin, path schema.Path, b []byte, start, _ int) {
	s := p.source(source)
	w := walker{profile: p, source: s, b: b, object: o.Object.Index, offset: o.Offset}
	n := s.root
	for depth, key := range path {
		n.objects++
		if n.whole {
			return
		}
		n = w.child(n, key, depth, start)
	}
	w.value(n, len(path), start)
	s.bound()
}

// walker goes through one value.
type walker struct {
	profile *Profile
	source  *source
	b       []byte
	object  int
	offset  int64
}

func (w *walker) child(n *node, key string, depth, at int) *node {
	k := n.kids[key]
	here := place{w.object, w.offset, at}
	if k == nil {
		k = &node{first: here}
		if n.kids == nil {
			n.kids = map[string]*node{}
		}
		n.kids[key] = k
		w.source.count(depth, 1)
	} else if here.compare(k.first) < 0 {
		k.first = here
	}
	return k
}

func (s *source) count(depth, n int) {
	for len(s.depths) <= depth {
		s.depths = append(s.depths, 0)
	}
	s.depths[depth] += n
}

// value takes in the value at p, of a path of the given depth, and gives the position after it.
func (w *walker) value(n *node, depth, p int) int {
	switch w.b[p] {
	case '{':
		return w.members(n, depth, p)
	case '[':
		n.arrays++
		return w.array(n, p)
	case 'n':
		return p + 4
	}
	end := w.scalar(&n.scalars, p)
	if isTime(&w.profile.text, w.b[p:end]) {
		n.times++
	}
	return end
}

func (w *walker) members(n *node, depth, p int) int {
	n.objects++
	p = jsontext.Space(w.b, p+1)
	if w.b[p] == '}' {
		return p + 1
	}
	for {
		key, after := w.key(p)
		p = jsontext.Space(w.b, after)
		p = jsontext.Space(w.b, p+1) // the colon
		if n.whole {
			p = w.skip(p)
		} else {
			p = w.value(w.child(n, key, depth, p), depth+1, p)
		}
		p = jsontext.Space(w.b, p)
		if w.b[p] == '}' {
			return p + 1
		}
		p = jsontext.Space(w.b, p+1)
	}
}

func (w *walker) key(p int) (string, int) {
	end, escaped, err := replacing.String(w.b, p)
	if err != nil {
		return "", len(w.b) - jsontext.Padding // the caller promised that the text is valid
	}
	inner := w.b[p+1 : end-1]
	if escaped {
		w.profile.text = jsontext.AppendUnquoted(w.profile.text[:0], inner)
		inner = w.profile.text
	}
	return string(inner), end
}

// replacing accepts what a decoder may have been told to accept.
var replacing = jsontext.Limits{ReplaceInvalid: true, MaxDepth: 1 << 30}

func (w *walker) skip(p int) int {
	end, err := replacing.Value(w.b, p)
	if err != nil {
		return len(w.b) - jsontext.Padding
	}
	return end
}

func (w *walker) array(n *node, p int) int {
	p = jsontext.Space(w.b, p+1)
	if w.b[p] == ']' {
		return p + 1
	}
	for {
		switch w.b[p] {
		case '{', '[':
			n.nested++
			p = w.skip(p)
		case 'n':
			p += 4
		default:
			p = w.scalar(&n.elements, p)
		}
		p = jsontext.Space(w.b, p)
		if w.b[p] == ']' {
			return p + 1
		}
		p = jsontext.Space(w.b, p+1)
	}
}

func (w *walker) scalar(s *stat, p int) int {
	end := w.skip(p)
	s.add(&w.profile.text, w.b[p:end])
	return end
}

// bound takes objects as a whole where the source has too many paths: those of the deepest level that keeps within the limit. A
// level that is within the limit for all records is within it for some, so it does not matter who sees which.
func (s *source) bound() {
	total := 0
	for depth, n := range s.depths {
		if total += n; total <= maxPaths {
			continue
		}
		s.cut(s.root, depth)
		s.depths = s.depths[:depth]
		return
	}
}

// cut forgets the members of all objects that lie depth levels below n.
func (s *source) cut(n *node, depth int) {
	if depth == 0 {
		n.whole = n.whole || len(n.kids) > 0
		n.kids = nil
		return
	}
	for _, k := range n.kids {
		s.cut(k, depth-1)
	}
}

// Merge takes in what another profile has seen; q must not be used any more.
func (p *Profile) Merge(q *Profile) {
	for name, t := range q.sources {
		s := p.source(name)
		s.records += t.records
		s.enveloped += t.enveloped
		s.merge(s.root, t.root, 0)
		s.bound()
	}
}

func (s *source) merge(n, m *node, depth int) {
	n.objects += m.objects
	n.arrays += m.arrays
	n.nested += m.nested
	n.times += m.times
	n.scalars.merge(&m.scalars)
	n.elements.merge(&m.elements)
	if m.first.compare(n.first) < 0 {
		n.first = m.first
	}
	if m.whole && !n.whole {
		n.whole = true
		s.forget(n, depth)
	}
	if n.whole {
		return
	}
	for key, k := range m.kids {
		if n.kids == nil {
			n.kids = map[string]*node{}
		}
		if n.kids[key] == nil {
			n.kids[key] = &node{first: k.first}
			s.count(depth, 1)
		}
		s.merge(n.kids[key], k, depth+1)
	}
}

// forget drops the members of n, whose own depth is given.
func (s *source) forget(n *node, depth int) {
	for _, k := range n.kids {
		s.count(depth, -1)
		s.forget(k, depth+1)
	}
	n.kids = nil
}
