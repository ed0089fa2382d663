package etl

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/schema"
)

// scope says which rows of a source can be duplicates of each other: all of its table; those of one partition; or those whose
// event times lie in one window of some days, counted from 1970-01-01.
type scope struct {
	partition bool
	window    int64 // milliseconds; 0: none
}

const msPerDay = 24 * 60 * 60 * 1000

func scopeOf(s *schema.Schema) scope {
	d := s.Dedupe.WithDefaults()
	days, _ := d.Days()
	return scope{partition: d.Scope == schema.ScopePartition, window: int64(days) * msPerDay}
}

// rows appends to dst, for each row, a number that is equal for rows of one scope; it gives nil where the scope is the
// table. partition gives the number of the partition of a row. The record has the event time under its name.
func (s scope) rows(rec arrow.Record, partition func(row int) uint64, dst []uint64) ([]uint64, error) {
	switch {
	case s.partition:
		for row := range int(rec.NumRows()) {
			dst = append(dst, partition(row))
		}
	case s.window > 0:
		at := rec.Schema().FieldIndices(string(schema.EventTime))
		if len(at) != 1 {
			return nil, fmt.Errorf("dedupe within days: the batch has no event_time")
		}
		times, ok := rec.Column(at[0]).(*array.Timestamp)
		if !ok {
			return nil, fmt.Errorf("dedupe within days: event_time is %s", rec.Column(at[0]).DataType())
		}
		for row := range int(rec.NumRows()) {
			t := int64(times.Value(row))
			w := t / s.window
			if t%s.window < 0 {
				w--
			}
			dst = append(dst, uint64(w))
		}
	default:
		return nil, nil
	}
	return dst, nil
}
