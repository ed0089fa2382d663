package schema

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseType(t *testing.T) {
	for _, c := range []struct{ in, text, hive string }{
		{"string", "string", "string"},
		{"JSON", "json", "string"},
		{"Integer", "int", "int"},
		{"long", "bigint", "bigint"},
		{"decimal( 10 , 2 )", "decimal(10,2)", "decimal(10,2)"},
		{"list<double>", "list<double>", "array<double>"},
		{"map<string, list<bigint>>", "map<string,list<bigint>>", "map<string,array<bigint>>"},
		{"struct<a:int, b:list<string>>", "struct<a:int,b:list<string>>", "struct<a:int,b:array<string>>"},
		{`struct<"A b":a_b:int>`, "struct<a_b:int>", "struct<a_b:int>"},
	} {
		ty, err := ParseType(c.in)
		if err != nil {
			t.Errorf("ParseType(%q): %v", c.in, err)
			continue
		}
		if ty.String() != c.text || ty.Hive() != c.hive {
			t.Errorf("ParseType(%q) = %s, hive %s; want %s, %s", c.in, ty, ty.Hive(), c.text, c.hive)
		}
		b, err := json.Marshal(ty)
		if err != nil {
			t.Fatal(err)
		}
		var back Type
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(ty, back); d != "" {
			t.Errorf("%s does not survive JSON: %s", c.in, d)
		}
	}
}

func TestParseTypeErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "unknown type",
		"strin":                 "unknown type \"strin\"",
		"decimal(39,2)":         "precision is 1 to 38",
		"decimal(3,4)":          "scale 0 to precision",
		"list<int":              "expected '>'",
		"map<int,int>":          "map keys are strings",
		"struct<a:int,a:int>":   "field \"a\" twice",
		"struct<a int>":         "expected ':'",
		"int int":               "follows the type",
		`struct<"a:b:int>`:      "quoted key does not end",
		"list<struct<:string>>": "expected a field name",
	} {
		if _, err := ParseType(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseType(%q): error %v, want %q", in, err, want)
		}
	}
}

func TestPathText(t *testing.T) {
	for _, p := range []Path{{"data", "a"}, {"a.b", "c"}, {""}, {`q"x`, "\n"}, {"päth", "x y"}} {
		back, err := ParsePath(p.String())
		if err != nil || cmp.Diff(p, back) != "" {
			t.Errorf("%q → %s → %q, %v", []string(p), p, []string(back), err)
		}
	}
	for _, s := range []string{"", ".", "a.", ".a", `"a`, `"a"b`} {
		if p, err := ParsePath(s); err == nil {
			t.Errorf("ParsePath(%q) = %q, want an error", s, []string(p))
		}
	}
}

func TestWidens(t *testing.T) {
	wider := map[string]string{"int": "bigint"}
	for _, from := range []string{"int", "bigint", "float", "double", "string", "list<int>"} {
		for _, to := range []string{"int", "bigint", "float", "double", "string", "list<bigint>"} {
			a, err := ParseType(from)
			if err != nil {
				t.Fatal(err)
			}
			b, err := ParseType(to)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := a.Widens(b), wider[from] == to; got != want {
				t.Errorf("%s widens to %s: %v", from, to, got)
			}
			// What widens keeps the fingerprint and is no difference; the way back is one.
			s := Common("s", Enveloped)
			s, err = s.Extend([]Column{{Name: "x", Type: a, Path: Path{"x"}}})
			if err != nil {
				t.Fatal(err)
			}
			u := s.Clone()
			u.Columns[u.Index("x")].Type = b
			if d := s.Differences(u); from != to && (len(d) == 0) != a.Widens(b) {
				t.Errorf("%s to %s: differences %q", from, to, d)
			}
			if a.Widens(b) && s.Fingerprint() != u.Fingerprint() {
				t.Errorf("%s to %s: other fingerprint", from, to)
			}
		}
	}
}
