package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What dirty data is made of.
const (
	dirtyColumns  = 40
	dirtyOptional = 8 // of them are there in some lines only
	dirtyUnknown  = 24
	// objectsDeep is how many objects stand in one another below the record's own: data and three more.
	objectsDeep = 4
)

// Types of columns, with how often they are drawn.
var dirtyTypes = []struct {
	kind, weight int
	name         string
}{
	{kindWord, 8, "string"},
	{kindID, 4, "string"},
	{kindText, 4, "string"},
	{kindDouble, 7, "double"},
	{kindInt, 7, "bigint"},
	{kindBool, 3, "boolean"},
	{kindTime, 3, "timestamp"},
	{kindWords, 2, "list<string>"},
	{kindInts, 1, "list<bigint>"},
	{kindDoubles, 1, "list<double>"},
}

const (
	kindObject  = iota
	kindWord    // of a few values
	kindID      // of many
	kindText    // words with escapes and letters beyond ASCII
	kindDouble  // spelled in several ways
	kindInt     // up to 12 digits
	kindBool    //
	kindTime    // of the last year, in some offset
	kindWords   // lists of up to 5
	kindInts    //
	kindDoubles //
	kindEvent   // the line's event time
)

// node is a key of the shape that lines have.
type node struct {
	key      string
	quoted   string // with its colon, as it stands in a line
	kind     int
	optional bool
	words    []string // of kindWord and kindWords: their JSON texts
	children []*node
}

// shape is what the seed drew.
type shape struct {
	set     *Set
	root    *node   // data
	objects []*node // data and all objects in it
	unknown []*node // keys of no column, put into some object
	comma   string
	colon   string
}

var (
	firstParts = []string{
		"user", "order", "device", "cart", "page", "geo", "net", "app", "sys", "bill", "ship", "unit", "room", "line", "flow", "pump", "rack", "node", "trip", "fleet", "item", "shop", "tax", "load",
		"größe", "año", "température", "Höhe", "straße", "naïve",
	}
	lastParts = []string{
		"id", "name", "code", "size", "rate", "level", "count", "total", "state", "mode", "group", "label", "note", "score", "speed", "limit", "price", "weight", "Class", "Status", "Kind", "Zone", "Index", "Value", "tags", "path",
	}
	eventKeys = []string{"event_time", "timestamp", "time", "ts", "created_at", "occurred_at"}
	sourceOf  = []string{"orders", "clicks", "meters", "scanners", "payments", "kiosks", "trucks", "games", "cameras", "lifts"}
)

// dirty draws the shape.
func (s *Set) dirty() {
	r := newRNG(s.o.Seed, 0, 5)
	d := &shape{set: s}
	if d.comma, d.colon = ",", ":"; r.n(2) == 0 && !s.o.Spaced {
		d.comma, d.colon = ", ", ": "
	}
	s.start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(r.n(900))).UnixMilli()
	names := slices.Clone(sourceOf)
	for range 3 {
		i := int(r.n(uint64(len(names))))
		s.sources = append(s.sources, names[i])
		names = slices.Delete(names, i, i+1)
	}
	d.root = d.node("data", kindObject)
	d.objects = []*node{d.root}
	d.draw(&r)
	s.line = d.line
}

// place is an object with where it stands.
type place struct {
	node *node
	path []string
}

// draw draws the objects, the columns and the unknown keys.
func (d *shape) draw(r *rng) {
	s := d.set
	taken := map[string]bool{"record_id": true, "event_time": true, "ingested_at": true, "quality_score": true, "source": true, "year": true, "month": true, "day": true, "hour": true}
	for _, k := range eventKeys {
		taken[k] = true // else the engine could find more than one event time
	}
	// key draws a key below path whose column has a name that no other has, in whatever case.
	key := func(path []string) string {
		for {
			k := pick(r, firstParts)
			switch r.n(4) {
			case 0:
				k += pick(r, lastParts)
			case 1:
				k += "_" + pick(r, lastParts) + strconv.Itoa(int(r.n(10)))
			default:
				k += "_" + pick(r, lastParts)
			}
			if name := columnName(append(slices.Clone(path), k)); !taken[name] {
				taken[name] = true
				return k
			}
		}
	}
	// A chain of objects as deep as can be, and some more anywhere.
	places := []place{{d.root, []string{"data"}}}
	for i := range r.between(5, 9) {
		p := places[len(places)-1]
		for i >= objectsDeep-1 {
			if p = pick(r, places); len(p.path) < objectsDeep {
				break
			}
		}
		k := key(p.path)
		c := d.node(k, kindObject)
		p.node.children = append(p.node.children, c)
		places = append(places, place{c, append(slices.Clone(p.path), k)})
		d.objects = append(d.objects, c)
	}
	var kinds []int
	for _, t := range dirtyTypes {
		for range t.weight {
			kinds = append(kinds, t.kind)
		}
	}
	shuffle(r, kinds)
	for i := range dirtyColumns {
		p := pick(r, places)
		if i < len(places) {
			p = places[i] // none is empty
		}
		k := key(p.path)
		n := d.leaf(r, k, kinds[i])
		n.optional = i >= dirtyColumns-dirtyOptional
		p.node.children = append(p.node.children, n)
		path := append(slices.Clone(p.path), k)
		t := slices.IndexFunc(dirtyTypes, func(t struct {
			kind, weight int
			name         string
		},
		) bool {
			return t.kind == kinds[i]
		})
		s.columns = append(s.columns, Column{Path: path, Name: columnName(path), Type: dirtyTypes[t].name})
	}
	event := pick(r, eventKeys)
	s.event = []string{"data", event}
	d.root.children = append(d.root.children, d.node(event, kindEvent))
	for i := range dirtyUnknown {
		p := place{path: []string{"data"}}
		d.unknown = append(d.unknown, d.leaf(r, "x_"+key(p.path), kinds[i]))
	}
}

// columnName is how the engine names the column of a path.
func columnName(path []string) string {
	var b strings.Builder
	for _, c := range strings.Join(path[1:], "_") {
		switch {
		case c >= 'A' && c <= 'Z':
			b.WriteRune(c + 'a' - 'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b.WriteRune(c)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}

func (d *shape) node(key string, kind int) *node {
	return &node{key: key, quoted: strconv.Quote(key) + d.colon, kind: kind}
}

func (d *shape) leaf(r *rng, key string, kind int) *node {
	n := d.node(key, kind)
	if kind == kindWord || kind == kindWords {
		for i := range r.between(2, 60) {
			w := fmt.Sprintf("%s %s", pick(r, pieces), pick(r, pieces))
			if r.n(2) == 0 {
				w = fmt.Sprintf("%s-%d", pick(r, lastParts), i)
			}
			n.words = append(n.words, `"`+w+`"`)
		}
	}
	return n
}

func shuffle[T any](r *rng, of []T) {
	for i := len(of) - 1; i > 0; i-- {
		j := r.n(uint64(i + 1))
		of[i], of[j] = of[j], of[i]
	}
}
