package parquetfile

import (
	"fmt"
	"math/bits"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
)

// MayContain tells whether a row may hold value in a top-level string or binary column, by the bounds and the bloom
// filters. False is certain. A filter is read once and kept. Another column is ErrType.
func (f *File) MayContain(column, value string) (bool, error) {
	l, err := f.textColumn(column)
	if err != nil {
		return true, err
	}
	h := Hash([]byte(value))
	for g := range f.meta.Groups {
		m := &f.meta.Groups[g].Columns[l.Index].Meta
		if m.AllNull() {
			continue
		}
		if s := &m.Statistics; s.MinValue != nil && value < string(s.MinValue) || s.MaxValue != nil && value > string(s.MaxValue) {
			continue
		}
		if may, err := f.groupMayContain(g, l, h); may || err != nil {
			return true, err
		}
	}
	return false, nil
}

// MayContainHash is MayContain for the Hash of a value, by the bloom filters alone.
func (f *File) MayContainHash(column string, xxh64 uint64) (bool, error) {
	l, err := f.textColumn(column)
	if err != nil {
		return true, err
	}
	for g := range f.meta.Groups {
		if f.meta.Groups[g].Columns[l.Index].Meta.AllNull() {
			continue
		}
		if may, err := f.groupMayContain(g, l, xxh64); may || err != nil {
			return true, err
		}
	}
	return false, nil
}

// Hash is the hash of a value that bloom filters hold: XXH64 with seed 0 of its bytes.
func Hash(value []byte) uint64 { return xxhash.Sum64(value) }

func (f *File) groupMayContain(g int, l *shape.Leaf, h uint64) (bool, error) {
	filter, err := f.filter(g, l)
	return err != nil || filter == nil || filter.Check(h), err
}

// maxFilter is the largest bloom filter that is read.
const maxFilter = 128 << 20

// filter is a row group's bloom filter on a column, nil if there is none that is understood.
func (f *File) filter(g int, l *shape.Leaf) (_ bloom.SplitBlockFilter, err error) {
	s := &f.filters[g][l.Index]
	s.mu.Lock()
	defer s.mu.Unlock()
	defer fault.NoPanic(&err)
	if !s.read {
		if s.filter, err = f.readFilter(g, l); err != nil {
			return nil, fmt.Errorf("bloom filter of column %s: %w", l, err)
		}
		s.read = true
	}
	return s.filter, nil
}

func (f *File) readFilter(g int, l *shape.Leaf) (bloom.SplitBlockFilter, error) {
	m := &f.meta.Groups[g].Columns[l.Index].Meta
	if !m.BloomFilterOffset.Valid || m.BloomFilterOffset.V <= 0 {
		return nil, nil
	}
	off := m.BloomFilterOffset.V
	n := min(int64(64), f.data-off) // without a length, the header first
	if m.BloomFilterLength.Valid {
		n = int64(m.BloomFilterLength.V)
	}
	if off < 4 || n < 1 || n > f.data-off || n > maxFilter {
		return nil, fault.Corruptf("%d bytes at %d are outside the file's data", n, off)
	}
	b, err := readAt(f.r, off, n)
	if err != nil {
		return nil, err
	}
	var h format.BloomFilterHeader
	k, err := meta.Unmarshal(b, &h)
	if err != nil {
		return nil, fault.Corruptf("header: %w", err)
	}
	_, split := h.Algorithm.Value.(*format.SplitBlockAlgorithm)
	_, xx := h.Hash.Value.(*format.XxHash)
	_, raw := h.Compression.Value.(*format.BloomFilterUncompressed)
	if !split || !xx || !raw {
		return nil, nil
	}
	size := int64(h.NumBytes)
	if size < bloom.BlockSize || size%bloom.BlockSize != 0 || size > maxFilter || off+int64(k)+size > f.data {
		return nil, fault.Corruptf("a filter of %d bytes", size)
	}
	if int64(len(b)-k) < size {
		if b, err = readAt(f.r, off+int64(k), size); err != nil {
			return nil, err
		}
		k = 0
	}
	filter := make(bloom.SplitBlockFilter, size/bloom.BlockSize)
	copy(filter.Bytes(), b[k:])
	return filter, nil
}

// A bloom filter's size is a power of two, which some readers insist on, with 8 to 16 bits for each distinct value. How
// many are distinct is not known where a column is not coded; so the filter is made for all values, and folded in half
// while it is so empty that it must hold few. Folding is exact: the block of a hash is the high part of a product, so
// two neighbours of a filter are one block of the filter half as large.

const (
	blockBits   = 8 * bloom.BlockSize
	bitsPerHash = 8
)

// buildFilter is the filter of a chunk's values, some of which may stand twice. It lies in dst's memory if that is enough.
func buildFilter(dst bloom.SplitBlockFilter, hashes []uint64) bloom.SplitBlockFilter {
	blocks := 1
	for blocks*blockBits < len(hashes)*bitsPerHash {
		blocks *= 2
	}
	if cap(dst) < blocks {
		dst = make(bloom.SplitBlockFilter, blocks)
	}
	f := dst[:blocks]
	clear(f)
	f.InsertBulk(hashes)
	return fold(f)
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
		half := f[:len(f)/2] // in place: what is written was read
		for i := range half {
			for k := range half[i] {
				half[i][k] = f[2*i][k] | f[2*i+1][k]
			}
		}
		f = half
	}
	return f
}
