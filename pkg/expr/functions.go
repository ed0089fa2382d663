package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// function is one function or operator: the types that it takes, and how it is computed. Exactly one of the eval functions is set,
// but for those that the compiler itself knows how to evaluate. They get no nulls and no errors.
type function struct {
	name   string
	doc    string // what it gives, for documents
	member bool   // x.f(y); with global false, only so
	global bool   // f(x, y)
	takes  []signature
	one    func(a Value) Value
	two    func(a, b Value) Value
	three  func(a, b, c Value) Value
	many   func(v []Value) Value // several numbers of operands
}

// signature is the result's type and those of the operands, the receiver first.
type signature []*types.Type

var (
	tBool, tInt, tDouble, tString, tBytes = types.BoolType, types.IntType, types.DoubleType, types.StringType, types.BytesType
	tTime, tSpan                          = types.TimestampType, types.DurationType
	tA                                    = types.NewTypeParamType("A")
	tListA                                = types.NewListType(tA)
	tMapA                                 = types.NewMapType(tString, tA)
	tStrings                              = types.NewListType(tString)
)

// declare makes the CEL declaration.
func (f *function) declare() cel.EnvOption {
	var opts []cel.FunctionOpt
	for _, t := range f.takes {
		id := strings.Trim(f.name, "_@")
		for _, a := range t[1:] {
			id += "_" + strings.NewReplacer("(", "_", ")", "", " ", "", ",", "_", "google.protobuf.", "").Replace(a.String())
		}
		if f.global {
			opts = append(opts, cel.Overload(f.name+":"+id, t[1:], t[0]))
		}
		if f.member {
			opts = append(opts, cel.MemberOverload(f.name+":member:"+id, t[1:], t[0]))
		}
	}
	return cel.Function(f.name, opts...)
}

