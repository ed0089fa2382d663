package decode

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"go.uber.org/goleak"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type tables map[string]*schema.Schema

func (t tables) Schema(source string) *schema.Schema { return t[source] }

// with is an enveloped source's schema with columns given as "path type", a ! behind the type for required.
func with(t testing.TB, columns ...string) *schema.Schema {
	t.Helper()
	s := schema.Common("src", schema.Enveloped)
	s.EventTime.Path = schema.Path{"data", "at"}
	var cols []schema.Column
	for _, c := range columns {
		path, typ, _ := strings.Cut(c, " ")
		typ, required := strings.CutSuffix(typ, "!")
		p, err := schema.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		ty, err := schema.ParseType(typ)
		if err != nil {
			t.Fatal(err)
		}
		cols = append(cols, schema.Column{Name: strings.ReplaceAll(path, ".", "_"), Type: ty, Path: p, Required: required})
	}
	s, err := s.Extend(cols)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var object = &batch.Object{Key: "raw/src/a.json", Source: "src", Arrived: 1_764_064_800_000}

func unit(text string) *batch.Unit {
	return &batch.Unit{Chunks: []batch.Chunk{{Object: object, Data: jsontext.Pad([]byte(text)), Lines: true, Line: 1}}}
}

// always is the schema of every source.
type always struct{ s *schema.Schema }

func (a always) Schema(string) *schema.Schema { return a.s }

// decodeRows gives the values of the named columns, a line a row, and the rejects.
func decodeRows(t testing.TB, o Options, s *schema.Schema, u *batch.Unit, columns ...string) (rows, rejects []string) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	o.Allocator = mem
	d, err := New(o, always{s}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Decode(u)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	for _, b := range out.Batches {
		for row := range b.NumRows() {
			var values []string
			for _, name := range columns {
				values = append(values, b.Record.Column(b.Column(name)).ValueStr(row))
			}
			rows = append(rows, strings.Join(values, " | "))
		}
	}
	for _, r := range out.Rejects {
		rejects = append(rejects, fmt.Sprintf("%s@%d line %d: %s: %s", r.Rule, r.Offset, r.Line, r.Reason, r.Payload))
	}
	return rows, rejects
}

func TestTypes(t *testing.T) {
	for _, c := range []struct{ typ, value, want, rescued string }{
		{"string", `"a\u00e9\n"`, "aé\n", ""},
		{"string", `5`, "(null)", `5`},
		{"string", `null`, "(null)", ""},
		{"boolean", `true`, "true", ""},
		{"boolean", `"false"`, "false", ""},
		{"boolean", `0`, "(null)", `0`},
		{"int", `81.0`, "81", ""},
		{"int", `"8e1"`, "80", ""},
		{"int", `2147483648`, "(null)", `2147483648`},
		{"int", `1.5`, "(null)", `1.5`},
		{"bigint", `9223372036854775807`, "9223372036854775807", ""},
		{"bigint", `9223372036854775808`, "(null)", `9223372036854775808`},
		{"bigint", `"032"`, "(null)", `"032"`},
		{"bigint", `" 5"`, "(null)", `" 5"`},
		{"double", `0.1`, "0.1", ""},
		{"double", `12345678901234567890`, "1.2345678901234567e+19", `12345678901234567890`},
		{"double", `1e400`, "(null)", `1e400`},
		{"float", `0.5`, "0.5", ""},
		{"float", `16777217`, "1.6777216e+07", `16777217`},
		{"decimal(5,2)", `123.45`, "123.45", ""},
		{"decimal(5,2)", `"1.5"`, "1.5", ""},
		{"decimal(5,2)", `1.005`, "(null)", `1.005`},
		{"date", `"2025-02-28"`, "2025-02-28", ""},
		{"date", `"2025-02-29"`, "(null)", `"2025-02-29"`},
		{"timestamp", `"2025-11-25T10:00:00.1239+01:00"`, "2025-11-25 09:00:00.123Z", ""},
		{"timestamp", `"nope"`, "(null)", `"nope"`},
		{"binary", `"aGk="`, "aGk=", ""},
		{"binary", `"aGk"`, "aGk=", ""},
		{"binary", `"a"`, "(null)", `"a"`},
		{"json", `{ "b" : [1, 2.50] }`, `{"b":[1,2.50]}`, ""},
		{"json", `"x"`, `"x"`, ""},
		{"list<bigint>", `[1, null, "3"]`, "[1,null,3]", ""},
		{"list<bigint>", `[1, "x"]`, "(null)", `[1,"x"]`},
		{"list<bigint>", `[]`, "[]", ""},
		{"list<list<string>>", `[["a"],[],null]`, `[["a"],[],null]`, ""},
		{"map<string,double>", `{"a":1,"b":null}`, `[{"key":"a","value":1},{"key":"b","value":null}]`, ""},
		{"map<string,double>", `{"a":"x"}`, "(null)", `{"a":"x"}`},
		{"struct<a:int,b:list<string>>", `{"a":1,"b":["x"]}`, `{"a":1,"b":["x"]}`, ""},
	} {
		s := with(t, "data.x "+c.typ)
		rows, rejects := decodeRows(t, Options{}, s, unit(`{"record_id":"r","source":"src","data":{"x":`+c.value+`}}`), "data_x", "_rescued")
		want := c.want + " | (null)"
		if c.rescued != "" {
			want = c.want + ` | {"data.x":` + c.rescued + "}"
		}
		if len(rejects) > 0 || len(rows) != 1 || rows[0] != want {
			t.Errorf("%s as %s:\n got %q %q\nwant %q", c.value, c.typ, rows, rejects, want)
		}
	}
	// Members of a struct that have no field, or do not fit theirs, are rescued one by one.
	s := with(t, "data.x struct<a:int,b:int>")
	rows, _ := decodeRows(t, Options{}, s, unit(`{"record_id":"r","source":"src","data":{"x":{"a":"q","c":{"d":1},"b":2}}}`), "data_x", "_rescued")
	if want := `{"a":null,"b":2} | {"data.x.a":"q","data.x.c":{"d":1}}`; len(rows) != 1 || rows[0] != want {
		t.Errorf("struct: got %q, want %q", rows, want)
	}
}

func TestRecords(t *testing.T) {
	s := with(t, "data.v bigint!", "data.o.p string", "extra string")
	s.EventTime.Formats = []string{"rfc3339", "epoch"}
	for _, c := range []struct {
		name, text    string
		rows, rejects []string
	}{
		{
			"envelope", `{"record_id":"r","source":"src","ingested_at":"2025-11-25T10:00:00Z","data":{"at":"2025-11-24T00:00:00Z","v":1}}`,
			[]string{"r | 2025-11-24 00:00:00Z | 2025-11-25 10:00:00Z | 1 | (null)"},
			nil,
		},
		{
			"number as id, epoch", `{"record_id":12,"source":"src","ingested_at":1764064800123,"data":{"at":1764064800,"v":1}}`,
			[]string{"12 | 2025-11-25 10:00:00Z | 2025-11-25 10:00:00.123Z | 1 | (null)"},
			nil,
		},
		{
			"future and bad times are missing", `{"record_id":"r","source":"src","data":{"at":"2026-01-01","v":1}}
{"record_id":"r","source":"src","data":{"at":"soon","v":1}}`,
			[]string{`r | 2025-11-25 10:00:00Z | 2025-11-25 10:00:00Z | 1 | {"data.at":"2026-01-01"}`, `r | 2025-11-25 10:00:00Z | 2025-11-25 10:00:00Z | 1 | {"data.at":"soon"}`},
			nil,
		},
		{
			"required", `{"record_id":"r","source":"src","data":{"v":null}}`, nil,
			[]string{`required@0 line 1: no data.v: {"record_id":"r","source":"src","data":{"v":null}}`},
		},
		{
			"broken lines cost themselves", "\n{\"a\":\n 5 \n{\"record_id\":\"r\",\"source\":\"src\",\"data\":{\"v\":1}}\r\n\n[1]\nx",
			[]string{"r | 2025-11-25 10:00:00Z | 2025-11-25 10:00:00Z | 1 | (null)"},
			[]string{"json@1 line 2: ", "object@8 line 3: not an object: 5 ", "object@61 line 6: not an object: [1]", "json@65 line 7: "},
		},
		{
			"two on a line", `{"record_id":"a","source":"src","data":{"v":1}} {"record_id":"b","source":"src","data":{"v":2}} x`,
			[]string{"a | 2025-11-25 10:00:00Z | 2025-11-25 10:00:00Z | 1 | (null)"},
			[]string{`json@48 line 1: text after the record: {"record_id":"b","source":"src","data":{"v":2}} x`},
		},
		{
			"repeated keys, the last counts", `{"record_id":"r","source":"src","data":{"v":1,"u":1,"v":2,"u":3},"data":{"v":7,"u":4,"u":5}}`,
			[]string{`r | 2025-11-25 10:00:00Z | 2025-11-25 10:00:00Z | 7 | {"data.u":5}`},
			nil,
		},
		{
			"unknown values are rescued in order", `{"zz":1,"record_id":"r","source":"src","data":{"o":{"q":[1, 2],"p":5},"v":1},"extra":{}}`,
			[]string{`r | 2025-11-25 10:00:00Z | 2025-11-25 10:00:00Z | 1 | {"zz":1,"data.o.q":[1,2],"data.o.p":5}`},
			nil,
		},
		{
			"encoding and depth", "{\"record_id\":\"\xff\",\"data\":{\"v\":1}}\n{\"a\":" + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "}", nil,
			[]string{"encoding@0 line 1: ", "depth@33 line 2: "},
		},
	} {
		rows, rejects := decodeRows(t, Options{}, s, unit(c.text), "record_id", "event_time", "ingested_at", "data_v", "_rescued")
		if strings.Join(rows, "\n") != strings.Join(c.rows, "\n") {
			t.Errorf("%s:\n got %q\nwant %q", c.name, rows, c.rows)
		}
		if len(rejects) != len(c.rejects) {
			t.Errorf("%s: rejects %q, want %q", c.name, rejects, c.rejects)
			continue
		}
		for i, r := range rejects {
			if !strings.HasPrefix(r, c.rejects[i]) {
				t.Errorf("%s: reject %q, want %q", c.name, r, c.rejects[i])
			}
		}
	}
}

func TestTypeConflictQuarantines(t *testing.T) {
	s := with(t, "data.v bigint")
	s.OnTypeConflict = schema.Quarantine
	rows, rejects := decodeRows(t, Options{}, s, unit(`{"record_id":"r","source":"src","data":{"v":"x"}}`), "data_v")
	if len(rows) != 0 || len(rejects) != 1 || !strings.HasPrefix(rejects[0], `type@0 line 1: data.v is no bigint: "x"`) {
		t.Errorf("rows %q, rejects %q", rows, rejects)
	}
}

// Same rows from spans as from lines, also where records share a line or span several.
func TestSpans(t *testing.T) {
	text := "[\n {\"record_id\":\"a\",\n\"source\":\"src\",\"data\":{\"v\":1}},{\"record_id\":\"b\",\"source\":\"src\",\"data\":{\"v\":\n2}}\n, {bad} ]"
	var c batch.Chunk
	c.Object, c.Data, c.Line, c.Offset = object, jsontext.Pad([]byte(text)), 10, 100
	for _, r := range []string{"{\"record_id\":\"a\",\n\"source\":\"src\",\"data\":{\"v\":1}}", "{\"record_id\":\"b\",\"source\":\"src\",\"data\":{\"v\":\n2}}", "{bad}"} {
		at := strings.Index(text, r)
		c.Records = append(c.Records, batch.Span{Start: at, End: at + len(r)})
	}
	rows, rejects := decodeRows(t, Options{}, with(t, "data.v bigint"), &batch.Unit{Chunks: []batch.Chunk{c}}, "record_id", "data_v")
	if fmt.Sprint(rows) != "[a | 1 b | 2]" || len(rejects) != 1 || !strings.HasPrefix(rejects[0], "json@203 line 14: ") {
		t.Errorf("rows %q, rejects %q", rows, rejects)
	}
}

// Values of a random record, decoded by the schema, are those that encoding/json gives.
func TestAgainstStandard(t *testing.T) {
	s := with(t, "data.a bigint", "data.b string", "data.c double", "data.d.e boolean", "data.d.f json", "data.g list<string>")
	r := rand.New(rand.NewPCG(1, 2))
	var lines []string
	var want []string
	for i := range 3000 {
		values := map[string]any{}
		pick := func(key string, all ...any) {
			if v := all[r.IntN(len(all))]; v != nil {
				values[key] = v
			}
		}
		pick("a", nil, r.Int64(), -r.Int64N(100), int64(0))
		pick("b", nil, "", "plain", "ü \" \\ \n", strings.Repeat("long", r.IntN(20)), fmt.Sprint(r.IntN(10)))
		pick("c", nil, r.Float64(), r.NormFloat64()*1e10, 0.5)
		d := map[string]any{}
		if r.IntN(2) == 0 {
			d["e"] = r.IntN(2) == 0
		}
		if r.IntN(3) == 0 {
			d["f"] = []any{"x", 1.0, map[string]any{"k": true}}
		}
		if r.IntN(3) > 0 {
			values["d"] = d
		}
		pick("g", nil, []any{}, []any{"x", nil, "y"})
		text, err := json.Marshal(map[string]any{"record_id": fmt.Sprint(i), "source": "src", "data": values})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
		show := func(v any, ok bool) string {
			switch v := v.(type) {
			case nil:
				return "(null)"
			case string:
				return v
			default:
				b, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
		}
		row := []string{fmt.Sprint(i), show(values["a"], true), show(values["b"], true), "", show(d["e"], true), show(d["f"], true), show(values["g"], true)}
		if values["d"] == nil {
			row[4], row[5] = "(null)", "(null)"
		}
		if v, ok := values["c"].(float64); ok {
			row[3] = fmt.Sprint(v)
		} else {
			row[3] = "(null)"
		}
		want = append(want, strings.Join(row, " | "))
	}
	rows, rejects := decodeRows(t, Options{}, s, unit(strings.Join(lines, "\n")), "record_id", "data_a", "data_b", "data_c", "data_d_e", "data_d_f", "data_g")
	if len(rejects) > 0 || len(rows) != len(want) {
		t.Fatalf("%d rows, want %d; rejects %q", len(rows), len(want), rejects)
	}
	for i := range rows {
		if rows[i] != want[i] {
			t.Fatalf("%s:\n got %s\nwant %s", lines[i], rows[i], want[i])
		}
	}
}

// A line is a row or a reject, and a reject only when encoding/json says so, too, or for the reasons that are ours alone.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{`{"data":{"v":1},"source":"src"}`, "{\"a\":1}\n\n{", `{"data":{"v":1,"v":"x"},"record_id":5}`, "{\"a\":\"\xff\"}", `[{"a":1}]`, `{"a":1}{"b":2}`, `{"data":{"l":[1,"2",null]},"ingested_at":1}`} {
		f.Add([]byte(seed))
	}
	s := schema.Common("src", schema.Enveloped)
	s, err := s.Extend([]schema.Column{
		{Name: "v", Type: schema.Type{Kind: schema.Bigint}, Path: schema.Path{"data", "v"}},
		{Name: "l", Type: schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.Double}}, Path: schema.Path{"data", "l"}},
		{Name: "a", Type: schema.Type{Kind: schema.String}, Path: schema.Path{"a"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, rejects := decodeRows(t, Options{}, s, unit(string(text)), "record_id", "_rescued")
		for _, row := range rows {
			_, rescued, _ := strings.Cut(row, " | ")
			if rescued != "(null)" && !json.Valid([]byte(rescued)) {
				t.Errorf("_rescued is no JSON: %s", rescued)
			}
		}
		good, bad, several := 0, 0, false
		for _, line := range strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
			line = strings.Trim(line, " \t\r\n")
			first := json.NewDecoder(strings.NewReader(line))
			if first.Decode(new(json.RawMessage)) == nil && first.InputOffset() < int64(len(line)) {
				several = true
			}
			switch {
			case line == "":
			case strings.HasPrefix(line, "{") && json.Valid([]byte(line)):
				good++
			default:
				bad++
			}
		}
		// Lines of several records, depth and encoding are where the two differ.
		ours := strings.Contains(fmt.Sprint(rejects), "encoding@") || strings.Contains(fmt.Sprint(rejects), "depth@")
		if !ours && !several && !strings.ContainsAny(string(text), "\x00") && (len(rows) != good || len(rejects) != bad) {
			t.Errorf("%q: %d rows and %d rejects, encoding/json says %d and %d: %q", text, len(rows), len(rejects), good, bad, rejects)
		}
	})
}

