package expr

import (
	"fmt"
	"slices"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"datalake/pkg/schema"
)

// Program is an expression that can be evaluated. It does not change and is safe for concurrent use.
type Program struct {
	// Text is the expression as it was written.
	Text string
	// Columns are those that the expression names, each once, in the order in which they stand.
	Columns []string
	// Kind is the kind of its values that are neither null nor errors; KindDyn where that is not known.
	Kind Kind
	// AST is the checked expression, for those who evaluate it in another way.
	AST *ast.AST

	result *types.Type
	root   eval
	locals int
}

// Compile reads an expression. The error is Errors: all that is wrong, with places in text.
func (e *Env) Compile(text string) (*Program, error) {
	env, err := base()
	if err != nil {
		return nil, fmt.Errorf("make the environment of expressions: %w", err)
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, e.explain(text, issues, nil)
	}
	names := free(parsed.NativeRep())
	var unknown []string
	vars := make([]cel.EnvOption, 0, len(names))
	for _, n := range names {
		t, ok := e.columns[n]
		switch {
		case ok:
			vars = append(vars, cel.Variable(n, celType(t)))
		case e.open && e.hidden[n] == "":
			vars = append(vars, cel.Variable(n, types.DynType))
		default:
			unknown = append(unknown, n)
			vars = append(vars, cel.Variable(n, types.DynType))
		}
	}
	if env, err = env.Extend(vars...); err != nil {
		return nil, fmt.Errorf("make the environment of %q: %w", text, err)
	}
	errs := e.unknown(parsed.NativeRep(), unknown)
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		errs = append(errs, e.explain(text, issues, unknown)...)
	}
	if len(errs) > 0 {
		errs.sort()
		return nil, errs
	}
	a := checked.NativeRep()
	c := compiler{env: e, ast: a, columns: names}
	root := c.expr(a.Expr())
	if len(c.errs) > 0 {
		c.errs.sort()
		return nil, c.errs
	}
	t := a.GetType(a.Expr().ID())
	return &Program{Text: text, Columns: names, Kind: kindOf(t), AST: a, result: t, root: root, locals: c.deepest}, nil
}

// Eval gives the expression's value for one row: row[i] is the value of Columns[i]. It does not keep row.
func (p *Program) Eval(row []Value) Value {
	f, ok := frames.Get().(*frame)
	if !ok {
		f = new(frame)
	}
	f.row = row
	if len(f.locals) < p.locals {
		f.locals = make([]Value, p.locals)
	}
	v := p.root(f)
	f.row = nil
	clear(f.locals)
	frames.Put(f)
	return v
}

// frames are those that no evaluation uses.
var frames sync.Pool

// Fits says why the values of the expression cannot stand in a column of a type, nil if they can. What fits may still fail for a
// value: an int in an int column, 32 bits wide; a double in a decimal one; whatever is dyn.
func (p *Program) Fits(t schema.Type) error {
	if fits(p.result, t) {
		return nil
	}
	why := ""
	switch k := kindOf(p.result); {
	case k == KindDuration:
		why = ": take a number of it, as with getSeconds()"
	case k == KindDouble && (t.Kind == schema.Int || t.Kind == schema.Bigint):
		why = ": write int(round(…)), or make the column double"
	case t.Kind == schema.String && k != KindList && k != KindMap:
		why = ": write string(…)"
	}
	return fmt.Errorf("the expression gives %s, the column is %s%s", typeText(p.result), t, why)
}

func fits(from *types.Type, t schema.Type) bool {
	k := kindOf(from)
	if k == KindDyn || k == KindNull {
		return t.Kind != schema.JSON && t.Kind != schema.Binary && t.Kind != schema.Map && t.Kind != schema.Struct
	}
	switch t.Kind {
	case schema.String:
		return k == KindString
	case schema.Boolean:
		return k == KindBool
	case schema.Int, schema.Bigint:
		return k == KindInt
	case schema.Float, schema.Double, schema.Decimal:
		return k == KindInt || k == KindDouble
	case schema.Date, schema.Timestamp:
		return k == KindTimestamp
	case schema.List:
		return k == KindList && fits(from.Parameters()[0], *t.Elem)
	}
	return false
}

