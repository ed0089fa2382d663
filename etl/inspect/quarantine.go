package inspect

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/klauspost/compress/zstd"
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
			more, err := fileLines(io.NewSectionReader(r, 0, r.Info.Size), yield)
			if err := errors.Join(err, r.Close()); err != nil {
				if more {
					yield(nil, fmt.Errorf("read %s: %w", r.Info.Key, err))
				}
				return
			}
			if !more {
				return
			}
		}
	}
}

// fileLines yields the lines of one file. It is false where yield was: then nothing more is wanted.
func fileLines(r io.Reader, yield func([]byte, error) bool) (more bool, err error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return true, err
	}
	defer z.Close()
	lines := bufio.NewReaderSize(z, 64<<10)
	var long []byte
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, line...)
			continue
		}
		if err != nil && err != io.EOF {
			return true, err
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		if line := bytes.TrimSpace(line); len(line) > 0 && !yield(line, nil) {
			return false, nil
		}
		long = long[:0]
		if err == io.EOF {
			return true, nil
		}
	}
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
