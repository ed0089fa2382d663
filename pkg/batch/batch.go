// Package batch is what flows between the stages of the engine: Arrow record batches of one source that know where each
// row came from, and the records that were set aside on the way.
package batch

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Object is one raw object of a run. Immutable.
type Object struct {
	// Index is the object's place in the run's input order (by key); it orders rows of different objects.
	Index int
	Key   string
	ETag  string
	Size  int64
	// Source is the folder of the raw zone that the object lies in.
	Source string
	// Arrived is the object's time in milliseconds since 1970: that of its date folder's day if the store's time lies
	// outside it, else the store's.
	Arrived int64
	// RecordsAt names the array inside each top-level value that holds the records; empty: the values are the records.
	RecordsAt string
	// Most is how many records are read where only a sample is wanted, from the beginning, or of a large plain object from the beginnings of
	// stretches of it; 0: all.
	Most int
}

// Chunk is a stretch of an object's decompressed content that holds whole records, with what the decoder must know to
// find them.
type Chunk struct {
	Object *Object
	// Offset is the place of Data[0] in the object's decompressed content.
	Offset int64
	// Data is the text, followed by jsontext.Padding zero bytes that are part of the slice.
	Data []byte
	// Lines: Data is NDJSON; every line is a record (or several, or blank), and after a broken one the next line goes on.
	// Else Records says where the records are.
	Lines bool
	// Records are the bounds of each record in Data, when Lines is false. What lies between is white space, commas and
	// brackets, already seen to be in order.
	Records []Span
	// Line is the number of Data's first line in the object, from 1; 0 where it is not known, because other chunks of the
	// object are read at the same time. Then the lines of rejects are counted from the chunk's own first line.
	Line int64
}

// Span is a half-open stretch of bytes.
type Span struct{ Start, End int }

// Unit is what one map task decodes at once: a chunk of a large object, or many small objects. Units are ordered by
// (First, Number), and that order is the order of their rows' origins.
type Unit struct {
	// First is the index of the first object in it, Number the chunk's number inside that object, from 0.
	First, Number int
	Chunks        []Chunk
	// Broken are places where an object cannot be read on, each of which counts as one quarantined record: a truncated
	// gzip, a wrong checksum, a record above the size limit, text between records.
	Broken []Reject
}

// Bytes is how much text the unit holds.
func (u *Unit) Bytes() (n int64) {
	for i := range u.Chunks {
		n += int64(len(u.Chunks[i].Data))
	}
	return n
}

// Origin is where a row's record begins: the object and the byte in its decompressed content. Origins order the rows of
// a run: first by the object's Index, then by Offset.
type Origin struct {
	Object *Object
	Offset int64
}

// Less orders origins.
func (o Origin) Less(p Origin) bool {
	if o.Object.Index != p.Object.Index {
		return o.Object.Index < p.Object.Index
	}
	return o.Offset < p.Offset
}

// Batch holds rows of one source, in the order of their origins.
//
// A batch belongs to whoever received it until they pass it on or Release it. Raw text stays valid as long as the batch.
type Batch struct {
	Source string
	// Record has the columns of the source's schema, NumRows values each. Any string column may be a
	// Dictionary<uint32, string>; the choice is made batch by batch.
	Record arrow.Record
	// Origins has NumRows entries.
	Origins []Origin
	// Raw has NumRows entries: the bytes of each row's record, for those that a later stage rejects. It aliases the
	// buffer the batch was decoded from, and is nil once the map step is over.
	Raw [][]byte
	// Rejected rows by number, in no order; the engine takes them out after each stage.
	Rejected []Rejection
}

// Rejection sets one row of a batch aside.
type Rejection struct {
	Row    int
	Rule   string // the rule's name, as counted in the summary
	Reason string // for people
}

// Reject sets row aside under a rule. Once a row: the first rejection wins.
func (b *Batch) Reject(row int, rule, reason string) {
	b.Rejected = append(b.Rejected, Rejection{row, rule, reason})
}

// NumRows is the number of rows.
func (b *Batch) NumRows() int { return int(b.Record.NumRows()) }

// Column is the position of the column with the name, or -1.
func (b *Batch) Column(name string) int {
	if at := b.Record.Schema().FieldIndices(name); len(at) == 1 {
		return at[0]
	}
	return -1
}

// SetColumn puts col, which has NumRows values of the column's type (a string column may be a Dictionary<uint32, string>
// instead), in the place of the column at position i. It takes over col.
func (b *Batch) SetColumn(i int, col arrow.Array) {
	cols := make([]arrow.Array, b.Record.NumCols())
	cols[i] = col
	b.SetColumns(cols)
}

// SetColumns is SetColumn for all columns at once; nil leaves a column as it is. The slice is the batch's then.
func (b *Batch) SetColumns(cols []arrow.Array) {
	old := b.Record
	fields := slices.Clone(old.Schema().Fields())
	for i, c := range cols {
		if c == nil {
			cols[i] = old.Column(i)
			cols[i].Retain()
		} else {
			fields[i].Type = c.DataType()
		}
	}
	b.Record = array.NewRecord(arrow.NewSchema(fields, nil), cols, old.NumRows())
	old.Release()
	for _, c := range cols {
		c.Release()
	}
}

// Release gives the batch's memory back.
func (b *Batch) Release() {
	if b.Record != nil {
		b.Record.Release()
		b.Record = nil
	}
}

// Reject is a record, or what should have been one, that goes to the quarantine.
type Reject struct {
	Origin
	Source string // the record's own, else the object's
	Line   int64  // first line of the record in its object, from 1
	// Length is how many bytes of the object's content, from Offset on, it stands for: what was given up with the record may hold
	// further ones. 0: the record at Offset, or nothing that is there.
	Length int64
	Rule   string // json, encoding, depth, size, object, required, type, event_time, broken, or a rule's name
	Reason string
	// Payload is the record's text as it stood. Only what passes the record size limit is cut (Truncated).
	Payload   []byte
	Truncated bool
	// Record: Payload is one whole record, which was read as one of Source. Else nobody knows what it holds.
	Record bool
	// Withheld: there is no Payload, because it may have held what the source masks.
	Withheld bool
	// Masked: values in Payload were replaced by what the source's masks make of them.
	Masked bool
}
