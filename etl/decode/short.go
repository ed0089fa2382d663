package decode

import "encoding/binary"

// cached is an entry of a dictionary by its bytes. A string of up to 16 bytes without a NUL is two words, filled up with zeros;
// so a look-up needs neither the hash nor the text of the entry.
type cached struct {
	low, high uint64
	code, gen uint32 // gen is the cache's when the code was its entry's
}

const cacheBits = 10

// shorts is a cache of codes, filled by the words.
type shorts struct {
	gen     uint32
	entries [1 << cacheBits]cached
}

// forget makes the cache's entries invalid: codes have lost their meaning.
func (t *text) forget() {
	if c := t.short; c != nil {
		if c.gen++; c.gen == 0 {
			*c = shorts{gen: 1}
		}
	}
}

// addShort is add for a string of n bytes at p of the padded b, none of which is a NUL.
func (t *text) addShort(b []byte, p, n int) (check bool) {
	if t.plain || n > 16 {
		return t.add(b[p : p+n])
	}
	c := t.short
	if c == nil {
		c = &shorts{gen: 1}
		t.short = c
	}
	low, high := binary.LittleEndian.Uint64(b[p:]), uint64(0)
	switch {
	case n < 8:
		low &= masks[n]
	case n < 16:
		high = binary.LittleEndian.Uint64(b[p+8:]) & masks[n-8]
	default:
		high = binary.LittleEndian.Uint64(b[p+8:])
	}
	e := &c.entries[(low*0x9e3779b97f4a7c15^high*0xc2b2ae3d27d4eb4f)>>(64-cacheBits)&(1<<cacheBits-1)]
	if e.low == low && e.high == high && e.gen == c.gen {
		t.codes = append(t.codes, e.code)
		return false
	}
	check = t.add(b[p : p+n])
	*e = cached{low, high, t.codes[len(t.codes)-1], c.gen}
	return check
}
