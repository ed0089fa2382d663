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
// Columns are chosen by a pattern, not one by one, so that a column which no file has yet is no error. Paths of files
// are patterns to DuckDB; what would be a wildcard in them stands in brackets.
func views(files []file) []byte {
	var b bytes.Buffer
	b.WriteString("-- Views of the tables for DuckDB, naming the files that are current. Made by the engine; changes are lost.\n")
	for _, f := range files {
		view(&b, f)
	}
	return b.Bytes()
}

func view(b *bytes.Buffer, f file) {
	b.WriteString("\n")
	groups := groupByKeys(f)
	if len(groups) == 0 {
		fmt.Fprintf(b, "DROP VIEW IF EXISTS %s;\n", ident(f.Name))
		return
	}
	names := make([]string, 0, len(f.Columns)+len(f.PartitionKeys))
	for _, c := range slices.Concat(f.Columns, f.PartitionKeys) {
		names = append(names, c.Name)
	}
	fmt.Fprintf(b, "CREATE OR REPLACE VIEW %s AS\n", ident(f.Name))
	for i, g := range groups {
		if i > 0 {
			b.WriteString("\nUNION ALL BY NAME\n")
		}
		fmt.Fprintf(b, "SELECT COLUMNS(%s)\nFROM ", quote("^("+strings.Join(names, "|")+")$"))
		g.read(b, f)
	}
	b.WriteString(";\n")
}

// group is files whose paths have the same partition keys: DuckDB reads no others at once.
type group struct {
	keys  []catalog.Column
	paths []string
}

// groupByKeys gives the files of a table by the keys that their locations have.
func groupByKeys(f file) []*group {
	var groups []*group
	for _, p := range f.Partitions {
		if len(p.Files) == 0 {
			continue
		}
		dir := path(p.Location)
		keys := slices.DeleteFunc(slices.Clone(f.PartitionKeys), func(c catalog.Column) bool {
			return !strings.Contains(dir, "/"+c.Name+"=")
		})
		i := slices.IndexFunc(groups, func(g *group) bool { return slices.Equal(g.keys, keys) })
		if i < 0 {
			i, groups = len(groups), append(groups, &group{keys: keys})
		}
		for _, name := range p.Files {
			groups[i].paths = append(groups[i].paths, dir+name)
		}
	}
	return groups
}

// read writes the call that reads the files of a group.
func (g *group) read(b *bytes.Buffer, f file) {
	reader, options := "read_parquet", "union_by_name = true"
	if f.Format == catalog.NDJSON {
		reader, options = "read_json", "format = 'newline_delimited', columns = {"+types(f.Columns)+"}"
	}
	fmt.Fprintf(b, "%s([\n", reader)
	for i, p := range g.paths {
		comma := ","
		if i == len(g.paths)-1 {
			comma = ""
		}
		fmt.Fprintf(b, "  %s%s\n", quote(glob.Replace(p)), comma)
	}
	fmt.Fprintf(b, "], hive_partitioning = true, hive_types = {%s}, %s)", types(g.keys), options)
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
