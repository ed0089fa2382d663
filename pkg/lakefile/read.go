package lakefile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"datalake/pkg/lakefile/grammar"
	"datalake/pkg/spell"
)

// reader turns nodes into settings. Each of its methods takes a node and the path of keys that leads to it, reports what is
// wrong and goes on with what it can.
type reader struct {
	builder
	warnings Errors
	secrets  []Secret
}

// bad reports that the node is wrong.
func (r *reader) bad(n *node, key, problem, allowed string) {
	r.fail(n.line, n.col, key, problem, allowed)
}

// warn tells of what is allowed and yet worth a word.
func (r *reader) warn(line, col int, key, problem string) {
	r.warnings = append(r.warnings, &Error{File: r.file, Line: line, Column: col, Key: key, Problem: problem})
}

// fields checks that n is a map with the keys of o, and has those that must be there. The result has the keys that are known
// and not null.
func (r *reader) fields(n *node, key string, o *grammar.Object) map[string]*node {
	known := o.Names()
	allowed := "allowed are " + strings.Join(known, ", ")
	switch n.kind {
	case null, mapping:
	default:
		r.bad(n, key, "a map is needed, this is "+n.kind.String(), allowed)
		return nil
	}
	out := make(map[string]*node, len(n.entries))
	for _, e := range n.entries {
		switch {
		case !slices.Contains(known, e.key):
			problem := fmt.Sprintf("unknown key %q", e.key)
			near := spell.Nearest(e.key, known)
			if near == "" && slices.Contains(known, synonyms[e.key]) {
				near = synonyms[e.key]
			}
			if near != "" {
				problem += fmt.Sprintf(", did you mean %s?", near)
			}
			r.fail(e.line, e.col, join(key, e.key), problem, allowed)
		case e.value.kind != null:
			out[e.key] = e.value
		case e.value.text != "" && slices.Contains(o.Words(e.key), "null"):
			r.bad(e.value, join(key, e.key), "null without quotes is nothing at all", `write "null"`)
		}
	}
	for _, f := range o.Fields {
		if f.Required && out[f.Name] == nil {
			r.bad(n, key, f.Name+" is missing", "")
		}
	}
	return out
}

// synonyms are what other tools call our keys.
var synonyms = map[string]string{
	"regex": "pattern", "regexp": "pattern", "nullable": "required", "not_null": "required", "values": "enum", "allowed": "enum",
	"minimum": "min", "maximum": "max", "min_length": "length", "max_length": "length", "lower": "case", "upper": "case", "expression": "expr", "sql": "expr",
	"unique": "dedupe", "primary_key": "dedupe", "rename": "name", "alias": "name", "field": "path", "null_values": "nulls", "format": "formats", "tz": "timezone",
	"partitions": "partition_by", "filter": "where", "aggregates": "measures", "codec": "compression", "fill": "default", "items": "elements", "error": "on_fail",
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
