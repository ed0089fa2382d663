package decode

import (
	"iter"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"datalake/pkg/schema"
)

// vector collects the values of one column, or of one part of a nested one, in plain slices. It grows by appending, so a
// row is taken back by truncating; and the slices are used again for the next batch. An Arrow builder can do neither.
//
// Absent values need no call: pad fills the gap when the next value comes, or at the end. Nulls are kept as runs, of which the
// bits that Arrow wants are made at the end: so a value costs no bit, and a gap of a thousand rows as much as one of one row.
type vector struct { // what a value needs first, so that it lies in one or two lines of the cache
	n     int // values so far, nulls too
	kind  schema.Kind
	i64   []int64 // Bigint, Timestamp; Double, its bits
	nulls []run   // in order, none touches the next
	text  text    // String, JSON, Binary
	i32   []int32 // Int, Date; Float, its bits
	dec   []decimal128.Num
	bools []bool
	off   []int32   // List, Map: where each begins in its children
	kids  []*vector // List: the elements; Map: keys, values; Struct: the fields
}

// run is a stretch of nulls: those from the first number on, up to the other.
type run struct{ from, to int32 }

// newVector makes an empty vector. limit is how many distinct values may stay a dictionary; 0: never one.
func newVector(t *schema.Type, limit int) *vector {
	v := &vector{kind: t.Kind}
	switch t.Kind {
	case schema.List:
		v.kids = []*vector{newVector(t.Elem, 0)}
	case schema.Map:
		v.kids = []*vector{newVector(&schema.Type{Kind: schema.String}, 0), newVector(t.Elem, 0)}
	case schema.Struct:
		for i := range t.Fields {
			v.kids = append(v.kids, newVector(&t.Fields[i].Type, 0))
		}
	case schema.String, schema.JSON:
		v.text.limit = limit
	}
	v.text.reset()
	return v
}

func (v *vector) addInt64(x int64)     { v.i64 = append(v.i64, x); v.n++ }
func (v *vector) addInt32(x int32)     { v.i32 = append(v.i32, x); v.n++ }
func (v *vector) addFloat64(x float64) { v.addInt64(int64(math.Float64bits(x))) }
func (v *vector) addBool(x bool)       { v.bools = append(v.bools, x); v.n++ }

// addList appends the list (or map) whose elements are the children's values from start on.
func (v *vector) addList(start int) { v.off = append(v.off, int32(start)); v.n++ }

// addText appends a copy of s and tells whether the dictionary has come to be checked (see text.full).
func (v *vector) addText(s []byte) (check bool) {
	v.n++
	return v.text.add(s)
}

// null appends a null.
func (v *vector) null() { v.fill(v.n + 1) }

// pad appends nulls until there are n values.
func (v *vector) pad(n int) {
	if v.n < n {
		v.fill(n)
	}
}

// fill is pad where there is something to do.
func (v *vector) fill(n int) {
	more := n - v.n
	switch v.kind {
	case schema.Bigint, schema.Timestamp, schema.Double:
		v.i64 = zeros(v.i64, more)
	case schema.Int, schema.Date, schema.Float:
		v.i32 = zeros(v.i32, more)
	case schema.Decimal:
		v.dec = zeros(v.dec, more)
	case schema.Boolean:
		v.bools = zeros(v.bools, more)
	case schema.String, schema.JSON, schema.Binary:
		v.text.nulls(more)
	case schema.List, schema.Map:
		v.off = repeat(v.off, int32(v.kids[0].n), more)
	}
	if last := len(v.nulls) - 1; last >= 0 && int(v.nulls[last].to) == v.n {
		v.nulls[last].to = int32(n)
	} else {
		v.nulls = append(v.nulls, run{int32(v.n), int32(n)})
	}
	v.n = n
}

// zeros appends n zeros to s.
func zeros[T any](s []T, n int) []T {
	from := len(s)
	s = slices.Grow(s, n)[:from+n]
	clear(s[from:])
	return s
}

// repeat appends x to s n times.
func repeat[T any](s []T, x T, n int) []T {
	for range n {
		s = append(s, x)
	}
	return s
}

// values gives the stretches of values between the nulls, of n in all.
func values(nulls []run, n int) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		from := 0
		for _, r := range nulls {
			if from < int(r.from) && !yield(from, int(r.from)) {
				return
			}
			from = int(r.to)
		}
		if from < n {
			yield(from, n)
		}
	}
}

// nullCount is how many of the values are null.
func (v *vector) nullCount() (n int) {
	for _, r := range v.nulls {
		n += int(r.to - r.from)
	}
	return n
}

// validity writes a bit for each value, set where it is not null. Bits behind the last value are 0.
func (v *vector) validity(bits []byte) {
	for i := range bits {
		bits[i] = 0xff
	}
	if rest := v.n & 7; rest != 0 {
		bits[len(bits)-1] = 1<<rest - 1
	}
	for _, r := range v.nulls {
		bitutil.SetBitsTo(bits, int64(r.from), int64(r.to-r.from), false)
	}
}

// truncate takes back all values from n on, as if they had never been.
func (v *vector) truncate(n int) {
	if v.n <= n {
		if v.kind == schema.Struct { // fields are ahead of a struct that is not finished
			for _, k := range v.kids {
				k.truncate(n)
			}
		}
		return
	}
	v.n = n
	for last := len(v.nulls) - 1; last >= 0 && int(v.nulls[last].to) > n; last-- {
		if int(v.nulls[last].from) < n {
			v.nulls[last].to = int32(n)
			break
		}
		v.nulls = v.nulls[:last]
	}
	switch v.kind {
	case schema.Bigint, schema.Timestamp, schema.Double:
		v.i64 = v.i64[:n]
	case schema.Int, schema.Date, schema.Float:
		v.i32 = v.i32[:n]
	case schema.Decimal:
		v.dec = v.dec[:n]
	case schema.Boolean:
		v.bools = v.bools[:n]
	case schema.String, schema.JSON, schema.Binary:
		v.text.truncate(n)
	case schema.List, schema.Map:
		for _, k := range v.kids {
			k.truncate(int(v.off[n]))
		}
		v.off = v.off[:n]
	case schema.Struct:
		for _, k := range v.kids {
			k.truncate(n)
		}
	}
}

// reset empties the vector and keeps its memory.
func (v *vector) reset() {
	v.n = 0
	v.nulls, v.i64, v.i32 = v.nulls[:0], v.i64[:0], v.i32[:0]
	v.dec, v.bools, v.off = v.dec[:0], v.bools[:0], v.off[:0]
	v.text.reset()
	for _, k := range v.kids {
		k.reset()
	}
}
