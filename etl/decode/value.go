package decode

import (
	"bytes"
	"encoding/base64"
	"math"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// put appends the value at p to a vector. fits tells whether it did; if not, the vector is as it was. exact tells whether
// all of the value is in the column: a double may be the nearest one only, a struct may have members that it has no field for.
func (d *Decoder) put(t *typ, v *vector, at place, p, end int) (fits, exact bool) {
	b := d.record.b
	k := b[p]
	switch t.Kind {
	case schema.String:
		if k == '"' || t.scalars && k != '{' && k != '[' {
			if v.addText(d.content(batch.Span{Start: p, End: end})) {
				d.record.checks = append(d.record.checks, v)
			}
			return true, true
		}
	case schema.JSON:
		d.record.text = jsontext.AppendCompact(d.record.text[:0], b[p:end])
		if v.addText(d.record.text) {
			d.record.checks = append(d.record.checks, v)
		}
		return true, true
	case schema.Boolean:
		text := b[p:end]
		if k == '"' {
			text = d.content(batch.Span{Start: p, End: end})
		}
		if yes := string(text) == "true"; yes || string(text) == "false" {
			v.bools = append(v.bools, yes)
			v.mark(1)
			return true, true
		}
	case schema.Binary:
		return d.binary(v, p, end), true
	case schema.Date, schema.Timestamp, schema.Bigint, schema.Int, schema.Double, schema.Float, schema.Decimal:
		return d.scalar(t, v, p, end)
	case schema.List:
		if k == '[' {
			return d.list(t, v, at, p)
		}
	case schema.Map:
		if k == '{' {
			return d.mapping(t, v, at, p)
		}
	case schema.Struct:
		if k == '{' {
			d.structure(t, v, p)
			return true, true // members without a field are rescued one by one
		}
	}
	return false, true
}

// scalar appends a number or a time.
func (d *Decoder) scalar(t *typ, v *vector, p, end int) (fits, exact bool) {
	b := d.record.b
	switch t.Kind {
	case schema.Date:
		if b[p] != '"' {
			return false, true
		}
		text := d.content(batch.Span{Start: p, End: end})
		for _, l := range t.layouts {
			if days, ok := l.Date(text); ok {
				v.addInt32(days)
				return true, true
			}
		}
		return false, true
	case schema.Timestamp:
		return d.timestamp(t, v, p, end), true
	case schema.Bigint:
		if t.ns {
			return d.timestamp(t, v, p, end), true
		}
	}
	text, ok := d.number(p, end)
	if !ok {
		return false, true
	}
	switch t.Kind {
	case schema.Bigint:
		x, ok := jsontext.Int64(text)
		if ok {
			v.addInt64(x)
		}
		return ok, true
	case schema.Int:
		x, ok := jsontext.Int64(text)
		if ok = ok && x >= math.MinInt32 && x <= math.MaxInt32; ok {
			v.addInt32(int32(x))
		}
		return ok, true
	case schema.Double:
		x, exact, ok := jsontext.Float64(text)
		if ok {
			v.f64 = append(v.f64, x)
			v.mark(1)
		}
		return ok, exact
	case schema.Float:
		x, exact, ok := jsontext.Float32(text)
		if ok {
			v.f32 = append(v.f32, x)
			v.mark(1)
		}
		return ok, exact
	}
	x, ok := jsontext.Decimal128(text, t.Precision, t.Scale)
	if ok {
		v.dec = append(v.dec, x)
		v.mark(1)
	}
	return ok, true
}

// number is the text of the number at p, which may be quoted: then it must be all of the string, and spelled as JSON spells
// numbers. Valid until content is called.
func (d *Decoder) number(p, end int) (text []byte, ok bool) {
	b := d.record.b
	switch k := b[p]; {
	case k == '-' || k >= '0' && k <= '9':
		return b[p:end], true
	case k != '"' || end-p < 3:
		return nil, false
	}
	if e, _, err := (jsontext.Limits{}).Number(b, p+1); err == nil && e == end-1 {
		return b[p+1 : end-1], true
	}
	if bytes.IndexByte(b[p:end], '\\') < 0 {
		return nil, false
	}
	text = d.content(batch.Span{Start: p, End: end})
	d.record.text = append(text, make([]byte, jsontext.Padding)...)
	e, _, err := jsontext.Limits{}.Number(d.record.text, 0)
	return d.record.text[:len(text)], err == nil && e == len(text)
}

func (d *Decoder) timestamp(t *typ, v *vector, p, end int) bool {
	k := d.record.b[p]
	if k == '{' || k == '[' || k == 't' || k == 'f' {
		return false
	}
	text := d.content(batch.Span{Start: p, End: end})
	for _, l := range t.layouts {
		ms, sub, ok := l.Parse(text)
		if !ok || k != '"' && !numeric(l) {
			continue
		}
		if t.ns {
			const most = math.MaxInt64/1_000_000 - 1
			if ms > most || ms < -most {
				return false
			}
			v.addInt64(ms*1_000_000 + int64(sub))
			return true
		}
		if sub > 0 {
			d.record.floored++
		}
		v.addInt64(ms)
		return true
	}
	return false
}

// numeric: a bare number is only read by layouts of digits. %Y and the like would do, but RFC 3339 never.
func numeric(l *timeparse.Layout) bool { return l.String() != timeparse.RFC3339 }

var encodings = []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding}

