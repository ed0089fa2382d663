package input

import (
	"bytes"
	"testing"
)

// Eight bytes at a time find what a byte at a time finds, wherever a run begins and ends.
func FuzzBlanks(f *testing.F) {
	for _, run := range []string{"\n", "\r\n", "\n\r", " ", "\t", "\n  ", "\r\r\n"} {
		for n := range 20 {
			text := bytes.Repeat([]byte(run), n)
			f.Add(text, 0)
			f.Add(append(text, 'x'), n/2)
			f.Add(append(append(append([]byte{'x'}, text...), 'y'), text...), 1)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, p int) {
		p = min(max(p, 0), len(b))
		rest := bytes.TrimLeft(b[p:], " \t\r\n")
		wantEnd := len(b) - len(rest)
		wantFeed := bytes.LastIndexByte(b[p:wantEnd], '\n')
		if wantFeed >= 0 {
			wantFeed += p
		}
		if end, feed := pastBlanks(b, p); end != wantEnd || feed != wantFeed {
			t.Errorf("%q from %d: end %d, line feed %d; want %d, %d", b, p, end, feed, wantEnd, wantFeed)
		}
		var want byte
		if left := bytes.TrimRight(b, " \t\r\n"); len(left) > 0 {
			want = left[len(left)-1]
		}
		if got := lastVisible(b); got != want {
			t.Errorf("%q ends in %q, want %q", b, got, want)
		}
	})
}
