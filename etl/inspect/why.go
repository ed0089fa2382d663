package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/commitlog"
	"datalake/pkg/jsontext"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// Bounds of what Why tells of one record.
const (
	maxFound  = 100
	maxInputs = 20
)

// Where says where a record went. A record that was never seen has neither Rows nor Quarantined.
type Where struct {
	RecordID string `json:"record_id"`
	// Rows with that record_id, at most one a source where it is the dedupe key.
	Rows []Row `json:"rows"`
	// Quarantined are records set aside whose text has the id. They are looked for only where there are no Rows.
	Quarantined []json.RawMessage `json:"quarantined,omitempty"`
	// Pending counts raw objects that no run has read yet.
	Pending int `json:"objects_pending"`
	// Unread counts raw objects that no run will read: they were skipped or adopted.
	Unread int `json:"objects_unread"`
}

// Row is one row of a table, and how it came there.
type Row struct {
	Table     string `json:"table"`
	Partition string `json:"partition"`
	File      string `json:"file"`
	// Row is its number in the file, from 0.
	Row int64 `json:"row"`
	// Run is the entry of the log that wrote the file; nil where it cannot be told.
	Run *Entry `json:"run,omitempty"`
	// Objects that the run read for this partition, the record's own among them: the first of them in order, and the
	// number of all. Of an entry that put rows of before into other files, or brought them back: that all entries before it read.
	Objects     []string `json:"objects,omitempty"`
	ObjectCount int      `json:"object_count"`
	// Values of the row, by column.
	Values Rows `json:"-"`
}

// Why looks for the record of that id; see the package's comment for what it can tell. Errors: a store's, those of the
// commit log.
func (l *Lake) Why(ctx context.Context, id string) (*Where, error) {
	out := &Where{RecordID: id, Rows: []Row{}}
	var parts []part
	for p, t := range l.state.Partitions {
		if p.Zone == layout.Processed {
			parts = append(parts, part{p, t})
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return a.Compare(b.Partition) })
	for _, p := range parts {
		for _, f := range p.Files {
			if err := l.find(ctx, p, f, id, out); err != nil {
				return nil, err
			}
		}
	}
	if len(out.Rows) > 0 {
		return out, nil
	}
	if err := l.findAside(ctx, id, out); err != nil {
		return nil, err
	}
	if len(out.Quarantined) == 0 {
		s, err := l.Status(ctx)
		if err != nil {
			return nil, err
		}
		out.Pending, out.Unread = s.Pending, s.Skipped+s.Adopted
	}
	return out, nil
}

// find looks for the id in one file.
func (l *Lake) find(ctx context.Context, p part, f commitlog.File, id string, out *Where) error {
	file, r, err := l.parquet(ctx, p, f)
	if err != nil {
		return err
	}
	defer r.Close()
	if may, err := file.MayContain(string(schema.RecordID), id); err != nil {
		return fmt.Errorf("read %s: %w", r.Info.Key, err)
	} else if !may {
		return nil
	}
	ids := arrow.NewSchema([]arrow.Field{{Name: string(schema.RecordID), Type: arrow.BinaryTypes.String}}, nil)
	var first int64
	for rec, err := range file.Records(ctx, ids, memory.DefaultAllocator) {
		if err != nil {
			return fmt.Errorf("read %s: %w", r.Info.Key, err)
		}
		col, ok := rec.Column(0).(*array.String)
		if !ok {
			return fmt.Errorf("read %s: record_id comes as %s", r.Info.Key, rec.Column(0).DataType())
		}
		var hits []int64
		for i := range col.Len() {
			if col.Value(i) == id {
				hits = append(hits, first+int64(i))
			}
		}
		first += rec.NumRows()
		for _, n := range hits {
			if len(out.Rows) == maxFound {
				return nil
			}
			row, err := l.row(ctx, p, f, n)
			if err != nil {
				return err
			}
			out.Rows = append(out.Rows, *row)
		}
	}
	return nil
}

// row tells of row n of a file.
func (l *Lake) row(ctx context.Context, p part, f commitlog.File, n int64) (*Row, error) {
	source := layout.SourceOf(p.Path)
	row := &Row{Table: TablePrefix + source, Partition: p.Path, File: l.zone(p.Zone).Location(p.Dir + f.Name), Row: n}
	if sc := l.state.Sources[source].Schema; sc != nil {
		row.Values = Rows{Table: row.Table, Columns: columns(sc.Columns)}
		if err := l.rows(ctx, p, f, sc.Arrow(), n, 1, &row.Values); err != nil {
			return nil, err
		}
	}
	seq := l.writer(p, f)
	if seq == 0 {
		return row, nil
	}
	run, body, err := l.read(ctx, seq)
	if err != nil {
		return nil, err
	}
	row.Run, run.Partitions = run, nil
	seen := map[string]bool{}
	from := func(b *commitlog.Body) {
		for _, in := range slices.Concat(b.Inputs, b.Replayed) {
			if slices.Contains(in.Partitions, p.Path) && !seen[in.Key] {
				seen[in.Key] = true
				row.Objects = append(row.Objects, in.Key)
			}
		}
	}
	switch run.Kind {
	case commitlog.Run, commitlog.Replay, commitlog.Backfill:
		from(body)
	default: // it put rows of before into other files, or brought them back
		for seq--; seq > 0; seq-- {
			_, b, err := l.read(ctx, seq)
			if err != nil {
				return nil, err
			}
			from(b)
		}
		slices.Sort(row.Objects)
	}
	row.ObjectCount = len(row.Objects)
	row.Objects = row.Objects[:min(len(row.Objects), maxInputs)]
	return row, nil
}

// RowAt tells of row n, from 0, of a file of a processed partition. Errors: a store's, those of the commit log, and that there is no such file.
func (l *Lake) RowAt(ctx context.Context, path, file string, n int64) (*Row, error) {
	for p, t := range l.state.Partitions {
		if p.Zone != layout.Processed || p.Path != path {
			continue
		}
		for _, f := range t.Files {
			if f.Name == file {
				return l.row(ctx, part{p, t}, f, n)
			}
		}
	}
	return nil, fmt.Errorf("read %s: partition %s has no such file", file, path)
}

// RecordID of the row; empty where its values are not known.
func (r *Row) RecordID() string {
	for i, c := range r.Values.Columns {
		if c.Name == string(schema.RecordID) && len(r.Values.Values) == 1 {
			var id string
			if json.Unmarshal(r.Values.Values[0][i], &id) == nil {
				return id
			}
		}
	}
	return ""
}

// findAside looks for the id in the text of the records that were set aside.
func (l *Lake) findAside(ctx context.Context, id string, out *Where) error {
	// It is escaped in the record's text, and so is that in the line.
	needle := escaped(escaped([]byte(id)))
	for _, p := range l.parts(Quarantine) {
		for line, err := range l.lines(ctx, p) {
			if err != nil {
				return err
			}
			if bytes.Contains(line, needle) {
				if len(out.Quarantined) == maxFound {
					return nil
				}
				out.Quarantined = append(out.Quarantined, bytes.Clone(line))
			}
		}
	}
	return nil
}

// escaped is s as it stands within a JSON string.
func escaped(s []byte) []byte {
	q := jsontext.AppendQuoted(nil, s)
	return q[1 : len(q)-1]
}
