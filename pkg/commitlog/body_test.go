package commitlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"datalake/pkg/storage/memory"
)

// texts that JSON spells in all ways.
var spellings = []string{"raw/a/2025.json", "", "x", "a\"b", `a\b`, "a<b>&c", "ü/€", "a\u2028b", "\x7f", "\n", "\xff", "{\"key\":", `","etag":"`, "\x00"}

func bodies() []*Body {
	counts := map[string]Counts{"s": {In: 1, Out: 1}}
	all := []*Body{{}, {Counts: counts}}
	var many []Input
	for i, a := range spellings {
		for j, b := range spellings {
			in := Input{Key: fmt.Sprint(a, i), ETag: b + "e", Size: int64(i * j), ModTime: -int64(j), Records: 1 << (4 * i)}
			if i%2 == 0 {
				in.Partitions, in.Rejects = spellings[i:min(i+j%3, len(spellings))], int64(j)
			}
			many = append(many, in)
			all = append(all, &Body{Inputs: []Input{in}}, &Body{Inputs: []Input{in, {Key: "z" + b}}, Counts: counts})
		}
	}
	return append(all, &Body{Inputs: many}, &Body{Inputs: many[:5], Acts: []Act{{Kind: New, Files: []File{}}}})
}

// The code for inputs reads what encoding/json reads.
func TestBodyIsJSON(t *testing.T) {
	for _, b := range bodies() {
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		sameInputs(t, text)
	}
}

// sameInputs checks that a text is read in all ways as encoding/json reads it; it may also be refused as no JSON in the rest.
func sameInputs(t *testing.T, text []byte) {
	t.Helper()
	c, err := codec()
	if err != nil {
		t.Fatal(err)
	}
	want := &Body{}
	wantErr := json.Unmarshal(text, want)
	data := c.enc.EncodeAll(text, nil)
	got, err := DecodeBody(data)
	if (err == nil) != (wantErr == nil) {
		if bytes.Count(bytes.ToLower(text), []byte("inputs")) > 1 || bytes.ContainsRune(text, '\\') {
			return // given twice, which encoding/json takes
		}
		t.Fatalf("%s: %v, but encoding/json says %v", text, err, wantErr)
	}
	if err != nil {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", text, got, want)
	}
	acts, err := decodeActs(data)
	fold, foldErr := decodeFold(7)(data)
	want.Inputs = nil
	if err != nil || !reflect.DeepEqual(acts, want) {
		t.Errorf("%s: acts %+v, %v", text, acts, err)
	}
	wantRun, runErr := runOf(got.Inputs, 7)
	empty := false
	for _, in := range got.Inputs {
		empty = empty || in.Key == "" || in.ETag == ""
	}
	if (foldErr == nil) != (runErr == nil) && !empty {
		t.Errorf("%s: fold says %v, want %v", text, foldErr, runErr)
	}
	if foldErr == nil && runErr == nil && !bytes.Equal(appendBlock(nil, fold.inputs), appendBlock(nil, wantRun)) {
		t.Errorf("%s: fold gives %v, want %v", text, fold.inputs, wantRun)
	}
}

func FuzzBody(f *testing.F) {
	for _, b := range bodies()[:40] {
		text, err := json.Marshal(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"inputs":[{"key":"a","etag":"b","size":01,"mod_time":0,"records":-}],"acts":null}`))
	f.Add([]byte(`{"inputs":[{"key":"a","etag":"b","size":9223372036854775808,"mod_time":0,"records":0}]}`))
	f.Add([]byte(`{"inputs":[{"key":"a","etag":"b","size":1,"mod_time":0,"records":0,"partitions":[]}],"Inputs":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) { sameInputs(t, text) })
}

// An entry in which a bit has flipped is seen to be none, without any entry after it.
func TestEntryHasACheck(t *testing.T) {
	l := open(t, memory.New())
	story(t, l, 3)
	r, err := l.Entry(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.data {
		for bit := range 8 {
			data := bytes.Clone(r.data)
			data[i] ^= 1 << bit
			if e, err := DecodeEntry(data); err == nil {
				t.Errorf("bit %d of byte %d: %+v", bit, i, e)
			}
		}
	}
	// Entries of format 1 have none, and are read.
	e := *r.Entry
	e.Format = 1
	data, err := e.Encode()
	if err != nil || bytes.Contains(data, []byte("check")) {
		t.Fatalf("%s, %v", data, err)
	}
	if got, err := DecodeEntry(data); err != nil || !reflect.DeepEqual(got, &e) {
		t.Errorf("an old entry: %+v, %v", got, err)
	}
}

func BenchmarkBody(b *testing.B) {
	body := &Body{}
	for i := range 100_000 {
		body.Inputs = append(body.Inputs, Input{
			Key: fmt.Sprintf("raw/source/year=2025/month=11/day=25/2025-11-25T%06d-%s.json", i, hash(i)[:8]), ETag: hash(i)[:32], Size: 100,
			ModTime: 1764000000000 + int64(i), Records: 1, Partitions: []string{"source=events/year=2025/month=11/day=25"},
		})
	}
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("read", func() error {
		var l inputList
		_, ok := scanInputs(bytes.Clone(text), l.add)
		if !ok {
			return ErrInvalid
		}
		return nil
	})
	run("json-read", func() error { return json.Unmarshal(text, &Body{}) })
	run("scan", func() error { scanInputs(bytes.Clone(text), func(*rawInput) {}); return nil })
}

// A body that says it holds gigabytes is found out before room is made for them.
func TestBodyOfImpossibleSize(t *testing.T) {
	frame := []byte("\x28\xb5\x2f\xfd\x80\x2f\x1f\x74\xd3\xcd") // a content of 3.4 GB, by its header
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := DecodeBody(frame)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrChain) || after.TotalAlloc-before.TotalAlloc > 1<<28 {
		t.Errorf("%v, after %d bytes", err, after.TotalAlloc-before.TotalAlloc)
	}
}
