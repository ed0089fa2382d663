package infer

import (
	"bytes"
	"testing"

	"datalake/pkg/jsontext"
)

// What the walker takes for the ends and contents of valid values is what a strict scan finds.
func FuzzWalk(f *testing.F) {
	for _, text := range []string{
		`"plain"`, `"eight by"`, `"a\"b\\"`, `"größe"`, "\"\xff\"", `"\ud800"`, `"1\u0032"`, `-0.5e+10 `, `true,`, `null]`, "12}", `""`,
		`{"a":[1,{"b":"]}"}],"c\u0064" : "\\"}`, `[[],[{}],"x\\\"y"]`, `"0123456\"89"`, `{"naïve":{"naïve":1},"a\tb":2}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := jsontext.Pad(text)
		strict := jsontext.Limits{ReplaceInvalid: true}
		end, err := strict.Value(b, 0)
		if err != nil || !bytes.ContainsRune([]byte(",]} \t\r\n\x00"), rune(b[end])) {
			t.Skip() // no value of a valid record
		}
		w := walker{profile: NewProfile(), b: b}
		if got := w.skip(0); got != end {
			t.Fatalf("%q ends at %d, want %d", text, got, end)
		}
		if b[0] != '"' {
			return
		}
		got, after := w.key(0)
		if want := jsontext.AppendUnquoted(nil, b[1:end-1]); after != end || !bytes.Equal(got, want) {
			t.Fatalf("%q holds %q and ends at %d, want %q and %d", text, got, after, want, end)
		}
		_, m := stringEnd(b, 0)
		if m&escaped != 0 != bytes.ContainsRune(b[1:end-1], '\\') {
			t.Fatalf("%q: marks %b", text, m)
		}
	})
}

// A number in a string is one if a strict scan takes all of it for one.
func FuzzIsNumber(f *testing.F) {
	for _, text := range []string{"1", "-1", "01", "1.5e3", "1e", "-", "1988c7", "2025-01-01", "+1", "0", "0x1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end, integer, err := jsontext.Limits{}.Number(jsontext.Pad([]byte(text)), 0)
		want := err == nil && end == len(text) && len(text) <= mostNumber
		if i, ok := isNumber([]byte(text)); ok != want || ok && i != integer {
			t.Fatalf("%q: %v %v, want %v %v", text, i, ok, integer, want)
		}
	})
}
