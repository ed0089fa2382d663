package jsontext

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"

	"github.com/zeebo/xxh3"
)

// The hash of a value is the sum, modulo 2^128, of the hashes of its leaves; a sum needs no order, so objects need no
// sorting. With H = XXH3-128 (seed 0) and | for concatenation:
//
//	path(root)              = 16 zero bytes
//	path(member k of p)     = H('k' | path(p) | content of the key)
//	path(element i of p)    = H('i' | path(p) | i as 8 bytes, little endian)
//	leaf at p               = H(type | path(p) | canonical value)
//
// where the type is one of s (string: its content), n (number: Decimal.Append), x (a number whose exponent passes
// Decimal's limit: its text), t, f, z (true, false, null), o, a (an empty object, an empty array). A hash is written as
// the high half and then the low half, little endian each. The hash is stored in tables (ids, dedupe keys), so it never changes.
//
// Rejected: hashing a canonical text (needs sorting and a buffer of the record's size); H seeded per process (the hash
// would not be the same in the next run).
const (
	hashKey, hashIndex                              = 'k', 'i'
	hashString, hashNumber, hashHuge                = 's', 'n', 'x'
	hashTrue, hashFalse, hashNull, hashObj, hashArr = 't', 'f', 'z', 'o', 'a'
)

// Hash is the 128-bit hash (high half first) of the value at p, which must be valid under l. It does not depend on key
// order, white space, escapes or the spelling of numbers; of duplicate keys the last counts. Members of the value itself
// whose keys are in skip are left out, as if they were not there.
func (l Limits) Hash(b []byte, p int, skip ...string) ([2]uint64, error) {
	h := hashers.Get().(*hasher)
	h.limits, h.depth, h.skip = l, 0, append(h.skip[:0], skip...)
	_, sum, err := h.value(b, p, [2]uint64{})
	h.members = h.members[:0]
	hashers.Put(h)
	return sum, err
}

var hashers = sync.Pool{New: func() any { return new(hasher) }}

// member is what one key of an open object has added to the sum, to take it back when the key comes again.
type member struct {
	path, sum [2]uint64
	order     int
}

type hasher struct {
	limits  Limits
	depth   int
	skip    []string
	buf     []byte // input of the inner hash
	text    []byte // a string's content
	members []member
}

func (h *hasher) hash(tag byte, path [2]uint64, content []byte) [2]uint64 {
	if len(h.buf) < 17+len(content) {
		h.buf = make([]byte, max(256, 2*(17+len(content))))
	}
	b := h.buf[:17+len(content)]
	b[0] = tag
	binary.LittleEndian.PutUint64(b[1:], path[0])
	binary.LittleEndian.PutUint64(b[9:], path[1])
	copy(b[17:], content)
	s := xxh3.Hash128(b)
	return [2]uint64{s.Hi, s.Lo}
}

func add(a, b [2]uint64) [2]uint64 {
	lo, carry := bits.Add64(a[1], b[1], 0)
	hi, _ := bits.Add64(a[0], b[0], carry)
	return [2]uint64{hi, lo}
}

func sub(a, b [2]uint64) [2]uint64 {
	lo, borrow := bits.Sub64(a[1], b[1], 0)
	hi, _ := bits.Sub64(a[0], b[0], borrow)
	return [2]uint64{hi, lo}
}

// value returns the position after the value at p and the sum of its leaves.
func (h *hasher) value(b []byte, p int, path [2]uint64) (int, [2]uint64, error) {
	switch c := b[p]; c {
	case '{', '[':
		if h.depth == h.limits.Depth() {
			return p, path, &Error{p, Depth, "nested too deep"}
		}
		read := h.object
		if c == '[' {
			read = h.array
		}
		h.depth++
		end, sum, err := read(b, p, path)
		h.depth--
		return end, sum, err
	case '"':
		p, s, err := h.content(b, p)
		return p, h.hash(hashString, path, s), err
	case 't':
		return p + 4, h.hash(hashTrue, path, nil), nil
	case 'f':
		return p + 5, h.hash(hashFalse, path, nil), nil
	case 'n':
		return p + 4, h.hash(hashNull, path, nil), nil
	}
	end, _, err := h.limits.Number(b, p)
	if err != nil {
		return p, path, err
	}
	d, ok := ParseDecimal(b[p:end])
	if !ok {
		return end, h.hash(hashHuge, path, b[p:end]), nil
	}
	h.text = d.Append(h.text[:0])
	return end, h.hash(hashNumber, path, h.text), nil
}

