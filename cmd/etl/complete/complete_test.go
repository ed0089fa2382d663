package complete

import "testing"

func TestHint(t *testing.T) {
	known := []string{"run", "repair", "source", "since", "gc", "log"}
	for _, c := range []struct{ word, want string }{
		{"rum", "; did you mean --run? See etl --help"},
		{"sorce", "; did you mean --source or --since? See etl --help"},
		{"rep", "; did you mean --repair? See etl --help"},
		{"x", "; see etl --help"},
		{"zzzzzz", "; see etl --help"},
	} {
		if got := Hint(c.word, "--", known, "etl"); got != c.want {
			t.Errorf("Hint(%s) = %s, want %s", c.word, got, c.want)
		}
	}
}
