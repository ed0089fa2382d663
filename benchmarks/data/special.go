package data

import (
	"strconv"
	"time"
)

// distinct sets up data in which nothing repeats: no record, and next to no value of a column. Some 380 bytes a line.
func (s *Set) distinct() {
	s.start = time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC).UnixMilli()
	s.unique = true
	s.sources = []string{"web_shop", "call_center", "partner_feed"}
	s.event = []string{"data", "occurred_at"}
	s.columns = []Column{
		{Path: []string{"data", "session"}, Name: "session", Type: "string"},
		{Path: []string{"data", "account"}, Name: "account", Type: "bigint"},
		{Path: []string{"data", "amount"}, Name: "amount", Type: "double"},
		{Path: []string{"data", "url"}, Name: "url", Type: "string"},
		{Path: []string{"data", "note"}, Name: "note", Type: "string"},
	}
	s.line = s.distinctLine
}

func (s *Set) distinctLine(_ *Scratch, dst []byte, h head) []byte {
	r := &h.r
	dst = append(s.envelope(dst, h), `"session":"`...)
	dst = hex(hex(dst, r.next()), r.next())
	dst = append(dst, `","occurred_at":"`...)
	dst = s.dates.append(dst, h.event, 3)
	dst = append(dst, `Z","account":`...)
	dst = strconv.AppendUint(dst, r.n(1e15), 10)
	dst = append(dst, `,"amount":`...)
	dst = strconv.AppendUint(dst, r.n(1e6), 10)
	dst = padded(append(dst, '.'), r.n(1e6), 6)
	dst = append(dst, `,"url":"https://shop.example/item/`...)
	dst = strconv.AppendUint(dst, r.n(1e12), 10)
	dst = append(dst, `?ref=`...)
	dst = hex(dst, r.next())
	dst = append(dst, `","note":"`...)
	for i := range r.between(3, 8) {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, pick(r, firstParts)...)
		dst = strconv.AppendUint(append(dst, '-'), r.n(100_000), 10)
	}
	return append(dst, "\"}}\n"...)
}

// MaxPartitions bounds Options.Partitions: 3 sources, and no event before the year 2000.
const MaxPartitions = 20_000

// skewed sets up clean data whose event times lie on as many days as there are to be partitions: 95 % of the records in one
// partition, the rest spread evenly over the others. The records differ in nothing else from those with another number of them.
func (s *Set) skewed() {
	s.clean()
	clean := s.line
	s.line = func(scr *Scratch, dst []byte, h head) []byte {
		of := newRNG(s.o.Seed, h.id[0], 6) // lines of one record stay together
		p := 0
		if of.n(20) == 0 && s.o.Partitions > 1 {
			p = 1 + int(of.n(uint64(s.o.Partitions-1)))
		}
		h.source = p % len(s.sources)
		h.event = h.event%msPerDay - int64(p/len(s.sources))*msPerDay
		return clean(scr, dst, h)
	}
}

// spaced makes lines with spaces of a kind of line. It must not have any after its commas and colons.
func spaced(line func(s *Scratch, dst []byte, h head) []byte) func(s *Scratch, dst []byte, h head) []byte {
	return func(scr *Scratch, dst []byte, h head) []byte {
		r := h.r
		scr.line = line(scr, scr.line[:0], h)
		in := false // a string
		for i := 0; i < len(scr.line); i++ {
			c := scr.line[i]
			dst = append(dst, c)
			switch {
			case c == '\\':
				i++
				dst = append(dst, scr.line[i])
			case c == '"':
				in = !in
			case !in && (c == ',' || c == ':') && r.n(2) == 0:
				dst = append(dst, ' ')
			}
		}
		return dst
	}
}
