package data

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Kinds of data.
const (
	Clean    = "clean"
	Dirty    = "dirty"
	Distinct = "distinct"
	Skewed   = "skewed"
)

// Kinds are all of them.
func Kinds() []string { return []string{Clean, Dirty, Distinct, Skewed} }

// MaxRecords bounds Options.Records: within five days there are no more distinct even milliseconds.
const MaxRecords = days * msPerDay / 2

// ErrOptions: the kind is unknown, or the number of records out of bounds.
var ErrOptions = errors.New("no such data")

// Options choose a Set.
type Options struct {
	Kind    string // one of Kinds
	Records int    // lines, repeated records too; 1 to MaxRecords
	Seed    uint64
	// Partitions of skewed data; 0: 20.
	Partitions int
	// Spaced puts a space, or none, after each comma and colon, so that hardly two lines have the same bytes between their values.
	Spaced bool
}

// Column is one value of a record that becomes a column. The common columns are not among them.
type Column struct {
	Path []string `json:"path"` // keys from the record's root
	Name string   `json:"name"` // what the engine calls the column where none is declared
	Type string   `json:"type"` // as lake.yaml has it: string, boolean, bigint, double, timestamp, list<…>
}

// Set is a set of records. Immutable; safe for concurrent use.
type Set struct {
	o       Options
	sources []string
	columns []Column
	event   []string // path of the event time
	start   int64    // first event time, milliseconds since 1970
	unique  bool     // no record comes twice
	slot    int64    // milliseconds between lines, even
	dates   dates
	// line appends the line's text, newline included.
	line func(s *Scratch, dst []byte, h head) []byte
}

// New draws the set. Errors: ErrOptions.
func New(o Options) (*Set, error) {
	if o.Records < 1 || o.Records > MaxRecords {
		return nil, fmt.Errorf("%w: %d records, allowed are 1 to %d", ErrOptions, o.Records, MaxRecords)
	}
	s := &Set{o: o, slot: days * msPerDay / int64(o.Records) &^ 1}
	earlier := 400 // days before the start that dates are needed of
	switch o.Kind {
	case Clean:
		s.clean()
	case Dirty:
		s.dirty()
	case Distinct:
		s.distinct()
	case Skewed:
		if s.o.Partitions == 0 {
			s.o.Partitions = 20
		}
		if s.o.Partitions < 1 || s.o.Partitions > MaxPartitions {
			return nil, fmt.Errorf("%w: %d partitions, allowed are 1 to %d", ErrOptions, o.Partitions, MaxPartitions)
		}
		earlier += s.o.Partitions
		s.skewed()
	default:
		return nil, fmt.Errorf("%w: kind %q, known are %s", ErrOptions, o.Kind, strings.Join(Kinds(), ", "))
	}
	if o.Spaced {
		s.line = spaced(s.line)
	}
	s.dates = newDates(s.start, earlier)
	return s, nil
}

// Sources are the names of the sources, as the envelopes have them.
func (s *Set) Sources() []string { return s.sources }

// Columns are the columns of every source, without the event time.
func (s *Set) Columns() []Column { return s.columns }

// EventTime is the path of the event time.
func (s *Set) EventTime() []string { return s.event }

// flush is how much text Write gathers before it writes.
const flush = 256 << 10

// Write writes all records as NDJSON, and gives the number of bytes. Errors are the writer's.
func (s *Set) Write(w io.Writer) (n int64, err error) {
	var scr Scratch
	buf := make([]byte, 0, flush+64<<10)
	for i := range s.o.Records {
		buf = s.Append(&scr, buf, i)
		if len(buf) >= flush || i == s.o.Records-1 {
			m, err := w.Write(buf)
			n += int64(m)
			if err != nil {
				return n, err
			}
			buf = buf[:0]
		}
	}
	return n, nil
}

// Scratch is what making a line needs, kept from line to line. The zero value is ready.
type Scratch struct {
	order []uint8
	line  []byte
}

// Append appends line i, 0 to Records-1, with its newline.
func (s *Set) Append(scr *Scratch, dst []byte, i int) []byte {
	return s.line(scr, dst, s.head(i))
}

