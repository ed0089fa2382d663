package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// ErrNoTable: the lake has no table of that name. Wrapped with the names that there are.
var ErrNoTable = errors.New("no such table")

// The names of tables: one a source, one over all sources, and the records that were set aside.
const (
	TablePrefix = "processed_"
	DataTable   = "processed_data"
	Quarantine  = "quarantine"
)

// Zones are where the parts of a lake lie. All are needed.
type Zones struct {
	Raw, Processed, Quarantine, State layout.Zone
}

// Lake is a lake as it was when it was opened. Safe for concurrent use.
type Lake struct {
	zones Zones
	log   *commitlog.Log
	state *commitlog.State
}

// Open reads the state of a lake. A lake that no run has touched is empty, which is no error. Errors: those of
// commitlog.Log.Head, a store's.
func Open(ctx context.Context, zones Zones) (*Lake, error) {
	log, err := commitlog.Open(ctx, zones.State.Sub(layout.Processed))
	if err != nil {
		return nil, fmt.Errorf("open commit log: %w", err)
	}
	state, err := log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("read commit log: %w", err)
	}
	return &Lake{zones: zones, log: log, state: state}, nil
}

// Seq is the number of the newest entry of the log; 0 where no run has decided anything yet.
func (l *Lake) Seq() uint64 { return l.state.Seq }

// Table says how large a table is.
type Table struct {
	Name string `json:"table"`
	// Source of the table's rows; empty where they come from all.
	Source     string `json:"source,omitempty"`
	Rows       int64  `json:"rows"`
	Partitions int    `json:"partitions"`
	Files      int    `json:"files"`
	Bytes      int64  `json:"bytes"`
	// Columns as they stand in the files, with their types' text; those of partitions are not among them.
	Columns []Column `json:"columns,omitempty"`
}

// Column is a table's column.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Tables lists the tables by name, the one over all sources and the quarantine last. Partitions without files count as none.
func (l *Lake) Tables() []Table {
	bySource := map[string]*Table{}
	all, set := Table{Name: DataTable}, Table{Name: Quarantine}
	for source, s := range l.state.Sources {
		if s.Schema != nil {
			bySource[source] = &Table{Name: TablePrefix + source, Source: source, Columns: columns(s.Schema.Stored())}
		}
	}
	for p, t := range l.state.Partitions {
		if len(t.Files) == 0 {
			continue
		}
		switch p.Zone {
		case layout.Processed:
			source := layout.SourceOf(p.Path)
			if bySource[source] == nil {
				bySource[source] = &Table{Name: TablePrefix + source, Source: source}
			}
			bySource[source].count(t)
			all.count(t)
		case layout.Quarantine:
			set.count(t)
		}
	}
	var tables []Table
	for _, t := range bySource {
		tables = append(tables, *t)
	}
	slices.SortFunc(tables, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	if all.Files > 0 {
		all.Columns = columns(l.common())
		tables = append(tables, all)
	}
	if set.Files > 0 {
		tables = append(tables, set)
	}
	return tables
}

func (t *Table) count(part *commitlog.Content) {
	t.Rows += part.Rows()
	t.Partitions++
	t.Files += len(part.Files)
	for i := range part.Files {
		t.Bytes += part.Files[i].Size
	}
}

func columns(cs []schema.Column) []Column {
	out := make([]Column, len(cs))
	for i, c := range cs {
		out[i] = Column{c.Name, c.Type.String()}
	}
	return out
}

// common are the columns that every source's table has.
func (l *Lake) common() []schema.Column {
	var cs []schema.Column
	for _, s := range l.state.Sources {
		if s.Schema == nil {
			continue
		}
		for _, r := range []schema.Role{schema.RecordID, schema.EventTime, schema.IngestedAt, schema.Quality, schema.Rescued} {
			if i := s.Schema.ByRole(r); i >= 0 {
				cs = append(cs, s.Schema.Columns[i])
			}
		}
		break
	}
	return cs
}

// part is one partition of a table, with its files.
type part struct {
	commitlog.Partition
	*commitlog.Content
}

// Resolve gives the full name of a table: a source's name stands for its table, and data for processed_data. A source that
// is called data has processed_data for itself; one that is called quarantine goes by its full name. Error: ErrNoTable.
func (l *Lake) Resolve(table string) (string, error) {
	if table == Quarantine {
		return Quarantine, nil
	}
	for _, source := range []string{strings.TrimPrefix(table, TablePrefix), table} {
		if l.state.Sources[source].Schema != nil {
			return TablePrefix + source, nil
		}
	}
	if table == DataTable || table == strings.TrimPrefix(DataTable, TablePrefix) {
		return DataTable, nil
	}
	return "", l.noTable(table)
}

// parts are the partitions of a table that have files, in the order of their paths. The name is one that Resolve gave.
func (l *Lake) parts(table string) []part {
	zone, source := layout.Processed, ""
	switch {
	case table == Quarantine:
		zone = layout.Quarantine
	case table == DataTable && l.state.Sources["data"].Schema == nil:
	default:
		source = strings.TrimPrefix(table, TablePrefix)
	}
	var parts []part
	for p, t := range l.state.Partitions {
		if p.Zone == zone && len(t.Files) > 0 && (source == "" || layout.SourceOf(p.Path) == source) {
			parts = append(parts, part{p, t})
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return a.Compare(b.Partition) })
	return parts
}

func (l *Lake) noTable(table string) error {
	var names []string
	for _, t := range l.Tables() {
		names = append(names, t.Name)
	}
	if names == nil {
		return fmt.Errorf("%w: %s; nothing has been run yet", ErrNoTable, table)
	}
	return fmt.Errorf("%w: %s; there are %s", ErrNoTable, table, strings.Join(names, ", "))
}

// zone is where the files of a zone lie.
func (l *Lake) zone(name string) layout.Zone {
	if name == layout.Quarantine {
		return l.zones.Quarantine
	}
	return l.zones.Processed
}
