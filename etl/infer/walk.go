package infer

import "datalake/pkg/jsontext"

// walker goes through one value.
type walker struct {
	profile *Profile
	source  *source
	b       []byte
	object  int
	offset  int64
}

func (w *walker) place(at int) place { return place{w.object, w.offset, at} }

// value takes in the value at p, which stands at n, and gives the position after it.
func (w *walker) value(n *node, p int) int {
	switch w.b[p] {
	case '{':
		return w.members(n, p)
	case '[':
		n.arrays++
		return w.array(n, p)
	case 'n':
		return p + len("null")
	}
	end := w.scalar(&n.scalars, p)
	if n.candidate && isTime(&w.profile.text, w.b[p:end]) {
		n.times++
	}
	return end
}

func (w *walker) members(n *node, p int) int {
	n.objects = true
	p = jsontext.Space(w.b, p+1)
	if w.b[p] == '}' {
		return p + 1
	}
	n.members = true
	expect, previous := n.head, (*node)(nil)
	for {
		key, after := w.key(p)
		p = jsontext.Space(w.b, after)
		p = jsontext.Space(w.b, p+1) // the colon
		k := w.member(n, expect, key, p)
		if k == nil {
			p = w.skip(p)
			expect = nil
		} else {
			p = w.value(k, p)
			if previous == nil {
				n.head = k
			} else {
				previous.after = k
			}
			previous, expect = k, k.after
		}
		p = jsontext.Space(w.b, p)
		if w.b[p] == '}' {
			return p + 1
		}
		p = jsontext.Space(w.b, p+1)
	}
}

// member is the member of n with the key, which may be the expected one; nil, if there is no room for it.
func (w *walker) member(n, expect *node, key []byte, at int) *node {
	if !n.open() {
		return nil
	}
	k := expect
	if k == nil || k.key != string(key) || n.container && w.source.many {
		k = n.kids[string(key)]
	}
	if k == nil {
		return w.source.add(n, string(key), w.place(at))
	}
	k.appears(w.place(at))
	return k
}

// key is the key at p, valid until the next one is read, and the position after it.
func (w *walker) key(p int) ([]byte, int) {
	end, escaped, err := replacing.String(w.b, p)
	if err != nil {
		return nil, len(w.b) - jsontext.Padding // the caller promised that the text is valid
	}
	inner := w.b[p+1 : end-1]
	if escaped {
		w.profile.text = jsontext.AppendUnquoted(w.profile.text[:0], inner)
		inner = w.profile.text
	}
	return inner, end
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
			p += len("null")
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
