package clean

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/expr"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// formula is an expression over the rows of a batch.
type formula struct {
	*expr.Program
	at     []int     // the columns that it names; -1: there is none
	kernel           // of the whole expression; nil: it is evaluated row by row
	gives  expr.Kind // of the kernel
	hidden bool      // it names a masked column
}

func newFormula(env *expr.Env, s *schema.Schema, text string) (*formula, error) {
	p, err := env.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	f := &formula{Program: p}
	for _, name := range p.Columns {
		f.at = append(f.at, s.Index(name))
	}
	of := (&columnwise{schema: s}).of(p.AST.Expr())
	f.kernel, f.gives = of.kernel, of.kind
	return f, nil
}

// each gives the formula's value of each row: first those that plain takes of a vector, which it says; nil: none.
func (f *formula) each(r *frame, plain func(v *vector, row int) bool, use func(row int, v expr.Value, operands []expr.Value)) {
	var v *vector
	if f.kernel != nil {
		all := f.kernel(r)
		v = &all
	}
	operands := f.rows(r)
	for row := range r.n {
		if v != nil && plain(v, row) {
			continue
		}
		of := operands(row)
		use(row, f.Eval(of), of)
	}
}

// rows gives the values of the columns that the formula names, row by row, until it is asked for another row.
func (f *formula) rows(r *frame) func(row int) []expr.Value {
	operands := make([]expr.Value, len(f.at))
	readers := make([]func(row int) expr.Value, len(f.at))
	for i, at := range f.at {
		if at >= 0 {
			readers[i] = valuesOf(r.column(at))
		}
	}
	return func(row int) []expr.Value {
		for i, read := range readers {
			if read != nil {
				operands[i] = read(row)
			}
		}
		return operands
	}
}

// why says why a row fails: the expression, and the values of the columns that it names.
func (f *formula) why(v expr.Value, operands []expr.Value) string {
	var b strings.Builder
	b.WriteString(f.Text)
	switch {
	case v.Kind() != expr.KindError:
		b.WriteString(" is " + v.String())
	case f.hidden:
		b.WriteString(" has no value")
	default:
		b.WriteString(" has no value: " + v.Text())
	}
	if f.hidden {
		return b.String()
	}
	for i, name := range f.Columns {
		separator := "; "
		if i > 0 {
			separator = ", "
		}
		text := operands[i].String()
		if len(text) > maxShown {
			text = strings.ToValidUTF8(text[:maxShown], "") + "…"
		}
		b.WriteString(separator + name + " = " + text)
	}
	return b.String()
}

// valuesOf gives the values of an array as expressions have them.
func valuesOf(a arrow.Array) func(row int) expr.Value {
	read := readerOf(a)
	if a.NullN() == 0 {
		return read
	}
	return func(row int) expr.Value {
		if a.IsNull(row) {
			return expr.Null
		}
		return read(row)
	}
}

// readerOf is valuesOf for values that are there.
func readerOf(a arrow.Array) func(row int) expr.Value {
	switch a := a.(type) {
	case *array.Dictionary:
		entries, codes := a.Dictionary().(*array.String), arrow.GetValues[uint32](a.Indices().Data(), 1)
		return func(row int) expr.Value { return expr.String(entries.Value(int(codes[row]))) }
	case *array.String:
		return func(row int) expr.Value { return expr.String(a.Value(row)) }
	case *array.Binary:
		return func(row int) expr.Value { return expr.Bytes(string(a.Value(row))) }
	case *array.Boolean:
		return func(row int) expr.Value { return expr.Bool(a.Value(row)) }
	case *array.Int32:
		return func(row int) expr.Value { return expr.Int(int64(a.Value(row))) }
	case *array.Int64:
		return func(row int) expr.Value { return expr.Int(a.Value(row)) }
	case *array.Float32:
		return func(row int) expr.Value { return expr.Double(float64(a.Value(row))) }
	case *array.Float64:
		return func(row int) expr.Value { return expr.Double(a.Value(row)) }
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(row int) expr.Value {
			return expr.Double(decimalDouble(a, row, scale))
		}
	case *array.Date32:
		return func(row int) expr.Value { return expr.Timestamp(int64(a.Value(row)) * millisOfDay) }
	case *array.Timestamp:
		return func(row int) expr.Value { return expr.Timestamp(int64(a.Value(row))) }
	case *array.Map: // before List, which it embeds
		items := valuesOf(a.Items())
		return func(row int) expr.Value {
			from, to := a.ValueOffsets(row)
			m := make(map[string]expr.Value, to-from)
			for i := int(from); i < int(to); i++ {
				m[text(a.Keys(), i)] = items(i)
			}
			return expr.Map(m)
		}
	case *array.List:
		elements := valuesOf(a.ListValues())
		return func(row int) expr.Value {
			from, to := a.ValueOffsets(row)
			l := make([]expr.Value, 0, to-from)
			for i := int(from); i < int(to); i++ {
				l = append(l, elements(i))
			}
			return expr.List(l)
		}
	case *array.Struct:
		fields := make([]func(int) expr.Value, a.NumField())
		for i := range fields {
			fields[i] = valuesOf(a.Field(i))
		}
		names := a.DataType().(*arrow.StructType).Fields()
		return func(row int) expr.Value {
			m := make(map[string]expr.Value, len(fields))
			for i, read := range fields {
				m[names[i].Name] = read(row)
			}
			return expr.Map(m)
		}
	}
	return func(int) expr.Value { return expr.Null }
}

