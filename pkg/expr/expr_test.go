package expr

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	_ "time/tzdata"

	"datalake/pkg/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testColumns is the table of the golden cases: name, type, value in the row.
var testColumns = []struct {
	name, typ string
	value     Value
}{
	{"i", "int", Int(7)},
	{"big", "bigint", Int(9007199254740993)},
	{"d", "double", Double(2.5)},
	{"price", "decimal(10,2)", Double(19.99)},
	{"s", "string", String("Äpfel 12")},
	{"empty", "string", String("")},
	{"b", "boolean", Bool(true)},
	{"t", "timestamp", Timestamp(1764072000123)}, // 2025-11-25T12:00:00.123Z
	{"day", "date", Timestamp(1764028800000)},
	{"bin", "binary", Bytes("\x00\x01")},
	{"tags", "list<string>", List([]Value{String("a"), String("bb"), Null})},
	{"nums", "list<int>", List([]Value{Int(3), Int(1), Int(2)})},
	{"attrs", "map<string,double>", Map(map[string]Value{"x": Double(1), "y": Null})},
	{"pos", "struct<lat:double,lon:double,at:struct<z:int>>", Map(map[string]Value{"lat": Double(52), "lon": Null, "at": Map(map[string]Value{"z": Int(1)})})},
	{"ni", "int", Null},
	{"nd", "double", Null},
	{"ns", "string", Null},
	{"nb", "boolean", Null},
	{"nt", "timestamp", Null},
	{"nl", "list<int>", Null},
	{"np", "struct<a:int>", Null},
	{"timestamp", "string", String("named as a function")},
}

// unlisted are columns that only open environments know.
var unlisted = map[string]Value{"any_int": Int(5), "any_text": String("x"), "any_null": Null}

func testEnv(t testing.TB, open bool) *Env {
	t.Helper()
	var columns []schema.Column
	for _, c := range testColumns {
		typ, err := schema.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, schema.Column{Name: c.name, Type: typ})
	}
	return NewEnv(columns, open)
}

func testRow(p *Program) []Value {
	row := make([]Value, len(p.Columns))
	for i, name := range p.Columns {
		row[i] = unlisted[name]
		for _, c := range testColumns {
			if c.name == name {
				row[i] = c.value
			}
		}
	}
	return row
}

// TestGolden reads testdata/*.txt: a line that is not indented is an expression (⏎ is a line's end), and the indented ones below
// it are what it gives: its value and type, or what is wrong. The expressions of open.txt may name undeclared columns.
func TestGolden(t *testing.T) {
	for _, file := range []string{"values", "errors", "open"} {
		t.Run(file, func(t *testing.T) {
			env := testEnv(t, file == "open")
			name := "testdata/" + file + ".txt"
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			n := 0
			for _, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
				if line == "" || line[0] == '#' {
					got.WriteString(line + "\n")
					continue
				}
				if line[0] == '\t' {
					continue
				}
				n++
				got.WriteString(line + "\n")
				for _, l := range strings.Split(describe(t, env, strings.ReplaceAll(line, "⏎", "\n")), "\n") {
					got.WriteString("\t" + l + "\n")
				}
			}
			if *update {
				if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got.String() != string(b) {
				t.Errorf("%s differs; run with -update and look at the difference:\n%s", name, diff(string(b), got.String()))
			}
			if n < 10 {
				t.Errorf("only %d cases", n)
			}
		})
	}
}

// diff shows where the lines of b are not those of a.
func diff(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out strings.Builder
	for i := range max(len(x), len(y)) {
		var l, r string
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			r = y[i]
		}
		if l != r {
			out.WriteString("-" + l + "\n+" + r + "\n")
		}
	}
	return out.String()
}

func describe(t *testing.T, env *Env, text string) string {
	p, err := env.Compile(text)
	if err != nil {
		var all Errors
		if !errors.As(err, &all) || len(all) == 0 {
			t.Errorf("%s: error %v", text, err)
		}
		return err.Error()
	}
	v := p.Eval(testRow(p))
	if k := v.Kind(); p.Kind != KindDyn && k != KindNull && k != KindError && k != p.Kind {
		t.Errorf("%s: compiled to %s, gives %s", text, p.Kind, k)
	}
	if v.Kind() == KindError {
		return v.String()
	}
	return v.String() + "  " + typeText(p.result)
}
