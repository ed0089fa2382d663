package parquetfile

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/encode"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/pool"
	"datalake/pkg/parquetfile/internal/shape"
)

// Writer writes one Parquet file. Not safe for concurrent use. Without Close what was written is no Parquet file; a
// Writer that is given up needs no other call. After an error of Append or Close every further call returns that error.
type Writer struct {
	out     io.Writer
	buf     *bufio.Writer // before out, while a row group or the footer is written
	schema  *shape.Schema
	opts    Options
	lim     limits
	columns []*encode.Column
	tops    [][]*encode.Column // the columns of each top-level field
	held    pool.Arena         // the pages of the current row group

	rows       int64 // in all
	groupRows  int   // in the current row group
	groupBytes int64 // of its values
	size       int64 // written to out
	checked    *arrow.Schema

	groups  []meta.Group
	indexes [][]pageIndex // per row group, per column
	err     error
}

// NewWriter begins a file of schema s on w: one column for each field, nullable unless the field says otherwise.
// Dictionary types count as their value type. The types are those of pkg/schema; others are ErrUnsupported.
// Options.Bloom must name columns that exist and are strings or binaries.
func NewWriter(w io.Writer, s *arrow.Schema, o Options) (*Writer, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("parquet options: %w", err)
	}
	x, err := newWriter(w, s, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("create parquet file: %w", err)
	}
	return x, nil
}

func newWriter(w io.Writer, s *arrow.Schema, o Options) (*Writer, error) {
	fs, err := shape.New(s)
	if err != nil {
		return nil, err
	}
	x := &Writer{out: w, schema: fs, opts: o, lim: defaultLimits(o), tops: make([][]*encode.Column, len(fs.Fields))}
	for _, l := range fs.Leaves {
		withBloom := x.filtered(l)
		if withBloom && (l.Phys != format.ByteArray || l.MaxRep > 0) {
			return nil, fault.Unsupportedf("a bloom filter on %s of type %s", l.Path[0], l.Chain[0].Type)
		}
		c := encode.NewColumn(l, &x.lim.Limits, &x.held, encode.Options{Compact: o.Encoding == Compact, Snappy: o.Compression == Snappy, Bloom: withBloom})
		x.columns = append(x.columns, c)
		top := slices.Index(fs.Fields, l.Chain[0])
		x.tops[top] = append(x.tops[top], c)
	}
	for _, name := range o.Bloom {
		if !slices.ContainsFunc(fs.Leaves, func(l *shape.Leaf) bool { return len(l.Path) == 1 && l.Path[0] == name }) {
			return nil, fault.Unsupportedf("a bloom filter on %s: no such column of strings", name)
		}
	}
	return x, nil
}

// filtered tells whether a column has a bloom filter.
func (w *Writer) filtered(l *shape.Leaf) bool {
	return len(l.Path) == 1 && slices.Contains(w.opts.Bloom, l.Path[0])
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
	for _, c := range w.columns {
		n += c.Memory()
	}
	return int64(n)
}

// Append adds the given rows of rec in that order; nil rows means all. The columns of rec are those of the Writer's
// schema, by position, and of its types; a column of strings may be a Dictionary<uint32, string>. rec is not retained.
// A value that does not fit its column, and a null in a required one, is ErrType.
func (w *Writer) Append(rec arrow.Record, rows []uint32) error {
	if w.err != nil {
		return w.err
	}
	s := getScratch()
	defer s.put()
	if w.err = w.append(s, rec, rows); w.err != nil {
		w.err = fmt.Errorf("append to parquet file: %w", w.err)
	}
	return w.err
}

