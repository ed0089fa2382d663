package lakefile

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"datalake/pkg/lakefile/grammar"
	"datalake/pkg/schema"
)

// on says whether a key is there and is for the column's type; it reports one that is not. A type that could not be read takes
// all keys.
func (r *reader) on(m map[string]*node, o *grammar.Object, name, key string, t schema.Type) *node {
	v := m[name]
	if v == nil || t.Kind == 0 {
		return nil
	}
	f := o.Field(name)
	if f.For == nil || slices.Contains(f.For, t.Kind.String()) {
		return v
	}
	cure := ""
	if name == "min" || name == "max" {
		switch t.Kind {
		case schema.String, schema.Binary, schema.List, schema.Map:
			cure = fmt.Sprintf("; length: {%s: …} bounds the length", name)
		}
	}
	if (t.Kind == schema.List || t.Kind == schema.Map) && slices.Contains(grammar.Elements.Names(), name) && slices.Contains(f.For, t.Elem.Kind.String()) {
		cure = fmt.Sprintf("; elements: {%s: …} is for what it holds", name)
	}
	r.bad(v, join(key, name), fmt.Sprintf("%s does not go with type %s", name, t), "it is for "+f.Types()+cure)
	return nil
}

// clean reads what becomes of a column's values.
func (r *reader) clean(m map[string]*node, key string, t schema.Type) *schema.Clean {
	var c schema.Clean
	o := grammar.Column
	if v := r.on(m, o, "trim", key, t); v != nil {
		c.Trim = r.boolean(v, join(key, "trim"))
	}
	if v := r.on(m, o, "collapse", key, t); v != nil {
		c.Collapse = r.boolean(v, join(key, "collapse"))
	}
	if v := r.on(m, o, "case", key, t); v != nil {
		c.Case, _ = r.word(v, join(key, "case"), o.Words("case")...)
	}
	if v := r.on(m, o, "nulls", key, t); v != nil {
		c.Nulls = r.nulls(v, join(key, "nulls"), c)
	}
	if v := r.on(m, o, "clamp", key, t); v != nil {
		k := join(key, "clamp")
		b := r.fields(v, k, grammar.Clamp)
		if v.kind == mapping && len(v.entries) == 0 {
			r.bad(v, k, "no bound is there", "allowed are min, max")
		}
		low, high := r.bounds(b, k, t)
		c.ClampMin, c.ClampMax = textOf(low), textOf(high)
	}
	if v := r.on(m, o, "default", key, t); v != nil {
		if l, ok := r.value(v, join(key, "default"), t); ok {
			c.Default = l.json
		}
	}
	if v := r.on(m, o, "mask", key, t); v != nil {
		c.Mask = r.mask(v, join(key, "mask"))
	}
	if !c.Trim && !c.Collapse && c.Case == "" && c.Nulls == nil && c.ClampMin == "" && c.ClampMax == "" && c.Default == "" && c.Mask == nil {
		return nil
	}
	return &c
}

// nulls reads the texts that mean null: any text, also the empty one.
func (r *reader) nulls(n *node, key string, c schema.Clean) []string {
	const allowed = `a list of texts, such as ["", N/A]`
	items := []*node{n}
	switch n.kind {
	case list:
		if items = n.items; len(items) == 0 {
			r.bad(n, key, "the list is empty", allowed)
		}
	case mapping:
		r.bad(n, key, "a list is needed, this is a map", allowed)
		return nil
	}
	var out []string
	for i, x := range items {
		k := key
		if n.kind == list {
			k = fmt.Sprintf("%s[%d]", key, i+1)
		}
		switch {
		case x.kind == null:
			r.bad(x, k, "null without quotes is no text", `write "null"; JSON's null is null in any case`)
		case x.kind != scalar:
			r.bad(x, k, "a text is needed, this is "+x.kind.String(), allowed)
		case slices.Contains(out, x.text):
			r.bad(x, k, fmt.Sprintf("%q is there twice", x.text), "")
		case cleaned(x.text, c) != x.text:
			r.bad(x, k, fmt.Sprintf("%q never comes: trim, collapse and case come first", x.text), fmt.Sprintf("write %q", cleaned(x.text, c)))
		default:
			out = append(out, x.text)
		}
	}
	return out
}

