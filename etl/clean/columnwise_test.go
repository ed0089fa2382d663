package clean

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/expr"
	"datalake/pkg/schema"
)

// maker draws expressions and values.
type maker struct{ *rand.Rand }

func pick[T any](m maker, of ...T) T { return of[m.IntN(len(of))] }

// expression draws an expression of a kind, most often one that kernels know.
func (m maker) expression(kind expr.Kind, depth int) string {
	if depth == 0 || m.IntN(6) == 0 {
		return m.leaf(kind)
	}
	number := func() string { return m.expression(pick(m, expr.KindInt, expr.KindDouble), depth-1) }
	same := func(k expr.Kind, op string) string {
		return "(" + m.expression(k, depth-1) + " " + op + " " + m.expression(k, depth-1) + ")"
	}
	switch kind {
	case expr.KindBool:
		switch m.IntN(10) {
		case 0, 1:
			return same(kind, pick(m, "&&", "||"))
		case 2:
			return "!" + m.expression(kind, depth-1)
		case 3, 4, 5:
			return "(" + number() + pick(m, " < ", " <= ", " > ", " >= ", " == ", " != ") + number() + ")"
		case 6:
			return same(expr.KindTimestamp, pick(m, "<", ">=", "==", "!="))
		case 7:
			return m.leaf(expr.KindString) + pick(m, ".startsWith('a')", ".endsWith('b')", ".contains('é')", ".matches('^a.$')", " in ['a', 'ab', '']", " == 'a'", " != 'ab'", " == null", " != null")
		case 8:
			return "(" + m.expression(pick(m, expr.KindInt, expr.KindDouble, expr.KindBool), depth-1) + pick(m, " == null)", " != null)")
		}
		return same(kind, pick(m, "==", "!="))
	case expr.KindInt:
		switch m.IntN(9) {
		case 0:
			return "-" + m.expression(kind, depth-1)
		case 1:
			return "size(" + m.leaf(expr.KindString) + ")"
		case 2:
			return "(" + m.expression(expr.KindBool, depth-1) + " ? " + m.expression(kind, depth-1) + " : 1)"
		case 3:
			return "coalesce(" + m.expression(kind, depth-1) + ", " + m.expression(kind, depth-1) + ")"
		case 4: // which kernels do not know
			return "abs(" + m.expression(kind, depth-1) + ")"
		}
		return same(kind, pick(m, "+", "-", "*", "/", "%"))
	case expr.KindDouble:
		switch m.IntN(7) {
		case 0:
			return "-" + m.expression(kind, depth-1)
		case 1:
			return "double(" + number() + ")"
		case 2:
			return "(" + m.expression(expr.KindBool, depth-1) + " ? " + m.expression(kind, depth-1) + " : " + m.expression(kind, depth-1) + ")"
		case 3:
			return "coalesce(" + m.expression(kind, depth-1) + ", " + m.expression(kind, depth-1) + ")"
		}
		return "(" + m.expression(kind, depth-1) + pick(m, " + ", " - ", " * ", " / ") + number() + ")"
	}
	return m.leaf(kind)
}

func (m maker) leaf(kind expr.Kind) string {
	switch kind {
	case expr.KindBool:
		return pick(m, "o", "o", "true", "false")
	case expr.KindInt:
		return pick(m, "i", "n", "i", "n", "0", "3", "9223372036854775807", "9007199254740993")
	case expr.KindDouble:
		return pick(m, "f", "d", "dec", "f", "0.0", "0.5", "9007199254740992.0", "1e300")
	case expr.KindTimestamp:
		return pick(m, "ts", "day")
	}
	return pick(m, "s", "c")
}

// batch draws rows with edges in them: few texts, nulls, the ends of the types.
func (m maker) batch(s *schema.Schema, n int) arrow.Record {
	fields := s.Arrow().Fields()
	coded := s.Index("c")
	fields[coded].Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range fields {
		share := pick(m, 0, 3, 10) // of nulls, in tenths
		for range n {
			if m.IntN(10) < share {
				b.Field(i).AppendNull()
				continue
			}
			text := pick(m, "a", "ab", "é", "", "xéb")
			switch f := b.Field(i).(type) {
			case *array.BooleanBuilder:
				f.Append(m.IntN(2) == 0)
			case *array.Int64Builder:
				f.Append(pick[int64](m, 0, 1, -1, 7, math.MaxInt64, math.MinInt64, 1<<53+1, m.Int64N(100)))
			case *array.Int32Builder:
				f.Append(pick[int32](m, 0, 3, -2, math.MaxInt32, math.MinInt32))
			case *array.Float64Builder:
				f.Append(pick[float64](m, 0, -0.5, 1<<53, 1e300, -1e300, 9223372036854775808, m.Float64()))
			case *array.Float32Builder:
				f.Append(pick[float32](m, 0, 0.5, -3, float32(m.Float64())))
			case *array.Decimal128Builder:
				f.Append(decimal128.FromI64(pick[int64](m, 0, 15, -1, m.Int64N(10000))))
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(pick[int64](m, 0, 86400000, m.Int64N(1e12))))
			case *array.Date32Builder:
				f.Append(arrow.Date32(pick[int32](m, 0, 1, -1)))
			case *array.StringBuilder:
				f.Append(text)
			case *array.BinaryDictionaryBuilder:
				if err := f.AppendString(text); err != nil {
					panic(err)
				}
			}
		}
	}
	return b.NewRecord()
}

