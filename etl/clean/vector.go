package clean

import (
	"math"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/expr"
)

// vector is the values of a part of an expression in all rows of a batch.
type vector struct {
	kind expr.Kind // bool, int, double, timestamp
	// state says of each row whether its value is there; nil: all are. What stands below other states means nothing.
	state   []state
	ints    []int64 // int; timestamp, in milliseconds; bool, 0 or 1
	doubles []float64
}

type state uint8

const (
	there state = iota
	null
	fault // an error: the row's evaluation by itself says which
)

// kernel computes a part of an expression for all rows of a batch. The vector is valid until the arena is reset, and the kernel may have
// it from the batch's own memory: nobody writes to it.
type kernel func(r *frame) vector

// frame is what kernels work on.
type frame struct {
	n      int
	column func(at int) arrow.Array
	arena
}

// arena lends memory that is used again for the next batch.
type arena struct {
	ints    lent[int64]
	doubles lent[float64]
	states  lent[state]
	bools   lent[bool]
}

func (a *arena) reset() { a.ints.next, a.doubles.next, a.states.next, a.bools.next = 0, 0, 0, 0 }

// lent are slices of one type, the first next of which are in use.
type lent[T any] struct {
	all  [][]T
	next int
}

// take gives a slice of n values, which hold anything.
func (l *lent[T]) take(n int) []T {
	if l.next == len(l.all) {
		l.all = append(l.all, nil)
	}
	s := l.all[l.next]
	if cap(s) < n {
		s = make([]T, n)
		l.all[l.next] = s
	}
	l.next++
	return s[:n]
}

// value gives row's value, which is there or null.
func (v *vector) value(row int) expr.Value {
	if v.state != nil && v.state[row] != there {
		return expr.Null
	}
	switch v.kind {
	case expr.KindBool:
		return expr.Bool(v.ints[row] == 1)
	case expr.KindInt:
		return expr.Int(v.ints[row])
	case expr.KindTimestamp:
		return expr.Timestamp(v.ints[row])
	}
	return expr.Double(v.doubles[row])
}

// stateOf gives the states of an array's values; nil: all are there.
func (r *frame) stateOf(a arrow.Array) []state {
	if a.NullN() == 0 {
		return nil
	}
	s := r.states.take(r.n)
	for i := range s {
		if s[i] = there; a.IsNull(i) {
			s[i] = null
		}
	}
	return s
}

// load is the kernel of a column.
func load(at int, kind expr.Kind) kernel {
	return func(r *frame) vector {
		a := r.column(at)
		v := vector{kind: kind, state: r.stateOf(a)}
		if a.NullN() == r.n { // it may have no memory for values
			v.ints, v.doubles = r.ints.take(r.n), r.doubles.take(r.n)
			return v
		}
		switch a := a.(type) {
		case *array.Int64:
			v.ints = arrow.GetValues[int64](a.Data(), 1)
		case *array.Timestamp:
			v.ints = arrow.GetValues[int64](a.Data(), 1)
		case *array.Int32:
			v.ints = r.ints.take(r.n)
			for i := range v.ints {
				v.ints[i] = int64(a.Value(i))
			}
		case *array.Date32:
			v.ints = r.ints.take(r.n)
			for i := range v.ints {
				v.ints[i] = int64(a.Value(i)) * millisOfDay
			}
		case *array.Boolean:
			v.ints = r.ints.take(r.n)
			for i := range v.ints {
				v.ints[i] = bit(a.Value(i))
			}
		case *array.Float64:
			v.doubles = arrow.GetValues[float64](a.Data(), 1)
		case *array.Float32:
			v.doubles = r.doubles.take(r.n)
			for i := range v.doubles {
				v.doubles[i] = float64(a.Value(i))
			}
		case *array.Decimal128:
			scale := a.DataType().(*arrow.Decimal128Type).Scale
			v.doubles = r.doubles.take(r.n)
			for i := range v.doubles {
				if a.IsValid(i) {
					v.doubles[i] = decimalDouble(a, i, scale)
				}
			}
		}
		return v
	}
}

