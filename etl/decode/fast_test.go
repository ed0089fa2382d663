package decode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// pair decodes units by both paths, and by the strict one in the general way alone, and holds the outputs against each other.
type pair struct {
	mem                   *memory.CheckedAllocator
	fast, strict, general *Decoder
	told                  [3]*watcher
}

func newPair(t testing.TB, o Options, schemas Schemas, watched bool) *pair {
	t.Helper()
	p := &pair{mem: memory.NewCheckedAllocator(memory.NewGoAllocator()), told: [3]*watcher{{}, {}, {}}}
	o.Allocator = p.mem
	for i, d := range []**Decoder{&p.fast, &p.strict, &p.general} {
		var obs Observer
		if watched {
			obs = p.told[i]
		}
		var err error
		if *d, err = New(o, schemas, obs); err != nil {
			t.Fatal(err)
		}
	}
	p.strict.strict, p.general.strict, p.general.general, p.fast.eager = true, true, true, true
	return p
}

// check fails if any result differs: rows, types, origins, raw texts, rejects, counts, lines, calls of the observer.
func (p *pair) check(t testing.TB, u *batch.Unit) {
	t.Helper()
	for _, w := range p.told {
		w.told = nil
	}
	before := string(u.Chunks[0].Data)
	want, err := p.general.Decode(u)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range []*Decoder{p.fast, p.strict} {
		got, err := d.Decode(u)
		if err != nil {
			t.Fatal(err)
		}
		if string(u.Chunks[0].Data) != before {
			t.Fatal("the chunk was changed")
		}
		compare(t, got, want)
		if !reflect.DeepEqual(p.told[i].told, p.told[2].told) {
			t.Fatalf("observer: %s", cmp.Diff(p.told[2].told, p.told[i].told))
		}
		got.Release()
	}
	want.Release()
	p.mem.AssertSize(t, 0)
}

func compare(t testing.TB, got, want *Output) {
	t.Helper()
	if len(got.Batches) != len(want.Batches) {
		t.Fatalf("%d batches, want %d", len(got.Batches), len(want.Batches))
	}
	for i, w := range want.Batches {
		g := got.Batches[i]
		if g.Source != w.Source || !reflect.DeepEqual(g.Origins, w.Origins) {
			t.Fatalf("origins of %s: %s", w.Source, cmp.Diff(w.Origins, g.Origins))
		}
		if !reflect.DeepEqual(g.Raw, w.Raw) {
			t.Fatalf("raw of %s: %s", w.Source, cmp.Diff(w.Raw, g.Raw))
		}
		if !g.Record.Schema().Equal(w.Record.Schema()) || !array.RecordEqual(g.Record, w.Record) {
			for row := range w.NumRows() {
				for c := range int(w.Record.NumCols()) {
					if a, b := show(g.Record.Column(c), row), show(w.Record.Column(c), row); a != b {
						t.Errorf("row %d: %s is %s, want %s, of %s", row, w.Record.ColumnName(c), a, b, w.Raw[row])
					}
				}
			}
			t.Fatalf("batch of %s: %v, want %v", w.Source, g.Record.Schema(), w.Record.Schema())
		}
		for c := range int(w.Record.NumCols()) {
			if !sameBytes(g.Record.Column(c).Data(), w.Record.Column(c).Data()) {
				t.Fatalf("column %s: %s, want %s", w.Record.ColumnName(c), g.Record.Column(c), w.Record.Column(c))
			}
		}
	}
	if !reflect.DeepEqual(got.Rejects, want.Rejects) {
		t.Fatalf("rejects: %s", cmp.Diff(want.Rejects, got.Rejects))
	}
	if !reflect.DeepEqual(got.Counts, want.Counts) {
		t.Fatalf("counts: %s", cmp.Diff(want.Counts, got.Counts))
	}
	if !reflect.DeepEqual(got.Lines, want.Lines) {
		t.Fatalf("lines: %s", cmp.Diff(want.Lines, got.Lines))
	}
}

