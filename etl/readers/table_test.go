package readers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
)

// column is a name and a type.
type column struct {
	name string
	kind schema.Type
}

// table is a table on disk and what is in it.
type table struct {
	name, dir   string
	columns     []column // those of the files
	partitionBy []column
	rows        []map[string]any
}

// all are the columns as readers see them.
func (tab *table) all() []column { return slices.Concat(tab.columns, tab.partitionBy) }

// partitions are the directories with files, below dir.
func (tab *table) partitions(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(tab.dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(p) == ".parquet" {
			dir, rerr := filepath.Rel(tab.dir, filepath.Dir(p))
			if err = rerr; !slices.Contains(out, dir) {
				out = append(out, dir)
			}
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no partitions in %s (%v)", tab.dir, err)
	}
	return out
}

var partitionColumns = []column{{"source", typ("string")}, {"year", typ("int")}, {"month", typ("int")}, {"day", typ("int")}}

func typ(s string) schema.Type {
	t, err := schema.ParseType(s)
	if err != nil {
		panic(err)
	}
	return t
}

// allTypes has a column of each type, and each way of nesting.
func allTypes() []column {
	out := []column{{"record_id", typ("string")}, {"event_time", typ("timestamp")}, {"ingested_at", typ("timestamp")}}
	for _, c := range []string{
		"few string", "many string", "flag boolean", "small int", "big bigint", "row bigint", "f32 float", "f64 double",
		"dec9 decimal(9,2)", "dec18 decimal(18,4)", "dec38 decimal(38,10)", "born date", "seen timestamp", "blob binary", "doc json",
		"ints list<bigint>", "words list<string>", "grid list<list<double>>", "attrs map<string,double>", "tags map<string,list<string>>",
		"at struct<lat:double,lon:double,site:struct<name:string,since:timestamp,cost:decimal(10,2)>,codes:list<int>>",
		"events list<struct<kind:string,n:bigint>>", "never string", "quality_score double", "_rescued string",
	} {
		name, kind, _ := strings.Cut(c, " ")
		out = append(out, column{name, typ(kind)})
	}
	return out
}

func arrowSchema(columns []column) *arrow.Schema {
	f := make([]arrow.Field, len(columns))
	for i, c := range columns {
		required := c.name == "record_id" || c.name == "event_time" || c.name == "ingested_at"
		f[i] = arrow.Field{Name: c.name, Type: c.kind.Arrow(), Nullable: !required}
	}
	return arrow.NewSchema(f, nil)
}

// random is a value of type t that JSON can carry, at times an extreme one.
func random(r *rand.Rand, t schema.Type, null bool) any {
	if null && r.IntN(8) == 0 {
		return nil
	}
	pick := func(from ...int64) json.Number { return number(from[r.IntN(len(from))]) }
	edge := r.IntN(6) == 0
	switch t.Kind {
	case schema.String:
		words := []string{"", " ", "ä", "日本語", "😀", "a\x00b", "line\nfeed", `"quoted"`, strings.Repeat("long ", 60)}
		if edge {
			return words[r.IntN(len(words))]
		}
		return fmt.Sprintf("v%x", r.Uint64N(1<<r.IntN(40)))
	case schema.JSON:
		return fmt.Sprintf(`{"a":[%d,null,"ü"]}`, r.IntN(1000))
	case schema.Boolean:
		return r.IntN(2) == 0
	case schema.Int:
		if edge {
			return pick(0, -1, math.MinInt32, math.MaxInt32)
		}
		return number(int64(r.IntN(2000) - 1000))
	case schema.Bigint:
		if edge {
			return pick(0, -1, math.MinInt64, math.MaxInt64, 1<<53+1)
		}
		return number(r.Int64N(1 << r.IntN(60)))
	case schema.Float:
		if edge {
			return json.Number([]string{"0", "-0", "3.4028235e+38", "1e-45"}[r.IntN(4)])
		}
		return json.Number(strconv.FormatFloat(float64(float32(r.NormFloat64())), 'g', -1, 32))
	case schema.Double:
		if edge {
			return json.Number([]string{"0", "-0", "1.7976931348623157e+308", "5e-324", "0.1", "9007199254740992"}[r.IntN(6)])
		}
		return json.Number(strconv.FormatFloat(math.Round(r.NormFloat64()*1000)/100, 'g', -1, 64))
	case schema.Decimal:
		n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Precision)), nil)
		n.Sub(n, big.NewInt(1))
		if !edge {
			n.SetUint64(r.Uint64N(min(n.Uint64()|1, 1<<30)))
		}
		if r.IntN(2) == 0 {
			n.Neg(n)
		}
		return decimalText(n, t.Scale)
	case schema.Date:
		if edge {
			return []string{"0001-01-01", "1582-10-04", "1582-10-15", "1969-12-31", "9999-12-31"}[r.IntN(5)]
		}
		return time.Unix(int64(r.IntN(20000))*86400, 0).UTC().Format(time.DateOnly)
	case schema.Timestamp:
		if edge {
			return pick(-62135596800000, -12219292800001, -1, 0, 4102444800000, 253402300799999)
		}
		return number(1764000000000 + r.Int64N(1e9))
	case schema.Binary:
		b := make([]byte, r.IntN(12))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return base64.StdEncoding.EncodeToString(b)
	case schema.List:
		out := make([]any, r.IntN(4))
		for i := range out {
			out[i] = random(r, *t.Elem, true)
		}
		return out
	case schema.Map:
		out := map[string]any{}
		for range r.IntN(4) {
			out[[]string{"a", "b", "ключ", "x y"}[r.IntN(4)]] = random(r, *t.Elem, true)
		}
		return out
	case schema.Struct:
		out := map[string]any{}
		for _, f := range t.Fields {
			out[f.Name] = random(r, f.Type, true)
		}
		return out
	}
	panic("no values of type " + t.String())
}