// content returns the position after the string at p and its content, valid until the next call.
func (h *hasher) content(b []byte, p int) (int, []byte, error) {
	end, escaped, err := h.limits.String(b, p)
	if err != nil {
		return p, nil, err
	}
	s := b[p+1 : end-1]
	if escaped {
		h.text = AppendUnquoted(h.text[:0], s)
		s = h.text
	}
	return end, s, nil
}

func (h *hasher) object(b []byte, p int, path [2]uint64) (int, [2]uint64, error) {
	first := len(h.members)
	top := h.depth == 1 && len(h.skip) > 0
	var sum [2]uint64
	var seen uint64 // one bit of each path: most keys are told to be new without a look at the others
	p = Space(b, p+1)
	for b[p] != '}' {
		if b[p] == ',' {
			p = Space(b, p+1)
		}
		if b[p] != '"' {
			return p, path, Unexpected(b, p, "a quoted key")
		}
		end, key, err := h.content(b, p)
		if err != nil {
			return p, path, err
		}
		skipped := top && slices.Contains(h.skip, string(key))
		at := h.hash(hashKey, path, key)
		p = Space(b, end)
		if b[p] != ':' {
			return p, path, Unexpected(b, p, "a colon")
		}
		next, s, err := h.value(b, Space(b, p+1), at)
		if err != nil {
			return next, path, err
		}
		if p = Space(b, next); skipped {
			continue
		}
		if bit := uint64(1) << (at[1] & 63); seen&bit == 0 {
			seen |= bit
		} else if len(h.members)-first <= fewMembers {
			for i := len(h.members) - 1; i >= first; i-- {
				if h.members[i].path == at {
					sum = sub(sum, h.members[i].sum)
					break
				}
			}
		}
		sum = add(sum, s)
		h.members = append(h.members, member{at, s, len(h.members)})
	}
	switch n := len(h.members) - first; {
	case n == 0:
		sum = h.hash(hashObj, path, nil)
	case n > fewMembers:
		sum = total(h.members[first:])
	}
	h.members = h.members[:first]
	return p + 1, sum, nil
}

// fewMembers is up to how many keys are quicker compared with each other than sorted.
const fewMembers = 24

// total is the sum over the members, the last of each path. It reorders them.
func total(m []member) (sum [2]uint64) {
	slices.SortFunc(m, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.path[0], b.path[0]), cmp.Compare(a.path[1], b.path[1]), a.order-b.order)
	})
	for i := range m {
		if i+1 == len(m) || m[i].path != m[i+1].path {
			sum = add(sum, m[i].sum)
		}
	}
	return sum
}

func (h *hasher) array(b []byte, p int, path [2]uint64) (int, [2]uint64, error) {
	p = Space(b, p+1)
	if b[p] == ']' {
		return p + 1, h.hash(hashArr, path, nil), nil
	}
	var sum [2]uint64
	for i := uint64(0); ; i++ {
		var index [8]byte
		binary.LittleEndian.PutUint64(index[:], i)
		next, s, err := h.value(b, p, h.hash(hashIndex, path, index[:]))
		if err != nil {
			return next, path, err
		}
		sum = add(sum, s)
		switch p = Space(b, next); b[p] {
		case ']':
			return p + 1, sum, nil
		case ',':
			p = Space(b, p+1)
		default:
			return p, path, Unexpected(b, p, "a comma or ]")
		}
	}
}
