package input

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/batch"
	"datalake/pkg/storage"
)

// show writes what was found as one line each, in order of offsets.
func show(records, broken []found) string {
	var b strings.Builder
	for len(records)+len(broken) > 0 {
		if len(broken) == 0 || len(records) > 0 && (records[0].Object < broken[0].Object || records[0].Object == broken[0].Object && records[0].Offset <= broken[0].Offset) {
			fmt.Fprintf(&b, "%d:%d %s\n", records[0].Offset, records[0].Line, strings.ReplaceAll(records[0].Text, "\n", "⏎"))
			records = records[1:]
			continue
		}
		r := broken[0]
		cut := ""
		if r.Cut {
			cut = "…"
		}
		fmt.Fprintf(&b, "%d:%d %s(%s%s)\n", r.Offset, r.Line, r.Rule, strings.ReplaceAll(r.Payload, "\n", "⏎"), cut)
		broken = broken[1:]
	}
	return b.String()
}

// Each text with what is found in it: offset:line record, or offset:line rule(payload).
var brokenCases = []struct {
	name, text, recordsAt string
	max                   int64
	want                  []string
}{
	{name: "empty"},
	{name: "blank", text: " \n\t\r\n"},
	{name: "mark only", text: "\ufeff"},
	{name: "one record", text: `{"a":1}`, want: []string{`0:1 {"a":1}`}},
	{name: "one broken record", text: `{"a":1,`, want: []string{`0:1 json({"a":1,)`}},
	{name: "broken first line", text: "{\"a\":\n{\"a\":1}\n{\"a\":2}\n", want: []string{`0:1 {"a":`, `6:2 {"a":1}`, `14:3 {"a":2}`}},
	{name: "torn first line", text: "{\"a\":\"x\n{\"a\":1}\n", want: []string{`0:1 {"a":"x`, `8:2 {"a":1}`}},
	{name: "log line first", text: "[2025-11-25] started\n{\"a\":1}\n", want: []string{`0:1 [2025-11-25] started`, `21:2 {"a":1}`}},
	{name: "no JSON", text: "a,b\n1,2\n", want: []string{`0:1 a,b`, `4:2 1`, `5:2 ,2`}},
	{name: "lines of NaN", text: "{\"a\":NaN}\n{\"a\":NaN}\n", want: []string{`0:1 {"a":NaN}`, `10:2 {"a":NaN}`}},
	{name: "lines in an array with broken first", text: "[{\"a\":tru},\n{\"b\":1},\n{\"c\":1}\n]", want: []string{`1:1 {"a":tru}`, `12:2 {"b":1}`, `21:3 {"c":1}`}},
	{name: "pretty with short ones", text: "{}\n{\n\"a\":1\n}\n{}\n", want: []string{`0:1 {}`, `3:2 {⏎"a":1⏎}`, `13:5 {}`}},
	{name: "NDJSON of arrays", text: "[{\"a\":1}]\n[{\"a\":2},{\"a\":3}]\n", want: []string{`1:1 {"a":1}`, `11:2 {"a":2}`, `19:2 {"a":3}`}},
	{name: "array in array", text: `[[{"a":1}],2,"x",null,{"b":1}]`, want: []string{`1:1 [{"a":1}]`, `11:1 2`, `13:1 "x"`, `17:1 null`, `22:1 {"b":1}`}},
	{name: "commas", text: `[,{"a":1},,{"b":1},]`, want: []string{`1:1 json(,)`, `2:1 {"a":1}`, `10:1 json(,)`, `11:1 {"b":1}`, `19:1 json()`}},
	{name: "no comma", text: `[{"a":1} {"b":1}]`, want: []string{`1:1 {"a":1}`, `9:1 {"b":1}`, `9:1 json()`}},
	{name: "array does not end", text: `[{"a":1},{"b":1}`, want: []string{`1:1 {"a":1}`, `9:1 {"b":1}`, `16:1 json()`}},
	{name: "array ends twice", text: "[{\"a\":1}]]\n[{\"b\":1}]", want: []string{`1:1 {"a":1}`, `9:1 json(])`, `12:2 {"b":1}`}},
	{name: "words in an array", text: `[NaN, {"a":1}, undefined]`, want: []string{`1:1 json(NaN)`, `6:1 {"a":1}`, `15:1 json(undefined)`}},
	{name: "text between", text: "{\n\"a\":1}\n-- more:\n{\"b\":1} xyz {\"c\":1}", want: []string{`0:1 {⏎"a":1}`, `9:3 json(-- more:)`, `18:4 {"b":1}`, `26:4 json(xyz)`, `30:4 {"c":1}`}},
	{name: "comma between values", text: "{\n\"a\":1},{\"b\":1}", want: []string{`0:1 {⏎"a":1}`, `8:2 json(,)`, `9:2 {"b":1}`}},
	{name: "wrong bracket", text: `[{"a":[1},{"b":1}]`, want: []string{`1:1 {"a":[1}`, `10:1 {"b":1}`}},
	{name: "missing brace at the array's end", text: `[{"b":1},{"a":1]`, want: []string{`1:1 {"b":1}`, `9:1 json({"a":1)`}},
	{name: "missing brace, next line", text: "[\n {\"a\":{\"x\":1},\n {\"b\":1},\n {\"c\":1}\n]", want: []string{`3:2 json({"a":{"x":1},)`, `18:3 {"b":1}`, `28:4 {"c":1}`}},
	{name: "missing brace, pretty", text: "{\n  \"a\": {\n    \"x\": 1\n  }\n{\n  \"b\": 1\n}\n", want: []string{`0:1 json({⏎  "a": {⏎    "x": 1⏎  })`, `26:5 {⏎  "b": 1⏎}`}},
	{name: "torn string, pretty", text: "{\n  \"a\": \"oops,\n  \"b\": 1\n}\n{\n  \"b\": \"}\"\n}\n", want: []string{`0:1 {⏎  "a": "oops,⏎  "b": 1⏎}`, `27:5 {⏎  "b": "}"⏎}`}},
	{name: "torn string and brace", text: "{\n  \"a\": \"oops}\n{\n  \"b\": \"}\"\n}\n", want: []string{`0:1 json({⏎  "a": "oops})`, `16:3 {⏎  "b": "}"⏎}`}},
	{name: "missing bracket, found at the end", text: "[\n{\"a\":[{\"x\":1},\n{\"b\":1},\n{\"c\":1}", want: []string{`2:2 json({"a":[{"x":1},)`, `17:3 {"b":1}`, `26:4 {"c":1}`, `33:4 json()`}},
	{name: "unindented, valid", text: "{\"a\":[\n{\"b\":1},\n{\"b\":2}\n,{\"b\":3}],\"c\":\n{}}\n{\"d\":\n1}", want: []string{`0:1 {"a":[⏎{"b":1},⏎{"b":2}⏎,{"b":3}],"c":⏎{}}`, "43:6 {\"d\":⏎1}"}},
	{name: "first on the bracket's line", text: "[{\"a\":1,\n {\"b\":1},\n {\"c\":1}]", want: []string{`1:1 json({"a":1,)`, `10:2 {"b":1}`, `20:3 {"c":1}`}},
	{name: "commas first, missing brace", text: "[\n{\"a\":1\n,{\"b\":1}\n,{\"c\":1}\n]", want: []string{`2:2 json({"a":1)`, `10:3 {"b":1}`, `19:4 {"c":1}`}},
	{name: "open brackets", text: "[[[[{\"a\":\"\\\\", want: []string{`1:1 json([[[{"a":"\\)`}},

	{name: "no holder", text: "{\"x\":[1]}\n[1]\n7\n{\"r\":{\"a\":1}}\n{\"r\":[{\"a\":1}]}", recordsAt: "r", want: []string{
		`0:1 records_at({"x":[1]})`, `10:2 records_at([1])`, `14:3 records_at(7)`, `16:4 records_at({"r":{"a":1}})`, `36:5 {"a":1}`,
	}},
	{name: "holder does not end", text: `{"r":[{"a":1}],"x":1`, recordsAt: "r", want: []string{`6:1 {"a":1}`, `20:1 json()`}},
	{name: "holder's array does not end", text: `{"r":[{"a":1},{"b":`, recordsAt: "r", want: []string{`6:1 {"a":1}`, `14:1 json({"b":)`}},
	{name: "broken in a holder", text: "{\"r\":[\n{\"a\":1,\n{\"b\":1}\n]}", recordsAt: "r", want: []string{`7:2 json({"a":1,)`, `15:3 {"b":1}`}},
	{name: "keys that are values", text: `{"x":"r","y":["r",[1]],"r":5,"r":[{"a":1}]}`, recordsAt: "r", want: []string{`34:1 {"a":1}`}},

	{name: "large line", text: "{\"a\":1}\n{\"b\":\"" + strings.Repeat("x", 100) + "\"}\n{\"c\":1}\n", max: 64, want: []string{
		`0:1 {"a":1}`, `8:2 size({"b":"` + strings.Repeat("x", 100) + `"})`, `117:3 {"c":1}`,
	}},
	{name: "large last line", text: "{\"a\":1}\n{\"b\":\"" + strings.Repeat("x", 100) + "\"}", max: 64, want: []string{
		`0:1 {"a":1}`, `8:2 size({"b":"` + strings.Repeat("x", 100) + `"})`,
	}},
	{name: "large value", text: "[{\"a\":1},{\"b\":\"" + strings.Repeat("x", 100) + "\"},{\"c\":1}]", max: 64, want: []string{
		`1:1 {"a":1}`, `9:1 size({"b":"` + strings.Repeat("x", 100) + `"})`, `118:1 {"c":1}`,
	}},
}

