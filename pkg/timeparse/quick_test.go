package timeparse

import (
	"fmt"
	"testing"
)

// checkQuick holds Quick against Parse.
func checkQuick(t *testing.T, l *Layout, text string) (read bool) {
	t.Helper()
	b := append([]byte("xx"+text), make([]byte, 64)...)
	ms, end := Quick(b, 2)
	if end == 0 {
		return false
	}
	want, sub, ok := l.Parse([]byte(text[:end-2]))
	if !ok || sub != 0 || ms != want {
		t.Fatalf("%q: %d, want %d, %d, %v", text[:end-2], ms, want, sub, ok)
	}
	return true
}

func rfc3339Layout(t testing.TB) *Layout {
	l, err := Compile(RFC3339, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestQuick(t *testing.T) {
	l := rfc3339Layout(t)
	for _, date := range []string{"2025-11-25", "0001-01-01", "9999-12-31", "1970-01-01", "1969-12-31", "2024-02-29", "2000-02-29"} {
		for _, clock := range []string{"T00:00:00", " 23:59:59", "T10:20:30"} {
			for _, fraction := range []string{"", ".000", ".123", ".999"} {
				for _, zone := range []string{"Z", "+00:00", "-00:00", "+05:30", "-12:00", "+13:45", "-23:59"} {
					text := date + clock + fraction + zone
					_, _, ok := l.Parse([]byte(text))
					if read := checkQuick(t, l, text+`"`); read != ok {
						t.Errorf("%q is read: %v, is a time: %v", text, read, ok)
					}
				}
			}
		}
	}
	for _, text := range []string{
		"2025-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-01-32T00:00:00Z", "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z", "2025-01-01T00:00:60Z",
		"2025-01-01t00:00:00Z", "2025-01-01T00:00:00z", "2025-01-01T00:00:00.1Z", "2025-01-01T00:00:00.1234Z", "2025-01-01T00:00Z", "2025-01-01T00:00:00", "2025-01-01T00:00:00+0100",
		"2025-01-01T00:00:00+24:00", "2025-01-01T00:00:00+00:60", "2025-01-01T00:00:00+1:000", "2025/01/01T00:00:00Z", "2025-01-01T00:00-00Z", "2025-01-01T00:00:00,000Z", "", "2025", "2025-01-01",
	} {
		if checkQuick(t, l, text+`"`) {
			t.Errorf("%q is read", text)
		}
	}
	const plain = "2025-11-25T10:20:30.123+05:30"
	for i := range plain {
		for _, c := range []byte("/:09 TtZz+-.\x00\x7f\x80\xff\xb0\x30") {
			checkQuick(t, l, plain[:i]+string([]byte{c})+plain[i+1:])
		}
	}
}

func FuzzQuick(f *testing.F) {
	l := rfc3339Layout(f)
	for _, s := range []string{"2025-11-25T10:00:00Z", "2025-11-25 10:00:00.123-08:00", "0001-01-01T00:00:00+00:01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkQuick(t, l, s) })
}

func BenchmarkQuick(b *testing.B) {
	l := rfc3339Layout(b)
	for _, text := range []string{"2025-11-25T10:00:00.123Z", "2025-11-25T10:00:00.123+05:30"} {
		padded := append([]byte(text+`"`), make([]byte, 64)...)
		b.Run(fmt.Sprint("quick-", len(text)), func(b *testing.B) {
			for b.Loop() {
				Quick(padded, 0)
			}
		})
		b.Run(fmt.Sprint("parse-", len(text)), func(b *testing.B) {
			for b.Loop() {
				l.Parse(padded[:len(text)])
			}
		})
	}
}
