package decode

import (
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

// show writes a value as the naive decoder does.
func show(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return show(a.Dictionary(), a.GetValueIndex(i))
	case *array.String:
		return strconv.Quote(a.Value(i))
	case *array.Binary:
		return fmt.Sprintf("%x", a.Value(i))
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i))
	case *array.Int32:
		return strconv.Itoa(int(a.Value(i)))
	case *array.Int64:
		return strconv.FormatInt(a.Value(i), 10)
	case *array.Timestamp:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Date32:
		return strconv.Itoa(int(a.Value(i)))
	case *array.Float32:
		return strconv.FormatFloat(float64(a.Value(i)), 'g', -1, 32)
	case *array.Float64:
		return strconv.FormatFloat(a.Value(i), 'g', -1, 64)
	case *array.Decimal128:
		return a.Value(i).BigInt().String()
	case *array.Map:
		var parts []string
		from, to := a.ValueOffsets(i)
		for j := int(from); j < int(to); j++ {
			parts = append(parts, show(a.Keys(), j)+"="+show(a.Items(), j))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *array.List:
		var parts []string
		from, to := a.ValueOffsets(i)
		for j := int(from); j < int(to); j++ {
			parts = append(parts, show(a.ListValues(), j))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *array.Struct:
		var parts []string
		for j := range a.NumField() {
			parts = append(parts, show(a.Field(j), i))
		}
		return "{" + strings.Join(parts, " ") + "}"
	}
	panic("no such array: " + a.DataType().String())
}

// watcher writes down what an observer is told.
type watcher struct{ told []string }

func (w *watcher) Record(source string, envelope bool, o batch.Origin) {
	w.told = append(w.told, fmt.Sprintf("%s %v %s %d", source, envelope, o.Object.Key, o.Offset))
}

func (w *watcher) Unknown(source string, envelope bool, o batch.Origin, path schema.Path, b []byte, start, end int) {
	w.told = append(w.told, "  "+path.String()+" "+string(jsontext.AppendCompact(nil, b[start:end])))
}

func columnsOf(t testing.TB, texts ...string) (cs []schema.Column) {
	t.Helper()
	for _, text := range texts {
		path, kind, _ := strings.Cut(text, " ")
		p, err := schema.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		ty, err := schema.ParseType(strings.TrimRight(kind, "!+"))
		if err != nil {
			t.Fatal(err)
		}
		cs = append(cs, schema.Column{Name: strings.ReplaceAll(path, ".", "_") + strconv.Itoa(len(cs)), Path: p, Type: ty, Required: strings.HasSuffix(kind, "!"), Declared: strings.HasSuffix(kind, "+")})
	}
	return cs
}

