package parquetfile

import (
	"context"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// File is a Parquet file that is open for reading. Safe for concurrent use.
type File struct{}

// Open reads the footer of a file of size bytes.
func Open(r io.ReaderAt, size int64) (*File, error) { return nil, errUnfinished }

// Rows is how many rows the file has.
func (f *File) Rows() int64 { return 0 }

// Schema is the file's schema in Arrow's terms.
func (f *File) Schema() (*arrow.Schema, error) { return nil, errUnfinished }

// Records reads the columns of want.
func (f *File) Records(ctx context.Context, want *arrow.Schema, mem memory.Allocator) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) { yield(nil, errUnfinished) }
}

// MayContain tells whether a row may hold value in a top-level string or binary column.
func (f *File) MayContain(column, value string) (bool, error) { return true, errUnfinished }

// Bounds are the least and the greatest value of a top-level string or binary column.
func (f *File) Bounds(column string) (lo, hi []byte, ok bool) { return nil, nil, false }

// IntBounds are the least and the greatest value of a top-level int, bigint, date or timestamp column.
func (f *File) IntBounds(column string) (lo, hi int64, ok bool) { return 0, 0, false }

// Verify reads all of a file.
func Verify(r io.ReaderAt, size int64) (rows int64, err error) { return 0, errUnfinished }
