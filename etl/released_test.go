package etl_test

import (
	"testing"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/etl/commit/rollback"
	"datalake/pkg/storage/memory"
)

// Inputs that were released and whose rows a rollback then brings back are read: another run would bring each row, and each record that was set
// aside, a second time.
func TestRollbackAfterRelease(t *testing.T) {
	for _, source := range []string{"", "s"} {
		l := openLake(memory.New())
		l.configure(t, "sources: {s: {dedupe: none}}\n")
		l.put(t, "raw/s/1.json", event("s", "a", 1, 1)+"{\"broken\n")
		l.run(t)
		l.put(t, "raw/s/2.json", event("s", "b", 2, 2))
		l.run(t)
		c, err := l.job.Commits(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		back := func(to uint64, objects int64) {
			t.Helper()
			r, err := rollback.Run(t.Context(), c, rollback.Options{To: to, Source: source})
			if err != nil || r.Decided == 0 || r.Objects != objects {
				t.Fatalf("to %d: %+v, %v", to, r, err)
			}
			if _, err := commit.Publish(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		back(0, 2)
		if r, err := rollback.Release(t.Context(), c, ""); err != nil || r.Objects != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		back(1, 0)
		res := l.run(t)
		if res.Objects != 1 || res.RecordsOut != 1 || res.Quarantined != 0 {
			t.Errorf("%q: the run read %d objects, %d rows, %d set aside", source, res.Objects, res.RecordsOut, res.Quarantined)
		}
		if err := l.check(t.Context(), map[string]string{"a": "1", "b": "2"}); err != nil {
			t.Errorf("%q: %v", source, err)
		}
		// A backfill knows whence the rows came.
		if b := l.backfill(t, etl.BackfillOptions{Source: "s", All: true}); b.Reread != 2 || b.RecordsOut != 2 {
			t.Errorf("%q: %+v", source, b)
		}
	}
}