// dirtySchemas have every type, conflict rule and shape between them.
func dirtySchemas(t testing.TB) tables {
	make := func(source string, e schema.Envelope, cs ...schema.Column) *schema.Schema {
		s, err := schema.Common(source, e).Extend(cs)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	alpha := make("alpha", schema.Enveloped, columnsOf(t, "data.i int", "data.b bigint", "data.f float", "data.d double", "data.c decimal(10,2)", "data.s string",
		"data.q string+", "data.o boolean", "data.t timestamp", "data.y date", "data.n binary", "data.j json", "data.l list<bigint>", "data.k list<list<string>>",
		"data.m map<string,double>", "data.r struct<i:int,s:struct<i:string>,l:list<double>>", "data.u list<struct<i:int,s:string>>", "data.deep.a bigint", "data.deep.b.s string",
		"metadata.s string", "s string", "data.both json", "data.both.i int", "data.d string")...)
	alpha.EventTime.Path, alpha.EventTime.Formats = schema.Path{"data", "at"}, []string{"rfc3339", "epoch_ms"}
	alpha.Rescue = []schema.Path{{"data", "deep", "r"}, {"data", "x"}}
	beta := make("beta", schema.Enveloped, columnsOf(t, "data.i bigint!", "data.s string", "data.t timestamp", "data.t bigint", "data.r struct<i:int>")...)
	beta.Columns[6].Role, beta.Columns[6].Formats = schema.NS, []string{"rfc3339", "epoch"}
	beta.Columns[5].Formats = []string{"rfc3339", "epoch"}
	beta.OnTypeConflict, beta.OtherColumns = schema.Quarantine, schema.Drop
	beta.EventTime.Path, beta.EventTime.Formats = schema.Path{"data", "t"}, []string{"rfc3339"}
	gamma := make("gamma", schema.Bare, columnsOf(t, "i bigint", "source string", "data.s string", "data.i double", "t timestamp", "record_id json")...)
	gamma.EventTime.Path, gamma.EventTime.Formats, gamma.EventTime.Missing = schema.Path{"t"}, []string{"rfc3339", "epoch"}, schema.MissingQuarantine
	gamma.OtherColumns = schema.Rescue
	return tables{"alpha": alpha, "beta": beta, "gamma": gamma}
}

type dirt struct{ *rand.Rand }

func (r dirt) pick(all ...string) string { return all[r.IntN(len(all))] }

func (r dirt) space() string {
	if r.IntN(8) > 0 {
		return ""
	}
	return r.pick(" ", "\t", "  ", " \r")
}

func (r dirt) scalar() string {
	switch r.IntN(8) {
	case 0:
		return r.pick("null", "true", "false", `"true"`, `""`)
	case 1, 2:
		return strconv.Itoa(r.IntN(40))
	case 3:
		return r.pick("-0", "1.0", "2.50", "1e2", "12.345", "9223372036854775807", "9223372036854775808", "12345678901234567890.5", "0.1", "1e400", "-7", "16777217",
			"2147483648", "99999999.99", "1e-400", "123456.789e3", "1764064800123", "1764064800", "0.30000000000000004", "1700000000.5")
	case 4:
		return r.pick(`"5"`, `"05"`, `" 5"`, `"1e2"`, `"-0.50"`, `"\u0035"`, `"12345678901234567890123"`, `"NaN"`, `"1764064800123"`)
	case 5:
		return r.pick(`"2025-11-25T10:00:00Z"`, `"2025-11-25T11:00:00.1234567+01:00"`, `"2025-11-24"`, `"1999-01-01T00:00:00Z"`, `"2030-01-01T00:00:00Z"`, `"2025-02-30"`, `"2025-11-25T09:00:00.5Z"`)
	case 6:
		return r.pick(`"YWJj"`, `"_-8="`, `"+/8"`, `"a\nb"`, `"é"`, `"\u00e9\"\\/"`, `"long text that does not fit into sixteen bytes"`, `"\ud83d\ude00"`)
	}
	return strconv.Quote(r.pick("a", "b", "c") + strconv.Itoa(r.IntN(30)))
}

func (r dirt) value(depth int) string {
	if depth > 3 || r.IntN(3) > 0 {
		return r.scalar()
	}
	if r.IntN(2) == 0 {
		return r.object(depth+1, r.IntN(4), r.keys()...)
	}
	var parts []string
	for range r.IntN(4) {
		parts = append(parts, r.space()+r.value(depth+1)+r.space())
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (r dirt) keys() []string {
	return strings.Split("i b f d c s q o t y n j l k m r u deep both at x z a\\u0062 é i s", " ")
}

func (r dirt) object(depth, n int, keys ...string) string {
	var parts []string
	for range n {
		parts = append(parts, r.member(depth, keys[r.IntN(len(keys))]))
	}
	return "{" + r.space() + strings.Join(parts, ",") + "}"
}

// member writes a member whose value often fits what its key means in the schemas.
func (r dirt) member(depth int, key string) string {
	v := ""
	if r.IntN(3) > 0 {
		switch key {
		case "i", "b":
			v = strconv.Itoa(r.IntN(1000))
		case "f", "d", "c":
			v = fmt.Sprintf("%d.%d", r.IntN(100), r.IntN(100))
		case "s", "q":
			v = strconv.Quote("v" + strconv.Itoa(r.IntN(50)))
		case "t", "at":
			v = fmt.Sprintf(`"2025-11-2%dT0%d:00:00.%dZ"`, r.IntN(6), r.IntN(9), r.IntN(2000))
		case "l":
			v = fmt.Sprintf("[%d,%s]", r.IntN(9), r.pick("null", "1", `"2"`, "3.0"))
		case "k":
			v = r.pick(`[["a"],[],null]`, `[]`, `[[null,"b"]]`)
		case "m":
			v = r.object(depth+1, r.IntN(3), "i", "d", "z")
		case "r", "u":
			v = r.object(depth+1, r.IntN(4), "i", "s", "l", "z")
			if key == "u" {
				v = "[" + v + r.pick("", ","+r.object(depth+1, 2, "i", "s"), ",null") + "]"
			}
		case "deep", "both":
			v = r.object(depth+1, r.IntN(4), "a", "b", "r", "i", "x")
		}
	}
	if v == "" {
		v = r.value(depth)
	}
	return r.space() + `"` + key + `"` + r.space() + ":" + r.space() + v + r.space()
}

func (r dirt) record() string {
	var parts []string
	add := func(share int, key string, values ...string) {
		if r.IntN(share) > 0 {
			parts = append(parts, r.space()+strconv.Quote(key)+":"+r.space()+r.pick(values...))
		}
	}
	add(4, "record_id", strconv.Quote(strconv.Itoa(r.IntN(1e6))), `"\u0061"`, "17", `""`, "null", "true", `{"a":1}`, "1.50")
	add(6, "source", `"alpha"`, `"alpha"`, `"alpha"`, `"Beta"`, `"gamma"`, `"de\u006cta"`, "null", `""`, "5")
	add(3, "ingested_at", `"2025-11-25T12:00:00Z"`, `"2025-11-25T12:00:00.1239+02:00"`, "1764075600123", `"soon"`, "null", "[]", "5e99")
	add(12, "data", r.object(1, r.IntN(14), r.keys()...), r.object(1, r.IntN(14), r.keys()...), r.object(1, r.IntN(14), r.keys()...), r.value(3))
	if r.IntN(3) == 0 {
		parts = append(parts, r.member(1, r.pick(append(r.keys(), "metadata", "i", "t")...)))
	}
	if r.IntN(3) == 0 {
		parts = append(parts, `"metadata":`+r.object(1, r.IntN(3), "s", "v"))
	}
	if r.IntN(20) == 0 && len(parts) > 0 {
		parts = append(parts, parts[r.IntN(len(parts))]) // a key twice
	}
	if r.IntN(4) == 0 {
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	text := "{" + strings.Join(parts, ",") + "}"
	switch r.IntN(40) {
	case 0:
		return text[:r.IntN(len(text))]
	case 1:
		i := r.IntN(len(text))
		return text[:i] + r.pick("\xff", "\x00", "}", ",", `"`, `\ud800`, "x") + text[i:]
	case 2:
		return r.value(0)
	case 3:
		return ""
	}
	return r.space() + text + r.space()
}

func dirtyUnit(r dirt, lines int) *batch.Unit {
	u := &batch.Unit{}
	for i, folder := range []string{"alpha", "gamma", "delta"} {
		o := &batch.Object{Index: i, Key: folder + "/x.json", Source: folder, Arrived: 1764064800000}
		var text []string
		for range lines {
			text = append(text, r.record())
		}
		u.Chunks = append(u.Chunks, batch.Chunk{Object: o, Data: jsontext.Pad([]byte(strings.Join(text, "\n"))), Lines: true, Line: 1})
	}
	return u
}

// TestAgainstNaive decodes random dirty records and compares everything with the naive decoder.
func TestAgainstNaive(t *testing.T) {
	schemas := dirtySchemas(t)
	bare := map[string]bool{"gamma": true}
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) }) // runs last
	for _, watched := range []bool{false, true} {
		w := &watcher{}
		var obs Observer
		if watched {
			obs = w
		}
		d, err := New(Options{Allocator: mem, Bare: bare, DictionaryLimit: 40}, schemas, obs)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(80) {
			w.told = nil
			u := dirtyUnit(dirt{rand.New(rand.NewPCG(seed, 7))}, 60)
			n := &naive{schemas: schemas, bare: bare, watched: watched, rows: map[string][]string{}, counts: map[string]*Counts{}}
			for i := range u.Chunks {
				n.chunk(&u.Chunks[i])
			}
			before := string(u.Chunks[0].Data)
			out, err := d.Decode(u)
			if err != nil {
				t.Fatal(err)
			}
			if string(u.Chunks[0].Data) != before {
				t.Fatal("the chunk was changed")
			}
			t.Cleanup(out.Release)
			name := fmt.Sprintf("seed %d, watched %v", seed, watched)
			rows := map[string][]string{}
			for _, b := range out.Batches {
				for i := range b.NumRows() {
					var cells []string
					for _, c := range b.Record.Columns() {
						cells = append(cells, show(c, i))
					}
					o := b.Origins[i]
					rows[b.Source] = append(rows[b.Source], fmt.Sprintf("%s %d: %s", o.Object.Key, o.Offset, strings.Join(cells, " | ")))
					data := u.Chunks[o.Object.Index].Data
					if !strings.HasPrefix(string(data[o.Offset:]), string(b.Raw[i])) || b.Raw[i][0] != '{' || b.Raw[i][len(b.Raw[i])-1] != '}' {
						t.Fatalf("%s: raw %q at %d", name, b.Raw[i], o.Offset)
					}
				}
			}
			for source := range n.rows {
				for i := range max(len(rows[source]), len(n.rows[source])) {
					if i >= len(rows[source]) || i >= len(n.rows[source]) || rows[source][i] != n.rows[source][i] {
						t.Fatalf("%s: row %d of %s:\n%s", name, i, source, context(u, rows[source], n.rows[source], i))
					}
				}
			}
			if len(rows) != len(n.rows) {
				t.Fatalf("%s: %d sources, want %d", name, len(rows), len(n.rows))
			}
			var rejects []string
			for _, r := range out.Rejects {
				rejects = append(rejects, fmt.Sprintf("%s %d %s %s %d %s", r.Object.Key, r.Offset, r.Source, r.Rule, r.Line, strings.TrimRight(string(r.Payload), " \t\r")))
			}
			for i := range n.rejects {
				n.rejects[i] = strings.TrimRight(n.rejects[i], " \t\r")
			}
			if diff := cmp.Diff(n.rejects, rejects); diff != "" {
				t.Fatalf("%s: rejects: %s", name, diff)
			}
			if diff := cmp.Diff(n.told, w.told); watched && diff != "" {
				t.Fatalf("%s: observer: %s", name, diff)
			}
			for source, c := range n.counts {
				if out.Counts[source] == nil || !reflect.DeepEqual(*out.Counts[source], *c) {
					t.Fatalf("%s: counts of %s: %s", name, source, cmp.Diff(c, out.Counts[source]))
				}
			}
			// Batches depend on the unit alone, not on what the decoder has seen before.
			fresh, err := New(Options{Allocator: mem, Bare: bare, DictionaryLimit: 40}, schemas, obs)
			if err != nil {
				t.Fatal(err)
			}
			again, err := fresh.Decode(u)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(again.Release)
			for i, b := range out.Batches {
				if r := again.Batches[i].Record; !r.Schema().Equal(b.Record.Schema()) || !array.RecordEqual(r, b.Record) {
					t.Fatalf("%s: another decoder gives another batch of %s", name, b.Source)
				}
			}
			if len(out.Counts) != len(n.counts) {
				t.Fatalf("%s: counts of %d sources, want %d", name, len(out.Counts), len(n.counts))
			}
		}
	}
}

// context is the first row that differs, with its record.
func context(u *batch.Unit, got, want []string, i int) string {
	row := func(s []string) string {
		if i < len(s) {
			return s[i]
		}
		return "(none)"
	}
	text := ""
	for _, s := range []string{row(got), row(want)} {
		var key string
		var offset int
		if _, err := fmt.Sscanf(s, "%s %d:", &key, &offset); err != nil {
			continue
		}
		for _, c := range u.Chunks {
			if c.Object.Key == key {
				line, _, _ := strings.Cut(string(c.Data[offset:]), "\n")
				text += "\ntext " + line
			}
		}
	}
	return text + "\n got " + row(got) + "\nwant " + row(want)
}