func columnwiseSchema(t testing.TB) *schema.Schema {
	var columns []schema.Column
	for _, c := range [][2]string{
		{"o", "boolean"}, {"i", "int"}, {"n", "bigint"}, {"f", "double"}, {"d", "float"}, {"dec", "decimal(7,2)"}, {"ts", "timestamp"}, {"day", "date"}, {"s", "string"}, {"c", "string"},
	} {
		columns = append(columns, columnOf(t, c[0], c[1], "", ""))
	}
	return schemaOf(columns)
}

// compareColumnwise holds the kernel of an expression against the evaluation row by row; false: it has none.
func compareColumnwise(t *testing.T, s *schema.Schema, text string, rec arrow.Record, typed bool) bool {
	t.Helper()
	known := s.Columns
	if !typed {
		known = nil
	}
	f, err := newFormula(expr.NewEnv(known, true), s, text)
	if err != nil {
		return false // the types do not go together
	}
	if f.kernel == nil {
		return false
	}
	r := &frame{n: int(rec.NumRows()), column: rec.Column}
	v := f.kernel(r)
	operands := f.rows(r)
	for row := range r.n {
		want := f.Eval(operands(row))
		if v.state != nil && v.state[row] == fault {
			if want.Kind() != expr.KindError {
				t.Fatalf("%s: row %d is an error, want %s; %v", text, row, want, operands(row))
			}
			continue
		}
		if got := v.value(row); got.String() != want.String() || got.Kind() != want.Kind() {
			t.Fatalf("%s: row %d is %s, want %s; %v", text, row, got, want, operands(row))
		}
	}
	return true
}

// Kernels give what the evaluation row by row gives, nulls and errors too.
func TestColumnwise(t *testing.T) {
	s := columnwiseSchema(t)
	some := 0
	for seed := range uint64(2000) {
		m := maker{rand.New(rand.NewPCG(seed, 1))}
		rec := m.batch(s, 20)
		text := m.expression(pick(m, expr.KindBool, expr.KindBool, expr.KindInt, expr.KindDouble), 4)
		if compareColumnwise(t, s, text, rec, seed%2 == 0) {
			some++
		}
		rec.Release()
	}
	if some < 1000 {
		t.Errorf("only %d of 2000 expressions had kernels", some)
	}
}

func FuzzColumnwise(f *testing.F) {
	f.Add(uint64(1), "")
	f.Add(uint64(2), "n / i > 0 || s in ['a']")
	s := columnwiseSchema(f)
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		m := maker{rand.New(rand.NewPCG(seed, 2))}
		rec := m.batch(s, 20)
		defer rec.Release()
		if text == "" {
			text = m.expression(expr.KindBool, 5)
		}
		compareColumnwise(t, s, text, rec, seed%2 == 0)
	})
}

// An arena's memory is used again: a second batch of a cleaner gives what a new cleaner gives, and takes no more memory.
func TestArena(t *testing.T) {
	s := columnwiseSchema(t)
	s.Rules = []schema.Rule{{Name: "r", Expr: "n / i > 0 || s in ['a'] && f + d < dec || c.startsWith('a')"}}
	p := planOf(t, s)
	c := p.Cleaner(memory.DefaultAllocator)
	for seed := range uint64(20) {
		m := maker{rand.New(rand.NewPCG(seed, 3))}
		rec := m.batch(s, 1+m.IntN(50))
		run := func(c *Cleaner) string {
			b := &batch.Batch{Record: rec}
			rec.Retain()
			defer b.Release()
			failed, err := c.Apply(b)
			if err != nil {
				t.Fatal(err)
			}
			var scores strings.Builder
			for row := range b.NumRows() {
				scores.WriteString(" " + b.Record.Column(s.Index("quality_score")).ValueStr(row))
			}
			return fmt.Sprint(failed, scores.String())
		}
		if got, want := run(c), run(p.Cleaner(memory.DefaultAllocator)); got != want {
			t.Errorf("batch %d: %s, a new cleaner has %s", seed, got, want)
		}
		rec.Release()
	}
	if n := len(c.frame.ints.all); n > 20 {
		t.Errorf("%d slices were needed", n)
	}
}
