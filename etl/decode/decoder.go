package decode

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// Schemas gives a source's schema; nil: it has none yet, and its records give no rows. A Decoder asks once for each source.
type Schemas interface {
	Schema(source string) *schema.Schema
}

// Decoder turns units into batches. For one goroutine.
type Decoder struct {
	o        Options
	schemas  Schemas
	observer Observer

	tables  map[string]*table
	plans   map[planKey]*plan // by what a record says of its source
	names   map[string]string // of sources, as records spell them
	last    *plan             // of the last record: the next is most likely alike
	mixed   int               // records left whose source is looked for first (see guess)
	touched []*table          // with rows or counts in this unit

	record record
	keys   jsontext.Keys
	bytes  []byte // scratch
	out    *Output

	strict  bool               // no fast path; of tests
	general bool               // no plain ways either (see Decoder.take); of tests
	eager   bool               // the fast path never pauses; of tests
	folders map[string]*shapes // by folder; nil: none learned
	shapes  *shapes            // of the last record's folder
	steps   int                // of all shapes
	paths   Paths
}

// planKey is what decides the plan of a record.
type planKey struct {
	folder   string
	named    string // the envelope's source; "" for the folder's
	envelope bool
}

// New makes a decoder of the sources that schemas knows. observer may be nil. Errors come from Decode, when a source is
// met whose schema cannot be decoded into.
func New(o Options, schemas Schemas, observer Observer) (*Decoder, error) {
	o = o.withDefaults()
	return &Decoder{o: o, schemas: schemas, observer: observer, tables: map[string]*table{}, plans: map[planKey]*plan{}, names: map[string]string{}}, nil
}

// rows are the rows of a table's batch at work.
type rows struct {
	origins []batch.Origin
	raw     [][]byte
	counts  *Counts // of the source in this unit; nil: none yet
	touched bool
}

