package decode

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"

	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// put appends x to a vector. fits tells whether it did; if not, the vector is as it was. exact tells whether all of the
// value is in the column: a double may be the nearest one only, a list may have structs with members that have no field.
func (d *Decoder) put(t *typ, v *vector, x value) (fits, exact bool) {
	switch t.Kind {
	case schema.String:
		if x.kind == '"' || t.scalars && x.kind != '{' && x.kind != '[' {
			d.addText(v, d.content(x))
			return true, true
		}
	case schema.JSON:
		r := &d.record
		r.text = jsontext.AppendCompact(r.text[:0], r.b[x.start:x.end])
		d.addText(v, r.text)
		return true, true
	case schema.Boolean:
		if x.kind == 't' || x.kind == 'f' || x.kind == '"' {
			text := d.content(x)
			if yes := string(text) == "true"; yes || string(text) == "false" {
				v.addBool(yes)
				d.record.odd = d.record.odd || x.kind == '"'
				return true, true
			}
		}
	case schema.Binary:
		return d.binary(v, x), true
	case schema.Date:
		return d.date(t, v, x), true
	case schema.Timestamp:
		return d.timestamp(t, v, x), true
	case schema.Bigint:
		if t.ns {
			return d.timestamp(t, v, x), true
		}
		return d.number(t, v, x)
	case schema.Int, schema.Double, schema.Float, schema.Decimal:
		return d.number(t, v, x)
	case schema.List:
		if x.kind == '[' {
			return d.list(t, v, x)
		}
	case schema.Map:
		if x.kind == '{' {
			return d.mapping(t, v, x)
		}
	case schema.Struct:
		if x.kind == '{' {
			d.structure(t, v, x)
			return true, true // members without a field are rescued one by one
		}
	}
	return false, true
}

// fit is put, tried once more with the text tidied where the column wants that. A text that means null fits, and nothing is
// appended.
func (d *Decoder) fit(t *typ, v *vector, x value) (fits, exact bool) {
	if fits, exact = d.put(t, v, x); fits || t.clean == nil || x.kind != '"' {
		return fits, exact
	}
	r := &d.record
	r.tidied = t.clean.AppendText(r.tidied[:0], d.content(x))
	if t.clean.IsNull(r.tidied) {
		return true, true
	}
	x.escaped, x.tidy = true, true
	return d.put(t, v, x)
}

func (d *Decoder) addText(v *vector, s []byte) {
	if v.addText(s) {
		d.record.checks = append(d.record.checks, v)
	}
}

func (d *Decoder) number(t *typ, v *vector, x value) (fits, exact bool) {
	text, ok := d.digits(x)
	if !ok {
		return false, true
	}
	if !t.scalars && (t.Kind == schema.Bigint && !plainDigits(text) || x.kind == '"' && len(text) > mostQuoted) {
		d.record.odd = true
	}
	switch t.Kind {
	case schema.Bigint:
		i, ok := jsontext.Int64(text)
		if ok {
			v.addInt64(i)
		}
		return ok, true
	case schema.Int:
		i, ok := jsontext.Int64(text)
		if ok = ok && i >= math.MinInt32 && i <= math.MaxInt32; ok {
			v.addInt32(int32(i))
		}
		return ok, true
	case schema.Double:
		f, exact, ok := jsontext.Float64(text)
		if ok {
			v.addFloat64(f)
		}
		return ok, exact
	case schema.Float:
		f, exact, ok := jsontext.Float32(text)
		if ok {
			v.addInt32(int32(math.Float32bits(f)))
		}
		return ok, exact
	}
	n, ok := jsontext.Decimal128(text, t.Precision, t.Scale)
	if ok {
		v.dec = append(v.dec, n)
		v.n++
	}
	return ok, true
}

// digits is the text of a number, or the content of a string; whether that is spelled as JSON spells numbers, the
// conversions see. Valid until content is called.
func (d *Decoder) digits(x value) (text []byte, ok bool) {
	if x.kind == '-' || x.kind >= '0' && x.kind <= '9' || x.kind == '"' {
		return d.content(x), true
	}
	return nil, false
}

func (d *Decoder) date(t *typ, v *vector, x value) bool {
	if x.kind != '"' {
		return false
	}
	text := d.content(x)
	for _, l := range t.layouts {
		if days, ok := l.Date(text); ok {
			v.addInt32(days)
			if _, plain := timeparse.Date(text); !plain { // 2025-1-31
				d.record.odd = true
			}
			return true
		}
	}
	return false
}

