package decode

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"datalake/pkg/schema"
)

// lines are a text off the clean path or on it, with the schemas that it is for.
type lines struct {
	name, text string
	schemas    tables
	o          Options
}

func benchLines(b testing.TB) []lines {
	const rows = 4000
	all := strings.SplitAfter(sensorLines(rows), "\n")[:rows]
	change := func(every int, edit func(i int, s string) string) string {
		var out strings.Builder
		for i, s := range all {
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
	r := rand.New(rand.NewPCG(3, 3))
	// shuffle gives a record an order of members of its own, and one key that no other has.
	shuffle := func(_ int, s string) string {
		head, rest, _ := strings.Cut(s, `"data":{`)
		body, tail, _ := strings.Cut(rest, "}")
		members := append(strings.Split(body, ","), fmt.Sprintf(`"k%x":1`, r.Uint32()))
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		return head + `"data":{` + strings.Join(members, ",") + "}" + tail
	}
	return []lines{
		{"clean", change(1, func(_ int, s string) string { return s }), one, Options{}},
		{"misfits", change(10, func(i int, s string) string {
			return humidity.ReplaceAllString(s, []string{`"humidity":"wet"`, `"humidity":"${1}"`, `"humidity":${1}.5`}[i%3])
		}), one, Options{}},
		{"quoted", change(1, func(_ int, s string) string { return humidity.ReplaceAllString(s, `"humidity":"${1}"`) }), one, Options{}},
		{"spaced", change(1, func(_ int, s string) string { return strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(s) }), one, Options{}},
		{"unknown", change(1, func(_ int, s string) string { return s }), tables{"src": with(b)}, Options{}},
		{"sources", change(2, func(_ int, s string) string {
			return strings.Replace(s, `"src"`, `"other"`, 1)
		}), tables{"src": one["src"], "other": sensorSchema(b)}, Options{}},
		{"shuffled", change(2, func(_ int, s string) string {
			return strings.Replace(strings.Replace(s, `"humidity"`, `"x"`, 1), `"at"`, `"humidity"`, 1)
		}), one, Options{}},
		{"repeated", change(20, func(_ int, s string) string {
			return strings.Replace(s, `"data":{`, `"data":{"humidity":1,`, 1)
		}), one, Options{}},
		{"optional", change(1, func(_ int, s string) string {
			for _, key := range []string{`"humidity":`, `"device_id":`, `"location":`} {
				if i := strings.Index(s, key); r.IntN(3) == 0 && i >= 0 {
					end := i + strings.IndexAny(s[i:], ",}")
					if s[end] == ',' {
						s = s[:i] + s[end+1:]
					}
				}
			}
			return s
		}), one, Options{}},
		// No shape comes twice.
		{"random", change(1, shuffle), one, Options{}},
		{"half", change(2, shuffle), one, Options{}},
		{"third", change(3, shuffle), one, Options{}},
		{"text", change(1, func(_ int, s string) string {
			return strings.Replace(s, `"hall `, `"h\u00e4ll é `+strings.Repeat("long text ", r.IntN(9)), 1)
		}), one, Options{}},
		{"cut", change(5, func(_ int, s string) string { return strings.Replace(s, `}}`, `}`, 1) }), one, Options{}},
		{"bare", change(1, func(_ int, s string) string { return s }), tables{"src": bare}, Options{Bare: map[string]bool{"src": true}}},
	}
}

// BenchmarkPaths measures the strict path and both together in turn, the best of each, so that a busy machine slows down both.
func BenchmarkPaths(b *testing.B) {
	for _, c := range benchLines(b) {
		b.Run(c.name, func(b *testing.B) {
			u := unit(c.text)
			var ds [2]*Decoder
			best := [2]time.Duration{time.Hour, time.Hour}
			for i := range ds {
				d, err := New(c.o, c.schemas, nil)
				if err != nil {
					b.Fatal(err)
				}
				d.strict = i == 0
				ds[i] = d
			}
			for b.Loop() {
				for i, d := range ds {
					start := time.Now()
					out, err := d.Decode(u)
					best[i] = min(best[i], time.Since(start))
					if err != nil {
						b.Fatal(err)
					}
					out.Release()
				}
			}
			rows := float64(strings.Count(c.text, "\n"))
			b.ReportMetric(float64(best[0].Nanoseconds())/rows, "strict-ns/row")
			b.ReportMetric(float64(best[1].Nanoseconds())/rows, "fast-ns/row")
			b.ReportMetric(float64(best[0])/float64(best[1]), "ratio")
			p := ds[1].Paths()
			b.ReportMetric(100*float64(p.Fast)/float64(p.Records), "hit%")
			b.ReportMetric(0, "ns/op")
		})
	}
}

var humidity = regexp.MustCompile(`"humidity":(\d+)`)
