package lakefile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"datalake/pkg/schema"
	"datalake/pkg/spell"
)

// Parse reads a lake file. name stands in messages. lookup gives the value of ${NAME}; nil means that none is set. The error
// is an Errors that lists all that is wrong, and the File is nil then.
func Parse(name string, text []byte, lookup func(string) (string, bool)) (*File, error) {
	r := &reader{builder: builder{file: name, lookup: lookup}}
	root := r.tree(text)
	f := r.read(root)
	if len(r.errs) > 0 {
		r.errs.sort()
		return nil, r.errs
	}
	return f, nil
}

// reader turns nodes into settings. Each of its methods takes a node and the path of keys that leads to it, reports what is
// wrong and goes on with what it can.
type reader struct {
	builder
	warnings []string
}

// bad reports that the node is wrong.
func (r *reader) bad(n *node, key, problem, allowed string) {
	r.fail(n.line, n.col, key, problem, allowed)
}

// fields checks that n is a map with known keys. later are keys of the full grammar that are refused by name. The result has
// the keys that are known and not null.
func (r *reader) fields(n *node, key string, known, later []string) map[string]*node {
	if n.kind == null {
		return nil
	}
	allowed := "allowed are " + strings.Join(known, ", ")
	if n.kind != mapping {
		r.bad(n, key, "a map is needed, this is "+n.kind.String(), allowed)
		return nil
	}
	out := make(map[string]*node, len(n.entries))
	for _, e := range n.entries {
		switch {
		case slices.Contains(later, e.key):
			r.fail(e.line, e.col, join(key, e.key), fmt.Sprintf("`%s` is not supported yet", e.key), allowed)
		case !slices.Contains(known, e.key):
			problem := fmt.Sprintf("unknown key %q", e.key)
			if near := spell.Nearest(e.key, slices.Concat(known, later)); near != "" {
				problem += fmt.Sprintf(", did you mean %s?", near)
			}
			r.fail(e.line, e.col, join(key, e.key), problem, allowed)
		case e.value.kind != null:
			out[e.key] = e.value
		}
	}
	return out
}

// text reads a value that is not empty.
func (r *reader) text(n *node, key, allowed string) (string, bool) {
	if n.kind != scalar {
		r.bad(n, key, "a value is needed, this is "+n.kind.String(), allowed)
		return "", false
	}
	if n.text == "" {
		r.bad(n, key, "the value is empty", allowed)
		return "", false
	}
	return n.text, true
}

// word reads one of a few words.
func (r *reader) word(n *node, key string, allowed ...string) (string, bool) {
	s, ok := r.text(n, key, oneOf(allowed))
	if ok && !slices.Contains(allowed, s) {
		problem := fmt.Sprintf("unknown value %q", s)
		if near := spell.Nearest(s, allowed); near != "" {
			problem += fmt.Sprintf(", did you mean %s?", near)
		}
		r.bad(n, key, problem, oneOf(allowed))
		return "", false
	}
	return s, ok
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return "allowed is " + words[0]
	}
	return "allowed are " + strings.Join(words, ", ")
}

func (r *reader) boolean(n *node, key string) bool {
	if s, ok := r.text(n, key, "allowed are true, false"); ok {
		switch {
		case s == "true" && !n.quoted:
			return true
		case s == "false" && !n.quoted:
		default:
			r.bad(n, key, fmt.Sprintf("%q is no boolean", s), "allowed are true, false")
		}
	}
	return false
}

func (r *reader) integer(n *node, key string, low, high int) (int, bool) {
	allowed := fmt.Sprintf("an integer from %d to %d", low, high)
	s, ok := r.text(n, key, allowed)
	if !ok {
		return 0, false
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < low || v > high {
		r.bad(n, key, fmt.Sprintf("%q will not do", s), allowed)
		return 0, false
	}
	return v, true
}

// item is a value of a list with its place.
type item struct {
	*node
	key string
}

// texts reads a list of values that are not empty, or one such value, which is a list of one. A value that is there twice
// is wrong.
func (r *reader) texts(n *node, key, allowed string) []item {
	var out []item
	switch n.kind {
	case scalar:
		if _, ok := r.text(n, key, allowed); ok {
			out = append(out, item{n, key})
		}
	case list:
		if len(n.items) == 0 {
			r.bad(n, key, "the list is empty", allowed)
		}
		seen := map[string]bool{}
		for i, x := range n.items {
			k := fmt.Sprintf("%s[%d]", key, i+1)
			s, ok := r.text(x, k, allowed)
			if ok && seen[s] {
				r.bad(x, k, fmt.Sprintf("%s is there twice", s), "")
				continue
			}
			if seen[s] = true; ok {
				out = append(out, item{x, k})
			}
		}
	default:
		r.bad(n, key, "a list is needed, this is "+n.kind.String(), allowed)
	}
	return out
}

func plain(items []item) []string {
	out := make([]string, len(items))
	for i, x := range items {
		out[i] = x.text
	}
	return out
}

func (r *reader) read(root *node) *File {
	f := &File{Name: r.file, Version: 1, Sources: map[string]Source{}}
	m := r.fields(root, "", []string{"version", "zones", "input", "sources"}, []string{"include", "curated", "encoding", "compression"})
	if n := m["version"]; n != nil {
		if s, ok := r.text(n, "version", "allowed is 1"); ok && s != "1" {
			r.bad(n, "version", fmt.Sprintf("version %s is not known", s), "allowed is 1")
		}
	}
	if n := m["zones"]; n != nil {
		f.Zones = r.zones(n, "zones")
	}
	if n := m["input"]; n != nil {
		f.Input = r.input(n, "input")
	}
	if n := m["sources"]; n != nil {
		if n.kind != mapping {
			r.bad(n, "sources", "a map is needed, this is "+n.kind.String(), "its keys are the names of sources")
			return f
		}
		for _, e := range n.entries {
			key := join("sources", e.key)
			if clean := schema.CleanSource(e.key); clean != e.key {
				r.fail(e.line, e.col, key, fmt.Sprintf("a source's name has small letters, digits and _: write %s", clean), "")
			}
			f.Sources[e.key] = r.source(e.value, key)
		}
	}
	f.Warnings = r.warnings
	return f
}
