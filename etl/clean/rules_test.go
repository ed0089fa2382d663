package clean

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// expect runs rows in both forms and holds the result against what is wanted.
func expect(t *testing.T, s *schema.Schema, rows string, want []string, counts map[string]int64) {
	t.Helper()
	p := planOf(t, s)
	for _, coded := range []bool{false, true} {
		got, failed := cleaned(t, p, s, rows, coded)
		if d := cmp.Diff(want, got) + cmp.Diff(counts, failed); d != "" {
			t.Errorf("coded %t (-want +got):\n%s", coded, d)
		}
	}
}

// required is asked after null tokens, default and checks.
func TestRequired(t *testing.T) {
	x := columnOf(t, "x", "string", `{"nulls":["-"]}`, `{"max_length":2,"on_fail":"null"}`)
	x.Required = true
	y := columnOf(t, "y", "bigint", `{"nulls":["0"],"default":"1"}`, "")
	y.Required = true
	expect(t, schemaOf([]schema.Column{x, y}), `[{"x":"a","y":0},{"x":"-","y":2},{"x":"long","y":null}]`, []string{
		"a | 1 | 1",
		"(null) | 2 | 1 | required: no data.x",
		"(null) | 1 | 0 | required: no data.x: its value failed a check",
	}, nil)
}

// Derived columns see cleaned values and each other, rules see all, and what is null is not asked.
func TestRulesAndDerived(t *testing.T) {
	s := schemaOf([]schema.Column{
		columnOf(t, "t", "double", "", `{"max":"50","on_fail":"null"}`),
		columnOf(t, "h", "int", `{"clamp_max":"100"}`, ""),
		columnOf(t, "site", "string", `{"trim":true}`, ""),
		derivedOf(t, "feels", "double", "t + 0.1 * h"),
		derivedOf(t, "twice", "decimal(4,1)", "feels * 2"),
		derivedOf(t, "name", "string", "site + '!'"),
	}, schema.Rule{Name: "damp", Expr: "h < 90"}, schema.Rule{Name: "known", Expr: "site in ['a', 'b']", OnFail: schema.FailReject},
		schema.Rule{Name: "whole", Expr: "1 / (h - 10) == 0"})
	expect(t, s, `[{"t":20.5,"h":45,"site":" a "},{"t":99,"h":140,"site":"b"},{"t":1.25,"h":20,"site":"c"},{"site":null},{"t":0.25,"h":10,"site":"a"}]`, []string{
		"20.5 | 45 | a | 25 | 50 | a! | 1",
		// asked: t.max, name, damp, known, whole; failed: t.max, damp
		"(null) | 100 | b | (null) | (null) | b! | 0.6",
		`1.25 | 20 | c | 3.25 | 6.5 | c! | 1 | known: site in ['a', 'b'] is false; site = "c"`,
		"(null) | (null) | (null) | (null) | (null) | (null) | 1",
		// asked: t.max, the three derived, damp, known, whole; failed: whole, which divides by zero
		"0.25 | 10 | a | 1.25 | 2.5 | a! | 0.8571428571428571",
	}, map[string]int64{"t.max": 1, "damp": 1, "whole": 1})
}

