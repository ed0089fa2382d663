package profile

import "math"

// maxBins is how many bins a histogram has at most; it has more than half as many where its values allow it.
const maxBins = 32

// histogram counts numbers in bins of equal width, a power of two, whose edges are multiples of it. When a value lies too far
// away the width doubles and neighbours merge, which is exact. So the result is that of the least width that covers all values
// in maxBins bins, in whatever order they came.
type histogram struct {
	whole  bool // values are whole numbers: no bin is narrower than 1
	width  int  // the logarithm
	lo, hi float64
	first  float64 // the number of the first bin: its lower edge by the width
	bins   [maxBins]int64
	some   bool
}

// add counts a finite number n times.
func (h *histogram) add(v float64, n int64) {
	least := 0
	if !h.whole {
		_, e := math.Frexp(v)
		least = e - 53 // a bin's number has at most the 53 bits of a double
		if v == 0 {
			least = -1100
		}
	} else if _, e := math.Frexp(v); e > 53 {
		least = e - 53
	}
	if !h.some {
		h.some, h.lo, h.hi, h.width = true, v, v, least
		h.first = h.number(v)
	}
	h.lo, h.hi = min(h.lo, v), max(h.hi, v)
	for h.width < least || h.number(h.hi)-h.number(h.lo) >= maxBins {
		h.double()
	}
	if first := h.number(h.lo); first < h.first { // room below: what is there moves up
		shift := int(h.first - first)
		for i := maxBins - 1; i >= 0; i-- {
			if i >= shift {
				h.bins[i] = h.bins[i-shift]
			} else {
				h.bins[i] = 0
			}
		}
		h.first = first
	}
	h.bins[int(h.number(v)-h.first)] += n
}

// number is that of the bin of v.
func (h *histogram) number(v float64) float64 { return math.Floor(math.Ldexp(v, -h.width)) }

// double makes the bins twice as wide.
func (h *histogram) double() {
	odd := int(math.Mod(math.Abs(h.first), 2))
	var merged [maxBins]int64
	for i, n := range h.bins {
		if to := (i + odd) / 2; n != 0 {
			merged[to] += n
		}
	}
	h.first = math.Floor(h.first / 2)
	h.bins = merged
	h.width++
}

// Bin is one bar of a histogram: the values from Lo on, up to and without Hi.
type Bin struct {
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
	Count int64   `json:"count"`
}

// result are the bins from that of the least value to that of the greatest; none where there was no value, or but one.
func (h *histogram) result() []Bin {
	if !h.some || h.lo == h.hi {
		return nil
	}
	var out []Bin
	width := math.Ldexp(1, h.width)
	last := int(h.number(h.hi) - h.first)
	for i := range last + 1 {
		lo := (h.first + float64(i)) * width
		out = append(out, Bin{lo, lo + width, h.bins[i]})
	}
	return out
}
