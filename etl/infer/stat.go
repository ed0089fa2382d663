package infer

import (
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// stat counts the scalars of one path, or of the arrays at one path.
type stat struct {
	bools, strings int64
	numbers        number // as numbers
	quoted         number // as strings that are exactly the text of a number
	dates, stamps  int64  // strings
}

// number counts numbers.
type number struct {
	ints   int64 // without fraction and exponent
	beyond int64 // of these, those that int64 does not hold
	lossy  int64 // of the others, those that double does not carry
	floats int64
}

func (n *number) add(text []byte, integer bool) {
	if !integer {
		n.floats++
		return
	}
	n.ints++
	if len(text) <= 15 {
		return // held by both
	}
	if _, ok := jsontext.Int64(text); !ok {
		n.beyond++
	} else if _, exact, ok := jsontext.Float64(text); !ok || !exact {
		n.lossy++
	}
}

func (n *number) merge(m *number) {
	n.ints += m.ints
	n.beyond += m.beyond
	n.lossy += m.lossy
	n.floats += m.floats
}

func (n *number) count() int64 { return n.ints + n.floats }

var (
	rfc3339 = layout(timeparse.RFC3339)
	epoch   = layout(timeparse.Epoch)
)

func layout(format string) *timeparse.Layout {
	l, err := timeparse.Compile(format, nil)
	if err != nil {
		panic(err) // a constant of that package
	}
	return l
}

// add takes in a scalar, given as its JSON text. scratch is memory to use.
func (s *stat) add(scratch *[]byte, text []byte) {
	switch text[0] {
	case 't', 'f':
		s.bools++
	case '"':
		content := unquoted(scratch, text)
		if integer, ok := isNumber(content); ok {
			s.quoted.add(content, integer)
		}
		// Dates and times only count if every string is one: once they have fallen behind, they are not looked for.
		if s.dates == s.strings {
			if _, ok := timeparse.Date(content); ok {
				s.dates++
			}
		}
		if s.stamps == s.strings {
			if _, _, ok := rfc3339.Parse(content); ok {
				s.stamps++
			}
		}
		s.strings++
	default:
		integer := true
		for _, c := range text {
			if c == '.' || c|0x20 == 'e' {
				integer = false
			}
		}
		s.numbers.add(text, integer)
	}
}

// unquoted is the content of a JSON string, valid until scratch is used again.
func unquoted(scratch *[]byte, text []byte) []byte {
	inner := text[1 : len(text)-1]
	for _, c := range inner {
		if c == '\\' || c >= 0x80 {
			*scratch = jsontext.AppendUnquoted((*scratch)[:0], inner)
			return *scratch
		}
	}
	return inner
}

// isNumber says whether text is exactly a JSON number.
func isNumber(text []byte) (integer, ok bool) {
	if len(text) == 0 || len(text) > 64 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return false, false
	}
	var padded [64 + jsontext.Padding]byte
	n := copy(padded[:], text)
	end, integer, err := jsontext.Limits{}.Number(padded[:], 0)
	return integer, err == nil && end == n
}

// The years within which a number is believed to be an epoch.
const (
	leastEpoch    = 631152000000  // 1990 in milliseconds since 1970
	greatestEpoch = 4133980800000 // 2101
)

// isTime says whether a scalar can be an event time.
func isTime(scratch *[]byte, text []byte) bool {
	content := text
	if text[0] == '"' {
		content = unquoted(scratch, text)
		if _, ok := timeparse.Date(content); ok {
			return true
		}
		if _, _, ok := rfc3339.Parse(content); ok {
			return true
		}
	}
	ms, _, ok := epoch.Parse(content)
	return ok && ms >= leastEpoch && ms < greatestEpoch
}

func (s *stat) merge(t *stat) {
	s.bools += t.bools
	s.strings += t.strings
	s.dates += t.dates
	s.stamps += t.stamps
	s.numbers.merge(&t.numbers)
	s.quoted.merge(&t.quoted)
}

func (s *stat) count() int64 { return s.bools + s.strings + s.numbers.count() }

// kind is the type of the scalars; 0 if there are none.
func (s *stat) kind() schema.Kind {
	switch {
	case s.count() == 0:
		return 0
	case s.bools == s.count():
		return schema.Boolean
	case s.bools > 0:
		return schema.JSON
	case s.strings == s.count():
		switch s.strings {
		case s.dates:
			return schema.Date
		case s.stamps:
			return schema.Timestamp
		}
		return schema.String
	case s.strings > s.quoted.count():
		return schema.JSON
	}
	all := s.numbers
	all.merge(&s.quoted)
	switch {
	case all.floats == 0 && all.beyond*2 <= all.ints:
		return schema.Bigint
	case all.floats == 0, all.lossy == 0:
		return schema.Double
	}
	return schema.JSON
}
