package stats

import (
	"bytes"
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

// Exact are the bounds lo and hi themselves. They are copied.
func Exact(lo, hi []byte) Bounds {
	return Bounds{Min: bytes.Clone(lo), Max: bytes.Clone(hi), MinExact: true, MaxExact: true}
}

// Numbers are the bounds of the values that each yields, which are ints, or floats by their bits. NaN is left out;
// the zeros are -0 as least and +0 as greatest, for a reader may take either for the other.
func (o Order) Numbers(n int, value func(i int) int64) Bounds {
	if n == 0 {
		return Bounds{}
	}
	switch o {
	case Float32, Float64:
		lo, hi := math.Inf(1), math.Inf(-1)
		found := false
		for i := range n {
			var f float64
			if o == Float64 {
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
			return Bounds{}
		}
		if lo == 0 {
			lo = math.Copysign(0, -1)
		}
		if hi == 0 {
			hi = 0
		}
		if o == Float64 {
			return Exact(binary.LittleEndian.AppendUint64(nil, math.Float64bits(lo)), binary.LittleEndian.AppendUint64(nil, math.Float64bits(hi)))
		}
		return Exact(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(lo))), binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(hi))))
	}
	lo, hi := value(0), value(0)
	for i := range n {
		v := value(i)
		lo, hi = min(lo, v), max(hi, v)
	}
	if o == Int32 {
		return Exact(binary.LittleEndian.AppendUint32(nil, uint32(lo)), binary.LittleEndian.AppendUint32(nil, uint32(hi)))
	}
	return Exact(binary.LittleEndian.AppendUint64(nil, uint64(lo)), binary.LittleEndian.AppendUint64(nil, uint64(hi)))
}
