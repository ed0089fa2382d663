package input

import (
	"bytes"
	"fmt"

	"datalake/pkg/jsontext"
)

// event is what the scanner found.
type event uint8

const (
	needMore   event = iota // the text ends here so far
	foundValue              // [start, pos) is a record
	foundFault              // [start, end) is text that belongs to no record; rule and reason say more
	textEnds                // the end, with nothing left open
	cutShort                // the end, within what begins at start; rule and reason say more
)

// state is what the scanner is in the middle of.
type state uint8

const (
	between  state = iota // nothing
	inRecord              // an object, or an array in an array
	inWord                // a number or literal
	inQuotes              // a string
	inJunk                // text that cannot be there
	inHolder              // a value that holds its records in an array
)

// expect is what may come next in the array of records.
type expect uint8

const (
	anything   expect = iota // after something broken
	firstValue               // or the end
	comma                    // or the end
	nextValue
)

// maxRescans bounds how often a text is scanned again from within a record that never ended.
const maxRescans = 100

// scanner finds the records in a text of values, of which it is shown a stretch at a time. Indexes are into the
// stretch.
type scanner struct {
	path []string // where a holder has its records; nil: the values are the records

	state state
	pos   int // the next byte
	start int // of what is open; -1: it began before the stretch
	end   int // of a fault
	rule  string
	why   string

	// The open record: its brackets, and whether the scan is inside a string of it.
	stack    []byte
	quoted   bool
	escaped  bool
	torn     bool // a string was ended by a line feed
	severals bool // it goes on behind its first line
	holders  bool // it is a top-level value that should have been a holder
	restart  int  // the first line of it at which another record might begin, or -1
	rescans  int

	// What went before the stretch: where that begins, the last byte before it that is no white space, and the indentation of
	// the line that it cuts, if it cuts one; blank: the cut is within that.
	from   int
	before byte
	indent []byte
	blank  bool

	// Where the current line begins, which may be before the stretch; how the line of the open record was indented, and how far
	// the record was from its beginning.
	line   int
	lead   []byte
	column int

	inArray bool
	want    expect

	// The open holder: the keys of path that its open objects have matched, and whether the value to come is at the next.
	holder []byte
	match  int
	atKey  bool
	hit    bool
	found  bool
	key    int // where the string being scanned begins, if it is a key to compare; else -1
}

// next goes on to the next event in b. Nothing follows b at eof; broken says that something should.
func (s *scanner) next(b []byte, eof, broken bool) event {
	for {
		var e event
		var done bool
		switch s.state {
		case between:
			e, done = s.gap(b)
		case inRecord:
			e, done = s.record(b)
		case inWord:
			e, done = s.word(b, eof && !broken)
		case inQuotes:
			e, done = s.quotes(b)
		case inJunk:
			e, done = s.junk(b)
		case inHolder:
			e, done = s.inside(b)
		}
		if done {
			return e
		}
		if s.pos == len(b) {
			if !eof {
				return needMore
			}
			if e, done := s.last(b, broken); done {
				return e
			}
		}
	}
}

// open begins something at pos.
func (s *scanner) open(st state) {
	s.state, s.start = st, s.pos
}

// gap looks for what comes next between records.
func (s *scanner) gap(b []byte) (event, bool) {
	for s.pos < len(b) {
		c := b[s.pos]
		switch {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			var feed int
			if s.pos, feed = pastBlanks(b, s.pos); feed >= 0 {
				s.line = feed + 1
			}
		case s.inArray && c == ',':
			if s.want == firstValue || s.want == nextValue {
				return s.stray(b, "a comma where a record should stand")
			}
			s.want = nextValue
			s.pos++
		case s.inArray && c == ']':
			missing := s.want == nextValue
			s.want = anything
			if missing {
				return s.fault("json", "the array ends after a comma", s.pos, s.pos)
			}
			s.pos++
			s.inArray = false
			if s.path != nil {
				s.state = inHolder
				return 0, false
			}
		case c == '[' && !s.inArray && s.path == nil:
			s.pos++
			s.inArray, s.want = true, firstValue
		case c == '{' || c == '[' || c == '"' || isWord(c):
			if s.inArray && s.want == comma {
				s.want = nextValue
				return s.fault("json", "a comma is missing between records", s.pos, s.pos)
			}
			s.begin(b, c)
			return 0, false
		default:
			s.open(inJunk)
			return 0, false
		}
	}
	return 0, false
}

// stray is the fault of one byte out of order.
func (s *scanner) stray(b []byte, why string) (event, bool) {
	s.pos++
	s.want = nextValue
	return s.fault("json", why, s.pos-1, s.pos)
}

func (s *scanner) fault(rule, why string, start, end int) (event, bool) {
	s.rule, s.why, s.start, s.end = rule, why, start, end
	return foundFault, true
}

// begin opens the value at pos, which begins with c.
func (s *scanner) begin(b []byte, c byte) {
	s.indented(b[:s.pos+1])
	s.lead = append(s.lead[:0], s.indent...)
	s.column = s.pos - s.line
	s.torn, s.severals, s.quoted, s.escaped, s.restart = false, false, false, false, -1
	s.holders = s.path != nil && !s.inArray
	switch {
	case c == '{' && s.holders:
		s.open(inHolder)
		s.pos++
		s.holder, s.match, s.atKey, s.hit, s.found, s.key = append(s.holder[:0], c), 0, true, false, false, -1
	case c == '{' || c == '[':
		s.open(inRecord)
		s.pos++
		s.stack = append(s.stack[:0], c)
	case c == '"':
		s.open(inQuotes)
		s.pos++
		s.quoted = true
	default:
		s.open(inWord)
	}
}

