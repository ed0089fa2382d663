package etl

import (
	"time"

	"datalake/pkg/layout"
)

// ReplayOptions say which records of the quarantine are read again. The zero value wants all.
type ReplayOptions struct {
	// Source and Rule, where not empty, are the record's.
	Source, Rule string
	// Since and Until are days of arrival, both included; zero: no bound.
	Since, Until time.Time
	// DryRun decides and writes nothing: the result says what would become of the records.
	DryRun bool
}

// partition says whether records of a partition may be wanted.
func (o ReplayOptions) partition(path string) bool {
	if o.Source != "" && layout.SourceOf(path) != o.Source {
		return false
	}
	day, ok := dayOf(path)
	return !ok || (o.Since.IsZero() || !day.Before(o.Since)) && (o.Until.IsZero() || !day.After(o.Until))
}

// dayOf is the day of arrival that a partition of the quarantine is of.
func dayOf(path string) (day time.Time, ok bool) {
	values, err := layout.ParsePath(path)
	if err != nil || len(values) != 4 {
		return day, false
	}
	day, err = time.Parse(time.DateOnly, values[1].Value+"-"+values[2].Value+"-"+values[3].Value)
	return day, err == nil
}
