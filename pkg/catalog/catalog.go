package catalog

import (
	"errors"
	"fmt"
)

// The errors that callers tell apart.
var (
	// ErrNoTable: the catalog has no table of that name.
	ErrNoTable = errors.New("no such table")
	// ErrVersion: the table is no longer (or already) what the caller read. Read it again.
	ErrVersion = errors.New("table changed meanwhile")
)

// The formats of tables.
const (
	Parquet = "parquet"
	NDJSON  = "ndjson"
)

// Column is a column of a table, or a partition key.
type Column struct {
	Name string `json:"name"`
	// Type is Hive's name of the type.
	Type    string `json:"type"`
	Comment string `json:"comment,omitempty"`
}

// Table is a table without its partitions.
type Table struct {
	Name    string   `json:"name"`
	Comment string   `json:"comment,omitempty"`
	Columns []Column `json:"columns"`
	// PartitionKeys, in the order of the paths.
	PartitionKeys []Column `json:"partition_keys"`
	// Location is the URL of the table's root, ending in a slash. No file is read because it lies there.
	Location string `json:"location"`
	// Format is Parquet or NDJSON.
	Format string `json:"format"`
	// Version of the catalog's record of the table, opaque. PutTable replaces that version only; empty: there is none
	// yet.
	Version string `json:"-"`
}

// Partition is one partition of a table.
type Partition struct {
	// Values of the partition keys, in their order, as text; null is empty.
	Values []string `json:"values"`
	// Location is the URL of its directory, ending in a slash.
	Location string `json:"location"`
	// Files are the names of its files in the directory, for catalogs that list files; others leave them out of what
	// they give back.
	Files []string `json:"files"`
	// Seq is the log entry that last changed the partition; 0 where the catalog does not keep it.
	Seq uint64 `json:"seq"`
}

// Refusal is a partition that the catalog did not take.
type Refusal struct {
	Table  string
	Values []string
	Err    error
}

func (r Refusal) Error() string {
	return fmt.Sprintf("table %s, partition %q: %v", r.Table, r.Values, r.Err)
}
func (r Refusal) Unwrap() error { return r.Err }
