// Package runs decodes the RLE/bit-packed hybrid, and checks delta-coded data, without trust in the input.
package runs

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Decode appends n values of the RLE/bit-packed hybrid to dst, each of width bits, at most 32. It reads no more than n
// values, whatever the runs say; so the memory is bounded by what the page's header claims, which its reader bounds.
func Decode[T uint8 | int32](dst []T, src []byte, width, n int) ([]T, error) {
	for n > 0 {
		h, k := binary.Uvarint(src)
		if k <= 0 {
			return dst, fmt.Errorf("%d values are missing: %w", n, io.ErrUnexpectedEOF)
		}
		src = src[k:]
		if h&1 == 0 {
			w := (width + 7) / 8
			if len(src) < w {
				return dst, io.ErrUnexpectedEOF
			}
			var v uint32
			for i := range w {
				v |= uint32(src[i]) << (8 * i)
			}
			if uint64(v)>>width != 0 {
				return dst, fmt.Errorf("a run of %d in values of %d bits", v, width)
			}
			src = src[w:]
			k := int(min(h>>1, uint64(n)))
			for range k {
				dst = append(dst, T(v))
			}
			n -= k
			continue
		}
		groups := h >> 1
		if groups > uint64(n) { // each group has eight values
			groups = uint64(n+7) / 8
		}
		k = min(int(groups)*8, n)
		need := (k*width + 7) / 8
		if len(src) < need {
			return dst, io.ErrUnexpectedEOF
		}
		dst = unpack(dst, src, width, k)
		src = src[min(len(src), int(groups)*width):]
		n -= k
	}
	return dst, nil
}

// unpack appends n values of width bits, least significant bit first.
func unpack[T uint8 | int32](dst []T, src []byte, width, n int) []T {
	mask := uint64(1)<<width - 1
	at := 0 // in bits
	for range n {
		i := at >> 3
		var w uint64
		if i+8 <= len(src) {
			w = binary.LittleEndian.Uint64(src[i:])
		} else {
			for k, b := range src[min(i, len(src)):] {
				w |= uint64(b) << (8 * k)
			}
		}
		dst = append(dst, T(w>>(at&7)&mask))
		at += width
	}
	return dst
}

// CheckDelta walks over DELTA_BINARY_PACKED data of n values of at most width bits, and returns its length. The decoder
// trusts its input; what passes here it can be given.
func CheckDelta(src []byte, n, width int) (int, error) {
	at := 0
	next := func() (uint64, bool) {
		u, k := binary.Uvarint(src[at:])
		at += max(k, 0)
		return u, k > 0
	}
	block, ok1 := next()
	minis, ok2 := next()
	total, ok3 := next()
	_, ok4 := next()
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return 0, io.ErrUnexpectedEOF
	}
	if block == 0 || block%128 != 0 || block > 1<<16 || minis == 0 || minis > block/32 || block%minis != 0 || block/minis%32 != 0 {
		return 0, fmt.Errorf("delta blocks of %d values in %d parts", block, minis)
	}
	if total != uint64(n) {
		return 0, fmt.Errorf("%d delta-coded values, the page has %d", total, n)
	}
	size := block / minis
	for left := int64(n) - 1; left > 0; {
		if _, ok := next(); !ok || len(src)-at < int(minis) {
			return 0, io.ErrUnexpectedEOF
		}
		widths := src[at : at+int(minis)]
		at += int(minis)
		for _, w := range widths {
			if left <= 0 {
				break
			}
			if int(w) > width {
				return 0, fmt.Errorf("deltas of %d bits", w)
			}
			k := int(size) * int(w) / 8
			if len(src)-at < k {
				return 0, io.ErrUnexpectedEOF
			}
			at += k
			left -= int64(size)
		}
	}
	return at, nil
}