// sameBytes reports whether the buffers are the same, byte by byte: so are the signs of zeros and the order of dictionaries.
func sameBytes(a, b arrow.ArrayData) bool {
	if a.Len() != b.Len() || a.NullN() != b.NullN() || len(a.Buffers()) != len(b.Buffers()) || len(a.Children()) != len(b.Children()) {
		return false
	}
	for i, x := range a.Buffers() {
		y := b.Buffers()[i]
		if (x == nil) != (y == nil) || x != nil && !bytes.Equal(x.Bytes(), y.Bytes()) {
			return false
		}
	}
	for i, x := range a.Children() {
		if !sameBytes(x, b.Children()[i]) {
			return false
		}
	}
	return !arrow.TypeEqual(a.DataType(), dictionaryType) || sameBytes(a.Dictionary(), b.Dictionary())
}

// change makes a few small changes in a text, most of them to what JSON's tokens are made of.
func (r dirt) change(text string) string {
	b := []byte(text)
	for range r.IntN(3) + 1 {
		if len(b) == 0 {
			break
		}
		i := r.IntN(len(b))
		switch r.IntN(6) {
		case 0:
			b[i] = byte(r.IntN(256))
		case 1:
			b = append(b[:i], b[i+1:]...)
		case 2:
			b = append(b[:i], append([]byte(r.pick(" ", "0", ".", "e", "-", `"`, `\`, "{", "}", "[", "]", ",", ":", "\x00", "\xff", "é", `\u0041`, "null", "12345678901234567890", "1e5")), b[i:]...)...)
		case 3: // a value in the place of another
			if from := strings.IndexAny(string(b[i:]), ":"); from >= 0 {
				from += i + 1
				if to := strings.IndexAny(string(b[from:]), ",}"); to >= 0 {
					b = append(b[:from], append([]byte(r.value(2)), b[from+to:]...)...)
				}
			}
		case 4: // a member twice, or one less
			if from := strings.IndexByte(string(b[i:]), ','); from >= 0 {
				from += i
				if to := strings.IndexAny(string(b[from+1:]), ",}"); to >= 0 {
					member := string(b[from : from+1+to])
					if r.IntN(2) == 0 {
						member = ""
					} else {
						member += member
					}
					b = append(b[:from], append([]byte(member), b[from+1+to:]...)...)
				}
			}
		case 5:
			b[i] = text[r.IntN(len(text))]
		}
	}
	return strings.ReplaceAll(string(b), "\n", "")
}

// Both paths and the general way give the same of dirty records, each of which comes again with other values and small changes.
func TestPathsOnDirt(t *testing.T) {
	for _, o := range []Options{{DictionaryLimit: 40}, {Limits: jsontext.Limits{ReplaceInvalid: true, MaxDepth: 4}}} {
		for _, watched := range []bool{false, true} {
			o.Bare = map[string]bool{"gamma": true}
			p := newPair(t, o, dirtySchemas(t), watched)
			for seed := range uint64(40) {
				r := dirt{rand.New(rand.NewPCG(seed, 8))}
				u := &batch.Unit{}
				for i, folder := range []string{"alpha", "gamma", "delta"} {
					var text []string
					for range 12 {
						record := r.record()
						for range 8 {
							if r.IntN(3) == 0 {
								text = append(text, r.change(record))
							} else {
								text = append(text, record)
							}
						}
					}
					r.Shuffle(len(text)/2, func(i, j int) { text[i], text[j] = text[j], text[i] })
					o := &batch.Object{Index: i, Key: folder + "/x.json", Source: folder, Arrived: object.Arrived}
					u.Chunks = append(u.Chunks, batch.Chunk{Object: o, Data: jsontext.Pad([]byte(strings.Join(text, r.pick("\n", "\r\n", " \n")))), Lines: true, Line: 1})
				}
				p.check(t, u)
			}
			if s := p.fast.Paths(); s.Fast*8 < s.Records {
				t.Errorf("only %d of %d records went the fast path", s.Fast, s.Records)
			}
		}
	}
}

// Both paths give the same of clean lines with small changes here and there.
func TestPathsOnChangedLines(t *testing.T) {
	s := with(t, "data.device_id string", "data.temperature double", "data.humidity int", "data.count bigint!", "data.seen timestamp", "metadata.location string", "metadata.firmware json")
	s.OnTypeConflict = schema.Quarantine
	other := sensorSchema(t)
	p := newPair(t, Options{DictionaryLimit: 64}, tables{"src": s, "other": other}, true)
	for seed := range uint64(40) {
		r := dirt{rand.New(rand.NewPCG(seed, 9))}
		var text []string
		for _, line := range strings.Split(strings.TrimSpace(sensorLines(200)), "\n") {
			if r.IntN(4) > 0 {
				line = strings.Replace(line, `"humidity"`, `"count":`+strconv.Itoa(r.IntN(9))+`,"seen":"2025-11-25T10:00:00.`+strconv.Itoa(r.IntN(99999))+`Z","humidity"`, 1)
			}
			switch r.IntN(5) {
			case 0:
				line = r.change(line)
			case 1:
				line = strings.Replace(line, `"src"`, r.pick(`"other"`, `null`, `""`, `"Other"`, `5`), 1)
			case 2:
				line = strings.Replace(line, `"source":"src",`, "", 1)
				line = strings.Replace(line, `"ingested_at":"2025-11-25T10`, r.pick(`"ingested_at":"2025-11-25T10`, `"ingested_at":null,"x":"`, `"ingested_at":"soon`), 1)
			}
			text = append(text, line)
		}
		p.check(t, unit(strings.Join(text, "\n")))
	}
	if s := p.fast.Paths(); s.Fast*2 < s.Records {
		t.Errorf("only %d of %d records went the fast path", s.Fast, s.Records)
	}
}

// The same records as spans: their templates may hold newlines.
func TestPathsOnSpans(t *testing.T) {
	p := newPair(t, Options{}, tables{"src": sensorSchema(t)}, false)
	text := strings.NewReplacer(`,"`, ",\n \"", "}\n", "},\n").Replace(sensorLines(50))
	c := batch.Chunk{Object: object, Data: jsontext.Pad([]byte(text)), Line: 1}
	for from := 0; from < len(text); {
		end := from + strings.Index(text[from:], "}}") + 2
		c.Records = append(c.Records, batch.Span{Start: from, End: end})
		from = end + len(",\n")
	}
	p.check(t, &batch.Unit{Chunks: []batch.Chunk{c}})
	if s := p.fast.Paths(); s.Records != 50 || s.Fast != 49 {
		t.Errorf("%+v", s)
	}
}

// Shapes are few, whatever comes, and rare shapes do not keep a decoder busy.
func TestShapesAreBounded(t *testing.T) {
	p := newPair(t, Options{}, always{sensorSchema(t)}, false)
	r := rand.New(rand.NewPCG(5, 5))
	for range 10 {
		var text strings.Builder
		for range 400 {
			fmt.Fprintf(&text, `{"record_id":"a","source":"s%d","data":{`, r.IntN(20))
			for i := range 40 {
				if i > 0 {
					text.WriteByte(',')
				}
				fmt.Fprintf(&text, `"k%d":1`, i*1000+r.IntN(1000))
			}
			text.WriteString("}}\n")
		}
		p.check(t, unit(text.String()))
	}
	total := 0
	for _, s := range p.fast.folders {
		if s.steps > mostSteps+mostValues+1 {
			t.Errorf("%d steps of a folder", s.steps)
		}
		total += s.steps
	}
	if total > mostAllSteps+mostValues+1 || total != p.fast.steps {
		t.Errorf("%d steps, counted %d", total, p.fast.steps)
	}
}

// FuzzPaths holds both paths against each other: line 1 teaches a shape, the second follows it or not.
func FuzzPaths(f *testing.F) {
	for _, seed := range []string{
		`{"record_id":"a","source":"alpha","data":{"s":"x","d":1.5,"i":3,"t":"2025-11-25T10:00:00Z","at":5}}`,
		`{"record_id":1,"data":{"b":1,"l":[1],"r":{"i":1}},"ingested_at":"2025-11-25T10:00:00Z"}`,
		`{"source":"beta","record_id":"b","data":{"i":1,"r":{"i":2},"x":null}}`, `{ "source":"alpha" , "data":{"deep":{"a":1,"b":{"s":""}},"both":{"i":1}}}`,
	} {
		f.Add([]byte(seed), []byte(strings.Replace(seed, "1", "22", 1)))
	}
	schemas := dirtySchemas(f)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		for _, folder := range []string{"alpha", "gamma"} {
			p := newPair(t, Options{Bare: map[string]bool{"gamma": true}, Limits: jsontext.Limits{MaxDepth: 6}}, schemas, true)
			text := fmt.Sprintf("%s\n%s\n%s\n%s\n%s", one, two, one, two, two)
			u := unit(text)
			u.Chunks[0].Object = &batch.Object{Key: "x", Source: folder, Arrived: object.Arrived}
			p.check(t, u)
		}
	})
}
