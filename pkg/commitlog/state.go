package commitlog

import (
	"datalake/pkg/schema"
)

// State is the fold of the entries 1 to Seq. It is immutable, so any number of goroutines may read it: neither its maps
// nor what they hold may be changed. The state at 0 is that of an empty log.
type State struct {
	Seq uint64
	// Hash of entry Seq; empty at 0.
	Hash string
	// MinWriter is the least Writer that may add an entry.
	MinWriter int
	// Roots and Catalogs of entry 1.
	Roots    map[string]string
	Catalogs []string
	// Partitions that exist. One that exists stays, though it may have no files.
	Partitions map[Partition]*Content
	// Sources that have a schema or a fingerprint, by name.
	Sources map[string]Source
	// Attempts in the log, with their entries.
	Attempts map[string]uint64
	// Ledger of inputs.
	Ledger *Ledger
	// Held are entries whose inputs are held: all that the ledger has as consumed by them.
	Held map[uint64]Hold
	// Left are the directories that partitions have left and that gc has not yet listed, in the order of their entries.
	Left []Dir
	// Doomed are directories that gc listed and has not yet found gone; Condemned and Settled are attempts in the same
	// position, with the entry that listed them.
	Doomed    []Dir
	Condemned map[string]uint64
	Settled   map[string]uint64
	// Oldest is the oldest state that can be restored.
	Oldest uint64
	// Counts over all entries.
	Counts Counts

	// from is the checkpoint that the state was read from, 0 if none; behind are the bytes of the bodies after it.
	from   uint64
	behind int64
}

// Content is what a partition holds.
type Content struct {
	// Dir is its directory: a key that ends in a slash.
	Dir string `json:"dir"`
	// DirSince is the entry that moved it there, Since the last entry that changed anything in it.
	DirSince uint64 `json:"dir_since"`
	Since    uint64 `json:"since"`
	// Version is the last entry that changed its rows, where later ones only put them into other files; 0: Since.
	Version uint64 `json:"version,omitempty"`
	// Files in the order in which they came. Key says where the bytes were at their decision; once published they are
	// in Dir.
	Files []File `json:"files"`
}

// RowsSince is the last entry that changed its rows.
func (c *Content) RowsSince() uint64 {
	if c.Version > 0 {
		return c.Version
	}
	return c.Since
}

// Rows is the number of rows in all files.
func (c *Content) Rows() (n int64) {
	for i := range c.Files {
		n += c.Files[i].Rows
	}
	return n
}

// Source is what the log fixes about a source.
type Source struct {
	Schema *schema.Schema `json:"schema,omitempty"`
	// SchemaSeq is the entry that set the schema: its version.
	SchemaSeq      uint64 `json:"schema_seq,omitempty"`
	Fingerprint    string `json:"fingerprint,omitempty"`
	FingerprintSeq uint64 `json:"fingerprint_seq,omitempty"`
}
