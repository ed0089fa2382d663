package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"

	"datalake/pkg/ndjson"
	"datalake/pkg/storage"
)

// lines yields the lines of a partition's quarantine files, each one JSON object without its newline. A line is valid
// until the next.
func (l *Lake) lines(ctx context.Context, p part) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, f := range p.Files {
			r, err := l.open(ctx, p, f)
			if err != nil {
				yield(nil, err)
				return
			}
			if !fileLines(r, yield) {
				return
			}
		}
	}
}

// fileLines yields the lines of a file and closes it. It is false where nothing more is wanted.
func fileLines(r *storage.Reader, yield func([]byte, error) bool) (more bool) {
	more = true
	for line, err := range ndjson.Lines(io.NewSectionReader(r, 0, r.Info.Size)) {
		if err != nil {
			err = fmt.Errorf("read %s: %w", r.Info.Key, err)
		}
		if more = yield(line, err) && err == nil; !more {
			break
		}
	}
	if err := r.Close(); err != nil && more {
		yield(nil, fmt.Errorf("close %s: %w", r.Info.Key, err))
		return false
	}
	return more
}

// addObject adds a row from a JSON object, and columns for the keys that are new. Rows are as long as there are columns.
func (r *Rows) addObject(line []byte) error {
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("line is no object: %.80s", line)
	}
	row := make([]json.RawMessage, len(r.Columns))
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return err
		}
		i := slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == key })
		if i < 0 {
			i = len(r.Columns)
			r.Columns = append(r.Columns, Column{Name: key.(string), Type: "json"})
			for k := range r.Values {
				r.Values[k] = append(r.Values[k], json.RawMessage("null"))
			}
			row = append(row, nil)
		}
		row[i] = v
	}
	for i := range row {
		if row[i] == nil {
			row[i] = json.RawMessage("null")
		}
	}
	r.Values = append(r.Values, row)
	return nil
}
