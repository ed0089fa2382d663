// Package datalake holds no code: the module's packages lie below it. Its tests are the law of the tree: which way
// imports point, who may do what, and how large things get.
package datalake

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file of the tree, whatever its build tags.
type source struct {
	path    string // slash-separated, from the repository's root
	pkg     string // the folder: "." for the root, "etl/decode"
	test    bool   // a _test.go file
	lines   int
	text    string
	imports []string // as written; those of this module without its name: "pkg/schema"
	doc     string   // the package comment
	calls   []string // selectors on imported packages that the file names: "os.Getenv"
	spawns  bool     // starts a goroutine
}

// law is one rule. It is broken where breach says so, with what is wrong; a rule sees one file at a time.
type law struct {
	name   string
	reason string
	breach func(s *source) string
}

// harness are the folders below etl/ that run the whole engine and stand above it: no stage may know them.
var harness = []string{"etl/golden", "etl/readers", "etl/forecast", "etl/draft"}

// laws are checked on every file. Exceptions stand here, by name, or nowhere.
var laws = []law{
	{
		"imports point down",
		"cmd picks adapters and flags, etl and ingest are libraries, pkg are nouns that work alone: an arrow back up would tie a noun to one program",
		func(s *source) string {
			return s.firstImport(func(to string) bool { return layer(to) > layer(s.pkg) && layer(to) < outside })
		},
	},
	{
		"siblings never import each other",
		"each stage of the engine, each program and each product part can be replaced, tested and read without the others; what two of them need is a noun in pkg",
		func(s *source) string {
			return s.firstImport(func(to string) bool {
				a, b := strings.Split(s.pkg, "/"), strings.Split(to, "/")
				switch {
				case !slices.Contains([]string{"etl", "ingest", "deploy", "cmd"}, a[0]):
					return false
				case a[0] != b[0]: // ingest → etl
					return layer(s.pkg) == layer(to)
				case len(a) == 1: // etl → etl/decode
					return false
				case slices.Contains(harness, s.pkg), s.test && len(b) == 1: // an outer test may drive the whole
					return false
				}
				return len(b) == 1 || a[1] != b[1] // etl/decode → etl, etl/decode → etl/write
			})
		},
	},
	{
		"only cmd picks adapters",
		"the engine gets its stores from the caller, so that it runs the same on a folder, in memory and on a bucket",
		func(s *source) string {
			if s.test || program(s.pkg) || under(s.pkg, "pkg/storage") {
				return ""
			}
			return s.firstImport(func(to string) bool {
				return under(to, "pkg/storage/file") || under(to, "pkg/storage/memory") || strings.HasPrefix(to, "github.com/aws/")
			})
		},
	},
	{
		"only cmd knows the process",
		"flags, environment, signals, exit codes, logs and terminals belong to programs; a library that reads them cannot be used twice in one process",
		func(s *source) string {
			// planted reads which bug to show, in test builds only.
			if s.test || program(s.pkg) || s.pkg == "pkg/planted" {
				return ""
			}
			if to := s.firstImport(func(to string) bool {
				return slices.Contains([]string{"flag", "os/signal", "log", "log/slog", "time/tzdata"}, to) ||
					strings.HasPrefix(to, "github.com/spf13/") || strings.HasPrefix(to, "github.com/vbauerster/mpb") || to == "golang.org/x/term"
			}); to != "" {
				return to
			}
			return s.firstCall("os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv", "os.Exit", "os.Args", "os.Stdin", "os.Stdout", "os.Stderr",
				"fmt.Print", "fmt.Println", "fmt.Printf")
		},
	},
	{
		"results read no clock and no dice",
		"the same inputs give the same bytes; what is random or timed belongs to attempts and to summaries",
		func(s *source) string {
			// These draw the seed of a hash table, against prepared collisions; what they give does not depend on it.
			seeds := []string{"pkg/jsontext/keys.go", "etl/decode/text.go"}
			if s.test || slices.Contains(seeds, s.path) || !slices.ContainsFunc([]string{
				"pkg/parquetfile", "pkg/jsontext", "pkg/timeparse", "pkg/schema", "pkg/lakefile", "pkg/layout", "pkg/expr",
				"etl/input", "etl/decode", "etl/clean", "etl/infer", "etl/segment", "etl/partition", "etl/dedupe", "etl/write", "etl/plan",
			}, func(folder string) bool { return under(s.pkg, folder) }) {
				return ""
			}
			if to := s.firstImport(func(to string) bool {
				return slices.Contains([]string{"math/rand", "math/rand/v2", "crypto/rand", "hash/maphash"}, to)
			}); to != "" {
				return to
			}
			return s.firstCall("time.Now", "time.Since", "time.Until")
		},
	},
	{
		"goroutines start in named places",
		"who starts one waits for it; a reader finds all of them by this list",
		func(s *source) string {
			if s.test || !s.spawns || slices.Contains([]string{"etl", "cmd/etl", "etl/commit", "etl/dedupe", "pkg/storage/file", "pkg/storage/storetest", "benchmarks/scale"}, s.pkg) {
				return ""
			}
			return "starts a goroutine"
		},
	},
	{
		"one Arrow",
		"arrow/go/v17 and the later module cannot be linked into one binary",
		func(s *source) string {
			return s.firstImport(func(to string) bool { return strings.HasPrefix(to, "github.com/apache/arrow-go") })
		},
	},
	{
		"a file is one step",
		"more than 500 lines are several steps in one file",
		func(s *source) string {
			if s.lines > 500 {
				return fmt.Sprintf("%d lines", s.lines)
			}
			return ""
		},
	},
	{
		"nothing is left open",
		"what is missing is an issue, where it can be found",
		func(s *source) string { return openMark.FindString(s.text) },
	},
	{
		"no machine's paths",
		"the tree must work wherever it is cloned",
		func(s *source) string { return machinePath.FindString(s.text) },
	},
}

