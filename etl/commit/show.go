package commit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"datalake/pkg/catalog"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// DataTable is the table that spans all sources with the common columns. SourceTable names those of one source.
const DataTable = layout.Processed + "_data"

// SourceTable is the name of the table of a source.
func SourceTable(source string) string { return layout.Processed + "_" + source }

// QuarantineTable is the table of what was set aside.
const QuarantineTable = layout.Quarantine

// wanted is what a catalog should have of one table.
type wanted struct {
	catalog.Table
	partitions []catalog.Partition
	// held are partitions that stay as the catalog has them, by their joined values.
	held map[string]bool
}

var commonColumns = []catalog.Column{
	{Name: string(schema.RecordID), Type: "string"},
	{Name: string(schema.EventTime), Type: "timestamp"},
	{Name: string(schema.IngestedAt), Type: "timestamp"},
	{Name: string(schema.Quality), Type: "double"},
	{Name: string(schema.Rescued), Type: "string"},
}

var standardKeys = []string{"source", "year", "month", "day"}

// keyColumn is a partition key as a column: parts of a time are int, all else is text.
func keyColumn(name string) catalog.Column {
	switch name {
	case "year", "month", "day", "hour":
		return catalog.Column{Name: name, Type: "int"}
	}
	return catalog.Column{Name: name, Type: "string"}
}

func keyColumns(names []string) []catalog.Column {
	columns := make([]catalog.Column, len(names))
	for i, name := range names {
		columns[i] = keyColumn(name)
	}
	return columns
}