// eval is a compiled part of an expression.
type eval func(f *frame) Value

// frame is one evaluation: the row, and the variables of the comprehensions that enclose a part.
type frame struct {
	row    []Value
	locals []Value
}

type compiler struct {
	env     *Env
	ast     *ast.AST
	columns []string
	bound   []string // variables in scope, by their place in frame.locals
	deepest int
	errs    Errors
}

func (c *compiler) bad(e ast.Expr, problem, allowed string) eval {
	at := c.ast.SourceInfo().GetStartLocation(e.ID())
	c.errs = append(c.errs, &Error{Line: at.Line(), Column: at.Column() + 1, Problem: problem, Allowed: allowed})
	return func(*frame) Value { return Null }
}

func (c *compiler) expr(e ast.Expr) eval {
	switch e.Kind() {
	case ast.LiteralKind:
		v, ok := literal(e.AsLiteral())
		if !ok {
			return c.bad(e, "there are no unsigned integers", "write the number without u")
		}
		return func(*frame) Value { return v }
	case ast.IdentKind:
		name := e.AsIdent()
		for i := len(c.bound) - 1; i >= 0; i-- {
			if c.bound[i] == name {
				return func(f *frame) Value { return f.locals[i] }
			}
		}
		at := slices.Index(c.columns, name)
		return func(f *frame) Value { return f.row[at] }
	case ast.SelectKind:
		return c.selection(e)
	case ast.CallKind:
		return c.call(e)
	case ast.ListKind:
		items := c.exprs(e.AsList().Elements())
		return func(f *frame) Value {
			out := make([]Value, len(items))
			for i, x := range items {
				if out[i] = x(f); out[i].kind == KindError {
					return out[i]
				}
			}
			return List(out)
		}
	case ast.ComprehensionKind:
		return c.comprehension(e.AsComprehension())
	case ast.MapKind, ast.StructKind:
		return c.bad(e, "a map cannot be written in an expression", "")
	}
	return c.bad(e, "this is not part of expressions", "")
}

func (c *compiler) exprs(es []ast.Expr) []eval {
	out := make([]eval, len(es))
	for i, e := range es {
		out[i] = c.expr(e)
	}
	return out
}

// selection is x.field, and has(x.field).
func (c *compiler) selection(e ast.Expr) eval {
	s := e.AsSelect()
	name, test := s.FieldName(), s.IsTestOnly()
	if t, ok := c.typeOf(s.Operand()); ok && t.Kind == schema.Struct {
		var names []string
		for _, f := range t.Fields {
			names = append(names, f.Name)
		}
		if !slices.Contains(names, name) {
			return c.bad(e, fmt.Sprintf("no field %s%s", name, didYouMean(name, names)), "its fields are "+join(names))
		}
	}
	operand := c.expr(s.Operand())
	return func(f *frame) Value {
		v := operand(f)
		switch v.kind {
		case KindError:
			return v
		case KindNull:
			if test {
				return Bool(false)
			}
			return v
		case KindMap:
			x, ok := v.Map()[name]
			switch {
			case test:
				return Bool(x.kind != KindNull)
			case !ok:
				return fail("no key " + name)
			}
			return x
		}
		return fail(fmt.Sprintf("a %s has no fields", v.kind))
	}
}

// typeOf is the declared type of a column, or of a field within one.
func (c *compiler) typeOf(e ast.Expr) (schema.Type, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		if slices.Contains(c.bound, e.AsIdent()) {
			return schema.Type{}, false
		}
		t, ok := c.env.columns[e.AsIdent()]
		return t, ok
	case ast.SelectKind:
		t, ok := c.typeOf(e.AsSelect().Operand())
		if ok && t.Kind == schema.Struct {
			for _, f := range t.Fields {
				if f.Name == e.AsSelect().FieldName() {
					return f.Type, true
				}
			}
		}
	}
	return schema.Type{}, false
}
