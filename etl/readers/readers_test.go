// Package readers tests that other programs read the lake's tables as the engine itself does: DuckDB, Arrow, Polars,
// ClickHouse, Spark and Trino, every type, equal rows. It holds no code.
//
// The readers come with Python (DATALAKE_PYTHON, an interpreter that has the packages) and with the test kit (Trino). Where
// they are missing the tests are skipped; with DATALAKE_REQUIRE_PEERS=1 they fail.
package readers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"datalake/pkg/catalog/local"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
)

// inPython are the readers of testdata/read.py.
var inPython = []struct {
	name string
	dialect
}{
	{"pyarrow", dialect{}},
	{"duckdb", dialect{}},
	{"polars", dialect{}},
	{"spark", dialect{}},
	// ClickHouse has one type for text and bytes, no null lists, maps and structs, infers bigint for the numbers in a path
	// and does not undo Hive's escapes there.
	{"clickhouse", dialect{bytesOnly: true, emptyNull: true, partitionAs: "bigint", rawPaths: true}},
}

// missing skips the test, or fails it where the readers must be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("DATALAKE_REQUIRE_PEERS") == "1" {
		t.Fatal(what + ", and DATALAKE_REQUIRE_PEERS=1 asks for it")
	}
	t.Skip(what)
}

func TestReaders(t *testing.T) {
	dir := t.TempDir()
	engine := engineTable(t, dir)
	tables := []*table{
		engine,
		randomTable(t, "compact", dir, parquetfile.Options{Bloom: []string{"record_id"}, RowGroupRows: 18_000}),
		randomTable(t, "plain", dir, parquetfile.Options{Encoding: parquetfile.Plain, Compression: parquetfile.Snappy, RowGroupRows: 18_000}),
	}
	t.Run("own", func(t *testing.T) {
		for _, tab := range tables {
			compare(t, tab, readOwn(t, tab), dialect{})
		}
	})
	for _, r := range inPython {
		t.Run(r.name, func(t *testing.T) {
			var places []string
			for _, tab := range tables {
				places = append(places, tab.name+"="+tab.dir)
			}
			runPython(t, r.name, places, tables, r.dialect)
		})
	}
	t.Run("views", func(t *testing.T) {
		views := filepath.Join(filepath.Dir(engine.dir), "state", "catalog", local.ViewsName)
		runPython(t, "views", []string{engine.name + "=" + views + ":processed_" + engine.name}, []*table{engine}, dialect{})
	})
	t.Run("trino", func(t *testing.T) {
		server := startTrino(t, dir)
		for _, tab := range tables {
			server.create(t, tab)
			compare(t, tab, server.read(t, tab), dialect{})
		}
	})
}

// runPython has read.py read tables where they lie, and compares them.
func runPython(t *testing.T, reader string, places []string, tables []*table, d dialect) {
	t.Helper()
	python := os.Getenv("DATALAKE_PYTHON")
	if python == "" {
		missing(t, "DATALAKE_PYTHON is not set: nothing to read with")
	}
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), python, append([]string{filepath.Join("testdata", "read.py"), reader, out}, places...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "PYTHONUTF8=1")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, log.Bytes())
	}
	for _, tab := range tables {
		types, rows := readLines(t, filepath.Join(out, tab.name+".jsonl"))
		compareTypes(t, tab, types, d)
		compare(t, tab, rows, d)
	}
}

// readLines reads what read.py wrote.
func readLines(t *testing.T, name string) (types map[string]string, rows []map[string]any) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(f))
	d.UseNumber()
	if err := d.Decode(&types); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for d.More() {
		row := map[string]any{}
		if err := d.Decode(&row); err != nil {
			t.Fatalf("%s, row %d: %v", name, len(rows), err)
		}
		rows = append(rows, row)
	}
	return types, rows
}

func compareTypes(t *testing.T, tab *table, types map[string]string, d dialect) {
	t.Helper()
	if len(types) != len(tab.all()) {
		t.Errorf("%s: %d columns seen, want %d", tab.name, len(types), len(tab.all()))
	}
	for i, c := range tab.all() {
		want := d.typeText(c.kind)
		if i >= len(tab.columns) && c.kind.Kind == schema.Int && d.partitionAs != "" {
			want = d.partitionAs
		}
		if types[c.name] != want {
			t.Errorf("%s: column %s has type %q, want %q", tab.name, c.name, types[c.name], want)
		}
	}
}

// compare tells the first differences between the table's rows and those that a reader saw, in any order.
func compare(t *testing.T, tab *table, rows []map[string]any, d dialect) {
	t.Helper()
	if len(rows) != len(tab.rows) {
		t.Errorf("%s: %d rows seen, want %d", tab.name, len(rows), len(tab.rows))
	}
	seen := make(map[string]map[string]any, len(rows))
	for _, row := range rows {
		seen[fmt.Sprint(row["record_id"])] = row
	}
	differences := 0
	for _, want := range tab.rows {
		id := fmt.Sprint(d.encode(want["record_id"], typ("string")))
		got, ok := seen[id]
		if !ok {
			t.Errorf("%s: row %v is missing", tab.name, want["record_id"])
			differences++
		}
		for i, c := range tab.all() {
			if !ok {
				break
			}
			value := want[c.name]
			if d.rawPaths && i >= len(tab.columns) && c.kind.Kind == schema.String {
				value = layout.Null
				if want[c.name] != nil {
					value = string(layout.AppendEscaped(nil, want[c.name].(string)))
				}
			}
			if w, g := d.text(d.encode(value, c.kind), c.kind), d.text(got[c.name], c.kind); w != g {
				t.Errorf("%s: row %v, column %s (%s): %s, want %s", tab.name, want["record_id"], c.name, c.kind, g, w)
				differences++
			}
		}
		if differences >= 8 {
			t.Fatalf("%s: and perhaps more", tab.name)
		}
	}
}
