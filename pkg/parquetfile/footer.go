package parquetfile

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

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
	for g := range w.groups {
		for i := range w.columns {
			idx := &w.indexes[g][i]
			if idx.none {
				continue
			}
			b, err := s.marshal.Marshal(&idx.column)
			if err != nil {
				return err
			}
			c := &w.groups[g].Columns[i]
			c.ColumnIndexOffset, c.ColumnIndexLength = thrift.New(w.size), thrift.New(int32(len(b)))
			if err := w.put(b); err != nil {
				return err
			}
		}
	}
	for g := range w.groups {
		for i := range w.columns {
			b, err := s.marshal.Marshal(&w.indexes[g][i].offset)
			if err != nil {
				return err
			}
			c := &w.groups[g].Columns[i]
			c.OffsetIndexOffset, c.OffsetIndexLength = thrift.New(w.size), thrift.New(int32(len(b)))
			if err := w.put(b); err != nil {
				return err
			}
		}
	}
	m := meta.File{Version: 2, Schema: w.plan.schema.Elements(), NumRows: w.rows, Groups: w.groups, CreatedBy: createdBy}
	for _, k := range slices.Sorted(maps.Keys(w.plan.opts.Metadata)) {
		m.KeyValues = append(m.KeyValues, format.KeyValue{Key: k, Value: w.plan.opts.Metadata[k]})
	}
	for range w.columns {
		m.ColumnOrders = append(m.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	b, err := s.marshal.Marshal(&m)
	if err != nil {
		return err
	}
	if err := w.put(b); err != nil {
		return err
	}
	if err := w.put(append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), magic...)); err != nil {
		return err
	}
	return w.flush()
}
