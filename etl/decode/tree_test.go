package decode

import (
	"encoding/json"
	"slices"
	"strings"
)

// tree is a JSON value with its members in order, the last of like keys only.
type tree struct {
	kind byte // the first byte of its text; 0 for numbers
	raw  string
	text string // a string's content, a number's text, true, false
	keys []string
	as   []string // the keys as they are spelled
	kids []*tree
}

type treeReader struct {
	text    string
	dec     *json.Decoder
	dropped int64
}

func (r *treeReader) read() *tree {
	start := int(r.dec.InputOffset())
	tok, err := r.dec.Token()
	if err != nil {
		panic(err) // callers pass valid text
	}
	end := int(r.dec.InputOffset())
	for strings.IndexByte(" \t\r\n,:", r.text[start]) >= 0 {
		start++
	}
	t := &tree{kind: r.text[start], raw: r.text[start:end]}
	switch v := tok.(type) {
	case json.Delim:
		for r.dec.More() {
			if v == '{' {
				k, kid := r.read(), r.read()
				if i := slices.Index(t.keys, k.text); i >= 0 {
					r.dropped++
					t.keys, t.as, t.kids = slices.Delete(t.keys, i, i+1), slices.Delete(t.as, i, i+1), slices.Delete(t.kids, i, i+1)
				}
				t.keys, t.as, t.kids = append(t.keys, k.text), append(t.as, k.raw), append(t.kids, kid)
			} else {
				t.kids = append(t.kids, r.read())
			}
		}
		if _, err := r.dec.Token(); err != nil {
			panic(err)
		}
	case string:
		t.text = v
	case json.Number:
		t.kind, t.text = 0, v.String()
	case bool:
		t.text = t.raw
	}
	return t
}

func parseTree(text string) (*tree, int64) {
	r := treeReader{text: text, dec: json.NewDecoder(strings.NewReader(text))}
	r.dec.UseNumber()
	return r.read(), r.dropped
}

func (t *tree) get(key string) *tree {
	if t != nil && t.kind == '{' {
		if i := slices.Index(t.keys, key); i >= 0 && t.kids[i].kind != 'n' {
			return t.kids[i]
		}
	}
	return nil
}

func (t *tree) compact() string {
	var parts []string
	for i, k := range t.kids {
		if t.kind == '{' {
			parts = append(parts, t.as[i]+":"+k.compact())
		} else {
			parts = append(parts, k.compact())
		}
	}
	switch t.kind {
	case '{':
		return "{" + strings.Join(parts, ",") + "}"
	case '[':
		return "[" + strings.Join(parts, ",") + "]"
	}
	return t.raw
}

// leaves: an object holds something only if a member does.
func (t *tree) leaves() bool {
	if t.kind != '{' {
		return t.kind != 'n'
	}
	return slices.ContainsFunc(t.kids, (*tree).leaves)
}
