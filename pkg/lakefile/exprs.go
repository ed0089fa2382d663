package lakefile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"datalake/pkg/expr"
	"datalake/pkg/lakefile/grammar"
	"datalake/pkg/schema"
	"datalake/pkg/spell"
)

// objects reads a list of maps.
func (r *reader) objects(n *node, key string, o *grammar.Object, each func(m map[string]*node, n *node, key string)) {
	allowed := fmt.Sprintf("a list of {%s}", strings.Join(o.Names(), ", "))
	if n.kind != list {
		r.bad(n, key, "a list is needed, this is "+n.kind.String(), allowed)
		return
	}
	for i, x := range n.items {
		k := fmt.Sprintf("%s[%d]", key, i+1)
		if x.kind == null {
			r.bad(x, k, "the item is empty", allowed)
			continue
		}
		m := r.fields(x, k, o)
		if x.kind == mapping {
			each(m, x, k)
		}
	}
}

// derived reads the computed columns, each over the columns before it, and adds them to c.
func (r *reader) derived(n *node, key string, c *columns) []schema.Column {
	var out []schema.Column
	for _, x := range n.items {
		for _, e := range x.entries {
			if e.key == "name" {
				c.coming = append(c.coming, e.value.text)
			}
		}
	}
	r.objects(n, key, grammar.Derived, func(m map[string]*node, n *node, key string) {
		d := schema.Column{Role: schema.Derived, Declared: true}
		if v := m["name"]; v != nil {
			k := join(key, "name")
			d.Name = r.columnName(v, k, c.hour)
			if _, taken := c.byName[d.Name]; taken {
				r.bad(v, k, fmt.Sprintf("the name %s is that of another column", d.Name), "give one of them another name")
				d.Name = ""
			}
		}
		if v := m["type"]; v != nil {
			k := join(key, "type")
			d.Type = r.columnType(v, k)
			single := d.Type
			if single.Kind == schema.List {
				single = *single.Elem
			}
			switch single.Kind {
			case schema.Binary, schema.JSON, schema.List, schema.Map, schema.Struct:
				r.bad(v, k, fmt.Sprintf("a derived column cannot be %s", d.Type), "allowed are string, boolean, int, bigint, float, double, decimal(p,s), date, timestamp, and lists of these")
				d.Type = schema.Type{}
			}
		}
		if v := m["expr"]; v != nil {
			k := join(key, "expr")
			p := r.expression(v, k, c, false)
			if p != nil && d.Type.Kind != 0 {
				if err := p.Fits(d.Type); err != nil {
					r.bad(v, k, err.Error(), "")
				}
			}
			if p != nil {
				d.Expr = p.Text
				for _, x := range c.masks {
					if slices.Contains(p.Columns, x.Name) {
						r.warn(v.line, v.col, k, fmt.Sprintf("it reads the masked column %s, whose values may show", x.Name))
					}
				}
			}
		}
		if d.Name == "" {
			c.broken = true
			return
		}
		c.byName[d.Name] = d
		c.coming = slices.DeleteFunc(c.coming, func(s string) bool { return s == d.Name })
		out = append(out, d)
	})
	return out
}

// rules reads the conditions on rows.
func (r *reader) rules(n *node, key string, c *columns) []schema.Rule {
	var out []schema.Rule
	r.objects(n, key, grammar.Rule, func(m map[string]*node, n *node, key string) {
		var rule schema.Rule
		if v := m["name"]; v != nil {
			k := join(key, "name")
			const allowed = "a name has small letters, digits and _, and begins with no digit"
			if s, ok := r.text(v, k, allowed); ok {
				if clean := schema.PlainName(schema.Path{s}, false); clean != s {
					r.bad(v, k, fmt.Sprintf("%q is no name of a rule, write %s", s, clean), allowed)
				} else if slices.Contains(engineRules, s) {
					r.bad(v, k, fmt.Sprintf("the engine has a rule %s of its own", s), "choose another name; counts and quarantine tell rules by it")
				} else if slices.ContainsFunc(out, func(x schema.Rule) bool { return x.Name == s }) {
					r.bad(v, k, fmt.Sprintf("there is a rule %s already", s), "give one of them another name")
				}
				rule.Name = s
			}
		}
		if v := m["expr"]; v != nil {
			k := join(key, "expr")
			if p := r.expression(v, k, c, false); p != nil {
				r.condition(v, k, p)
				rule.Expr = p.Text
			}
		}
		if v := m["on_fail"]; v != nil {
			rule.OnFail, _ = r.word(v, join(key, "on_fail"), grammar.Rule.Words("on_fail")...)
		}
		out = append(out, rule)
	})
	return out
}

// engineRules are the names under which the engine itself counts and quarantines; docs/engine.md has them.
var engineRules = []string{
	"partition", "json", "encoding", "depth", "size", "object", "records_at", "required", "type", "event_time", "broken", "derived",
}

// condition reports an expression that is neither true nor false.
func (r *reader) condition(n *node, key string, p *expr.Program) {
	if p.Kind != expr.KindBool && p.Kind != expr.KindDyn {
		r.bad(n, key, fmt.Sprintf("the expression gives %s", p.Kind), "a condition gives bool, as with x > 1")
	}
}

