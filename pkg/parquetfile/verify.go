package parquetfile

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/meta"
)

// Verify reads all of a file: the footer, every page with its checksum, levels and values, the page index and the bloom
// filters. It holds against each other the rows and nulls that they state. It returns the number of rows. Errors: those
// of r, ErrCorrupt, ErrUnsupported.
func Verify(r io.ReaderAt, size int64) (rows int64, err error) {
	defer noPanic(&err)
	f, err := Open(r, size)
	if err != nil {
		return 0, err
	}
	head, err := readAt(r, 0, 4)
	if err != nil {
		return 0, err
	}
	if string(head) != magic {
		return 0, corruptf("verify parquet file: begins with %q, not with %s", head, magic)
	}
	for g := range f.meta.Groups {
		for _, l := range f.schema.leaves {
			if err := f.verifyChunk(g, l); err != nil {
				return 0, fmt.Errorf("verify parquet file: row group %d: %w", g, err)
			}
		}
	}
	return f.meta.NumRows, nil
}

func (f *File) verifyChunk(g int, l *leaf) error {
	cm := &f.meta.Groups[g].Columns[l.index]
	m := &cm.Meta
	var offsets format.OffsetIndex
	var index format.ColumnIndex
	hasOffsets, err := f.readIndex(cm.OffsetIndexOffset.V, cm.OffsetIndexLength.V, &offsets)
	if err != nil {
		return fmt.Errorf("offset index of column %s: %w", dotted(l.path), err)
	}
	hasIndex, err := f.readIndex(cm.ColumnIndexOffset.V, cm.ColumnIndexLength.V, &index)
	if err != nil {
		return fmt.Errorf("column index of column %s: %w", dotted(l.path), err)
	}
	c := f.chunk(g, l)
	rows, nulls, pages := int64(0), int64(0), 0
	for {
		err := c.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		p := &c.page
		if hasOffsets {
			if pages >= len(offsets.PageLocations) {
				return corruptf("column %s: more pages than its offset index has", dotted(l.path))
			}
			at := offsets.PageLocations[pages]
			end := c.off - int64(len(c.window))
			if at.Offset != c.start || int64(at.CompressedPageSize) != end-c.start || at.FirstRowIndex != rows {
				return corruptf("column %s: page %d has %d bytes at %d and begins with row %d, the offset index says %d, %d, %d", dotted(l.path),
					pages, end-c.start, c.start, rows, at.CompressedPageSize, at.Offset, at.FirstRowIndex)
			}
		}
		if hasIndex && pages < len(index.NullCounts) && index.NullCounts[pages] != int64(p.nulls) {
			return corruptf("column %s: page %d has %d nulls, the column index says %d", dotted(l.path), pages, p.nulls, index.NullCounts[pages])
		}
		if l.maxRep == 0 {
			rows += int64(p.levels)
		}
		for _, r := range p.reps {
			if r == 0 {
				rows++
			}
		}
		nulls += int64(p.nulls)
		pages++
	}
	switch {
	case rows != f.meta.Groups[g].NumRows:
		return corruptf("column %s has %d rows, the row group %d", dotted(l.path), rows, f.meta.Groups[g].NumRows)
	case m.Statistics.NullCount.Valid && m.Statistics.NullCount.V != nulls:
		return corruptf("column %s has %d nulls, its meta.Statistics say %d", dotted(l.path), nulls, m.Statistics.NullCount.V)
	case c.off-int64(len(c.window)) != c.end:
		return corruptf("column %s: %d bytes after its pages", dotted(l.path), c.end-c.off+int64(len(c.window)))
	case hasOffsets && pages != len(offsets.PageLocations):
		return corruptf("column %s has %d pages, its offset index %d", dotted(l.path), pages, len(offsets.PageLocations))
	case hasIndex && (pages != len(index.NullPages) || pages != len(index.MinValues) || pages != len(index.MaxValues)):
		return corruptf("column %s has %d pages, its column index %d", dotted(l.path), pages, len(index.NullPages))
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
		return false, corruptf("%d bytes at %d are outside the file's data", n, off)
	}
	b, err := readAt(f.r, off, int64(n))
	if err != nil {
		return false, err
	}
	if _, err := meta.Unmarshal(b, into); err != nil {
		return false, corruptf("%w", err)
	}
	return true, nil
}
