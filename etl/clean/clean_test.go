package clean

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// column makes a declared column named x of a type. Clean and Check are JSON; empty: none.
func columnOf(t testing.TB, name, typ, clean, check string) schema.Column {
	t.Helper()
	ty, err := schema.ParseType(typ)
	if err != nil {
		t.Fatal(err)
	}
	c := schema.Column{Name: name, Type: ty, Path: schema.Path{"data", name}, Declared: true}
	if clean != "" {
		if err := json.Unmarshal([]byte(clean), &c.Clean); err != nil {
			t.Fatalf("%s: %v", clean, err)
		}
	}
	if check != "" {
		if err := json.Unmarshal([]byte(check), &c.Check); err != nil {
			t.Fatalf("%s: %v", check, err)
		}
	}
	return c
}

// derivedOf makes a derived column.
func derivedOf(t testing.TB, name, typ, expr string) schema.Column {
	c := columnOf(t, name, typ, "", "")
	c.Path, c.Role, c.Expr = nil, schema.Derived, expr
	return c
}

func schemaOf(columns []schema.Column, rules ...schema.Rule) *schema.Schema {
	return &schema.Schema{
		Source: "s", Rules: rules,
		Columns: append(columns,
			schema.Column{Name: "quality_score", Type: schema.Type{Kind: schema.Double}, Role: schema.Quality},
			schema.Column{Name: "_rescued", Type: schema.Type{Kind: schema.String}, Role: schema.Rescued}),
	}
}

func salt(name string) (string, error) {
	if name == "SALT" {
		return "pepper", nil
	}
	return "", fmt.Errorf("no variable %s", name)
}

