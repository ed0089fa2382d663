package decode

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// common fills the common columns of the record at work, which begins at p of its text, or says why it cannot be kept.
func (d *Decoder) common(c *batch.Chunk, p int) *fail {
	r := &d.record
	t := r.plan.table
	if t.schema == nil {
		return nil
	}
	if r.misfit != nil {
		return r.misfit
	}
	for _, i := range t.must {
		v := t.vecs[i]
		if v.n <= r.row { // nulls are only padded when a later value comes
			return &fail{rule: "required", reason: "no " + t.schema.Columns[i].Path.String()}
		}
	}
	arrived := d.arrived(c)
	if f := d.eventTime(arrived); f != nil {
		return f
	}
	if t.arrived >= 0 {
		t.vecs[t.arrived].addInt64(arrived)
	}
	if t.id >= 0 {
		if err := d.recordID(t.vecs[t.id], p); err != nil {
			return faultOf(err)
		}
	}
	if t.quality >= 0 {
		t.vecs[t.quality].addFloat64(1)
	}
	return nil
}

// arrived is the envelope's ingested_at, else the object's time.
func (d *Decoder) arrived(c *batch.Chunk) int64 {
	r := &d.record
	if r.plan.envelope {
		switch k := r.kind(isIngestedAt); {
		case k == 0 || k == 'n':
		case k == '{' || k == '[':
			d.lost(&atIngestedAt, r.top[isIngestedAt])
		case r.top[isIngestedAt].quick:
			return r.arrived
		default:
			text := d.content(r.top[isIngestedAt])
			for _, l := range arrivals {
				if ms, sub, ok := l.Parse(text); ok && l.Numeric() == (k != '"') {
					if sub > 0 {
						r.floored++
					}
					return ms
				}
			}
			d.lost(&atIngestedAt, r.top[isIngestedAt])
		}
	}
	return c.Object.Arrived
}

// lost rescues a value of the envelope that is not what it should be.
func (d *Decoder) lost(at *place, v value) {
	if d.holds(v) {
		d.record.rescued = append(d.record.rescued, loose{member: at.member, text: at.text, path: at.path, value: v})
	}
}

var atRecordID, atIngestedAt = newPlace(schema.Path{"record_id"}), newPlace(schema.Path{"ingested_at"})

var arrivals = []*timeparse.Layout{compile(timeparse.RFC3339), compile(timeparse.Epoch)}

func compile(format string) *timeparse.Layout {
	l, err := timeparse.Compile(format, nil)
	if err != nil {
		panic(err) // a constant of that package
	}
	return l
}

// recordID stores the envelope's record_id, or the hash of the record's content.
func (d *Decoder) recordID(v *vector, p int) error {
	r := &d.record
	var sum [2]uint64
	var err error
	if r.plan.envelope {
		switch k := r.kind(isRecordID); {
		case k == '"' || k == '-' || k >= '0' && k <= '9':
			if id := d.content(r.top[isRecordID]); len(id) > 0 {
				v.addText(id)
				return nil
			}
		case k != 0 && k != 'n':
			d.lost(&atRecordID, r.top[isRecordID])
		}
		sum, err = d.o.Limits.Hash(r.b, p, "record_id", "ingested_at")
	} else {
		sum, err = d.o.Limits.Hash(r.b, p)
	}
	if err != nil {
		return err
	}
	var raw [16]byte
	for i := range 8 {
		raw[i], raw[8+i] = byte(sum[0]>>(56-8*i)), byte(sum[1]>>(56-8*i))
	}
	v.addText(hex.AppendEncode(r.text[:0], raw[:]))
	return nil
}

// eventTime stores the event time, or what stands for it.
func (d *Decoder) eventTime(arrived int64) *fail {
	r := &d.record
	t := r.plan.table
	s := &t.schema.EventTime
	if t.event < 0 {
		return nil
	}
	v := t.vecs[t.event]
	if r.time.kind != 0 && r.time.kind != 'n' {
		if text, ok := d.digits(r.time); ok {
			for i, l := range t.times {
				ms, sub, ok := r.moment, int32(0), true
				if i > 0 || !r.time.quick {
					ms, sub, ok = l.Parse(text)
				}
				if !ok || ms < s.Min || ms-arrived > s.MaxFuture {
					continue
				}
				if sub > 0 {
					r.floored++
				}
				v.addInt64(ms)
				if i > 0 && !believed(l, text, ms) {
					r.unlike = append(r.unlike, r.plan.time.text)
				}
				return nil
			}
		}
		at := &r.plan.time.place // a column of its own may have taken it already
		if d.holds(r.time) && !slices.ContainsFunc(r.rescued, func(l loose) bool { return l.start == r.time.start }) {
			r.rescued = append(r.rescued, loose{member: at.member, text: at.text, path: at.path, value: r.time})
		}
	}
	if s.Missing == schema.MissingQuarantine {
		if r.time.kind != 0 {
			return &fail{rule: "event_time", reason: fmt.Sprintf("%s is no usable event time: %s", s.Path, excerpt(r.b[r.time.start:r.time.end]))}
		}
		return &fail{rule: "event_time", reason: "no event time"}
	}
	r.late = true
	v.addInt64(arrived)
	return nil
}

