package jsontext

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

const replacement = "\uFFFD"

// AppendString validates the string whose opening quote is at p, as String does, and appends its content to dst, as
// AppendUnquoted does, in one go. end is the position after the closing quote. On an error the result is dst.
//
// What is plain up to its end is copied at once. Else words are stored as they are looked at, and what they hold behind a byte
// that does not stand for itself is overwritten: for text of some words with escapes and letters beyond ASCII that takes half
// the time of String and AppendUnquoted.
func (l Limits) AppendString(dst, b []byte, p int) (out []byte, end int, err error) {
	end = PlainEnd(b, p+1)
	out = append(dst, b[p+1:end]...)
	if b[end] == '"' {
		return out, end + 1, nil
	}
	p = end
	n := len(out)
	out = out[:cap(out)]
	for {
		if len(out)-n < 16 {
			out = slices.Grow(out[:n], 64)
			out = out[:cap(out)]
		}
		w := Load8(b, p)
		binary.LittleEndian.PutUint64(out[n:], w)
		m := specials(w)
		if m == 0 {
			p += 8
			n += 8
			continue
		}
		k := bits.TrailingZeros64(m) >> 3
		p += k
		n += k
		switch c := b[p]; {
		case c == '"':
			return out[:n], p + 1, nil
		case c >= 0x80:
			for b[p] >= 0x80 && len(out)-n >= 8 { // letters that follow each other
				w := uint32(Load8(b, p))
				k := multibyte(w)
				if k == 0 {
					if !l.ReplaceInvalid {
						return dst, p, &Error{p, Encoding, "invalid UTF-8"}
					}
					n += copy(out[n:], replacement)
					p++
					continue
				}
				binary.LittleEndian.PutUint32(out[n:], w)
				p += k
				n += k
			}
		case c == '\\' && unescaped[b[p+1]] != 0:
			out[n] = unescaped[b[p+1]]
			p += 2
			n++
		case c == '\\':
			k, code := escape(b, p)
			if k == 0 || code != Syntax && !l.ReplaceInvalid {
				_, _, err := l.String(b, p-1) // from a byte that it takes for the quote: the same fault
				return dst, p, err
			}
			r, _ := unicodeEscape(b[p : p+k])
			n = len(utf8.AppendRune(out[:n], r))
			p += k
		default:
			_, _, err := l.String(b, p-1)
			return dst, p, err
		}
	}
}

// unescaped is what the second byte of an escape of two stands for; 0: of no such escape.
var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// AppendUnquoted appends the content of a string to dst. inner is what stands between the quotes, already validated by
// String. Invalid bytes and escapes of lone surrogates become U+FFFD. inner needs no padding.
func AppendUnquoted(dst, inner []byte) []byte {
	for len(inner) > 0 {
		n := plain(inner)
		dst = append(dst, inner[:n]...)
		if inner = inner[n:]; len(inner) == 0 {
			break
		}
		if inner[0] != '\\' { // an invalid byte
			dst = append(dst, replacement...)
			inner = inner[1:]
			continue
		}
		n = 2
		switch c := inner[1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, n = unicodeEscape(inner)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
		inner = inner[n:]
	}
	return dst
}

// plain is the number of leading bytes of s that stand for themselves: up to the first backslash or invalid byte.
func plain(s []byte) int {
	n := bytes.IndexByte(s, '\\')
	if n < 0 {
		n = len(s)
	}
	if utf8.Valid(s[:n]) {
		return n
	}
	for i := 0; i < n; {
		r, w := utf8.DecodeRune(s[i:n])
		if r == utf8.RuneError && w == 1 {
			return i
		}
		i += w
	}
	return n
}

// unicodeEscape decodes the valid escape \uXXXX that s begins with, and the low surrogate that belongs to it. A lone
// surrogate gives U+FFFD and n = 6.
func unicodeEscape(s []byte) (r rune, n int) {
	r = hex4(s, 2)
	if r < 0xd800 || r > 0xdfff {
		return r, 6
	}
	if r < 0xdc00 && len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		if low := hex4(s, 8); low >= 0xdc00 && low <= 0xdfff {
			return (r-0xd800)<<10 + (low - 0xdc00) + 0x10000, 12
		}
	}
	return utf8.RuneError, 6
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends s as a JSON string, with the quotes and the fewest escapes. Invalid UTF-8 becomes U+FFFD.
func AppendQuoted(dst []byte, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[from:i]...)
				dst = append(dst, replacement...)
				from = i + 1
			}
			i += n
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// AppendCompact appends value, one valid JSON text, without the white space between its tokens. Strings and numbers stay
// as spelled, but for what ReplaceInvalid let pass: invalid bytes become U+FFFD and escapes of lone surrogates \ufffd,
// so that the result is strictly valid. value needs no padding.
func AppendCompact(dst, value []byte) []byte {
	from := 0
	for i := 0; i < len(value); {
		switch value[i] {
		case ' ', '\n', '\r', '\t':
			dst = append(dst, value[from:i]...)
			i++
			from = i
		case '"':
			n := bytes.IndexByte(value[i+1:], '"') // the whole string, where no escape stands in it
			if n < 0 {
				return append(dst, value[from:]...)
			}
			n += i + 2
			for backslashes(value[i+1:n-1])&1 != 0 {
				m := bytes.IndexByte(value[n:], '"')
				if m < 0 {
					return append(dst, value[from:]...)
				}
				n += m + 1
			}
			if s := value[i:n]; !utf8.Valid(s) || bytes.Contains(s, surrogate) || bytes.Contains(s, upperSurrogate) {
				dst = append(dst, value[from:i]...)
				dst = appendRepaired(dst, s)
				from = n
			}
			i = n
		default:
			i++
		}
	}
	return append(dst, value[from:]...)
}

var surrogate, upperSurrogate = []byte(`\ud`), []byte(`\uD`)

// backslashes counts the backslashes that end s.
func backslashes(s []byte) int {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\\' {
		n++
	}
	return n
}

// appendRepaired appends the quoted string s with invalid bytes and lone surrogates replaced, all else as spelled.
func appendRepaired(dst, s []byte) []byte {
	for len(s) > 0 {
		n := plain(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			break
		}
		if s[0] != '\\' {
			dst = append(dst, replacement...)
			s = s[1:]
			continue
		}
		n = 2
		if s[1] == 'u' {
			var r rune
			if r, n = unicodeEscape(s); r == utf8.RuneError && hex4(s, 2) != utf8.RuneError {
				dst = append(dst, `\ufffd`...)
				s = s[n:]
				continue
			}
		}
		dst = append(dst, s[:n]...)
		s = s[n:]
	}
	return dst
}
