package input

import "bytes"

// isPlain says which bytes a scan passes over outside of strings: all but brackets, quotes and line feeds.
var isPlain = func() (plain [256]bool) {
	for i := range plain {
		plain[i] = true
	}
	for _, c := range []byte("{}[]\"\n") {
		plain[c] = false
	}
	return plain
}()

// isInside says which bytes of a string are passed over: all but its end and what may be an end.
var isInside = func() (inside [256]bool) {
	for i := range inside {
		inside[i] = i != '"' && i != '\\' && i != '\n'
	}
	return inside
}()

// record scans the open record to its end.
func (s *scanner) record(b []byte) (event, bool) {
	if s.quoted {
		s.inString(b)
	}
	p := s.pos
	for p < len(b) {
		c := b[p]
		if isPlain[c] {
			p++
			continue
		}
		switch c {
		case '"':
			for p++; p < len(b) && isInside[b[p]]; {
				p++
			}
			if p < len(b) && b[p] == '"' {
				break
			}
			s.pos, s.quoted = p, true
			s.inString(b)
			p = s.pos
			continue
		case '\n':
			s.line, s.severals = p+1, true
		case '{', '[':
			if c == '{' && s.severals {
				if s.pos = p; s.beginsLine(b) {
					if !s.fits(b) {
						return s.cut(b, s.line, "the record does not end before the line on which another begins")
					}
					if s.restart < 0 {
						s.restart = s.line
					}
				}
			}
			s.stack = append(s.stack, c)
		default:
			left := s.stack[:len(s.stack)-1]
			if s.stack[len(left)] != c-2 {
				var ok bool
				if left, ok = closes(s.stack, c); !ok && c == ']' && s.inArray {
					return s.cut(b, p, "the record does not end before its array does")
				}
				s.torn = true
			}
			if s.stack = left; len(left) == 0 {
				s.pos = p + 1
				return s.value()
			}
		}
		p++
	}
	s.pos = p
	return 0, false
}

// inString passes over the rest of the string that pos is in, or of the stretch.
func (s *scanner) inString(b []byte) {
	for s.pos < len(b) {
		if s.escaped {
			s.escaped = false
			if b[s.pos] != '\n' {
				s.pos++
				continue
			}
		}
		p := s.pos
		for p < len(b) && b[p] != '"' && b[p] != '\\' && b[p] != '\n' {
			p++
		}
		s.pos = p
		if p == len(b) {
			return
		}
		switch b[p] {
		case '\\':
			s.escaped = true
			s.pos++
		case '"':
			s.quoted = false
			s.pos++
			return
		default: // the line feed is the record's
			s.quoted, s.torn = false, true
			return
		}
	}
}

// closes returns what is left of a stack of brackets when c closes the last one of its kind; not ok if there is none.
func closes(stack []byte, c byte) (left []byte, ok bool) {
	i := bytes.LastIndexByte(stack, c-2)
	if i < 0 {
		return stack, false
	}
	return stack[:i], true
}

// beginsLine says that nothing but indentation like that of the open record's first line, and perhaps a comma, stands
// before pos on its line.
func (s *scanner) beginsLine(b []byte) bool {
	if s.line < s.from {
		return false
	}
	before := b[s.line:s.pos]
	n := len(before)
	if i := bytes.IndexByte(before, ','); i >= 0 {
		if len(bytes.Trim(before[i+1:], " \t")) > 0 {
			return false
		}
		n = i
	}
	if len(bytes.TrimLeft(before[:n], " \t")) > 0 {
		return false
	}
	return bytes.Equal(before[:n], s.lead) || len(before) == s.column
}

// fits says that an object may stand at pos, which begins a line, in the open record.
func (s *scanner) fits(b []byte) bool {
	if s.torn {
		return false
	}
	last := s.before
	from := max(s.start, s.from)
	if t := bytes.TrimRight(b[from:s.pos], " \t\r\n"); len(t) > 0 {
		last = t[len(t)-1]
	}
	switch s.stack[len(s.stack)-1] {
	case '[':
		return last == ',' || last == '['
	default:
		return last == ':'
	}
}

// cut ends the open record, as broken, before the line at which the next one is looked for.
func (s *scanner) cut(b []byte, at int, why string) (event, bool) {
	s.state, s.pos, s.want = between, at, anything
	if at > 0 && b[at-1] == '\n' {
		s.line = at
	}
	rule := "json"
	end := at
	if s.start < 0 {
		rule = "size"
	} else {
		end = s.start + len(bytes.TrimRight(b[s.start:at], " \t\r\n"))
	}
	return s.fault(rule, why, s.start, end)
}
