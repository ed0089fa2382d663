// Package schema says what a source's table looks like: the types of its columns, where in a record each column's value
// stands, and the names that result. A schema is fixed by the source's first run and only ever grows at its end.
package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Role is what a column is to the engine.
type Role string

// The roles. All but Data, NS, Key and Derived are the common columns, which every table has.
const (
	Data       Role = ""            // a value at Path
	RecordID   Role = "record_id"   // string, never null
	EventTime  Role = "event_time"  // timestamp, never null
	IngestedAt Role = "ingested_at" // timestamp, never null
	Quality    Role = "quality_score"
	Rescued    Role = "_rescued" // JSON object: path → the raw JSON value that did not fit; null when all fitted
	Key        Role = "_key"     // string: 32 hex digits, the hash of a dedupe key of several columns
	Derived    Role = "derived"  // the value of Expr over the row's other columns
	NS         Role = "ns"       // bigint: nanoseconds since 1970 of the timestamp at Path (keep: ns)
)

// Column is one column of a table, in the order of its files.
type Column struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	Role Role   `json:"role,omitempty"`
	// Path is where the value stands in a record; nil for common columns, whose place the Source settles.
	Path Path `json:"path,omitempty"`
	// Required: a record without a value here (absent, null or not fitting) is quarantined.
	Required bool `json:"required,omitempty"`
	// Formats are how a timestamp or date may be written; empty means rfc3339 (date: %Y-%m-%d). See etl/decode.
	Formats []string `json:"formats,omitempty"`
	// Timezone is the IANA zone of times written without an offset; empty means UTC.
	Timezone string `json:"timezone,omitempty"`
	// Declared by lake.yaml rather than inferred.
	Declared bool `json:"declared,omitempty"`
	// Expr is the CEL expression of a derived column, over the columns by name and the derived ones before it.
	Expr string `json:"expr,omitempty"`
	// Clean is what becomes of the values, Check what they must be; nil: nothing.
	Clean *Clean `json:"clean,omitempty"`
	Check *Check `json:"check,omitempty"`
}

// Times says where event_time comes from.
type Times struct {
	// Path of the event time; nil: always the arrival.
	Path     Path     `json:"path,omitempty"`
	Formats  []string `json:"formats,omitempty"`
	Timezone string   `json:"timezone,omitempty"`
	// Missing is what a record without a usable event time gets: "arrival" (its ingested_at) or "quarantine".
	Missing string `json:"missing,omitempty"`
	// Min is the earliest event time taken for true, MaxFuture how far after ingested_at it may lie, in milliseconds since
	// 1970 and milliseconds. A time outside counts as missing, and its text is rescued.
	Min       int64 `json:"min"`
	MaxFuture int64 `json:"max_future"`
}

// EventTimeFields are the fields in which the event time is looked for, in data, else in the record, where nothing says it. The slice
// is the caller's.
func EventTimeFields() []string {
	return []string{"event_time", "timestamp", "time", "ts", "created_at", "occurred_at"}
}

// Envelope says whether a source's records come in the lake's envelope.
type Envelope string

// A record has the envelope when its source is a string and its data an object.
const (
	Enveloped Envelope = "envelope"
	Bare      Envelope = "none"
)

// Schema is a source's table. It is stored in the commit log, so all that gives rows their meaning is in it.
type Schema struct {
	Source    string   `json:"source"`
	Envelope  Envelope `json:"envelope"`
	EventTime Times    `json:"event_time"`
	// Columns in file order: record_id, event_time, ingested_at, the first run's columns, quality_score, _rescued, then
	// what came later.
	Columns []Column `json:"columns"`
	// OtherColumns is what becomes of fields that no column names: keep (a new column), rescue or drop.
	OtherColumns string `json:"other_columns"`
	// OnTypeConflict is what becomes of a value that does not fit: rescue, quarantine (the record) or widen.
	OnTypeConflict string `json:"on_type_conflict"`
	// Rescue lists paths that get no column although other columns are kept (past the column limit): they go to _rescued.
	Rescue []Path `json:"rescue,omitempty"`
	// Rules are conditions on rows, in the order in which they are tried.
	Rules []Rule `json:"rules,omitempty"`
	// Dedupe says which rows are one and the same.
	Dedupe Dedupe `json:"dedupe"`
	// PartitionBy names the partition columns in order: source first; then year, month, day and hour of the event time in its
	// zone (EventTime.Timezone), or names of columns. Empty means source, year, month, day.
	PartitionBy []string `json:"partition_by,omitempty"`
	// Fixed: the source's first run has settled the columns; from then on they only grow at the end. See Extend.
	Fixed bool `json:"fixed,omitempty"`
}

// The scopes of a Dedupe that have a name; the others are a count of days, such as 7d.
const (
	ScopeTable     = "table"
	ScopePartition = "partition"
)

// What a Dedupe keeps.
const (
	KeepFirst  = "first"
	KeepLatest = "latest"
)

// Dedupe says which rows of a table are one and the same, and which of them stays. The zero value means the defaults: key
// record_id, scope table, keep first.
type Dedupe struct {
	// None: all rows stay; the other fields mean nothing.
	None bool `json:"none,omitempty"`
	// Key names the columns whose values together are the key. A row with a null in it is known by its record_id.
	Key []string `json:"key,omitempty"`
	// Scope is where equal keys count: in the table, in the partition, or within a number of days (7d) of event time.
	Scope string `json:"scope,omitempty"`
	// Keep is which row stays: the first by origin, or the latest by the value of column By (equal values: the first).
	Keep string `json:"keep,omitempty"`
	By   string `json:"by,omitempty"`
}

// Days is the number of days of a scope such as 7d; ok is false for every other scope.
func (d Dedupe) Days() (days int, ok bool) {
	n, ok := strings.CutSuffix(d.Scope, "d")
	if !ok || n == "" || n[0] < '1' || n[0] > '9' {
		return 0, false
	}
	days, err := strconv.Atoi(n)
	return days, err == nil
}

// WithDefaults fills the fields that are empty.
func (d Dedupe) WithDefaults() Dedupe {
	if d.None {
		return Dedupe{None: true}
	}
	if len(d.Key) == 0 {
		d.Key = []string{string(RecordID)}
	}
	if d.Scope == "" {
		d.Scope = ScopeTable
	}
	if d.Keep == "" {
		d.Keep = KeepFirst
	}
	return d
}

// Index returns the position of the column with the name, or -1.
func (s *Schema) Index(name string) int {
	for i := range s.Columns {
		if s.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Stored are the columns that the table's files hold: all but those that the table is partitioned by, whose values stand in
// the partitions' paths.
func (s *Schema) Stored() []Column {
	return slices.DeleteFunc(slices.Clone(s.Columns), func(c Column) bool { return slices.Contains(s.PartitionBy, c.Name) })
}

// ByRole returns the position of the first column with the role, or -1.
func (s *Schema) ByRole(r Role) int {
	for i := range s.Columns {
		if s.Columns[i].Role == r {
			return i
		}
	}
	return -1
}

// Arrow is the schema of the source's batches and files: one field per column, in order, all nullable but record_id,
// event_time and ingested_at.
func (s *Schema) Arrow() *arrow.Schema {
	f := make([]arrow.Field, len(s.Columns))
	for i, c := range s.Columns {
		f[i] = arrow.Field{Name: c.Name, Type: c.Type.Arrow(), Nullable: c.Role != RecordID && c.Role != EventTime && c.Role != IngestedAt}
	}
	return arrow.NewSchema(f, nil)
}