func TestBroken(t *testing.T) {
	for _, c := range brokenCases {
		t.Run(c.name, func(t *testing.T) {
			want := strings.Join(c.want, "\n") + "\n"
			if len(c.want) == 0 {
				want = ""
			}
			for name, compress := range compressions {
				for _, chunk := range []int{64, 1 << 20} {
					l := newLake(t)
					l.put(t, compress(t, c.text), c.recordsAt)
					records, broken := l.read(t, Options{ChunkBytes: chunk, MaxRecord: c.max})
					for i := range broken { // of ranges they count from the chunk's first line
						broken[i].Line = int64(1 + strings.Count(c.text[:broken[i].Offset], "\n"))
					}
					if d := cmp.Diff(want, show(records, broken)); d != "" {
						t.Fatalf("%s, chunk %d: %s", name, chunk, d)
					}
				}
			}
		})
	}
}

// Records above the limit go, wherever chunks and reads end; the others stay.
func TestLargeRecords(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 2))
		large := func(n int) string { return `{"x":["` + strings.Repeat("y{", n/2) + `"]}` }
		var rs []string
		for range 10 + r.IntN(10) {
			if r.IntN(4) == 0 {
				rs = append(rs, large(300+r.IntN(100<<10)))
			} else {
				rs = append(rs, large(r.IntN(200)))
			}
		}
		for _, form := range renderings {
			if strings.Contains(form.name, "pretty") || form.name == "several on a line" || form.name == "one line, no end" {
				continue
			}
			var w writer
			form.write(&w, rs)
			var want []found
			sizes := 0
			for _, f := range w.want {
				if len(f.Text) <= 256 {
					want = append(want, f)
				} else {
					sizes++
				}
			}
			for _, chunk := range []int{64, 4 << 10, 1 << 20} {
				for _, name := range []string{"plain", "zstds"} {
					l := newLake(t)
					l.put(t, compressions[name](t, w.String()), form.recordsAt)
					records, broken := l.read(t, Options{ChunkBytes: chunk, MaxRecord: 256})
					if d := cmp.Diff(want, records); d != "" {
						t.Fatalf("%s, %s, chunk %d, seed %d: %s", form.name, name, chunk, seed, d)
					}
					if len(broken) != sizes {
						t.Fatalf("%s, %s, chunk %d, seed %d: %d broken places, want %d", form.name, name, chunk, seed, len(broken), sizes)
					}
					for _, b := range broken {
						text := w.String()[b.Offset:]
						if b.Rule != "size" || !strings.HasPrefix(text, b.Payload) || len(b.Payload) < 256 || len(b.Payload) > maxPayload {
							t.Fatalf("%s, %s, chunk %d, seed %d: %+v", form.name, name, chunk, seed, b)
						}
					}
				}
			}
		}
	}
}

