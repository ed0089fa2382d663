package local

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"datalake/pkg/catalog"
)

// ViewsName is the name of the file of views.
const ViewsName = "views.sql"

// views gives the SQL text by which DuckDB reads the tables.
//
// Columns are chosen by a pattern, not one by one, so that a column which no file has yet is no error. Paths of files are
// patterns to DuckDB; what would be a wildcard in them stands in brackets.
func views(files []file) []byte {
	var b bytes.Buffer
	b.WriteString("-- Views of the tables for DuckDB, naming the files that are current. Made by the engine; changes are lost.\n")
	for _, f := range files {
		view(&b, f)
	}
	return b.Bytes()
}

func view(b *bytes.Buffer, f file) {
	fmt.Fprintf(b, "\n")
	n := 0
	for _, p := range f.Partitions {
		n += len(p.Files)
	}
	if n == 0 {
		fmt.Fprintf(b, "DROP VIEW IF EXISTS %s;\n", ident(f.Name))
		return
	}
	names := make([]string, 0, len(f.Columns)+len(f.PartitionKeys))
	for _, c := range slices.Concat(f.Columns, f.PartitionKeys) {
		names = append(names, c.Name)
	}
	fmt.Fprintf(b, "CREATE OR REPLACE VIEW %s AS\nSELECT COLUMNS(%s)\nFROM ", ident(f.Name), quote("^("+strings.Join(names, "|")+")$"))
	reader := "read_parquet"
	if f.Format == catalog.NDJSON {
		reader = "read_json"
	}
	fmt.Fprintf(b, "%s([\n", reader)
	for _, p := range f.Partitions {
		dir := path(p.Location)
		for _, name := range p.Files {
			n--
			comma := ","
			if n == 0 {
				comma = ""
			}
			fmt.Fprintf(b, "  %s%s\n", quote(glob.Replace(dir+name)), comma)
		}
	}
	fmt.Fprintf(b, "], hive_partitioning = true, hive_types = {%s}", types(f.PartitionKeys))
	if f.Format == catalog.NDJSON {
		fmt.Fprintf(b, ", format = 'newline_delimited', columns = {%s}", types(f.Columns))
	} else {
		fmt.Fprintf(b, ", union_by_name = true")
	}
	b.WriteString(");\n")
}

// types writes the columns with their types as a struct of DuckDB.
func types(columns []catalog.Column) string {
	t := make([]string, len(columns))
	for i, c := range columns {
		t[i] = quote(c.Name) + ": " + duckType(c.Type)
	}
	return strings.Join(t, ", ")
}

// duckType is DuckDB's name of a scalar type of Hive.
func duckType(hive string) string {
	switch hive {
	case "string":
		return "VARCHAR"
	case "int":
		return "INTEGER"
	case "timestamp":
		return "TIMESTAMPTZ"
	case "binary":
		return "BLOB"
	}
	return strings.ToUpper(hive)
}

// path is the location as DuckDB reads it: files by their path.
func path(location string) string { return strings.TrimPrefix(location, "file://") }

var glob = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]")

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quote writes a string of SQL. Only quotes are special in it.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
