package clean

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// ErrSecret: a mask's salt is not to be had.
var ErrSecret = errors.New("secret")

// secretPrefix begins where a mask names its salt.
const secretPrefix = "env:"

// mask hides the values of one column.
type mask struct {
	name  string // the column's
	path  schema.Path
	clean *schema.Clean
	salt  []byte // of sha256
	hash  bool
	keep  int // 0 and no hash: the value is dropped
}

// append appends what a cleaned text becomes; false: null.
func (m *mask) append(dst, text []byte) ([]byte, bool) {
	switch {
	case m.hash:
		n := len(dst)
		dst = append(append(dst, m.salt...), text...)
		sum := sha256.Sum256(dst[n:])
		clear(dst[n:])
		return hex.AppendEncode(dst[:n], sum[:]), true
	case m.keep > 0:
		all := utf8.RuneCount(text)
		hidden := all - m.keep
		if hidden <= 0 {
			hidden = all
		}
		for range hidden {
			_, n := utf8.DecodeRune(text)
			dst, text = append(dst, '*'), text[n:]
		}
		return append(dst, text...), true
	}
	return dst, false
}

// Masks hides what one source masks where it stands in JSON text: in records that are set aside, in _rescued and in columns of
// JSON text. It does not change and is safe for concurrent use. A nil Masks hides nothing.
type Masks struct {
	list   []mask
	limits jsontext.Limits
}

