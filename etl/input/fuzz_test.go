package input

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever the text: all chunk sizes find the same, in order, and no byte but white space and the separators of arrays is
// left out.
func FuzzText(f *testing.F) {
	for _, c := range brokenCases {
		f.Add([]byte(c.text), c.recordsAt != "")
	}
	f.Fuzz(func(t *testing.T, text []byte, holders bool) {
		at := ""
		if holders {
			at = "r"
		}
		var first string
		for _, o := range []Options{{ChunkBytes: 1 << 20}, {ChunkBytes: 7}, {ChunkBytes: 64}} {
			l := newLake(t)
			l.put(t, string(text), at)
			records, broken := l.read(t, o)
			for i := range broken { // of ranges they count from the chunk's first line
				broken[i].Line = 0
			}
			got := fmt.Sprintf("%+v %+v", records, broken)
			if first == "" {
				first = got
				if !holders {
					coverage(t, text, records, broken)
				}
			}
			if d := cmp.Diff(first, got); d != "" {
				t.Fatalf("chunk %d: %s", o.ChunkBytes, d)
			}
		}
	})
}

func coverage(t *testing.T, text []byte, records, broken []found) {
	t.Helper()
	if len(broken) == 1 && broken[0].Rule == "broken" {
		return // no text
	}
	all := slices.Clone(records)
	for _, b := range broken {
		all = append(all, found{Offset: b.Offset, Text: b.Payload})
	}
	slices.SortStableFunc(all, func(a, b found) int { return int(a.Offset - b.Offset) })
	end := 0
	rest := func(to int) {
		if to < end {
			t.Fatalf("byte %d is in two places", to)
		}
		gap := string(text[end:to])
		if end == 0 {
			gap = strings.TrimPrefix(gap, "\ufeff")
		}
		if s := strings.Trim(gap, " \t\r\n,[]"); s != "" {
			t.Fatalf("bytes %d to %d are lost: %q", end, to, s)
		}
	}
	for _, f := range all {
		if f.Text == "" {
			continue
		}
		rest(int(f.Offset))
		end = int(f.Offset) + len(f.Text)
		if !bytes.Equal(text[f.Offset:end], []byte(f.Text)) {
			t.Fatalf("byte %d is not %q", f.Offset, f.Text)
		}
	}
	rest(len(text))
}
