package parquetfile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// parquet-go's own reader shares only the lowest layers with this package's.
func TestParquetGoReads(t *testing.T) {
	mem := checked(t)
	s := columns(t, "!string", "string", "boolean", "int", "!bigint", "double", "float", "timestamp", "date", "binary", "decimal(30,2)")
	rec := randomRecord(rand.New(rand.NewPCG(5, 5)), mem, s, 900)
	defer rec.Release()
	for _, o := range []Options{{Bloom: []string{"c0"}}, {Encoding: Plain, Compression: Snappy, RowGroupRows: 200}} {
		b := write(t, s, o, small, rec)
		f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		row := 0
		for _, g := range f.RowGroups() {
			rows := g.Rows()
			buf := make([]parquet.Row, 100)
			for {
				n, err := rows.ReadRows(buf)
				for _, x := range buf[:n] {
					for c, v := range x {
						if got, want := peerText(v, rec.Column(c)), text(rec.Column(c), row); got != want {
							t.Fatalf("row %d column %d: %s, want %s", row, c, got, want)
						}
					}
					row++
				}
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			rows.Close()
			for c, chunk := range g.ColumnChunks() {
				if (chunk.BloomFilter() != nil) != (c == 0 && o.Bloom != nil) {
					t.Errorf("bloom filter of column %d: %v", c, chunk.BloomFilter())
				}
			}
		}
		if row != 900 {
			t.Errorf("%d rows", row)
		}
	}
}

// peerText is a parquet-go value as text, in the words of text.
func peerText(v parquet.Value, like arrow.Array) string {
	if v.IsNull() {
		return "null"
	}
	b := array.NewBuilder(memory.DefaultAllocator, like.DataType())
	defer b.Release()
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(string(v.ByteArray()))
	case *array.BinaryBuilder:
		b.Append(v.ByteArray())
	case *array.BooleanBuilder:
		b.Append(v.Boolean())
	case *array.Int32Builder:
		b.Append(v.Int32())
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.Int32()))
	case *array.Int64Builder:
		b.Append(v.Int64())
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.Int64()))
	case *array.Float32Builder:
		b.Append(v.Float())
	case *array.Float64Builder:
		b.Append(v.Double())
	case *array.Decimal128Builder:
		x := new(big.Int).SetBytes(v.ByteArray())
		if x.Bit(8*len(v.ByteArray())-1) == 1 { // two's complement
			x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v.ByteArray()))))
		}
		b.Append(decimal128.FromBigInt(x))
	}
	a := b.NewArray()
	defer a.Release()
	return text(a, 0)
}

// peerScript writes one JSON object for each file: the columns as each peer reads them, and the types.
const peerScript = `
import sys, json, decimal, datetime, struct
import pyarrow.parquet as pq, duckdb, polars as pl
def norm(v):
    if v is None: return None
    if isinstance(v, bool): return v
    if isinstance(v, int): return str(v)
    if isinstance(v, float): return 'nan' if v != v else struct.pack('>d', v).hex()
    if isinstance(v, (bytes, bytearray)): return bytes(v).hex()
    if isinstance(v, decimal.Decimal): return format(v, 'f')
    if isinstance(v, datetime.datetime):
        if v.tzinfo is not None: v = v.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return str((v - datetime.datetime(1970,1,1)) // datetime.timedelta(milliseconds=1))
    if isinstance(v, datetime.date): return v.isoformat()
    if isinstance(v, dict): return {k: norm(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)): return [norm(x) for x in v]
    return v
def pairs(c, v): return list(v.items()) if c == 'c17' and isinstance(v, dict) else v
con = duckdb.connect()
def look(path):
    out = {}
    t = pq.ParquetFile(path).read()
    cols = t.column_names
    out['pyarrow'] = [[norm(v) for v in t.column(c).to_pylist()] for c in cols]
    out['types'] = [str(f.type) for f in t.schema]
    q = con.execute("select * replace (epoch_ms(c7) as c7) from read_parquet(?)", [path]).fetchall()
    out['duckdb'] = [[norm(pairs(cols[i], r[i])) for r in q] for i in range(len(cols))]
    p = pl.read_parquet(path)
    out['polars'] = [[norm(pairs(c, v)) for v in p[c].to_list()] for c in cols]
    # Predicates use statistics, page index and bloom filters; they must not lose rows.
    for col, op in (('c0', '='), ('c1', '<=')):
        v = t.column(col).to_pylist()
        for x in sorted(set(y for y in v if y is not None))[::25]:
            want = sum(1 for y in v if y is not None and (y == x if op == '=' else y <= x))
            n = con.execute(f"select count(*) from read_parquet(?) where {col} {op} ?", [path, x]).fetchone()[0]
            assert n == want, ('duckdb', path, col, op, x, n, want)
            e = pl.col(col) == x if op == '=' else pl.col(col) <= x
            n = pl.scan_parquet(path).filter(e).select(pl.len()).collect().item()
            assert n == want, ('polars', path, col, op, x, n, want)
    return out
json.dump([look(p) for p in sys.argv[1:]], sys.stdout)
`

