package diff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"go.uber.org/goleak"

	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fileOf is a file of rows.
func fileOf[T any](t testing.TB, rows []T, partition ...layout.Value) File {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return inMemory(t, b.Bytes(), partition)
}

func inMemory(t testing.TB, data []byte, partition []layout.Value) File {
	t.Helper()
	s := memory.New()
	if _, err := s.Put(t.Context(), "x.parquet", bytes.NewReader(data), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	return File{Name: "x.parquet", Partition: partition, Open: func(ctx context.Context) (*storage.Reader, error) { return storage.OpenReader(ctx, s, "x.parquet") }}
}

func sets(here, there []File) (Set, Set) {
	return Set{Name: "here", Files: here}, Set{Name: "there", Files: there}
}

func compare(t testing.TB, here, there []File, o Options) *Result {
	t.Helper()
	if o.TempDir == "" {
		o.TempDir = t.TempDir()
	}
	a, b := sets(here, there)
	r, err := Compare(t.Context(), a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type row struct {
	ID    int64   `parquet:"id"`
	Name  *string `parquet:"name,optional"`
	Price float64 `parquet:"price"`
}

func ptr(s string) *string { return &s }

func TestCompare(t *testing.T) {
	here := []row{{1, ptr("a"), 1}, {2, ptr("b"), 2}, {3, nil, 3}, {4, ptr("d"), 4}, {9, ptr("x"), 9}, {9, ptr("y"), 9}}
	there := []row{{9, ptr("y"), 9}, {1, ptr("a"), 1}, {2, ptr("B"), 2.5}, {3, ptr(""), 3}, {5, ptr("e"), 5}, {9, ptr("z"), 9}, {9, ptr("y"), 9}}
	got := compare(t, []File{fileOf(t, here[:3]), fileOf(t, here[3:])}, []File{fileOf(t, there)}, Options{Key: []string{"id"}, Samples: 2})
	want := &Result{
		Here: "here", There: "there", Key: []string{"id"}, RowsHere: 6, RowsThere: 7,
		Equal: 2, Different: 3, OnlyHere: 1, OnlyThere: 2, RepeatedHere: 1, RepeatedThere: 2,
		Columns: []Column{
			{Name: "id", Here: "bigint", There: "bigint", Comparable: true},
			{Name: "name", Here: "string", There: "string", Comparable: true, Different: 3, Samples: []Differs{{[]string{"2"}, "b", "B"}, {[]string{"3"}, "null", ""}}},
			{Name: "price", Here: "double", There: "double", Comparable: true, Different: 1, Samples: []Differs{{[]string{"2"}, "2", "2.5"}}},
		},
		ColumnsHere: []string{}, ColumnsThere: []string{}, KeysHere: [][]string{{"4"}}, KeysThere: [][]string{{"5"}, {"9"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r := compare(t, []File{fileOf(t, here)}, []File{fileOf(t, here[3:]), fileOf(t, here[:3])}, Options{Key: []string{"id"}}); !r.Same || r.Equal != 6 {
		t.Errorf("the same rows in another order: %+v", r)
	}
}

// TestMeaning: what is equal although it is stored in another way, and what is not.
func TestMeaning(t *testing.T) {
	type of = func() File
	one := func(v any) of {
		return func() File {
			switch v := v.(type) {
			case int32:
				return fileOf(t, []struct {
					K int32 `parquet:"k"`
					V int32 `parquet:"v"`
				}{{1, v}})
			case int64:
				return fileOf(t, []struct {
					K int64 `parquet:"K"`
					V int64 `parquet:"V"`
				}{{1, v}})
			case uint64:
				return fileOf(t, []struct {
					K int64  `parquet:"k"`
					V uint64 `parquet:"v"`
				}{{1, v}})
			case float32:
				return fileOf(t, []struct {
					K int64   `parquet:"k"`
					V float32 `parquet:"v"`
				}{{1, v}})
			case float64:
				return fileOf(t, []struct {
					K int64   `parquet:"k"`
					V float64 `parquet:"v"`
				}{{1, v}})
			case string:
				return fileOf(t, []struct {
					K int64  `parquet:"k"`
					V string `parquet:"v"`
				}{{1, v}})
			case bool:
				return fileOf(t, []struct {
					K int64 `parquet:"k"`
					V bool  `parquet:"v"`
				}{{1, v}})
			}
			t.Fatalf("%T", v)
			return File{}
		}
	}
	cents := func(v int64) of {
		return func() File {
			return fileOf(t, []struct {
				K int64 `parquet:"k"`
				V int64 `parquet:"v,decimal(2:18)"`
			}{{1, v}})
		}
	}
	thousandths := func(v int64) of {
		return func() File {
			var b [16]byte
			n := big.NewInt(v)
			if v < 0 {
				n.Add(n, new(big.Int).Lsh(big.NewInt(1), 128))
			}
			n.FillBytes(b[:])
			return fileOf(t, []struct {
				K int64    `parquet:"k"`
				V [16]byte `parquet:"v,decimal(3:38)"`
			}{{1, b}})
		}
	}
	ms := func(v string) of {
		return func() File {
			return fileOf(t, []struct {
				K int64     `parquet:"k"`
				V time.Time `parquet:"v,timestamp(millisecond)"`
			}{{1, at(t, v)}})
		}
	}
	us := func(v string) of {
		return func() File {
			return fileOf(t, []struct {
				K int64     `parquet:"k"`
				V time.Time `parquet:"v,timestamp(microsecond)"`
			}{{1, at(t, v)}})
		}
	}
	day := func(v int32) of {
		return func() File {
			return fileOf(t, []struct {
				K int64 `parquet:"k"`
				V int32 `parquet:"v,date"`
			}{{1, v}})
		}
	}
	folder := func(v string) of {
		return func() File {
			return fileOf(t, []struct {
				K int64 `parquet:"k"`
			}{{1}}, layout.Value{Key: "v", Value: v})
		}
	}
	for _, c := range []struct {
		name      string
		a, b      of
		same      bool
		tolerance float64
	}{
		{"int and bigint", one(int32(-5)), one(int64(-5)), true, 0},
		{"other numbers", one(int32(-5)), one(int64(5)), false, 0},
		{"int and double", one(int32(3)), one(3.0), true, 0},
		{"int and another double", one(int32(3)), one(3.5), false, 0},
		{"unsigned", one(uint64(7)), one(int64(7)), true, 0},
		{"large unsigned", one(uint64(1 << 63)), one(int64(-1 << 63)), false, 0},
		{"float and double", one(float32(0.1)), one(0.1), true, 0},
		{"zeros", one(0.0), one(float32(0)), true, 0},
		{"near, not asked for", one(1.0), one(1.0000001), false, 0},
		{"near", one(1.0), one(1.0000001), true, 1e-6},
		{"not near enough", one(1.0), one(1.00001), false, 1e-6},
		{"near whole numbers", one(int64(1000000)), one(int64(1000001)), false, 1e-3},
		{"scales", cents(1250), thousandths(12500), true, 0},
		{"negative scales", cents(-1250), thousandths(-12500), true, 0},
		{"small negative", cents(-5), thousandths(-50), true, 0},
		{"other decimals", cents(1250), thousandths(12501), false, 0},
		{"near decimals", cents(1250), thousandths(12501), true, 1e-3},
		{"decimal and int", cents(1200), one(int32(12)), true, 0},
		{"decimal and double", cents(1010), one(10.1), true, 0},
		{"units of time", ms("2025-11-24T10:00:00.123Z"), us("2025-11-24T10:00:00.123456Z"), true, 0},
		{"before 1970", ms("1969-12-31T23:59:59.123Z"), us("1969-12-31T23:59:59.123999Z"), true, 0},
		{"other times", ms("2025-11-24T10:00:00.123Z"), us("2025-11-24T10:00:00.122999Z"), false, 0},
		{"date and midnight", day(20416), us("2025-11-24T00:00:00Z"), true, 0},
		{"date and another time", day(20416), us("2025-11-24T00:00:01Z"), false, 0},
		{"booleans", one(true), one(true), true, 0},
		{"other booleans", one(true), one(false), false, 0},
		{"texts", one("é"), one("é"), true, 0},
		{"case counts", one("a"), one("A"), false, 0},
		{"text and number", one("5"), one(int64(5)), false, 0},
		{"text and boolean", one("true"), one(true), false, 0},
		{"folder and text", folder("x y"), one("x y"), true, 0},
		{"folder and number", folder("03"), one(int64(3)), true, 0},
		{"folders", folder("a"), folder("a"), true, 0},
		{"other folders", folder("a"), folder("b"), false, 0},
		{"folder and double", folder("1"), one(1.0), false, 0},
		{"empty folder", folder(""), one("x"), false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, turned := range []bool{false, true} {
				a, b := c.a(), c.b()
				if turned {
					a, b = b, a
				}
				r := compare(t, []File{a}, []File{b}, Options{Key: []string{"k"}, Tolerance: c.tolerance})
				if r.Same != c.same || r.Equal+r.Different != 1 {
					t.Errorf("turned %v: %+v", turned, r)
				}
			}
		})
	}
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAssemble: nested values are put together as they were.
func TestAssemble(t *testing.T) {
	type inner struct {
		B *string `parquet:"B,optional"`
		A int32   `parquet:"A"`
	}
	type deep struct {
		List   []int64          `parquet:"list,list"`
		Bare   []string         `parquet:"bare"`
		Struct *inner           `parquet:"struct,optional"`
		Many   []inner          `parquet:"many,list"`
		Map    map[string]int64 `parquet:"map"`
		Last   int32            `parquet:"last"`
	}
	rows := []deep{
		{},
		{List: []int64{1, 2}, Bare: []string{"x", "y\n"}, Struct: &inner{nil, 7}, Many: []inner{{ptr("q"), 1}, {nil, 2}}, Map: map[string]int64{"b": 2, "a": 1}, Last: 1},
		{List: []int64{3}, Bare: []string{"z"}, Struct: &inner{ptr("s"), 8}, Map: map[string]int64{"c": 3}, Last: 2},
	}
	want := []string{
		`[] [] null [] {} 0`,
		`[1,2] ["x","y\n"] {"a":7,"b":null} [{"a":1,"b":"q"},{"a":2,"b":null}] {"a":1,"b":2} 1`,
		`[3] ["z"] {"a":8,"b":"s"} [] {"c":3} 2`,
	}
	f := fileOf(t, rows)
	o, err := open(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer o.reader.Close()
	in := o.RowGroups()[0].Rows()
	defer in.Close()
	buffer := make([]parquet.Row, 8)
	n, _ := in.ReadRows(buffer)
	if n != len(rows) {
		t.Fatalf("%d rows", n)
	}
	for i := range n {
		var c cursor
		c.set(buffer[i], 16)
		var got []string
		for _, name := range []string{"list", "bare", "struct", "many", "map", "last"} {
			k := slices.IndexFunc(o.top, func(n *node) bool { return n.name == name })
			got = append(got, o.top[k].value(&c).String())
		}
		if d := cmp.Diff(want[i], strings.Join(got, " ")); d != "" {
			t.Errorf("row %d: %s", i, d)
		}
	}
	if r := compare(t, []File{f}, []File{fileOf(t, rows)}, Options{Key: []string{"last"}}); !r.Same {
		t.Errorf("%+v", r)
	}
	other := slices.Clone(rows)
	other[1].Many = []inner{{ptr("q"), 1}, {ptr(""), 2}}
	if r := compare(t, []File{f}, []File{fileOf(t, other)}, Options{Key: []string{"last"}}); r.Same || r.Different != 1 {
		t.Errorf("%+v", r)
	}
}

// randomRows are rows of which some share a key.
func randomRows(r *rand.Rand, n, keys int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{ID: int64(r.IntN(keys)), Price: float64(r.IntN(3))}
		if r.IntN(4) > 0 {
			rows[i].Name = ptr(strings.Repeat("x", r.IntN(20)))
		}
	}
	return rows
}

// TestMemory: the same result with all rows in memory and with hardly any; and it is what a naive comparison says.
func TestMemory(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 6 {
		keys := []int{3, 50, 5000, 20000}[round%4]
		here := randomRows(r, 8000, keys)
		there := slices.Clone(here)
		r.Shuffle(len(there), func(i, j int) { there[i], there[j] = there[j], there[i] })
		for range 40 {
			there[r.IntN(len(there))].Price++
		}
		there = append(there[r.IntN(30):], randomRows(r, 20, keys+5)...)
		files := func(rows []row) []File { return []File{fileOf(t, rows[:1000]), fileOf(t, rows[1000:])} }
		a, b := files(here), files(there)
		large := compare(t, a, b, Options{Key: []string{"id"}})
		small := compare(t, a, b, Options{Key: []string{"id"}, Memory: 1 << 10})
		if large.Spilled != 0 || small.Spilled < 100_000 {
			t.Errorf("%d keys: %d and %d bytes spilled", keys, large.Spilled, small.Spilled)
		}
		small.Spilled = 0
		if d := cmp.Diff(large, small); d != "" {
			t.Errorf("%d keys: another result with little memory: %s", keys, d)
		}
		if large.RowsHere != large.Equal+large.Different+large.OnlyHere || large.RowsThere != large.Equal+large.Different+large.OnlyThere || large.RowsHere != 8000 {
			t.Errorf("%d keys: the counts do not balance: %+v", keys, large)
		}
		if equal, only, onlyThere := naive(here, there); large.Equal != equal || large.OnlyHere != only || large.OnlyThere != onlyThere {
			t.Errorf("%d keys: %d equal, %d and %d on one side; naively %d, %d, %d", keys, large.Equal, large.OnlyHere, large.OnlyThere, equal, only, onlyThere)
		}
	}
}

// naive counts rows that both have, and rows beyond the number that the other side has of their key.
func naive(here, there []row) (equal, onlyHere, onlyThere int64) {
	all, keys := map[string]int64{}, map[int64]int64{}
	show := func(r row) string {
		name := "null"
		if r.Name != nil {
			name = fmt.Sprintf("%q", *r.Name)
		}
		return fmt.Sprint(r.ID, name, r.Price)
	}
	for _, r := range here {
		all[show(r)]++
		keys[r.ID]++
	}
	for _, r := range there {
		if all[show(r)] > 0 {
			all[show(r)]--
			equal++
		}
		keys[r.ID]--
	}
	for _, n := range keys {
		onlyHere += max(n, 0)
		onlyThere += max(-n, 0)
	}
	return equal, onlyHere, onlyThere
}

func TestColumns(t *testing.T) {
	a := fileOf(t, []struct {
		ID    int64  `parquet:"id"`
		Extra string `parquet:"extra"`
		Own   string `parquet:"_own"`
		Old   string `parquet:"old"`
	}{{1, "x", "y", "z"}})
	b := fileOf(t, []struct {
		ID   int32  `parquet:"ID"`
		More string `parquet:"more"`
		New  string `parquet:"new"`
	}{{1, "x", "y"}})
	r := compare(t, []File{a}, []File{b}, Options{Key: []string{"id"}, Own: []string{"_own"}, Ignore: []string{"OLD", "new"}})
	if r.Same || !slices.Equal(r.ColumnsHere, []string{"extra"}) || !slices.Equal(r.ColumnsThere, []string{"more"}) || !slices.Equal(r.Own, []string{"_own"}) || !slices.Equal(r.Ignored, []string{"old", "new"}) {
		t.Errorf("%+v", r)
	}
	r = compare(t, []File{a}, []File{b}, Options{Key: []string{"id"}, Own: []string{"_own"}, Ignore: []string{"old", "new", "extra", "more"}})
	if !r.Same {
		t.Errorf("%+v", r)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a, b := sets([]File{fileOf(t, []row{{1, nil, 1}})}, []File{fileOf(t, []row{{1, nil, 1}})})
	if _, err := Compare(ctx, a, b, Options{Key: []string{"id"}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// FuzzValue: what append writes, take reads.
func FuzzValue(f *testing.F) {
	f.Add(uint8(2), int64(-5), int64(0), 1.5, []byte("x"))
	f.Fuzz(func(t *testing.T, c uint8, n, nanos int64, x float64, b []byte) {
		v := value{class: class(c % 10)}
		switch v.class {
		case boolean, whole, date:
			v.n = n
		case instant:
			v.n, v.nanos = n, nanos&0x3fffffff
		case single, double:
			v.f = x
		case decimal, text, nested:
			v.b = b
		}
		got, rest := take(append(v.append(nil), "rest"...))
		if string(rest) != "rest" || got.class != v.class || got.n != v.n || got.nanos != v.nanos || got.f != v.f && x == x || !bytes.Equal(got.b, v.b) {
			t.Errorf("%+v became %+v, rest %q", v, got, rest)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	rows := randomRows(rand.New(rand.NewPCG(1, 1)), 100_000, 1<<40)
	f := []File{fileOf(b, rows)}
	for b.Loop() {
		if r := compare(b, f, f, Options{Key: []string{"id"}}); !r.Same {
			b.Fatalf("%+v", r)
		}
	}
	b.ReportMetric(float64(200_000*b.N)/b.Elapsed().Seconds(), "rows/s")
}
