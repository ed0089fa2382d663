package commitlog

import (
	"errors"
	"fmt"
	"slices"

	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// The errors that callers tell apart.
var (
	// ErrNoEntry: the log has no entry of that number (yet).
	ErrNoEntry = errors.New("no such log entry")
	// ErrTaken: a Put found its number taken, by whomever.
	ErrTaken = errors.New("log entry already taken")
	// ErrChain: an entry or a body is not what its successor or its entry says it is. Nothing may be done with the log.
	ErrChain = errors.New("commit log is broken")
	// ErrNewer: the log was written by a program that this one does not understand.
	ErrNewer = errors.New("commit log needs a newer program")
	// ErrInvalid: a body or an entry that contradicts itself or the state it is to follow.
	ErrInvalid = errors.New("invalid commit")
)

const (
	// Format is the format of entries and bodies that this program writes, and the highest it reads. Entries of format 1 had
	// no check of their own, see Entry.Encode; bodies up to format 2 consumed each input once and for all.
	Format = 3
	// Writer is what this program counts as where an entry asks for a least writer.
	Writer = 1
	// MaxEntry is the largest size of an entry, in bytes.
	MaxEntry = 16 << 10
)

// The kinds of entries. The state folds alike for all of them, by what their bodies hold.
const (
	Run      = "run"
	GC       = "gc"
	Rollback = "rollback"
	Release  = "release"
	Compact  = "compact"
	Backfill = "backfill"
	Replay   = "replay"
	Repair   = "repair"
	Skip     = "skip"
	Adopt    = "adopt"
	Undo     = "undo" // of a skip or of an adoption
)

// Entry is one decision. Immutable once it is in the log.
type Entry struct {
	// Seq is its number, from 1 without gaps.
	Seq uint64 `json:"seq"`
	// Kind is run, gc, or another name that people are shown.
	Kind string `json:"kind"`
	// Format of the entry and its body; MinWriter is the least Writer that may add entries after it.
	Format    int `json:"format"`
	MinWriter int `json:"min_writer"`
	// Attempt that decided it. An attempt is in the log at most once.
	Attempt string `json:"attempt"`
	// Base is the state that the attempt's work stands on.
	Base uint64 `json:"base"`
	// Prev is the hash of entry Seq-1; empty in entry 1.
	Prev string `json:"prev"`
	// Program is the version of the program that made it, for people.
	Program string `json:"program,omitempty"`
	// By says who decided it and Why what for, where people did so by hand: of entries that hold inputs which nobody has read, and of those that
	// undo this.
	By  string `json:"by,omitempty"`
	Why string `json:"why,omitempty"`
	// Reads are the partitions whose files the result depends on, Writes those it acts on. Both are Sets.
	Reads  []Set `json:"reads,omitempty"`
	Writes []Set `json:"writes,omitempty"`
	// Body is where the acts and inputs are.
	Body BodyRef `json:"body"`
	// Schemas names the sources whose schema the body sets, as far as there is room; their schema's version is Seq.
	Schemas []string `json:"schemas,omitempty"`
	// Fingerprint is a hash over the sources of the body and their fingerprints; empty if it has none.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Counts over all sources; rules, checks and notes as far as there is room.
	Counts Counts `json:"counts"`
	// Roots, in entry 1 only: the prefix of each zone by its name. All keys in entries and bodies lie under them.
	Roots map[string]string `json:"roots,omitempty"`
	// Catalogs, in entry 1 only: the names of the catalogs that show the tables.
	Catalogs []string `json:"catalogs,omitempty"`
}

// BodyRef names a body.
type BodyRef struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Body is what an entry decides.
type Body struct {
	// Inputs are the objects consumed, by key.
	Inputs []Input `json:"inputs,omitempty"`
	// Reread is how many of Inputs earlier entries had consumed: from now on this entry has.
	Reread int64 `json:"reread,omitempty"`
	// Hold names entries whose inputs are held, those excepted that other entries, this one too, have read since: their rows are gone, and
	// yet no run reads them before they are released.
	Hold map[uint64]Hold `json:"hold,omitempty"`
	// Unread, Skip or Adopt, says that nobody has read Inputs, and that they are held from now on; empty: they were read.
	Unread string `json:"unread,omitempty"`
	// Release names entries whose inputs are held: these are pending again.
	Release []uint64 `json:"release,omitempty"`
	// Replayed are objects of which records were taken out of the quarantine and read again: their numbers, and the partitions that
	// these rows fed. Earlier entries consumed them.
	Replayed []Input `json:"replayed,omitempty"`
	// Acts, at most one for a partition, by zone and path.
	Acts []Act `json:"acts,omitempty"`
	// Schemas that are new or changed, by source.
	Schemas map[string]*schema.Schema `json:"schemas,omitempty"`
	// Fingerprints of all sources that the entry has rows of: a hash of what gives rows their meaning.
	Fingerprints map[string]string `json:"fingerprints,omitempty"`
	// Counts by source.
	Counts map[string]Counts `json:"counts,omitempty"`
	// Collect is what gc decides; nil in other entries.
	Collect *Collect `json:"collect,omitempty"`
	// Work is how the entry came about; nil where the attempt did not say. No state depends on it.
	Work *Work `json:"work,omitempty"`
}

// Work is what an attempt tells people of its work up to the decision. It is the one part of a body that is another each time.
type Work struct {
	Steps []Step `json:"steps,omitempty"`
	// Warnings are the attempt's, as far as there is room.
	Warnings []string `json:"warnings,omitempty"`
	// PeakMemory is the process's peak resident set in bytes, 0 where the system does not tell; Spilled is what went to temporary
	// files.
	PeakMemory int64 `json:"peak_memory_bytes,omitempty"`
	Spilled    int64 `json:"spilled_bytes,omitempty"`
}

// MaxWarnings is how many warnings a Work has room for.
const MaxWarnings = 1000

// Step is a phase of the work, or a part of one, by a name that people know it by.
type Step struct {
	Name string `json:"name"`
	// Seconds of a phase are the clock's, those of a part are summed over goroutines.
	Seconds float64 `json:"seconds"`
	// Bytes, rows and the process's memory; 0 where that says nothing.
	Bytes  int64 `json:"bytes,omitempty"`
	Rows   int64 `json:"rows,omitempty"`
	Memory int64 `json:"memory_bytes,omitempty"`
}

// Input is one object that a run consumed, with the version of it that was read.
type Input struct {
	Key  string `json:"key"`
	ETag string `json:"etag"`
	Size int64  `json:"size"`
	// ModTime is the store's time of the object, in milliseconds since 1970.
	ModTime int64 `json:"mod_time"`
	// Records found in it, and how many of them were set aside.
	Records int64 `json:"records"`
	Rejects int64 `json:"rejects,omitempty"`
	// Partitions of the processed zone that it fed, or in which a row of it lost against another.
	Partitions []string `json:"partitions,omitempty"`
	// Rejecting are the sources whose quarantine took records of it. Entries before format 3 do not say.
	Rejecting []string `json:"rejecting,omitempty"`
}

// Hold is what is held of the inputs of an entry.
type Hold struct {
	// Unread is Skip or Adopt where nobody has read the inputs; empty: a rollback holds them.
	Unread string `json:"unread,omitempty"`
	// Source whose table was brought back; empty: those of all.
	Source string `json:"source,omitempty"`
	// Inputs is how many are held.
	Inputs int64 `json:"inputs"`
}

// File is a finished data file of a partition.
type File struct {
	// Name in the partition's directory.
	Name string `json:"name"`
	// Key is a place where its bytes were at the decision: put aside, or in a directory of the partition.
	Key  string `json:"key"`
	Size int64  `json:"size"`
	Rows int64  `json:"rows"`
	// SHA256 of its bytes, in hex.
	SHA256 string `json:"sha256"`
	// Keys is the sum of the hashes of its rows' dedupe keys; zero where there is none.
	Keys Sum `json:"keys"`
}

// The kinds of acts.
const (
	// Add puts one file into the directory of a partition that exists.
	Add = "add"
	// New gives a partition its first directory, and its files.
	New = "new"
	// Swap moves a partition that exists to a fresh directory that holds just these files.
	Swap = "swap"
)

// Act is what becomes of one partition.
type Act struct {
	Partition
	Kind string `json:"kind"`
	// Dir is the partition's directory after it: a key that ends in a slash, or empty for the one that the kind implies
	// (Decide fills it in). For add it is the directory that the partition has.
	Dir string `json:"dir"`
	// Files: the one to add, or all that the new directory holds. Only a swap may have none.
	Files []File `json:"files"`
	// Same, of a swap: the rows are the partition's, in other files. What was made of them need not be made again.
	Same bool `json:"same,omitempty"`
}

// Collect is what gc decides before it deletes. Each list names what goes from now on; no state that can be restored,
// and no directory that a catalog names, needs it.
type Collect struct {
	// Condemned attempts may never be decided. All their objects go.
	Condemned []string `json:"condemned,omitempty"`
	// Settled attempts are in the log, and all their files are where tables are read: what they put aside goes, and
	// their step reports.
	Settled []string `json:"settled,omitempty"`
	// Dirs are directories that partitions have left.
	Dirs []Dir `json:"dirs,omitempty"`
	// Oldest is the oldest state that can still be restored.
	Oldest uint64 `json:"oldest"`
	// Gone are attempts and directories of earlier lists that gc found deleted: they need not be looked at again.
	Gone []string `json:"gone,omitempty"`
}

// Dir is a directory of a zone. Key ends in a slash.
type Dir struct {
	Zone string `json:"zone"`
	Key  string `json:"key"`
	// Seq is the entry by which the partition left it.
	Seq uint64 `json:"seq"`
}

// Counts are numbers of records and bytes. The zero value counts nothing.
type Counts struct {
	In          int64 `json:"in"`
	Out         int64 `json:"out"`
	Duplicates  int64 `json:"duplicates"`
	Quarantined int64 `json:"quarantined"`
	// Replaced are rows of earlier entries that gave way to newer ones, or to those of an older state.
	Replaced int64 `json:"replaced,omitempty"`
	// Restored are rows of an older state that are back.
	Restored int64 `json:"restored,omitempty"`
	// Withdrawn are records of earlier entries that left the quarantine, less those that a rollback brought back to it. Of a replay these are
	// the records that it read again: In counts them once more, and Notes by the rules that they were under, see WithdrawnNote.
	Withdrawn int64 `json:"withdrawn,omitempty"`
	Rescued   int64 `json:"rescued,omitempty"`
	Inputs    int64 `json:"inputs,omitempty"`
	BytesIn   int64 `json:"bytes_in,omitempty"`
	BytesOut  int64 `json:"bytes_out,omitempty"`
	Files     int64 `json:"files,omitempty"`
	// Rules counts what was set aside by rule, Checks the records that failed a rule and stayed. Notes counts what else a summary says
	// (source_differs, duplicate_keys,
	// floored …).
	Rules  map[string]int64 `json:"rules,omitempty"`
	Checks map[string]int64 `json:"checks,omitempty"`
	Notes  map[string]int64 `json:"notes,omitempty"`
}

// Sources of an input of an entry with these counts are those whose tables or quarantine have, or may have, something of it.
func (in *Input) Sources(counts map[string]Counts) []string {
	all := slices.Clone(in.Rejecting)
	if in.Rejects > 0 && len(all) == 0 {
		for source, c := range counts {
			if c.Quarantined > 0 {
				all = append(all, source)
			}
		}
	}
	for _, p := range in.Partitions {
		all = append(all, layout.SourceOf(p))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// WithdrawnNote begins the names of the notes by which a replay's counts tell how many records it took from under a rule.
const WithdrawnNote = "withdrawn:"

// Add adds d to c. It does not share d's maps.
func (c *Counts) Add(d Counts) {
	c.In += d.In
	c.Out += d.Out
	c.Duplicates += d.Duplicates
	c.Quarantined += d.Quarantined
	c.Replaced += d.Replaced
	c.Restored += d.Restored
	c.Withdrawn += d.Withdrawn
	c.Rescued += d.Rescued
	c.Inputs += d.Inputs
	c.BytesIn += d.BytesIn
	c.BytesOut += d.BytesOut
	c.Files += d.Files
	c.Rules = addCounts(c.Rules, d.Rules)
	c.Checks = addCounts(c.Checks, d.Checks)
	c.Notes = addCounts(c.Notes, d.Notes)
}

func addCounts(to, from map[string]int64) map[string]int64 {
	if to == nil && len(from) > 0 {
		to = make(map[string]int64, len(from))
	}
	for k, n := range from {
		to[k] += n
	}
	return to
}

// Balance is nil when what came in went out, or was dropped as a duplicate, or is in quarantine, each once.
func (c Counts) Balance() error {
	if c.In != c.Out+c.Duplicates+c.Quarantined {
		return fmt.Errorf("%w: %d records in, but %d out, %d duplicates and %d quarantined", ErrInvalid, c.In, c.Out, c.Duplicates, c.Quarantined)
	}
	return nil
}
