package parquetfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"datalake/pkg/parquetfile/internal/shape"
	"datalake/pkg/parquetfile/internal/stats"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/format"
)

// one makes a file of a single column of the given values, as text; "null" is null.
func one(t testing.TB, typ string, o Options, tune func(*Writer), values ...string) (*File, []byte) {
	t.Helper()
	s := columns(t, typ)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for _, v := range values {
		switch f := b.Field(0).(type) {
		case *array.StringBuilder:
			if v == "null" {
				f.AppendNull()
			} else {
				f.Append(v)
			}
		case *array.BinaryBuilder:
			f.Append([]byte(v))
		default:
			if v == "null" {
				f.AppendNull()
			} else if err := f.AppendValueFromString(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	file := write(t, s, o, tune, rec)
	return openFile(t, file), file
}

func TestStatistics(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct {
		typ                string
		values             []string
		min, max           string // of the order's text
		minExact, maxExact bool
		nulls              int64
	}{
		{"bigint", []string{"5", "-7", "null", "3"}, "-7", "5", true, true, 1},
		{"int", []string{"null", "-2147483648", "2147483647"}, "-2147483648", "2147483647", true, true, 1},
		{"boolean", []string{"true", "true"}, "true", "true", true, true, 0},
		{"boolean", []string{"true", "false", "null"}, "false", "true", true, true, 1},
		{"date", []string{"2025-11-25", "1969-12-31"}, "-1", "20417", true, true, 0},
		{"double", []string{"NaN", "1.5", "-2.5", "null"}, "-2.5", "1.5", true, true, 1},
		{"double", []string{"0", "0"}, "-0", "0", true, true, 0},
		{"double", []string{"-0", "NaN"}, "-0", "0", true, true, 0},
		{"double", []string{"-Inf", "+Inf"}, "-Inf", "+Inf", true, true, 0},
		{"double", []string{"NaN", "NaN"}, "none", "none", false, false, 0},
		{"float", []string{"2.5", "NaN", "0"}, "-0", "2.5", true, true, 0},
		{"double", []string{"null", "null"}, "none", "none", false, false, 2},
		{"string", []string{"b", "", "null", "ab"}, "", "b", true, true, 1},
		{"string", []string{"null"}, "none", "none", false, false, 1},
		{"string", []string{long + "b", long + "bc"}, long + "b", long + "c", true, false, 0},
		{"string", []string{long + "bc"}, long + "b", long + "c", false, false, 0},
		{"string", []string{long + "é"}, long, strings.Repeat("a", 62) + "b", false, false, 0},
		{"string", []string{strings.Repeat("a", 60) + "\U0010ffff" + "x"}, strings.Repeat("a", 60) + "\U0010ffff", strings.Repeat("a", 59) + "b", false, false, 0},
		{"string", []string{strings.Repeat("a", 61) + "\ud7ff" + "x"}, strings.Repeat("a", 61) + "\ud7ff", strings.Repeat("a", 61) + "\ue000", false, false, 0},
		{"string", []string{long + "\x7f" + "x"}, long + "\x7f", strings.Repeat("a", 62) + "b", false, false, 0}, // U+0080 needs two bytes
		{"binary", []string{strings.Repeat("\xff", 65)}, strings.Repeat("\xff", 64), strings.Repeat("\xff", 65), false, true, 0},
		{"binary", []string{long + "\xff\xff"}, long + "\xff", strings.Repeat("a", 62) + "b", false, false, 0},
		{"binary", []string{strings.Repeat("\xff", 1024)}, strings.Repeat("\xff", 64), strings.Repeat("\xff", 1024), false, true, 0},
		{"binary", []string{"a", strings.Repeat("\xff", 1025)}, "none", "none", false, false, 0}, // a footer holds no values without end
		{"string", []string{strings.Repeat("\U0010ffff", 300)}, "none", "none", false, false, 0},
		{"decimal(9,2)", []string{"-1.00", "2.50"}, "-100", "250", true, true, 0},
		{"decimal(20,0)", []string{"-1", "255", "0"}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x00\x00\x00\x00\x00\x00\x00\x00\xff", true, true, 0},
	} {
		f, file := one(t, c.typ, Options{}, nil, c.values...)
		if _, err := Verify(bytes.NewReader(file), int64(len(file))); err != nil {
			t.Error(err)
		}
		name := fmt.Sprintf("%s %.80q", c.typ, c.values)
		st := f.meta.Groups[0].Columns[0].Meta.Statistics
		lo, hi := boundText(f.schema.Leaves[0], st.MinValue), boundText(f.schema.Leaves[0], st.MaxValue)
		if lo != c.min || hi != c.max {
			t.Errorf("%s: bounds %q, %q, want %q, %q", name, lo, hi, c.min, c.max)
		}
		if st.MinExact.V != c.minExact || st.MaxExact.V != c.maxExact {
			t.Errorf("%s: exact %v, %v, want %v, %v", name, st.MinExact.V, st.MaxExact.V, c.minExact, c.maxExact)
		}
		if st.NullCount.V != c.nulls || !st.NullCount.Valid {
			t.Errorf("%s: %d nulls, want %d", name, st.NullCount.V, c.nulls)
		}
	}
}

// plainValues are the values of each row, not null, in the PLAIN encoding.
func plainValues(arr arrow.Array, l *shape.Leaf) [][][]byte {
	rows := make([][][]byte, arr.Len())
	for i := range rows {
		if arr.IsNull(i) {
			continue
		}
		switch a := arr.(type) {
		case *array.List:
			lo, hi := a.ValueOffsets(i)
			part := array.NewSlice(a.ListValues(), lo, hi)
			rows[i] = slices.Concat(plainValues(part, l)...)
			part.Release()
		case *array.String:
			rows[i] = [][]byte{[]byte(a.Value(i))}
		case *array.Binary:
			rows[i] = [][]byte{bytes.Clone(a.Value(i))}
		case *array.Boolean:
			rows[i] = [][]byte{{0}}
			if a.Value(i) {
				rows[i][0][0] = 1
			}
		case *array.Int32:
			rows[i] = [][]byte{binary.LittleEndian.AppendUint32(nil, uint32(a.Value(i)))}
		case *array.Date32:
			rows[i] = [][]byte{binary.LittleEndian.AppendUint32(nil, uint32(a.Value(i)))}
		case *array.Float32:
			rows[i] = [][]byte{binary.LittleEndian.AppendUint32(nil, math.Float32bits(a.Value(i)))}
		case *array.Int64:
			rows[i] = [][]byte{binary.LittleEndian.AppendUint64(nil, uint64(a.Value(i)))}
		case *array.Float64:
			rows[i] = [][]byte{binary.LittleEndian.AppendUint64(nil, math.Float64bits(a.Value(i)))}
		case *array.Decimal128:
			v := binary.BigEndian.AppendUint64(nil, uint64(a.Value(i).HighBits()))
			v = binary.BigEndian.AppendUint64(v, a.Value(i).LowBits())
			rows[i] = [][]byte{v[16-l.Width:]}
		default:
			panic(fmt.Sprintf("no plain %T", a))
		}
	}
	return rows
}

func boundText(l *shape.Leaf, b []byte) string {
	if b == nil {
		return "none"
	}
	switch l.Order {
	case stats.Int32, stats.Int64:
		return fmt.Sprint(l.Order.Int(b))
	case stats.Float64:
		return fmt.Sprint(math.Float64frombits(uint64(stats.Int64.Int(b))))
	case stats.Float32:
		return fmt.Sprint(math.Float32frombits(uint32(stats.Int32.Int(b))))
	case stats.Bool:
		return fmt.Sprint(b[0] != 0)
	}
	return string(b)
}

// No value of a page lies outside what the page index says, whatever the type; and all-NaN pages leave the index out.
func TestPageIndexBounds(t *testing.T) {
	mem := checked(t)
	for _, typ := range []string{"string", "binary", "bigint", "int", "double", "float", "boolean", "date", "decimal(25,2)", "list<string>", "list<double>"} {
		s := columns(t, typ)
		rec := randomRecord(rand.New(rand.NewPCG(8, 8)), mem, s, 1000)
		f := openFile(t, write(t, s, Options{RowGroupRows: 400}, small, rec))
		l := f.schema.Leaves[0]
		values := plainValues(rec.Column(0), l)
		rec.Release()
		pages := 0
		for g := range f.meta.Groups {
			cm := f.meta.Groups[g].Columns[0]
			var idx format.ColumnIndex
			if ok, err := f.readIndex(cm.ColumnIndexOffset.V, cm.ColumnIndexLength.V, &idx); err != nil || !ok {
				t.Fatalf("%s: column index %v, %v", typ, ok, err)
			}
			var offsets format.OffsetIndex
			if ok, err := f.readIndex(cm.OffsetIndexOffset.V, cm.OffsetIndexLength.V, &offsets); err != nil || !ok {
				t.Fatalf("%s: offset index %v, %v", typ, ok, err)
			}
			group := values[400*g : min(400*(g+1), len(values))]
			for k, at := range offsets.PageLocations {
				pages++
				end := int64(len(group))
				if k+1 < len(offsets.PageLocations) {
					end = offsets.PageLocations[k+1].FirstRowIndex
				}
				lo, hi := idx.MinValues[k], idx.MaxValues[k]
				none := true
				for _, v := range slices.Concat(group[at.FirstRowIndex:end]...) {
					none = false
					if s := boundText(l, v); s == "NaN" {
						continue
					}
					if l.Order.Compare(v, lo) < 0 || l.Order.Compare(v, hi) > 0 {
						t.Errorf("%s: page %d: %q is not from %q to %q", typ, k, v, lo, hi)
					}
				}
				if idx.NullPages[k] != none {
					t.Errorf("%s: page %d: null page %v, without values %v", typ, k, idx.NullPages[k], none)
				}
				if l.UTF8 && (!utf8.Valid(lo) || !utf8.Valid(hi) || len(lo) > 64 || len(hi) > 64) {
					t.Errorf("%s: page %d: bounds %q, %q", typ, k, lo, hi)
				}
			}
		}
		if pages < 5 {
			t.Errorf("%s: only %d pages", typ, pages)
		}
	}
	// A page without bounds takes them from its row group, where a later one has some.
	far, file := one(t, "binary", Options{RowGroupRows: 3}, func(w *Writer) { w.lim.PageRows = 1 }, strings.Repeat("\xff", 2000), "a", "b", "c")
	if _, err := Verify(bytes.NewReader(file), int64(len(file))); err != nil {
		t.Error(err)
	}
	for g, want := range []bool{false, true} {
		c := far.meta.Groups[g].Columns[0]
		if c.ColumnIndexOffset.Valid != want || (c.Meta.Statistics.MinValue != nil) != want || (c.Meta.Statistics.MaxValue != nil) != want {
			t.Errorf("row group %d: bounds %q, %q, a column index: %v", g, c.Meta.Statistics.MinValue, c.Meta.Statistics.MaxValue, c.ColumnIndexOffset.Valid)
		}
	}
	if ok, err := far.MayContain("c0", strings.Repeat("\xff", 2000)); !ok || err != nil {
		t.Errorf("MayContain of a value without bounds: %v, %v", ok, err)
	}
	f, _ := one(t, "double", Options{}, nil, "NaN", "NaN")
	if f.meta.Groups[0].Columns[0].ColumnIndexOffset.Valid {
		t.Error("a column of NaN alone has a column index")
	}
}

func TestBoundaryOrder(t *testing.T) {
	var up []string
	for i := range 500 {
		up = append(up, fmt.Sprint(1000+i))
	}
	down := slices.Clone(up)
	slices.Reverse(down)
	mixed := append(slices.Clone(up), down...)
	for _, c := range []struct {
		values []string
		want   format.BoundaryOrder
	}{{up, format.Ascending}, {down, format.Descending}, {mixed, format.Unordered}} {
		f, _ := one(t, "bigint", Options{}, small, c.values...)
		cm := f.meta.Groups[0].Columns[0]
		var idx format.ColumnIndex
		if _, err := f.readIndex(cm.ColumnIndexOffset.V, cm.ColumnIndexLength.V, &idx); err != nil {
			t.Fatal(err)
		}
		if idx.BoundaryOrder != c.want {
			t.Errorf("%s … %s: %s, want %s", c.values[0], c.values[len(c.values)-1], idx.BoundaryOrder, c.want)
		}
	}
}

func TestFileBounds(t *testing.T) {
	f, _ := one(t, "string", Options{RowGroupRows: 2}, nil, "m", "k", "null", "null", "z", "l")
	if lo, hi, ok := f.Bounds("c0"); string(lo) != "k" || string(hi) != "z" || !ok {
		t.Errorf("Bounds = %q, %q, %v", lo, hi, ok)
	}
	if _, _, ok := f.Bounds("c1"); ok {
		t.Error("Bounds of a column that is not there")
	}
	if _, _, ok := f.IntBounds("c0"); ok {
		t.Error("IntBounds of a string column")
	}
	f, _ = one(t, "timestamp", Options{RowGroupRows: 2}, nil, "2025-11-25T10:00:00Z", "1970-01-01T00:00:01Z", "null")
	if lo, hi, ok := f.IntBounds("c0"); lo != 1000 || hi != 1764064800000 || !ok {
		t.Errorf("IntBounds = %d, %d, %v", lo, hi, ok)
	}
	f, _ = one(t, "bigint", Options{}, nil, "null")
	if _, _, ok := f.IntBounds("c0"); ok {
		t.Error("IntBounds of nulls alone")
	}
}

func TestBloom(t *testing.T) {
	var values []string
	for i := range 5000 {
		values = append(values, fmt.Sprintf("key-%d", i*7919))
	}
	repeated := make([]string, 20_000)
	for i := range repeated {
		repeated[i] = values[i%300]
	}
	// Few distinct values behind a first page that is all distinct: not coded, so their number is not known.
	mixed := append(slices.Clone(values), make([]string, 60_000)...)
	for i := range mixed[5000:] {
		mixed[5000+i] = values[i%700]
	}
	for _, c := range []struct {
		name     string
		values   []string
		tune     func(*Writer)
		min, max int64 // bytes of the filter
	}{
		{"distinct", values, nil, 5000, 10_000},
		{"small pages", values, small, 5000, 10_000},
		{"repeated", repeated, nil, 300, 600},
		{"mixed", mixed, small, 5000, 10_000},
	} {
		f, _ := one(t, "string", Options{Bloom: []string{"c0"}}, c.tune, c.values...)
		filter, err := f.filter(0, f.schema.Leaves[0])
		if err != nil || filter == nil {
			t.Fatalf("%s: no filter: %v", c.name, err)
		}
		if n := int64(len(filter.Bytes())); n < c.min || n > c.max || n&(n-1) != 0 {
			t.Errorf("%s: a filter of %d bytes, want a power of two from %d to %d", c.name, n, c.min, c.max)
		}
		for _, v := range c.values {
			if ok, err := f.MayContain("c0", v); !ok || err != nil {
				t.Fatalf("%s: MayContain(%s) = %v, %v", c.name, v, ok, err)
			}
			if ok, err := f.MayContainHash("c0", xxhash.Sum64([]byte(v))); !ok || err != nil {
				t.Fatalf("%s: MayContainHash(%s) = %v, %v", c.name, v, ok, err)
			}
		}
		passed := 0
		for i := range 10_000 {
			if ok, _ := f.MayContain("c0", fmt.Sprintf("key-%d-", i)); ok {
				passed++
			}
		}
		if passed > 500 {
			t.Errorf("%s: %d of 10000 strangers pass", c.name, passed)
		}
	}
	f, _ := one(t, "string", Options{}, nil, "b", "d")
	for v, want := range map[string]bool{"a": false, "b": true, "c": true, "d": true, "e": false} {
		if ok, err := f.MayContain("c0", v); ok != want || err != nil {
			t.Errorf("without a filter: MayContain(%s) = %v, %v", v, ok, err)
		}
	}
	if ok, err := f.MayContainHash("c0", 1); !ok || err != nil {
		t.Errorf("without a filter: MayContainHash = %v, %v", ok, err)
	}
	f, _ = one(t, "string", Options{Bloom: []string{"c0"}}, nil, "null", "null")
	if ok, err := f.MayContain("c0", ""); ok || err != nil {
		t.Errorf("nulls alone: MayContain = %v, %v", ok, err)
	}
	for _, o := range []Options{{Bloom: []string{"nope"}}, {Bloom: []string{"c1"}}} {
		s := arrow.NewSchema([]arrow.Field{{Name: "c0", Type: arrow.BinaryTypes.String}, {Name: "c1", Type: arrow.PrimitiveTypes.Int64}}, nil)
		if _, err := NewWriter(nil, s, o); err == nil {
			t.Errorf("bloom filter on %v is accepted", o.Bloom)
		}
	}
}