// forms lists the ways of writing it, for messages: int + double.
func (f *function) forms() []string {
	var out []string
	for _, t := range f.takes {
		args := make([]string, len(t)-1)
		for i, a := range t[1:] {
			args[i] = typeText(a)
		}
		op := strings.Trim(f.name, "_@")
		var s string
		switch {
		case f.name == "_[_]":
			s = args[0] + "[" + args[1] + "]"
		case f.name == "_?_:_":
			s = args[0] + " ? " + args[1] + " : " + args[2]
		case strings.ContainsAny(f.name[:1], "_@") && len(args) == 2:
			s = args[0] + " " + op + " " + args[1]
		case strings.HasSuffix(f.name, "_"):
			s = op + args[0]
		case f.member:
			s = args[0] + "." + f.name + "(" + join(args[1:]) + ")"
		default:
			s = f.name + "(" + join(args) + ")"
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Functions lists the names of the functions and macros, sorted.
func Functions() []string {
	out := []string{"all", "exists", "exists_one", "filter", "has", "map"}
	for _, f := range functions {
		if f.name[0] >= 'a' && f.name[0] <= 'z' {
			out = append(out, f.name)
		}
	}
	slices.Sort(out)
	return out
}

// Form is how a function or operator is written, with the types that it takes.
type Form struct {
	Name  string
	Forms []string
	// Doc is what it gives; empty for operators that need no word.
	Doc string
}

// Forms lists all functions and operators in a fixed order, for documents: + has int + int, int + double and so on.
func Forms() []Form {
	var out []Form
	for _, f := range functions {
		form := Form{strings.Trim(f.name, "_@"), f.forms(), f.doc}
		switch f.name {
		case "@not_strictly_false":
			continue
		case "-_":
			form.Name = "-x"
		case "_?_:_":
			form.Forms = []string{"bool ? A : A", "bool ? int : double", "bool ? A : null"}
		case "_==_", "_!=_":
			form.Forms = []string{"A " + form.Name + " A", "int " + form.Name + " double", "A " + form.Name + " null"}
		case "coalesce":
			form.Forms = []string{"coalesce(A, A)", "coalesce(A, A, A)", "coalesce(A, A, A, A)", "coalesce(int, double)"}
		case "@in":
			form.Forms = []string{"A in list<A>", "int in list<double>", "string in map"}
		case "_[_]":
			form.Name = "[]"
		}
		out = append(out, form)
	}
	return out
}

var byName = func() map[string]*function {
	m := make(map[string]*function, len(functions))
	for _, f := range functions {
		m[f.name] = f
	}
	return m
}()

// numbers gives the signatures of an operator on two numbers.
func numbers(mixed *types.Type, ints *types.Type) []signature {
	return []signature{{ints, tInt, tInt}, {mixed, tDouble, tDouble}, {mixed, tInt, tDouble}, {mixed, tDouble, tInt}}
}

func comparable(types ...*types.Type) []signature {
	out := numbers(tBool, tBool)
	for _, t := range types {
		out = append(out, signature{tBool, t, t})
	}
	return out
}

// alike gives the signatures of an operator on two values of one type, whatever it is, or on an integer and a double. CEL does not
// let a signature of any type A stand beside one of numbers, so each type is listed. nulls: one of the two may be the word null.
// make adds what comes before and gives the result's type.
func alike(nulls bool, make func(result, a, b *types.Type) signature) []signature {
	out := []signature{make(tDouble, tInt, tDouble), make(tDouble, tDouble, tInt)}
	for _, t := range []*types.Type{tBool, tInt, tDouble, tString, tBytes, tTime, tSpan, tListA, tMapA} {
		out = append(out, make(t, t, t))
		if nulls {
			out = append(out, make(t, t, types.NullType), make(t, types.NullType, t))
		}
	}
	return out
}

func truth(_, a, b *types.Type) signature { return signature{tBool, a, b} }

func choice(result, a, b *types.Type) signature { return signature{result, tBool, a, b} }

func both(result, a, b *types.Type) signature { return signature{result, a, b} }

// among is element in list, and key in map.
func among() []signature {
	out := []signature{{tBool, tInt, types.NewListType(tDouble)}, {tBool, tDouble, types.NewListType(tInt)}, {tBool, tString, tMapA}}
	for _, t := range []*types.Type{tBool, tInt, tDouble, tString, tBytes, tTime, tSpan} {
		out = append(out, signature{tBool, t, types.NewListType(t)})
	}
	return out
}

// first is coalesce.
func first() []signature {
	out := alike(false, both)
	for _, t := range []*types.Type{tBool, tInt, tDouble, tString, tTime} {
		out = append(out, signature{t, t, t, t}, signature{t, t, t, t, t})
	}
	return out
}

var functions = slices.Concat(symbols, conversions, texts, maths, times)

var symbols = []*function{
	{name: "!_", global: true, takes: []signature{{tBool, tBool}}, one: not},
	{name: "-_", global: true, takes: []signature{{tInt, tInt}, {tDouble, tDouble}, {tSpan, tSpan}}, one: negate},
	{name: "_&&_", global: true, takes: []signature{{tBool, tBool, tBool}}},
	{name: "_||_", global: true, takes: []signature{{tBool, tBool, tBool}}},
	{name: "_?_:_", doc: "The second where the first is true, the third where it is false.", global: true, takes: alike(true, choice)},
	{name: "_==_", doc: "With the word null: whether there is no value.", global: true, takes: alike(true, truth), two: equals},
	{name: "_!=_", global: true, takes: alike(true, truth), two: func(a, b Value) Value { return not(equals(a, b)) }},
	{name: "_<_", global: true, takes: comparable(tString, tTime, tSpan, tBool, tBytes), two: ordering("<", func(c int) bool { return c < 0 })},
	{name: "_<=_", global: true, takes: comparable(tString, tTime, tSpan, tBool, tBytes), two: ordering("<=", func(c int) bool { return c <= 0 })},
	{name: "_>_", global: true, takes: comparable(tString, tTime, tSpan, tBool, tBytes), two: ordering(">", func(c int) bool { return c > 0 })},
	{name: "_>=_", global: true, takes: comparable(tString, tTime, tSpan, tBool, tBytes), two: ordering(">=", func(c int) bool { return c >= 0 })},
	{name: "_+_", global: true, takes: append(numbers(tDouble, tInt),
		signature{tString, tString, tString}, signature{tTime, tTime, tSpan}, signature{tTime, tSpan, tTime}, signature{tSpan, tSpan, tSpan},
		signature{tListA, tListA, tListA}), two: add},
	{name: "_-_", global: true, takes: append(numbers(tDouble, tInt), signature{tSpan, tTime, tTime}, signature{tTime, tTime, tSpan}, signature{tSpan, tSpan, tSpan}), two: subtract},
	{name: "_*_", global: true, takes: numbers(tDouble, tInt), two: multiply},
	{name: "_/_", doc: "Of integers an integer, cut.", global: true, takes: numbers(tDouble, tInt), two: divide},
	{name: "_%_", doc: "The rest of the division.", global: true, takes: []signature{{tInt, tInt, tInt}}, two: modulo},
	{name: "@in", doc: "Whether the list has the element, the map the key.", global: true, takes: among(), two: in},
	{name: "_[_]", doc: "The element, counted from 0; the value at a key. It is an error where there is none.", global: true, takes: []signature{{tA, tListA, tInt}, {tA, tMapA, tString}}, two: index},
	{name: "@not_strictly_false", global: true, takes: []signature{{tBool, tBool}}},
	{name: "coalesce", doc: "The first that is not null.", global: true, takes: first()},
}

// noOperands is the error of operands whose types only their values told.
func noOperands(op string, v ...Value) Value {
	kinds := make([]string, len(v))
	for i, x := range v {
		kinds[i] = x.kind.String()
	}
	return fail(fmt.Sprintf("%s does not take %s", op, strings.Join(kinds, " and ")))
}
