package decode

import "datalake/pkg/timeparse"

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
