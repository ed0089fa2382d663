package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
)

// tailBytes is read at once from the end of a file; most footers are smaller.
const tailBytes = 64 << 10

// maxFooter is the largest footer that is read.
const maxFooter = 256 << 20

// Open reads the footer of a file of size bytes. r must be safe for concurrent use if the File is to be; it is read
// until the File is no longer used, and not closed. Errors: those of r, ErrCorrupt, ErrUnsupported.
func Open(r io.ReaderAt, size int64) (f *File, err error) {
	return new(Opener).Open(r, size)
}

// Opener opens files that most likely have the same schema: where one has that of the file before, it is not made anew. The zero
// value is ready. Safe for concurrent use.
type Opener struct {
	last atomic.Pointer[parsed]
}

type parsed struct {
	elements []format.SchemaElement
	arrow    *arrow.Schema
	schema   *shape.Schema
}

// Open is the function of that name.
func (o *Opener) Open(r io.ReaderAt, size int64) (f *File, err error) {
	defer fault.NoPanic(&err)
	f, err = o.open(r, size)
	if err != nil {
		return nil, fmt.Errorf("open parquet file: %w", err)
	}
	return f, nil
}

func (o *Opener) open(r io.ReaderAt, size int64) (*File, error) {
	if size < 12 {
		return nil, fault.Corruptf("%d bytes are too few", size)
	}
	tail, err := readAt(r, max(0, size-tailBytes), min(size, tailBytes))
	if err != nil {
		return nil, err
	}
	if m := string(tail[len(tail)-4:]); m != magic {
		return nil, fault.Corruptf("ends with %q, not with %s", m, magic)
	}
	n := int64(binary.LittleEndian.Uint32(tail[len(tail)-8:]))
	if n > size-12 {
		return nil, fault.Corruptf("a footer of %d bytes in a file of %d", n, size)
	}
	if n > maxFooter {
		return nil, fault.Unsupportedf("a footer of %d bytes", n)
	}
	foot := tail[:len(tail)-8]
	if n <= int64(len(foot)) {
		foot = foot[int64(len(foot))-n:]
	} else if foot, err = readAt(r, size-8-n, n); err != nil {
		return nil, err
	}
	f := &File{r: r, size: size, meta: new(meta.File), data: size - 8 - n}
	if _, err := meta.Unmarshal(foot, f.meta); err != nil {
		return nil, fault.Corruptf("footer: %w", err)
	}
	p := o.last.Load()
	if p == nil || !reflect.DeepEqual(p.elements, []format.SchemaElement(f.meta.Schema)) {
		p = &parsed{elements: f.meta.Schema}
		if p.arrow, p.schema, err = shape.Parse(p.elements); err != nil {
			return nil, err
		}
		o.last.Store(p)
	}
	f.arrow, f.schema = p.arrow, p.schema
	if err := f.check(); err != nil {
		return nil, err
	}
	f.filters = make([][]filterState, len(f.meta.Groups))
	for i := range f.filters {
		f.filters[i] = make([]filterState, len(f.schema.Leaves))
	}
	return f, nil
}

// readAt reads n bytes at off.
func readAt(r io.ReaderAt, off, n int64) ([]byte, error) {
	b := make([]byte, n)
	m, err := r.ReadAt(b, off)
	if int64(m) == n {
		return b, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return nil, fault.Corruptf("the file ends at %d, before %d", off+int64(m), off+n)
	}
	return nil, err
}

// check holds the footer's numbers against each other and the file's size.
func (f *File) check() error {
	rows := int64(0)
	for g := range f.meta.Groups {
		rg := &f.meta.Groups[g]
		if rg.NumRows < 0 || len(rg.Columns) != len(f.schema.Leaves) {
			return fault.Corruptf("row group %d: %d rows, %d columns, the schema has %d", g, rg.NumRows, len(rg.Columns), len(f.schema.Leaves))
		}
		if rows += rg.NumRows; rows < 0 {
			return fault.Corruptf("row group %d: too many rows", g)
		}
		for i, l := range f.schema.Leaves {
			m := &rg.Columns[i].Meta
			start := m.Start()
			switch {
			case rg.Columns[i].FilePath != "":
				return fault.Unsupportedf("row group %d, column %s: lies in another file", g, l)
			case m.Type != l.Phys:
				return fault.Corruptf("row group %d, column %s: is %s, the schema says %s", g, l, m.Type, l.Phys)
			case m.NumValues < 0 || l.MaxRep == 0 && m.NumValues != rg.NumRows:
				return fault.Corruptf("row group %d, column %s: %d values in %d rows", g, l, m.NumValues, rg.NumRows)
			case start < 4 || m.CompressedSize < 0 || m.CompressedSize > f.data-start || m.DataPageOffset < start:
				return fault.Corruptf("row group %d, column %s: %d bytes at %d are outside the file's data", g, l, m.CompressedSize, start)
			}
		}
	}
	if rows != f.meta.NumRows {
		return fault.Corruptf("%d rows in the row groups, %d in the file", rows, f.meta.NumRows)
	}
	return nil
}
