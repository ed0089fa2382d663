package parquetfile

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/encoding/thrift"

	"datalake/pkg/parquetfile/internal/meta"
)

const (
	magic     = "PAR1"
	createdBy = "datalake"
)

// finish writes the last row group, the page index and the footer.
func (w *Writer) finish(s *scratch) error {
	if err := w.endGroup(s); err != nil {
		return err
	}
	if err := w.begin(s); err != nil {
		return err
	}
	columnIndex, offsetIndex := int64(0), int64(0) // how much of them was placed
	for g := range w.groups {
		for i := range w.groups[g].Columns {
			if c := &w.groups[g].Columns[i]; c.ColumnIndexLength.Valid {
				c.ColumnIndexOffset = thrift.New(w.size + columnIndex)
				columnIndex += int64(c.ColumnIndexLength.V)
			}
		}
	}
	if err := w.put(w.columnIndex); err != nil {
		return err
	}
	for g := range w.groups {
		for i := range w.groups[g].Columns {
			c := &w.groups[g].Columns[i]
			c.OffsetIndexOffset = thrift.New(w.size + offsetIndex)
			offsetIndex += int64(c.OffsetIndexLength.V)
		}
	}
	if err := w.put(w.offsetIndex); err != nil {
		return err
	}
	m := meta.File{Version: 2, NumRows: w.rows, Groups: w.groups, CreatedBy: createdBy, KeyValues: w.plan.metadata}
	b := m.Append(s.bytes[:0], w.plan.elements)
	s.bytes = b
	if err := w.put(b); err != nil {
		return err
	}
	s.bytes = append(binary.LittleEndian.AppendUint32(s.bytes[:0], uint32(len(b))), magic...)
	if err := w.put(s.bytes); err != nil {
		return err
	}
	return w.flush()
}
