package stats

import (
	"encoding/binary"
	"math"
)

// maxBound is how many bytes of a byte array stand in statistics. A greatest value that has no short bound above it, for it
// begins with the greatest characters or bytes alone, stands whole, up to maxWhole bytes.
const (
	maxBound = 64
	maxWhole = 1 << 10
)

// Bounds are the least and the greatest value of a page or chunk in the PLAIN encoding (byte arrays without length).
// Min may be less than the least value and Max greater than the greatest, unless exact. nil: there is none.
type Bounds struct {
	Min, Max           []byte
	MinExact, MaxExact bool
	unbounded          bool // no short bounds exist: there are none, nor of a whole of which this is a part
}

// OK tells that both are known.
func (b *Bounds) OK() bool { return b.Min != nil && b.Max != nil }

// Add widens b by the bounds of more values.
func (b *Bounds) Add(o Order, x Bounds) {
	if b.unbounded || x.unbounded {
		*b = Bounds{unbounded: true}
		return
	}
	if !x.OK() {
		return
	}
	if b.Min == nil {
		*b = x
		return
	}
	if c := o.Compare(x.Min, b.Min); c < 0 || c == 0 && x.MinExact {
		b.Min, b.MinExact = x.Min, x.MinExact
	}
	if c := o.Compare(x.Max, b.Max); c > 0 || c == 0 && x.MaxExact {
		b.Max, b.MaxExact = x.Max, x.MaxExact
	}
}

// Exact are the bounds lo and hi themselves, in their memory.
func Exact(lo, hi []byte) Bounds { return Bounds{Min: lo, Max: hi, MinExact: true, MaxExact: true} }

// Numbers are the bounds of ints, or of floats by their bits, in the memory of dst. NaN is left out; the zeros are -0 as least
// and +0 as greatest, for a reader may take either for the other.
func Numbers[T int32 | int64](dst *[16]byte, o Order, values []T) Bounds {
	if len(values) == 0 {
		return Bounds{}
	}
	var lo, hi int64
	switch o {
	case Float32, Float64:
		least, most := math.Inf(1), math.Inf(-1)
		for _, v := range values {
			f := math.Float64frombits(uint64(v))
			if o == Float32 {
				f = float64(math.Float32frombits(uint32(v)))
			}
			if f < least { // never true of NaN
				least = f
			}
			if f > most {
				most = f
			}
		}
		if least > most {
			return Bounds{}
		}
		if least == 0 {
			least = math.Copysign(0, -1)
		}
		if most == 0 {
			most = 0
		}
		if o == Float32 {
			lo, hi = int64(math.Float32bits(float32(least))), int64(math.Float32bits(float32(most)))
		} else {
			lo, hi = int64(math.Float64bits(least)), int64(math.Float64bits(most))
		}
	default:
		least, most := values[0], values[0]
		for _, v := range values {
			least, most = min(least, v), max(most, v)
		}
		lo, hi = int64(least), int64(most)
	}
	width := 8
	if o == Int32 || o == Float32 {
		width = 4
	}
	binary.LittleEndian.PutUint64(dst[:8], uint64(lo))
	binary.LittleEndian.PutUint64(dst[8:], uint64(hi))
	return Exact(dst[:width:width], dst[8:8+width])
}
