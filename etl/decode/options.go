package decode

import (
	"errors"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// The package's errors.
var (
	// ErrTooLarge: a unit has more text than one batch can hold (512 MiB), or its _rescued passes 2 GiB. Cut smaller units.
	ErrTooLarge = errors.New("unit too large")
	// ErrSchema: a source's schema cannot be decoded into: an unknown role, a bad format or time zone, a type without
	// parts. It joins all faults of that schema.
	ErrSchema = errors.New("schema cannot be decoded into")
)

const defaultDictionaryLimit = 4096

// Options are the choices of a Decoder. The zero value is ready.
type Options struct {
	// Limits are those of the JSON text: depth, and whether invalid UTF-8 and lone surrogates are replaced.
	Limits jsontext.Limits
	// Allocator gives the batches' memory; nil: Go's.
	Allocator memory.Allocator
	// DictionaryLimit is how many distinct values a string column may have in a batch before it is carried plain; 0: 4096,
	// less than 0: all columns are plain.
	DictionaryLimit int
	// Bare names the folders of the raw zone whose records have no envelope, whatever they look like (envelope: none).
	Bare map[string]bool
}

func (o Options) withDefaults() Options {
	if o.Allocator == nil {
		o.Allocator = memory.DefaultAllocator
	}
	if o.DictionaryLimit == 0 {
		o.DictionaryLimit = defaultDictionaryLimit
	}
	o.DictionaryLimit = max(o.DictionaryLimit, 0)
	return o
}

// Observer is told what the schemas do not know. Calls come in the order of the records, from the goroutine that decodes.
// Rejected records are not told. Of a record with repeated keys only the members that count are told.
type Observer interface {
	// Record comes once for each record that is kept, before its unknown values. envelope tells whether it has one.
	Record(source string, envelope bool, o batch.Origin)
	// Unknown comes for each value that no column takes, in the order of the record: the largest value with no column at
	// or below its path. With on_type_conflict: widen it also comes for values that do not fit the column at their path. b[start:end] is the value's text in the padded b. path and b are only valid during the call.
	Unknown(source string, envelope bool, o batch.Origin, path schema.Path, b []byte, start, end int)
}

// Chooser is an Observer that does not want to hear of the records of every source; it is asked once for each. It is told of unknown
// values all the same.
type Chooser interface {
	Observer
	Wants(source string) bool
}

// Output is what a unit gives. Batches belong to the caller, who releases them.
type Output struct {
	// Batches has at most one batch a source, sorted by source, rows in the order of their origins. Sources without a
	// schema have none. String columns whose values repeat are Dictionary<uint32, string>, all others as Schema.Arrow has
	// them. Raw aliases the unit's chunks.
	Batches []*batch.Batch
	// Rejects are in the order of their origins; Unit.Broken is among them. Payloads are copies.
	Rejects []batch.Reject
	// Lines has the number of newlines in each of the unit's chunks.
	Lines []int64
	// Counts by source.
	Counts map[string]*Counts
	// Doubts by source, nil if there are none.
	Doubts map[string]*Doubts
}

// Counts is what was seen of one source. All add up over units. Records = rows + rejects.
type Counts struct {
	Records       int64 // rejected ones too, and broken places
	DuplicateKeys int64 // members that a later one of the same key took the place of
	SourceDiffers int64 // records whose envelope names another source than the folder they lie in
	Floored       int64 // times that were finer than a millisecond, values
	NoEventTime   int64 // rows that have their ingested_at as event_time, because they had no usable one
	Unknown       int64 // values that no column takes: told to the Observer, rescued or dropped
	Dropped       int64 // those of them that were dropped (other_columns: drop)
	Rescued       int64 // rows with something in _rescued
	// RescuedBy counts the values in _rescued by the path of the column (Path.String) that they did not fit. Values for
	// which there is no column are not in it.
	RescuedBy map[string]int64
}

// Doubts are what speaks against a schema that was inferred without these records, beside what is told to the Observer and
// what is in Counts: values that a column took, or passed over, that do not bear its type out. That nothing else can is what
// infer.Guess relies on.
type Doubts struct {
	// Unlike counts, by the path of the column (Path.String), values of which inference would have made a column of another type:
	// true or a long number in quotes, a whole number with a point or an exponent in a bigint column, a date with less than ten
	// digits and dashes, an object in a column of scalars; and objects that are values below a field, for inference counts the
	// paths in them. By the path of the event time, times that inference would not have believed.
	Unlike map[string]int64
	// Empty counts members that hold nothing and have no column: null and {} once for each path that the decoder remembers, so
	// it depends on the units before.
	Empty int64
}

// Release releases all batches.
func (o *Output) Release() {
	for _, b := range o.Batches {
		b.Release()
	}
}
