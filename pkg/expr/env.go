package expr

import (
	"slices"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"

	"datalake/pkg/schema"
)

// Env is what expressions may name: the columns of one table. It is safe for concurrent use once it is made.
type Env struct {
	columns map[string]schema.Type
	names   []string
	open    bool
	hidden  map[string]string
}

// NewEnv makes the environment of a table with these columns. open: other columns may be there too, of any type. Columns of no
// type count as of any.
func NewEnv(columns []schema.Column, open bool) *Env {
	e := &Env{columns: make(map[string]schema.Type, len(columns)), open: open}
	for _, c := range columns {
		e.columns[c.Name] = c.Type
		e.names = append(e.names, c.Name)
	}
	slices.Sort(e.names)
	return e
}

// Hide makes a name one that is no column even in an open environment, and why is what the error says.
func (e *Env) Hide(name, why string) {
	if e.hidden == nil {
		e.hidden = map[string]string{}
	}
	e.hidden[name] = why
}

// base has the functions and macros, which all environments share.
var base = sync.OnceValues(func() (*cel.Env, error) {
	opts := []cel.EnvOption{cel.Macros(cel.StandardMacros...), cel.ParserExpressionSizeLimit(maxText), cel.ParserRecursionLimit(100)}
	for _, f := range functions {
		opts = append(opts, f.declare())
	}
	return cel.NewCustomEnv(opts...)
})

// maxText is the longest expression, in characters.
const maxText = 10_000

// free gives the names that the expression uses and does not bind itself, in the order in which they stand.
func free(a *ast.AST) []string {
	var out []string
	var walk func(e ast.Expr, bound []string)
	all := func(es []ast.Expr, bound []string) {
		for _, e := range es {
			walk(e, bound)
		}
	}
	walk = func(e ast.Expr, bound []string) {
		switch e.Kind() {
		case ast.IdentKind:
			if n := e.AsIdent(); !slices.Contains(bound, n) && !slices.Contains(out, n) {
				out = append(out, n)
			}
		case ast.SelectKind:
			walk(e.AsSelect().Operand(), bound)
		case ast.CallKind:
			if c := e.AsCall(); c.IsMemberFunction() {
				walk(c.Target(), bound)
			}
			all(e.AsCall().Args(), bound)
		case ast.ListKind:
			all(e.AsList().Elements(), bound)
		case ast.ComprehensionKind:
			c := e.AsComprehension()
			walk(c.IterRange(), bound)
			walk(c.AccuInit(), bound)
			inner := append(slices.Clone(bound), c.IterVar(), c.IterVar2(), c.AccuVar())
			all([]ast.Expr{c.LoopCondition(), c.LoopStep(), c.Result()}, inner)
		}
	}
	walk(a.Expr(), nil)
	return out
}