// Decode decodes one unit. Bad records are rejects, not errors. Errors: ErrSchema, ErrTooLarge.
func (d *Decoder) Decode(u *batch.Unit) (*Output, error) {
	d.out = &Output{Lines: make([]int64, len(u.Chunks)), Counts: map[string]*Counts{}}
	size := 0
	for i := range u.Chunks {
		size += len(u.Chunks[i].Data)
	}
	if size > maxText {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, size)
	}
	defer d.reset()
	for i := range u.Chunks {
		c := &u.Chunks[i]
		var err error
		if c.Lines {
			d.out.Lines[i], err = d.lines(c)
		} else {
			d.out.Lines[i], err = d.spans(c)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, r := range u.Broken {
		if r.Source == "" {
			r.Source = r.Object.Source
		}
		d.count(r.Source).Records++
		d.out.Rejects = append(d.out.Rejects, r)
	}
	if len(u.Broken) > 0 {
		slices.SortStableFunc(d.out.Rejects, func(a, b batch.Reject) int {
			return cmp.Or(cmp.Compare(a.Object.Index, b.Object.Index), cmp.Compare(a.Offset, b.Offset))
		})
	}
	for _, t := range d.touched {
		if len(t.rows.origins) > 0 {
			d.out.Batches = append(d.out.Batches, t.batch(d.o.Allocator))
		}
	}
	slices.SortFunc(d.out.Batches, func(a, b *batch.Batch) int { return cmp.Compare(a.Source, b.Source) })
	return d.out, nil
}

// maxText is how much text a unit may have: offsets of strings are 32 bits.
const maxText = 512 << 20

// reset makes ready for the next unit.
func (d *Decoder) reset() {
	for _, t := range d.touched {
		for _, v := range t.vecs {
			v.reset()
		}
		t.most = max(t.most, len(t.rows.origins))
		t.rows = rows{}
	}
	d.touched, d.out = d.touched[:0], nil
}

func (d *Decoder) count(source string) *Counts {
	c := d.out.Counts[source]
	if c == nil {
		c = &Counts{RescuedBy: map[string]int64{}}
		d.out.Counts[source] = c
	}
	return c
}

// countOf is count without the look-up.
func (d *Decoder) countOf(t *table) *Counts {
	if t.rows.counts == nil {
		t.rows.counts = d.count(t.source)
	}
	return t.rows.counts
}

func (d *Decoder) table(source string) (*table, error) {
	t := d.tables[source]
	if t == nil {
		var err error
		if t, err = newTable(source, d.schemas.Schema(source), d.o); err != nil {
			return nil, err
		}
		choosy, ok := d.observer.(Chooser)
		t.observed = d.observer != nil && (!ok || choosy.Wants(source))
		d.tables[source] = t
	}
	return t, nil
}

// touch makes the table take part in this unit.
func (d *Decoder) touch(t *table) {
	if !t.rows.touched {
		t.rows.touched = true
		if t.schema != nil {
			t.rows.origins, t.rows.raw = make([]batch.Origin, 0, t.most), make([][]byte, 0, t.most)
		}
		d.touched = append(d.touched, t)
	}
}

// lines decodes NDJSON: a newline ends a record, whatever stands before it. While a line is read, a NUL stands in the place
// of its newline, so that no scan runs on into the next.
func (d *Decoder) lines(c *batch.Chunk) (newlines int64, err error) {
	b := c.Data
	n := len(b) - jsontext.Padding
	for p := start(c, 0); p < n; {
		eol := n
		if i := bytes.IndexByte(b[p:n], '\n'); i >= 0 {
			eol = p + i
		}
		was := b[eol]
		b[eol] = 0
		err := d.line(c, b[:eol+jsontext.Padding], p, newlines)
		b[eol] = was
		if err != nil {
			return newlines, err
		}
		if eol < n {
			newlines++
		}
		p = eol + 1
	}
	return newlines, nil
}

// start is p, or the position after a byte order mark that begins the object.
func start(c *batch.Chunk, p int) int {
	if p == 0 && c.Offset == 0 && bytes.HasPrefix(c.Data, bom) {
		return len(bom)
	}
	return p
}

var bom = []byte("\xef\xbb\xbf")

// line decodes the records of the line that begins at p of b and ends where b does.
func (d *Decoder) line(c *batch.Chunk, b []byte, p int, before int64) error {
	eol := len(b) - jsontext.Padding
	for p = jsontext.Space(b, p); p < eol; p = jsontext.Space(b, p) {
		end, fault, err := d.one(c, b, p)
		if err != nil {
			return err
		}
		if fault == nil || fault.whole {
			if q := jsontext.Space(b, end); q < eol && b[q] != '{' {
				if fault == nil {
					d.undo()
				}
				fault = &fail{rule: "json", reason: "text after the record"}
			}
		}
		switch {
		case fault == nil:
			err = d.accept(c, p, end)
		case fault.whole && jsontext.Space(b, end) < eol:
			d.reject(c, p, end, max(c.Line, 1)+before, fault)
		default: // the line's last record, or where the next one begins is not known
			d.reject(c, p, eol, max(c.Line, 1)+before, fault)
			return nil
		}
		if err != nil {
			return err
		}
		p = end
	}
	return nil
}

// spans decodes records whose bounds are known.
func (d *Decoder) spans(c *batch.Chunk) (newlines int64, err error) {
	b := c.Data
	counted := 0
	for _, s := range c.Records {
		was := b[s.End]
		b[s.End] = 0
		text := b[:s.End+jsontext.Padding]
		from := start(c, s.Start)
		end, fault, err := d.one(c, text, jsontext.Space(text, from))
		if err == nil && (fault == nil || fault.whole) && jsontext.Space(text, end) < s.End {
			if fault == nil {
				d.undo()
			}
			fault = &fail{rule: "json", reason: "text after the record"}
		}
		b[s.End] = was
		if err == nil && fault == nil {
			err = d.accept(c, from, s.End)
		}
		if err != nil {
			return 0, err
		}
		if fault != nil {
			newlines += int64(bytes.Count(b[counted:from], newline))
			counted = from
			d.reject(c, from, s.End, max(c.Line, 1)+newlines, fault)
		}
	}
	return newlines + int64(bytes.Count(b[counted:len(b)-jsontext.Padding], newline)), nil
}

var newline = []byte{'\n'}

// fail is why a record is set aside.
type fail struct {
	rule, reason string
	source       string // empty: the folder's
	whole        bool   // the record is valid JSON, so that its end is known
}

func (d *Decoder) reject(c *batch.Chunk, start, end int, line int64, f *fail) {
	source, known := f.source, f.source != ""
	if !known {
		source = c.Object.Source
	}
	d.count(source).Records++
	d.out.Rejects = append(d.out.Rejects, batch.Reject{
		Origin: batch.Origin{Object: c.Object, Offset: c.Offset + int64(start)}, Source: source, Line: line, Length: int64(end - start),
		Rule: f.rule, Reason: f.reason, Record: known, Payload: bytes.Clone(bytes.TrimSuffix(c.Data[start:end], []byte{'\r'})),
	})
}

// batch makes the table's batch.
func (t *table) batch(mem memory.Allocator) *batch.Batch {
	n := len(t.rows.origins)
	fields := slices.Clone(t.schema.Arrow().Fields())
	cols := make([]arrow.Array, len(t.vecs))
	for i, v := range t.vecs {
		cols[i] = v.array(&t.schema.Columns[i].Type, n, mem)
		fields[i].Type = cols[i].DataType()
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(n))
	for _, c := range cols {
		c.Release()
	}
	return &batch.Batch{Source: t.source, Record: rec, Origins: t.rows.origins, Raw: t.rows.raw}
}