// value ends the open value at pos.
func (s *scanner) value() (event, bool) {
	s.state = between
	s.want = comma
	if s.torn {
		s.want = anything
	}
	if s.holders {
		return s.fault("records_at", "the value is no object that holds an array of records there", s.start, s.pos)
	}
	return foundValue, true
}

// word scans a number or literal.
func (s *scanner) word(b []byte, eof bool) (event, bool) {
	for s.pos < len(b) && isWord(b[s.pos]) {
		s.pos++
	}
	if s.pos == len(b) && !eof {
		return 0, false
	}
	if s.start >= 0 && (jsontext.Limits{}).Valid(b[s.start:s.pos]) == nil {
		return s.value()
	}
	s.state = inJunk
	return 0, false
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '+' || c == '.' || c == '_' || c >= 0x80
}

// quotes scans a string between records.
func (s *scanner) quotes(b []byte) (event, bool) {
	s.inString(b)
	switch {
	case s.torn:
		s.state = inJunk
	case !s.quoted:
		return s.value()
	}
	return 0, false
}

// junk passes over text that belongs to no record, up to where one may begin.
func (s *scanner) junk(b []byte) (event, bool) {
	for ; s.pos < len(b); s.pos++ {
		switch c := b[s.pos]; {
		case c == '\n':
			s.line = s.pos + 1
		case s.pos == s.start:
		case c == '{', s.inArray && (c == ',' || c == ']'), c == '[' && !s.inArray && s.path == nil && s.firstOnLine(b):
			return s.endJunk(b)
		}
	}
	return 0, false
}

func (s *scanner) firstOnLine(b []byte) bool {
	return s.line >= s.from && len(bytes.TrimLeft(b[s.line:s.pos], " \t")) == 0
}

func (s *scanner) endJunk(b []byte) (event, bool) {
	s.state, s.want = between, anything
	end, why := s.pos, "text where a record should begin"
	if s.start >= 0 {
		end = s.start + len(bytes.TrimRight(b[s.start:s.pos], " \t\r\n"))
		if c := b[s.start]; c > ' ' && c < 0x7f {
			why = fmt.Sprintf("%q where a record should begin", c)
		}
	}
	return s.fault("json", why, s.start, end)
}

// last settles what is open when the text ends. Not done: scanning goes on at pos.
func (s *scanner) last(b []byte, broken bool) (event, bool) {
	s.end = len(b)
	switch s.state {
	case inRecord:
		if s.restart >= 0 && !broken && s.rescans < maxRescans {
			s.rescans++
			return s.cut(b, s.restart, "the record does not end")
		}
		s.rule, s.why = "json", "the record does not end"
		if s.start < 0 {
			s.rule = "size"
		}
	case inHolder:
		s.rule, s.why = "json", "the value does not end"
		if s.found {
			s.start = len(b)
		}
	case inWord, inQuotes:
		if !broken {
			s.state = inJunk
			return s.endJunk(b)
		}
	case inJunk:
		if !broken {
			return s.endJunk(b)
		}
		s.rule, s.why = "json", "text where a record should begin"
	default:
		if !s.inArray {
			return textEnds, true
		}
		s.rule, s.why, s.start = "json", "the array does not end", len(b)
	}
	s.state, s.inArray, s.holder = between, false, s.holder[:0]
	return cutShort, true
}

// hold is the first index that the scanner must be shown again.
func (s *scanner) hold() int {
	switch {
	case s.state != between && s.start >= 0:
		return s.start
	case s.state == inHolder && s.key >= 0:
		return s.key
	}
	return s.pos
}

// forget lets the beginning of what is open go.
func (s *scanner) forget() {
	if s.start < 0 {
		s.key = -1
	}
	s.start, s.restart = -1, -1
}

// maxIndent is how much of a line's indentation counts.
const maxIndent = 4 << 10

// indented notes the current line's indentation as far as b goes.
func (s *scanner) indented(b []byte) {
	from := s.from
	if s.line >= from {
		from, s.indent, s.blank = s.line, s.indent[:0], true
	}
	n := from
	for s.blank && n < len(b) {
		if s.blank = b[n] == ' ' || b[n] == '\t'; s.blank {
			n++
		}
	}
	s.indent = append(s.indent, b[from:min(n, from+maxIndent-len(s.indent))]...)
}

// leave tells that the bytes before are not shown again; shift tells where they went, before the scanner goes on.
func (s *scanner) leave(before []byte) {
	if c := lastVisible(before[s.from:]); c != 0 {
		s.before = c
	}
	s.indented(before)
	s.from = len(before)
}

// shift tells that the stretch will begin d bytes later.
func (s *scanner) shift(d int) {
	for _, i := range []*int{&s.start, &s.restart, &s.key} {
		*i = max(*i-d, -1)
	}
	s.from -= d
	s.line -= d
	s.pos -= d
	s.end -= d
}
