package jsontext

import (
	"math/rand/v2"
	"slices"

	"github.com/zeebo/xxh3"
)

// Keys tells whether keys repeat inside an object, by their hashes: it may take different keys for like ones (once in
// 2^64), never the other way round. So what it suspects is settled by AppendDistinct. The zero value is ready. It keeps
// its memory between uses; one goroutine at a time.
type Keys struct {
	hashes []uint64
	open   []int
}

// keySeed makes collisions unpredictable for whoever writes the input.
var keySeed = rand.Uint64()

// Open begins an object inside those that are open, and returns the mark to close it with.
func (k *Keys) Open() int { return len(k.hashes) }

// Add adds a key, by its content, to the object opened last.
func (k *Keys) Add(content []byte) { k.hashes = append(k.hashes, xxh3.HashSeed(content, keySeed)) }

// Close ends the object that mark began, with all in it, and tells whether a key was added twice.
func (k *Keys) Close(mark int) (repeated bool) {
	h := k.hashes[mark:]
	k.hashes = k.hashes[:mark]
	if len(h) > 24 {
		slices.Sort(h)
		for i := 1; i < len(h); i++ {
			if h[i] == h[i-1] {
				return true
			}
		}
		return false
	}
	for i := range h {
		for j := range i {
			if h[i] == h[j] {
				return true
			}
		}
	}
	return false
}

// Value is Limits.Value that also tells whether keys repeat in one of the objects of the value at p.
func (k *Keys) Value(l Limits, b []byte, p int) (end int, repeated bool, err error) {
	if c := b[p]; c != '{' && c != '[' {
		end, err = l.Value(b, p)
		return end, false, err
	}
	base, outer := len(k.hashes), len(k.open)
	defer func() { k.hashes, k.open = k.hashes[:base], k.open[:outer] }()
	most := l.Depth()
	flat := l.Inside(most)
value:
	switch c := b[p]; c {
	case '{', '[':
		if len(k.open)-outer == most {
			return p, false, &Error{p, Depth, "nested too deep"}
		}
		p = Space(b, p+1)
		if b[p] == c+2 {
			p++
			break
		}
		if c == '{' {
			k.open = append(k.open, k.Open())
			goto key
		}
		k.open = append(k.open, -1)
		goto value
	default:
		if p, err = flat.Value(b, p); err != nil {
			return p, false, err
		}
	}
after:
	if len(k.open) == outer {
		return p, repeated, nil
	}
	p = Space(b, p)
	if mark := k.open[len(k.open)-1]; mark >= 0 {
		switch b[p] {
		case ',':
			p = Space(b, p+1)
			goto key
		case '}':
			repeated = k.Close(mark) || repeated
			k.open = k.open[:len(k.open)-1]
			p++
			goto after
		}
		return p, false, Unexpected(b, p, "a comma or }")
	}
	switch b[p] {
	case ',':
		p = Space(b, p+1)
		goto value
	case ']':
		k.open = k.open[:len(k.open)-1]
		p++
		goto after
	}
	return p, false, Unexpected(b, p, "a comma or ]")
key:
	if b[p] != '"' {
		return p, false, Unexpected(b, p, "a quoted key")
	}
	end, escaped, err := l.String(b, p)
	if err != nil {
		return end, false, err
	}
	content := b[p+1 : end-1]
	if escaped {
		content = AppendUnquoted(nil, content)
	}
	k.Add(content)
	p = Space(b, end)
	if b[p] != ':' {
		return p, false, Unexpected(b, p, "a colon")
	}
	p = Space(b, p+1)
	goto value
}

// AppendDistinct appends value, one valid JSON text, without white space between its tokens and, of the members of an
// object with like keys, only the last. dropped counts the others, those inside dropped ones too. value needs no padding.
func AppendDistinct(dst, value []byte) (out []byte, dropped int64) {
	d := distinct{b: Pad(value), out: dst}
	d.value(Space(d.b, 0))
	return d.out, d.dropped
}

type distinct struct {
	b, out  []byte
	dropped int64
}

// value appends the value at p and returns the position after it.
func (d *distinct) value(p int) int {
	lenient := Limits{MaxDepth: int(^uint(0) >> 1), ReplaceInvalid: true}
	switch c := d.b[p]; c {
	case '{':
		return d.object(p, lenient)
	case '[':
		d.out = append(d.out, '[')
		for p = Space(d.b, p+1); d.b[p] != ']'; p = Space(d.b, p) {
			if d.b[p] == ',' {
				d.out = append(d.out, ',')
				p = Space(d.b, p+1)
			}
			p = d.value(p)
		}
		d.out = append(d.out, ']')
		return p + 1
	}
	end, err := lenient.Value(d.b, p)
	if err != nil { // not reached for valid values; an end for all others
		return len(d.b) - Padding
	}
	d.out = append(d.out, d.b[p:end]...)
	return end
}

func (d *distinct) object(p int, l Limits) int {
	type span struct{ from, to int }
	var members []span // in out
	last := map[string]int{}
	d.out = append(d.out, '{')
	first := len(d.out)
	for p = Space(d.b, p+1); d.b[p] == '"' || d.b[p] == ','; p = Space(d.b, p) {
		if d.b[p] == ',' {
			p = Space(d.b, p+1)
		}
		end, escaped, err := l.String(d.b, p)
		if err != nil {
			break
		}
		key := d.b[p+1 : end-1]
		if escaped {
			key = AppendUnquoted(nil, key)
		}
		from := len(d.out)
		d.out = append(append(d.out, d.b[p:end]...), ':')
		p = d.value(Space(d.b, Space(d.b, end)+1))
		d.out = append(d.out, ',')
		last[string(key)] = len(members)
		members = append(members, span{from, len(d.out)})
	}
	if len(last) < len(members) {
		keep := make([]bool, len(members))
		for _, i := range last {
			keep[i] = true
		}
		w := first
		for i, m := range members {
			if keep[i] {
				w += copy(d.out[w:], d.out[m.from:m.to])
			} else {
				d.dropped++
			}
		}
		d.out = d.out[:w]
	}
	if len(d.out) > first {
		d.out = d.out[:len(d.out)-1] // the last comma
	}
	d.out = append(d.out, '}')
	return p + 1
}
