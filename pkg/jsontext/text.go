package jsontext

import "fmt"

// Padding is the number of zero bytes that end a padded text.
const Padding = 64

const defaultMaxDepth = 512

// Limits are the choices a reader of JSON has. The zero value is strict.
type Limits struct {
	// MaxDepth is how many objects and arrays may stand one in the other; 0 means 512, less than 0 none at all.
	MaxDepth int
	// ReplaceInvalid accepts invalid UTF-8 and escapes of lone surrogates in strings. Each invalid byte and each such
	// escape becomes U+FFFD where the string is decoded.
	ReplaceInvalid bool
}

// Depth is the limit in force: MaxDepth, or its default.
func (l Limits) Depth() int {
	if l.MaxDepth == 0 {
		return defaultMaxDepth
	}
	return max(l.MaxDepth, 0)
}

// Inside are the limits for values that stand in depth open objects and arrays.
func (l Limits) Inside(depth int) Limits {
	if l.MaxDepth = l.Depth() - depth; l.MaxDepth <= 0 {
		l.MaxDepth = -1
	}
	return l
}

// Code is the kind of fault in a text.
type Code uint8

// The codes. The zero value is Syntax.
const (
	Syntax   Code = iota // not JSON
	Encoding             // invalid UTF-8, or the escape of a lone surrogate
	Depth                // nested deeper than the limit
)

// Error is a fault in a text. All errors of this package have this type.
type Error struct {
	// Offset is the position of the fault in the text.
	Offset int
	Code   Code
	// Reason is for people: what is wrong, without the offset.
	Reason string
}

// Error tells the reason and the offset.
func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// Rule is the name under which records with this fault are set aside: json, encoding or depth.
func (e *Error) Rule() string {
	switch e.Code {
	case Encoding:
		return "encoding"
	case Depth:
		return "depth"
	}
	return "json"
}

// Pad returns a copy of text with the padding behind it.
func Pad(text []byte) []byte {
	b := make([]byte, len(text)+Padding)
	copy(b, text)
	return b
}

// Unexpected is the syntax error of the byte at p, where something else should stand.
func Unexpected(b []byte, p int, want string) *Error {
	e := &Error{Offset: p, Code: Syntax}
	switch {
	case p >= len(b)-Padding:
		e.Reason = "text ends where " + want + " should stand"
	case b[p] < 0x20 || b[p] >= 0x7f:
		e.Reason = fmt.Sprintf("byte 0x%02x where %s should stand", b[p], want)
	default:
		e.Reason = fmt.Sprintf("%q where %s should stand", b[p], want)
	}
	return e
}