// head is what is settled of a line before its data is.
type head struct {
	r        rng
	id       [2]uint64
	source   int
	ingested int64 // milliseconds from the start of the set
	event    int64
}

// head settles which record line i is of, and the times. Lines of one record share id and source; ingested differs.
func (s *Set) head(i int) head {
	base, earlier := i, false
	for {
		j, again, before := s.repeats(base)
		if !again {
			break
		}
		if base == i {
			earlier = before
		}
		base = j
	}
	r := newRNG(s.o.Seed, uint64(base), 1)
	h := head{r: newRNG(s.o.Seed, uint64(i), 2), id: [2]uint64{r.next(), r.next()}, source: int(r.n(uint64(len(s.sources))))}
	first := s.time(base)
	h.ingested = s.time(i)
	if earlier {
		// Odd, as no line's own time is; another one for each of a record's lines.
		h.ingested = first - 1 - 2*int64(i&(1<<20-1))
	}
	h.event = max(first-int64(r.n(30_000)), 0)
	if base != i && h.r.n(8) == 0 {
		h.event = max(h.event-msPerDay, 0)
	}
	return h
}

// repeats says whether line i is of the same record as an earlier line, which one, and whether it was ingested before it.
func (s *Set) repeats(i int) (line int, again, before bool) {
	r := newRNG(s.o.Seed, uint64(i), 3)
	if i == 0 || s.unique || r.n(20) != 0 {
		return 0, false, false
	}
	back := uint64(i)
	if r.n(2) == 0 {
		back = min(back, 1000) // near
	}
	return i - 1 - int(r.n(back)), true, r.n(2) == 0
}

// time is when line i came in, an even number of milliseconds from the set's start.
func (s *Set) time(i int) int64 {
	r := newRNG(s.o.Seed, uint64(i), 4)
	return int64(i)*s.slot + 2*int64(r.n(uint64(s.slot/2)))
}

// Lake is the lake.yaml of the set: all columns declared, and the latest line of a record kept. It drops what it does not
// declare, as engines with a fixed schema do.
func (s *Set) Lake() []byte {
	var b strings.Builder
	b.WriteString("version: 1\nsources:\n")
	for i, source := range s.sources {
		if i > 0 {
			fmt.Fprintf(&b, "  %s: *same\n", source)
			continue
		}
		fmt.Fprintf(&b, "  %s: &same\n    envelope: envelope\n", source)
		fmt.Fprintf(&b, "    event_time: {path: %s, formats: [rfc3339]}\n", strings.Join(s.event, "."))
		b.WriteString("    dedupe: {key: [record_id], scope: table, keep: {latest: ingested_at}}\n")
		b.WriteString("    partition_by: [source, year, month, day]\n    other_columns: drop\n    columns:\n")
		for _, c := range s.columns {
			fmt.Fprintf(&b, "      - {path: %s, name: %s, type: %q", strings.Join(c.Path, "."), c.Name, c.Type)
			if c.Type == "timestamp" {
				b.WriteString(", formats: [rfc3339]")
			}
			b.WriteString("}\n")
		}
	}
	return []byte(b.String())
}

const (
	days     = 5
	msPerDay = 24 * 60 * 60 * 1000
	// after is how many days from the set's start have a text ready.
	after = days + 2
)

// dates are the days around a set's start as text, YYYY-MM-DD.
type dates struct {
	before int64 // how many lie before the start
	text   []string
}

func newDates(start int64, before int) dates {
	d := dates{before: int64(before), text: make([]string, before+after)}
	for i := range d.text {
		d.text[i] = time.UnixMilli(start + int64(i-before)*msPerDay).UTC().Format(time.DateOnly)
	}
	return d
}

// append appends a time, given in milliseconds from the set's start, without an offset. fraction is the number of digits: 3 or 0.
func (d *dates) append(dst []byte, ms int64, fraction int) []byte {
	ms += d.before * msPerDay
	day := ms / msPerDay
	ms -= day * msPerDay
	dst = append(dst, d.text[day]...)
	h, m, sec := ms/3_600_000, ms/60_000%60, ms/1000%60
	dst = append(dst, 'T', byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10), ':', byte('0'+sec/10), byte('0'+sec%10))
	if fraction > 0 {
		ms %= 1000
		dst = append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	}
	return dst
}
