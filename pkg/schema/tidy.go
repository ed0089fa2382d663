package schema

import (
	"unicode"
	"unicode/utf8"
)

// AppendText appends to dst what Trim, Collapse and Case make of text. Of text that is not UTF-8 the bytes that are none stay.
func (c *Clean) AppendText(dst, text []byte) []byte {
	if c.Trim {
		text = trim(text)
	}
	if !c.Collapse && c.Case == "" {
		return append(dst, text...)
	}
	space := false // the last character was one, and stands in dst
	for len(text) > 0 {
		r, n := rune(text[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text)
		}
		if c.Collapse && unicode.IsSpace(r) {
			if !space {
				dst = append(dst, ' ')
			}
			space, text = true, text[n:]
			continue
		}
		space = false
		if m := c.letter(r); m == r {
			dst = append(dst, text[:n]...)
		} else {
			dst = utf8.AppendRune(dst, m)
		}
		text = text[n:]
	}
	return dst
}

func (c *Clean) letter(r rune) rune {
	switch c.Case {
	case Lower:
		return unicode.ToLower(r)
	case Upper:
		return unicode.ToUpper(r)
	}
	return r
}

// trim takes the white space from both ends, with the eye on ASCII.
func trim(s []byte) []byte {
	for len(s) > 0 {
		r, n := rune(s[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s)
		}
		if !unicode.IsSpace(r) {
			break
		}
		s = s[n:]
	}
	for len(s) > 0 {
		r, n := rune(s[len(s)-1]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeLastRune(s)
		}
		if !unicode.IsSpace(r) {
			break
		}
		s = s[:len(s)-n]
	}
	return s
}

// Keeps says whether AppendText leaves a text as it is and IsNull does not take it for null. It may say no of a text that is not
// ASCII although they do: it is the quick look at what mostly needs nothing.
func (c *Clean) Keeps(text []byte) bool {
	if len(text) > 0 && c.Trim && (!plain(text[0]) || !plain(text[len(text)-1])) {
		return false
	}
	if c.Collapse || c.Case != "" {
		for i, b := range text {
			switch {
			case b >= utf8.RuneSelf,
				c.Collapse && (b >= '\t' && b <= '\r' || b == ' ' && i > 0 && text[i-1] == ' '),
				c.Case == Lower && b >= 'A' && b <= 'Z',
				c.Case == Upper && b >= 'a' && b <= 'z':
				return false
			}
		}
	}
	return !c.IsNull(text)
}

// plain says whether a character of one byte is no white space.
func plain(b byte) bool { return b > ' ' && b < utf8.RuneSelf }

// Tidies says whether AppendText can change a text, or IsNull take one for null.
func (c *Clean) Tidies() bool {
	return c != nil && (c.Trim || c.Collapse || c.Case != "" || len(c.Nulls) > 0)
}

// IsNull says whether a text, as AppendText has made it, is one of Nulls.
func (c *Clean) IsNull(text []byte) bool {
	for _, n := range c.Nulls {
		if string(text) == n {
			return true
		}
	}
	return false
}
