package parquetfile

import (
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/encode"
	"datalake/pkg/parquetfile/internal/stats"
)

type pageIndex struct {
	column format.ColumnIndex
	none   bool // a page has values but no bounds, so there is no column index
	offset format.OffsetIndex
}

func (x *pageIndex) addPage(p *encode.Page) {
	empty := p.Nulls == p.Levels
	x.none = x.none || !empty && !p.Bounds.OK()
	lo, hi := p.Bounds.Min, p.Bounds.Max
	if lo == nil {
		lo, hi = []byte{}, []byte{}
	}
	x.column.NullPages = append(x.column.NullPages, empty)
	x.column.NullCounts = append(x.column.NullCounts, int64(p.Nulls))
	x.column.MinValues = append(x.column.MinValues, lo)
	x.column.MaxValues = append(x.column.MaxValues, hi)
}

func boundaryOrder(o stats.Order, pages []encode.Page) format.BoundaryOrder {
	up, down := true, true
	var last *stats.Bounds
	for i := range pages {
		b := &pages[i].Bounds
		if !b.OK() {
			continue
		}
		if last != nil {
			lo, hi := o.Compare(last.Min, b.Min), o.Compare(last.Max, b.Max)
			up = up && lo <= 0 && hi <= 0
			down = down && lo >= 0 && hi >= 0
		}
		last = b
	}
	switch {
	case up:
		return format.Ascending
	case down:
		return format.Descending
	}
	return format.Unordered
}
