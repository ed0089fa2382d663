package parquetfile

import (
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/encode"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/stats"
)

func appendColumnIndex(b []byte, o stats.Order, pages []encode.Page) []byte {
	return meta.AppendColumnIndex(b, len(pages), func(i int) meta.PageStats {
		p := &pages[i]
		return meta.PageStats{Min: p.Bounds.Min, Max: p.Bounds.Max, Nulls: int64(p.Nulls), Empty: p.Empty()}
	}, boundaryOrder(o, pages))
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
