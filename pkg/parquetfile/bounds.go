package parquetfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// maxBound is how many bytes of a byte array stand in statistics.
const maxBound = 64

// bounds are the least and the greatest value of a page or chunk in the PLAIN encoding (byte arrays without length).
// min may be less than the least value and max greater than the greatest, unless exact. nil: there is none.
type bounds struct {
	min, max           []byte
	minExact, maxExact bool
}

func (b *bounds) ok() bool { return b.min != nil && b.max != nil }

// add widens b by the bounds of more values.
func (b *bounds) add(o order, x bounds) {
	if !x.ok() {
		return
	}
	if b.min == nil {
		*b = x
		return
	}
	if c := o.compare(x.min, b.min); c < 0 || c == 0 && x.minExact {
		b.min, b.minExact = x.min, x.minExact
	}
	if c := o.compare(x.max, b.max); c > 0 || c == 0 && x.maxExact {
		b.max, b.maxExact = x.max, x.maxExact
	}
}

// compare orders two values in the PLAIN encoding. Values of a wrong length are equal to all.
func (o order) compare(a, b []byte) int {
	switch o {
	case orderInt32:
		if len(a) >= 4 && len(b) >= 4 {
			return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
		}
	case orderInt64:
		if len(a) >= 8 && len(b) >= 8 {
			return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
		}
	case orderFloat32:
		if len(a) >= 4 && len(b) >= 4 {
			return cmp.Compare(math.Float32frombits(binary.LittleEndian.Uint32(a)), math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case orderFloat64:
		if len(a) >= 8 && len(b) >= 8 {
			return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case orderSigned:
		if len(a) == len(b) && len(a) > 0 {
			if a[0] != b[0] {
				return cmp.Compare(int8(a[0]), int8(b[0]))
			}
			return bytes.Compare(a, b)
		}
	default:
		return bytes.Compare(a, b)
	}
	return 0
}

func exact(lo, hi []byte) bounds {
	return bounds{min: bytes.Clone(lo), max: bytes.Clone(hi), minExact: true, maxExact: true}
}

// numberBounds are the bounds of the values that each yields, which are ints, or floats by their bits. NaN is left out;
// the zeros are -0 as least and +0 as greatest, for a reader may take either for the other.
func (o order) numberBounds(n int, value func(i int) int64) bounds {
	if n == 0 {
		return bounds{}
	}
	switch o {
	case orderFloat32, orderFloat64:
		lo, hi := math.Inf(1), math.Inf(-1)
		found := false
		for i := range n {
			var f float64
			if o == orderFloat64 {
				f = math.Float64frombits(uint64(value(i)))
			} else {
				f = float64(math.Float32frombits(uint32(value(i))))
			}
			if f == f {
				found = true
				lo, hi = min(lo, f), max(hi, f)
			}
		}
		if !found {
			return bounds{}
		}
		if lo == 0 {
			lo = math.Copysign(0, -1)
		}
		if hi == 0 {
			hi = 0
		}
		if o == orderFloat64 {
			return exact(binary.LittleEndian.AppendUint64(nil, math.Float64bits(lo)), binary.LittleEndian.AppendUint64(nil, math.Float64bits(hi)))
		}
		return exact(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(lo))), binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(hi))))
	}
	lo, hi := value(0), value(0)
	for i := range n {
		v := value(i)
		lo, hi = min(lo, v), max(hi, v)
	}
	if o == orderInt32 {
		return exact(binary.LittleEndian.AppendUint32(nil, uint32(lo)), binary.LittleEndian.AppendUint32(nil, uint32(hi)))
	}
	return exact(binary.LittleEndian.AppendUint64(nil, uint64(lo)), binary.LittleEndian.AppendUint64(nil, uint64(hi)))
}

// extremes finds the least and the greatest of many byte strings. Most are told apart by their first eight bytes.
type extremes struct {
	signed bool
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

func (e *extremes) add(v []byte) {
	p := prefix8(v)
	if e.signed {
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

// bounds are what was found, cut to maxBound bytes. The strings are copied.
func (e *extremes) bounds(utf8Text bool) bounds {
	if !e.found {
		return bounds{}
	}
	b := bounds{minExact: true, maxExact: true}
	if len(e.lo) > maxBound {
		b.min, b.minExact = bytes.Clone(cutLow(e.lo, utf8Text)), false
	} else {
		b.min = append([]byte{}, e.lo...)
	}
	if len(e.hi) > maxBound {
		if b.max = cutHigh(e.hi, utf8Text); b.max != nil {
			b.maxExact = false
			return b
		}
	}
	b.max = append([]byte{}, e.hi...)
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

// number is the value of an int in the PLAIN encoding.
func (o order) number(b []byte) int64 {
	if o == orderInt32 {
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}
