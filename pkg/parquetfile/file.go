package parquetfile

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/meta"
)

// File is a Parquet file that is open for reading. Safe for concurrent use, if its reader is.
type File struct {
	r      io.ReaderAt
	size   int64
	data   int64 // bytes before the footer
	meta   *meta.File
	arrow  *arrow.Schema
	schema *fileSchema

	filters [][]filterState // by row group and column
}

// filterState is a bloom filter that is read when it is first asked for, and kept.
type filterState struct {
	mu     sync.Mutex
	read   bool
	filter bloom.SplitBlockFilter // nil: there is none
}

// Rows is how many rows the file has.
func (f *File) Rows() int64 { return f.meta.NumRows }

// Size is how many bytes the file has.
func (f *File) Size() int64 { return f.size }

// Schema is the file's schema in Arrow's terms, without dictionary types. The error is nil; Open has refused what it does
// not know.
func (f *File) Schema() (*arrow.Schema, error) { return f.arrow, nil }

// RowGroups is how many row groups the file has.
func (f *File) RowGroups() int { return len(f.meta.Groups) }

// Metadata is the footer's key-value list. The caller owns the map.
func (f *File) Metadata() map[string]string {
	m := make(map[string]string, len(f.meta.KeyValues))
	for _, kv := range f.meta.KeyValues {
		m[kv.Key] = kv.Value
	}
	return m
}

// top finds a top-level column that is no group.
func (f *File) top(column string) *leaf {
	i := slices.IndexFunc(f.schema.fields, func(n *node) bool { return n.name == column })
	if i < 0 {
		return nil
	}
	return f.schema.fields[i].leaf
}

func (f *File) textColumn(column string) (*leaf, error) {
	l := f.top(column)
	if l == nil || l.phys != format.ByteArray {
		return nil, typef("the file has no column %s of strings", column)
	}
	return l, nil
}

// MayContain tells whether a row may hold value in a top-level string or binary column, by the bounds and the bloom
// filters. False is certain. A filter is read once and kept. Another column is ErrType.
func (f *File) MayContain(column, value string) (bool, error) {
	l, err := f.textColumn(column)
	if err != nil {
		return true, err
	}
	h := Hash([]byte(value))
	for g := range f.meta.Groups {
		m := &f.meta.Groups[g].Columns[l.index].Meta
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
		if f.meta.Groups[g].Columns[l.index].Meta.AllNull() {
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

func (f *File) groupMayContain(g int, l *leaf, h uint64) (bool, error) {
	filter, err := f.filter(g, l)
	return err != nil || filter == nil || filter.Check(h), err
}

// maxFilter is the largest bloom filter that is read.
const maxFilter = 128 << 20

// filter is a row group's bloom filter on a column, nil if there is none that is understood.
func (f *File) filter(g int, l *leaf) (_ bloom.SplitBlockFilter, err error) {
	s := &f.filters[g][l.index]
	s.mu.Lock()
	defer s.mu.Unlock()
	defer noPanic(&err)
	if !s.read {
		if s.filter, err = f.readFilter(g, l); err != nil {
			return nil, fmt.Errorf("bloom filter of column %s: %w", dotted(l.path), err)
		}
		s.read = true
	}
	return s.filter, nil
}

func (f *File) readFilter(g int, l *leaf) (bloom.SplitBlockFilter, error) {
	m := &f.meta.Groups[g].Columns[l.index].Meta
	if !m.BloomFilterOffset.Valid || m.BloomFilterOffset.V <= 0 {
		return nil, nil
	}
	off := m.BloomFilterOffset.V
	n := min(int64(64), f.data-off) // without a length, the header first
	if m.BloomFilterLength.Valid {
		n = int64(m.BloomFilterLength.V)
	}
	if off < 4 || n < 1 || n > f.data-off || n > maxFilter {
		return nil, corruptf("%d bytes at %d are outside the file's data", n, off)
	}
	b, err := readAt(f.r, off, n)
	if err != nil {
		return nil, err
	}
	var h format.BloomFilterHeader
	k, err := meta.Unmarshal(b, &h)
	if err != nil {
		return nil, corruptf("header: %w", err)
	}
	_, split := h.Algorithm.Value.(*format.SplitBlockAlgorithm)
	_, xx := h.Hash.Value.(*format.XxHash)
	_, raw := h.Compression.Value.(*format.BloomFilterUncompressed)
	if !split || !xx || !raw {
		return nil, nil
	}
	size := int64(h.NumBytes)
	if size < bloom.BlockSize || size%bloom.BlockSize != 0 || size > maxFilter || off+int64(k)+size > f.data {
		return nil, corruptf("a filter of %d bytes", size)
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

// Bounds are the least and the greatest value of a top-level string or binary column. Long ones are cut, so that lo may
// be less than the least value and hi more than the greatest. ok is false where the column has no value, or none is
// known.
func (f *File) Bounds(column string) (lo, hi []byte, ok bool) {
	l, err := f.textColumn(column)
	if err != nil {
		return nil, nil, false
	}
	b, ok := f.bounds(l)
	return b.min, b.max, ok
}

// IntBounds are the least and the greatest value of a top-level int, bigint, date (days since 1970) or timestamp
// (milliseconds since 1970) column. ok is false where the column has no value, or none is known.
func (f *File) IntBounds(column string) (lo, hi int64, ok bool) {
	l := f.top(column)
	if l == nil || l.order != orderInt32 && l.order != orderInt64 || l.chain[0].typ.ID() == arrow.DECIMAL128 {
		return 0, 0, false
	}
	b, ok := f.bounds(l)
	if !ok {
		return 0, 0, false
	}
	return l.order.number(b.min), l.order.number(b.max), true
}

func (f *File) bounds(l *leaf) (bounds, bool) {
	var b bounds
	for g := range f.meta.Groups {
		m := &f.meta.Groups[g].Columns[l.index].Meta
		if m.AllNull() || m.NumValues == 0 {
			continue
		}
		x := bounds{min: m.Statistics.MinValue, max: m.Statistics.MaxValue}
		if !x.ok() || l.phys != format.ByteArray && (len(x.min) != l.width || len(x.max) != l.width) {
			return bounds{}, false
		}
		b.add(l.order, x)
	}
	return b, b.ok()
}

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

// The errors that callers tell apart; all are wrapped with the place.
var (
	// ErrCorrupt: the bytes are not a whole Parquet file, or contradict themselves.
	ErrCorrupt = errors.New("corrupt parquet file")
	// ErrUnsupported: a Parquet file, or a type, that this package does not know.
	ErrUnsupported = errors.New("unsupported")
	// ErrType: a column is not of the type that was asked for, or a value does not fit its column.
	ErrType = errors.New("type mismatch")
	// ErrClosed: the Writer is closed.
	ErrClosed = errors.New("writer is closed")
)

func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

func unsupportedf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnsupported, fmt.Errorf(format, args...))
}

func typef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrType, fmt.Errorf(format, args...))
}