// A value that its column cannot have without loss fails the derived column.
func TestDerivedTypes(t *testing.T) {
	for _, x := range []struct{ typ, expr, rows, want string }{
		{"int", "a", `[{"a":2147483647}]`, "2147483647 | 1"},
		{"int", "a", `[{"a":2147483648}]`, "(null) | 0"},
		{"double", "a + 1", `[{"a":9007199254740992}]`, "(null) | 0"},
		{"double", "a / 4", `[{"a":9}]`, "2 | 1"},
		{"double", "f / 0.0", `[{"f":1}]`, "(null) | 0"},
		{"float", "f * 0.1", `[{"f":1}]`, "0.1 | 1"},
		{"float", "f * 1e300", `[{"f":1}]`, "(null) | 0"},
		{"decimal(3,1)", "f", `[{"f":12.5}]`, "12.5 | 1"},
		{"decimal(3,1)", "f", `[{"f":12.25}]`, "(null) | 0"},
		{"decimal(3,1)", "a", `[{"a":123}]`, "(null) | 0"},
		{"boolean", "a > 1", `[{"a":2}]`, "true | 1"},
		{"date", "ts", `[{"ts":"2025-01-02 00:00:00Z"}]`, "2025-01-02 | 1"},
		{"date", "ts", `[{"ts":"2025-01-02 00:00:00.001Z"}]`, "(null) | 0"},
		{"timestamp", "ts + duration('1h')", `[{"ts":"2025-01-02 00:00:00Z"}]`, "2025-01-02 01:00:00Z | 1"},
		{"timestamp", "d", `[{"d":"2025-01-02"}]`, "2025-01-02 00:00:00Z | 1"},
		{"string", "s.split(',')[0]", `[{"s":"x,y"}]`, "x | 1"},
		{"list<string>", "s.split(',')", `[{"s":"x,y"}]`, `["x","y"] | 1`},
		{"list<int>", "l", `[{"l":[1,null]}]`, `[1,null] | 1`},
		{"list<int>", "l", `[{"l":[1,2147483648]}]`, `(null) | 0`},
		{"bigint", "st.a + m['k'] + int(size(l))", `[{"st":{"a":1},"m":[{"key":"k","value":2}],"l":[1]}]`, "4 | 1"},
		{"bigint", "int(dec * 10.0)", `[{"dec":"1.50"}]`, "15 | 1"},
		{"bigint", "size(bin)", `[{"bin":"aGk="}]`, "2 | 1"},
		{"string", "string(o)", `[{"o":true}]`, "true | 1"},
		{"bigint", "nowhere + 1", `[{"a":1}]`, "(null) | 1"},
	} {
		s := schemaOf([]schema.Column{
			derivedOf(t, "x", x.typ, x.expr), columnOf(t, "a", "bigint", "", ""), columnOf(t, "f", "double", "", ""), columnOf(t, "ts", "timestamp", "", ""), columnOf(t, "d", "date", "", ""),
			columnOf(t, "s", "string", "", ""), columnOf(t, "l", "list<bigint>", "", ""), columnOf(t, "m", "map<string,bigint>", "", ""), columnOf(t, "st", "struct<a:bigint>", "", ""),
			columnOf(t, "dec", "decimal(5,2)", "", ""), columnOf(t, "bin", "binary", "", ""), columnOf(t, "o", "boolean", "", ""),
		})
		got, failed := cleaned(t, planOf(t, s), s, x.rows, false)
		first, _, _ := strings.Cut(got[0], " | ")
		if got := first + got[0][strings.LastIndex(got[0], " | "):]; got != x.want || (failed["x.derived"] == 1) != strings.HasSuffix(x.want, "| 0") {
			t.Errorf("%s as %s of %s: %s, want %s; failed %v", x.expr, x.typ, x.rows, got, x.want, failed)
		}
	}
}

