package lakefile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"datalake/pkg/expr"
	"datalake/pkg/lakefile/grammar"
)

// objects are the parts of the grammar in the order of the reference.
var objects = []*grammar.Object{
	grammar.Root, grammar.Part, grammar.Zones, grammar.Input, grammar.Source, grammar.EventTime, grammar.Dedupe, grammar.Keep, grammar.Column, grammar.Clamp,
	grammar.Length, grammar.Elements, grammar.Mask, grammar.Derived, grammar.Rule, grammar.Curated, grammar.Join, grammar.Group,
}

// TestPublished: docs/lake.schema.json and docs/lake-file.md are what the grammar gives; go test -update writes them.
func TestPublished(t *testing.T) {
	for name, text := range map[string][]byte{"lake.schema.json": grammar.Schema(), "lake-file.md": reference()} {
		file := filepath.Join("..", "..", "docs", name)
		if *update {
			if err := os.WriteFile(file, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s is not what the grammar gives (%v); run go test ./pkg/lakefile -update", file, err)
		}
	}
}

// reference is docs/lake-file.md.
func reference() []byte {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p(`# The lake file

*Made of the grammar in pkg/lakefile/grammar by ` + "`go test ./pkg/lakefile -update`" + `; change it there.*

` + "`<lake>/lake.yaml`" + `, or ` + "`-c FILE`" + `, says what a lake is. ` + "`etl check`" + ` lists all that is wrong in it, with line, column and a cure, and explains what a run will do.
[lake.schema.json](lake.schema.json) gives editors completion and checks: ` + "`# yaml-language-server: $schema=lake.schema.json`" + ` in the first line, or ` + "`etl check --schema`" + ` to print it.

` + "`${NAME}`" + ` in a value is replaced by the environment's variable; ` + "`$${`" + ` stands for ` + "`${`" + `. Secrets are written as ` + "`env:NAME`" + ` and stay in the environment. YAML's anchors work;
merge keys and tags do not. A key with nothing behind it counts as absent.

`)
	for _, o := range objects {
		p("- [%s](#%s)\n", o.Title, anchor(o.Title))
	}
	p("- [Expressions](#expressions)\n")
	for _, o := range objects {
		p("\n## %s\n%s\n\n", o.Title, o.Doc)
		p("| key | is | default | meaning |\n| --- | --- | --- | --- |\n")
		for _, f := range o.Fields {
			name := "`" + f.Name + "`"
			if f.Required {
				name += " (needed)"
			}
			doc := f.Doc
			if f.Types() != "" {
				doc += " For " + f.Types() + "."
			}
			p("| %s | %s | %s | %s |\n", name, cell(f.Value.Allowed()), cell(f.Default), cell(doc))
		}
		p("\n```yaml\n")
		for _, f := range o.Fields {
			if f.Example != "" {
				p("%s\n", fmt.Sprintf(o.Wrap, f.Example))
			}
		}
		p("```\n")
	}
	p(`
## Expressions
Rules, derived columns and ` + "`where`" + ` are in [CEL](https://cel.dev), over the columns of one row by name: ` + "`temperature + 0.1 * humidity`, `state in [\"on\", \"off\"] && !email.endsWith(\"@example.com\")`" + `.
They see record_id, event_time, ingested_at, the declared and the derived columns; with ` + "`other_columns: keep`" + ` also those that are found, whose types are not checked before a run.

- **Types.** string and json are string; int and bigint are int; float, double and decimal are double; date and timestamp are timestamp (a date is its midnight, UTC); boolean is bool; lists are lists; maps and structs
  have fields, ` + "`position.lat`" + `.
- **Numbers.** Integers and doubles mix: ` + "`1 + 0.5`" + ` is 1.5. Integers divide to integers, 7 / 2 is 3; write 7 / 2.0 for 3.5.
- **Null.** An operand that is null makes null, as in SQL; a rule that is null does not count. ` + "`null && false`" + ` is false, ` + "`null || true`" + ` is true. ` + "`x == null`, `x != null`" + ` ask whether there is a value, ` + "`coalesce(x, 0)`" + ` puts another in its place,
  ` + "`has(position.lat)`" + ` asks for a field.
- **Errors.** A division by zero, an integer beyond 64 bits, a text that is no number: the rule fails, the derived value is null. ` + "`&&`, `||` and `?:`" + ` go around an error that does not decide.
- **Lists.** ` + "`tags.all(t, t.size() < 20)`, `tags.exists(t, t == \"x\")`, `exists_one`, `filter`, `map`, `\"x\" in tags`, `tags[0]`" + `.

A stands for any type. A time zone, such as "Europe/Berlin", may stand in the brackets of the functions of timestamps; UTC is meant without.

| | takes | gives |
| --- | --- | --- |
`)
	for _, g := range expr.Forms() {
		p("| `%s` | %s | %s |\n", cell(g.Name), cell("`"+strings.Join(g.Forms, "`, `")+"`"), cell(g.Doc))
	}
	return []byte(b.String())
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func anchor(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }

// TestExamples: each key has an example with the key in it, which reads without a fault.
func TestExamples(t *testing.T) {
	v := schemaOf(t)
	n := 0
	for _, o := range objects {
		for _, f := range o.Fields {
			if o == grammar.Elements && f.Example == "" {
				continue // it goes with other types than the example's
			}
			text := fmt.Sprintf(o.Wrap, f.Example)
			if !strings.Contains(f.Example, f.Name+":") {
				t.Errorf("%s.%s: the example is %q", o.Name, f.Name, f.Example)
			}
			n++
			l := newLoader("lake.yaml", env)
			l.dir, l.main, l.shown = files(map[string]string{"sources/a.yaml": ""}), "lake.yaml", shown
			l.read("lake.yaml", []byte(text))
			if _, err := l.done(); err != nil {
				t.Errorf("%s.%s: %v\n%s", o.Name, f.Name, err, text)
			}
			if err := validate(t, v, text); err != nil {
				t.Errorf("%s.%s: the JSON Schema refuses its example: %v", o.Name, f.Name, err)
			}
		}
	}
	if n < 70 {
		t.Errorf("only %d keys", n)
	}
}

func schemaOf(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(grammar.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("lake.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("lake.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatalf("%v\n%s", err, asJSON)
	}
	return s.Validate(v)
}

// TestSchemaAgrees: the JSON Schema takes what the reader takes, and refuses what is wrong in shape.
func TestSchemaAgrees(t *testing.T) {
	s := schemaOf(t)
	_, good := readGolden(t, "testdata/schemas.txt")
	for _, c := range good {
		if strings.HasPrefix(c.text, "%YAML") {
			continue // two documents for the library
		}
		if err := validate(t, s, c.text); err != nil {
			t.Errorf("%s: it refuses a good file: %v", c.name, err)
		}
	}
	// What a schema can see, in the words of the reader.
	shapes := []string{"unknown key", "unknown value", "a map is needed", "a list is needed", "a value is needed", "is no boolean", "path is missing", "type is missing", "expr is missing", "the list is empty"}
	_, bad := readGolden(t, "testdata/errors.txt")
	n := 0
	for _, c := range bad {
		if strings.Contains(c.want, "not YAML") || strings.Contains(c.want, "second document") || strings.Contains(c.want, "no anchor") || strings.Contains(c.want, "twice") && !strings.Contains(c.want, "is there twice\n") {
			continue
		}
		if !slices.ContainsFunc(shapes, func(s string) bool { return strings.Contains(c.want, ": "+s) }) {
			continue
		}
		if c.name == "environment" { // the mistakes are in the variables' values
			continue
		}
		n++
		if validate(t, s, strings.ReplaceAll(c.text, ".nan", "cold")) == nil { // JSON has no NaN
			t.Errorf("%s: it takes a file of wrong shape", c.name)
		}
	}
	if n < 15 {
		t.Errorf("only %d files of wrong shape", n)
	}
}

// TestSchemaRefuses: single mistakes, each of which the JSON Schema must see.
func TestSchemaRefuses(t *testing.T) {
	s := schemaOf(t)
	for _, text := range []string{
		"versoin: 1", "version: 2", "version: [1]", "sources: []", "sources: {a: 5}", "sources: {a: {envelope: yes}}", "sources: {a: {dedupe: some}}",
		"sources: {a: {dedupe: {key: []}}}", "sources: {a: {dedupe: {keep: {first: x}}}}", "sources: {a: {dedupe: {scope: 7}}}", "sources: {a: {max_columns: 0}}",
		"sources: {a: {columns: {path: x}}}", "sources: {a: {columns: [{path: x}]}}", "sources: {a: {columns: [{path: x, type: int, trim: 1}]}}",
		"sources: {a: {columns: [{path: x, type: int, on_fail: null}]}}", "sources: {a: {columns: [{path: x, type: string, mask: {sha256: salt}}]}}",
		"sources: {a: {columns: [{path: x, type: string, mask: {keep_last: 0}}]}}", "sources: {a: {columns: [{path: x, type: string, length: 5}]}}",
		"sources: {a: {columns: [{path: x, type: string, elements: {elements: {patern: x}}}]}}", "sources: {a: {columns: [{path: x, type: int, name: Bad}]}}",
		"sources: {a: {derived: [{name: x, type: int}]}}", "sources: {a: {rules: [{name: x, expr: 'true', on_fail: 'null'}]}}",
		"curated: {a: {where: x}}", "curated: {a: {from: x, group_by: [{week: t}]}}", "curated: {a: {from: x, join: [{dim: x.json, on: a}]}}", "include: []", "zones: {rot: x}", "input: {max_record: 1GiB}",
	} {
		if validate(t, s, text) == nil {
			t.Errorf("%s: it is taken", text)
		}
		if _, err := Parse("lake.yaml", []byte(text), env); err == nil {
			t.Errorf("%s: the reader takes it", text)
		}
	}
}

// TestEngineRules: the names that no rule of a lake file may have are those that docs/engine.md tells.
func TestEngineRules(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "engine.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, line, ok := strings.Cut(string(text), "\nRules: ")
	line, _, _ = strings.Cut(line, "\n")
	n := 0
	for i, name := range strings.Split(line, "`") {
		if i%2 == 1 {
			n++
			if !slices.Contains(engineRules, name) {
				t.Errorf("a rule may be called %s", name)
			}
		}
	}
	if !ok || n < 10 {
		t.Errorf("docs/engine.md tells %d rules", n)
	}
}
