package parquetfile

import (
	"errors"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
)

// Writer writes one Parquet file. Not safe for concurrent use.
type Writer struct{ rows int64 }

var errUnfinished = errors.New("not yet written")

// NewWriter begins a file of schema s on w.
func NewWriter(w io.Writer, s *arrow.Schema, o Options) (*Writer, error) { return nil, errUnfinished }

// Append adds the given rows of rec in that order; nil rows means all.
func (w *Writer) Append(rec arrow.Record, rows []uint32) error { return errUnfinished }

// Close writes what is left and the footer. It does not close the underlying writer.
func (w *Writer) Close() error { return errUnfinished }

// Rows is how many rows were appended.
func (w *Writer) Rows() int64 { return w.rows }

// Size is how many bytes were written to the underlying writer so far.
func (w *Writer) Size() int64 { return 0 }
