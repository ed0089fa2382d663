package report

import (
	"errors"
	"time"

	"datalake/etl/report/profile"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
)

// ErrNoRun: the log has no such entry, or it is one that handled no records. Wrapped with what there is.
var ErrNoRun = errors.New("no such run")

// Lake is where a report's facts are. All fields are needed.
type Lake struct {
	Log                   *commitlog.Log
	Processed, Quarantine layout.Zone
}

// Options of a report. The zero value is good.
type Options struct {
	// Rows is how many rows are looked at, over all files; 0: 1,000,000.
	Rows int64
	// NoValues leaves out all that shows what values look like: least, greatest and frequent ones, and records that were set aside.
	NoValues bool
}

func (o Options) withDefaults() Options {
	if o.Rows <= 0 {
		o.Rows = 1_000_000
	}
	return o
}

// Report tells of one entry. The counts balance: In = Out + Duplicates + Quarantined.
type Report struct {
	Seq     uint64    `json:"seq"`
	Kind    string    `json:"kind"`
	Attempt string    `json:"attempt"`
	When    time.Time `json:"when"` // the store's time of the entry
	Program string    `json:"program,omitempty"`
	Totals  Totals    `json:"totals"`
	// Sources that had records, by name.
	Sources []Source `json:"sources"`
	// Work up to the decision; nil in entries of older programs.
	Work *commitlog.Work `json:"work,omitempty"`
	// Rejecting are the objects with the most records set aside.
	Rejecting []Object `json:"rejecting_objects,omitempty"`
	// Missing are files of the entry that are no longer there, and so are left out of the profiles.
	Missing int  `json:"missing_files,omitempty"`
	Values  bool `json:"-"` // whether values may be shown
}

// Totals are the numbers of an entry, or of a source in it.
type Totals struct {
	In          int64 `json:"records_in"`
	Out         int64 `json:"records_out"`
	Duplicates  int64 `json:"duplicates"`
	Quarantined int64 `json:"quarantined"`
	// Withdrawn records left the quarantine: a replay read them again, and they are those that came in, or a rollback took them back.
	Withdrawn  int64 `json:"withdrawn,omitempty"`
	Replaced   int64 `json:"replaced"`
	Rescued    int64 `json:"rescued"`
	Objects    int64 `json:"objects"`
	BytesIn    int64 `json:"bytes_in"`
	BytesOut   int64 `json:"bytes_out"`
	Files      int64 `json:"files"`
	Partitions int64 `json:"partitions"`
}

// Source is one source's part of an entry.
type Source struct {
	Name   string `json:"source"`
	Table  string `json:"table"`
	Totals Totals `json:"totals"`
	// TableRows are the rows of the table after the entry.
	TableRows int64 `json:"table_rows"`
	// Rules counts records set aside, Checks those that failed a rule and stayed, Rescued values in _rescued by their path, Oddities
	// what cost no record; most first.
	Rules    []Count `json:"rules,omitempty"`
	Checks   []Count `json:"checks,omitempty"`
	Rescued  []Count `json:"rescued_by,omitempty"`
	Oddities []Count `json:"oddities,omitempty"`
	// Rejects are samples of the records set aside.
	Rejects []Reject `json:"rejects,omitempty"`
	// Changes of the table's schema; First says that the entry began the table.
	First   bool     `json:"first,omitempty"`
	Changes []Change `json:"schema_changes,omitempty"`
	// Columns in the table's order; none where no file could be read. RowsRead of RowsWritten were looked at.
	Columns     []Column    `json:"columns,omitempty"`
	RowsRead    int64       `json:"rows_read"`
	RowsWritten int64       `json:"rows_written"`
	Partitions  []Partition `json:"partitions,omitempty"`
}

// Count is a name and a number.
type Count struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Reject is a record that was set aside.
type Reject struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason,omitempty"`
	Object string `json:"object"`
	Line   int64  `json:"line,omitempty"`
	Offset int64  `json:"offset"`
	// Payload is the beginning of the record's text; Cut says that there is more. Empty where it is no text or withheld.
	Payload string `json:"payload,omitempty"`
	Cut     bool   `json:"cut,omitempty"`
}

// Change is a column that is new or another. Was is the former type, empty for a new column.
type Change struct {
	Column string `json:"column"`
	Was    string `json:"was,omitempty"`
	Type   string `json:"type"`
	Path   string `json:"path,omitempty"`
}

// Column is a column and what its values look like.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Path is where the value stands in a record, empty for the engine's own columns.
	Path string `json:"path,omitempty"`
	profile.Summary
}

// Partition is a partition that the entry wrote to.
type Partition struct {
	Path string `json:"partition"`
	// Act is add, new or swap, see commitlog.
	Act string `json:"act"`
	// Rows that it has now, and that the entry wrote.
	Rows    int64  `json:"rows"`
	Written int64  `json:"rows_written"`
	Files   []File `json:"files"`
}

// File is a file that the entry wrote: its key in the store, and its URL, which is the key where the store has none.
type File struct {
	Key      string `json:"key"`
	Location string `json:"location"`
	Rows     int64  `json:"rows"`
	Bytes    int64  `json:"bytes"`
}

// Object is a raw object with records that were set aside.
type Object struct {
	Key     string `json:"object"`
	Records int64  `json:"records"`
	Rejects int64  `json:"rejects"`
}
