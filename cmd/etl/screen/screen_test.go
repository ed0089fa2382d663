package screen

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "abc": 3, "東京": 4, "ﾊﾝｶｸ": 4, "e\u0301": 1, "n\u0303o": 2, "👍": 2, "👍🏽": 2, "👩‍👩‍👧": 2, "🇦🇹": 2, "❤️": 2, "한국": 4, "กำ": 2, "a\u200bb": 2,
	} {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"abcd", 2, "ab"},
		{"abcd", 9, "abcd"},
		{"東京都", 5, "東京"},
		{"東京都", 1, ""},
		{"e\u0301e\u0301", 1, "e\u0301"},
		{"👩‍👩‍👧x", 2, "👩‍👩‍👧"},
		{"👩‍👩‍👧x", 1, ""},
		{"🇦🇹🇩🇪", 3, "🇦🇹"},
		{"", 3, ""},
	} {
		if got := Cut(c.in, c.width); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"one two three\n", 7, "one two\nthree\n"},
		{"  one two three", 9, "  one two\n  three"},
		{"a-word-that-is-long b\n\nshort\n", 8, "a-word-that-is-long\nb\n\nshort\n"},
		{"東京 京都", 5, "東京\n京都"},
		{"kept  as  it  is", 20, "kept  as  it  is"},
		{"", 5, ""},
	} {
		if got := Wrap(c.in, c.width); got != c.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestReflow(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"one two\nthree four\n", "one two\nthree\nfour\n"},
		{"one\ntwo\n\nthree", "one two\n\nthree"},
		{"text\n  kept\n  kept\nmore\ntext\n", "text\n  kept\n  kept\nmore text\n"},
	} {
		if got := Reflow(c.in, 9); got != c.want {
			t.Errorf("Reflow(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// FuzzCut: what is cut is a beginning that is not too wide, and the whole where that fits.
func FuzzCut(f *testing.F) {
	for _, s := range []string{"abc", "東京都", "e\u0301👩‍👩‍👧", "\xff\xfe", "🇦🇹🇩🇪"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		width &= 63
		got := Cut(s, width)
		if !strings.HasPrefix(s, got) || Width(got) > width || Width(s) <= width && got != s {
			t.Errorf("Cut(%q, %d) = %q of %d columns", s, width, got, Width(got))
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("Cut(%q, %d) = %q", s, width, got)
		}
	})
}
