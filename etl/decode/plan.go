package decode

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// place is a path with its texts made once.
type place struct {
	path   schema.Path
	text   string // Path.String
	member string // the text as a JSON key with its colon, as _rescued has it
	empty  bool   // null or {} was counted here (Doubts.Empty)
}

func newPlace(p schema.Path) place {
	t := p.String()
	return place{path: p, text: t, member: string(jsontext.AppendQuoted(nil, []byte(t))) + ":"}
}

// special marks the keys at the record's top that make an envelope.
type special uint8

const (
	ordinary special = iota
	isRecordID
	isSource
	isIngestedAt
	isData
	specials // how many
)

// node is a place in the records that the schema knows: a column's path or a part of one.
type node struct {
	op    opcode // how its values are taken
	seen  uint64 // the object in which the key was last met
	one   slot   // the only one of slots, where op is opText or a later one
	slots []slot
	place
	key  string
	kids map[string]*node
	keys keys // the kids
	// whole: a column takes objects here (json, map, struct), so that kids get them too, but nothing in them is unknown.
	whole   bool
	rescue  bool // Schema.Rescue
	time    bool // the event time stands here
	special special
	// field: the path is a field to inference: a member of the record, or of data or metadata in it.
	field bool
	// consumed: the value feeds common columns only (the envelope's keys).
	consumed bool
	// strangers are the places of unknown members, kept for the next record. There are at most mostStrangers: keys may be
	// data.
	strangers map[string]*place
}

const mostStrangers = 1 << 10

// stranger is the place of an unknown member.
func (n *node) stranger(key []byte) *place {
	if p := n.strangers[string(key)]; p != nil {
		return p
	}
	p := newPlace(append(slices.Clone(n.path), string(key)))
	if n.strangers == nil {
		n.strangers = map[string]*place{}
	}
	if len(n.strangers) < mostStrangers {
		n.strangers[string(key)] = &p
	}
	return &p
}

func (n *node) child(key string) *node {
	k := n.kids[key]
	if k == nil {
		path := append(slices.Clone(n.path), key)
		k = &node{place: newPlace(path), key: key, field: isField(path)}
		if n.kids == nil {
			n.kids = map[string]*node{}
		}
		n.kids[key] = k
	}
	return k
}

func isField(p schema.Path) bool {
	if p[0] == "data" || p[0] == "metadata" {
		return len(p) == 2
	}
	return len(p) == 1
}

func (n *node) at(p schema.Path) *node {
	for _, key := range p {
		n = n.child(key)
	}
	return n
}

// compile settles how the values of n and of all below it are taken: without plainly all in the general way.
func (n *node) compile(plainly bool) {
	switch {
	case !plainly:
	case n.consumed && n.special != isSource && !n.time:
		if n.op = opTop; n.special == isIngestedAt {
			n.op = opArrived
		}
	case n.rescue || n.special != ordinary:
	case len(n.kids) > 0:
		if len(n.slots) == 0 {
			n.op = opObject
		}
	case len(n.slots) == 0:
		if n.time {
			n.op = opTime
		}
	case len(n.slots) == 1 && !n.time:
		n.op, n.one = n.slots[0].op, n.slots[0]
	}
	n.keys = newKeys(n.kids)
	for _, k := range n.kids {
		k.compile(plainly)
	}
}

// typ is a type with what its values need compiled.
type typ struct {
	schema.Type
	layouts []*timeparse.Layout
	// scalars: a declared string, which takes numbers and booleans as they are spelled.
	scalars bool
	ns      bool // Role NS
	elem    *typ
	fields  map[string]*field
	path    schema.Path
	// clean is what becomes of a text that does not fit; nil: nothing.
	clean *schema.Clean
	// masked: what the values are must not be told.
	masked bool
}

type field struct {
	place
	typ *typ
	i   int // position in the struct
}

// takesObjects: an object is a value of the type. To all others it is nothing but its members.
func (t *typ) takesObjects() bool {
	return t.Kind == schema.JSON || t.Kind == schema.Map || t.Kind == schema.Struct
}

