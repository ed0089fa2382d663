package plantedtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// build compiles the tests of a package with the tag, and gives the program.
func build(t *testing.T, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(pkg)+".test")
	cmd := exec.Command("go", "test", "-c", "-tags", "planted", "-o", out, pkg)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build tests of %s: %v\n%s", pkg, err, text)
	}
	return out
}

func run(t *testing.T, program, bug string) (passed bool) {
	t.Helper()
	cmd := exec.Command(program, "-test.short", "-test.failfast", "-test.timeout", "2m")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "DATALAKE_PLANTED="+bug)
	text, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	if err != nil && testing.Verbose() {
		t.Logf("%.600s", text)
	}
	return err == nil
}

func TestPlantedBugsAreNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the tests anew")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	for pkg, bugs := range map[string][]string{
		"datalake/etl/commit":    {"publish-before-decide", "double-file", "trust-taken", "stale-catalog", "gc-clock-alone", "drop-swap-file", "decide-unsynced", "publish-unsynced"},
		"datalake/pkg/commitlog": {"skip-chain-check"},
	} {
		program := build(t, pkg)
		if !run(t, program, "") {
			t.Errorf("%s: the tests fail without a bug", pkg)
		}
		for _, bug := range bugs {
			if run(t, program, bug) {
				t.Errorf("%s: %s is not noticed", pkg, bug)
			}
		}
	}
}
