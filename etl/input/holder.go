package input

import "datalake/pkg/jsontext"

// inside scans a holder: a top-level object that has its records in an array at path. It returns to between records when
// it enters that array, and is back when the array has ended.
//
// The objects on the way to the array are the first match+1 brackets of holder; only the keys of the last of them are
// compared. What is no object on the way is passed over by counting brackets.
func (s *scanner) inside(b []byte) (event, bool) {
	for s.pos < len(b) {
		if s.quoted {
			s.inString(b)
			if !s.quoted && s.key >= 0 {
				s.hit = !s.torn && b[s.pos-1] == '"' && isKey(b[s.key+1:s.pos-1], s.path[s.match])
				s.key = -1
			}
			continue
		}
		level := len(s.holder) == s.match+1
		switch c := b[s.pos]; c {
		case '"':
			s.quoted = true
			if level && s.atKey {
				s.key, s.atKey = s.pos, false
			}
		case '\n':
			s.line = s.pos + 1
		case ',':
			if level {
				s.atKey, s.hit = true, false
			}
		case '{':
			if s.hit && level && s.match+1 < len(s.path) {
				s.match++
				s.atKey = true
			}
			s.hit = false
			s.holder = append(s.holder, c)
		case '[':
			if s.hit && level && s.match+1 == len(s.path) {
				s.hit, s.found = false, true
				s.state, s.inArray, s.want = between, true, firstValue
				s.pos++
				return 0, false
			}
			s.hit = false
			s.holder = append(s.holder, c)
		case '}', ']':
			s.holder, _ = closes(s.holder, c)
			s.match = min(s.match, max(len(s.holder)-1, 0))
			if len(s.holder) == 0 {
				s.pos++
				s.state = between
				if s.found {
					return 0, false
				}
				return s.fault("records_at", "the value holds no array of records there", s.start, s.pos)
			}
		}
		s.pos++
	}
	return 0, false
}

// isKey says that a string, given without its quotes, is the key.
func isKey(inner []byte, key string) bool {
	if string(inner) == key {
		return true
	}
	var room [64]byte
	return string(jsontext.AppendUnquoted(room[:0], inner)) == key
}
