package decode

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"datalake/pkg/jsontext"
)

// keys finds the members that a node knows by their keys as they stand in the text. Objects whose keys come in any order are
// as quick as those whose order could be predicted: a key costs the search for its end, two loads, one multiplication and the
// comparison with (nearly always) one entry.
//
// A key of up to 16 bytes is its first and its last eight; of a longer one what lies between is compared, too. That what is
// not ASCII is valid need not be looked at, as the keys that are known are valid.
type keys struct {
	entries []entry // by hash, then upwards; at most a quarter is taken
	shift   uint8
	factor  uint64
}

type entry struct {
	first, last uint64 // the first and the last eight bytes, zeros behind a shorter key
	n           int
	kid         *node // nil: free
}

// newKeys makes the table of kids. Of a few factors it takes the one by which the fewest of them share a place.
func newKeys(kids map[string]*node) keys {
	var all []*node
	for _, k := range kids {
		if utf8.ValidString(k.key) {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b *node) int { return strings.Compare(a.key, b.key) })
	size := uint(1) << bits.Len(uint(4*len(all)))
	var best keys
	least := len(all) + 1
	for try := uint64(1); try < 64 && least > 0; try += 2 {
		k := keys{entries: make([]entry, size), shift: uint8(64 - bits.TrailingZeros(size)), factor: try * 0x9e3779b97f4a7c15}
		moved := 0
		for _, kid := range all {
			moved += k.add(kid)
		}
		if moved < least {
			best, least = k, moved
		}
	}
	return best
}

// add puts kid into the table and tells by how many places it was moved.
func (k *keys) add(kid *node) (moved int) {
	n := len(kid.key)
	first, last := k.ends(jsontext.Pad([]byte(kid.key)), 0, n)
	for i := k.place(first, last, n); ; i = (i + 1) % len(k.entries) {
		if k.entries[i].kid == nil {
			k.entries[i] = entry{first, last, n, kid}
			return moved
		}
		moved++
	}
}

// ends are the first and the last eight bytes of the key of n bytes at p, with zeros in the place of those that it has not.
func (*keys) ends(b []byte, p, n int) (first, last uint64) {
	mask := masks[min(n, 8)]
	return jsontext.Load8(b, p) & mask, jsontext.Load8(b, p+max(n-8, 0)) & mask
}

func (k *keys) place(first, last uint64, n int) int {
	return int((first ^ bits.RotateLeft64(last, 29) ^ uint64(n)) * k.factor >> k.shift)
}

// find gives the member whose key begins at p, behind its quote, and the position after its other quote. nil tells that there
// is no such member, or that the key is written with escapes or is none at all.
func (k *keys) find(b []byte, p int) (kid *node, end int) {
	end = jsontext.KeyEnd(b, p)
	if b[end] != '"' {
		return nil, p
	}
	n := end - p
	first, last := k.ends(b, p, n)
	for i := k.place(first, last, n); ; i++ {
		if i == len(k.entries) {
			i = 0
		}
		e := &k.entries[i]
		if e.kid == nil {
			return nil, p
		}
		if e.first == first && e.last == last && e.n == n && (n <= 16 || string(b[p:end]) == e.kid.key) {
			return e.kid, end + 1
		}
	}
}
