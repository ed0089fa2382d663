package decode

import (
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// object parses the object at p, whose known members are the kids of n.
func (d *Decoder) object(n *node, p, depth int) (int, error) {
	if depth == d.o.Limits.Depth() {
		return p, &jsontext.Error{Offset: p, Code: jsontext.Depth, Reason: "nested too deep"}
	}
	mark := d.keys.Open()
	p, err := d.members(n, p, depth)
	if d.keys.Open() != mark && d.keys.Close(mark) {
		d.record.repeated = true
	}
	return p, err
}

func (d *Decoder) members(n *node, p, depth int) (int, error) {
	r, b := &d.record, d.record.b
	r.stamp++
	stamp := r.stamp
	p = jsontext.Space(b, p+1)
	if b[p] == '}' {
		return p + 1, nil
	}
	for {
		if b[p] != '"' {
			return p, jsontext.Unexpected(b, p, "a quoted key")
		}
		kid, end := n.keys.find(b, p+1)
		var key []byte
		if kid == nil {
			var escaped bool
			var err error
			if end, escaped, err = d.o.Limits.String(b, p); err != nil {
				return end, err
			}
			if key = b[p+1 : end-1]; escaped {
				r.key = jsontext.AppendUnquoted(r.key[:0], key)
				key = r.key
				kid = n.kids[string(key)]
			}
		}
		if p = end; b[p] != ':' {
			if p = jsontext.Space(b, p); b[p] != ':' {
				return p, jsontext.Unexpected(b, p, "a colon")
			}
		}
		p = jsontext.Space(b, p+1)
		var err error
		if kid == nil {
			d.keys.Add(key)
			p, err = d.stranger(n, key, p, depth+1)
		} else {
			if kid.seen == stamp {
				r.repeated = true
			}
			kid.seen = stamp
			p, err = d.known(kid, p, depth+1)
		}
		if err != nil {
			return p, err
		}
		if b[p] != ',' {
			p = jsontext.Space(b, p)
			if b[p] == '}' {
				return p + 1, nil
			}
			if b[p] != ',' {
				return p, jsontext.Unexpected(b, p, "a comma or }")
			}
		}
		p = jsontext.Space(b, p+1)
	}
}

// known is a member that the schema knows, the plain ways first.
func (d *Decoder) known(n *node, p, depth int) (int, error) {
	switch {
	case n.op >= opText:
		n.one.vec.pad(d.record.row)
		if end := d.take(&n.one, p); end != 0 {
			return end, nil
		}
	case n.op == opObject:
		if d.record.b[p] == '{' {
			return d.object(n, p, depth)
		}
	case n.op == opMember:
	default:
		return d.top(n.op, p, depth)
	}
	return d.member(n, p, depth)
}

// top takes the value at p of a member that feeds common columns only, by its op.
func (d *Decoder) top(op opcode, p, depth int) (end int, err error) {
	r := &d.record
	switch op {
	case opTop:
		return d.text(&r.top[isRecordID], p, depth)
	case opArrived:
		return d.time(&r.top[isIngestedAt], &r.arrived, p, depth)
	case opMoment:
		return d.time(&r.time, &r.moment, p, depth)
	}
	return d.text(&r.time, p, depth)
}

// text stores what scan finds, quick for plain strings. It stores field by field: a value that is made first and copied then is
// loaded in wider words than it was just stored by, and the processor waits for that: a twentieth of the samples of a run.
func (d *Decoder) text(v *value, p, depth int) (end int, err error) {
	b := d.record.b
	if b[p] == '"' {
		if end := jsontext.PlainEnd(b, p+1); b[end] == '"' {
			v.start, v.end, v.kind, v.escaped, v.quick = p, end+1, '"', false, false
			return end + 1, nil
		}
	}
	*v, err = d.scan(p, depth)
	return v.end, err
}

// time is text, quick for times as programs write them, which it stores in ms.
func (d *Decoder) time(v *value, ms *int64, p, depth int) (end int, err error) {
	b := d.record.b
	if b[p] == '"' {
		if t, end := timeparse.Quick(b, p+1); end != 0 && b[end] == '"' {
			*ms = t
			v.start, v.end, v.kind, v.escaped, v.quick = p, end+1, '"', false, true
			return end + 1, nil
		}
	}
	return d.text(v, p, depth)
}

// stranger is a member that the schema does not know.
func (d *Decoder) stranger(n *node, key []byte, p, depth int) (int, error) {
	if n.whole {
		v, err := d.scan(p, depth)
		return v.end, err
	}
	return d.strange(n, n.stranger(key), p, depth)
}

// holds says whether there is anything in a valid value: null is nothing, and so is an object of which no member holds
// anything. An empty array is something.
func (d *Decoder) holds(v value) bool {
	b := d.record.b
	if v.kind != '{' {
		return v.kind != 'n'
	}
	for p := v.start; p < v.end; { // over the tokens, up to the first that can stand for a value
		switch b[p] {
		case '{', '}', ',', ' ', '\n', '\r', '\t':
			p++
		case 'n':
			p += len("null")
		case '"':
			next, _, err := d.o.Limits.String(b, p)
			if err != nil {
				return true
			}
			if p = jsontext.Space(b, next); b[p] != ':' {
				return true
			}
			p++
		default:
			return true
		}
	}
	return false
}

// loose deals with a value that no column takes.
func (d *Decoder) loose(at *place, v value) {
	r := &d.record
	l := loose{member: at.member, path: at.path, value: v}
	s := r.plan.table.schema
	r.homeless++
	switch {
	case s == nil || s.OtherColumns == schema.Keep && d.observer != nil:
		r.unknown = append(r.unknown, l)
	case s.OtherColumns == schema.Drop:
		r.dropped++
	default:
		r.rescued = append(r.rescued, l)
	}
}

// member is a member that the schema knows, in the general way.
func (d *Decoder) member(n *node, p, depth int) (end int, err error) {
	r := &d.record
	var v value
	into := r.b[p] == '{' && len(n.kids) > 0 && !n.consumed && !n.rescue
	if into {
		v = value{start: p, kind: '{'}
		v.end, err = d.object(n, p, depth)
	} else {
		v, err = d.scan(p, depth)
	}
	if err != nil {
		return v.end, err
	}
	if n.special != ordinary {
		r.top[n.special] = v
		if n.special == isSource && r.plan.envelope && !r.named && v.kind == '"' {
			if s := d.content(v); len(s) > 0 && string(s) != r.plan.named {
				return v.end, errNamed
			}
		}
	}
	if n.time && !into {
		r.time = v
	}
	if n.consumed || v.kind == 'n' {
		return v.end, nil
	}
	if n.rescue {
		if d.holds(v) {
			r.homeless++
			r.rescued = append(r.rescued, loose{member: n.member, path: n.path, value: v})
		}
		return v.end, nil
	}
	if len(n.slots) == 0 {
		if !into && !n.time && d.holds(v) {
			d.loose(&n.place, v)
		}
		return v.end, nil
	}
	for i := range n.slots {
		s := &n.slots[i]
		if v.kind == '{' && !(s.typ.takesObjects() && n.field && len(n.kids) == 0) {
			r.odd = true
		}
		if v.kind == '{' && !s.typ.takesObjects() && (into || !d.holds(v)) {
			continue // its members are taken, or there are none
		}
		s.vec.pad(r.row)
		if fits, exact := d.fit(s.typ, s.vec, v); !fits || !exact {
			d.misfit(&n.place, s.typ, v, fits)
		}
	}
	if r.odd {
		r.odd = false
		r.unlike = append(r.unlike, n.text)
	}
	return v.end, nil
}