func planOf(t testing.TB, s *schema.Schema) *Plan {
	t.Helper()
	m, err := NewMasks(s.Columns, salt, jsontext.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(s, m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// batchOf makes a batch of rows, which are a JSON array of objects; coded: its columns of text are dictionaries.
func batchOf(t testing.TB, s *schema.Schema, rows string, coded bool, mem memory.Allocator) *batch.Batch {
	t.Helper()
	fields := s.Arrow().Fields()
	for i := range fields {
		if fields[i].Nullable = true; coded && fields[i].Type.ID() == arrow.STRING {
			fields[i].Type = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}
		}
	}
	var full []map[string]any
	d := json.NewDecoder(strings.NewReader(rows))
	d.UseNumber()
	if err := d.Decode(&full); err != nil {
		t.Fatal(err)
	}
	for _, r := range full {
		r["quality_score"] = 1
	}
	text, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	rec, _, err := array.RecordFromJSON(mem, arrow.NewSchema(fields, nil), strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return &batch.Batch{Source: s.Source, Record: rec, Origins: make([]batch.Origin, rec.NumRows())}
}

// cleaned gives the rows of a cleaned batch, a line each: its columns but those that hold nothing of interest, then why it was rejected.
// failed has the counts.
func cleaned(t testing.TB, p *Plan, s *schema.Schema, rows string, coded bool) (lines []string, failed map[string]int64) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	b := batchOf(t, s, rows, coded, mem)
	defer b.Release()
	failed, err := p.Cleaner(mem).Apply(b)
	if err != nil {
		t.Fatal(err)
	}
	for row := range b.NumRows() {
		var values []string
		for i, c := range s.Columns {
			a := b.Record.Column(i)
			if c.Role == schema.Rescued && a.IsNull(row) {
				continue
			}
			values = append(values, a.ValueStr(row))
		}
		for _, r := range b.Rejected {
			if r.Row == row {
				values = append(values, r.Rule+": "+r.Reason)
			}
		}
		lines = append(lines, strings.Join(values, " | "))
	}
	return lines, failed
}

// What a column's cleaning and checks make of values, whichever way a batch carries them, and whatever rows are beside.
func TestColumns(t *testing.T) {
	for _, x := range []struct {
		typ, clean, check string
		values            string // a JSON array
		want              []string
		failed            map[string]int64
	}{
		{"string", `{"trim":true}`, "", `[" a ","\u00a0b\u3000", null, ""]`, []string{"a | 1", "b | 1", "(null) | 1", " | 1"}, nil},
		{"string", `{"collapse":true,"case":"upper"}`, "", `["a  \t b","ß"]`, []string{"A B | 1", "ß | 1"}, nil},
		{"string", `{"trim":true,"case":"lower","nulls":["n/a",""]}`, "", `[" N/A ","  ","x"]`, []string{"(null) | 1", "(null) | 1", "x | 1"}, nil},
		{"string", `{"nulls":["-"],"default":"\"none\""}`, "", `["-",null,"none","x"]`, []string{"none | 1", "none | 1", "none | 1", "x | 1"}, nil},
		{"string", `{"default":"\"\""}`, "", `["a",null]`, []string{"a | 1", " | 1"}, nil},
		{"string", "", `{"pattern":"^s[0-9]+$","on_fail":"reject"}`, `["s1","x",null]`, []string{"s1 | 1", `x | 1 | x.pattern: data.x is "x", not matching ^s[0-9]+$`, "(null) | 1"}, nil},
		{
			"string", `{"trim":true}`, `{"min_length":2,"max_length":3,"on_fail":"reject"}`, `["é","éé"," abc ","abcd"]`,
			[]string{"é | 1 | x.length: data.x has 1 character, 2 to 3 are allowed", "éé | 1", "abc | 1", "abcd | 1 | x.length: data.x has 4 characters, 2 to 3 are allowed"},
			nil,
		},
		{"string", "", `{"enum":["\"a\"","\"b\""],"pattern":"a"}`, `["a","b","c"]`, []string{"a | 1", "b | 0.5", "c | 0"}, map[string]int64{"x.enum": 1, "x.pattern": 2}},
		{"string", "", `{"enum":["\"a\""],"on_fail":"null"}`, `["a","b"]`, []string{"a | 1", "(null) | 0"}, map[string]int64{"x.enum": 1}},
		{"bigint", `{"nulls":["-999","n/a"]}`, "", `[-999, 5]`, []string{"(null) | 1", "5 | 1"}, nil},
		{"bigint", `{"clamp_min":"0","clamp_max":"10"}`, "", `[-5,0,10,11,null]`, []string{"0 | 1", "0 | 1", "10 | 1", "10 | 1", "(null) | 1"}, nil},
		{"int", `{"default":"7"}`, "", `[null,1]`, []string{"7 | 1", "1 | 1"}, nil},
		{"int", "", `{"enum":["1","2.0"],"on_fail":"reject"}`, `[1,2,3]`, []string{"1 | 1", "2 | 1", "3 | 1 | x.enum: data.x is 3, none of 1, 2"}, nil},
		{"double", "", `{"min":"-60","max":"80.5","on_fail":"null"}`, `[-60,-60.5,80.5,81,null]`, []string{"-60 | 1", "(null) | 0.5", "80.5 | 1", "(null) | 0.5", "(null) | 1"}, map[string]int64{"x.min": 1, "x.max": 1}},
		{"float", "", `{"max":"1.5","on_fail":"reject"}`, `[1.5,1.75]`, []string{"1.5 | 1", "1.75 | 1 | x.max: data.x is 1.75, above the maximum 1.5"}, nil},
		{"decimal(5,2)", `{"clamp_max":"9.99"}`, `{"min":"0.01","on_fail":"reject"}`, `["12.50","0.00"]`, []string{"9.99 | 1", "0 | 1 | x.min: data.x is 0.00, below the minimum 0.01"}, nil},
		{"decimal(20,2)", `{"nulls":["0.00"]}`, `{"enum":["1.50"]}`, `["0","1.5","2"]`, []string{"(null) | 1", "1.5 | 1", "2 | 0"}, map[string]int64{"x.enum": 1}},
		{
			"date", `{"clamp_min":"2000-01-01","nulls":["1900-01-01"]}`, `{"max":"2030-12-31","on_fail":"reject"}`, `["1900-01-01","1999-12-31","2031-01-01"]`,
			[]string{"(null) | 1", "2000-01-01 | 1", "2031-01-01 | 1 | x.max: data.x is 2031-01-01, above the maximum 2030-12-31"},
			nil,
		},
		{
			"timestamp", `{"clamp_min":"2000-01-01"}`, `{"max":"2030-01-01T00:00:00+01:00","on_fail":"reject"}`, `["1999-01-01 00:00:00Z","2030-01-01 00:00:00Z"]`,
			[]string{"2000-01-01 00:00:00Z | 1", "2030-01-01 00:00:00Z | 1 | x.max: data.x is 2030-01-01T00:00:00Z, above the maximum 2029-12-31T23:00:00Z"},
			nil,
		},
		{"boolean", `{"default":"false"}`, `{"enum":["true"]}`, `[true,null]`, []string{"true | 1", "false | 0"}, map[string]int64{"x.enum": 1}},
		{"binary", `{"default":"\"aGk=\""}`, `{"max_length":2,"on_fail":"null"}`, `[null,"YWJj"]`, []string{"aGk= | 1", "(null) | 0"}, map[string]int64{"x.length": 1}},
		{"json", `{"default":"{ \"a\": 1 }"}`, `{"pattern":"a"}`, `[null,"{}"]`, []string{`{"a":1} | 1`, "{} | 0"}, map[string]int64{"x.pattern": 1}},
		{
			"list<string>", `{"trim":true,"case":"lower","nulls":["-"]}`, `{"max_length":2,"elements":{"enum":["\"a\"","\"b\""]}}`, `[[" A","-"],["a","b","a"],["c"],[],null]`,
			[]string{`["a",null] | 1`, `["a","b","a"] | 0.5`, `["c"] | 0.5`, `[] | 1`, "(null) | 1"},
			map[string]int64{"x.length": 1, "x.elements": 1},
		},
		{
			"list<bigint>", `{"clamp_max":"9","nulls":["-1"]}`, `{"elements":{"min":"2","max":"8"},"on_fail":"reject"}`, `[[5,-1],[5,10,1]]`,
			[]string{`[5,null] | 1`, "[5,9,1] | 1 | x.elements: data.x has element 2 that is 9, above the maximum 8"},
			nil,
		},
		{
			"list<list<string>>", `{"trim":true}`, `{"elements":{"elements":{"max_length":1}},"on_fail":"reject"}`, `[[[" a "]],[["b"],["c","dd"]]]`,
			[]string{`[["a"]] | 1`, `[["b"],["c","dd"]] | 1 | x.elements: data.x has element 2 that has element 2 that has 2 characters, at most 1 are allowed`},
			nil,
		},
		{
			"map<string,double>", `{"clamp_min":"0"}`, `{"keys":{"pattern":"^[a-z]$"},"elements":{"max":"1"},"max_length":1,"on_fail":"reject"}`, `[[{"key":"a","value":-1}],[{"key":"A","value":2}],[{"key":"a","value":1},{"key":"b","value":null}]]`,
			[]string{
				`[{"key":"a","value":0}] | 1`,
				`[{"key":"A","value":2}] | 1 | x.elements: data.x has under "A" a value that is 2, above the maximum 1 | x.keys: data.x has a key that is "A", not matching ^[a-z]$`,
				`[{"key":"a","value":1},{"key":"b","value":null}] | 1 | x.length: data.x has 2 elements, at most 1 are allowed`,
			},
			nil,
		},
		{"list<double>", "", `{"elements":{"max":"1"},"on_fail":"null"}`, `[[0.5],[2,0.5],[1]]`, []string{"[0.5] | 1", "(null) | 0", "[1] | 1"}, map[string]int64{"x.elements": 1}},
	} {
		s := schemaOf([]schema.Column{columnOf(t, "x", x.typ, x.clean, x.check)})
		p := planOf(t, s)
		var values []json.RawMessage
		if err := json.Unmarshal([]byte(x.values), &values); err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, v := range values {
			rows = append(rows, `{"x":`+string(v)+"}")
		}
		for _, coded := range []bool{false, true} {
			got, failed := cleaned(t, p, s, "["+strings.Join(rows, ",")+"]", coded)
			if d := cmp.Diff(x.want, got) + cmp.Diff(x.failed, failed); d != "" {
				t.Errorf("%s %s %s, coded %t (-want +got):\n%s", x.typ, x.clean, x.check, coded, d)
			}
			for i, r := range rows {
				if one, _ := cleaned(t, p, s, "["+r+"]", coded); one[0] != x.want[i] {
					t.Errorf("%s %s %s, coded %t: alone %s, want %s", x.typ, x.clean, x.check, coded, one, x.want[i])
				}
			}
		}
	}
}
