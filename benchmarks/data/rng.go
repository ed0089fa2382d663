package data

import "math/bits"

// rng is splitmix64: a few instructions a number, and any state is as good as any other, so that every line has one of its
// own and can be made without those before it.
type rng uint64

func newRNG(seed, line, stream uint64) rng {
	r := rng(seed<<3 ^ stream)
	r = rng(r.next() ^ line*0xd1342543de82ef95)
	return r
}

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n is a number below k, which must not be 0.
func (r *rng) n(k uint64) uint64 {
	hi, _ := bits.Mul64(r.next(), k)
	return hi
}

// between is a number from lo to hi, both included.
func (r *rng) between(lo, hi int) int { return lo + int(r.n(uint64(hi-lo+1))) }

// percent is true p times in a hundred.
func (r *rng) percent(p uint64) bool { return r.n(100) < p }

// pick is one of the values.
func pick[T any](r *rng, of []T) T { return of[r.n(uint64(len(of)))] }

// hex appends 16 digits.
func hex(dst []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}

// uuid appends 36 characters.
func uuid(dst []byte, id [2]uint64) []byte {
	var b [32]byte
	h := hex(hex(b[:0], id[0]), id[1])
	dst = append(append(dst, h[:8]...), '-')
	dst = append(append(dst, h[8:12]...), '-')
	dst = append(append(dst, h[12:16]...), '-')
	dst = append(append(dst, h[16:20]...), '-')
	return append(dst, h[20:]...)
}
