package quarantine

import (
	"encoding/base64"
	"errors"
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
)

// Part is what a run sets aside for one partition of the quarantine zone.
type Part struct {
	Path string
	rows int
	runs []run
}

// Rows is the number of records in it.
func (p *Part) Rows() int { return p.rows }

// Parts gives what there is to write, by path. Call Settle before.
func (s *Store) Parts() []Part {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Part
	for _, path := range slices.Sorted(maps.Keys(s.parts)) {
		out = append(out, *s.parts[path])
	}
	return out
}

// Write writes a part's file to w. The bytes depend on the rejects alone.
func (s *Store) Write(p Part, w io.Writer) error {
	z, err := newWriter(w)
	if err != nil {
		return err
	}
	var line []byte
	err = s.each(p, func(r *batch.Reject) error {
		line = appendLine(line[:0], r, r.Payload)
		_, err := z.Write(line)
		return err
	})
	if err != nil {
		return fmt.Errorf("quarantine: %w", errors.Join(err, z.Close()))
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// newWriter compresses to w; equal text gives equal bytes.
func newWriter(w io.Writer) (*zstd.Encoder, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, fmt.Errorf("quarantine: %w", err)
	}
	return z, nil
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
	if r.Object.ETag != "" {
		text("etag", r.Object.ETag)
	}
	number("offset", r.Offset)
	if r.Length > 0 {
		number("length", r.Length)
	}
	number("line", r.Line)
	text("arrived", time.UnixMilli(r.Object.Arrived).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	text("rule", r.Rule)
	text("reason", r.Reason)
	if r.Withheld {
		dst = append(dst, `,"payload_withheld":true`...)
	} else if utf8.Valid(payload) {
		dst = append(dst, `,"payload":`...)
		dst = jsontext.AppendQuoted(dst, payload)
	} else {
		text("payload_base64", base64.StdEncoding.EncodeToString(payload))
	}
	if r.Masked {
		dst = append(dst, `,"payload_masked":true`...)
	}
	if r.Truncated {
		dst = append(dst, `,"truncated":true`...)
	}
	return append(dst, '}', '\n')
}
