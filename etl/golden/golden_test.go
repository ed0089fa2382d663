package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"datalake/pkg/storage/memory"
)

var update = flag.Bool("update", false, "rewrite the expectations of the golden cases")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inMemory plays cases on stores in memory.
var inMemory = Options{
	NewStore: func() Store { return memory.New() },
	Lookup:   func(name string) (string, bool) { return "pepper", name == "SALT" },
}

// newLake makes a lake in memory.
func newLake(s settings) *lake { return openLake(s, inMemory) }

const casesDir = "../../testdata/golden"

// Every case gives what it says it gives; the same files under other settings; and nothing when it is run once more.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(casesDir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 60 {
		t.Fatalf("%d cases in %s, at least 60 belong there", len(names), casesDir)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := c.Update(t.Context(), inMemory); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, c.Format(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			differences, err := c.Check(t.Context(), inMemory)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range differences {
				t.Errorf("run %d: %s\n%s", d.Run, d.Section, d.Text)
			}
		})
	}
}