// NewMasks takes the masks of a source's columns; nil if there are none. secret gives a salt by its name. Errors: ErrSecret, which names the column
// and the salt, joined over all columns.
func NewMasks(columns []schema.Column, secret func(name string) (string, error), limits jsontext.Limits) (*Masks, error) {
	m := &Masks{limits: limits}
	var faults []error
	for i := range columns {
		c := &columns[i]
		if c.Clean == nil || c.Clean.Mask == nil {
			continue
		}
		is := mask{name: c.Name, path: c.Path, clean: c.Clean, keep: c.Clean.Mask.KeepLast}
		if s := c.Clean.Mask.SHA256; s != "" {
			salt, err := saltOf(s, secret)
			if err != nil {
				faults = append(faults, fmt.Errorf("%w: mask of column %s: %s: %w", ErrSecret, c.Name, s, err))
				continue
			}
			is.hash, is.salt = true, []byte(salt)
		}
		m.list = append(m.list, is)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if len(m.list) == 0 {
		return nil, nil
	}
	return m, nil
}

func saltOf(text string, secret func(string) (string, error)) (string, error) {
	name, ok := strings.CutPrefix(text, secretPrefix)
	switch {
	case !ok:
		return "", errors.New("a salt is named as env:NAME")
	case secret == nil:
		return "", errors.New("there is nobody to ask")
	}
	salt, err := secret(name)
	if err == nil && salt == "" {
		err = errors.New("it is empty")
	}
	return salt, err
}

// of gives the mask of a column, nil if it has none.
func (m *Masks) of(c *schema.Column) *mask {
	if m == nil {
		return nil
	}
	if i := slices.IndexFunc(m.list, func(k mask) bool { return k.name == c.Name }); i >= 0 {
		return &m.list[i]
	}
	return nil
}

// Record hides the masked values in the text of a record; the rest of it stays byte for byte. ok is false if the text is not one
// JSON object: nobody knows then what stands in it.
func (m *Masks) Record(text []byte) (hidden []byte, ok bool) {
	if m == nil {
		return text, true
	}
	b := jsontext.Pad(text)
	p := jsontext.Space(b, 0)
	if b[p] != '{' {
		return nil, false
	}
	end, err := m.limits.Value(b, p)
	if err != nil || jsontext.Space(b, end) != len(text) {
		return nil, false
	}
	c := cutter{b: b[:len(text)], padded: b, limits: m.limits}
	c.object(p, m.open(nil))
	return c.done(), true
}

// rest is what is left of a mask's path below a value.
type rest struct {
	path schema.Path
	*mask
}

// open gives the masks of what stands below path, with the rest of their paths.
func (m *Masks) open(path schema.Path) (open []rest) {
	for i := range m.list {
		k := &m.list[i]
		if len(k.path) > len(path) && slices.Equal(k.path[:len(path)], path) {
			open = append(open, rest{k.path[len(path):], k})
		}
	}
	return open
}

// over gives the mask at path or above it, nil if there is none.
func (m *Masks) over(path schema.Path) *mask {
	for i := range m.list {
		k := &m.list[i]
		if len(k.path) > 0 && len(k.path) <= len(path) && slices.Equal(k.path, path[:len(k.path)]) {
			return k
		}
	}
	return nil
}

// rescued is the rewrite of _rescued: an object from paths to the values there.
func (m *Masks) rescued(dst, text []byte) ([]byte, bool) {
	b := jsontext.Pad(text)
	c := cutter{b: b[:len(text)], padded: b, limits: m.limits}
	c.members(0, func(key []byte, p int) {
		path, err := schema.ParsePath(string(key))
		if err != nil {
			return
		}
		if k := m.over(path); k != nil {
			c.hide(p, k)
		} else if open := m.open(path); len(open) > 0 {
			c.object(p, open)
		}
	})
	return append(dst, c.done()...), true
}

// below gives the rewrite of JSON texts that stand at path; nil if no mask is below it.
func (m *Masks) below(path schema.Path) rewrite {
	if m == nil || len(path) == 0 {
		return nil
	}
	open := m.open(path)
	if len(open) == 0 {
		return nil
	}
	return func(dst, text []byte) ([]byte, bool) {
		b := jsontext.Pad(text)
		c := cutter{b: b[:len(text)], padded: b, limits: m.limits}
		c.object(0, open)
		return append(dst, c.done()...), true
	}
}

// cutter puts other values into a valid JSON text. Values are hidden in the order in which they stand.
type cutter struct {
	b      []byte // the text
	padded []byte
	limits jsontext.Limits
	out    []byte
	from   int // what stands before it is in out
}

func (c *cutter) done() []byte { return append(c.out, c.b[c.from:]...) }

// object hides what masks hide in the object at p, if one stands there.
func (c *cutter) object(p int, masks []rest) {
	if p = jsontext.Space(c.padded, p); c.padded[p] != '{' {
		return
	}
	c.members(p, func(key []byte, at int) {
		var inner []rest
		for _, k := range masks {
			if k.path[0] != string(key) {
				continue
			}
			if len(k.path) == 1 {
				c.hide(at, k.mask)
				return
			}
			inner = append(inner, rest{k.path[1:], k.mask})
		}
		if inner != nil {
			c.object(at, inner)
		}
	})
}

// members gives the key of each member of the object at p, and where its value is. The key is valid until the next one.
func (c *cutter) members(p int, use func(key []byte, at int)) {
	b := c.padded
	for p = jsontext.Space(b, p+1); b[p] == '"'; {
		end, _, err := c.limits.String(b, p)
		if err != nil {
			return
		}
		key := jsontext.AppendUnquoted(nil, b[p+1:end-1])
		at := jsontext.Space(b, jsontext.Space(b, end)+1)
		if end, err = c.limits.Value(b, at); err != nil {
			return
		}
		use(key, at)
		if p = jsontext.Space(b, end); b[p] == ',' {
			p = jsontext.Space(b, p+1)
		}
	}
}

// hide puts the masked text of the value at p in its place.
func (c *cutter) hide(p int, m *mask) {
	b := c.padded
	end, err := c.limits.Value(b, p)
	if err != nil || b[p] == 'n' { // null hides nothing
		return
	}
	c.out = append(c.out, c.b[c.from:p]...)
	c.from = end
	text := jsontext.AppendCompact(nil, b[p:end])
	if b[p] == '"' {
		text = jsontext.AppendUnquoted(nil, b[p+1:end-1])
	}
	hidden, there := m.append(nil, m.clean.AppendText(nil, text))
	if !there {
		c.out = append(c.out, "null"...)
		return
	}
	c.out = jsontext.AppendQuoted(c.out, bytes.ToValidUTF8(hidden, []byte("\ufffd")))
}
