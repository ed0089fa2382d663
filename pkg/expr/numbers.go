package expr

import (
	"cmp"
	"math"
	"strings"
)

const overflow = "the result is beyond 64 bits"

func not(a Value) Value {
	if a.kind != KindBool {
		return noKind("!", a)
	}
	return Bool(a.bits == 0)
}

// noKind gives a as it is where it is null or an error, else the error that op does not take it.
func noKind(op string, a Value) Value {
	if a.kind <= KindError {
		return a
	}
	return noOperands(op, a)
}

func negate(a Value) Value {
	switch a.kind {
	case KindInt, KindDuration:
		if a.Int() == math.MinInt64 {
			return fail(overflow)
		}
		return Value{kind: a.kind, bits: uint64(-a.Int())}
	case KindDouble:
		return Double(-a.Double())
	}
	return noOperands("-", a)
}

// compare orders two values; ok is false if they have no order: different kinds, or NaN.
func compare(a, b Value) (c int, ok bool) {
	switch {
	case a.kind == KindInt && b.kind == KindDouble:
		return intDouble(a.Int(), b.Double())
	case a.kind == KindDouble && b.kind == KindInt:
		c, ok = intDouble(b.Int(), a.Double())
		return -c, ok
	case a.kind != b.kind:
		return 0, false
	}
	switch a.kind {
	case KindInt, KindTimestamp, KindDuration, KindBool:
		return cmp.Compare(a.Int(), b.Int()), true
	case KindDouble:
		x, y := a.Double(), b.Double()
		return cmp.Compare(x, y), x == x && y == y
	case KindString, KindBytes:
		return strings.Compare(a.text, b.text), true
	}
	return 0, false
}

// intDouble compares exactly, also where a double cannot hold the integer.
func intDouble(i int64, f float64) (int, bool) {
	switch {
	case f != f:
		return 0, false
	case f >= 1<<63:
		return -1, true
	case f < -1<<63:
		return 1, true
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c, true
	}
	return cmp.Compare(0, f-whole), true
}

func ordering(op string, holds func(c int) bool) func(a, b Value) Value {
	return func(a, b Value) Value {
		c, ok := compare(a, b)
		if !ok {
			if a.numeric() && b.numeric() { // NaN
				return Bool(false)
			}
			return noOperands(op, a, b)
		}
		return Bool(holds(c))
	}
}

// equals is true, false, or null where lists or maps hold a null that decides.
func equals(a, b Value) Value {
	if a.kind <= KindError || b.kind <= KindError {
		return Null
	}
	switch {
	case a.kind == KindList && b.kind == KindList:
		x, y := a.List(), b.List()
		if len(x) != len(y) {
			return Bool(false)
		}
		out := Bool(true)
		for i := range x {
			if v := equals(x[i], y[i]); v.kind == KindNull {
				out = v
			} else if !v.IsTrue() {
				return v
			}
		}
		return out
	case a.kind == KindMap && b.kind == KindMap:
		x, y := a.Map(), b.Map()
		if len(x) != len(y) {
			return Bool(false)
		}
		out := Bool(true)
		for k := range x {
			if _, ok := y[k]; !ok {
				return Bool(false)
			}
			if v := equals(x[k], y[k]); v.kind == KindNull {
				out = v
			} else if !v.IsTrue() {
				return v
			}
		}
		return out
	}
	c, ok := compare(a, b)
	return Bool(ok && c == 0)
}

// in is true where an element is equal, else null where a comparison is null, else false. In a map it asks for the key.
func in(a, b Value) Value {
	switch b.kind {
	case KindMap:
		_, ok := b.Map()[a.text]
		return Bool(a.kind == KindString && ok)
	case KindList:
		out := Bool(false)
		for _, x := range b.List() {
			switch v := equals(a, x); {
			case v.IsTrue():
				return v
			case v.kind == KindNull:
				out = v
			}
		}
		return out
	}
	return noOperands("in", a, b)
}

func index(a, b Value) Value {
	switch {
	case a.kind == KindList && b.kind == KindInt:
		if i := b.Int(); i >= 0 && i < int64(len(a.List())) {
			return a.List()[i]
		}
		return fail("the list has no such element")
	case a.kind == KindMap && b.kind == KindString:
		if v, ok := a.Map()[b.text]; ok {
			return v
		}
		return fail("the map has no such key")
	}
	return noOperands("[]", a, b)
}