func newTyp(t schema.Type, path schema.Path, layouts []*timeparse.Layout, declared bool) (*typ, error) {
	c := &typ{Type: t, layouts: layouts, scalars: declared, path: path}
	var err error
	switch t.Kind {
	case schema.List, schema.Map:
		if t.Elem == nil {
			return nil, fmt.Errorf("%s without an element", t.Kind)
		}
		c.elem, err = newTyp(*t.Elem, path, layouts, declared)
	case schema.Struct:
		c.fields = map[string]*field{}
		for i, f := range t.Fields {
			p := append(slices.Clone(path), f.Key)
			ft, e := newTyp(f.Type, p, layouts, declared)
			err = errors.Join(err, e)
			if c.fields[f.Key] != nil {
				err = errors.Join(err, fmt.Errorf("field %q twice", f.Key))
			}
			c.fields[f.Key] = &field{place: newPlace(p), typ: ft, i: i}
		}
	case schema.Decimal:
		if t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
			err = fmt.Errorf("no type %s", t)
		}
	default:
		if t.Kind < schema.String || t.Kind > schema.Struct {
			err = errors.New("no type")
		}
	}
	return c, err
}

// hasTimes reports whether values of t are times or dates, or hold some.
func hasTimes(t schema.Type) (times, dates bool) {
	switch t.Kind {
	case schema.Timestamp:
		return true, false
	case schema.Date:
		return false, true
	case schema.List, schema.Map:
		if t.Elem != nil {
			return hasTimes(*t.Elem)
		}
	case schema.Struct:
		for _, f := range t.Fields {
			ft, fd := hasTimes(f.Type)
			times, dates = times || ft, dates || fd
		}
	}
	return times, dates
}

func layouts(formats []string, zone, fallback string) ([]*timeparse.Layout, error) {
	if len(formats) == 0 {
		formats = []string{fallback}
	}
	loc, err := time.LoadLocation(zone) // "" is UTC
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", zone, err)
	}
	var all []*timeparse.Layout
	for _, f := range formats {
		l, e := timeparse.Compile(f, loc)
		err = errors.Join(err, e)
		all = append(all, l)
	}
	return all, err
}

// table is what the decoder holds of one source: the compiled schema and the rows of the batch at work.
type table struct {
	source   string
	schema   *schema.Schema      // nil: none yet
	vecs     []*vector           // as Schema.Columns; of common columns too
	typs     []*typ              // likewise; nil where no value of a record goes
	must     []int               // required columns
	observed bool                // the observer wants to hear of each record
	times    []*timeparse.Layout // of event_time
	id       int                 // positions of the common columns, -1: none
	event    int
	arrived  int
	rescued  int
	quality  int
	rows     rows
	most     int // rows of the largest batch so far: what the next may need
}

// plan is a table's schema as a tree of keys, for records with or without the envelope.
type plan struct {
	table    *table
	envelope bool
	root     *node
	time     *node // where the event time stands; nil: nowhere
	// folder, and the text of the envelope's source, "" for the folder's: what leads to this plan.
	folder, named string
}

