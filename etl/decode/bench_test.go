package decode

import (
	"regexp"
	"strings"
	"testing"

	"datalake/pkg/schema"
)

// BenchmarkShapes is BenchmarkDecode off the clean path.
func BenchmarkShapes(b *testing.B) {
	const rows = 4000
	lines := strings.SplitAfter(sensorLines(rows), "\n")[:rows]
	change := func(every int, edit func(i int, s string) string) string {
		var out strings.Builder
		for i, s := range lines {
			if i%every == 0 {
				s = edit(i/every, s)
			}
			out.WriteString(s)
		}
		return out.String()
	}
	one := tables{"src": sensorSchema(b)}
	bare := sensorSchema(b).Clone()
	bare.Envelope = schema.Bare
	for _, c := range []struct {
		name, text string
		schemas    tables
		o          Options
	}{
		{"misfits", change(10, func(i int, s string) string {
			return humidity.ReplaceAllString(s, []string{`"humidity":"wet"`, `"humidity":"${1}"`, `"humidity":${1}.5`}[i%3])
		}), one, Options{}},
		{"quoted", change(1, func(i int, s string) string { return humidity.ReplaceAllString(s, `"humidity":"${1}"`) }), one, Options{}},
		{"spaced", change(1, func(i int, s string) string { return strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(s) }), one, Options{}},
		{"unknown", change(1, func(i int, s string) string { return s }), tables{"src": with(b)}, Options{}},
		{"sources", change(2, func(i int, s string) string {
			return strings.Replace(s, `"src"`, `"other"`, 1)
		}), tables{"src": one["src"], "other": sensorSchema(b)}, Options{}},
		{"shuffled", change(2, func(i int, s string) string {
			return strings.Replace(strings.Replace(s, `"humidity"`, `"x"`, 1), `"at"`, `"humidity"`, 1)
		}), one, Options{}},
		{"repeated", change(20, func(i int, s string) string {
			return strings.Replace(s, `"data":{`, `"data":{"humidity":1,`, 1)
		}), one, Options{}},
		{"bare", change(1, func(i int, s string) string { return s }), tables{"src": bare}, Options{Bare: map[string]bool{"src": true}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			d, err := New(c.o, c.schemas, nil)
			if err != nil {
				b.Fatal(err)
			}
			u := unit(c.text)
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				out, err := d.Decode(u)
				if err != nil || len(out.Rejects) > 0 {
					b.Fatal(err, out.Rejects)
				}
				out.Release()
			}
		})
	}
}

var humidity = regexp.MustCompile(`"humidity":(\d+)`)
