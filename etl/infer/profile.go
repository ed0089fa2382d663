package infer

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"datalake/pkg/batch"
	"datalake/pkg/schema"
)

const (
	// maxFields is how many fields a source may have: members of its records, and of data and metadata in them.
	maxFields = 10_000
	// maxBelow is how many paths may lie below one field before objects in it are taken as a whole.
	maxBelow = 1000
)

// Profile is what was seen of the values that have no column yet. Not safe for concurrent use.
type Profile struct {
	sources map[string]*source
	last    *source // of the last record
	rounds  int64   // how often a record may have been seen
	text    []byte  // scratch
}

// NewProfile gives an empty profile.
func NewProfile() *Profile { return &Profile{sources: map[string]*source{}, rounds: 1} }

type source struct {
	name               string
	records, enveloped int64
	root               *node
	// fields counts the members of containers. When they are too many, many is set, and only what can be the event time is
	// still looked at.
	fields int
	many   bool
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
//
// Containers are the root and its members data and metadata; a container's other members are fields, each with a tree of
// its own below it. A table cannot have a container as one column, so its members are limited source by source, while
// what is below a field can become JSON text without touching other fields.
type node struct {
	key       string
	quoted    string // the key as it was first written, with quotes; "" until it was
	container bool
	candidate bool  // for the event time
	depth     int   // below the field
	tree      *tree // the field's; nil if the field has nothing below it, and for containers
	first     place
	objects   bool // there were objects here
	members   bool // and some had members
	kids      map[string]*node
	// head and after predict the order of keys: the first of the last object here, and the one that followed this key.
	head, after *node

	scalars  stat
	arrays   int64
	elements stat  // scalars in arrays
	nested   int64 // arrays and objects in arrays
	times    int64 // scalars that can be an event time
}

// tree bounds the paths below a field. Objects limit levels below the field, and deeper ones, are not opened.
//
// limit is the least depth at which all paths down to the next one are more than maxBelow. The paths above it are all
// known to everyone who sees a part of the records, and paths only become more. So it does not matter in which order
// records are seen, nor who sees which.
type tree struct {
	field  *node
	depths []int // number of nodes 1, 2, … levels below the field
	limit  int
}

// isContainer says whether a member of the root is a container.
func isContainer(key string) bool { return key == "data" || key == "metadata" }

// open says whether members of objects here are paths of their own.
func (n *node) open() bool { return n.tree == nil || n.depth < n.tree.limit }

// whole says that objects here are one value each, for there are too many paths.
func (n *node) whole() bool { return n.members && !n.open() }

// Sources are the names of the sources that records came of, sorted.
func (p *Profile) Sources() []string { return slices.Sorted(maps.Keys(p.sources)) }

func (p *Profile) source(name string) *source {
	if p.last != nil && p.last.name == name {
		return p.last
	}
	s := p.sources[name]
	if s == nil {
		s = &source{name: name, root: &node{container: true}}
		p.sources[name] = s
	}
	p.last = s
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
	for _, key := range path {
		n.objects, n.members = true, true
		k := n.kids[key]
		if k == nil {
			k = s.add(n, key, w.place(start))
		} else {
			k.appears(&w, start)
		}
		if k == nil {
			return
		}
		n = k
	}
	w.value(n, start)
}

// sooner notes that there is a value at p.
func (n *node) sooner(p place) {
	if p.compare(n.first) < 0 {
		n.first = p
	}
}

// add makes the member of n with the key, if there is room: nil, if not.
func (s *source) add(n *node, key string, first place) *node {
	k := &node{key: key, first: first}
	switch {
	case n.container && n == s.root && isContainer(key):
		k.container = true
	case n.container:
		k.candidate = (n == s.root || n.key == "data") && slices.Contains(candidates, key)
		if s.many && !k.candidate {
			return nil
		}
		s.fields++
		if s.fields > maxFields && !s.many {
			s.setMany()
			if !k.candidate {
				return nil
			}
		}
	default:
		if n.tree == nil {
			n.tree = &tree{field: n, limit: math.MaxInt}
		}
		if n.tree.count(n.depth + 1); !n.open() {
			return nil
		}
		k.depth, k.tree = n.depth+1, n.tree
	}
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	n.kids[key] = k
	return k
}

// count notes a new node, unless it is too deep.
func (t *tree) count(depth int) {
	if depth > t.limit {
		return
	}
	for len(t.depths) < depth {
		t.depths = append(t.depths, 0)
	}
	t.depths[depth-1]++
	total := 0
	for i, n := range t.depths {
		if total += n; total > maxBelow {
			t.lower(i)
			return
		}
	}
}

// lower forgets the members of objects limit levels below the field.
func (t *tree) lower(limit int) {
	if limit < t.limit {
		t.limit = limit
		t.depths = t.depths[:min(limit, len(t.depths))]
		t.field.cut(limit)
	}
}

func (n *node) cut(depth int) {
	if depth == 0 {
		n.kids, n.head = nil, nil
		return
	}
	for _, k := range n.kids {
		k.cut(depth - 1)
	}
}

// setMany forgets all fields but those that can be the event time.
func (s *source) setMany() {
	s.many = true
	for _, n := range []*node{s.root, s.root.kids["data"], s.root.kids["metadata"]} {
		if n == nil {
			continue
		}
		n.head = nil
		maps.DeleteFunc(n.kids, func(_ string, k *node) bool { return !k.container && !k.candidate })
		for _, k := range n.kids {
			k.after = nil
		}
	}
}

// Merge takes in what another profile has seen; q must not be used any more.
func (p *Profile) Merge(q *Profile) {
	for name, t := range q.sources {
		s := p.source(name)
		s.records += t.records
		s.enveloped += t.enveloped
		if t.many && !s.many {
			s.setMany()
		}
		s.merge(s.root, t.root)
	}
}

func (s *source) merge(n, m *node) {
	n.objects = n.objects || m.objects
	n.members = n.members || m.members
	n.arrays += m.arrays
	n.nested += m.nested
	n.times += m.times
	n.scalars.merge(&m.scalars)
	n.elements.merge(&m.elements)
	n.sooner(m.first)
	if m.tree != nil && m.tree.field == m {
		if n.tree == nil {
			n.tree = &tree{field: n, limit: math.MaxInt}
		}
		n.tree.lower(m.tree.limit)
	}
	for key, k := range m.kids {
		to := n.kids[key]
		if to == nil {
			if to = s.add(n, key, k.first); to == nil {
				continue
			}
		}
		s.merge(to, k)
	}
}