// cleaned is what the steps before nulls make of a text.
func cleaned(s string, c schema.Clean) string {
	if c.Trim {
		s = strings.TrimSpace(s)
	}
	if c.Collapse {
		var b strings.Builder
		space := false
		for _, x := range s {
			if unicode.IsSpace(x) {
				space = true
				continue
			}
			if space {
				b.WriteByte(' ')
			}
			space = false
			b.WriteRune(x)
		}
		if space {
			b.WriteByte(' ')
		}
		s = b.String()
	}
	switch c.Case {
	case schema.Lower:
		return strings.ToLower(s)
	case schema.Upper:
		return strings.ToUpper(s)
	}
	return s
}

func (r *reader) mask(n *node, key string) *schema.Mask {
	const allowed = `allowed are drop, {sha256: "env:NAME"}, {keep_last: n}`
	if n.kind != mapping {
		if n.kind == scalar && n.text != "drop" && !slices.Contains(grammar.Mask.Names(), n.text) {
			r.word(n, key, grammar.Column.Words("mask")...)
			return nil
		}
		if n.kind != scalar || n.text != "drop" {
			r.bad(n, key, "this is no mask", allowed)
			return nil
		}
		return &schema.Mask{Drop: true}
	}
	m := r.fields(n, key, grammar.Mask)
	if len(n.entries) != 1 {
		r.bad(n, key, fmt.Sprintf("a mask is of one kind, here are %d", len(n.entries)), allowed)
		return nil
	}
	if v := m["keep_last"]; v != nil {
		f := grammar.Mask.Field("keep_last").Value
		if i, ok := r.integer(v, join(key, "keep_last"), f.Low, f.High); ok {
			return &schema.Mask{KeepLast: i}
		}
	}
	if v := m["sha256"]; v != nil {
		if s, ok := r.secret(v, join(key, "sha256")); ok {
			return &schema.Mask{SHA256: s}
		}
	}
	return nil
}

// secret reads env:NAME, which stands for the value of a variable that is never stored. What the text is otherwise is not repeated:
// it may be the secret.
func (r *reader) secret(n *node, key string) (string, bool) {
	const allowed = `write "env:NAME", and set the variable NAME in the environment of each run`
	if n.kind != scalar {
		r.bad(n, key, "a value is needed, this is "+n.kind.String(), allowed)
		return "", false
	}
	name, ok := strings.CutPrefix(n.raw, "env:")
	if !ok || !isEnvName(name) {
		r.bad(n, key, "a secret does not stand in the file", allowed)
		return "", false
	}
	r.secrets = append(r.secrets, Secret{Name: name, File: r.file, Line: n.line, Column: n.col, Key: key})
	return n.raw, true
}

var checkKeys = []string{"min", "max", "length", "pattern", "enum", "elements", "keys"}

// limits are the bounds and values of a check as the reader compares them.
type limits struct {
	low, high *literal
	enum      []literal
}

// check reads what a column's values must be, of the keys of o: a column's, or those of elements.
func (r *reader) check(m map[string]*node, o *grammar.Object, key string, t schema.Type) *schema.Check {
	c, l := r.checks(m, o, key, t)
	if v := m["default"]; v != nil && o == grammar.Column && v.kind == scalar {
		if x, ok := literalOf(v, t); ok {
			problem := l.breach(x, t, c)
			if problem == "" && len(l.enum) > 0 && !slices.ContainsFunc(l.enum, x.same) {
				problem = "is not in enum"
			}
			if problem != "" {
				r.bad(v, join(key, "default"), fmt.Sprintf("%q %s", v.text, problem), "a default must pass the column's own checks")
			}
		}
	}
	checked := slices.ContainsFunc(checkKeys, func(k string) bool { return m[k] != nil })
	if v := m["on_fail"]; v != nil && o == grammar.Column {
		k := join(key, "on_fail")
		c.OnFail, _ = r.word(v, k, o.Words("on_fail")...)
		if !checked {
			r.bad(v, k, "there is no check that could fail", "checks are "+strings.Join(checkKeys, ", "))
		}
	}
	if !checked {
		return nil
	}
	return c
}

