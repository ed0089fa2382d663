package clean

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"datalake/pkg/expr"
	"datalake/pkg/schema"
)

// columnwise makes kernels of an expression: of arithmetic, comparison and logic over numbers, times and booleans, and of what is asked of
// texts. What it does not know, all of the expression then, is evaluated row by row; both give the same (see FuzzColumnwise).
type columnwise struct {
	schema *schema.Schema
}

// part is a compiled part of an expression; a nil kernel: there is none for it.
type part struct {
	kernel
	kind expr.Kind
}

var none part

// of gives the kernel of e.
func (c *columnwise) of(e ast.Expr) part {
	switch e.Kind() {
	case ast.IdentKind:
		if at, kind := c.column(e); at >= 0 && kind != expr.KindString {
			return part{load(at, kind), kind}
		}
	case ast.LiteralKind:
		switch x := e.AsLiteral().(type) {
		case types.Bool:
			return part{constant(vector{kind: expr.KindBool, ints: []int64{bit(bool(x))}}), expr.KindBool}
		case types.Int:
			return part{constant(vector{kind: expr.KindInt, ints: []int64{int64(x)}}), expr.KindInt}
		case types.Double:
			return part{constant(vector{kind: expr.KindDouble, doubles: []float64{float64(x)}}), expr.KindDouble}
		}
	case ast.CallKind:
		call := e.AsCall()
		args := call.Args()
		if call.IsMemberFunction() {
			args = append([]ast.Expr{call.Target()}, args...)
		}
		switch len(args) {
		case 1:
			return c.one(call.FunctionName(), args[0])
		case 2:
			return c.two(call.FunctionName(), args[0], args[1])
		case 3:
			return c.three(call.FunctionName(), args[0], args[1], args[2])
		}
	}
	return none
}

// column gives the place and kind of the column that e names; -1: it names none whose values have a kind here.
func (c *columnwise) column(e ast.Expr) (at int, kind expr.Kind) {
	if e.Kind() != ast.IdentKind {
		return -1, 0
	}
	if at = c.schema.Index(e.AsIdent()); at < 0 {
		return -1, 0
	}
	switch c.schema.Columns[at].Type.Kind {
	case schema.Boolean:
		return at, expr.KindBool
	case schema.Int, schema.Bigint:
		return at, expr.KindInt
	case schema.Float, schema.Double, schema.Decimal:
		return at, expr.KindDouble
	case schema.Date, schema.Timestamp:
		return at, expr.KindTimestamp
	case schema.String, schema.JSON:
		return at, expr.KindString
	}
	return -1, 0
}

func (c *columnwise) one(name string, x ast.Expr) part {
	if at, kind := c.column(x); name == "size" && at >= 0 && kind == expr.KindString {
		return part{ofTexts(at, expr.KindInt, func(s string) int64 { return int64(utf8.RuneCountInString(s)) }), expr.KindInt}
	}
	a := c.of(x)
	switch {
	case a.kernel == nil:
	case name == operators.LogicalNot && a.kind == expr.KindBool:
		return part{not(a.kernel), a.kind}
	case name == operators.Negate && numeric(a):
		return part{negative(a.kernel), a.kind}
	case name == "double" && numeric(a):
		return part{toDouble(a.kernel), expr.KindDouble}
	}
	return none
}

func numeric(p part) bool { return p.kind == expr.KindInt || p.kind == expr.KindDouble }

func (c *columnwise) two(name string, x, y ast.Expr) part {
	if p := c.onText(name, x, y); p.kernel != nil {
		return p
	}
	if (name == operators.Equals || name == operators.NotEquals) && (isWord(x) || isWord(y)) {
		if isWord(x) {
			x = y
		}
		if at, kind := c.column(x); at >= 0 && kind == expr.KindString {
			return part{isNull(ofTexts(at, expr.KindInt, func(string) int64 { return 0 }), name == operators.Equals), expr.KindBool}
		}
		if a := c.of(x); a.kernel != nil {
			return part{isNull(a.kernel, name == operators.Equals), expr.KindBool}
		}
		return none
	}
	a, b := c.of(x), c.of(y)
	if a.kernel == nil || b.kernel == nil {
		return none
	}
	numbers := numeric(a) && numeric(b)
	switch name {
	case "coalesce":
		if a.kind == b.kind {
			return part{choice(isNull(a.kernel, false), a.kernel, b.kernel), a.kind}
		}
	case operators.LogicalAnd, operators.LogicalOr:
		if a.kind == expr.KindBool && b.kind == expr.KindBool {
			return part{logic(a.kernel, b.kernel, bit(name == operators.LogicalOr)), expr.KindBool}
		}
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		op := name[1]
		switch {
		case a.kind == expr.KindInt && b.kind == expr.KindInt:
			return part{onInts(a.kernel, b.kernel, op), expr.KindInt}
		case numbers && name != operators.Modulo:
			return part{onDoubles(a.kernel, b.kernel, op), expr.KindDouble}
		}
	default:
		if o, ok := orders[name]; ok && (numbers || a.kind == b.kind) {
			return part{comparison(a.kernel, b.kernel, o), expr.KindBool}
		}
	}
	return none
}

func (c *columnwise) three(name string, x, y, z ast.Expr) part {
	if name != operators.Conditional {
		return none
	}
	if p, a, b := c.of(x), c.of(y), c.of(z); p.kernel != nil && a.kernel != nil && b.kernel != nil && p.kind == expr.KindBool && a.kind == b.kind {
		return part{choice(p.kernel, a.kernel, b.kernel), a.kind}
	}
	return none
}

// isWord says whether e is the word null.
func isWord(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral().Type() == types.NullType
}

// textOf gives a literal text.
func textOf(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// onText is what is asked of a column of texts with a literal.
func (c *columnwise) onText(name string, x, y ast.Expr) part {
	at, kind := c.column(x)
	if at < 0 { // 'a' == column
		if at, kind = c.column(y); at < 0 || name != operators.Equals && name != operators.NotEquals {
			return none
		}
		y = x
	}
	if kind != expr.KindString {
		return none
	}
	ask := asked(name, y)
	if ask == nil {
		return none
	}
	return part{ofTexts(at, expr.KindBool, func(s string) int64 { return bit(ask(s)) }), expr.KindBool}
}

// asked is the question that a function puts to a text with the literal y; nil: none.
func asked(name string, y ast.Expr) func(s string) bool {
	if name == operators.In && y.Kind() == ast.ListKind {
		in := map[string]bool{}
		for _, e := range y.AsList().Elements() {
			s, ok := textOf(e)
			if !ok {
				return nil
			}
			in[s] = true
		}
		return func(s string) bool { return in[s] }
	}
	text, ok := textOf(y)
	if !ok {
		return nil
	}
	switch name {
	case operators.Equals:
		return func(s string) bool { return s == text }
	case operators.NotEquals:
		return func(s string) bool { return s != text }
	case "startsWith":
		return func(s string) bool { return strings.HasPrefix(s, text) }
	case "endsWith":
		return func(s string) bool { return strings.HasSuffix(s, text) }
	case "contains":
		return func(s string) bool { return strings.Contains(s, text) }
	case "matches":
		if re, err := regexp.Compile(text); err == nil {
			return re.MatchString
		}
	}
	return nil
}
