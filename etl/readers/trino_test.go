package readers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// trino is a server of the test kit that reads a local directory.
type trino struct {
	kit, dir, data string // the script, where it works, and the directory that is read
	env            []string
}

// findKit looks for the kit's script beside the repository.
func findKit() string {
	if kit := os.Getenv("DATALAKE_TRINO_KIT"); kit != "" {
		return kit
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if kit := filepath.Join(dir, "shared", "kit", "trino-kit.sh"); exists(kit) {
			return kit
		}
	}
	return ""
}

func exists(name string) bool { _, err := os.Stat(name); return err == nil }

// startTrino starts a server over data, for the time of the test. It takes a minute where the kit is not installed yet.
func startTrino(t *testing.T, data string) *trino {
	t.Helper()
	if os.Getenv("DATALAKE_PYTHON") == "" {
		missing(t, "DATALAKE_PYTHON is not set: the other readers are not asked for")
	}
	kit := findKit()
	if kit == "" {
		missing(t, "no shared/kit/trino-kit.sh beside the repository, and DATALAKE_TRINO_KIT names none")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	s := &trino{kit, t.TempDir(), data, append(os.Environ(), fmt.Sprintf("TRINO_KIT_PORT=%d", port), "TRINO_KIT_DATA="+data, "TRINO_KIT_RUN="+t.TempDir(), "TRINO_KIT_FORMAT=json")}
	t.Cleanup(func() { s.command("stop").Run() })
	// The server keeps what it inherits open, so its output goes to a file.
	log, err := os.Create(filepath.Join(t.TempDir(), "start.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := s.command("start", "file")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("start Trino: %v\n%s", err, text)
	}
	return s
}

func (s *trino) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.kit, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.WaitDelay = time.Second
	return cmd
}

func (s *trino) query(t *testing.T, sql ...string) []byte {
	t.Helper()
	cmd := s.command(append([]string{"query"}, sql...)...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("Trino: %v\n%s\n%s", err, strings.Join(sql, "\n"), log.Bytes())
	}
	return out.Bytes()
}

// create makes the table known, each partition by its own location, as the Glue catalog does.
func (s *trino) create(t *testing.T, tab *table) {
	t.Helper()
	var columns, partitionedBy, statements []string
	for _, c := range tab.all() {
		columns = append(columns, `"`+c.name+`" `+trinoType(c.kind))
	}
	for _, c := range tab.partitionBy {
		partitionedBy = append(partitionedBy, "'"+c.name+"'")
	}
	root, err := filepath.Rel(s.data, tab.dir)
	if err != nil {
		t.Fatal(err)
	}
	statements = append(statements, fmt.Sprintf("create table hive.default.%s (%s) with (external_location = 'local:///%s', format = 'PARQUET', partitioned_by = array[%s])",
		tab.name, strings.Join(columns, ", "), root, strings.Join(partitionedBy, ", ")))
	for _, p := range tab.partitions(t) {
		var values []string
		row := partitionValues(p)
		for _, c := range tab.partitionBy {
			if row[c.name] == nil {
				row[c.name] = layout.Null
			}
			values = append(values, fmt.Sprintf("'%v'", row[c.name]))
		}
		statements = append(statements, fmt.Sprintf("call hive.system.register_partition('default', '%s', array[%s], array[%s], 'local:///%s/%s')",
			tab.name, strings.Join(partitionedBy, ", "), strings.Join(values, ", "), root, p))
	}
	s.query(t, append([]string{"create schema if not exists hive.default"}, statements...)...)
}

func (s *trino) read(t *testing.T, tab *table) (rows []map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(s.query(t, "select * from hive.default."+tab.name)))
	d.UseNumber()
	for d.More() {
		row := map[string]any{}
		if err := d.Decode(&row); err != nil {
			t.Fatalf("Trino's row %d: %v", len(rows), err)
		}
		for _, c := range tab.all() {
			row[c.name] = fromTrino(row[c.name], c.kind)
		}
		rows = append(rows, row)
	}
	return rows
}

// trinoType is the type in Trino's DDL.
func trinoType(t schema.Type) string {
	switch t.Kind {
	case schema.String, schema.JSON:
		return "varchar"
	case schema.Int:
		return "integer"
	case schema.Float:
		return "real"
	case schema.Timestamp:
		return "timestamp(3)"
	case schema.Binary:
		return "varbinary"
	case schema.List:
		return "array(" + trinoType(*t.Elem) + ")"
	case schema.Map:
		return "map(varchar, " + trinoType(*t.Elem) + ")"
	case schema.Struct:
		f := make([]string, len(t.Fields))
		for i, x := range t.Fields {
			f[i] = `"` + x.Name + `" ` + trinoType(x.Type)
		}
		return "row(" + strings.Join(f, ", ") + ")"
	}
	return t.String()
}

// fromTrino brings an answer into the common shape: times come as text, structs as arrays.
func fromTrino(v any, t schema.Type) any {
	if v == nil {
		return nil
	}
	switch t.Kind {
	case schema.Timestamp:
		if s, ok := v.(string); ok {
			at, err := time.Parse("2006-01-02 15:04:05.000", s)
			if err != nil {
				return err
			}
			return number(at.UnixMilli())
		}
	case schema.List:
		if l, ok := v.([]any); ok {
			for i := range l {
				l[i] = fromTrino(l[i], *t.Elem)
			}
		}
	case schema.Map:
		if m, ok := v.(map[string]any); ok {
			for k := range m {
				m[k] = fromTrino(m[k], *t.Elem)
			}
		}
	case schema.Struct:
		if l, ok := v.([]any); ok && len(l) == len(t.Fields) {
			m := map[string]any{}
			for i, f := range t.Fields {
				m[f.Name] = fromTrino(l[i], f.Type)
			}
			return m
		}
	}
	return v
}