func (r *reader) checks(m map[string]*node, o *grammar.Object, key string, t schema.Type) (*schema.Check, limits) {
	var c schema.Check
	var l limits
	l.low, l.high = r.bounds(map[string]*node{"min": r.on(m, o, "min", key, t), "max": r.on(m, o, "max", key, t)}, key, t)
	c.Min, c.Max = textOf(l.low), textOf(l.high)
	if v := r.on(m, o, "length", key, t); v != nil {
		c.MinLength, c.MaxLength = r.length(v, join(key, "length"))
	}
	if v := r.on(m, o, "pattern", key, t); v != nil {
		c.Pattern = r.pattern(v, join(key, "pattern"))
	}
	if v := r.on(m, o, "enum", key, t); v != nil {
		k := join(key, "enum")
		for _, x := range r.values(v, k, t) {
			if problem := l.breach(x, t, &c); problem != "" {
				r.bad(v, k, fmt.Sprintf("%q %s", x.text, problem), "each value of enum must pass the other checks")
			}
			c.Enum = append(c.Enum, x.json)
			l.enum = append(l.enum, x)
		}
	}
	if v := r.on(m, o, "elements", key, t); v != nil {
		c.Elements = r.elements(v, join(key, "elements"), *t.Elem)
	}
	if v := r.on(m, o, "keys", key, t); v != nil {
		c.Keys = r.elements(v, join(key, "keys"), schema.Type{Kind: schema.String})
	}
	return &c, l
}

// breach says which check of a column a value would fail, empty if none. It leaves enum out.
func (l limits) breach(x literal, t schema.Type, c *schema.Check) string {
	length := utf8.RuneCountInString(x.text)
	switch {
	case l.low != nil && x.compare(*l.low) < 0:
		return "is less than min " + l.low.text
	case l.high != nil && x.compare(*l.high) > 0:
		return "is greater than max " + l.high.text
	case t.Kind == schema.String && c.MinLength != nil && length < *c.MinLength:
		return fmt.Sprintf("is shorter than length.min %d", *c.MinLength)
	case t.Kind == schema.String && c.MaxLength != nil && length > *c.MaxLength:
		return fmt.Sprintf("is longer than length.max %d", *c.MaxLength)
	case c.Pattern != "" && !regexp.MustCompile(c.Pattern).MatchString(x.text):
		return "does not match the pattern " + c.Pattern
	}
	return ""
}

// elements reads the checks of what a list or map holds.
func (r *reader) elements(n *node, key string, t schema.Type) *schema.Check {
	m := r.fields(n, key, grammar.Elements)
	if n.kind == mapping && len(n.entries) == 0 {
		r.bad(n, key, "no check is there", "allowed are "+strings.Join(grammar.Elements.Names(), ", "))
	}
	return r.check(m, grammar.Elements, key, t)
}

func (r *reader) length(n *node, key string) (low, high *int) {
	m := r.fields(n, key, grammar.Length)
	if n.kind == mapping && len(n.entries) == 0 {
		r.bad(n, key, "no bound is there", "allowed are min, max")
	}
	for name, to := range map[string]**int{"min": &low, "max": &high} {
		if v := m[name]; v != nil {
			f := grammar.Length.Field(name).Value
			if i, ok := r.integer(v, join(key, name), f.Low, f.High); ok {
				*to = &i
			}
		}
	}
	if low != nil && high != nil && *low > *high {
		r.bad(m["min"], join(key, "min"), fmt.Sprintf("min %d is greater than max %d", *low, *high), "")
	}
	return low, high
}

func (r *reader) pattern(n *node, key string) string {
	const allowed = "a regular expression in RE2's syntax"
	s, ok := r.text(n, key, allowed)
	if !ok {
		return ""
	}
	if _, err := regexp.Compile(s); err != nil {
		problem := err.Error()
		var e *syntax.Error
		if errors.As(err, &e) {
			problem = fmt.Sprintf("%s: %q", e.Code, e.Expr)
		}
		r.bad(n, key, problem, allowed+"; quote it, so that YAML leaves it as it is")
		return ""
	}
	return s
}