// unseen are the columns that no expression sees, with the reason.
var unseen = map[string]string{
	"source": "it is the same for all rows of a source", "year": "event_time has it", "month": "event_time has it", "day": "event_time has it", "hour": "event_time has it",
	string(schema.Quality): "rules make it", string(schema.Rescued): "the engine makes it", string(schema.Key): "the engine makes it",
}

// env is what expressions over a source's rows may name. stored: the rows are those of the table, with all its columns.
func (c *columns) env(stored bool) *expr.Env {
	all := schema.Common("", schema.Enveloped).Columns
	if !stored {
		all = slices.DeleteFunc(all, func(x schema.Column) bool { return unseen[x.Name] != "" })
	}
	for name, x := range c.byName {
		x.Name = name
		all = append(all, x)
	}
	e := expr.NewEnv(all, !c.closed || c.broken)
	for name, why := range unseen {
		if _, declared := c.byName[name]; !stored && !declared {
			e.Hide(name, why)
		}
	}
	for _, name := range c.coming {
		if _, declared := c.byName[name]; !declared {
			e.Hide(name, "a derived column sees those before it")
		}
	}
	return e
}

// expression compiles an expression and reports what is wrong in it, at its place in the file where that can be found.
func (r *reader) expression(n *node, key string, c *columns, stored bool) *expr.Program {
	s, ok := r.text(n, key, "an expression such as temperature > 0")
	if !ok {
		return nil
	}
	p, err := c.env(stored).Compile(s)
	var errs expr.Errors
	if err != nil && !errors.As(err, &errs) {
		r.bad(n, key, err.Error(), "")
		return nil
	}
	for _, e := range errs {
		line, col, found := r.inside(n, e.Line, e.Column)
		problem := e.Problem
		if !found {
			problem = fmt.Sprintf("at %d:%d of the expression: %s", e.Line, e.Column, problem)
		}
		r.fail(line, col, key, problem, e.Allowed)
	}
	if err != nil {
		return nil
	}
	// A name that is not declared may come with the records, but it may be a slip, too.
	known := slices.Sorted(maps.Keys(c.byName))
	for _, name := range p.Columns {
		if slices.Contains(known, name) || stored || c.broken || schema.Common("", schema.Enveloped).Index(name) >= 0 {
			continue
		}
		if near := spell.Nearest(name, known); near != "" {
			r.warn(n.line, n.col, key, fmt.Sprintf("no column %s is declared, did you mean %s? It is taken for one that comes with the records", name, near))
		}
	}
	return p
}

// inside gives the place in the file of a place in a text value. Without escapes and folded lines, the value's lines stand in the file
// as they are; where they do not, found is false and the place is that of the value.
func (r *reader) inside(n *node, line, col int) (atLine, atCol int, found bool) {
	lines := strings.Split(n.text, "\n")
	at := n.line - 1 + line - 1
	if n.block {
		at++
	}
	if line < 1 || line > len(lines) || at >= len(r.lines) {
		return n.line, n.col, false
	}
	text := strings.TrimLeft(lines[line-1], " ")
	cut := utf8.RuneCountInString(lines[line-1]) - utf8.RuneCountInString(text)
	raw, from := r.lines[at], 0
	if line == 1 && !n.block { // other values may stand before it
		from = min(len(string([]rune(raw)[:min(n.col-1, utf8.RuneCountInString(raw))])), len(raw))
	}
	i := strings.Index(raw[from:], strings.TrimRight(text, " "))
	if i < 0 || text == "" {
		return n.line, n.col, false
	}
	return at + 1, utf8.RuneCountInString(raw[:from+i]) + col - cut, true
}

// checkMasks refuses masks that would not hide, or that would make rows one that are not.
func (r *reader) checkMasks(s *Source, c *columns) {
	for _, m := range c.masks {
		mask := m.Clean.Mask
		switch {
		case s.EventTime.Path != nil && s.EventTime.Path.String() == m.Path.String():
			r.bad(m.at.node, m.at.key, fmt.Sprintf("%s is the event time, which is stored as it is", m.Path), "take the mask away, or take another event time")
		case s.EventTime.Path == nil && !s.Arrival && slices.Contains(schema.EventTimeFields(), m.Path[len(m.Path)-1]) && (len(m.Path) == 1 || len(m.Path) == 2 && m.Path[0] == "data"):
			r.bad(m.at.node, m.at.key, fmt.Sprintf("the first run may take %s for the event time, which is stored as it is", m.Path), "say event_time, or event_time: arrival")
		case slices.Contains(s.PartitionBy, m.Name):
			r.bad(m.at.node, m.at.key, fmt.Sprintf("the table is partitioned by %s, and paths show its values", m.Name), "take it out of partition_by")
		case slices.Contains(s.Dedupe.Key, m.Name) && mask.SHA256 == "":
			r.bad(m.at.node, m.at.key, fmt.Sprintf("%s is part of the dedupe key, and this mask makes values one that are not", m.Name), `allowed is {sha256: "env:NAME"}`)
		}
	}
}
