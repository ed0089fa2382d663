package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/commitlog"
	"datalake/pkg/jsontext"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// Rows are rows of a table, as JSON values.
type Rows struct {
	Table   string
	Columns []Column
	// Values has one slice a row, with one JSON value a column.
	Values [][]json.RawMessage
}

// Head reads the first n rows of a table, the columns of its partitions behind those of its files: of its newest partition, then of the one before it, each in the order of its files. Error:
// ErrNoTable, a store's, or that a file is not what the log says.
func (l *Lake) Head(ctx context.Context, table string, n int) (*Rows, error) {
	table, err := l.Resolve(table)
	if err != nil {
		return nil, err
	}
	if table == Quarantine {
		return l.HeadRejects(ctx, Rejects{}, n)
	}
	parts := l.parts(table)
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(when(b.Path), when(a.Path)) })
	out := &Rows{Table: table}
	cs := l.common()
	if s := l.state.Sources[strings.TrimPrefix(table, TablePrefix)].Schema; s != nil {
		cs = s.Stored()
	}
	out.Columns = columns(cs)
	want := (&schema.Schema{Columns: cs}).Arrow()
	for _, p := range parts {
		values, err := layout.ParsePath(p.Path)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			if !slices.ContainsFunc(out.Columns, func(c Column) bool { return c.Name == v.Key }) {
				out.Columns = append(out.Columns, Column{v.Key, keyType(v.Key)})
			}
		}
	}
	for _, p := range parts {
		for _, f := range p.Files {
			if len(out.Values) >= n {
				return out, nil
			}
			if err := l.rows(ctx, p, f, want, 0, n-len(out.Values), out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// keyType is the type of a partition column.
func keyType(name string) string {
	switch name {
	case "year", "month", "day", "hour":
		return schema.Int.String()
	}
	return schema.String.String()
}

// keyValue is the value of a partition column in a partition; null where that has none.
func keyValue(values []layout.Value, c Column) json.RawMessage {
	for _, v := range values {
		if v.Key != c.Name || v.Value == "" {
			continue
		}
		if c.Type == schema.Int.String() {
			if n, err := strconv.Atoi(v.Value); err == nil {
				return strconv.AppendInt(nil, int64(n), 10)
			}
		}
		return jsontext.AppendQuoted(nil, []byte(v.Value))
	}
	return json.RawMessage("null")
}

// when is a partition's path without its source: it orders partitions of all sources by time.
func when(path string) string {
	_, rest, _ := strings.Cut(path, "/")
	return rest
}

// rows adds n rows of a file to out, or as many as there are, from row skip on.
func (l *Lake) rows(ctx context.Context, p part, f commitlog.File, want *arrow.Schema, skip int64, n int, out *Rows) error {
	file, r, err := l.parquet(ctx, p, f)
	if err != nil {
		return err
	}
	defer r.Close()
	values, err := layout.ParsePath(p.Path)
	if err != nil {
		return err
	}
	for rec, err := range file.Records(ctx, want, memory.DefaultAllocator) {
		if err != nil {
			return fmt.Errorf("read %s: %w", r.Info.Key, err)
		}
		for i := skip; i < rec.NumRows() && n > 0; i++ {
			row := make([]json.RawMessage, rec.NumCols())
			for c := range row {
				row[c] = batch.AppendJSON(nil, rec.Column(c), int(i))
			}
			for _, c := range out.Columns[len(row):] {
				row = append(row, keyValue(values, c))
			}
			out.Values = append(out.Values, row)
			n--
		}
		skip = max(0, skip-rec.NumRows())
		if n == 0 {
			return nil
		}
	}
	return nil
}
