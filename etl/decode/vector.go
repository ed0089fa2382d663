package decode

import (
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"datalake/pkg/schema"
)

// vector collects the values of one column, or of one part of a nested one, in plain slices. It grows by appending, so a
// row is taken back by truncating; and the slices are used again for the next batch. An Arrow builder can do neither.
//
// Absent values need no call: pad fills the gap when the next value comes, or at the end.
type vector struct {
	kind  schema.Kind
	n     int      // values so far, nulls too
	valid []uint64 // one bit each
	i64   []int64  // Bigint, Timestamp
	i32   []int32  // Int, Date
	f64   []float64
	f32   []float32
	dec   []decimal128.Num
	bools []bool
	text  text      // String, JSON, Binary
	off   []int32   // List, Map: where each begins in its children
	kids  []*vector // List: the elements; Map: keys, values; Struct: the fields
}

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

// mark appends the bit of the next value; its slot must be appended too.
func (v *vector) mark(valid uint64) {
	if v.n&63 == 0 {
		v.valid = append(v.valid, 0)
	}
	v.valid[v.n>>6] |= valid << (v.n & 63)
	v.n++
}

func (v *vector) addInt64(x int64) { v.i64 = append(v.i64, x); v.mark(1) }
func (v *vector) addInt32(x int32) { v.i32 = append(v.i32, x); v.mark(1) }

// addList appends the list (or map) whose elements are the children's values from start on.
func (v *vector) addList(start int) { v.off = append(v.off, int32(start)); v.mark(1) }

// addText appends a copy of s and tells whether the dictionary has come to be checked (see text.full).
func (v *vector) addText(s []byte) (check bool) {
	check = v.text.add(s)
	v.mark(1)
	return check
}

// null appends a null.
func (v *vector) null() {
	switch v.kind {
	case schema.Bigint, schema.Timestamp:
		v.i64 = append(v.i64, 0)
	case schema.Int, schema.Date:
		v.i32 = append(v.i32, 0)
	case schema.Double:
		v.f64 = append(v.f64, 0)
	case schema.Float:
		v.f32 = append(v.f32, 0)
	case schema.Decimal:
		v.dec = append(v.dec, decimal128.Num{})
	case schema.Boolean:
		v.bools = append(v.bools, false)
	case schema.String, schema.JSON, schema.Binary:
		v.text.null()
	case schema.List, schema.Map:
		v.off = append(v.off, int32(v.kids[0].n))
	}
	v.mark(0)
}

// pad appends nulls until there are n values.
func (v *vector) pad(n int) {
	for v.n < n {
		v.null()
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
	v.valid = v.valid[:(n+63)>>6]
	if n&63 != 0 {
		v.valid[n>>6] &= 1<<(n&63) - 1
	}
	switch v.kind {
	case schema.Bigint, schema.Timestamp:
		v.i64 = v.i64[:n]
	case schema.Int, schema.Date:
		v.i32 = v.i32[:n]
	case schema.Double:
		v.f64 = v.f64[:n]
	case schema.Float:
		v.f32 = v.f32[:n]
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
	v.valid, v.i64, v.i32, v.f64, v.f32 = v.valid[:0], v.i64[:0], v.i32[:0], v.f64[:0], v.f32[:0]
	v.dec, v.bools, v.off = v.dec[:0], v.bools[:0], v.off[:0]
	v.text.reset()
	for _, k := range v.kids {
		k.reset()
	}
}