// decimalDouble is the double nearest to a decimal, which ToFloat64 does not give for all.
func decimalDouble(a *array.Decimal128, i int, scale int32) float64 {
	f, err := strconv.ParseFloat(a.Value(i).ToString(scale), 64)
	if err != nil {
		return math.NaN() // 38 digits are no number beyond a double: this cannot be
	}
	return f
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// constant is the kernel of a literal.
func constant(v vector) kernel {
	return func(r *frame) vector {
		out := vector{kind: v.kind}
		if v.kind == expr.KindDouble {
			out.doubles = r.doubles.take(r.n)
			for i := range out.doubles {
				out.doubles[i] = v.doubles[0]
			}
			return out
		}
		out.ints = r.ints.take(r.n)
		for i := range out.ints {
			out.ints[i] = v.ints[0]
		}
		return out
	}
}

// both gives the states of what has two operands: an error where one is an error, else null where one is null. The result is the
// caller's to write to where own is asked for.
func (r *frame) both(a, b vector, own bool) []state {
	switch {
	case a.state == nil && b.state == nil && !own:
		return nil
	case a.state == nil && b.state == nil:
		s := r.states.take(r.n)
		clear(s)
		return s
	}
	s := r.states.take(r.n)
	switch {
	case b.state == nil:
		copy(s, a.state)
	case a.state == nil:
		copy(s, b.state)
	default:
		for i := range s {
			s[i] = max(a.state[i], b.state[i])
		}
	}
	return s
}

// asDoubles gives a number's values as doubles.
func (r *frame) asDoubles(v vector) []float64 {
	if v.kind == expr.KindDouble {
		return v.doubles
	}
	out := r.doubles.take(r.n)
	for i, x := range v.ints {
		out[i] = float64(x)
	}
	return out
}

// arithmetic of doubles.
func onDoubles(x, y kernel, op byte) kernel {
	return func(r *frame) vector {
		a, b := x(r), y(r)
		s, t, out := r.asDoubles(a), r.asDoubles(b), r.doubles.take(r.n)
		t = t[:len(s)]
		out = out[:len(s)]
		switch op {
		case '+':
			for i := range s {
				out[i] = s[i] + t[i]
			}
		case '-':
			for i := range s {
				out[i] = s[i] - t[i]
			}
		case '*':
			for i := range s {
				out[i] = s[i] * t[i]
			}
		case '/':
			for i := range s {
				out[i] = s[i] / t[i]
			}
		}
		return vector{kind: expr.KindDouble, doubles: out, state: r.both(a, b, false)}
	}
}

// arithmetic of integers: beyond 64 bits and by zero it is an error.
func onInts(x, y kernel, op byte) kernel {
	return func(r *frame) vector {
		a, b := x(r), y(r)
		out, st := r.ints.take(r.n), r.both(a, b, true)
		for i := range out {
			if st[i] != there {
				continue
			}
			v, ok := onInt(a.ints[i], b.ints[i], op)
			if out[i] = v; !ok {
				st[i] = fault
			}
		}
		return vector{kind: expr.KindInt, ints: out, state: st}
	}
}

func onInt(x, y int64, op byte) (int64, bool) {
	switch op {
	case '+':
		s := x + y
		return s, (x^s)&(y^s) >= 0
	case '-':
		d := x - y
		return d, (x^y)&(x^d) >= 0
	case '*':
		if x == 0 || y == 0 {
			return 0, true
		}
		p := x * y
		return p, p/y == x && (x != -1 || y != math.MinInt64) && (y != -1 || x != math.MinInt64)
	case '/':
		if y == 0 || y == -1 && x == math.MinInt64 {
			return 0, false
		}
		return x / y, true
	}
	switch y {
	case 0:
		return 0, false
	case -1:
		return 0, true
	}
	return x % y, true
}

// order is which results of a comparison make it true: less, equal, greater. All are false for NaN, but for unequal.
type order struct{ less, equal, greater, unordered bool }

var orders = map[string]order{
	"_<_": {less: true}, "_<=_": {less: true, equal: true}, "_>_": {greater: true}, "_>=_": {greater: true, equal: true},
	"_==_": {equal: true}, "_!=_": {less: true, greater: true, unordered: true},
}

// comparison of numbers, or of values of one kind.
func comparison(x, y kernel, o order) kernel {
	return func(r *frame) vector {
		a, b := x(r), y(r)
		out := r.ints.take(r.n)
		switch {
		case a.kind == expr.KindDouble && b.kind == expr.KindDouble:
			for i, s := range a.doubles {
				t := b.doubles[i]
				out[i] = bit(s < t && o.less || s == t && o.equal || s > t && o.greater || (s != s || t != t) && o.unordered)
			}
		case a.kind == expr.KindDouble:
			for i, s := range a.doubles {
				out[i] = mixed(s, b.ints[i], o)
			}
		case b.kind == expr.KindDouble:
			turned := order{less: o.greater, equal: o.equal, greater: o.less, unordered: o.unordered}
			for i, t := range b.doubles {
				out[i] = mixed(t, a.ints[i], turned)
			}
		default:
			for i, s := range a.ints[:len(out)] {
				t := b.ints[i]
				out[i] = bit(s < t && o.less || s == t && o.equal || s > t && o.greater)
			}
		}
		return vector{kind: expr.KindBool, ints: out, state: r.both(a, b, false)}
	}
}

// mixed compares a double with an integer, exactly also where a double cannot hold that.
func mixed(f float64, i int64, o order) int64 {
	switch {
	case f != f:
		return bit(o.unordered)
	case f >= 1<<63:
		return bit(o.greater)
	case f < -1<<63:
		return bit(o.less)
	}
	whole := math.Trunc(f)
	switch w := int64(whole); {
	case w < i || w == i && f < whole:
		return bit(o.less)
	case w > i || f > whole:
		return bit(o.greater)
	}
	return bit(o.equal)
}

// logic is && with decisive 0, || with decisive 1.
func logic(x, y kernel, decisive int64) kernel {
	return func(r *frame) vector {
		a, b := x(r), y(r)
		out := r.ints.take(r.n)
		if a.state == nil && b.state == nil {
			for i, s := range a.ints[:len(out)] {
				if decisive == 0 {
					out[i] = s & b.ints[i]
				} else {
					out[i] = s | b.ints[i]
				}
			}
			return vector{kind: expr.KindBool, ints: out}
		}
		st := r.both(a, b, true)
		for i := range out {
			out[i] = 1 - decisive
			if (a.state == nil || a.state[i] == there) && a.ints[i] == decisive || (b.state == nil || b.state[i] == there) && b.ints[i] == decisive {
				out[i], st[i] = decisive, there
			}
		}
		return vector{kind: expr.KindBool, ints: out, state: st}
	}
}

func not(x kernel) kernel {
	return func(r *frame) vector {
		a := x(r)
		out := r.ints.take(r.n)
		for i, s := range a.ints[:len(out)] {
			out[i] = 1 - s
		}
		return vector{kind: expr.KindBool, ints: out, state: a.state}
	}
}

// negative is -x; of the least integer there is none.
func negative(x kernel) kernel {
	return func(r *frame) vector {
		a := x(r)
		if a.kind == expr.KindDouble {
			out := r.doubles.take(r.n)
			for i, s := range a.doubles {
				out[i] = -s
			}
			return vector{kind: a.kind, doubles: out, state: a.state}
		}
		zero := vector{kind: expr.KindInt, ints: []int64{0}}
		return onInts(constant(zero), func(*frame) vector { return a }, '-')(r)
	}
}

func toDouble(x kernel) kernel {
	return func(r *frame) vector {
		a := x(r)
		return vector{kind: expr.KindDouble, doubles: r.asDoubles(a), state: a.state}
	}
}

// isNull is x == null with want, x != null without.
func isNull(x kernel, want bool) kernel {
	return func(r *frame) vector {
		a := x(r)
		out := r.ints.take(r.n)
		var st []state
		for i := range out {
			is := there
			if a.state != nil {
				is = a.state[i]
			}
			if out[i] = bit((is == null) == want); is == fault {
				if st == nil {
					st = r.states.take(r.n)
					clear(st)
				}
				st[i] = fault
			}
		}
		return vector{kind: expr.KindBool, ints: out, state: st}
	}
}

// choice is x ? y : z, and an error or null where x is. y and z are of one kind.
func choice(x, y, z kernel) kernel {
	return func(r *frame) vector {
		c, a, b := x(r), y(r), z(r)
		v := vector{kind: a.kind, state: r.states.take(r.n)}
		if v.kind == expr.KindDouble {
			v.doubles = r.doubles.take(r.n)
		} else {
			v.ints = r.ints.take(r.n)
		}
		for i := range v.state {
			if c.state != nil && c.state[i] != there {
				v.state[i] = c.state[i]
				continue
			}
			from := &b
			if c.ints[i] == 1 {
				from = &a
			}
			if v.state[i] = there; from.state != nil {
				v.state[i] = from.state[i]
			}
			if v.doubles != nil {
				v.doubles[i] = from.doubles[i]
			} else {
				v.ints[i] = from.ints[i]
			}
		}
		return v
	}
}

// ofTexts is the kernel of what is asked of each text of a column, and of each distinct one of a dictionary once.
func ofTexts(at int, kind expr.Kind, ask func(s string) int64) kernel {
	return func(r *frame) vector {
		a := r.column(at)
		out := r.ints.take(r.n)
		v := vector{kind: kind, ints: out, state: r.stateOf(a)}
		switch a := a.(type) {
		case *array.Dictionary:
			entries, codes := a.Dictionary().(*array.String), arrow.GetValues[uint32](a.Indices().Data(), 1)
			of := r.ints.take(entries.Len())
			for i := range of {
				of[i] = ask(entries.Value(i))
			}
			for i, c := range codes {
				if v.state == nil || v.state[i] == there {
					out[i] = of[c]
				}
			}
		case *array.String:
			for i := range out {
				if v.state == nil || v.state[i] == there {
					out[i] = ask(a.Value(i))
				}
			}
		}
		return v
	}
}
