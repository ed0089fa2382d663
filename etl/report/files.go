package report

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"

	"datalake/etl/report/profile"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/storage"
)

// maxFiles is how many files of a source are looked into; of more, every second, third … is.
const maxFiles = 2000

// profiles reads the files that the entry wrote.
func (g *gatherer) profiles(ctx context.Context, r *Report) error {
	var all int64
	for i := range r.Sources {
		all += r.Sources[i].RowsWritten
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		if s.RowsWritten == 0 {
			continue
		}
		share := g.o.Rows
		if all > share {
			share = max(1, int64(float64(share)*float64(s.RowsWritten)/float64(all)))
		}
		missing, err := g.profile(ctx, s, share)
		if err != nil {
			return err
		}
		r.Missing += missing
	}
	return nil
}

// profile looks at about limit rows of a source's files, the first of each.
func (g *gatherer) profile(ctx context.Context, s *Source, limit int64) (missing int, err error) {
	sc := g.state.Sources[s.Name].Schema
	if sc == nil {
		return 0, nil
	}
	stored := sc.Stored()
	fields := make([]arrow.Field, len(stored))
	columns := make([]*profile.Column, len(stored))
	for i, c := range stored {
		t := c.Type.Arrow()
		if t.ID() == arrow.STRING {
			t = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: t}
		}
		fields[i], columns[i] = arrow.Field{Name: c.Name, Type: t, Nullable: true}, profile.New(t)
	}
	want := arrow.NewSchema(fields, nil)
	files := g.filesOf(s.Name)
	for every := (len(files) + maxFiles - 1) / maxFiles; every > 1; every = 0 {
		kept := files[:0]
		for i := 0; i < len(files); i += every {
			kept = append(kept, files[i])
		}
		files = kept
	}
	var rows int64
	for _, f := range files {
		rows += f.Rows
	}
	for _, f := range files {
		n := f.Rows
		if rows > limit {
			n = (n*limit + rows - 1) / rows
		}
		read, err := g.lookInto(ctx, f, want, n, columns)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			missing++
		case err != nil:
			return missing, err
		}
		s.RowsRead += read
	}
	if s.RowsRead == 0 {
		return missing, nil
	}
	for i, c := range stored {
		summary := columns[i].Summary()
		if g.o.NoValues {
			summary.Min, summary.Max, summary.Top, summary.Histogram = "", "", nil, nil
		}
		s.Columns = append(s.Columns, Column{Name: c.Name, Type: c.Type.String(), Path: pathOf(c), Summary: summary})
	}
	return missing, nil
}

// written is a file of the entry, with the directory that it was published to.
type written struct {
	commitlog.File
	dir string
}

func (g *gatherer) filesOf(source string) []written {
	var out []written
	for _, a := range g.body.Acts {
		if a.Zone != layout.Processed || layout.SourceOf(a.Path) != source {
			continue
		}
		for _, f := range a.Files {
			if g.wrote(g.lake.Processed, f) {
				out = append(out, written{f, a.Dir})
			}
		}
	}
	return out
}

// open finds a file where it was published, or else where it was put aside.
func open(ctx context.Context, s storage.Store, f written) (*storage.Reader, error) {
	r, err := storage.OpenReader(ctx, s, f.dir+f.Name)
	if errors.Is(err, storage.ErrNotFound) {
		r, err = storage.OpenReader(ctx, s, f.Key)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.dir+f.Name, err)
	}
	return r, nil
}

// lookInto profiles the first n rows of a file.
func (g *gatherer) lookInto(ctx context.Context, f written, want *arrow.Schema, n int64, columns []*profile.Column) (read int64, err error) {
	r, err := open(ctx, g.lake.Processed.Store, f)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	file, err := parquetfile.Open(r, r.Info.Size)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", r.Info.Key, err)
	}
	for rec, err := range file.Records(ctx, want, memory.DefaultAllocator) {
		if err != nil {
			return read, fmt.Errorf("read %s: %w", r.Info.Key, err)
		}
		take := min(rec.NumRows(), n-read)
		for i, c := range columns {
			c.Add(rec.Column(i), int(take))
		}
		if read += take; read >= n {
			break
		}
	}
	return read, nil
}

// How many records of a rule are shown, how long their text may be, and how many are looked at for that.
const (
	maxRejects = 3
	maxPayload = 300
	maxLooked  = 200_000
)

// rejects reads samples of what the entry set aside: the first records of each rule.
func (g *gatherer) rejects(ctx context.Context, r *Report) error {
	for i := range r.Sources {
		s := &r.Sources[i]
		if s.Totals.Quarantined == 0 {
			continue
		}
		left := map[string]int64{}
		var records int64
		for _, c := range s.Rules {
			left[c.Name] = min(c.Count, maxRejects)
			records += left[c.Name]
		}
		looked := 0
		for _, a := range g.body.Acts {
			if a.Zone != layout.Quarantine || layout.SourceOf(a.Path) != s.Name {
				continue
			}
			for _, f := range a.Files {
				if records == 0 || looked >= maxLooked || !g.wrote(g.lake.Quarantine, f) {
					continue
				}
				err := g.lines(ctx, written{f, a.Dir}, func(line []byte) (bool, error) {
					looked++
					var q quarantined
					if err := json.Unmarshal(line, &q); err != nil {
						return false, err
					}
					if left[q.Rule] > 0 {
						left[q.Rule]--
						records--
						s.Rejects = append(s.Rejects, q.reject())
					}
					return records > 0 && looked < maxLooked, nil
				})
				if errors.Is(err, storage.ErrNotFound) {
					r.Missing++
					err = nil
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// quarantined is a line of a quarantine file, see docs/engine.md.
type quarantined struct {
	Object, Rule, Reason, Payload string
	Line, Offset                  int64
	Truncated                     bool
}

func (q *quarantined) reject() Reject {
	r := Reject{Rule: q.Rule, Reason: q.Reason, Object: q.Object, Line: q.Line, Offset: q.Offset, Payload: q.Payload, Cut: q.Truncated}
	r.Reason, _ = shorten(r.Reason)
	var cut bool
	r.Payload, cut = shorten(r.Payload)
	r.Cut = r.Cut || cut
	return r
}

// shorten cuts a text at maxPayload characters.
func shorten(s string) (string, bool) {
	if utf8.RuneCountInString(s) <= maxPayload {
		return s, false
	}
	return string([]rune(s[:min(len(s), 4*maxPayload)])[:maxPayload]), true
}

// lines calls visit with each line of a quarantine file, until it wants no more.
func (g *gatherer) lines(ctx context.Context, f written, visit func([]byte) (more bool, err error)) (err error) {
	r, err := open(ctx, g.lake.Quarantine.Store, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	z, err := zstd.NewReader(io.NewSectionReader(r, 0, r.Info.Size), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("read %s: %w", r.Info.Key, err)
	}
	defer z.Close()
	for in := bufio.NewReader(z); ; {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", r.Info.Key, err)
		}
		if strings.TrimSpace(string(line)) != "" {
			if more, err := visit(line); err != nil || !more {
				if err != nil {
					err = fmt.Errorf("read %s: %w", r.Info.Key, err)
				}
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}