// accept keeps the record at work, which is Data[start:end] of the chunk.
func (d *Decoder) accept(c *batch.Chunk, start, end int) error {
	r := &d.record
	t := r.plan.table
	o := batch.Origin{Object: c.Object, Offset: c.Offset + int64(start)}
	n := d.countOf(t)
	n.Records++
	n.DuplicateKeys += max(r.doubled, 0)
	n.Floored += r.floored
	n.Unknown += r.homeless
	n.Dropped += r.dropped
	if r.late {
		n.NoEventTime++
	}
	if len(r.unlike)+len(r.empty) > 0 {
		d.doubt(t.source)
	}
	if t.source != c.Object.Source {
		n.SourceDiffers++
	}
	if t.observed {
		d.observer.Record(t.source, r.plan.envelope, o)
	}
	if d.observer != nil {
		for _, l := range r.unknown {
			d.observer.Unknown(t.source, r.plan.envelope, o, l.path, r.b, l.start, l.end)
		}
	}
	if t.schema == nil {
		return nil
	}
	if len(r.rescued) > 0 {
		if err := d.rescue(n); err != nil {
			return err
		}
	}
	for _, v := range r.checks {
		if v.text.full() {
			v.text.toPlain(v.nulls)
		}
	}
	t.rows.origins = append(t.rows.origins, o)
	t.rows.raw = append(t.rows.raw, c.Data[start:end])
	return nil
}

// rescue writes _rescued: the values without a place, in the order in which they stand in the record.
func (d *Decoder) rescue(n *Counts) error {
	r := &d.record
	if len(r.rescued) > 1 {
		slices.SortStableFunc(r.rescued, func(a, b loose) int { return cmp.Compare(a.start, b.start) })
	}
	n.Rescued++
	for _, l := range r.rescued {
		if l.text != "" {
			n.RescuedBy[l.text]++
		}
	}
	t := r.plan.table
	if t.rescued < 0 {
		return nil
	}
	text := append(r.text[:0], '{')
	for i, l := range r.rescued {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, l.member...)
		text = jsontext.AppendCompact(text, r.b[l.start:l.end])
	}
	text = append(text, '}')
	r.text = text
	v := t.vecs[t.rescued]
	if len(v.text.heap)+len(text) > math.MaxInt32 {
		return fmt.Errorf("%w: _rescued of source %s passes 2 GiB", ErrTooLarge, t.source)
	}
	v.pad(r.row)
	v.addText(text)
	return nil
}

func excerpt(text []byte) string {
	const most = 60
	if len(text) <= most {
		return string(bytes.ToValidUTF8(text, []byte("\ufffd")))
	}
	return string(bytes.ToValidUTF8(text[:most], []byte("\ufffd"))) + "…"
}

// doubt counts what speaks against the schema.
func (d *Decoder) doubt(source string) {
	c := d.out.Doubts[source]
	if c == nil {
		c = &Doubts{Unlike: map[string]int64{}}
		if d.out.Doubts == nil {
			d.out.Doubts = map[string]*Doubts{}
		}
		d.out.Doubts[source] = c
	}
	for _, path := range d.record.unlike {
		c.Unlike[path]++
	}
	for _, e := range d.record.empty {
		c.Empty++
		e.at.empty = e.at.empty || e.once
	}
}

// void is a member that holds nothing. once: others like it at the same path need not be counted.
type void struct {
	at   *place
	once bool
}

// void notes a member that holds nothing and has no column.
func (d *Decoder) void(at *place, v value) {
	if once := v.kind == 'n' || v.end-v.start == len("{}"); !once || !at.empty {
		d.record.empty = append(d.record.empty, void{at, once})
	}
}

// mostQuoted is how long a number in quotes may be for inference to take it for one.
const mostQuoted = 64

// plainDigits reports whether a number is spelled without fraction and exponent: to inference it is a whole number then.
func plainDigits(text []byte) bool {
	for _, c := range text {
		if c == '.' || c|0x20 == 'e' {
			return false
		}
	}
	return true
}

// believed reports whether inference takes a text that is no RFC 3339 but has been read as a time for an event time: a date, or an
// epoch between the years 1990 and 2100.
func believed(l *timeparse.Layout, text []byte, ms int64) bool {
	const year1990, year2101 = 631152000000, 4133980800000
	if l.Numeric() {
		return ms >= year1990 && ms < year2101
	}
	_, date := timeparse.Date(text)
	return date
}