// Masks come last, and no message tells a masked value, nor one that is made of it.
func TestMasks(t *testing.T) {
	s := schemaOf([]schema.Column{
		columnOf(t, "email", "string", `{"trim":true,"case":"lower","mask":{"sha256":"env:SALT"}}`, `{"pattern":"@","on_fail":"reject"}`),
		columnOf(t, "card", "string", `{"mask":{"keep_last":4}}`, ""),
		columnOf(t, "note", "string", `{"mask":{"drop":true}}`, ""),
		columnOf(t, "doc", "json", "", ""),
		derivedOf(t, "host", "string", "email.split('@')[1]"),
	}, schema.Rule{Name: "ours", Expr: "host.endsWith('.org')", OnFail: schema.FailReject}, schema.Rule{Name: "short", Expr: "int(card) > 9", OnFail: schema.FailReject})
	s.Columns[3].Path = schema.Path{"data", "person"}
	s.Columns[0].Path = schema.Path{"data", "person", "email"}
	want := sha("pepper" + "ann@x.org")
	expect(t, s, `[{"email":" Ann@x.org ","card":"1234567","note":"n","doc":"{\"email\":\"Ann@x.org\",\"n\": 1}"},
		{"email":"secret","card":"123x","note":null},{"email":"a@b.com","card":"é12345","_rescued":"{\"data.person.email\":[\"secret\"],\"data.card\":12345678,\"data.note\":null,\"data.other\":1}"}]`, []string{
		want + ` | ***4567 | (null) | {"email":"` + want + `","n": 1} | x.org | 1`,
		sha("pepper"+"secret") + " | **** | (null) | (null) | (null) | 0.6666666666666666 | email.pattern: data.person.email is masked and not matching @ | short: int(card) > 9 has no value",
		sha("pepper"+"a@b.com") + ` | **2345 | (null) | (null) | b.com | 1 | {"data.person.email":"` + sha(`pepper["secret"]`) + `","data.card":"****5678","data.note":null,"data.other":1} | ours: host.endsWith('.org') is false | short: int(card) > 9 has no value`,
	}, nil)
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// A record's text is masked in place; what is no record is not let through.
func TestMasksRecord(t *testing.T) {
	columns := []schema.Column{columnOf(t, "email", "string", `{"mask":{"drop":true}}`, ""), columnOf(t, "id", "string", `{"mask":{"keep_last":1}}`, "")}
	columns[1].Path = schema.Path{"id.no"}
	m, err := NewMasks(columns, nil, jsontext.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		` { "data" : {"email":"x", "n": 1.50} } `:    ` { "data" : {"email":null, "n": 1.50} } `,
		`{"data":{"email":{"a":["x"]}},"email":"y"}`: `{"data":{"email":null},"email":"y"}`,
		`{"data":{"\u0065mail":"x","email":"y"}}`:    `{"data":{"\u0065mail":null,"email":null}}`,
		`{"data":"x","data":{"email":7}}`:            `{"data":"x","data":{"email":null}}`,
		`{"id.no":"a\"\u00e9b","id":{"no":"abc"}}`:   `{"id.no":"***b","id":{"no":"abc"}}`,
		`{"id.no":12,"data":null}`:                   `{"id.no":"*2","data":null}`,
		`{"id.no":null,"data":[{"email":"x"}]}`:      `{"id.no":null,"data":[{"email":"x"}]}`,
		`{}`:                                         `{}`,
	} {
		got, ok := m.Record([]byte(in))
		if !ok || string(got) != want {
			t.Errorf("%s: %s, %t, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{`{"data":{"email":"x"`, `"x"`, `[{"data":{"email":"x"}}]`, `{} {"data":{"email":"x"}}`, "{\"data\":{\"email\":\"\xff\"}}", ""} {
		if got, ok := m.Record([]byte(in)); ok {
			t.Errorf("%q is let through as %q", in, got)
		}
	}
}

// What Record lets through is the same JSON value but for what stands at masked paths.
func FuzzMasksRecord(f *testing.F) {
	columns := []schema.Column{columnOf(f, "a", "string", `{"mask":{"drop":true}}`, ""), columnOf(f, "b", "string", `{"mask":{"sha256":"env:SALT"}}`, "")}
	columns[0].Path, columns[1].Path = schema.Path{"a", "b"}, schema.Path{"b"}
	m, err := NewMasks(columns, salt, jsontext.Limits{})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{"a":{"b":"x","c":[1,{"b":"y"}]},"b":"\u0041"}`, `{"a":1,"a":{"b":[]},"\u0062":1.50}`, ` {"b" : null , "c":{"a":{"b":1}}} `, `{"b":{"b":"x"}}`, `{"a":{"b":`, "[]", `{"a":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := m.Record(text)
		if !ok {
			return
		}
		read := func(text []byte) map[string]any {
			d := json.NewDecoder(bytes.NewReader(text))
			d.UseNumber()
			var v map[string]any
			if err := d.Decode(&v); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			return v
		}
		want, is := read(text), read(got)
		for _, v := range []map[string]any{want, is} {
			if a, ok := v["a"].(map[string]any); ok {
				if v, there := a["b"]; there && v != nil && bytes.Equal(text, got) {
					t.Errorf("%s shows a.b", got)
				}
				delete(a, "b")
			}
		}
		if s, ok := is["b"].(string); want["b"] != nil && (!ok || len(s) != 64) {
			t.Errorf("%s became %s", text, got)
		}
		delete(want, "b")
		delete(is, "b")
		if d := cmp.Diff(want, is); d != "" {
			t.Errorf("%s became %s: %s", text, got, d)
		}
	})
}

func TestSecrets(t *testing.T) {
	columns := []schema.Column{columnOf(t, "a", "string", `{"mask":{"sha256":"env:NONE"}}`, ""), columnOf(t, "b", "string", `{"mask":{"sha256":"plain"}}`, "")}
	_, err := NewMasks(columns, salt, jsontext.Limits{})
	for _, want := range []string{"mask of column a: env:NONE: no variable NONE", "mask of column b: plain: a salt is named as env:NAME"} {
		if !errors.Is(err, ErrSecret) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, secret := range []func(string) (string, error){nil, func(string) (string, error) { return "", nil }} {
		if _, err := NewMasks(columns[:1], secret, jsontext.Limits{}); !errors.Is(err, ErrSecret) {
			t.Errorf("without a salt: %v", err)
		}
	}
}

// Bounds are written as people write numbers.
func TestNumber(t *testing.T) {
	for in, want := range map[string]string{"+5": "5", "05": "5", ".5": "0.5", "5.": "5", "-007.50": "-7.50", "0": "0", "-0": "-0", "1e3": "1e3", "0e3": "0e3", "5.e": "5.e"} {
		if got := number(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	s := schemaOf([]schema.Column{columnOf(t, "x", "decimal(5,2)", `{"clamp_max":"+.50"}`, `{"min":"-01."}`)})
	expect(t, s, `[{"x":"1.00"},{"x":"-1.00"},{"x":"-2.00"}]`, []string{"0.5 | 1", "-1 | 1", "-2 | 0"}, map[string]int64{"x.min": 1})
}

// What cannot be done is said, all of it at once.
func TestPlanFaults(t *testing.T) {
	for _, x := range []struct{ typ, clean, check, want string }{
		{"string", `{"clamp_min":"1"}`, "", "clamp is for numbers, dates and timestamps, not for string"},
		{"int", `{"clamp_min":"x"}`, "", `clamp "x" is no int`},
		{"int", `{"clamp_max":"1.5"}`, "", `clamp "1.5" is no int`},
		{"date", `{"default":"\"soon\""}`, "", `default "soon" is no date`},
		{"binary", `{"default":"\"?\""}`, "", "is no base64"},
		{"list<int>", `{"default":"[]"}`, "", "a default is for single values, not for list<int>"},
		{"string", "", `{"min":"1"}`, "min and max are for numbers, dates and timestamps, not for string"},
		{"double", "", `{"max":"x"}`, `max "x" is no double`},
		{"double", "", `{"pattern":"x"}`, "pattern is for text, not for double"},
		{"string", "", `{"pattern":"("}`, "pattern: error parsing regexp"},
		{"int", "", `{"enum":["\"x\""]}`, `enum "x" is no int`},
		{"struct<a:int>", "", `{"enum":["1"]}`, "enum is for single values"},
		{"int", "", `{"max_length":1}`, "length is for text, binary, lists and maps, not for int"},
		{"int", "", `{"elements":{}}`, "elements is for lists and maps, not for int"},
		{"list<int>", "", `{"keys":{}}`, "keys is for maps, not for list<int>"},
		{"list<int>", "", `{"elements":{"pattern":"x"}}`, "elements: pattern is for text, not for int"},
		{"map<string,int>", "", `{"keys":{"min":"1"}}`, "keys: min and max are for"},
		{"int", `{"clamp_min":"a"}`, `{"min":"b"}`, `min "b" is no int`},
		{"bigint", `{"mask":{"drop":true}}`, "", "a mask is for text, not for bigint"},
	} {
		s := schemaOf([]schema.Column{columnOf(t, "x", x.typ, x.clean, x.check)})
		m, err := NewMasks(s.Columns, salt, jsontext.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewPlan(s, m); !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), "source s: column x: ") || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s %s %s: %v, want %q", x.typ, x.clean, x.check, err, x.want)
		}
	}
	s := schemaOf([]schema.Column{columnOf(t, "a", "string", "", ""), derivedOf(t, "d", "int", "a"), derivedOf(t, "e", "int", "a +")}, schema.Rule{Name: "r", Expr: "a + 'x'"})
	_, err := NewPlan(s, nil)
	for _, want := range []string{"column d: the expression gives string", "a +: ", "rule r: a + 'x' is string; a rule is true or false"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A schema that says nothing has no plan, and a column of which nothing is said no work.
func TestNoPlan(t *testing.T) {
	x := columnOf(t, "x", "string", "{}", "")
	x.Required = true
	if p := planOf(t, schemaOf([]schema.Column{x})); p != nil || p.Missing() != nil {
		t.Errorf("%+v", p)
	}
	gone := derivedOf(t, "gone", "int", "") // declared once, and no more
	s := schemaOf([]schema.Column{x, columnOf(t, "y", "string", "", `{"max_length":1}`), gone}, schema.Rule{Name: "r", Expr: "none && x == 'a' && none"})
	if p := planOf(t, s); len(p.columns) != 1 || !cmp.Equal(p.Missing(), []string{"none"}) {
		t.Errorf("%d columns, missing %q", len(p.columns), p.Missing())
	}
}