// Other engines read the same values: pyarrow, DuckDB and Polars.
func TestPeersRead(t *testing.T) {
	python := os.Getenv("DATALAKE_PYTHON")
	if python == "" {
		if os.Getenv("DATALAKE_REQUIRE_PEERS") == "1" {
			t.Fatal("DATALAKE_PYTHON names no Python with pyarrow, duckdb and polars")
		}
		t.Skip("DATALAKE_PYTHON names no Python with pyarrow, duckdb and polars")
	}
	mem := checked(t)
	s := columns(t, "!string", "bigint", "string", "boolean", "int", "double", "float", "timestamp", "date", "binary", "decimal(5,2)",
		"decimal(17,3)", "decimal(38,6)", "list<string>", "list<list<int>>", "struct<a:int,b:struct<c:string>>", "list<struct<a:string,b:list<bigint>>>",
		"map<string,double>")
	rec := randomRecord(rand.New(rand.NewPCG(6, 6)), mem, s, 2500)
	defer rec.Release()
	args := []string{"-c", peerScript}
	for name, o := range map[string]Options{
		"compact": {Bloom: []string{"c0"}},
		"plain":   {Encoding: Plain, Compression: Snappy, RowGroupRows: 700, Bloom: []string{"c0"}},
		"groups":  {RowGroupRows: 300},
	} {
		for size, tune := range map[string]func(*Writer){"large": nil, "small": small} {
			path := filepath.Join(t.TempDir(), name+"-"+size+".parquet")
			if err := os.WriteFile(path, write(t, s, o, tune, rec), 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
	}
	var stderr strings.Builder
	cmd := exec.Command(python, args...)
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var files []map[string]json.RawMessage
	if err := json.Unmarshal(b, &files); err != nil {
		t.Fatal(err)
	}
	if len(files) != len(args)-2 {
		t.Fatalf("%d files were read", len(files))
	}
	for k, out := range files {
		comparePeers(t, filepath.Base(args[k+2]), rec, out)
	}
}

// comparePeers holds what the peers read from one file against the record that was written.
func comparePeers(t *testing.T, name string, rec arrow.Record, out map[string]json.RawMessage) {
	for _, peer := range []string{"pyarrow", "duckdb", "polars"} {
		var got [][]any
		if err := json.Unmarshal(out[peer], &got); err != nil {
			t.Fatal(err)
		}
		for c, col := range rec.Columns() {
			if len(got[c]) != col.Len() {
				t.Fatalf("%s, %s: %d rows", name, peer, len(got[c]))
			}
			for i, v := range got[c] {
				if g, w := canonical(v), pythonText(col, i); g != w {
					t.Fatalf("%s, %s: row %d, column %d (%s): %s, want %s", name, peer, i, c, col.DataType(), g, w)
				}
			}
		}
	}
	var types []string
	if err := json.Unmarshal(out["types"], &types); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"string", "int64", "string", "bool", "int32", "double", "float", "timestamp[ms, tz=UTC]", "date32[day]", "binary",
		"decimal128(5, 2)", "decimal128(17, 3)", "decimal128(38, 6)", "list<element: string>", "list<element: list<element: int32>>",
		"struct<a: int32, b: struct<c: string>>", "list<element: struct<a: string, b: list<element: int64>>>", "map<string, double>",
	}
	for i := range types {
		types[i] = strings.ReplaceAll(types[i], " ('c17')", "")
	}
	if d := cmp.Diff(want, types); d != "" {
		t.Errorf("%s: types in pyarrow: %s", name, d)
	}
}

// canonical is a peer's value as text: groups and lists alike, maps as lists of pairs.
func canonical(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		var s []string
		for _, x := range v {
			s = append(s, canonical(x))
		}
		return "[" + strings.Join(s, ",") + "]"
	case map[string]any:
		var s []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			s = append(s, canonical(v[k]))
		}
		return "[" + strings.Join(s, ",") + "]"
	}
	return fmt.Sprint(v)
}

// pythonText is a value as canonical gives it for the peers'.
func pythonText(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	list := func(n int, item func(k int) string) string {
		var s []string
		for k := range n {
			s = append(s, item(k))
		}
		return "[" + strings.Join(s, ",") + "]"
	}
	double := func(f float64) string {
		if f != f {
			return "nan"
		}
		return fmt.Sprintf("%016x", math.Float64bits(f))
	}
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return hex.EncodeToString(a.Value(i))
	case *array.Float64:
		return double(a.Value(i))
	case *array.Float32:
		return double(float64(a.Value(i)))
	case *array.Timestamp:
		return fmt.Sprint(int64(a.Value(i)))
	case *array.Date32:
		return a.Value(i).FormattedString()
	case *array.Decimal128:
		return a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Struct:
		return list(a.NumField(), func(k int) string { return pythonText(a.Field(k), i) })
	case *array.Map:
		lo, hi := a.ValueOffsets(i)
		return list(int(hi-lo), func(k int) string {
			return "[" + pythonText(a.Keys(), int(lo)+k) + "," + pythonText(a.Items(), int(lo)+k) + "]"
		})
	case *array.List:
		lo, hi := a.ValueOffsets(i)
		return list(int(hi-lo), func(k int) string { return pythonText(a.ListValues(), int(lo)+k) })
	}
	return a.ValueStr(i)
}
