package parquetfile

import (
	"io"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
	"datalake/pkg/parquetfile/internal/stats"
)

// File is a Parquet file that is open for reading. Safe for concurrent use, if its reader is.
type File struct {
	r      io.ReaderAt
	size   int64
	data   int64 // bytes before the footer
	meta   *meta.File
	arrow  *arrow.Schema
	schema *shape.Schema

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
func (f *File) top(column string) *shape.Leaf {
	i := slices.IndexFunc(f.schema.Fields, func(n *shape.Node) bool { return n.Name == column })
	if i < 0 {
		return nil
	}
	return f.schema.Fields[i].Leaf
}

func (f *File) textColumn(column string) (*shape.Leaf, error) {
	l := f.top(column)
	if l == nil || l.Phys != format.ByteArray {
		return nil, fault.Typef("the file has no column %s of strings", column)
	}
	return l, nil
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
	return b.Min, b.Max, ok
}

// IntBounds are the least and the greatest value of a top-level int, bigint, date (days since 1970) or timestamp
// (milliseconds since 1970) column. ok is false where the column has no value, or none is known.
func (f *File) IntBounds(column string) (lo, hi int64, ok bool) {
	l := f.top(column)
	if l == nil || l.Order != stats.Int32 && l.Order != stats.Int64 || l.Chain[0].Type.ID() == arrow.DECIMAL128 {
		return 0, 0, false
	}
	b, ok := f.bounds(l)
	if !ok {
		return 0, 0, false
	}
	return l.Order.Int(b.Min), l.Order.Int(b.Max), true
}

func (f *File) bounds(l *shape.Leaf) (stats.Bounds, bool) {
	var b stats.Bounds
	for g := range f.meta.Groups {
		m := &f.meta.Groups[g].Columns[l.Index].Meta
		if m.AllNull() || m.NumValues == 0 {
			continue
		}
		x := stats.Bounds{Min: m.Statistics.MinValue, Max: m.Statistics.MaxValue}
		if !x.OK() || l.Phys != format.ByteArray && (len(x.Min) != l.Width || len(x.Max) != l.Width) {
			return stats.Bounds{}, false
		}
		b.Add(l.Order, x)
	}
	return b, b.OK()
}
