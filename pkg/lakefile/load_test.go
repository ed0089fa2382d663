package lakefile

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func shown(name string) string { return path.Join("conf", name) }

func files(texts map[string]string) fs.FS {
	dir := fstest.MapFS{}
	for name, text := range texts {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return dir
}

func TestInclude(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string // sources and curated, then warnings; or errors
	}{
		{"patterns and names", map[string]string{
			"lake.yaml":      "include: [sources/*.yaml, ./more.yaml, sources/b.yaml]\nsources: {x: {}}",
			"sources/b.yaml": "sources: {b: {dedupe: none}}", "sources/a.yaml": "sources:\n  a: {}\n", "sources/c.yml": "not read",
			"more.yaml": "curated: {m: {from: a}}",
		}, "a b x m\nconf/more.yaml:1:14: curated.m: the engine does not make curated data sets yet"},
		{"one, without a list", map[string]string{"lake.yaml": "include: a.yaml", "a.yaml": ""}, ""},
		{"the lake file itself is left out", map[string]string{"lake.yaml": "include: ['*.yaml']\nversion: 1", "a.yaml": "sources: {a: }"}, "a"},
		{"a pattern that matches nothing", map[string]string{"lake.yaml": "include: [sources/*.yaml]"}, "\nconf/lake.yaml:1:11: include[1]: no file matches sources/*.yaml"},
		{"twice", map[string]string{
			"lake.yaml": "include: [a.yaml, b.yaml]\nsources:\n  x: {}\ncurated: {m: {from: x}}",
			"a.yaml":    "sources:\n  y: {}\n  x: {}", "b.yaml": "sources: {z: , y: }\ncurated: {m: {from: y}}",
		}, `conf/a.yaml:3:3: sources.x: it is declared already, in conf/lake.yaml:3:3; it is declared in one place
conf/b.yaml:1:16: sources.y: it is declared already, in conf/a.yaml:2:3; it is declared in one place
conf/b.yaml:2:11: curated.m: it is declared already, in conf/lake.yaml:4:11; it is declared in one place`},
		{"errors of all files", map[string]string{
			"lake.yaml": "include: [b.yaml, a.yaml, none.yaml, sources]\nversion: 2",
			"a.yaml":    "zones: {}\nsources: {a: {dedup: none}}\ninclude: [b.yaml]", "b.yaml": "sources: [", "non.yaml": "",
			"sources/x.yaml": "",
		}, `conf/lake.yaml:1:27: include[3]: there is no file none.yaml, did you mean non.yaml?; a file name or a pattern such as sources/*.yaml, below the lake file's folder
conf/lake.yaml:2:10: version: version 2 is not known; allowed is 1
conf/a.yaml:1:1: zones: unknown key "zones"; allowed are $schema, sources, curated
conf/a.yaml:2:15: sources.a.dedup: unknown key "dedup", did you mean dedupe?; allowed are envelope, records_at, event_time, dedupe, partition_by, on_type_conflict, other_columns, max_columns, columns, derived, rules, encoding, compression
conf/a.yaml:3:1: include: unknown key "include"; allowed are $schema, sources, curated
conf/b.yaml:1:10: not YAML: sequence end token ']' not found
conf/sources:1:1: cannot be read: invalid argument`},
		{"the curated of one file are of the sources of another", map[string]string{
			"lake.yaml": "include: [z.yaml]\ncurated: {m: {from: z, where: \"a > 'x'\"}}", "z.yaml": "sources: {z: {columns: [{path: data.a, type: int}]}}",
		}, "conf/lake.yaml:2:34: curated.m.where: int > string does not work; the two sides are of one type, or numbers"},
		{"a secret in another file", map[string]string{
			"lake.yaml": "include: [z.yaml]", "z.yaml": "sources: {z: {columns: [{path: data.a, type: string, mask: {sha256: 'env:NONE'}}]}}",
		}, "z\nmissing conf/z.yaml:1:69: sources.z.columns[1].mask.sha256: the variable NONE is not set; set it in the environment; its value is stored nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Load(files(c.files), "lake.yaml", shown, env)
			var got string
			var errs Errors
			if errors.As(err, &errs) {
				got = err.Error()
			} else if err != nil {
				t.Fatal(err)
			} else {
				names := sorted(f.Sources)
				got = strings.Join(append(names, sorted(f.Curated)...), " ")
				for _, w := range f.Warnings {
					got += "\n" + w
				}
				if err := f.Missing(env); err != nil {
					got += "\nmissing " + err.Error()
				}
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	if _, err := Load(files(nil), "lake.yaml", shown, env); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "conf/lake.yaml") {
		t.Errorf("no lake file: %v", err)
	}
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// TestSecrets: the variable must be set, its value shows nowhere, and what stands in its place in the file is not repeated.
func TestSecrets(t *testing.T) {
	const value = "correct horse"
	set := func(name string) (string, bool) { return value, name == "SALT" }
	text := `sources: {a: {columns: [{path: data.e, type: string, mask: {sha256: "env:SALT"}}]}}`
	f, err := Parse("lake.yaml", []byte(text), set)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Missing(set); err != nil {
		t.Error(err)
	}
	if got := f.Sources["a"].Columns[0].Clean.Mask.SHA256; got != "env:SALT" {
		t.Errorf("the mask holds %q", got)
	}
	for _, empty := range []func(string) (string, bool){func(string) (string, bool) { return "", true }, func(string) (string, bool) { return "", false }} {
		var errs Errors
		if err := f.Missing(empty); !errors.As(err, &errs) || len(errs) != 1 || errs[0].Key != "sources.a.columns[1].mask.sha256" || !strings.Contains(err.Error(), "the variable SALT is not set") {
			t.Errorf("missing: %v", err)
		}
	}
	for _, wrong := range []string{`"correct horse"`, `"${SALT}"`, `"env:correct horse"`} {
		_, err := Parse("lake.yaml", []byte(strings.Replace(text, `"env:SALT"`, wrong, 1)), set)
		if err == nil || strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	var none *File
	if none.Missing(set) != nil {
		t.Error("no file lacks something")
	}
}
