package parquetfile

import (
	"math/bits"

	"github.com/parquet-go/parquet-go/bloom"
)

// A bloom filter's size is a power of two, which some readers insist on, with 8 to 16 bits for each distinct value. How
// many are distinct is not known where a column is not coded; so the filter is made for all values, and folded in half
// while it is so empty that it must hold few. Folding is exact: the block of a hash is the high part of a product, so
// two neighbours of a filter are one block of the filter half as large.

const (
	blockBits   = 8 * bloom.BlockSize
	bitsPerHash = 8
)

// filter is the current chunk's bloom filter, nil if it is to have none.
func (c *column) filter() []byte {
	b, ok := c.vals.(*byteStrings)
	if !ok || !b.bloom {
		return nil
	}
	hashes := b.hashes(c.bloom)
	c.bloom = hashes
	blocks := 1
	for blocks*blockBits < len(hashes)*bitsPerHash {
		blocks *= 2
	}
	f := make(bloom.SplitBlockFilter, blocks)
	f.InsertBulk(hashes)
	return fold(f).Bytes()
}

// fold halves a filter while it would keep some bitsPerHash bits a value. With d values a block, a share of 1-(31/32)^d
// of the bits is set; 398/1000 are at d = 16, half of what a block may hold.
func fold(f bloom.SplitBlockFilter) bloom.SplitBlockFilter {
	for len(f) > 1 {
		set := 0
		for i := range f {
			for _, w := range f[i] {
				set += bits.OnesCount32(uint32(w))
			}
		}
		if set*1000 > len(f)*blockBits*398 {
			break
		}
		half := make(bloom.SplitBlockFilter, len(f)/2)
		for i := range half {
			for k := range half[i] {
				half[i][k] = f[2*i][k] | f[2*i+1][k]
			}
		}
		f = half
	}
	return f
}