func newTable(source string, s *schema.Schema, o Options) (*table, error) {
	t := &table{source: source, schema: s, id: -1, event: -1, arrived: -1, rescued: -1, quality: -1}
	if s == nil {
		return t, nil
	}
	var faults []error
	var err error
	if t.times, err = layouts(s.EventTime.Formats, s.EventTime.Timezone, timeparse.RFC3339); err != nil {
		faults = append(faults, fmt.Errorf("event time: %w", err))
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		var ct *typ
		limit := o.DictionaryLimit
		switch c.Role {
		case schema.RecordID:
			t.id, limit = i, 0
		case schema.EventTime:
			t.event = i
		case schema.IngestedAt:
			t.arrived = i
		case schema.Quality:
			t.quality = i
		case schema.Rescued:
			t.rescued, limit = i, 0
		case schema.Key, schema.Derived: // filled later
		case schema.Data, schema.NS:
			if len(c.Path) == 0 { // a stage fills it
				break
			}
			if ct, err = columnType(s, c); err != nil {
				faults = append(faults, fmt.Errorf("column %s: %w", c.Name, err))
			}
			if c.Required && (c.Clean == nil || c.Clean.Default == "") { // a default comes first, in etl/clean
				t.must = append(t.must, i)
			}
		default:
			faults = append(faults, fmt.Errorf("column %s: unknown role %q", c.Name, c.Role))
		}
		t.typs = append(t.typs, ct)
		if _, err := newTyp(c.Type, c.Path, nil, false); ct == nil && err != nil {
			faults = append(faults, fmt.Errorf("column %s: %w", c.Name, err))
		}
		if len(faults) == 0 {
			if want := roleKinds[c.Role]; want != 0 && want != c.Type.Kind {
				faults = append(faults, fmt.Errorf("column %s: %s must be %s, not %s", c.Name, c.Role, want, c.Type))
				continue
			}
			t.vecs = append(t.vecs, newVector(&c.Type, limit))
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%w: source %s: %w", ErrSchema, source, errors.Join(faults...))
	}
	return t, nil
}

// roleKinds are the kinds of the columns that the decoder itself fills.
var roleKinds = map[schema.Role]schema.Kind{
	schema.RecordID: schema.String, schema.EventTime: schema.Timestamp, schema.IngestedAt: schema.Timestamp, schema.Quality: schema.Double,
	schema.Rescued: schema.String, schema.NS: schema.Bigint,
}

// columnType compiles the type of c. A column of nanoseconds reads as the timestamp at its path does.
func columnType(s *schema.Schema, c *schema.Column) (*typ, error) {
	formats, zone := c.Formats, c.Timezone
	times, dates := hasTimes(c.Type)
	if c.Role == schema.NS {
		times = true
		if len(formats) == 0 && slices.Equal(c.Path, s.EventTime.Path) {
			formats, zone = s.EventTime.Formats, s.EventTime.Timezone
		}
		for _, o := range s.Columns {
			if len(formats) == 0 && o.Role == schema.Data && o.Type.Kind == schema.Timestamp && slices.Equal(o.Path, c.Path) {
				formats, zone = o.Formats, o.Timezone
			}
		}
	}
	var ls []*timeparse.Layout
	var err error
	switch {
	case times:
		ls, err = layouts(formats, zone, timeparse.RFC3339)
	case dates:
		ls, err = layouts(formats, zone, "%Y-%m-%d")
	}
	if times && dates && len(formats) == 0 { // one type with both: either way of writing
		l, e := timeparse.Compile("%Y-%m-%d", nil)
		ls, err = append(ls, l), errors.Join(err, e)
	}
	if err != nil {
		return nil, err
	}
	ct, err := newTyp(c.Type, c.Path, ls, c.Declared)
	if err == nil {
		ct.ns = c.Role == schema.NS
		clean := c.Clean
		for i := range s.Columns { // nanoseconds are cleaned as their timestamp
			if o := &s.Columns[i]; ct.ns && o.Role == schema.Data && slices.Equal(o.Path, c.Path) {
				clean = o.Clean
			}
		}
		ct.tidied(clean)
	}
	return ct, err
}

// tidied has texts that do not fit t, or its elements, cleaned. Strings are cleaned in etl/clean, whole columns at once.
func (t *typ) tidied(c *schema.Clean) {
	if c == nil {
		return
	}
	t.masked = c.Mask != nil
	if t.elem != nil {
		t.elem.tidied(c)
	} else if c.Tidies() && t.Kind != schema.String {
		t.clean = c
	}
}

// newPlan makes the plan of records that may have depth containers one in the other. plainly: values are taken by the plain
// ways where those can.
func newPlan(t *table, envelope bool, depth int, plainly bool) *plan {
	root := &node{}
	p := &plan{table: t, envelope: envelope, root: root}
	for _, s := range []struct {
		key string
		special
	}{{"record_id", isRecordID}, {"source", isSource}, {"ingested_at", isIngestedAt}, {"data", isData}} {
		n := root.child(s.key)
		n.special = s.special
		n.consumed = envelope && s.special != isData
	}
	if t.schema != nil {
		p.columns(depth)
	}
	root.compile(plainly)
	if p.time != nil && p.time.op == opTime && t.times[0].String() == timeparse.RFC3339 {
		p.time.op = opMoment
	}
	return p
}

// columns puts the columns of the schema into the tree.
func (p *plan) columns(depth int) {
	t, root := p.table, p.root
	for i := range t.schema.Columns {
		if t.typs[i] == nil {
			continue
		}
		n := root.at(t.schema.Columns[i].Path)
		n.slots = append(n.slots, newSlot(t.typs[i], t.vecs[i], depth-len(n.path)))
		n.whole = n.whole || t.typs[i].takesObjects()
	}
	for _, r := range t.schema.Rescue {
		if len(r) > 0 {
			root.at(r).rescue = true
		}
	}
	if len(t.schema.EventTime.Path) > 0 {
		p.time = root.at(t.schema.EventTime.Path)
		p.time.time = true
	}
}
