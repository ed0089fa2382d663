package schema

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// values is what makes a column's stored values of those that come: part of the meaning of rows where the column says which
// rows are one and the same, which of them is the latest, or where they lie.
type values struct {
	Name  string `json:"name"`
	Clean *Clean `json:"clean,omitempty"`
	// Check is there only if a value that fails it becomes null.
	Check *Check `json:"check,omitempty"`
	Expr  string `json:"expr,omitempty"`
}

// name finds what may be a column's name in an expression.
var name = regexp.MustCompile(`[a-z_][a-z0-9_]*`)

// identity names the columns of the dedupe key, that keep: latest goes by, and that the table is partitioned by, with those
// that their expressions name.
func (s *Schema) identity() map[string]bool {
	in := map[string]bool{}
	var add func(n string)
	add = func(n string) {
		i := s.Index(n)
		if i < 0 || in[n] {
			return
		}
		in[n] = true
		for _, word := range name.FindAllString(s.Columns[i].Expr, -1) {
			add(word)
		}
	}
	if d := s.Dedupe.WithDefaults(); !d.None {
		for _, n := range append(slices.Clone(d.Key), d.By) {
			add(n)
		}
	}
	for _, n := range s.PartitionBy {
		add(n)
	}
	return in
}

// values gives what makes the values of c, nil if they are stored as they come.
func (c *Column) values() *values {
	v := values{Name: c.Name, Clean: c.Clean, Expr: c.Expr}
	if v.Clean != nil && v.Clean.empty() {
		v.Clean = nil
	}
	if c.Check != nil && c.Check.OnFail == FailNull {
		v.Check = c.Check
	}
	if v.Clean == nil && v.Check == nil && v.Expr == "" {
		return nil
	}
	return &v
}

// empty says whether values stay as they are.
func (c *Clean) empty() bool {
	return !c.Tidies() && c.ClampMin == "" && c.ClampMax == "" && c.Default == "" && c.Mask == nil
}

// text is v in words.
func (v *values) text() string {
	if v == nil {
		return "as it comes"
	}
	var s []string
	say := func(yes bool, format string, args ...any) {
		if yes {
			s = append(s, fmt.Sprintf(format, args...))
		}
	}
	say(v.Expr != "", "of %s", v.Expr)
	if c := v.Clean; c != nil {
		say(c.Trim, "trimmed")
		say(c.Collapse, "collapsed")
		say(c.Case != "", "in %s case", c.Case)
		say(len(c.Nulls) > 0, "null for %q", c.Nulls)
		say(c.ClampMin != "", "at least %s", c.ClampMin)
		say(c.ClampMax != "", "at most %s", c.ClampMax)
		say(c.Default != "", "%s for null", c.Default)
		if m := c.Mask; m != nil {
			say(m.Drop, "dropped")
			say(m.SHA256 != "", "as SHA-256 with %s", m.SHA256)
			say(m.KeepLast > 0, "masked but for the last %d characters", m.KeepLast)
		}
	}
	if v.Check != nil {
		text, err := json.Marshal(v.Check)
		say(err == nil, "null where it fails %s", text)
	}
	return strings.Join(s, ", ")
}
