package decode

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/zeebo/xxh3"
)

// text collects strings: as codes into a dictionary while values repeat, else one after the other.
//
// What a batch's dictionary holds must depend on the batch alone, not on rows that were taken back or on earlier batches
// (or the same input would give other batches with other timing). So truncate takes entries back too, and whether the
// column goes plain is only decided between rows.
type text struct {
	heap  []byte
	off   []int32  // plain: where each value begins; else where each entry of the dictionary does
	plain bool     // strings stand in heap one after the other, off has where each begins
	codes []uint32 // not plain: of all values, 0 for nulls
	short *shorts  // of addShort; nil until it is first called
	slots []uint64 // hash table: upper half of the hash, entry + 1; 0 is empty
	born  []int32  // for each entry the number of the value that brought it
	limit int      // most entries of the dictionary

	spare    []byte // memory for toPlain
	spareOff []int32
}

var dictSeed = rand.Uint64() // the order of entries does not depend on it

const firstSlots = 256

// A column with more than such a share of distinct values among its first ones goes plain at once, in 32nds. The first look costs
// little and finds the columns in which nothing comes twice: those of a batch of some hundred rows would else all be
// hashed in vain (256 rows a batch, 40 columns: a tenth of all decoding).
const (
	firstCheck, firstShare = 64, 30
	earlyCheck, earlyShare = 512, 24
)

func (t *text) reset() {
	t.plain = t.limit == 0
	t.heap, t.off, t.codes, t.born = t.heap[:0], t.off[:0], t.codes[:0], t.born[:0]
	clear(t.slots)
	t.forget()
}

// add appends s. check tells that the dictionary has become large: then full must be asked when the row is kept.
func (t *text) add(s []byte) (check bool) {
	if t.plain {
		t.off = append(t.off, int32(len(t.heap)))
		t.heap = append(t.heap, s...)
		return false
	}
	if t.slots == nil {
		t.slots = make([]uint64, firstSlots)
	}
	h := xxh3.HashSeed(s, dictSeed)
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if e := t.slots[i]; e>>32 == h>>32 {
			if code := uint32(e) - 1; string(t.entry(int(code))) == string(s) {
				t.codes = append(t.codes, code)
				return false
			}
		}
	}
	code := len(t.off)
	t.slots[i] = h>>32<<32 | uint64(code+1)
	t.off = append(t.off, int32(len(t.heap)))
	t.born = append(t.born, int32(len(t.codes)))
	t.heap = append(t.heap, s...)
	t.codes = append(t.codes, uint32(code))
	if (code+1)*2 > len(t.slots) {
		t.rehash(2 * len(t.slots))
	}
	return t.full()
}

// full reports whether the dictionary does not pay.
func (t *text) full() bool {
	n, all := len(t.off), len(t.codes)
	return !t.plain && (n > t.limit || all >= firstCheck && 32*n > all*firstShare || all >= earlyCheck && 32*n > all*earlyShare)
}

// entry is the dictionary's entry i.
func (t *text) entry(i int) []byte {
	if i+1 < len(t.off) {
		return t.heap[t.off[i]:t.off[i+1]]
	}
	return t.heap[t.off[i]:]
}

func (t *text) rehash(size int) {
	t.slots = make([]uint64, size)
	mask := uint64(size - 1)
	for c := range t.off { // in order, so that the last entry can always be taken out without a gap
		h := xxh3.HashSeed(t.entry(c), dictSeed)
		i := h & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = h>>32<<32 | uint64(c+1)
	}
}

// nulls appends n nulls.
func (t *text) nulls(n int) {
	if t.plain {
		t.off = repeat(t.off, int32(len(t.heap)), n)
	} else {
		t.codes = zeros(t.codes, n)
	}
}

// truncate takes back the values from n on, with the entries that they brought.
func (t *text) truncate(n int) {
	if t.plain {
		t.heap = t.heap[:t.off[n]]
		t.off = t.off[:n]
		return
	}
	if len(t.born) > 0 && int(t.born[len(t.born)-1]) >= n {
		t.forget()
	}
	for len(t.born) > 0 && int(t.born[len(t.born)-1]) >= n {
		last := len(t.off) - 1
		mask := uint64(len(t.slots) - 1)
		i := xxh3.HashSeed(t.entry(last), dictSeed) & mask
		for uint32(t.slots[i]) != uint32(last+1) {
			i = (i + 1) & mask
		}
		t.slots[i] = 0 // nothing was put behind it: later entries are already gone
		t.heap = t.heap[:t.off[last]]
		t.off, t.born = t.off[:last], t.born[:last]
	}
	t.codes = t.codes[:n]
}

// toPlain writes the values out. nulls are those of the vector.
func (t *text) toPlain(nulls []run) {
	size := 0
	for from, to := range values(nulls, len(t.codes)) {
		for _, c := range t.codes[from:to] {
			size += len(t.entry(int(c)))
		}
	}
	heap, off := slices.Grow(t.spare[:0], size), slices.Grow(t.spareOff[:0], len(t.codes))
	for from, to := range values(nulls, len(t.codes)) {
		off = repeat(off, int32(len(heap)), from-len(off))
		for _, c := range t.codes[from:to] {
			off = append(off, int32(len(heap)))
			heap = append(heap, t.entry(int(c))...)
		}
	}
	off = repeat(off, int32(len(heap)), len(t.codes)-len(off))
	t.spare, t.spareOff = t.heap, t.off
	t.heap, t.off, t.plain = heap, off, true
}

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
