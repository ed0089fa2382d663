package parquetfile

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/decode"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
)

// Verify reads all of a file: the footer, every page with its checksum, levels and values, the page index and the bloom
// filters. It holds against each other the rows and nulls that they state. It returns the number of rows. Errors: those
// of r, ErrCorrupt, ErrUnsupported.
func Verify(r io.ReaderAt, size int64) (rows int64, err error) {
	defer fault.NoPanic(&err)
	if rows, err = verify(r, size); err != nil {
		return 0, fmt.Errorf("verify parquet file: %w", err)
	}
	return rows, nil
}

func verify(r io.ReaderAt, size int64) (int64, error) {
	f, err := new(Opener).open(r, size)
	if err != nil {
		return 0, err
	}
	head, err := readAt(r, 0, int64(len(magic)))
	if err != nil {
		return 0, err
	}
	if string(head) != magic {
		return 0, fault.Corruptf("begins with %q, not with %s", head, magic)
	}
	for g := range f.meta.Groups {
		for _, l := range f.schema.Leaves {
			if err := f.verifyChunk(g, l); err != nil {
				return 0, fmt.Errorf("row group %d: %w", g, err)
			}
		}
	}
	return f.meta.NumRows, nil
}

func (f *File) verifyChunk(g int, l *shape.Leaf) error {
	cm := &f.meta.Groups[g].Columns[l.Index]
	m := &cm.Meta
	var offsets format.OffsetIndex
	var index format.ColumnIndex
	hasOffsets, err := f.readIndex(cm.OffsetIndexOffset.V, cm.OffsetIndexLength.V, &offsets)
	if err != nil {
		return fmt.Errorf("offset index of column %s: %w", l, err)
	}
	hasIndex, err := f.readIndex(cm.ColumnIndexOffset.V, cm.ColumnIndexLength.V, &index)
	if err != nil {
		return fmt.Errorf("column index of column %s: %w", l, err)
	}
	c := decode.NewChunk(f.r, l, m)
	rows, nulls, pages := int64(0), int64(0), 0
	for {
		err := c.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		p := c.Page()
		if hasOffsets {
			if pages >= len(offsets.PageLocations) {
				return fault.Corruptf("column %s: more pages than its offset index has", l)
			}
			at := offsets.PageLocations[pages]
			if at.Offset != p.Offset || int64(at.CompressedPageSize) != p.Size || at.FirstRowIndex != rows {
				return fault.Corruptf("column %s: page %d has %d bytes at %d and begins with row %d, the offset index says %d, %d, %d",
					l, pages, p.Size, p.Offset, rows, at.CompressedPageSize, at.Offset, at.FirstRowIndex)
			}
		}
		if hasIndex && pages < len(index.NullCounts) && index.NullCounts[pages] != p.Nulls {
			return fault.Corruptf("column %s: page %d has %d nulls, the column index says %d", l, pages, p.Nulls, index.NullCounts[pages])
		}
		rows += p.Rows
		nulls += p.Nulls
		pages++
	}
	switch {
	case rows != f.meta.Groups[g].NumRows:
		return fault.Corruptf("column %s has %d rows, the row group %d", l, rows, f.meta.Groups[g].NumRows)
	case m.Statistics.NullCount.Valid && m.Statistics.NullCount.V != nulls:
		return fault.Corruptf("column %s has %d nulls, its statistics say %d", l, nulls, m.Statistics.NullCount.V)
	case c.Left() != 0:
		return fault.Corruptf("column %s: %d bytes after its pages", l, c.Left())
	case hasOffsets && pages != len(offsets.PageLocations):
		return fault.Corruptf("column %s has %d pages, its offset index %d", l, pages, len(offsets.PageLocations))
	case hasIndex && (pages != len(index.NullPages) || pages != len(index.MinValues) || pages != len(index.MaxValues)):
		return fault.Corruptf("column %s has %d pages, its column index %d", l, pages, len(index.NullPages))
	}
	_, err = f.filter(g, l)
	return err
}

// readIndex reads one part of the page index; false if there is none.
func (f *File) readIndex(off int64, n int32, into any) (bool, error) {
	if off <= 0 || n == 0 {
		return false, nil
	}
	if off < 4 || n < 0 || int64(n) > f.data-off {
		return false, fault.Corruptf("%d bytes at %d are outside the file's data", n, off)
	}
	b, err := readAt(f.r, off, int64(n))
	if err != nil {
		return false, err
	}
	if _, err := meta.Unmarshal(b, into); err != nil {
		return false, fault.Corruptf("%w", err)
	}
	return true, nil
}
