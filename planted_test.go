package datalake

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// noticed says which package's tests must notice each bug of pkg/planted that concerns no single package below: those of
// the engine as a whole and of the store. Those of the commit protocol are noticed by etl/commit/plantedtest.
var noticed = map[string][]string{
	"./etl":              {"skip-ledger", "keep-losers"},
	"./pkg/storage/file": {"forget-fsync"},
}

var plantedBug = regexp.MustCompile(`planted\.Bug\("([a-z-]+)"\)`)

// TestPlantedList: each bug that pkg/planted describes is planted somewhere and expected to be noticed, and no other is.
func TestPlantedList(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("pkg", "planted", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	var described, hooked []string
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z-]+)  +\S`).FindAllStringSubmatch(string(doc), -1) {
		described = append(described, m[1])
	}
	expected := slices.Concat(noticed["./etl"], noticed["./pkg/storage/file"])
	for _, s := range tree(t) {
		for _, m := range plantedBug.FindAllStringSubmatch(s.text, -1) {
			hooked = append(hooked, m[1])
		}
		if s.pkg == "etl/commit/plantedtest" {
			for _, m := range regexp.MustCompile(`"([a-z]+(?:-[a-z]+)+)"`).FindAllStringSubmatch(s.text, -1) {
				expected = append(expected, m[1])
			}
		}
	}
	if len(described) < 10 {
		t.Errorf("%d bugs are described, at least 10 are to be", len(described))
	}
	for _, bug := range described {
		if !slices.Contains(hooked, bug) {
			t.Errorf("%s is described and planted nowhere", bug)
		}
		if !slices.Contains(expected, bug) {
			t.Errorf("%s is described, and no test is expected to notice it", bug)
		}
	}
	for _, bug := range hooked {
		if !slices.Contains(described, bug) {
			t.Errorf("%s is planted and not described in pkg/planted", bug)
		}
	}
}

// TestPlantedBugs plants each bug and runs the tests that must notice it. They also must pass in the same build
// without it.
func TestPlantedBugs(t *testing.T) {
	if os.Getenv("DATALAKE_PLANT") != "1" {
		t.Skip("runs other packages' tests again and again; DATALAKE_PLANT=1 asks for it")
	}
	for pkg, bugs := range noticed {
		program := filepath.Join(t.TempDir(), "tests")
		if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "planted", "-o", program, pkg).CombinedOutput(); err != nil {
			t.Fatalf("build the tests of %s: %v\n%s", pkg, err, out)
		}
		for _, bug := range append([]string{""}, bugs...) {
			cmd := exec.CommandContext(t.Context(), program, "-test.short", "-test.failfast", "-test.timeout", "2m")
			cmd.Dir, cmd.Env = filepath.FromSlash(pkg), append(os.Environ(), "DATALAKE_PLANTED="+bug)
			out, err := cmd.CombinedOutput()
			var failed *exec.ExitError
			switch {
			case err != nil && !errors.As(err, &failed):
				t.Fatal(err)
			case bug == "" && err != nil:
				t.Errorf("%s: the tests fail without a bug\n%s", pkg, out)
			case bug != "" && err == nil:
				t.Errorf("%s: the tests do not notice %s", pkg, bug)
			case bug != "" && !strings.Contains(string(out), "--- FAIL"):
				t.Errorf("%s: with %s the tests break off rather than fail\n%.2000s", pkg, bug, out)
			}
		}
	}
}
