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

// nearest gives the word of known that is most like s, empty if none is much like it.
func nearest(s string, known []string) string {
	best, least := "", max(1, len(s)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(s), k); d < least || d == least && best == "" {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to put in, take out, replace or swap with a neighbour that make b of a.
func distance(a, b string) int {
	rows := [3][]int{}
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(b)]
}
