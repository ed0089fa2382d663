package encode

import (
	"math/bits"

	"github.com/parquet-go/parquet-go/bloom"

	"datalake/pkg/parquetfile/internal/pool"
)

// A bloom filter's size is a power of two, which some readers insist on, with 8 to 16 bits for each distinct value. How
// many are distinct is not known where a column is not coded; so the filter is made for all values, and folded in half
// while it is so empty that it must hold few. Folding is exact: the block of a hash is the high part of a product, so
// two neighbours of a filter are one block of the filter half as large.
//
// For the same reason values need not wait for their number to be known. Their hashes do, eight bytes each, while they take
// less than a filter for all rows that the row group may have; then that filter is made, which takes a byte for each of these
// rows, and folded at the end to the size that would have been.
const (
	blockBits   = 8 * bloom.BlockSize
	bitsPerHash = 8
)

// filter is the bloom filter of a chunk's values, some of which may stand twice. The zero value is empty.
type filter struct {
	hashes []uint64 // not in whole
	whole  bloom.SplitBlockFilter
	bytes  []byte // whole's memory
	n      int    // values in all
}

// blocksFor is how many blocks a filter of n values has.
func blocksFor(n int) int {
	blocks := 1
	for blocks*blockBits < n*bitsPerHash {
		blocks *= 2
	}
	return blocks
}

// room makes room for n more hashes of a row group of up to rows values.
func (f *filter) room(n, rows int) {
	f.n += n
	if whole := blocksFor(min(rows, 1<<32)); len(f.hashes) > 0 && f.n > whole*(bloom.BlockSize/8) {
		if f.whole == nil {
			f.make(whole)
		}
		f.insert()
	}
	f.hashes = pool.Uint64s.Grow(f.hashes, n)
}

func (f *filter) make(blocks int) {
	f.bytes = pool.Bytes.Get(blocks * bloom.BlockSize)[:blocks*bloom.BlockSize]
	clear(f.bytes)
	f.whole = bloom.MakeSplitBlockFilter(f.bytes)
}

func (f *filter) insert() {
	f.whole.InsertBulk(f.hashes)
	f.hashes = f.hashes[:0]
}

// finish gives the filter of all values, valid until reset.
func (f *filter) finish() []byte {
	if f.whole == nil {
		f.make(blocksFor(f.n))
	}
	f.insert()
	all := f.whole
	for len(all) > blocksFor(f.n) {
		all = half(all)
	}
	return fold(all).Bytes()
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
		f = half(f)
	}
	return f
}

// half is the filter half as large, in f's place.
func half(f bloom.SplitBlockFilter) bloom.SplitBlockFilter {
	to := f[:len(f)/2] // what is written was read
	for i := range to {
		for k := range to[i] {
			to[i][k] = f[2*i][k] | f[2*i+1][k]
		}
	}
	return to
}

// reset empties the filter.
func (f *filter) reset() {
	pool.Bytes.Put(f.bytes)
	*f = filter{hashes: f.hashes[:0]}
}

func (f *filter) release() {
	f.reset()
	pool.Uint64s.Put(f.hashes)
	f.hashes = nil
}

func (f *filter) memory() int { return 8*cap(f.hashes) + cap(f.bytes) }
