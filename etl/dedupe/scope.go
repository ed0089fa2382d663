package dedupe

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/schema"
)

// Scope says which rows of a source can be duplicates of each other: all of its table; those of one partition; or those whose
// event times lie in one window of some days, counted from 1970-01-01.
type Scope struct {
	Partition bool
	Window    int64 // milliseconds; 0: none
}

const msPerDay = 24 * 60 * 60 * 1000

// ScopeOf is the scope of a table, whose Dedupe is not None.
func ScopeOf(s *schema.Schema) Scope {
	d := s.Dedupe.WithDefaults()
	days, _ := d.Days()
	return Scope{Partition: d.Scope == schema.ScopePartition, Window: int64(days) * msPerDay}
}

// Rows appends to dst, for each row, a number that is equal for rows of one scope; it gives nil where the scope is the
// table. partition gives the number of the partition of a row. The record has the event time under its name.
func (s Scope) Rows(rec arrow.Record, partition func(row int) uint64, dst []uint64) ([]uint64, error) {
	switch {
	case s.Partition:
		for row := range int(rec.NumRows()) {
			dst = append(dst, partition(row))
		}
	case s.Window > 0:
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
			w := t / s.Window
			if t%s.Window < 0 {
				w--
			}
			dst = append(dst, uint64(w))
		}
	default:
		return nil, nil
	}
	return dst, nil
}