// tables gives what catalogs should show of a state, ordered by name. A partition in hold is left as the catalog has
// it.
func (l Lake) tables(s *commitlog.State, hold map[commitlog.Partition]error) ([]*wanted, error) {
	processed := l.Zones[layout.Processed]
	if processed.Store == nil {
		return nil, nil
	}
	tables := map[string]*wanted{DataTable: {Table: catalog.Table{
		Name: DataTable, Comment: "All sources, with the columns that all have", Columns: commonColumns,
		PartitionKeys: keyColumns(standardKeys), Location: processed.Location(processed.Prefix + "/"), Format: catalog.Parquet,
	}}}
	for name, src := range s.Sources {
		if src.Schema == nil {
			continue
		}
		path := string(layout.AppendSegment(nil, "source", name))
		tables[SourceTable(name)] = &wanted{Table: catalog.Table{
			Name: SourceTable(name), Columns: columns(src.Schema), Location: processed.Location(processed.FirstDir(path)), Format: catalog.Parquet,
		}}
	}
	if len(l.QuarantineColumns) > 0 {
		if z, ok := l.Zones[layout.Quarantine]; ok {
			tables[QuarantineTable] = &wanted{Table: catalog.Table{
				Name: QuarantineTable, Comment: "Records that were set aside", Columns: l.QuarantineColumns,
				PartitionKeys: keyColumns(standardKeys), Location: z.Location(z.Prefix + "/"), Format: catalog.NDJSON,
			}}
		}
	}
	partitions := slices.SortedFunc(maps.Keys(s.Partitions), commitlog.Partition.Compare)
	for _, pass := range []func(*wanted, commitlog.Partition, []layout.Value){
		func(t *wanted, _ commitlog.Partition, values []layout.Value) { t.addKeys(values) },
		func(t *wanted, p commitlog.Partition, values []layout.Value) {
			t.add(l.Zones[p.Zone], s.Partitions[p], values, hold[p] != nil)
		},
	} {
		for _, p := range partitions {
			values, err := layout.ParsePath(p.Path)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %w", commitlog.ErrChain, p, err)
			}
			names := []string{DataTable, SourceTable(layout.SourceOf(p.Path))}
			if p.Zone == layout.Quarantine {
				names = []string{QuarantineTable}
			}
			for _, name := range names {
				if t := tables[name]; t != nil {
					pass(t, p, values)
				}
			}
		}
	}
	for _, t := range tables {
		if t.PartitionKeys == nil {
			t.PartitionKeys = keyColumns(standardKeys)
		}
	}
	// A column that one source is partitioned by keeps its type in that source's table; in the table of all it is text.
	for name, src := range s.Sources {
		if t := tables[SourceTable(name)]; t != nil && src.Schema != nil {
			for i := range t.PartitionKeys {
				if k := &t.PartitionKeys[i]; src.Schema.Index(k.Name) >= 0 {
					k.Type = src.Schema.Columns[src.Schema.Index(k.Name)].Type.Hive()
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(tables), func(a, b *wanted) int { return strings.Compare(a.Name, b.Name) }), nil
}

// addKeys gives a table the keys of a partition that it does not have yet, at its end. A table of several sources, or
// of one that was partitioned anew, so has the keys of all its partitions; one that a partition lacks is null there.
func (t *wanted) addKeys(values []layout.Value) {
	for _, v := range values {
		if !slices.ContainsFunc(t.PartitionKeys, func(c catalog.Column) bool { return c.Name == v.Key }) {
			t.PartitionKeys = append(t.PartitionKeys, keyColumn(v.Key))
		}
	}
}

// add adds a partition to a table that has its keys.
func (t *wanted) add(z layout.Zone, c *commitlog.Content, values []layout.Value, hold bool) {
	texts := make([]string, len(t.PartitionKeys))
	for i, key := range t.PartitionKeys {
		for _, v := range values {
			if v.Key == key.Name {
				texts[i] = v.Value
			}
		}
	}
	if hold {
		if t.held == nil {
			t.held = map[string]bool{}
		}
		t.held[strings.Join(texts, "\x00")] = true
		return
	}
	files := make([]string, len(c.Files))
	for i, f := range c.Files {
		files[i] = f.Name
	}
	t.partitions = append(t.partitions, catalog.Partition{Values: texts, Location: z.Location(c.Dir), Files: files, Seq: c.Since})
}

func columns(s *schema.Schema) []catalog.Column {
	var columns []catalog.Column
	for _, c := range s.Stored() {
		column := catalog.Column{Name: c.Name, Type: c.Type.Hive()}
		if c.Path != nil {
			column.Comment = c.Path.String()
		}
		columns = append(columns, column)
	}
	return columns
}

// shown is what show did.
type shown struct {
	tables, partitions int
	refused            []catalog.Refusal
	// extra are partitions that the catalog has and the log has not.
	extra []Finding
}

// maxPasses bounds how often a catalog is written before what still differs is an error.
const maxPasses = 5

// show makes a catalog show the tables: tables first, then partitions that are new to it, then those that move. It
// reads back and goes on until nothing differs.
func show(ctx context.Context, c Catalog, claim *claim, tables []*wanted) (shown, error) {
	var total shown
	for range maxPasses {
		pass, err := showOnce(ctx, c, claim, tables)
		total.tables += pass.tables
		total.partitions += pass.partitions
		total.refused, total.extra = pass.refused, pass.extra
		if err != nil {
			return total, err
		}
		if pass.tables == 0 && pass.partitions == 0 {
			if err := claim.check(); err != nil {
				return total, err
			}
			if err := c.Finish(ctx); err != nil {
				return total, fmt.Errorf("finish catalog %s: %w", claim.catalog, err)
			}
			return total, nil
		}
	}
	return total, fmt.Errorf("catalog %s: what was written %d times does not stay", claim.catalog, maxPasses)
}

// showOnce compares and writes once. What it counts differed.
func showOnce(ctx context.Context, c Catalog, claim *claim, tables []*wanted) (shown, error) {
	var pass shown
	for _, t := range tables {
		changed, err := showTable(ctx, c, claim, t)
		if err != nil {
			return pass, err
		}
		if changed {
			pass.tables++
		}
	}
	for _, t := range tables {
		has, err := c.Partitions(ctx, t.Name)
		if err != nil {
			return pass, fmt.Errorf("list partitions of %s: %w", t.Name, err)
		}
		d := compare(t, has)
		pass.extra = append(pass.extra, d.extra...)
		for _, batch := range [][]catalog.Partition{d.created, d.moved} {
			if len(batch) == 0 {
				continue
			}
			if err := claim.check(); err != nil {
				return pass, err
			}
			refused, err := c.PutPartitions(ctx, t.Name, batch)
			if err != nil {
				return pass, fmt.Errorf("put partitions of %s: %w", t.Name, err)
			}
			pass.refused = append(pass.refused, refused...)
			pass.partitions += len(batch) - len(refused)
		}
	}
	return pass, nil
}

func showTable(ctx context.Context, c Catalog, claim *claim, t *wanted) (changed bool, err error) {
	has, err := c.Table(ctx, t.Name)
	if err != nil && !errors.Is(err, catalog.ErrNoTable) {
		return false, fmt.Errorf("read table %s: %w", t.Name, err)
	}
	want := t.Table
	want.Version = has.Version
	if err == nil && reflect.DeepEqual(has, want) {
		return false, nil
	}
	if err := claim.check(); err != nil {
		return false, err
	}
	if err := c.PutTable(ctx, want); err != nil && !errors.Is(err, catalog.ErrVersion) {
		return false, fmt.Errorf("put table %s: %w", t.Name, err)
	}
	return true, nil // also when it changed meanwhile: the next pass compares again
}

// differences between a table and what a catalog has of it.
type differences struct {
	created, moved []catalog.Partition
	extra          []Finding
}

func compare(t *wanted, has []catalog.Partition) differences {
	var d differences
	byValues := make(map[string]catalog.Partition, len(has))
	for _, p := range has {
		byValues[strings.Join(p.Values, "\x00")] = p
	}
	for _, p := range t.partitions {
		id := strings.Join(p.Values, "\x00")
		old, ok := byValues[id]
		delete(byValues, id)
		switch {
		case !ok:
			d.created = append(d.created, p)
		case old.Location != p.Location || old.Files != nil && !slices.Equal(old.Files, p.Files):
			d.moved = append(d.moved, p)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byValues)) {
		if t.held[id] {
			continue
		}
		p := byValues[id]
		d.extra = append(d.extra, Finding{Alarm, "catalog", t.Name, fmt.Sprintf("partition %q at %s is not in the log", p.Values, p.Location)})
	}
	return d
}
