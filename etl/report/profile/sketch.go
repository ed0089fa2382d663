package profile

import (
	"math"
	"math/bits"
)

// sketchBits is the logarithm of the number of registers of a sketch: 16,384 give a standard error of 1.04/128, 0.8 %.
const sketchBits = 14

// sketch estimates how many distinct hashes it has seen: HyperLogLog (Flajolet and others, 2007) with 64-bit hashes, which need no
// correction for large numbers.
type sketch [1 << sketchBits]uint8

func (s *sketch) add(hash uint64) {
	i := hash >> (64 - sketchBits)
	rank := uint8(bits.LeadingZeros64(hash<<sketchBits|1<<(sketchBits-1))) + 1
	s[i] = max(s[i], rank)
}

func (s *sketch) estimate() int64 {
	sum, empty := 0.0, 0
	for _, r := range s {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			empty++
		}
	}
	const m = 1 << sketchBits
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && empty > 0 {
		estimate = m * math.Log(m/float64(empty)) // few: count the registers that are empty
	}
	return int64(math.Round(estimate))
}
