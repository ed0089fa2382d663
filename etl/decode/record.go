package decode

import (
	"bytes"
	"errors"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// record is the record at work: parsed into the vectors of its plan's table, but not yet kept.
type record struct {
	plan *plan
	b    []byte // the text it was parsed from: the chunk's, or one without repeated keys
	row  int    // its number in the table's batch
	// top has the values of the special keys, time that of the event time; kind 0 where absent.
	top      [specials]value
	time     value
	arrived  int64    // top[isIngestedAt], if it is quick
	moment   int64    // time, if it is quick
	rescued  []loose  // values that go to _rescued
	unknown  []loose  // values to tell the observer of
	unlike   []string // paths of Doubts.Unlike
	odd      bool     // the value at work is one of those
	empty    []void   // of Doubts.Empty
	homeless int64    // values that no column takes
	dropped  int64    // those of them that other_columns: drop leaves out
	floored  int64
	late     bool // it has its arrival as event time
	repeated bool // a key seems to come twice in one object
	doubled  int64
	named    bool      // its source is not to be looked at before its end: it was already, or does not matter
	checks   []*vector // dictionaries to look at when the record is kept
	misfit   *fail
	stamp    uint64 // of objects, for node.seen
	text     []byte // scratch
	key      []byte // scratch
	again    []byte // the text without repeated keys
	tidied   []byte // what a value with tidy holds
}

// loose is a value without a place in a column.
type loose struct {
	member string // `"path":` as _rescued has it
	text   string // the path, for counts; "" if no column is at it
	path   schema.Path
	value
}

// value is a valid JSON value of the record at work: its text is b[start:end].
type value struct {
	start, end int
	kind       byte // the first byte of the text
	escaped    bool // a string whose content is not just what stands between the quotes
	tidy       bool // its content is in the record (and escaped is true)
	quick      bool // a string that holds a time of RFC 3339 in milliseconds, which is in the record
}

// scan validates the value at p, inside depth containers.
func (d *Decoder) scan(p, depth int) (v value, err error) {
	b := d.record.b
	v = value{start: p, kind: b[p]}
	switch v.kind {
	case '"':
		v.end, v.escaped, err = d.o.Limits.String(b, p)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		v.end, _, err = d.o.Limits.Number(b, p)
	case '{', '[':
		var repeated bool
		v.end, repeated, err = d.keys.Value(d.o.Limits.Inside(depth), b, p)
		d.record.repeated = d.record.repeated || repeated
	default:
		n := jsontext.Literal(b, p)
		if n == 0 {
			return v, jsontext.Unexpected(b, p, "a value")
		}
		v.end = p + n
	}
	return v, err
}

// one parses the record at p as far as its end; accept keeps it, undo takes it back. A fault has taken it back already.
func (d *Decoder) one(c *batch.Chunk, b []byte, p int) (end int, f *fail, err error) {
	r := &d.record
	if b[p] != '{' {
		end, verr := d.o.Limits.Value(b, p)
		if verr != nil {
			return p, faultOf(verr), nil
		}
		return end, &fail{rule: "object", reason: "not an object", whole: true}, nil
	}
	d.paths.Records++
	r.doubled, r.named = 0, d.o.Bare[c.Object.Source]
	if end, ok := d.fast(c, b, p); ok {
		return d.finish(c, d.last, p, end)
	}
	plan := d.last
	if plan == nil || plan.named == "" && plan.folder != c.Object.Source {
		if plan, err = d.planOf(c.Object.Source, "", false); err != nil {
			return p, nil, err
		}
	} else if d.mixed > 0 {
		d.mixed--
		if g := d.guess(c.Object.Source, b, p); g != nil {
			plan = g
		}
	}
	text, at := b, p
	for {
		e, perr := d.parse(plan, text, at)
		if perr == errNamed { // the record names another source than the plan's: most likely that is the right one
			d.undo()
			r.named = true
			d.mixed = mostMixed
			if plan, err = d.planOf(c.Object.Source, d.name(r.top[isSource]), true); err != nil {
				return p, nil, err
			}
			continue
		}
		if perr != nil {
			d.undo()
			return p, faultOf(perr), nil
		}
		if &text[0] == &b[0] {
			end = e
		}
		if r.repeated && r.doubled == 0 {
			d.undo()
			var n int64
			if r.again, n = jsontext.AppendDistinct(r.again[:0], b[p:e]); n == 0 {
				n = -1 // hashes were alike, keys were not
			}
			r.doubled = n
			r.again = append(r.again, make([]byte, jsontext.Padding)...)
			text, at = r.again, 0
			continue
		}
		named, envelope := d.envelope(c.Object.Source)
		right, err := d.planOf(c.Object.Source, named, envelope)
		if err != nil {
			d.undo()
			return p, nil, err
		}
		if right == plan {
			d.last = plan
			break
		}
		d.undo()
		d.mixed = mostMixed
		plan = right
	}
	if !r.repeated && &text[0] == &b[0] {
		d.learn(plan, b, p)
	}
	return d.finish(c, plan, at, end)
}

// guess is the plan of the source that the record at p seems to name, nil if that has none yet or none is seen. Where sources
// are mixed, the last record's plan is often wrong, and half of the record may have been gone through before its source says
// so. A search for the first text that looks like the envelope's source is far quicker; if it is something else, only time is
// lost. Three sources in turn and keys in random order, 1.4 KB a record: 3.1 µs instead of 3.8.
func (d *Decoder) guess(folder string, b []byte, p int) *plan {
	// The search goes from one first byte of what it looks for to the next: a u is rarer than a quote.
	i := bytes.Index(b[p:len(b)-jsontext.Padding], sourceKey)
	if i < 0 {
		return nil
	}
	p += i + len(sourceKey)
	end := jsontext.PlainEnd(b, p)
	return d.plans[planKey{folder, string(b[p:end]), true}]
}

var sourceKey = []byte(`urce":"`)

// mostMixed is for how many records sources count as mixed after one that was tried with the wrong plan.
const mostMixed = 256

// finish gives the parsed record, which begins at p of its text, its common columns.
func (d *Decoder) finish(c *batch.Chunk, plan *plan, p, end int) (int, *fail, error) {
	if f := d.common(c, p); f != nil {
		d.undo()
		f.source, f.whole = plan.table.source, true
		return end, f, nil
	}
	return end, nil, nil
}

func faultOf(err error) *fail {
	var e *jsontext.Error
	if errors.As(err, &e) {
		return &fail{rule: e.Rule(), reason: e.Reason}
	}
	return &fail{rule: "json", reason: err.Error()}
}

// planOf gives the plan of records of a folder that name a source, or none.
func (d *Decoder) planOf(folder, named string, envelope bool) (*plan, error) {
	if l := d.last; l != nil && l.envelope == envelope && l.named == named && l.folder == folder {
		return l, nil
	}
	k := planKey{folder, named, envelope}
	if p := d.plans[k]; p != nil {
		return p, nil
	}
	source := folder
	if named != "" {
		source = schema.CleanSource(named)
	}
	t, err := d.table(source)
	if err != nil {
		return nil, err
	}
	p := newPlan(t, envelope, d.o.Limits.Depth(), !d.general)
	p.named, p.folder = named, folder
	d.plans[k] = p
	return p, nil
}

// envelope says whether the parsed record is one, and the source that it names.
func (d *Decoder) envelope(folder string) (named string, ok bool) {
	r := &d.record
	if d.o.Bare[folder] || r.kind(isData) != '{' {
		return "", false
	}
	switch r.kind(isSource) {
	case '"':
		named = d.name(r.top[isSource])
		return named, named != ""
	case 0, 'n':
		return "", r.has(isRecordID) || r.has(isIngestedAt)
	}
	return "", false
}

// has reports whether a special key has a value that is not null.
func (r *record) has(s special) bool { k := r.top[s].kind; return k != 0 && k != 'n' }

// kind is the first byte of a special key's value; 0: absent.
func (r *record) kind(s special) byte { return r.top[s].kind }

// name is the string v, kept once for all records that name the same source.
func (d *Decoder) name(v value) string {
	s := d.content(v)
	if l := d.record.plan; string(s) == l.named {
		return l.named
	}
	name, ok := d.names[string(s)]
	if !ok {
		if len(d.names) >= mostNames {
			clear(d.names)
		}
		name = string(s)
		d.names[name] = name
	}
	return name
}

const mostNames = 1 << 12

// content is what a string of the record holds, or the text of another scalar; valid until it is called again.
func (d *Decoder) content(v value) []byte {
	r := &d.record
	if v.kind != '"' {
		return r.b[v.start:v.end]
	}
	inner := r.b[v.start+1 : v.end-1]
	if !v.escaped {
		return inner
	}
	if v.tidy {
		return r.tidied
	}
	r.text = jsontext.AppendUnquoted(r.text[:0], inner)
	return r.text
}

// errNamed stops the parse of a record that names another source than that of the plan.
var errNamed = errors.New("another source")

// parse goes through the record at p by the plan.
func (d *Decoder) parse(pl *plan, b []byte, p int) (end int, err error) {
	d.begin(b)
	d.enter(pl)
	return d.object(pl.root, p, 0)
}

// begin makes ready for a record of the text b.
func (d *Decoder) begin(b []byte) {
	r := &d.record
	r.b = b
	for i := range r.top {
		r.top[i].kind = 0
	}
	r.time.kind = 0
	// One by one, so that each only stores a length.
	r.rescued = r.rescued[:0]
	r.unknown = r.unknown[:0]
	r.checks = r.checks[:0]
	r.unlike = r.unlike[:0]
	r.empty = r.empty[:0]
	r.homeless, r.dropped, r.floored = 0, 0, 0
	r.odd, r.late, r.repeated = false, false, false
	if r.misfit != nil {
		r.misfit = nil
	}
}

// enter begins a row of the plan's table.
func (d *Decoder) enter(pl *plan) {
	d.touch(pl.table)
	r := &d.record
	if r.plan != pl { // a pointer costs the collector's barrier each time
		r.plan = pl
	}
	r.row = len(pl.table.rows.origins)
}

// undo takes the record at work out of the vectors.
func (d *Decoder) undo() {
	r := &d.record
	if r.plan == nil {
		return
	}
	for _, v := range r.plan.table.vecs {
		v.truncate(r.row)
	}
}

// misfit deals with a value that its column cannot hold, or cannot hold exactly.
func (d *Decoder) misfit(at *place, t *typ, v value, stored bool) {
	r := &d.record
	if !stored && r.plan.table.schema.OnTypeConflict == schema.Quarantine && r.misfit == nil {
		reason := at.text + " is no " + t.String()
		if !t.masked {
			reason += ": " + excerpt(r.b[v.start:v.end])
		}
		r.misfit = &fail{rule: "type", reason: reason}
	}
	for i := range r.rescued {
		if r.rescued[i].start == v.start {
			return // two columns of one path
		}
	}
	l := loose{member: at.member, text: at.text, path: at.path, value: v}
	r.rescued = append(r.rescued, l)
	if d.observer != nil && r.plan.table.schema.OnTypeConflict == schema.Widen {
		r.unknown = append(r.unknown, l) // the column may become wider
	}
}
