package quarantine_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"datalake/etl/quarantine"
	"datalake/pkg/batch"
	"datalake/pkg/spill"
)

func reject(o *batch.Object, offset int64, source, payload string) batch.Reject {
	return batch.Reject{
		Origin: batch.Origin{Object: o, Offset: offset}, Source: source, Line: offset, Rule: "json", Reason: `a "reason"`, Payload: []byte(payload),
	}
}

// Lines of a file are in the order of their origins, whatever the order of Add and wherever the payloads waited.
func TestStore(t *testing.T) {
	a := &batch.Object{Index: 0, Key: "raw/s/a.json", ETag: "v1", Arrived: 1_764_000_000_123}
	b := &batch.Object{Index: 1, Key: "raw/s/b.json", Arrived: 1_764_100_000_000}
	want := map[string]string{
		"source=s/year=2025/month=11/day=24": `{"source":"s","object":"raw/s/a.json","etag":"v1","offset":3,"length":5,"line":3,"arrived":"2025-11-24T16:00:00.123Z","rule":"json","reason":"a \"reason\"","payload":"{\"x\":\n"}
{"source":"s","object":"raw/s/a.json","etag":"v1","offset":10,"line":110,"arrived":"2025-11-24T16:00:00.123Z","rule":"json","reason":"a \"reason\"","payload_base64":"/w=="}
{"source":"s","object":"raw/s/a.json","etag":"v1","offset":12,"line":12,"arrived":"2025-11-24T16:00:00.123Z","rule":"json","reason":"a \"reason\"","payload_withheld":true}
{"source":"s","object":"raw/s/a.json","etag":"v1","offset":14,"line":14,"arrived":"2025-11-24T16:00:00.123Z","rule":"json","reason":"a \"reason\"","payload":"***","payload_masked":true}
`,
		"source=s/year=2025/month=11/day=25": `{"source":"s","object":"raw/s/b.json","offset":0,"line":0,"arrived":"2025-11-25T19:46:40.000Z","rule":"json","reason":"a \"reason\"","payload":"","truncated":true}
`,
		"source=other/year=2025/month=11/day=24": `{"source":"other","object":"raw/s/a.json","etag":"v1","offset":5,"line":5,"arrived":"2025-11-24T16:00:00.123Z","rule":"json","reason":"a \"reason\"","payload":"p"}
`,
	}
	for _, limit := range []int64{0, 1 << 20} {
		file, budget := spill.NewFile(t.TempDir()), spill.NewBudget(limit)
		s := quarantine.NewStore(budget, file)
		cut := reject(b, 0, "s", "")
		three := reject(a, 3, "s", "{\"x\":\n")
		three.Length = 5
		cut.Truncated = true
		withheld := reject(a, 12, "s", "")
		withheld.Withheld = true
		masked := reject(a, 14, "s", "***")
		masked.Masked = true
		for _, step := range []struct {
			r     batch.Reject
			chunk int
		}{{cut, quarantine.WholeObject}, {withheld, quarantine.WholeObject}, {masked, quarantine.WholeObject}, {reject(a, 10, "s", "\xff"), 1}, {reject(a, 5, "other", "p"), 0}, {three, 0}} {
			if err := s.Add([]batch.Reject{step.r}, step.chunk); err != nil {
				t.Fatal(err)
			}
		}
		s.Settle(func(o *batch.Object, chunk int) int64 { return int64(chunk) * 100 })
		parts := s.Parts()
		if len(parts) != len(want) || s.Len() != 6 {
			t.Fatalf("%d parts, %d rejects", len(parts), s.Len())
		}
		for _, p := range parts {
			var out bytes.Buffer
			if err := s.Write(p, &out); err != nil {
				t.Fatal(err)
			}
			z, err := zstd.NewReader(&out)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(z)
			z.Close()
			if d := cmp.Diff(want[p.Path], string(text)); err != nil || d != "" {
				t.Errorf("%s: %v %s", p.Path, err, d)
			}
			for line := range strings.Lines(string(text)) {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
			if n := strings.Count(string(text), "\n"); n != p.Rows() {
				t.Errorf("%d lines, %d rows", n, p.Rows())
			}
		}
		s.Release()
		if budget.Used() != 0 {
			t.Errorf("%d bytes still counted", budget.Used())
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
}
