package quarantine

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/layout"
)

// Part is what a run sets aside for one partition of the quarantine zone.
type Part struct {
	Path    string
	rejects []*kept
}

// Rows is the number of records in it.
func (p *Part) Rows() int { return len(p.rejects) }

// Parts gives what there is to write, by path. Call Settle before.
func (s *Store) Parts() ([]Part, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := map[string]*Part{}
	for i := range s.kept {
		k := &s.kept[i]
		path, err := partition(k)
		if err != nil {
			return nil, fmt.Errorf("quarantine a record of %s: %w", k.Object.Key, err)
		}
		p := parts[path]
		if p == nil {
			p = &Part{Path: path}
			parts[path] = p
		}
		p.rejects = append(p.rejects, k)
	}
	var out []Part
	for _, path := range slices.Sorted(maps.Keys(parts)) {
		out = append(out, *parts[path])
	}
	return out, nil
}

func partition(k *kept) (string, error) {
	day := time.UnixMilli(k.Object.Arrived).UTC()
	return layout.Path(
		layout.Value{Key: "source", Value: k.Source},
		layout.Value{Key: "year", Value: fmt.Sprintf("%04d", day.Year())},
		layout.Value{Key: "month", Value: fmt.Sprintf("%02d", int(day.Month()))},
		layout.Value{Key: "day", Value: fmt.Sprintf("%02d", day.Day())},
	)
}

// Write writes a part's file to w. The bytes depend on the rejects alone.
func (s *Store) Write(p Part, w io.Writer) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	var line []byte
	for _, k := range p.rejects {
		payload := k.Payload
		if k.extent.Length > 0 {
			payload = make([]byte, k.extent.Length)
			if err := s.file.Read(k.extent, payload); err != nil {
				return err
			}
		}
		line = appendLine(line[:0], &k.Reject, payload)
		if _, err := z.Write(line); err != nil {
			return fmt.Errorf("quarantine: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

func appendLine(dst []byte, r *batch.Reject, payload []byte) []byte {
	text := func(key, value string) {
		dst = append(append(append(dst, ',', '"'), key...), '"', ':')
		dst = jsontext.AppendQuoted(dst, []byte(value))
	}
	number := func(key string, n int64) {
		dst = append(append(append(dst, ',', '"'), key...), '"', ':')
		dst = strconv.AppendInt(dst, n, 10)
	}
	start := len(dst)
	text("source", r.Source)
	dst[start] = '{'
	text("object", r.Object.Key)
	number("offset", r.Offset)
	number("line", r.Line)
	text("arrived", time.UnixMilli(r.Object.Arrived).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	text("rule", r.Rule)
	text("reason", r.Reason)
	if utf8.Valid(payload) {
		dst = append(dst, `,"payload":`...)
		dst = jsontext.AppendQuoted(dst, payload)
	} else {
		text("payload_base64", base64.StdEncoding.EncodeToString(payload))
	}
	if r.Truncated {
		dst = append(dst, `,"truncated":true`...)
	}
	return append(dst, '}', '\n')
}
