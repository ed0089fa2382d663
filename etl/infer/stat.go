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

// addString takes in what a string holds. timely: it is a date or a time for certain.
func (s *stat) addString(text []byte) (timely bool) {
	if integer, ok := isNumber(text); ok {
		s.quoted.add(text, integer)
	}
	// Dates and times only count if every string is one: once they have fallen behind, they are not looked for.
	if s.dates == s.strings {
		if _, ok := timeparse.Date(text); ok {
			s.dates++
			timely = true
		}
	}
	if s.stamps == s.strings {
		if _, _, ok := rfc3339.Parse(text); ok {
			s.stamps++
			timely = true
		}
	}
	s.strings++
	return timely
}

// mostNumber is how long a string may be that is a number.
const mostNumber = 64

// isNumber says whether text is exactly a JSON number. Most strings are none by their first byte, or by the first that no
// number has: a digest is none within a few bytes, without its being read as a number.
func isNumber(text []byte) (integer, ok bool) {
	if len(text) == 0 || len(text) > mostNumber || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return false, false
	}
	for _, c := range text {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c|0x20 != 'e' {
			return false, false
		}
	}
	var padded [mostNumber + jsontext.Padding]byte
	n := copy(padded[:], text)
	end, integer, err := jsontext.Limits{}.Number(padded[:], 0)
	return integer, err == nil && end == n
}

// The years within which a number is believed to be an epoch.
const (
	leastEpoch    = 631152000000  // 1990 in milliseconds since 1970
	greatestEpoch = 4133980800000 // 2101
)

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
