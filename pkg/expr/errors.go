package expr

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"datalake/pkg/spell"
)

// Error is one thing wrong in an expression.
type Error struct {
	// Line and Column are the place in the expression, from 1; Column counts characters.
	Line, Column int
	// Problem says what is wrong, Allowed what may stand there; Allowed may be empty.
	Problem, Allowed string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Problem)
	if e.Allowed != "" {
		s += "; " + e.Allowed
	}
	return s
}

// Errors is all that is wrong in an expression, in its order. It is never empty where Compile returns it.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

func didYouMean(s string, known []string) string {
	if near := spell.Nearest(s, known); near != "" {
		return fmt.Sprintf(", did you mean %s?", near)
	}
	return ""
}

func join(words []string) string { return strings.Join(words, ", ") }

// unknown tells of each place where one of names stands.
func (e *Env) unknown(a *ast.AST, names []string) Errors {
	var out Errors
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.IdentKind || !slices.Contains(names, x.AsIdent()) {
			return
		}
		at := a.SourceInfo().GetStartLocation(x.ID())
		near, allowed := didYouMean(x.AsIdent(), e.names), ""
		if why := e.hidden[x.AsIdent()]; why != "" {
			near, allowed = " is to be seen here", why
		} else if near == "" && len(e.names) > 0 && len(e.names) <= 40 {
			allowed = "the columns are " + join(e.names)
		}
		out = append(out, &Error{Line: at.Line(), Column: at.Column() + 1, Problem: "no column " + x.AsIdent() + near, Allowed: allowed})
	}))
	return out
}

// What CEL's messages look like, with the parts that ours need.
const (
	undeclared = `^undeclared reference to '([^']*)'`
	overload   = `^found no matching overload for '([^']*)' applied to '(.*)'$`
	mismatched = `^Syntax error: (?:mismatched|extraneous) input '(.*?)' expecting`
	noViable   = `^Syntax error: no viable alternative at input '(.*)'$`
	missing    = `^Syntax error: missing (.*) at '(.*?)'$`
	notBool    = `^expected type '(.*)' but found '(.*)'$`
	noField    = `^type '(.*)' does not support field selection$`
	noRange    = `^expression of type '(.*)' cannot be range of a comprehension`
	token      = `^Syntax error: token recognition error at: '(.*)'$`
)

// find gives the parts of a message, nil if it does not look so. Patterns are compiled when something is wrong and not before, for that
// is seldom and a program starts often.
func find(pattern, message string) []string {
	return regexp.MustCompile(pattern).FindStringSubmatch(message)
}

