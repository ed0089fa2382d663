package stats

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Extremes finds the least and the greatest of many byte strings. Most are told apart by their first eight bytes. The zero
// value has found none.
type Extremes struct {
	Signed bool // the strings are big-endian two's complement of one width
	found  bool
	lo, hi []byte
	l8, h8 uint64
}

func prefix8(v []byte) uint64 {
	if len(v) >= 8 {
		return binary.BigEndian.Uint64(v)
	}
	var b [8]byte
	copy(b[:], v)
	return binary.BigEndian.Uint64(b[:])
}

// Add looks at one more string, which must not change until Bounds.
func (e *Extremes) Add(v []byte) {
	p := prefix8(v)
	if e.Signed {
		p ^= 1 << 63
	}
	if !e.found {
		e.found, e.lo, e.hi, e.l8, e.h8 = true, v, v, p, p
		return
	}
	// Where the prefixes are equal the first bytes are, so signed values compare like unsigned ones.
	if p < e.l8 || p == e.l8 && bytes.Compare(v, e.lo) < 0 {
		e.lo, e.l8 = v, p
	}
	if p > e.h8 || p == e.h8 && bytes.Compare(v, e.hi) > 0 {
		e.hi, e.h8 = v, p
	}
}

// Bounds are what was found, cut to maxBound bytes, in the memory of the strings where that is possible.
func (e *Extremes) Bounds(utf8Text bool) Bounds {
	if !e.found {
		return Bounds{}
	}
	b := Bounds{MinExact: true, MaxExact: true}
	if len(e.hi) == 0 { // of no memory, perhaps
		return Exact([]byte{}, []byte{})
	}
	if len(e.lo) > maxBound {
		b.Min, b.MinExact = cutLow(e.lo, utf8Text), false
	} else {
		b.Min = e.lo
	}
	if len(e.hi) > maxBound {
		if b.Max = cutHigh(e.hi, utf8Text); b.Max != nil {
			b.MaxExact = false
			return b
		}
		if len(e.hi) > maxWhole {
			return Bounds{unbounded: true}
		}
	}
	b.Max = e.hi
	return b
}

// cutLow is a prefix of v of at most maxBound bytes: whole characters, where v is text.
func cutLow(v []byte, text bool) []byte {
	n := maxBound
	if text {
		for n > maxBound-utf8.UTFMax && !utf8.RuneStart(v[n]) {
			n--
		}
		if !utf8.RuneStart(v[n]) { // not UTF-8 after all
			n = maxBound
		}
	}
	return v[:n]
}

// cutHigh is a string of at most maxBound bytes that is greater than every string that begins like v; nil if there is
// none. Of text it makes text: its order is that of its code points.
func cutHigh(v []byte, text bool) []byte {
	p := cutLow(v, text)
	if text && utf8.Valid(p) {
		for len(p) > 0 {
			r, n := utf8.DecodeLastRune(p)
			p = p[:len(p)-n]
			switch {
			case r == utf8.MaxRune:
				continue
			case r == 0xd7ff:
				r = 0xe000
			default:
				r++
			}
			if len(p)+utf8.RuneLen(r) <= maxBound {
				return utf8.AppendRune(bytes.Clone(p), r)
			}
		}
		return nil
	}
	for len(p) > 0 {
		if c := p[len(p)-1]; c != 0xff {
			q := bytes.Clone(p)
			q[len(q)-1]++
			return q
		}
		p = p[:len(p)-1]
	}
	return nil
}
