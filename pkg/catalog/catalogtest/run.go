// Package catalogtest is the suite that every catalog is held to.
package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"datalake/pkg/catalog"
)

// Catalog is what the suite tests: what publishing needs of a catalog.
type Catalog interface {
	Table(ctx context.Context, name string) (catalog.Table, error)
	PutTable(ctx context.Context, t catalog.Table) error
	Partitions(ctx context.Context, table string) ([]catalog.Partition, error)
	PutPartitions(ctx context.Context, table string, ps []catalog.Partition) ([]catalog.Refusal, error)
	Finish(ctx context.Context) error
}

// Run holds a catalog to the suite. It calls open for each of its tests; each time open gives an empty catalog.
func Run(t *testing.T, open func(t *testing.T) Catalog) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Catalog)
	}{
		{"Missing", testMissing},
		{"Tables", testTables},
		{"Versions", testVersions},
		{"Partitions", testPartitions},
		{"Refusals", testRefusals},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// Table is a table for tests, with two partition keys.
func Table(name string) catalog.Table {
	return catalog.Table{
		Name: name, Comment: "a comment", Format: catalog.Parquet, Location: "s3://bucket/" + name + "/",
		Columns:       []catalog.Column{{Name: "id", Type: "string"}, {Name: "price", Type: "decimal(10,2)", Comment: "data.price"}},
		PartitionKeys: []catalog.Column{{Name: "source", Type: "string"}, {Name: "year", Type: "int"}},
	}
}

func testMissing(t *testing.T, c Catalog) {
	ctx := t.Context()
	if _, err := c.Table(ctx, "x"); !errors.Is(err, catalog.ErrNoTable) {
		t.Errorf("Table: %v", err)
	}
	if _, err := c.Partitions(ctx, "x"); !errors.Is(err, catalog.ErrNoTable) {
		t.Errorf("Partitions: %v", err)
	}
	if _, err := c.PutPartitions(ctx, "x", []catalog.Partition{{Values: []string{"a"}}}); !errors.Is(err, catalog.ErrNoTable) {
		t.Errorf("PutPartitions: %v", err)
	}
	if err := c.Finish(ctx); err != nil {
		t.Errorf("Finish: %v", err)
	}
}

func equal(a, b catalog.Table) bool {
	return a.Name == b.Name && a.Comment == b.Comment && a.Location == b.Location && a.Format == b.Format &&
		slices.Equal(a.Columns, b.Columns) && slices.Equal(a.PartitionKeys, b.PartitionKeys)
}

func testTables(t *testing.T, c Catalog) {
	ctx := t.Context()
	for _, name := range []string{"b", "a_1"} {
		if err := c.PutTable(ctx, Table(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a_1", "b"} {
		got, err := c.Table(ctx, name)
		if err != nil || !equal(got, Table(name)) || got.Version == "" {
			t.Errorf("got %+v, %v", got, err)
		}
		if ps, err := c.Partitions(ctx, name); len(ps) != 0 || err != nil {
			t.Errorf("partitions of a new table: %v, %v", ps, err)
		}
	}
}

func testVersions(t *testing.T, c Catalog) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.PutTable(ctx, Table("x")))
	if err := c.PutTable(ctx, Table("x")); !errors.Is(err, catalog.ErrVersion) {
		t.Errorf("create what exists: %v", err)
	}
	_, err := c.PutPartitions(ctx, "x", []catalog.Partition{{Values: []string{"a", "1"}, Location: "s3://bucket/x/"}})
	must(err)
	first, err := c.Table(ctx, "x")
	must(err)
	wider := first
	wider.Columns = append(slices.Clone(first.Columns), catalog.Column{Name: "new", Type: "bigint"})
	must(c.PutTable(ctx, wider))
	if err := c.PutTable(ctx, first); !errors.Is(err, catalog.ErrVersion) {
		t.Errorf("replace what is no longer there: %v", err)
	}
	got, err := c.Table(ctx, "x")
	must(err)
	if !equal(got, wider) || got.Version == first.Version {
		t.Errorf("got %+v", got)
	}
	if ps, err := c.Partitions(ctx, "x"); len(ps) != 1 || err != nil {
		t.Errorf("the partitions did not stay: %v, %v", ps, err)
	}
	missing := Table("y")
	missing.Version = first.Version
	if err := c.PutTable(ctx, missing); !errors.Is(err, catalog.ErrVersion) {
		t.Errorf("replace what is not there: %v", err)
	}
}

func testPartitions(t *testing.T, c Catalog) {
	ctx := t.Context()
	if err := c.PutTable(ctx, Table("x")); err != nil {
		t.Fatal(err)
	}
	put := func(ps ...catalog.Partition) {
		t.Helper()
		if refused, err := c.PutPartitions(ctx, "x", ps); len(refused) != 0 || err != nil {
			t.Fatalf("refused %v, %v", refused, err)
		}
	}
	want := map[string]string{}
	var many []catalog.Partition
	for i := range 250 { // more than services take in one request
		p := catalog.Partition{Values: []string{fmt.Sprintf("source %d/é", i), "2025"}, Location: fmt.Sprintf("s3://bucket/x/%d/", i), Files: []string{"f"}}
		many = append(many, p)
		want[p.Values[0]] = p.Location
	}
	put(many...)
	moved := many[7]
	moved.Location = "s3://bucket/x@/7/"
	null := catalog.Partition{Values: []string{"", "2025"}, Location: "s3://bucket/x/null/"}
	put(moved, null)
	want[moved.Values[0]], want[""] = moved.Location, null.Location
	put(moved)
	got, err := c.Partitions(ctx, "x")
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d partitions, %v, want %d", len(got), err, len(want))
	}
	for _, p := range got {
		if len(p.Values) != 2 || p.Values[1] != "2025" || want[p.Values[0]] != p.Location {
			t.Errorf("got %+v", p)
		}
	}
}

func testRefusals(t *testing.T, c Catalog) {
	ctx := t.Context()
	if err := c.PutTable(ctx, Table("x")); err != nil {
		t.Fatal(err)
	}
	refused, err := c.PutPartitions(ctx, "x", []catalog.Partition{
		{Values: []string{"a", "1"}, Location: "s3://bucket/x/a/"},
		{Values: []string{"b"}, Location: "s3://bucket/x/b/"},
		{Values: []string{"c", "1"}, Location: "s3://bucket/x/c/"},
	})
	if err != nil || len(refused) != 1 || !slices.Equal(refused[0].Values, []string{"b"}) || refused[0].Error() == "" {
		t.Errorf("refused %v, %v", refused, err)
	}
	if ps, err := c.Partitions(ctx, "x"); len(ps) != 2 || err != nil {
		t.Errorf("got %v, %v", ps, err)
	}
}