// timestamp appends the time in milliseconds, or in nanoseconds where the column is one of those.
func (d *Decoder) timestamp(t *typ, v *vector, x value) bool {
	text, ok := d.digits(x)
	if !ok {
		return false
	}
	for _, l := range t.layouts {
		ms, sub, ok := l.Parse(text)
		if !ok || x.kind != '"' && l.String() == timeparse.RFC3339 {
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

var (
	padded   = []*base64.Encoding{base64.StdEncoding.Strict(), base64.URLEncoding.Strict()}
	unpadded = []*base64.Encoding{base64.RawStdEncoding.Strict(), base64.RawURLEncoding.Strict()}
)

// binary appends what a string holds in base64, with either alphabet, padded or not.
func (d *Decoder) binary(v *vector, x value) bool {
	if x.kind != '"' {
		return false
	}
	text := d.content(x)
	if bytes.ContainsAny(text, "\r\n") { // the decoder would pass over them
		return false
	}
	encodings := unpadded
	if len(text)%4 == 0 {
		encodings = padded
	}
	for _, e := range encodings {
		raw, err := e.AppendDecode(d.bytes[:0], text)
		d.bytes = raw[:0]
		if err == nil {
			v.addText(raw)
			return true
		}
	}
	return false
}

// The values of lists, maps and structs were seen to be valid when the whole was scanned; here they are gone through once
// more. Errors cannot come, and where one did the rest would be left out.

func (d *Decoder) list(t *typ, v *vector, x value) (fits, exact bool) {
	b, kid := d.record.b, v.kids[0]
	start, loose := kid.n, len(d.record.rescued)
	exact = true
	for p := jsontext.Space(b, x.start+1); b[p] != ']'; {
		end, ok, all := d.element(t.elem, kid, p)
		if !ok {
			kid.truncate(start)
			d.record.rescued = d.record.rescued[:loose]
			return false, true
		}
		exact = exact && all
		p = d.comma(end)
	}
	v.addList(start)
	return true, d.settle(loose) && exact
}

func (d *Decoder) mapping(t *typ, v *vector, x value) (fits, exact bool) {
	b, keys, values := d.record.b, v.kids[0], v.kids[1]
	start, loose := keys.n, len(d.record.rescued)
	exact = true
	for p := jsontext.Space(b, x.start+1); b[p] != '}'; {
		key, at := d.key(p)
		keys.addText(key)
		end, ok, all := d.element(t.elem, values, at)
		if !ok {
			keys.truncate(start)
			values.truncate(start)
			d.record.rescued = d.record.rescued[:loose]
			return false, true
		}
		exact = exact && all
		p = d.comma(end)
	}
	v.addList(start)
	return true, d.settle(loose) && exact
}

// settle makes parts of a list or map that were rescued, which have no path of their own, a matter of the whole: false if
// there were any since loose.
func (d *Decoder) settle(loose int) (none bool) {
	none = len(d.record.rescued) == loose
	d.record.rescued = d.record.rescued[:loose]
	return none
}

// element appends the value at p, or a null, to the vector of a list's or map's values.
func (d *Decoder) element(t *typ, v *vector, p int) (end int, fits, exact bool) {
	x, err := d.scan(p, 0)
	if err != nil {
		return len(d.record.b) - jsontext.Padding, false, false
	}
	if x.kind == 'n' {
		v.null()
		return x.end, true, true
	}
	n := v.n
	if fits, exact = d.fit(t, v, x); fits && v.n == n {
		v.null()
	}
	return x.end, fits, exact
}

// comma is the position of the next element or member, or of the bracket, after the value that ends at p.
func (d *Decoder) comma(p int) int {
	b := d.record.b
	if p = jsontext.Space(b, p); b[p] == ',' {
		p = jsontext.Space(b, p+1)
	}
	return p
}

// key is the content of the key at p, and the position of its value. Valid until content is called.
func (d *Decoder) key(p int) (content []byte, at int) {
	b := d.record.b
	x, err := d.scan(p, 0)
	if err != nil || x.kind != '"' {
		return nil, len(b) - jsontext.Padding
	}
	return d.content(x), jsontext.Space(b, jsontext.Space(b, x.end)+1)
}

// structure appends an object. Members that do not fit their field, and those that have none, are rescued.
func (d *Decoder) structure(t *typ, v *vector, x value) {
	r, b := &d.record, d.record.b
	for p := jsontext.Space(b, x.start+1); b[p] == '"'; {
		key, at := d.key(p)
		f := t.fields[string(key)]
		if f == nil {
			r.key = append(r.key[:0], key...) // the scan of the value may need the memory of key
		}
		m, err := d.scan(at, 0)
		if err != nil {
			break
		}
		switch {
		case m.kind == 'n':
		case f == nil:
			if d.holds(m) {
				at := newPlace(append(slices.Clone(t.path), string(r.key)))
				r.rescued = append(r.rescued, loose{member: at.member, text: at.text, path: at.path, value: m})
			}
		default:
			kid := v.kids[f.i]
			kid.pad(v.n)
			if fits, exact := d.fit(f.typ, kid, m); !fits || !exact {
				d.misfit(&f.place, f.typ, m, fits)
			}
		}
		p = d.comma(m.end)
	}
	v.n++
	for _, kid := range v.kids {
		kid.pad(v.n)
	}
}