const millisOfDay = 24 * 60 * 60 * 1000

// derive makes the column of a formula. some hears of rows in which it is not null, failed of those of them whose value is an error,
// or cannot be had in the type without loss; they are null.
func (f *formula) derive(t schema.Type, r *frame, mem memory.Allocator, failed, some func(row int)) arrow.Array {
	b := array.NewBuilder(mem, t.Arrow())
	defer b.Release()
	b.Reserve(r.n)
	add := func(row int, v expr.Value) {
		if v.Kind() == expr.KindNull {
			b.AppendNull()
			return
		}
		some(row)
		if !put(b, t, v) {
			b.AppendNull()
			failed(row)
		}
	}
	double, _ := b.(*array.Float64Builder)
	f.each(r, func(v *vector, row int) bool {
		switch {
		case v.state != nil && v.state[row] == fault:
			return false
		case double != nil && v.kind == expr.KindDouble && (v.state == nil || v.state[row] == there) && !math.IsNaN(v.doubles[row]-v.doubles[row]): // finite
			some(row)
			double.UnsafeAppend(v.doubles[row])
		default:
			add(row, v.value(row))
		}
		return true
	}, func(row int, v expr.Value, _ []expr.Value) { add(row, v) })
	return b.NewArray()
}

// put appends a value to a builder of a type, if it can stand there without loss; a float takes the nearest.
func put(b array.Builder, t schema.Type, v expr.Value) bool {
	switch k := v.Kind(); t.Kind {
	case schema.String:
		if k == expr.KindString {
			b.(*array.StringBuilder).Append(v.Text())
			return true
		}
	case schema.Boolean:
		if k == expr.KindBool {
			b.(*array.BooleanBuilder).Append(v.IsTrue())
			return true
		}
	case schema.Int, schema.Bigint:
		i, ok := integer(v)
		if ok && t.Kind == schema.Bigint {
			b.(*array.Int64Builder).Append(i)
			return true
		}
		if ok && i >= math.MinInt32 && i <= math.MaxInt32 {
			b.(*array.Int32Builder).Append(int32(i))
			return true
		}
	case schema.Float, schema.Double:
		x, ok := double(v)
		if ok && t.Kind == schema.Double {
			b.(*array.Float64Builder).Append(x)
			return true
		}
		if y := float32(x); ok && !math.IsInf(float64(y), 0) {
			b.(*array.Float32Builder).Append(y)
			return true
		}
	case schema.Decimal:
		if x, ok := decimal(t, v); ok {
			b.(*array.Decimal128Builder).Append(x)
			return true
		}
	case schema.Timestamp:
		if k == expr.KindTimestamp {
			b.(*array.TimestampBuilder).Append(arrow.Timestamp(v.Int()))
			return true
		}
	case schema.Date:
		if k == expr.KindTimestamp && v.Int()%millisOfDay == 0 {
			b.(*array.Date32Builder).Append(arrow.Date32(v.Int() / millisOfDay))
			return true
		}
	case schema.List:
		if k == expr.KindList {
			return putList(b.(*array.ListBuilder), *t.Elem, v.List())
		}
	}
	return false
}

// putList is put for lists: all elements can stand there, or nothing is appended.
func putList(b *array.ListBuilder, t schema.Type, elements []expr.Value) bool {
	trial := array.NewBuilder(memory.DefaultAllocator, t.Arrow())
	defer trial.Release()
	for _, e := range elements {
		if e.Kind() != expr.KindNull && !put(trial, t, e) {
			return false
		}
	}
	b.Append(true)
	for _, e := range elements {
		if e.Kind() == expr.KindNull {
			b.ValueBuilder().AppendNull()
		} else {
			put(b.ValueBuilder(), t, e)
		}
	}
	return true
}

// integer gives a number that is whole.
func integer(v expr.Value) (int64, bool) {
	switch v.Kind() {
	case expr.KindInt:
		return v.Int(), true
	case expr.KindDouble:
		f := v.Double()
		return int64(f), f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63
	}
	return 0, false
}

// double gives a number that a double carries.
func double(v expr.Value) (float64, bool) {
	switch v.Kind() {
	case expr.KindInt:
		f := float64(v.Int())
		return f, f < 1<<63 && int64(f) == v.Int()
	case expr.KindDouble:
		f := v.Double()
		return f, !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

// decimal gives a number that needs no more digits; that of a double is the shortest that reads back as it.
func decimal(t schema.Type, v expr.Value) (n decimal128.Num, ok bool) {
	switch v.Kind() {
	case expr.KindInt:
		return jsontext.Decimal128(strconv.AppendInt(nil, v.Int(), 10), t.Precision, t.Scale)
	case expr.KindDouble:
		return jsontext.Decimal128(strconv.AppendFloat(nil, v.Double(), 'g', -1, 64), t.Precision, t.Scale)
	}
	return n, false
}