func (d *Decoder) binary(v *vector, p, end int) bool {
	if d.record.b[p] != '"' {
		return false
	}
	text := d.content(batch.Span{Start: p, End: end})
	if bytes.ContainsAny(text, "\r\n") { // the decoder would pass over them
		return false
	}
	for _, e := range encodings {
		if raw, err := e.Strict().AppendDecode(nil, text); err == nil {
			v.addText(raw)
			return true
		}
	}
	return false
}

func (d *Decoder) list(t *typ, v *vector, at place, p int) (fits, exact bool) {
	b, kid := d.record.b, v.kids[0]
	start, exact, loose := kid.n, true, len(d.record.rescued)
	p = jsontext.Space(b, p+1)
	for b[p] != ']' {
		end, ok, ex := d.element(t.elem, kid, at, p)
		if exact = exact && ex; !ok {
			kid.truncate(start)
			d.record.rescued = d.record.rescued[:loose]
			return false, true
		}
		if p = jsontext.Space(b, end); b[p] == ',' {
			p = jsontext.Space(b, p+1)
		}
	}
	v.addList(start)
	return true, d.whole(loose) && exact
}

// whole makes parts of a list or map that were rescued since, which have no path of their own, a matter of the whole: false if
// there were any.
func (d *Decoder) whole(loose int) bool {
	exact := len(d.record.rescued) == loose
	d.record.rescued = d.record.rescued[:loose]
	return exact
}

// element appends the value at p, or a null, to the vector of a list's or map's values.
func (d *Decoder) element(t *typ, v *vector, at place, p int) (end int, fits, exact bool) {
	end, err := d.o.Limits.Value(d.record.b, p) // seen to be valid already
	if err != nil {
		return p, false, false
	}
	if d.record.b[p] == 'n' {
		v.null()
		return end, true, true
	}
	fits, exact = d.put(t, v, at, p, end)
	return end, fits, exact
}

func (d *Decoder) mapping(t *typ, v *vector, at place, p int) (fits, exact bool) {
	b, keys, values := d.record.b, v.kids[0], v.kids[1]
	start, exact, loose := keys.n, true, len(d.record.rescued)
	p = jsontext.Space(b, p+1)
	for b[p] != '}' {
		key, colon := d.key(p)
		keys.addText(key)
		p = jsontext.Space(b, jsontext.Space(b, colon)+1)
		end, ok, ex := d.element(t.elem, values, at, p)
		if exact = exact && ex; !ok {
			keys.truncate(start)
			values.truncate(start)
			d.record.rescued = d.record.rescued[:loose]
			return false, true
		}
		if p = jsontext.Space(b, end); b[p] == ',' {
			p = jsontext.Space(b, p+1)
		}
	}
	v.addList(start)
	return true, d.whole(loose) && exact
}

// key is the content of the key at p, and the position after it. Valid until content is called.
func (d *Decoder) key(p int) ([]byte, int) {
	end, _, err := d.o.Limits.String(d.record.b, p)
	if err != nil {
		return nil, len(d.record.b) - jsontext.Padding // seen to be valid already
	}
	return d.content(batch.Span{Start: p, End: end}), end
}

// structure appends the object at p. Members that do not fit their field, and those that have none, are rescued.
func (d *Decoder) structure(t *typ, v *vector, p int) {
	r, b := &d.record, d.record.b
	p = jsontext.Space(b, p+1)
	for b[p] != '}' {
		key, colon := d.key(p)
		f := t.fields[string(key)]
		name := string(key)
		p = jsontext.Space(b, jsontext.Space(b, colon)+1)
		end, err := d.o.Limits.Value(b, p)
		if err != nil {
			break // seen to be valid already
		}
		span := batch.Span{Start: p, End: end}
		switch {
		case b[p] == 'n':
		case f == nil:
			if d.holds(p, end) {
				at := newPlace(append(append(schema.Path{}, t.path...), name))
				r.rescued = append(r.rescued, loose{member: at.member, text: at.text, path: at.path, span: span})
			}
		default:
			kid := v.kids[f.i]
			kid.pad(v.n)
			if fits, exact := d.put(f.typ, kid, f.place, p, end); !fits || !exact {
				d.misfit(f.place, f.typ, span, fits)
			}
		}
		if p = jsontext.Space(b, end); b[p] == ',' {
			p = jsontext.Space(b, p+1)
		}
	}
	v.mark(1)
	for _, kid := range v.kids {
		kid.pad(v.n)
	}
}
