package expr

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"

	"datalake/pkg/schema"
)

// TestAgainstCEL: where no operand is null and CEL's own library takes the types as they are, values are those of cel-go.
func TestAgainstCEL(t *testing.T) {
	b, err := os.ReadFile("testdata/values.txt")
	if err != nil {
		t.Fatal(err)
	}
	mine := testEnv(t, false)
	opts := []cel.EnvOption{ext.Strings()}
	row := map[string]any{}
	for _, c := range testColumns {
		if v := native(c.value); v != nil && c.name != "timestamp" && c.name != "tags" && c.name != "pos" && c.name != "attrs" {
			row[c.name] = v
			opts = append(opts, cel.Variable(c.name, celType(mine.columns[c.name])))
		}
	}
	peer, err := cel.NewEnv(opts...)
	if err != nil {
		t.Fatal(err)
	}
	// Where this language says something else on purpose, or CEL says it in another form.
	differs := []string{
		`timestamp("2025-11-25T12:00:00.123456Z")`, // milliseconds
		`t > timestamp("2025-11-25")`,              // a date is a time
		"(-9223372036854775807 - 1) % -1",          // 0, an overflow in CEL
	}
	n := 0
	for _, line := range strings.Split(string(b), "\n") {
		if line == "" || line[0] == '#' || line[0] == '\t' || slices.Contains(differs, line) {
			continue
		}
		a, issues := peer.Compile(line)
		if issues.Err() != nil {
			continue
		}
		prg, err := peer.Program(a)
		if err != nil {
			t.Fatal(err)
		}
		want, _, peerErr := prg.Eval(row)
		p, err := mine.Compile(line)
		if err != nil {
			continue
		}
		got := p.Eval(testRow(p))
		n++
		switch {
		case (peerErr != nil) != (got.Kind() == KindError):
			t.Errorf("%s: %v, CEL %v (%v)", line, got, want, peerErr)
		case peerErr == nil && got.String() != fromCEL(want).String():
			t.Errorf("%s: %v, CEL %v", line, got, fromCEL(want))
		}
	}
	if n < 100 {
		t.Errorf("only %d expressions compared", n)
	}
}

func native(v Value) any {
	switch v.Kind() {
	case KindBool:
		return v.IsTrue()
	case KindInt:
		return v.Int()
	case KindDouble:
		return v.Double()
	case KindString:
		return v.Text()
	case KindBytes:
		return []byte(v.Text())
	case KindTimestamp:
		return time.UnixMilli(v.Int()).UTC()
	case KindList:
		var out []any
		for _, x := range v.List() {
			out = append(out, native(x))
		}
		return out
	}
	return nil
}

func fromCEL(v ref.Val) Value {
	switch x := v.(type) {
	case types.Timestamp:
		return Timestamp(x.UnixMilli())
	case types.Duration:
		return Duration(x.Milliseconds())
	case traits.Lister:
		var out []Value
		for it := x.Iterator(); it.HasNext() == types.True; {
			out = append(out, fromCEL(it.Next()))
		}
		return List(out)
	}
	l, _ := literal(v)
	return l
}

// TestFits: which results can stand in which columns.
func TestFits(t *testing.T) {
	env := testEnv(t, true)
	for _, c := range []struct{ text, typ, want string }{
		{"i + 1", "int", ""},
		{"i + 1", "bigint", ""},
		{"i + 1", "double", ""},
		{"i + 1", "decimal(5,1)", ""},
		{"i + 1", "string", "the expression gives int, the column is string: write string(…)"},
		{"i + 0.5", "float", ""},
		{"i + 0.5", "bigint", "the expression gives double, the column is bigint: write int(round(…)), or make the column double"},
		{"s", "string", ""},
		{"s", "json", "the expression gives string, the column is json"},
		{"s", "timestamp", "the expression gives string, the column is timestamp"},
		{"t", "date", ""},
		{"t", "timestamp", ""},
		{"t - day", "double", "the expression gives duration, the column is double: take a number of it, as with getSeconds()"},
		{"b", "boolean", ""},
		{"b", "int", "the expression gives bool, the column is int"},
		{"nums", "list<bigint>", ""},
		{"nums", "list<string>", "the expression gives list<int>, the column is list<string>"},
		{"attrs", "map<string,double>", "the expression gives map, the column is map<string,double>"},
		{"other", "int", ""},
		{"other", "list<string>", ""},
		{"other", "map<string,int>", "the expression gives any, the column is map<string,int>"},
		{"null", "int", ""},
	} {
		p, err := env.Compile(c.text)
		if err != nil {
			t.Fatal(err)
		}
		typ, err := schema.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := p.Fits(typ); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.text, c.typ, got, c.want)
		}
	}
}

