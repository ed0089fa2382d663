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
