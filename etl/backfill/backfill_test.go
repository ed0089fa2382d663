package backfill

import (
	"testing"
	"time"
)

func TestCovers(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		path, from, to string
		want           bool
	}{
		{"source=a/year=2025/month=11/day=24", "2025-11-24", "2025-11-24", true},
		{"source=a/year=2025/month=11/day=24", "2025-11-25", "2025-11-30", false},
		{"source=a/year=2025/month=11/day=24", "2025-10-01", "2025-11-23", false},
		{"source=a/year=2025/month=11/day=24/hour=03/site=x", "2025-01-01", "2025-12-31", true},
		{"source=a/year=2025/month=11", "2025-11-30", "2025-12-01", true},
		{"source=a/year=2025/month=11", "2025-12-01", "2026-01-31", false},
		{"source=a/year=2025", "2024-12-31", "2025-01-01", true},
		{"source=a/year=2025", "2026-01-01", "2026-01-01", false},
		{"source=a/day=30", "2025-02-01", "2025-02-28", false},
		{"source=a/site=x", "2025-02-01", "2025-02-01", true},
		{"source=a", "2025-02-01", "2025-02-01", true},
		{"no path", "2025-02-01", "2025-02-01", false},
	} {
		if got := Covers(c.path, day(c.from), day(c.to)); got != c.want {
			t.Errorf("%s, %s to %s: %t", c.path, c.from, c.to, got)
		}
	}
}
