package parquetfile

import (
	"bufio"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/encode"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/pool"
)

// Writer writes one Parquet file. Not safe for concurrent use. Without Close what was written is no Parquet file; a
// Writer that is given up needs no other call. After an error of Append or Close every further call returns that error.
type Writer struct {
	out     io.Writer
	buf     *bufio.Writer // before out, while a row group or the footer is written
	plan    *Plan
	lim     limits
	columns []encode.Column
	held    encode.Held // the pages of the current row group

	rows       int64 // in all
	groupRows  int   // in the current row group
	groupBytes int64 // of its values
	size       int64 // written to out

	groups      []meta.Group
	kept        pool.Arena // of their bounds
	encodings   []format.Encoding
	counts      []format.PageEncodingStats
	columnIndex []byte // of all groups and columns, end to end
	offsetIndex []byte
	err         error
}

// NewWriter begins a file of schema s on w, alone in its Plan. See NewPlan for the errors.
func NewWriter(w io.Writer, s *arrow.Schema, o Options) (*Writer, error) {
	p, err := NewPlan(s, o)
	if err != nil {
		return nil, err
	}
	return p.NewWriter(w), nil
}

// Rows is how many rows were appended.
func (w *Writer) Rows() int64 { return w.rows }

// Size is how many bytes were written to the underlying writer so far. Row groups are written when they end, so it lags
// behind Rows; Size plus Buffered is about the file's size, a little above.
func (w *Writer) Size() int64 { return w.size }

// Buffered is about how many bytes of memory the Writer holds: encoded pages of the current row group, dictionaries,
// and the values of pages that are not full.
func (w *Writer) Buffered() int64 {
	n := w.held.Memory()
	for i := range w.columns {
		n += w.columns[i].Memory()
	}
	return int64(n)
}

// Append adds the given rows of rec in that order; nil rows means all. It is AppendBatch for a record that no other Writer
// takes rows of: the columns of rec are those of the Writer's schema, by position, and of its types; a column of strings may
// be a Dictionary<uint32, string>. rec is not retained. A value that does not fit its column, and a null in a required one, is
// ErrType.
func (w *Writer) Append(rec arrow.Record, rows []uint32) error {
	if w.err != nil {
		return w.err
	}
	b, err := w.plan.batch(rec)
	if err != nil {
		w.err = fmt.Errorf("append to parquet file: %w", err)
		return w.err
	}
	return w.AppendBatch(b, rows)
}

// AppendBatch adds the given rows of b, a Batch of the Writer's Plan, in that order; nil rows means all. A value that does not
// fit its column, and a null in a required one, is ErrType.
func (w *Writer) AppendBatch(b *Batch, rows []uint32) error {
	if w.err != nil {
		return w.err
	}
	s := getScratch()
	defer s.put()
	if w.err = w.append(s, b, rows); w.err != nil {
		w.err = fmt.Errorf("append to parquet file: %w", w.err)
	}
	return w.err
}

func (w *Writer) append(s *scratch, b *Batch, rows []uint32) error {
	if b.plan != w.plan {
		return fault.Typef("a batch of another plan")
	}
	if rows == nil {
		rows = s.UpTo(int(b.rows))
	} else {
		for _, r := range rows {
			if r >= b.rows {
				return fault.Typef("row %d of a record of %d rows", r, b.rows)
			}
		}
	}
	for len(rows) > 0 {
		k := min(len(rows), w.lim.GroupRows-w.groupRows)
		bytes := b.sizer.RowBytes(rows[:k])
		full := false
		if w.groupBytes+bytes > w.lim.groupBytes {
			k, bytes, full = w.cut(b, rows[:k])
		}
		for i := range w.columns {
			if err := w.columns[i].Append(&s.Scratch, &b.sources[i], rows[:k]); err != nil {
				return err
			}
		}
		rows = rows[k:]
		w.rows += int64(k)
		w.groupRows += k
		w.groupBytes += bytes
		if full || w.groupRows == w.lim.GroupRows {
			if err := w.endGroup(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut finds how many of the rows the current row group still takes: up to the row with which its values pass
// groupBytes, but one at least. full tells that it ends there.
func (w *Writer) cut(b *Batch, rows []uint32) (k int, bytes int64, full bool) {
	for k < len(rows) {
		n := b.sizer.RowBytes(rows[k : k+1])
		if w.groupBytes+bytes+n > w.lim.groupBytes && w.groupRows+k > 0 {
			return k, bytes, true
		}
		bytes += n
		k++
	}
	return k, bytes, false
}

// Close writes what is left and the footer. It does not close the underlying writer. A second Close returns ErrClosed.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	s := getScratch()
	defer s.put()
	if w.err = w.finish(s); w.err != nil {
		w.err = fmt.Errorf("close parquet file: %w", w.err)
		return w.err
	}
	w.err = ErrClosed
	for i := range w.columns {
		w.columns[i].Release()
	}
	w.kept.Free()
	w.columns, w.groups, w.encodings, w.counts, w.columnIndex, w.offsetIndex = nil, nil, nil, nil, nil, nil
	return nil
}

// scratch is what only the writing of one batch, row group or footer needs. There are as many as goroutines that write, and
// not as many as open files.
type scratch struct {
	encode.Scratch
	out       *bufio.Writer
	filters   []chunkFilter
	locations []format.PageLocation
	bytes     []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

// maxScratch bounds what a scratch may keep; a larger one is left to the collector.
const maxScratch = 16 << 20

func (s *scratch) put() {
	if s.out != nil {
		s.out.Reset(nil) // after an error it still holds the file's writer
	}
	if s.Memory()+cap(s.bytes) <= maxScratch {
		scratches.Put(s)
	}
}

// begin makes ready to put bytes, through the scratch's buffer, until flush.
func (w *Writer) begin(s *scratch) error {
	if s.out == nil {
		s.out = bufio.NewWriterSize(nil, 16<<10) // for small pieces; a large one goes past it
	}
	w.buf = s.out
	w.buf.Reset(w.out)
	if w.size == 0 {
		return w.put([]byte(magic))
	}
	return nil
}

func (w *Writer) put(b []byte) error {
	n, err := w.buf.Write(b)
	w.size += int64(n)
	return err
}

func (w *Writer) flush() error {
	err := w.buf.Flush()
	w.buf = nil
	return err
}
