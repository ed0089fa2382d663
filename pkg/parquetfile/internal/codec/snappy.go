package codec

import (
	"encoding/binary"
	"math/bits"
)

// The Snappy encoders of the libraries at hand are written in assembly for one architecture and in Go for the others, and
// the two do not give the same bytes. Files must not depend on the machine that wrote them, so this one is plain Go.

// snappyTable holds, for a hash of four bytes, where in the block they were seen last, plus one.
type snappyTable [1 << 14]uint16

// snappyBlock is how far back a copy reaches at most: places in a block fit the table.
const snappyBlock = 1<<16 - 1

// encode appends body in Snappy's block format.
func (t *snappyTable) encode(dst, body []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	for len(body) > 0 {
		n := min(len(body), snappyBlock)
		dst = t.block(dst, body[:n])
		body = body[n:]
	}
	return dst
}

func (t *snappyTable) block(dst, b []byte) []byte {
	*t = snappyTable{}
	done := 0 // what lies before is encoded
	for i, misses := 0, 32; i+8 <= len(b); {
		w := binary.LittleEndian.Uint32(b[i:])
		h := w * 0x9e3779b1 >> 18
		j := int(t[h]) - 1
		t[h] = uint16(i + 1)
		if j < 0 || binary.LittleEndian.Uint32(b[j:]) != w {
			i += misses >> 5 // the longer nothing repeats, the larger the steps
			misses++
			continue
		}
		misses = 32
		n := 4 + same(b[i+4:], b[j+4:])
		dst = literal(dst, b[done:i])
		dst = duplicate(dst, i-j, n)
		i += n
		done = i
	}
	return literal(dst, b[done:])
}

// same is how many bytes a and b, the longer of which is b, begin with in common.
func same(a, b []byte) int {
	n := 0
	for len(a)-n >= 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return n
}

func literal(dst, b []byte) []byte {
	switch n := len(b) - 1; {
	case n < 0:
		return dst
	case n < 60:
		dst = append(dst, byte(n)<<2)
	case n < 1<<8:
		dst = append(dst, 60<<2, byte(n))
	default:
		dst = append(dst, 61<<2, byte(n), byte(n>>8))
	}
	return append(dst, b...)
}

// duplicate appends copies of n bytes, at least four, that stand off bytes back.
func duplicate(dst []byte, off, n int) []byte {
	for n >= 68 { // what is left must not be less than four
		dst = append(dst, 63<<2|2, byte(off), byte(off>>8))
		n -= 64
	}
	if n > 64 {
		dst = append(dst, 59<<2|2, byte(off), byte(off>>8))
		n -= 60
	}
	if n >= 12 || off >= 1<<11 {
		return append(dst, byte(n-1)<<2|2, byte(off), byte(off>>8))
	}
	return append(dst, byte(off>>8)<<5|byte(n-4)<<2|1, byte(off))
}
