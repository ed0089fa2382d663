package jsontext

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// multibyte takes what package utf8 takes, whatever two bytes a sequence begins with.
func TestMultibyte(t *testing.T) {
	tails := []string{"", "\x7f", "\x80", "\xbf", "\xc0", "\x80\x80", "\xbf\xbf", "\x80\x7f", "\xbf\xc0", "\xff\xff", "\x80\xff"}
	for first := 0x80; first < 0x100; first++ {
		for second := range 0x100 {
			for _, tail := range tails {
				s := append([]byte{byte(first), byte(second)}, tail...)
				r, n := utf8.DecodeRune(s)
				if r == utf8.RuneError && n == 1 {
					n = 0
				}
				if got := multibyte(binary.LittleEndian.Uint32(Pad(s))); got != n {
					t.Fatalf("% x: %d bytes, want %d", s, got, n)
				}
			}
		}
	}
}

// checkString holds AppendString against String and AppendUnquoted.
func checkString(t *testing.T, text []byte) {
	t.Helper()
	b := append([]byte{'"'}, Pad(text)...)
	for _, l := range []Limits{{}, {ReplaceInvalid: true}} {
		end, escaped, err := l.String(b, 0)
		for _, dst := range [][]byte{nil, []byte("before"), append(make([]byte, 0, 40), "room"...)} {
			out, got, gotErr := l.AppendString(dst, b, 0)
			if got != end || !reflect.DeepEqual(gotErr, err) {
				t.Fatalf("%q: %d, %v, want %d, %v", b, got, gotErr, end, err)
			}
			want := bytes.Clone(dst)
			if err == nil && escaped {
				want = AppendUnquoted(want, b[1:end-1])
			} else if err == nil {
				want = append(want, b[1:end-1]...)
			}
			if !bytes.Equal(out, want) {
				t.Fatalf("%q: %q, want %q", b, out, want)
			}
		}
		if p := PlainEnd(b, 1); err == nil && (p == end-1) != (!escaped && isASCII(b[1:end-1])) {
			t.Fatalf("%q: plain up to %d", b, p)
		}
	}
	n := bytes.IndexFunc(b[1:], func(r rune) bool { return r == '"' || r == '\\' || r < 0x20 })
	if p := KeyEnd(b, 1); p != 1+n {
		t.Fatalf("%q: a key up to %d", b, p)
	}
}

func isASCII(s []byte) bool {
	return !bytes.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// stringParts are what strings are made of in tests: all that is not plain, and runs about as long as words.
var stringParts = []string{
	"a", "seven77", "eight888", "nine nine", strings.Repeat("long text ", 8), "é", "日本語", "😀", "привет", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\U0010ffff",
	`\n`, `\"`, `\\`, `\/`, `\b`, `\f`, `\r`, `\t`, `\u0041`, `\u00e9`, `\u65e5`, `\ud83d\ude00`, `\u0000`, "\x7f",
	`\ud800`, `\udc00`, `\ud800\u0041`, `\ud83d\ud83d\ude00`, `\ufffd`, "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe6\x97", `\q`, `\u12`, `\`, "\x00", "\x1f", `"`,
}

func TestAppendString(t *testing.T) {
	for _, a := range stringParts {
		for _, b := range stringParts {
			checkString(t, []byte(a+b+`"`))
			checkString(t, []byte(strings.Repeat("x", 5)+a+b+`" "`))
			checkString(t, []byte(a+b))
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		var s strings.Builder
		for range r.IntN(12) {
			s.WriteString(stringParts[r.IntN(28+r.IntN(2)*(len(stringParts)-28))])
		}
		s.WriteByte('"')
		checkString(t, []byte(s.String()))
	}
}

func FuzzAppendString(f *testing.F) {
	for i, s := range stringParts {
		f.Add([]byte(s + stringParts[(i+7)%len(stringParts)] + `"`))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkString(t, text) })
}

func BenchmarkAppendString(b *testing.B) {
	for name, s := range map[string]string{
		"hex": "50aaaf56ed12d5a601764eedf62bb3272219d6e80e2ef2ba", "words": `blue window \u0041bc Łódź \"so\" checked back \u0041bc window`, "cyrillic": "привет отправлено",
	} {
		text := Pad([]byte(`"` + s + `"`))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			var out []byte
			for b.Loop() {
				out, _, _ = Limits{}.AppendString(out[:0], text, 0)
			}
		})
		b.Run(name+"-apart", func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			var out []byte
			for b.Loop() {
				end, escaped, _ := Limits{}.String(text, 0)
				if out = out[:0]; escaped {
					out = AppendUnquoted(out, text[1:end-1])
				} else {
					out = append(out, text[1:end-1]...)
				}
			}
		})
	}
}