func add(a, b Value) Value {
	switch {
	case a.kind == KindInt && b.kind == KindInt:
		return sum(KindInt, a.Int(), b.Int())
	case a.numeric() && b.numeric():
		return Double(a.number() + b.number())
	case a.kind == KindString && b.kind == KindString:
		return String(a.text + b.text)
	case a.kind == KindList && b.kind == KindList:
		return List(append(append(make([]Value, 0, len(a.List())+len(b.List())), a.List()...), b.List()...))
	case a.kind == KindTimestamp && b.kind == KindDuration, a.kind == KindDuration && b.kind == KindTimestamp:
		return sum(KindTimestamp, a.Int(), b.Int())
	case a.kind == KindDuration && b.kind == KindDuration:
		return sum(KindDuration, a.Int(), b.Int())
	}
	return noOperands("+", a, b)
}

func sum(k Kind, a, b int64) Value {
	s := a + b
	if (a^s)&(b^s) < 0 {
		return fail(overflow)
	}
	return Value{kind: k, bits: uint64(s)}
}

func subtract(a, b Value) Value {
	k := KindInt
	switch {
	case a.kind == KindInt && b.kind == KindInt:
	case a.numeric() && b.numeric():
		return Double(a.number() - b.number())
	case a.kind == KindTimestamp && b.kind == KindTimestamp, a.kind == KindDuration && b.kind == KindDuration:
		k = KindDuration
	case a.kind == KindTimestamp && b.kind == KindDuration:
		k = KindTimestamp
	default:
		return noOperands("-", a, b)
	}
	x, y := a.Int(), b.Int()
	d := x - y
	if (x^y)&(x^d) < 0 {
		return fail(overflow)
	}
	return Value{kind: k, bits: uint64(d)}
}

func multiply(a, b Value) Value {
	switch {
	case a.kind == KindInt && b.kind == KindInt:
		x, y := a.Int(), b.Int()
		if x == 0 || y == 0 {
			return Int(0)
		}
		p := x * y
		if p/y != x || x == -1 && y == math.MinInt64 || y == -1 && x == math.MinInt64 {
			return fail(overflow)
		}
		return Int(p)
	case a.numeric() && b.numeric():
		return Double(a.number() * b.number())
	}
	return noOperands("*", a, b)
}

func divide(a, b Value) Value {
	switch {
	case a.kind == KindInt && b.kind == KindInt:
		switch {
		case b.Int() == 0:
			return fail("division by zero")
		case b.Int() == -1 && a.Int() == math.MinInt64:
			return fail(overflow)
		}
		return Int(a.Int() / b.Int())
	case a.numeric() && b.numeric():
		return Double(a.number() / b.number())
	}
	return noOperands("/", a, b)
}

func modulo(a, b Value) Value {
	switch {
	case a.kind != KindInt || b.kind != KindInt:
		return noOperands("%", a, b)
	case b.Int() == 0:
		return fail("division by zero")
	case b.Int() == -1:
		return Int(0)
	}
	return Int(a.Int() % b.Int())
}

var maths = []*function{
	{name: "abs", global: true, takes: []signature{{tInt, tInt}, {tDouble, tDouble}}, one: func(a Value) Value {
		if c, _ := compare(a, Int(0)); c < 0 && a.numeric() {
			return negate(a)
		}
		if a.kind == KindDouble {
			return Double(math.Abs(a.Double())) // -0 and NaN
		}
		if a.kind != KindInt {
			return noOperands("abs", a)
		}
		return a
	}},
	{name: "ceil", global: true, takes: []signature{{tDouble, tDouble}, {tInt, tInt}}, one: rounding("ceil", math.Ceil)},
	{name: "floor", global: true, takes: []signature{{tDouble, tDouble}, {tInt, tInt}}, one: rounding("floor", math.Floor)},
	{name: "round", doc: "Halves away from zero.", global: true, takes: []signature{{tDouble, tDouble}, {tInt, tInt}}, one: rounding("round", math.Round)},
	{name: "greatest", global: true, takes: append(numbers(tDouble, tInt), signature{tString, tString, tString}, signature{tTime, tTime, tTime}), two: extreme("greatest", 1)},
	{name: "least", global: true, takes: append(numbers(tDouble, tInt), signature{tString, tString, tString}, signature{tTime, tTime, tTime}), two: extreme("least", -1)},
}

func rounding(name string, f func(float64) float64) func(Value) Value {
	return func(a Value) Value {
		switch a.kind {
		case KindInt:
			return a
		case KindDouble:
			return Double(f(a.Double()))
		}
		return noOperands(name, a)
	}
}

// extreme gives the greater (sign 1) or the lesser (-1). The result of an integer and a double is a double.
func extreme(name string, sign int) func(a, b Value) Value {
	return func(a, b Value) Value {
		c, ok := compare(a, b)
		switch {
		case !ok && a.numeric() && b.numeric():
			return Double(math.NaN())
		case !ok:
			return noOperands(name, a, b)
		}
		out := a
		if c*sign < 0 {
			out = b
		}
		if a.kind != b.kind {
			return Double(out.number())
		}
		return out
	}
}
