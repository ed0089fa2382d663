package jsontext

import (
	"math/bits"
	"unsafe"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Load8 reads the eight bytes at p of the padded b as a word, the first of them lowest. Nothing checks p: it must be at most
// the text's length (so at least Padding bytes follow) and not negative. A scan that stops at the padding's zeros never passes
// that. Unsafe, because the compiler cannot know that and a bounds check for each word costs a fifth of the scan.
func Load8(b []byte, p int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), p))
}

// PlainEnd returns the first position from p on that holds no character of a string that stands for itself in ASCII: a quote,
// a backslash, a control character or what is not ASCII.
func PlainEnd(b []byte, p int) int {
	for {
		if m := specials(Load8(b, p)); m != 0 {
			return p + bits.TrailingZeros64(m)>>3
		}
		p += 8
	}
}

// KeyEnd returns the first position from p on that holds a quote, a backslash or a control character. What is not ASCII is
// passed over unseen: for keys that are then compared with valid ones.
func KeyEnd(b []byte, p int) int {
	for {
		w := Load8(b, p)
		q, s := w^'"'*ones, w^'\\'*ones
		if m := (((q - ones) &^ q) | ((s - ones) &^ s) | ((w - 0x20*ones) &^ w)) & highs; m != 0 {
			return p + bits.TrailingZeros64(m)>>3
		}
		p += 8
	}
}

// specials marks the bytes of w that end the plain run of a string: quote, backslash, control, non-ASCII. The lowest
// mark is exact; those above it may be false (a borrow runs upwards).
func specials(w uint64) uint64 {
	q := w ^ 0x22*ones
	s := w ^ 0x5c*ones
	return (((q - ones) &^ q) | ((s - ones) &^ s) | ((w - 0x20*ones) &^ w) | w) & highs
}

// Space returns the first position from p on that holds no white space.
func Space(b []byte, p int) int {
	if b[p] > ' ' {
		return p
	}
	return space(b, p)
}

func space(b []byte, p int) int {
	for b[p] == ' ' || b[p] == '\n' || b[p] == '\r' || b[p] == '\t' {
		p++
	}
	return p
}