func (w *Writer) append(s *scratch, rec arrow.Record, rows []uint32) error {
	if rec.Schema() != w.checked {
		if err := w.check(rec); err != nil {
			return err
		}
		w.checked = rec.Schema()
	}
	total := uint32(rec.NumRows())
	if rows == nil {
		rows = slices.Grow(s.rows[:0], int(total))[:total]
		s.rows = rows
		for i := range rows {
			rows[i] = uint32(i)
		}
	} else {
		for _, r := range rows {
			if r >= total {
				return fault.Typef("row %d of a record of %d rows", r, total)
			}
		}
	}
	arrays := rec.Columns()
	for len(rows) > 0 {
		k := min(len(rows), w.lim.groupRows-w.groupRows)
		bytes := int64(0)
		for _, a := range arrays {
			bytes += encode.RowBytes(a, rows[:k])
		}
		full := false
		if w.groupBytes+bytes > w.lim.groupBytes {
			k, bytes, full = w.cut(arrays, rows[:k])
		}
		for i, cols := range w.tops {
			for _, c := range cols {
				if err := c.Append(&s.Scratch, arrays[i], rows[:k]); err != nil {
					return err
				}
			}
		}
		rows = rows[k:]
		w.rows += int64(k)
		w.groupRows += k
		w.groupBytes += bytes
		if full || w.groupRows == w.lim.groupRows {
			if err := w.endGroup(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut finds how many of the rows the current row group still takes: up to the row with which its values pass
// groupBytes, but one at least. full tells that it ends there.
func (w *Writer) cut(arrays []arrow.Array, rows []uint32) (k int, bytes int64, full bool) {
	for k < len(rows) {
		n := int64(0)
		for _, a := range arrays {
			n += encode.RowBytes(a, rows[k:k+1])
		}
		if w.groupBytes+bytes+n > w.lim.groupBytes && w.groupRows+k > 0 {
			return k, bytes, true
		}
		bytes += n
		k++
	}
	return k, bytes, false
}

// check compares a record's columns with the Writer's.
func (w *Writer) check(rec arrow.Record) error {
	s := rec.Schema()
	if s.NumFields() != len(w.schema.Fields) {
		return fault.Typef("a record of %d columns for a file of %d", s.NumFields(), len(w.schema.Fields))
	}
	for i, n := range w.schema.Fields {
		if t := s.Field(i).Type; s.Field(i).Name != n.Name || !sameType(n, t) {
			return fault.Typef("column %d of the record is %s %s, the file's is %s %s", i, s.Field(i).Name, t, n.Name, n.Type)
		}
	}
	return nil
}

func sameType(n *shape.Node, t arrow.DataType) bool {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return n.Kind == shape.LeafNode && n.Leaf.Phys == format.ByteArray && d.IndexType.ID() == arrow.UINT32 && d.ValueType.ID() == n.Type.ID()
	}
	if n.Type.ID() != t.ID() {
		return false
	}
	switch t := t.(type) {
	case *arrow.StructType:
		if t.NumFields() != len(n.Kids) {
			return false
		}
		for i, f := range t.Fields() {
			if f.Name != n.Kids[i].Name || !sameType(n.Kids[i], f.Type) {
				return false
			}
		}
		return true
	case *arrow.MapType:
		return sameType(n.Kids[0], t.KeyType()) && sameType(n.Kids[1], t.ItemType())
	case *arrow.ListType:
		return sameType(n.Kids[0], t.Elem())
	}
	return arrow.TypeEqual(n.Type, t)
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
	for _, c := range w.columns {
		c.Release()
	}
	w.columns, w.tops, w.indexes, w.groups = nil, nil, nil, nil
	return nil
}

// scratch is what only the writing of one batch, row group or footer needs. There are as many as goroutines that write, and
// not as many as open files.
type scratch struct {
	encode.Scratch
	marshal meta.Marshaler
	out     *bufio.Writer
	rows    []uint32
	filter  bloom.SplitBlockFilter
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

// maxScratch bounds what a scratch may keep; a larger one is left to the collector.
const maxScratch = 16 << 20

func (s *scratch) put() {
	if s.out != nil {
		s.out.Reset(nil) // after an error it still holds the file's writer
	}
	if s.Memory()+s.marshal.Cap()+4*cap(s.rows)+bloom.BlockSize*cap(s.filter) <= maxScratch {
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