// appendTo adds a value in the common shape to a builder.
func appendTo(b array.Builder, v any, t schema.Type) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int32Builder:
		n, err := strconv.ParseInt(v.(json.Number).String(), 10, 32)
		b.Append(int32(n))
		return err
	case *array.Int64Builder:
		n, err := v.(json.Number).Int64()
		b.Append(n)
		return err
	case *array.TimestampBuilder:
		n, err := v.(json.Number).Int64()
		b.Append(arrow.Timestamp(n))
		return err
	case *array.Float32Builder:
		f, err := strconv.ParseFloat(v.(json.Number).String(), 32)
		b.Append(float32(f))
		return err
	case *array.Float64Builder:
		f, err := strconv.ParseFloat(v.(json.Number).String(), 64)
		b.Append(f)
		return err
	case *array.Decimal128Builder:
		n, ok := new(big.Int).SetString(strings.Replace(v.(string), ".", "", 1), 10)
		if !ok {
			return fmt.Errorf("%v is no decimal", v)
		}
		b.Append(decimal128.FromBigInt(n))
	case *array.Date32Builder:
		d, err := time.Parse(time.DateOnly, v.(string))
		b.Append(arrow.Date32(d.Unix() / 86400))
		return err
	case *array.BinaryBuilder:
		d, err := base64.StdEncoding.DecodeString(v.(string))
		b.Append(d)
		return err
	case *array.MapBuilder:
		b.Append(true)
		for k, x := range v.(map[string]any) {
			b.KeyBuilder().(*array.StringBuilder).Append(k)
			if err := appendTo(b.ItemBuilder(), x, *t.Elem); err != nil {
				return err
			}
		}
	case *array.ListBuilder:
		b.Append(true)
		for _, x := range v.([]any) {
			if err := appendTo(b.ValueBuilder(), x, *t.Elem); err != nil {
				return err
			}
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range t.Fields {
			if err := appendTo(b.FieldBuilder(i), v.(map[string]any)[f.Name], f.Type); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("no builder %T", b)
	}
	return nil
}

// randomTable writes a table of random rows of all types: a day of several row groups and pages, and a day with a column
// more.
func randomTable(t *testing.T, name, dir string, o parquetfile.Options) *table {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	columns := allTypes()
	out := &table{name: name, dir: filepath.Join(dir, name)}
	for day, n := range []int{20_000, 500} {
		if day == 1 {
			columns = append(columns, column{"later", typ("string")})
		}
		var rows []map[string]any
		for i := range n {
			row := map[string]any{}
			for _, c := range columns {
				switch c.name {
				case "record_id":
					row[c.name] = fmt.Sprintf("%s-%d-%05d", name, day+1, i)
				case "event_time", "ingested_at":
					row[c.name] = random(r, c.kind, false)
				case "few":
					row[c.name] = []any{"north", "south", "ost", nil}[r.IntN(4)]
				case "row":
					row[c.name] = number(int64(i))
				case "never":
					row[c.name] = nil
				default:
					row[c.name] = random(r, c.kind, true)
				}
			}
			rows = append(rows, row)
		}
		partition := fmt.Sprintf("source=%s/year=2025/month=11/day=%02d", name, day+1)
		write(t, filepath.Join(out.dir, partition, "part.parquet"), columns, rows, o)
		for _, row := range rows {
			row["source"], row["year"], row["month"], row["day"] = name, number(2025), number(11), number(int64(day+1))
		}
		out.rows = append(out.rows, rows...)
	}
	out.columns, out.partitionBy = columns, partitionColumns
	return out
}

func write(t *testing.T, file string, columns []column, rows []map[string]any, o parquetfile.Options) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewRecordBuilder(mem, arrowSchema(columns))
	defer b.Release()
	for _, row := range rows {
		for i, c := range columns {
			if err := appendTo(b.Field(i), row[c.name], c.kind); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	var text bytes.Buffer
	w, err := parquetfile.NewWriter(&text, rec.Schema(), o)
	if err == nil {
		if err = w.Append(rec, nil); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		t.Fatalf("write %s: %v", file, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readOwn reads all files of the table's partitions with the engine's own reader.
func readOwn(t *testing.T, tab *table) []map[string]any {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	var rows []map[string]any
	for _, p := range tab.partitions(t) {
		files, err := filepath.Glob(filepath.Join(tab.dir, p, "*.parquet"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s (%v)", p, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := parquetfile.Open(bytes.NewReader(text), int64(len(text)))
			if err != nil {
				t.Fatalf("open %s: %v", name, err)
			}
			for rec, err := range f.Records(t.Context(), arrowSchema(tab.columns), mem) {
				if err != nil {
					t.Fatalf("read %s: %v", name, err)
				}
				from := len(rows)
				for range rec.NumRows() {
					rows = append(rows, partitionValues(p))
				}
				for i, c := range tab.columns {
					for j := range int(rec.NumRows()) {
						rows[from+j][c.name] = fromArrow(rec.Column(i), j, c.kind)
					}
				}
				rec.Release()
			}
		}
	}
	return rows
}

// partitionValues are the values in a partition's directory name.
func partitionValues(dir string) map[string]any {
	row := map[string]any{}
	for part := range strings.SplitSeq(dir, "/") {
		name, v, _ := strings.Cut(part, "=")
		switch {
		case v == layout.Null:
			row[name] = nil
		case slices.Contains([]string{"year", "month", "day", "hour"}, name):
			row[name] = json.Number(strings.TrimPrefix(v, "0"))
		default:
			row[name] = layout.Unescape(v)
		}
	}
	return row
}
