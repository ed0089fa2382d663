package input

import (
	"bytes"

	"datalake/pkg/jsontext"
)

// format is the form of an object's text; see the package's documentation for how it is told.
type format uint8

const (
	blank  format = iota // white space so far
	lines                // NDJSON
	values               // values one after the other, arrays of them, or both
	wide                 // UTF-16 or UTF-32
)

// enoughLines is how many lines of objects settle that a text is lines.
const enoughLines = 32

var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

// formatOf tells the form of a text that begins with b, which is padded; whole says that it is all of it.
func formatOf(b []byte, whole bool) format {
	if isWide(b[:len(b)-jsontext.Padding]) {
		return wide
	}
	b = bytes.TrimPrefix(b, byteOrderMark)
	w := b[:len(b)-jsontext.Padding]
	p, _ := pastBlanks(w, 0)
	if p == len(w) {
		return blank
	}
	first := b[p]
	found := 0
	before := byte(0) // last byte of the line before
	for p < len(w) {
		end := len(w)
		if n := bytes.IndexByte(w[p:], '\n'); n >= 0 {
			end = p + n
		} else if !whole && first != '[' {
			break
		}
		line := bytes.TrimRight(w[p:end], " \t\r")
		switch {
		case line[0] == '[' && found == 0 && opensArray(b, p, p+len(line)):
			return values
		case line[0] != '{':
		case (end < len(w) || whole) && before != ',' && before != ':' && before != '[' && isObjects(line):
			if found++; found == enoughLines {
				return lines
			}
		default:
			if stop, err := (jsontext.Limits{}).Value(b, p); err == nil && stop > end {
				return values
			}
		}
		before = line[len(line)-1]
		p, _ = pastBlanks(w, end)
	}
	if found == 0 && (first == '{' || first == '[') {
		return values
	}
	return lines
}

// opensArray says that b[p:end] is an array or could begin one.
func opensArray(b []byte, p, end int) bool {
	_, err := (jsontext.Limits{}).Value(b, p)
	if err == nil {
		return true
	}
	e, ok := err.(*jsontext.Error)
	return ok && (e.Offset >= end || e.Code == jsontext.Depth)
}

// isObjects says that a line is one or more stretches of balanced brackets with nothing but white space between them, each
// begun by {.
func isObjects(line []byte) bool {
	for p := 0; p < len(line); {
		if c := line[p]; c == ' ' || c == '\t' || c == '\r' {
			p++
			continue
		}
		if line[p] != '{' {
			return false
		}
		n := balanced(line[p:])
		if n == 0 {
			return false
		}
		p += n
	}
	return true
}

// balanced returns where the brackets that t begins with are balanced, 0 if nowhere. It counts them, whatever their
// kind, outside of strings.
func balanced(t []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// isWide says that a text is UTF-16 or UTF-32: it has their byte order mark, or zero bytes where ASCII would have them.
func isWide(w []byte) bool {
	if len(w) >= 2 && (w[0] == 0xfe && w[1] == 0xff || w[0] == 0xff && w[1] == 0xfe) {
		return true
	}
	if len(w) < 4 {
		return false
	}
	pattern := 0
	for i, c := range w[:4] {
		if c != 0 {
			pattern |= 8 >> i
		}
	}
	switch pattern {
	case 0b0001, 0b1000, 0b0101, 0b1010:
		return true
	}
	return w[0] == 0 && w[1] == 0 && w[2] == 0xfe && w[3] == 0xff
}
