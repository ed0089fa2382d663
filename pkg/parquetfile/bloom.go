package parquetfile

import (
	"fmt"

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