// A cut or damaged object gives the records before the damage, and one broken place.
func TestBrokenContent(t *testing.T) {
	var plain strings.Builder
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 3000 {
		fmt.Fprintf(&plain, "{\"i\":%d,\"x\":\"%x\"}\n", i, r.Uint64())
	}
	text := plain.String()
	array := "[" + strings.ReplaceAll(strings.TrimSpace(text), "\n", ",\n") + "]"
	check := func(t *testing.T, name, full, stored string, reasons ...string) {
		t.Helper()
		l := newLake(t, stored)
		records, broken := l.read(t, Options{ChunkBytes: 4 << 10})
		for _, f := range records {
			if !strings.HasPrefix(full[f.Offset:], f.Text) || f.Text[len(f.Text)-1] != '}' {
				t.Fatalf("%s: record %+v", name, f)
			}
		}
		if len(reasons) == 0 {
			if len(broken) != 0 {
				t.Fatalf("%s: %+v", name, broken)
			}
			return
		}
		if len(broken) != 1 || broken[0].Rule != "broken" {
			t.Fatalf("%s: %+v", name, broken)
		}
		b := broken[0]
		known := false
		for _, reason := range reasons {
			known = known || strings.Contains(b.Reason, reason)
		}
		if !known {
			t.Fatalf("%s: reason %q", name, b.Reason)
		}
		if int(b.Offset) > len(full) || !strings.HasSuffix(full[:b.Offset], b.Payload) {
			t.Fatalf("%s: payload %q at %d", name, b.Payload, b.Offset)
		}
		// All records that end before the break are there.
		if n := strings.Count(full[:b.Offset], "}"); n != len(records) {
			t.Fatalf("%s: %d records, %d end before the break", name, len(records), n)
		}
	}
	for _, full := range []string{text, array} {
		gz := gzipped2(t, full, 1)
		zs := zstded(t, full, 2)
		for range 25 {
			n := 20 + r.IntN(len(gz)-20)
			check(t, fmt.Sprintf("gzip cut at %d", n), full, gz[:n], "gzip data ends early")
		}
		head := len("\x52\x2a\x4d\x18\x03\x00\x00\x00abc") + 4
		boundary := strings.Index(zs[head:], "\x50\x2a\x4d\x18") + head
		for range 25 {
			n := head + r.IntN(len(zs)-head-12)
			if n >= boundary && n <= boundary+12 {
				continue
			}
			check(t, fmt.Sprintf("zstd cut at %d", n), full, zs[:n], "zstd data ends early")
		}
		sum := []byte(gz)
		sum[len(sum)-8] ^= 1
		check(t, "gzip checksum", full, string(sum), "gzip checksum or length is wrong")
		sum = []byte(zs)
		sum[len(sum)-9] ^= 1
		check(t, "zstd checksum", full, string(sum), "zstd checksum or length is wrong")
		check(t, "gzip garbage", full, gz+"\x00\x00garbage", "no gzip member")
		check(t, "gzip padding", full, gz+strings.Repeat("\x00", 100))
		check(t, "zstd garbage", full, zs+"garbage", "no zstd frame")
		check(t, "gzip, bad second header", full, gz+"\x1f\x8b\xff\x00\x00\x00\x00\x00\x00\x00", "gzip header is wrong")
		check(t, "gzip, short second header", full, gz+"\x1f\x8b\x08", "gzip data ends early")
		for range 25 { // a changed byte is noticed, or changed nothing
			b := []byte(gz)
			b[20+r.IntN(len(b)-20)] ^= byte(1 + r.IntN(255))
			_, broken := newLake(t, string(b)).read(t, Options{ChunkBytes: 4 << 10})
			if n := len(broken); n == 0 || broken[n-1].Rule != "broken" {
				t.Fatalf("damaged gzip: %+v", broken)
			}
		}
	}
	one := gzipped2(t, `{"a":1}`, 1)
	sum := []byte(one)
	sum[len(sum)-8] ^= 1
	records, broken := newLake(t, string(sum), one[:len(one)-9], one).read(t, Options{})
	if got, want := show(records, broken), "0:1 {\"a\":1}\n7:1 broken()\n0:1 {\"a\":1}\n7:1 broken()\n0:1 {\"a\":1}\n"; got != want {
		t.Errorf("one record: %s", cmp.Diff(want, got))
	}
}