// Value validates the one value that begins at p (no white space before it) and returns the position after it.
func (l Limits) Value(b []byte, p int) (end int, err error) {
	// One bit for each open container, set for objects: no recursion, so depth costs no stack.
	var first [defaultMaxDepth / 64]uint64
	open, depth, most := first[:], 0, l.Depth()
value:
	switch c := b[p]; c {
	case '{', '[':
		if depth == most {
			return p, &Error{p, Depth, "nested too deep"}
		}
		if depth>>6 == len(open) {
			open = append(open, 0)
		}
		bit := uint64(1) << (depth & 63)
		depth++
		q := Space(b, p+1)
		if b[q] == c+2 {
			p = q + 1
			depth--
			break
		}
		p = q
		if c == '{' {
			open[(depth-1)>>6] |= bit
			goto key
		}
		open[(depth-1)>>6] &^= bit
		goto value
	case '"':
		if p, _, err = l.String(b, p); err != nil {
			return p, err
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if p, _, err = l.Number(b, p); err != nil {
			return p, err
		}
	default:
		n := Literal(b, p)
		if n == 0 {
			return p, Unexpected(b, p, "a value")
		}
		p += n
	}
after:
	if depth == 0 {
		return p, nil
	}
	p = Space(b, p)
	if open[(depth-1)>>6]>>((depth-1)&63)&1 != 0 {
		switch b[p] {
		case ',':
			p = Space(b, p+1)
			goto key
		case '}':
			p++
			depth--
			goto after
		}
		return p, Unexpected(b, p, "a comma or }")
	}
	switch b[p] {
	case ',':
		p = Space(b, p+1)
		goto value
	case ']':
		p++
		depth--
		goto after
	}
	return p, Unexpected(b, p, "a comma or ]")
key:
	if b[p] != '"' {
		return p, Unexpected(b, p, "a quoted key")
	}
	if p, _, err = l.String(b, p); err != nil {
		return p, err
	}
	p = Space(b, p)
	if b[p] != ':' {
		return p, Unexpected(b, p, "a colon")
	}
	p = Space(b, p+1)
	goto value
}

// Literal returns the length of the literal true, false or null at p, or 0 where none stands.
func Literal(b []byte, p int) int {
	switch w := Load8(b, p); {
	case w&0xffffffff == 0x65757274, w&0xffffffff == 0x6c6c756e: // true, null
		return 4
	case w&0xffffffffff == 0x65736c6166: // false
		return 5
	}
	return 0
}

// String validates the string whose opening quote is at p and returns the position after its closing quote. The bytes
// between the quotes are the string's content unless escaped is set: then they need AppendUnquoted.
func (l Limits) String(b []byte, p int) (end int, escaped bool, err error) {
	p++
	for {
		m := specials(Load8(b, p))
		if m == 0 {
			p += 8
			continue
		}
		p += bits.TrailingZeros64(m) >> 3
		switch c := b[p]; {
		case c == '"':
			return p + 1, escaped, nil
		case c == '\\':
			n, code := escape(b, p)
			if n == 0 {
				if p+1 >= len(b)-Padding {
					return p, escaped, Unexpected(b, p+1, "the end of an escape")
				}
				return p, escaped, &Error{p, Syntax, "invalid escape in a string"}
			}
			if code != Syntax && !l.ReplaceInvalid {
				return p, escaped, &Error{p, Encoding, "escape of a lone surrogate"}
			}
			escaped = true
			p += n
		case c >= 0x80:
			for b[p] >= 0x80 { // letters that follow each other
				n := multibyte(uint32(Load8(b, p)))
				if n == 0 {
					if !l.ReplaceInvalid {
						return p, escaped, &Error{p, Encoding, "invalid UTF-8"}
					}
					escaped = true
					n = 1
				}
				p += n
			}
		case p >= len(b)-Padding:
			return p, escaped, &Error{p, Syntax, "text ends inside a string"}
		default:
			return p, escaped, &Error{p, Syntax, "control character in a string"}
		}
	}
}

// multibyte returns the length of the UTF-8 sequence that w begins with, whose first byte is not ASCII, or 0 where it is invalid. Of each
// length one comparison looks at the marks of all bytes, a second at the bits that must not make an overlong form, a surrogate or what
// passes U+10FFFF. Half the time of utf8.DecodeRune, which is a call.
func multibyte(w uint32) int {
	switch {
	case w&0xc0e0 == 0x80c0:
		if w&0x1e != 0 {
			return 2
		}
	case w&0xc0c0f0 == 0x8080e0:
		if x := w & 0x200f; x != 0 && x != 0x200d {
			return 3
		}
	case w&0xc0c0c0f8 == 0x808080f0:
		if x := w&7<<2 | w>>12&3; x >= 1 && x <= 16 { // bits 16 to 20 of the code point
			return 4
		}
	}
	return 0
}

// escape returns the length of the escape at p, 0 where it is invalid, and Encoding if it stands for a lone surrogate.
// A pair of surrogates is one escape of 12 bytes.
func escape(b []byte, p int) (n int, code Code) {
	switch b[p+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, Syntax
	case 'u':
		u := hex4(b, p+2)
		switch {
		case u < 0:
			return 0, Syntax
		case u < 0xd800 || u > 0xdfff:
			return 6, Syntax
		case u < 0xdc00 && b[p+6] == '\\' && b[p+7] == 'u':
			if low := hex4(b, p+8); low >= 0xdc00 && low <= 0xdfff {
				return 12, Syntax
			}
		}
		return 6, Encoding
	}
	return 0, Syntax
}

// hex4 is the value of the four hexadecimal digits at p, or -1. It reads none behind the first that is not one.
func hex4(b []byte, p int) rune {
	var v rune
	for _, c := range b[p : p+4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		v = v<<4 | rune(c)
	}
	return v
}

// Number validates the number that begins at p and returns the position after it. integer tells that it has neither
// fraction nor exponent.
func (l Limits) Number(b []byte, p int) (end int, integer bool, err error) {
	if b[p] == '-' {
		p++
	}
	switch {
	case b[p] == '0':
		p++
		if b[p]-'0' <= 9 {
			return p, false, &Error{p, Syntax, "number with a leading zero"}
		}
	case b[p]-'1' <= 8:
		p = digits(b, p+1)
	default:
		return p, false, Unexpected(b, p, "a digit")
	}
	integer = true
	if b[p] == '.' {
		integer = false
		p++
		if b[p]-'0' > 9 {
			return p, false, Unexpected(b, p, "a digit")
		}
		p = digits(b, p+1)
	}
	if b[p]|0x20 == 'e' {
		integer = false
		p++
		if b[p] == '+' || b[p] == '-' {
			p++
		}
		if b[p]-'0' > 9 {
			return p, false, Unexpected(b, p, "a digit")
		}
		p = digits(b, p+1)
	}
	return p, integer, nil
}

func digits(b []byte, p int) int {
	for b[p]-'0' <= 9 {
		p++
	}
	return p
}

// Valid reports whether text, which needs no padding, is one JSON document: one value with white space around it.
func (l Limits) Valid(text []byte) error {
	b := Pad(text)
	p, err := l.Value(b, Space(b, 0))
	if err != nil {
		return err
	}
	if p = Space(b, p); p < len(text) {
		return Unexpected(b, p, "the end of the text")
	}
	return nil
}
