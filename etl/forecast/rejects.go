package forecast

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// Reject is a record that would go to quarantine, as its files have it.
type Reject struct {
	Source string `json:"source"`
	Object string `json:"object"`
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	// Payload is the record's text. Where that is no UTF-8 it is empty, and PayloadBase64 has it.
	Payload       string `json:"payload,omitempty"`
	PayloadBase64 string `json:"payload_base64,omitempty"`
	Truncated     bool   `json:"truncated,omitempty"`
}

// Text is the payload, with U+FFFD for what is no UTF-8.
func (r Reject) Text() string {
	if r.PayloadBase64 == "" {
		return r.Payload
	}
	b, err := base64.StdEncoding.DecodeString(r.PayloadBase64)
	if err != nil {
		return r.PayloadBase64
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// Rejects gives up to n rejects of each source and rule, in the order of their origins.
func (t *Trial) Rejects(ctx context.Context, n int) (out []Reject, err error) {
	seen := map[[2]string]int{}
	for p := range t.added(layout.Quarantine) {
		err := eachReject(ctx, t.Zones.Quarantine.Store, p.key, func(line []byte) error {
			var head struct{ Source, Rule string }
			if err := json.Unmarshal(line, &head); err != nil {
				return err
			}
			at := [2]string{head.Source, head.Rule}
			if seen[at]++; seen[at] > n {
				return nil
			}
			var r Reject
			if err := json.Unmarshal(line, &r); err != nil {
				return err
			}
			out = append(out, r)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read quarantine %s: %w", p.key, err)
		}
	}
	return out, nil
}

// eachReject calls use with each line of a quarantine file.
func eachReject(ctx context.Context, store storage.Store, key string, use func(line []byte) error) (err error) {
	r, _, err := store.Get(ctx, key, storage.GetOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	lines := bufio.NewReaderSize(z, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := use(line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
