package decode

import (
	"slices"

	"datalake/pkg/jsontext"
)

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
	fits, exact = d.put(t, v, x)
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
			if fits, exact := d.put(f.typ, kid, m); !fits || !exact {
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
