package input

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lake is a store with objects.
type lake struct {
	*memory.Store
	objects []*batch.Object
}

func newLake(t testing.TB, texts ...string) *lake {
	l := &lake{Store: memory.New()}
	for _, text := range texts {
		l.put(t, text, "")
	}
	return l
}

func (l *lake) put(t testing.TB, text, recordsAt string) {
	t.Helper()
	key := fmt.Sprintf("raw/s/%06d.json", len(l.objects))
	info, err := l.Put(context.Background(), key, strings.NewReader(text), storage.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l.objects = append(l.objects, &batch.Object{Index: len(l.objects), Key: key, ETag: info.ETag, Size: info.Size, Source: "s", RecordsAt: recordsAt})
}

// found is a record, or a broken place (Rule is set).
type found struct {
	Object  int
	Offset  int64
	Line    int64
	Text    string
	Rule    string
	Reason  string
	Payload string
	Cut     bool
}

// read takes all units of all tasks, checks what holds for each, and returns what they hold in order.
func (l *lake) read(t testing.TB, o Options) (records, broken []found) {
	t.Helper()
	var bufs Buffers
	lastFirst, lastNumber := -1, -1
	lines := map[*batch.Object]int64{}
	for task := range Tasks(l, l.objects, o) {
		for u, err := range task.Units(context.Background(), &bufs) {
			if err != nil {
				t.Fatal(err)
			}
			if u.First < lastFirst || u.First == lastFirst && u.Number <= lastNumber {
				t.Fatalf("unit (%d, %d) follows (%d, %d)", u.First, u.Number, lastFirst, lastNumber)
			}
			lastFirst, lastNumber = u.First, u.Number
			for _, c := range u.Chunks {
				records = append(records, chunkRecords(t, c, lines)...)
			}
			for _, r := range u.Broken {
				line := r.Line
				if len(u.Chunks) > 0 && u.Chunks[0].Line == 0 {
					line = 0
				}
				broken = append(broken, found{r.Object.Index, r.Offset, line, "", r.Rule, r.Reason, string(r.Payload), r.Truncated})
			}
			bufs.Release(u)
			bufs.Release(u)
		}
	}
	if len(bufs.out) != 0 {
		t.Fatalf("%d units are still out", len(bufs.out))
	}
	return records, broken
}

// chunkRecords splits a chunk as a decoder would.
func chunkRecords(t testing.TB, c batch.Chunk, lines map[*batch.Object]int64) (records []found) {
	t.Helper()
	n := len(c.Data) - jsontext.Padding
	if n < 0 || !bytes.Equal(c.Data[n:], make([]byte, jsontext.Padding)) {
		t.Fatalf("chunk at %d is not padded", c.Offset)
	}
	if cap(c.Data) != len(c.Data) {
		t.Fatalf("chunk at %d can be appended to", c.Offset)
	}
	first := c.Line
	if c.Lines && first == 0 {
		first = lines[c.Object] + 1
	}
	add := func(s, e int) {
		records = append(records, found{
			Object: c.Object.Index, Offset: c.Offset + int64(s), Line: first + int64(bytes.Count(c.Data[:s], []byte("\n"))), Text: string(c.Data[s:e]),
		})
	}
	if !c.Lines {
		for _, s := range c.Records {
			add(s.Start, s.End)
		}
		return records
	}
	lines[c.Object] = first - 1 + int64(bytes.Count(c.Data, []byte("\n")))
	for p := 0; p < n; {
		e := p + bytes.IndexByte(append(c.Data[p:n:n], '\n'), '\n')
		line := string(c.Data[p:e])
		s := p
		if c.Offset == 0 && p == 0 {
			line = strings.TrimPrefix(line, "\ufeff")
			s = e - len(line)
		}
		s += len(line) - len(strings.TrimLeft(line, " \t\r"))
		line = strings.Trim(line, " \t\r")
		for line != "" { // one value after the other, or what is broken as it is
			d := json.NewDecoder(strings.NewReader(line))
			var raw json.RawMessage
			m := len(line)
			if d.Decode(&raw) == nil {
				m = int(d.InputOffset())
			}
			add(s, s+m)
			rest := strings.TrimLeft(line[m:], " \t\r")
			s += len(line) - len(rest)
			line = rest
		}
		p = e + 1
	}
	return records
}

// randomValue is JSON text full of brackets, quotes and escapes in strings; indented as a pretty printer would.
func randomRecord(r *rand.Rand) string {
	var value func(depth int) any
	texts := []string{"", "a", `{"`, "}]", `\`, `"`, "é", "\n{", "\t", ",", "[", "long " + strings.Repeat("x", 30), "\u2028"}
	value = func(depth int) any {
		switch n := r.IntN(8); {
		case n < 2 && depth < 4:
			m := map[string]any{}
			for range r.IntN(4) {
				m[texts[r.IntN(len(texts))]] = value(depth + 1)
			}
			return m
		case n == 2 && depth < 4:
			a := []any{}
			for range r.IntN(4) {
				a = append(a, value(depth+1))
			}
			return a
		case n == 3:
			return r.IntN(1000)
		case n == 4:
			return nil
		case n == 5:
			return r.Float64() < 0.5
		default:
			return texts[r.IntN(len(texts))]
		}
	}
	m := map[string]any{"n": r.IntN(100)}
	for range r.IntN(5) {
		m[texts[r.IntN(len(texts))]] = value(1)
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func indented(record, prefix string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(record), prefix, "  "); err != nil {
		panic(err)
	}
	return b.String()
}

// renderings write records in every form; parts are those of which the records' places are taken.
var renderings = []struct {
	name      string
	recordsAt string
	write     func(w *writer, records []string)
}{
	{"lines", "", func(w *writer, rs []string) {
		for _, r := range rs {
			w.record(r)
			w.text("\n")
		}
	}},
	{"lines without end", "", func(w *writer, rs []string) { w.joined(rs, "\n") }},
	{"lines crlf bom blank", "", func(w *writer, rs []string) {
		w.text("\ufeff\r\n")
		for i, r := range rs {
			w.record(r)
			w.text("\r\n")
			if i%3 == 0 {
				w.text("  \r\n\n")
			}
		}
	}},
	{"several on a line", "", func(w *writer, rs []string) {
		for i, r := range rs {
			w.record(r)
			w.text([]string{" ", "\n", ""}[i%3])
		}
	}},
	{"pretty", "", func(w *writer, rs []string) {
		for _, r := range rs {
			w.record(indented(r, ""))
			w.text("\n")
		}
	}},
	{"pretty bom", "", func(w *writer, rs []string) {
		w.text("\ufeff \n")
		for _, r := range rs {
			w.record(indented(r, ""))
		}
	}},
	{"one line, no end", "", func(w *writer, rs []string) { w.joined(rs, "") }},
	{"array on a line", "", func(w *writer, rs []string) {
		w.text("[")
		w.joined(rs, ",")
		w.text("]")
	}},
	{"array by line", "", func(w *writer, rs []string) {
		w.text("[\n")
		w.joined(rs, ",\n")
		w.text("\n]\n")
	}},
	{"array, commas first", "", func(w *writer, rs []string) {
		w.text("[ ")
		w.joined(rs, "\n, ")
		w.text("\n]\n")
	}},
	{"array pretty", "", func(w *writer, rs []string) {
		w.text("[")
		for i, r := range rs {
			w.text([]string{"\n  ", ",\n  "}[min(i, 1)])
			w.record(indented(r, "  "))
		}
		w.text("\n]")
	}},
	{"arrays by line", "", func(w *writer, rs []string) {
		for half := range slices.Chunk(rs, 3) {
			w.text("[")
			w.joined(half, ", ")
			w.text("]\n")
		}
		w.text("[]\n[]")
	}},
	{"holder", "features", func(w *writer, rs []string) {
		w.text(`{"type":"F","other":{"features":[{"no":1}]},"features":[`)
		w.joined(rs, ",\n")
		w.text(`],"rest":["]}"]}`)
	}},
	{"holders, deep", `a.b."c.d"`, func(w *writer, rs []string) {
		for half := range slices.Chunk(rs, 2) {
			w.text("{\n \"x\": [{\"a\":1}], \"a\" : {\"c\": 1, \"b\" : {\"b\": {}, \"c\\u002ed\" : [ ")
			w.joined(half, " , ")
			w.text(" ] , \"z\": {\"c.d\":[1]}}}, \"b\": {\"c.d\": [7]}}\n")
		}
	}},
}

// writer notes where records stand.
type writer struct {
	bytes.Buffer
	want []found
}

func (w *writer) text(s string) { w.WriteString(s) }
func (w *writer) record(r string) {
	w.want = append(w.want, found{Offset: int64(w.Len()), Line: 1 + int64(bytes.Count(w.Bytes(), []byte("\n"))), Text: r})
	w.WriteString(r)
}

func (w *writer) joined(rs []string, by string) {
	for i, r := range rs {
		if i > 0 {
			w.text(by)
		}
		w.record(r)
	}
}

func gzipped2(t testing.TB, text string, members int) string {
	var b bytes.Buffer
	for i := range members {
		z := gzip.NewWriter(&b)
		if _, err := io.WriteString(z, text[len(text)*i/members:len(text)*(i+1)/members]); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		b.Write(make([]byte, 7*(i%2)))
	}
	return b.String()
}

func zstded(t testing.TB, text string, frames int) string {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b := []byte("\x52\x2a\x4d\x18\x03\x00\x00\x00abc")
	for i := range frames {
		b = z.EncodeAll([]byte(text[len(text)*i/frames:len(text)*(i+1)/frames]), b)
		b = append(b, "\x50\x2a\x4d\x18\x00\x00\x00\x00"...)
	}
	return string(b)
}

var compressions = map[string]func(t testing.TB, text string) string{
	"plain": func(t testing.TB, text string) string { return text },
	"gzip":  func(t testing.TB, text string) string { return gzipped2(t, text, 1) },
	"gzips": func(t testing.TB, text string) string { return gzipped2(t, text, 4) },
	"zstd":  func(t testing.TB, text string) string { return zstded(t, text, 1) },
	"zstds": func(t testing.TB, text string) string { return zstded(t, text, 3) },
}

// Every form, compression and chunk size gives the same records at the right places.
func TestAllForms(t *testing.T) {
	for _, form := range renderings {
		t.Run(form.name, func(t *testing.T) {
			for seed := range uint64(6) {
				r := rand.New(rand.NewPCG(seed, 1))
				var rs []string
				for range r.IntN(12) + 2 {
					rs = append(rs, randomRecord(r))
				}
				if form.name == "pretty" || form.name == "pretty bom" {
					rs[0] = `{"a":1,"b":{}}` // more than a line
				}
				var w writer
				form.write(&w, rs)
				for name, compress := range compressions {
					text := compress(t, w.String())
					for _, chunk := range []int{64, 100, 1 << 10, 1 << 20} {
						l := newLake(t)
						l.put(t, text, form.recordsAt)
						records, broken := l.read(t, Options{ChunkBytes: chunk, MaxRecord: 1 << 14})
						if len(broken) > 0 {
							t.Fatalf("%s, chunk %d, seed %d: broken: %+v\n%s", name, chunk, seed, broken, w.String())
						}
						if d := cmp.Diff(w.want, records); d != "" {
							t.Fatalf("%s, chunk %d, seed %d: %s\n%s", name, chunk, seed, d, w.String())
						}
					}
				}
			}
		})
	}
}

// Small objects share units, as many as the limits allow; a unit is known by the first of them that it holds.
func TestGroups(t *testing.T) {
	l := newLake(t)
	for i := range 25 {
		l.put(t, []string{`{"a":1}`, "", " \n", strings.Repeat("{\"a\":1}\n", 40)}[i%4], "")
	}
	var bufs Buffers
	var got []string
	total := int64(0)
	for task := range Tasks(l, l.objects, Options{ChunkBytes: 256, GroupObjects: 10}) {
		total += task.Bytes
		if len(task.Objects) > 10 || len(task.Objects) > 1 && task.Bytes > 256 {
			t.Fatalf("task of %d objects, %d bytes", len(task.Objects), task.Bytes)
		}
		for u, err := range task.Units(context.Background(), &bufs) {
			if err != nil {
				t.Fatal(err)
			}
			objects := ""
			for _, c := range u.Chunks {
				objects += fmt.Sprintf(" %d", c.Object.Index)
			}
			got = append(got, fmt.Sprintf("%d.%d:%s", u.First, u.Number, objects))
			bufs.Release(u)
		}
	}
	want := []string{
		"0.0: 0 2", "3.0: 3", "3.1: 3", "4.0: 4 6", "7.0: 7", "7.1: 7", "8.0: 8 10", "11.0: 11", "11.1: 11", "12.0: 12 14", "15.0: 15", "15.1: 15",
		"16.0: 16 18", "19.0: 19", "19.1: 19", "20.0: 20 22", "23.0: 23", "23.1: 23", "24.0: 24",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	size := int64(0)
	for _, o := range l.objects {
		size += o.Size
	}
	if total != size {
		t.Errorf("tasks share %d of %d bytes", total, size)
	}
	// What is small as it is stored may be large: its chunks are numbered, and the next objects join the last of them.
	l = newLake(t, `{"b":1}`, gzipped2(t, strings.Repeat("{\"a\":1}\n", 100), 1), `{"c":1}`, `{"d":1}`)
	got = nil
	for task := range Tasks(l, l.objects, Options{ChunkBytes: 256}) {
		for u, err := range task.Units(context.Background(), &bufs) {
			if err != nil {
				t.Fatal(err)
			}
			objects := ""
			for _, c := range u.Chunks {
				objects += fmt.Sprintf(" %d@%d", c.Object.Index, c.Offset)
			}
			got = append(got, fmt.Sprintf("%d.%d:%s", u.First, u.Number, objects))
			bufs.Release(u)
		}
	}
	if d := cmp.Diff([]string{"0.0: 0@0 1@0", "1.1: 1@256", "1.2: 1@512", "1.3: 1@768 2@0 3@0"}, got); d != "" {
		t.Error(d)
	}
}
