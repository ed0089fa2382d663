package datalake

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents reads all Markdown files of the tree.
func documents(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (d.Name()[0] == '.' || p == "lake") {
			return fs.SkipDir
		}
		if filepath.Ext(p) == ".md" {
			text, err := os.ReadFile(p)
			docs[filepath.ToSlash(p)] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"README.md", "CONTRIBUTING.md", "docs/engine.md", "docs/guarantees.md"} {
		if docs[must] == "" {
			t.Errorf("%s is missing", must)
		}
	}
	return docs
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.*)$`)
	testName = regexp.MustCompile(`\b((?:[a-z0-9]+/)+[a-z0-9]+)` + "`?[:,]? `?" + `((?:Test|Fuzz|Benchmark|Example)[A-Z]\w*)`)
)

// anchor is the fragment that a heading has in a rendered page.
func anchor(heading string) string {
	heading = strings.ToLower(strings.TrimSpace(heading))
	return strings.ReplaceAll(regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(heading, ""), " ", "-")
}

// TestDocLinks: what a document points to, in the tree, is there.
func TestDocLinks(t *testing.T) {
	docs := documents(t)
	for name, text := range docs {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, fragment, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
				continue
			}
			found := fragment == ""
			for _, h := range headings.FindAllStringSubmatch(docs[target], -1) {
				found = found || anchor(h[1]) == fragment
			}
			if !found {
				t.Errorf("%s links to %s: no such heading", name, m[1])
			}
		}
	}
}

// TestDocTests: the tests that a document names, as `etl/commit` `TestCrash`, exist in that package.
func TestDocTests(t *testing.T) {
	text := map[string]string{}
	for _, s := range tree(t) {
		if s.test {
			text[s.pkg] += s.text
		}
	}
	named := 0
	for name, doc := range documents(t) {
		for _, m := range testName.FindAllStringSubmatch(doc, -1) {
			named++
			if !strings.Contains(text[m[1]], "func "+m[2]+"(") {
				t.Errorf("%s names %s in %s: there is no such test", name, m[2], m[1])
			}
		}
	}
	if named < 10 {
		t.Errorf("the documents name %d tests; docs/guarantees.md says how each promise is tested", named)
	}
}