func TestWide(t *testing.T) {
	wide := func(mark bool, order binary.AppendByteOrder) string {
		var b []byte
		if mark {
			b = order.AppendUint16(b, 0xfeff)
		}
		for _, c := range "{\"a\":1}\n" {
			b = order.AppendUint16(b, uint16(c))
		}
		return string(b)
	}
	l := newLake(t, wide(true, binary.LittleEndian), wide(true, binary.BigEndian), wide(false, binary.LittleEndian), wide(false, binary.BigEndian),
		"\x00\x00\x00{", "{\x00\x00\x00", "\x00\x00\xfe\xff\x00\x00\x00{", `{"a":1}`)
	records, broken := l.read(t, Options{})
	if len(records) != 1 || len(broken) != 7 {
		t.Fatalf("%+v %+v", records, broken)
	}
	for _, b := range broken {
		if b.Rule != "broken" || !strings.Contains(b.Reason, "UTF-16") {
			t.Fatalf("%+v", b)
		}
	}
}

// An object that is gone leaves the others of its task; other failures of the store stop it. Each names the object.
func TestStoreErrors(t *testing.T) {
	other := errors.New("no route")
	for _, fault := range []error{storage.ErrNotFound, storage.ErrChanged, other} {
		l := newLake(t, `{"a":1}`, `{"b":1}`, `{"c":1}`)
		l.SetFaults(func(op, key string) error {
			if key == l.objects[1].Key {
				return fault
			}
			return nil
		}, nil)
		var bufs Buffers
		var got []string
		for task := range Tasks(l, l.objects, Options{}) {
			for u, err := range task.Units(context.Background(), &bufs) {
				var failed *ObjectError
				if errors.As(err, &failed) {
					if failed.Object != l.objects[1] || !errors.Is(err, fault) || failed.Gone() == (fault == other) || !strings.Contains(err.Error(), l.objects[1].Key) {
						t.Fatalf("%v", err)
					}
					got = append(got, "failed")
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range u.Chunks {
					for _, f := range chunkRecords(t, c, map[*batch.Object]int64{}) {
						got = append(got, f.Text)
					}
				}
			}
		}
		want := []string{"failed", `{"a":1}`, `{"c":1}`}
		if fault == other {
			want = []string{"failed"}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%v: %s", fault, d)
		}
	}
}

// Every request of a range or of a compressed object fails in turn, and the failure comes out.
func TestEveryRequestFails(t *testing.T) {
	text := strings.Repeat("{\"a\":1}\n", 100<<10)
	l := newLake(t, text, gzipped2(t, text, 3), zstded(t, text, 2))
	run := func(failAt int) (requests int, failed error) {
		l.SetFaults(func(op, key string) error {
			if requests++; requests == failAt {
				return errors.New("planted")
			}
			return nil
		}, nil)
		var bufs Buffers
		for task := range Tasks(l, l.objects, Options{ChunkBytes: 64 << 10, Recheck: true}) {
			for u, err := range task.Units(context.Background(), &bufs) {
				if err != nil {
					failed = err
					continue
				}
				bufs.Release(u)
			}
		}
		return requests, failed
	}
	n, err := run(0)
	if err != nil || n < 8 {
		t.Fatalf("%d requests, %v", n, err)
	}
	for i := 1; i <= n; i++ {
		_, err := run(i)
		var failed *ObjectError
		if !errors.As(err, &failed) || failed.Gone() || !strings.Contains(err.Error(), "planted") {
			t.Fatalf("request %d of %d: %v", i, n, err)
		}
	}
}

func TestRecheckAndCancel(t *testing.T) {
	l := newLake(t, `{"a":1}`)
	l.objects[0].ETag = ""
	var bufs Buffers
	for task := range Tasks(l, l.objects, Options{Recheck: true}) {
		for _, err := range task.Units(context.Background(), &bufs) {
			var failed *ObjectError
			if !errors.As(err, &failed) || !failed.Gone() {
				t.Fatalf("changed object: %v", err)
			}
		}
	}
	l = newLake(t, strings.Repeat("{\"a\":1}\n", 1000))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	units, last := 0, error(nil)
	for task := range Tasks(l, l.objects[:1], Options{ChunkBytes: 1 << 10}) {
		for u, err := range task.Units(ctx, &bufs) {
			if last = err; err == nil {
				units++
				bufs.Release(u)
				cancel()
			}
		}
	}
	if units != 1 || !errors.Is(last, context.Canceled) {
		t.Fatalf("%d units, %v", units, last)
	}
	for task := range Tasks(l, l.objects[:1], Options{ChunkBytes: 1 << 10}) { // whoever wants no more may stop
		for u := range task.Units(context.Background(), &bufs) {
			bufs.Release(u)
			break
		}
	}
}
