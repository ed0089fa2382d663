package expr

import "testing"

var evaluated Value

// TestAllocations: a row costs no memory, unless a text or list is made.
func TestAllocations(t *testing.T) {
	for text, most := range map[string]float64{
		"i <= 100": 0, "d + 0.1 * i > 2.0 && s != null": 0, `s.matches("^[a-z]+$") || s.startsWith("Ä")`: 0, "nums.all(x, x < 10)": 0, "t.getHours() > 3": 1,
	} {
		p, err := testEnv(t, false).Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		row := testRow(p)
		if n := testing.AllocsPerRun(100, func() { evaluated = p.Eval(row) }); n > most {
			t.Errorf("%s: %v allocations a row", text, n)
		}
	}
}

// BenchmarkEval evaluates expressions of ordinary size for one row.
func BenchmarkEval(b *testing.B) {
	for _, text := range []string{"i <= 100", "d + 0.1 * i", "b && i > 3 && s != null && d < 80.0", `s.startsWith("Ä") || s.matches("^sensor_[0-9]+$")`, "nums.all(x, x < 10)"} {
		b.Run(text, func(b *testing.B) {
			p, err := testEnv(b, false).Compile(text)
			if err != nil {
				b.Fatal(err)
			}
			row := testRow(p)
			b.ReportAllocs()
			for b.Loop() {
				evaluated = p.Eval(row)
			}
		})
	}
}

// BenchmarkCompile is what each expression costs at the start of a run.
func BenchmarkCompile(b *testing.B) {
	env := testEnv(b, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := env.Compile("d + 0.1 * i > 5 && s != null"); err != nil {
			b.Fatal(err)
		}
	}
}
