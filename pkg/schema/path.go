package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// Path names a value inside a record by the object keys that lead to it from the record's root.
// Its text joins the keys by dots; a key that is empty or holds a dot, a quote or a control character is written as a
// JSON string: data."a.b".c
type Path []string

// ParsePath reads the text form of a path. It fails on an empty path, an empty bare key and a malformed quoted key.
func ParsePath(s string) (Path, error) {
	var p Path
	for rest := s; ; {
		var key string
		if strings.HasPrefix(rest, `"`) {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("path %q: a quoted key does not end", s)
			}
			if key, err = strconv.Unquote(q); err != nil {
				return nil, fmt.Errorf("path %q: bad quoted key %s", s, q)
			}
			rest = rest[len(q):]
			if rest != "" && rest[0] != '.' {
				return nil, fmt.Errorf("path %q: a dot must follow %s", s, q)
			}
		} else {
			n := strings.IndexByte(rest, '.')
			if n < 0 {
				n = len(rest)
			}
			if key = rest[:n]; key == "" {
				return nil, fmt.Errorf("path %q: empty key", s)
			}
			rest = rest[n:]
		}
		p = append(p, key)
		if rest == "" {
			return p, nil
		}
		rest = rest[1:]
	}
}

func (p Path) String() string {
	var b strings.Builder
	for i, k := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		if k == "" || strings.ContainsFunc(k, func(r rune) bool { return r == '.' || r == '"' || r < 0x20 || r == 0x7f }) {
			b.WriteString(strconv.Quote(k))
		} else {
			b.WriteString(k)
		}
	}
	return b.String()
}

// MarshalText makes a path its text in JSON and YAML.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Path) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePath(string(b))
	return err
}