// explain says in our words what CEL finds wrong. A problem with one of the names in told has been told already.
func (e *Env) explain(text string, issues *cel.Issues, told []string) Errors {
	var out Errors
	for _, x := range issues.Errors() {
		problem, allowed := e.words(x.Message)
		one := &Error{Line: max(x.Location.Line(), 1), Column: max(x.Location.Column(), 0) + 1, Problem: problem, Allowed: allowed}
		if m := find(undeclared, x.Message); m != nil && slices.Contains(told, m[1]) {
			continue
		}
		if strings.HasPrefix(x.Message, "Syntax error") && len(out) > 0 && strings.HasPrefix(out[len(out)-1].Problem, "syntax error") {
			continue // what follows a syntax error is seldom one of its own
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		out = append(out, &Error{Line: 1, Column: 1, Problem: fmt.Sprintf("%q is no expression", text)})
	}
	return out
}

func (e *Env) words(msg string) (problem, allowed string) {
	at := func(s string) string {
		if s == "<EOF>" {
			return "the expression ends too early"
		}
		return fmt.Sprintf("unexpected %q", strings.TrimSuffix(s, "<EOF>"))
	}
	if m := find(mismatched, msg); m != nil {
		if m[1] == "=" {
			return "syntax error: unexpected \"=\"", "equal is =="
		}
		return "syntax error: " + at(m[1]), ""
	}
	if m := find(noViable, msg); m != nil {
		return "syntax error: " + at(m[1]), ""
	}
	if m := find(missing, msg); m != nil {
		return fmt.Sprintf("syntax error: %s is missing", m[1]), ""
	}
	if m := find(token, msg); m != nil {
		switch {
		case strings.HasPrefix(m[1], "="):
			return "syntax error: unexpected \"=\"", "equal is =="
		case strings.HasPrefix(m[1], "'"), strings.HasPrefix(m[1], `"`), strings.HasPrefix(m[1], `\'`):
			return "syntax error: a text in quotes does not end", ""
		}
		return fmt.Sprintf("syntax error: unexpected %q", m[1]), "and is &&, or is ||, not is !"
	}
	if rest, ok := strings.CutPrefix(msg, "Syntax error: "); ok {
		return "syntax error: " + rest, ""
	}
	if word, ok := strings.CutPrefix(msg, "reserved identifier: "); ok {
		return word + " is a word of the language", "give the column another name"
	}
	if m := find(undeclared, msg); m != nil {
		names := Functions()
		if near := didYouMean(m[1], names); near != "" {
			return "no function " + m[1] + near, ""
		}
		return "no function " + m[1], "the functions are " + join(names)
	}
	if m := find(notBool, msg); m != nil {
		return fmt.Sprintf("a %s is needed, this is %s", plainType(m[1]), plainType(m[2])), ""
	}
	if m := find(noField, msg); m != nil {
		return plainType(m[1]) + " has no fields", "fields are of structs and maps"
	}
	if m := find(noRange, msg); m != nil {
		return plainType(m[1]) + " has no elements", "lists and maps have elements"
	}
	if strings.HasPrefix(msg, "invalid argument to has()") {
		return "has asks for a field", "as in has(x.f); x != null asks whether a column has a value"
	}
	if strings.HasPrefix(msg, "invalid int literal") {
		return "the integer is beyond 64 bits", ""
	}
	if m := find(overload, msg); m != nil {
		return noOverload(m[1], m[2])
	}
	return msg, ""
}

// noOverload says that a function or operator does not take its operands.
func noOverload(name, args string) (problem, allowed string) {
	target := ""
	if i := strings.Index(args, ".("); i >= 0 {
		target, args = args[:i], args[i+1:]
	}
	args = strings.TrimSuffix(strings.TrimPrefix(args, "("), ")")
	list := splitTypes(args)
	for i, x := range list {
		list[i] = plainType(x)
	}
	var forms []string
	for _, f := range functions {
		if f.name == name {
			forms = f.forms()
		}
	}
	allowed = "allowed are " + join(forms)
	op := strings.Trim(name, "_@")
	switch {
	case name == "_?_:_":
		return fmt.Sprintf("%s ? %s : %s does not work", list[0], list[1], list[2]), "the first is a bool, the other two are of one type"
	case name == "coalesce":
		return fmt.Sprintf("coalesce(%s) does not work", join(list)), "it takes two to four of one type"
	case name == "_[_]":
		return fmt.Sprintf("%s[%s] does not work", list[0], list[1]), allowed
	case name == "@in":
		return fmt.Sprintf("%s in %s does not work", list[0], list[1]), "in asks for an element of a list of its type, or for a key of a map"
	case strings.HasPrefix(name, "_") && len(list) == 2:
		switch name {
		case "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_":
			allowed = "the two sides are of one type, or numbers"
			if slices.Contains(list, "timestamp") && slices.Contains(list, "string") {
				allowed = `timestamp("2000-01-31") makes a time of text`
			}
		}
		if name == "_+_" && (list[0] == "string") != (list[1] == "string") {
			allowed += "; string(x) makes text of a value"
		}
		return fmt.Sprintf("%s %s %s does not work", list[0], op, list[1]), allowed
	case strings.HasSuffix(name, "_") && len(list) == 1:
		return fmt.Sprintf("%s%s does not work", op, list[0]), allowed
	case target != "":
		return fmt.Sprintf("%s.%s(%s) does not work", plainType(target), name, join(list)), allowed
	}
	return fmt.Sprintf("%s(%s) does not work", name, join(list)), allowed
}

// plainType writes one of CEL's types as typeText does.
func plainType(s string) string {
	if in, ok := strings.CutPrefix(s, "list("); ok {
		return "list<" + plainType(strings.TrimSuffix(in, ")")) + ">"
	}
	if strings.HasPrefix(s, "map(") {
		return "map"
	}
	return strings.NewReplacer("google.protobuf.", "", "Timestamp", "timestamp", "Duration", "duration", "null_type", "null", "dyn", "any").Replace(s)
}

// splitTypes splits at the commas outside of parentheses.
func splitTypes(s string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	return append(out, strings.TrimSpace(s[from:]))
}

// typeText writes a type as messages and documents have it.
func typeText(t *types.Type) string {
	switch t.Kind() {
	case types.ListKind:
		return "list<" + typeText(t.Parameters()[0]) + ">"
	case types.TypeParamKind:
		return t.TypeName()
	}
	if k := kindOf(t); k != KindDyn {
		return k.String()
	}
	return "any"
}
