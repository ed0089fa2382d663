package input

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// kinds are texts of about 16 MB, one for each way of cutting and for what real objects should not be but are.
func kinds(t testing.TB) map[string]string {
	lines := sensorLines(80_000)
	one := strings.TrimSuffix(lines, "\n")
	var pretty bytes.Buffer
	for line := range strings.Lines(one) {
		if err := json.Indent(&pretty, []byte(strings.TrimSpace(line)), "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteByte('\n')
	}
	record := one[:strings.IndexByte(one, '\n')+1]
	const size = 16 << 20
	return map[string]string{
		"lines":          lines,
		"lines CRLF":     strings.ReplaceAll(lines, "\n", "\r\n"),
		"array":          "[" + strings.ReplaceAll(one, "\n", ",\n") + "]",
		"array one line": "[" + strings.ReplaceAll(one, "\n", ",") + "]",
		"concatenated":   strings.ReplaceAll(one, "\n", ""),
		"pretty":         pretty.String(),
		"pretty array":   "[" + strings.ReplaceAll(strings.TrimSpace(pretty.String()), "\n}\n{", "\n},\n{") + "]",
		"numbers":        "[" + strings.Repeat("1.5,", size/4) + "2]",
		"long strings":   "[\n" + strings.Repeat(`{"a":"`+strings.Repeat("text ", 2000)+`"},`, size/10_000) + "\n{}]",
		"escapes":        "[\n" + strings.Repeat(`{"a":"`+strings.Repeat(`\"\\n`, 2000)+`"},`, size/10_000) + "\n{}]",
		"blank":          strings.Repeat("\n", size),
		"blank then one": strings.Repeat("\r\n", size/2) + record,
		"one then blank": record + strings.Repeat("\n", size) + record,
		"one then CRLF":  record + strings.Repeat("\r\n", size/2) + record,
		"one then space": record + strings.Repeat(strings.Repeat(" ", 70)+"\n", size/71) + record,
		"values blank":   "{\n\"a\":1}" + strings.Repeat("\r\n", size/2) + "{}",
		"values space":   "{\n\"a\":1}" + strings.Repeat(" ", size) + "{}",
		"array blank":    "[\n{}" + strings.Repeat("\n", size) + "]",
		"in record":      "[\n{\"a\":" + strings.Repeat("\n", size) + "1}]",
		"marks":          strings.Repeat("\ufeff"+record, size/(len(record)+3)),
		"text":           record + strings.Repeat("this is no record, whatever it is\n", size/34),
		"values text":    "{\n\"a\":1}\n" + strings.Repeat("this is no record, whatever it is\n", size/34),
		"unclosed":       "[\n" + strings.Repeat("{\"a\": [1, 2, \n", size/14),
		"quotes":         "[\n" + strings.Repeat("{\"a\": \"x\n", size/9),
	}
}

// How fast each kind of text is cut. What is below 500 MB/s a core would hold up a run.
func BenchmarkKinds(b *testing.B) {
	for name, text := range kinds(b) {
		b.Run(name, func(b *testing.B) {
			l := newLake(b, text)
			var bufs Buffers
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				for task := range Tasks(l, l.objects, Options{}) {
					for u, err := range task.Units(context.Background(), &bufs) {
						if err != nil {
							b.Fatal(err)
						}
						bufs.Release(u)
					}
				}
			}
		})
	}
}
