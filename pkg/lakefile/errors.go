package lakefile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing wrong in a lake file.
type Error struct {
	File string
	// Line and Column count from 1.
	Line, Column int
	// Key is the path of keys that leads there, such as sources.iot.columns[2].type; empty for the file as a whole.
	Key string
	// Problem says what is wrong, Allowed what may stand there; Allowed may be empty.
	Problem, Allowed string
}

// Error is file:line:column: key: problem; allowed.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Problem)
	if e.Allowed != "" {
		b.WriteString("; " + e.Allowed)
	}
	return b.String()
}

// Errors is all that is wrong in a lake file, in the order of the file. It is never empty where Parse returns it.
type Errors []*Error

// Error gives one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes each of them findable by errors.As.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, x := range e {
		out[i] = x
	}
	return out
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
