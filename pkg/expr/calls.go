package expr

import (
	"regexp"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// literal gives the value of a literal; ok is false for one that has no place here.
func literal(v ref.Val) (Value, bool) {
	switch x := v.(type) {
	case types.Null:
		return Null, true
	case types.Bool:
		return Bool(bool(x)), true
	case types.Int:
		return Int(int64(x)), true
	case types.Double:
		return Double(float64(x)), true
	case types.String:
		return String(string(x)), true
	case types.Bytes:
		return Bytes(string(x)), true
	}
	return Null, false
}

// call compiles a function or operator. Null and errors are dealt with here, so that the functions never see them.
func (c *compiler) call(e ast.Expr) eval {
	call := e.AsCall()
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	switch call.FunctionName() {
	case operators.LogicalAnd:
		return and(c.expr(args[0]), c.expr(args[1]))
	case operators.LogicalOr:
		return or(c.expr(args[0]), c.expr(args[1]))
	case operators.Conditional:
		return c.asTyped(e, conditional(c.expr(args[0]), c.expr(args[1]), c.expr(args[2]), false))
	case operators.NotStrictlyFalse:
		x := c.expr(args[0])
		return func(f *frame) Value {
			v := x(f)
			return Bool(v.kind != KindBool || v.bits == 1)
		}
	case operators.Equals, operators.NotEquals:
		if x := beside(args); x != nil {
			return isNull(c.expr(x), call.FunctionName() == operators.Equals)
		}
	case "coalesce":
		return c.asTyped(e, coalesce(c.exprs(args)))
	case "matches":
		return c.matches(e, args)
	case "timestamp", "duration", "date":
		// A text that is no time is wrong once and for all.
		if f := byName[call.FunctionName()]; args[0].Kind() == ast.LiteralKind {
			if v, ok := literal(args[0].AsLiteral()); ok && v.kind == KindString {
				v = f.one(v)
				if v.kind == KindError {
					return c.bad(args[0], v.text, "")
				}
				return func(*frame) Value { return v }
			}
		}
	}
	f := byName[call.FunctionName()]
	if f == nil { // the checker knows only what is in the table
		return c.bad(e, "no function "+call.FunctionName(), "")
	}
	xs := c.exprs(args)
	switch {
	case f.many != nil:
		return func(fr *frame) Value {
			vs := make([]Value, len(xs))
			null := false
			for i, x := range xs {
				if vs[i] = x(fr); vs[i].kind == KindError {
					return vs[i]
				}
				null = null || vs[i].kind == KindNull
			}
			if null {
				return Null
			}
			return f.many(vs)
		}
	case f.one != nil:
		x, one := xs[0], f.one
		return func(fr *frame) Value {
			a := x(fr)
			if a.kind <= KindError {
				return a
			}
			return one(a)
		}
	case f.two != nil:
		x, y, two := xs[0], xs[1], f.two
		return func(fr *frame) Value {
			a := x(fr)
			if a.kind == KindError {
				return a
			}
			b := y(fr)
			if b.kind == KindError {
				return b
			}
			if a.kind == KindNull || b.kind == KindNull {
				return Null
			}
			return two(a, b)
		}
	}
	three := f.three
	return func(fr *frame) Value {
		var v [3]Value
		null := false
		for i, x := range xs {
			if v[i] = x(fr); v[i].kind == KindError {
				return v[i]
			}
			null = null || v[i].kind == KindNull
		}
		if null {
			return Null
		}
		return three(v[0], v[1], v[2])
	}
}

// beside gives the operand that stands beside the word null, nil where there is no such word.
func beside(args []ast.Expr) ast.Expr {
	word := func(e ast.Expr) bool { return e.Kind() == ast.LiteralKind && e.AsLiteral().Type() == types.NullType }
	switch {
	case word(args[1]):
		return args[0]
	case word(args[0]):
		return args[1]
	}
	return nil
}

func isNull(x eval, want bool) eval {
	return func(f *frame) Value {
		v := x(f)
		if v.kind == KindError {
			return v
		}
		return Bool((v.kind == KindNull) == want)
	}
}

func coalesce(xs []eval) eval {
	return func(f *frame) Value {
		for _, x := range xs {
			if v := x(f); v.kind != KindNull {
				return v
			}
		}
		return Null
	}
}

// asTyped makes doubles of integers where the checker has found that the one of e that is taken may be a double.
func (c *compiler) asTyped(e ast.Expr, x eval) eval {
	if c.ast.GetType(e.ID()).Kind() != types.DoubleKind {
		return x
	}
	return func(f *frame) Value {
		v := x(f)
		if v.kind == KindInt {
			return Double(v.number())
		}
		return v
	}
}

// and is false where either side is, else an error where either is one, else null where either is, else true. The right side is
// left alone where the left is false.
func and(x, y eval) eval { return logic(x, y, false) }

func or(x, y eval) eval { return logic(x, y, true) }

// logic is and with decisive false, or with decisive true.
func logic(x, y eval, decisive bool) eval {
	op := map[bool]string{false: "&&", true: "||"}[decisive]
	bits := Bool(decisive).bits
	return func(f *frame) Value {
		a := x(f)
		if a.kind == KindBool && a.bits == bits {
			return a
		}
		b := y(f)
		if b.kind == KindBool && b.bits == bits {
			return b
		}
		for _, v := range [2]Value{a, b} {
			switch v.kind {
			case KindError:
				return v
			case KindBool, KindNull:
			default:
				return noOperands(op, a, b)
			}
		}
		if a.kind == KindNull || b.kind == KindNull {
			return Null
		}
		return Bool(!decisive)
	}
}

// conditional is x ? y : z. other: null takes the other way, z.
func conditional(x, y, z eval, other bool) eval {
	return func(f *frame) Value {
		switch v := x(f); {
		case v.kind == KindBool && v.bits == 1:
			return y(f)
		case v.kind == KindBool, v.kind == KindNull && other:
			return z(f)
		case v.kind <= KindError:
			return v
		default:
			return fail("the condition before ? is a " + v.kind.String())
		}
	}
}

// matches compiles the pattern, which is the same for all rows.
func (c *compiler) matches(e ast.Expr, args []ast.Expr) eval {
	x := c.expr(args[0])
	if args[1].Kind() != ast.LiteralKind {
		return c.bad(args[1], "a pattern is a text in quotes, the same for all rows", "")
	}
	pattern, _ := literal(args[1].AsLiteral())
	re, err := regexp.Compile(pattern.text)
	if err != nil {
		return c.bad(args[1], err.Error(), "a pattern is an RE2 expression")
	}
	return func(f *frame) Value {
		v := x(f)
		switch v.kind {
		case KindNull, KindError:
			return v
		case KindString:
			return Bool(re.MatchString(v.text))
		}
		return noOperands("matches", v)
	}
}

// comprehension compiles what the macros all, exists, exists_one, map and filter become.
func (c *compiler) comprehension(e ast.ComprehensionExpr) eval {
	over := c.expr(e.IterRange())
	init := c.expr(e.AccuInit())
	depth := len(c.bound)
	c.bound = append(c.bound, e.AccuVar(), e.IterVar())
	c.deepest = max(c.deepest, len(c.bound))
	on, step, result := c.expr(e.LoopCondition()), c.step(e.LoopStep(), e.AccuVar(), depth), c.expr(e.Result())
	c.bound = c.bound[:depth]
	return func(f *frame) Value {
		r := over(f)
		switch r.kind {
		case KindNull, KindError:
			return r
		case KindList, KindMap:
		default:
			return fail("a " + r.kind.String() + " has no elements")
		}
		f.locals[depth] = init(f)
		each := func(v Value) bool {
			f.locals[depth+1] = v
			if on(f).bits == 0 {
				return false
			}
			f.locals[depth] = step(f)
			return true
		}
		if r.kind == KindMap {
			for _, k := range r.keys() {
				if !each(String(k)) {
					break
				}
			}
		} else {
			for _, v := range r.List() {
				if !each(v) {
					break
				}
			}
		}
		return result(f)
	}
}

// step compiles how a comprehension goes on. A predicate of filter or exists_one that is null takes no element, and an element
// is appended to the list so far without a copy, which no one else has.
func (c *compiler) step(e ast.Expr, accu string, at int) eval {
	if e.Kind() != ast.CallKind {
		return c.expr(e)
	}
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.Conditional:
		if last := args[2]; last.Kind() == ast.IdentKind && last.AsIdent() == accu {
			return conditional(c.expr(args[0]), c.step(args[1], accu, at), c.expr(last), true)
		}
	case operators.Add:
		if args[0].Kind() == ast.IdentKind && args[0].AsIdent() == accu && args[1].Kind() == ast.ListKind && args[1].AsList().Size() == 1 {
			x := c.expr(args[1].AsList().Elements()[0])
			return func(f *frame) Value {
				v, so := x(f), f.locals[at]
				if v.kind == KindError || so.kind != KindList {
					if so.kind == KindError {
						return so
					}
					return v
				}
				return List(append(so.List(), v))
			}
		}
	}
	return c.expr(e)
}