func TestColumns(t *testing.T) {
	p, err := testEnv(t, true).Compile("other + i > 1 && nums.all(x, x > i) && nums.exists(nl, nl == d) && i > 0 && pos.at.z == 1")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(p.Columns), "[other i nums d pos]"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
}

// TestErrorsHideValues: no error holds a value of the row, which may be masked.
func TestErrorsHideValues(t *testing.T) {
	env := NewEnv([]schema.Column{{Name: "x"}, {Name: "y"}}, false)
	secrets := []Value{String("s3cret"), Int(424242), Double(424242.5), Timestamp(424242424242), Map(map[string]Value{"s3cret": Int(1)}), List([]Value{Int(424242)}), Bool(true)}
	n := 0
	for _, f := range functions {
		var texts []string
		op := strings.Trim(f.name, "_@")
		switch {
		case f.name == "!_" || f.name == "-_":
			texts = []string{op + "x"}
		case f.name == "_[_]":
			texts = []string{"x[y]"}
		case f.name == "_?_:_":
			texts = []string{"x ? y : x"}
		case f.name == "@not_strictly_false":
			texts = []string{"x.all(e, e)", "x.map(e, e + y)"}
		case strings.ContainsAny(f.name, "_@"):
			texts = []string{"x " + op + " y"}
		case f.name == "matches":
			texts = []string{`x.matches("a")`}
		default:
			for _, form := range []string{"%s(x)", "%s(x, y)", "x.%s()", "x.%s(y)", "x.%s(y, x)"} {
				texts = append(texts, fmt.Sprintf(form, f.name))
			}
		}
		compiled := false
		for _, text := range texts {
			p, err := env.Compile(text)
			if err != nil {
				continue
			}
			compiled = true
			for _, x := range secrets {
				for _, y := range secrets {
					row := []Value{x, y}[:len(p.Columns)]
					if v := p.Eval(row); v.Kind() == KindError {
						n++
						if s := v.Text(); strings.Contains(s, "s3cret") || strings.Contains(s, "4242") {
							t.Errorf("%s of %v and %v: %s", text, x, y, s)
						}
					}
				}
			}
		}
		if !compiled {
			t.Errorf("%s: none of %q compiles", f.name, texts)
		}
	}
	if n < 300 {
		t.Errorf("only %d errors seen", n)
	}
}

// FuzzCompile: whatever the text, there is a program or errors with places, and the program's values are of its kind.
func FuzzCompile(f *testing.F) {
	for _, file := range []string{"values", "errors", "open"} {
		b, err := os.ReadFile("testdata/" + file + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			if line != "" && line[0] != '\t' && line[0] != '#' {
				f.Add(line, int64(len(line)), 1.5, line)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string, i int64, d float64, s string) {
		p, err := testEnv(t, len(text)%2 == 0).Compile(text)
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("error %v", err)
			}
			for _, e := range all {
				if e.Line < 1 || e.Column < 1 || e.Problem == "" {
					t.Fatalf("error %+v", e)
				}
			}
			return
		}
		row := testRow(p)
		for range 2 {
			v := p.Eval(row)
			if k := v.Kind(); p.Kind != KindDyn && k != KindNull && k != KindError && k != p.Kind {
				t.Fatalf("%s: compiled to %s, gives %s", text, p.Kind, k)
			}
			if again := p.Eval(row); again.String() != v.String() {
				t.Fatalf("%s: %v, then %v", text, v, again)
			}
			for j := range row {
				switch row[j].Kind() {
				case KindInt:
					row[j] = Int(i)
				case KindDouble:
					row[j] = Double(d)
				case KindString:
					row[j] = String(s)
				case KindTimestamp:
					row[j] = Timestamp(i % (math.MaxInt64 / 2))
				}
			}
		}
	})
}