func sensorLines(n int) string {
	r := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"record_id":"%08x-0000-4000-8000-%012x","source":"src","ingested_at":"2025-11-25T10:%02d:%02d.%03dZ","data":{"at":"2025-11-25T09:%02d:00.5Z","device_id":"sensor_%04d","temperature":%.2f,"humidity":%d},"metadata":{"location":"hall %d","firmware":"1.%d"}}`+"\n",
			r.Uint32(), r.Int64N(1<<48), i/60%60, i%60, i%1000, i%60, r.IntN(500), r.Float64()*40, r.IntN(100), r.IntN(9), r.IntN(4))
	}
	return b.String()
}

func sensorSchema(t testing.TB) *schema.Schema {
	return with(t, "data.device_id string", "data.temperature double", "data.humidity bigint", "metadata.location string", "metadata.firmware string")
}

// In the steady state a row costs no allocation: what there is belongs to the batch.
func TestAllocations(t *testing.T) {
	d, err := New(Options{}, tables{"src": sensorSchema(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	measure := func(rows int) float64 {
		u := unit(sensorLines(rows))
		return testing.AllocsPerRun(5, func() {
			out, err := d.Decode(u)
			if err != nil || len(out.Rejects) > 0 {
				t.Fatal(err, out.Rejects)
			}
			out.Release()
		})
	}
	small, large := measure(1000), measure(4000)
	if per := (large - small) / 3000; per > 0.02 {
		t.Errorf("%.3f allocations a row (%v for 1000 rows, %v for 4000)", per, small, large)
	}
}

func BenchmarkDecode(b *testing.B) {
	const rows = 4000
	text := sensorLines(rows)
	d, err := New(Options{}, tables{"src": sensorSchema(b)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	u := unit(text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		out, err := d.Decode(u)
		if err != nil {
			b.Fatal(err)
		}
		out.Release()
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