// The patterns are broken up so that they do not find themselves.
var (
	openMark    = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|not impl` + `emented|unimpl` + `emented`)
	machinePath = regexp.MustCompile(`/(wo` + `rk|ro` + `ot)/|/ho` + `me/[a-z]+/`)
)

// The layers, from the lowest. Folders that are no part of the product may import all of it.
const (
	pkgLayer = iota + 1
	etlLayer
	cmdLayer
	testLayer
	outside // the standard library and other modules
)

func layer(pkg string) int {
	switch top, _, _ := strings.Cut(pkg, "/"); top {
	case "pkg":
		return pkgLayer
	case "etl", "ingest", "deploy":
		return etlLayer
	case "cmd":
		return cmdLayer
	case ".", "benchmarks", "internal":
		return testLayer
	}
	return outside
}

// program says whether a folder holds programs: the product's, and those that measure it.
func program(pkg string) bool { return under(pkg, "cmd") || under(pkg, "benchmarks") }

func under(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

// firstImport is the first import that is bad, "" when none is.
func (s *source) firstImport(bad func(string) bool) string {
	for _, to := range s.imports {
		if bad(to) {
			return "imports " + to
		}
	}
	return ""
}

func (s *source) firstCall(names ...string) string {
	for _, c := range s.calls {
		if slices.Contains(names, c) {
			return "uses " + c
		}
	}
	return ""
}

// parse reads what the laws need to know of one file.
func parse(name, text string) (*source, error) {
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	s := &source{
		path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), text: text,
		lines: strings.Count(text, "\n"), doc: f.Doc.Text(),
	}
	local := map[string]string{} // the name in the file → the package's own
	for _, im := range f.Imports {
		to, err := strconv.Unquote(im.Path.Value)
		if err != nil {
			return nil, err
		}
		s.imports = append(s.imports, strings.TrimPrefix(to, "datalake/"))
		as := path.Base(to)
		if im.Name != nil {
			as = im.Name.Name
		}
		local[as] = path.Base(to)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			s.spawns = true
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Obj == nil && local[x.Name] != "" {
				s.calls = append(s.calls, local[x.Name]+"."+n.Sel.Name)
			} else if n.Sel.Name == "Go" && slices.ContainsFunc(s.imports, func(to string) bool { return strings.HasSuffix(to, "/errgroup") || to == "sync" }) {
				s.spawns = true // errgroup.Group.Go, sync.WaitGroup.Go
			}
		}
		return true
	})
	return s, nil
}

// tree parses all Go files below the repository's root.
func tree(t *testing.T) []*source {
	t.Helper()
	var all []*source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); p != "." && (n[0] == '.' || n[0] == '_' || n == "testdata" || p == "lake" || p == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(p), string(text))
		if err == nil {
			all = append(all, s)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files seen: the tests must run in the repository's root", len(all))
	}
	return all
}

func TestLaw(t *testing.T) {
	for _, s := range tree(t) {
		for _, l := range laws {
			if what := l.breach(s); what != "" {
				t.Errorf("%s: %s\n\tlaw: %s\n\tbecause %s", s.path, what, l.name, l.reason)
			}
		}
	}
}

// roomy are the packages that may have more than 15 files: those that join what lies below them, one file a verb.
var roomy = map[string]int{"etl": 23, "cmd/etl": 27}

// TestPackages checks what concerns a folder as a whole: it says what it is, once, and stays small.
func TestPackages(t *testing.T) {
	docs, code := map[string]int{}, map[string]int{}
	for _, s := range tree(t) {
		docs[s.pkg] += 0
		if s.doc != "" {
			docs[s.pkg]++
		}
		if !s.test {
			code[s.pkg]++
		}
	}
	for pkg, n := range docs {
		if n != 1 {
			t.Errorf("%s: %d package comments; one file, doc.go where there are several, says what the package is and what it does not do", pkg, n)
		}
		if most := cmp.Or(roomy[pkg], 15); code[pkg] > most {
			t.Errorf("%s: %d files; more than %d are several packages in one", pkg, code[pkg], most)
		}
	}
}

// TestLawCatches breaks each law once.
func TestLawCatches(t *testing.T) {
	caught := map[string]bool{}
	for _, c := range []struct{ law, file, text string }{
		{"imports point down", "pkg/schema/x.go", `import "datalake/etl"`},
		{"imports point down", "pkg/schema/x_test.go", `import "datalake/etl/decode"`},
		{"imports point down", "etl/x.go", `import "datalake/cmd/etl"`},
		{"siblings never import each other", "etl/decode/x.go", `import "datalake/etl/write"`},
		{"siblings never import each other", "etl/decode/x.go", `import "datalake/etl"`},
		{"siblings never import each other", "ingest/x.go", `import "datalake/etl"`},
		{"siblings never import each other", "cmd/etl/x.go", `import "datalake/cmd/lake/flags"`},
		{"only cmd picks adapters", "etl/x.go", `import "datalake/pkg/storage/file"`},
		{"only cmd picks adapters", "pkg/catalog/x.go", `import "github.com/aws/aws-sdk-go-v2/service/glue"`},
		{"only cmd knows the process", "pkg/lakefile/x.go", "import \"os\"\nvar _ = os.Getenv(\"A\")"},
		{"only cmd knows the process", "pkg/lakefile/x.go", "import hidden \"os\"\nvar _ = hidden.Getenv(\"A\")"},
		{"only cmd knows the process", "etl/x.go", "import \"fmt\"\nfunc f() { fmt.Println() }"},
		{"only cmd knows the process", "etl/x.go", `import "log/slog"`},
		{"results read no clock and no dice", "etl/write/x.go", "import \"time\"\nvar _ = time.Now()"},
		{"results read no clock and no dice", "pkg/parquetfile/x.go", `import "math/rand/v2"`},
		{"goroutines start in named places", "etl/decode/x.go", "func f() { go f() }"},
		{"goroutines start in named places", "etl/decode/x.go", "import \"golang.org/x/sync/errgroup\"\nfunc f(g *errgroup.Group) { g.Go(nil) }"},
		{"one Arrow", "etl/x.go", `import "github.com/apache/arrow-go/v18/arrow"`},
		{"a file is one step", "etl/x.go", strings.Repeat("\n", 501)},
		{"nothing is left open", "etl/x.go", "// TO" + "DO: later"},
		{"no machine's paths", "etl/x_test.go", `const p = "/ro` + `ot/x"`},
	} {
		s, err := parse(c.file, "package x\n"+c.text)
		if err != nil {
			t.Fatal(err)
		}
		var broken []string
		for _, l := range laws {
			if l.breach(s) != "" {
				broken = append(broken, l.name)
			}
		}
		if !slices.Equal(broken, []string{c.law}) {
			t.Errorf("%s with %q breaks %q, want %q", c.file, c.text, broken, c.law)
		}
		caught[c.law] = true
	}
	for _, l := range laws {
		if !caught[l.name] {
			t.Errorf("no case breaks the law %q", l.name)
		}
	}
	for _, c := range []struct{ file, text string }{
		{"etl/x.go", `import ("datalake/etl/decode"; "datalake/pkg/schema"; "golang.org/x/sync/errgroup")`},
		{"etl/golden/x_test.go", `import ("datalake/etl"; "datalake/pkg/storage/memory")`},
		{"etl/commit/deep/x.go", `import "datalake/etl/commit"`},
		{"cmd/etl/x.go", "import (\"os\"; \"datalake/etl\"; \"datalake/pkg/storage/file\")\nvar _ = os.Args"},
		{"pkg/storage/file/x.go", `import "datalake/pkg/storage"`},
		{"etl/x_test.go", "import \"os\"\nvar _ = os.Getenv(\"A\")"},
	} {
		s, err := parse(c.file, "package x\n"+c.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range laws {
			if what := l.breach(s); what != "" {
				t.Errorf("%s with %q: %s: %s; it is allowed", c.file, c.text, l.name, what)
			}
		}
	}
}
