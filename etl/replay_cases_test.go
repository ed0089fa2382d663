package etl_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/etl/commit/rollback"
	"datalake/pkg/batch"
	"datalake/pkg/schema"
	"datalake/pkg/storage/memory"
)

// below sets aside what is not below a bound.
type below int64

func (below) Columns(*schema.Schema) ([]schema.Column, error) { return nil, nil }

func (max below) Apply(_ context.Context, b *batch.Batch) (*batch.Batch, error) {
	if v := b.Column("v"); v >= 0 {
		for i := range b.NumRows() {
			if col := b.Record.Column(v).(*array.Int64); col.Value(i) >= int64(max) {
				b.Reject(i, "below", "too much")
			}
		}
	}
	return b, nil
}

// What a stage set aside is one record, wherever it stands on its line; its neighbours are not read twice.
func TestReplayOfStage(t *testing.T) {
	for _, gone := range []bool{false, true} {
		store := memory.New()
		l := openLake(store)
		l.configure(t, "sources: {s: {columns: [{path: data.v, type: bigint}], dedupe: none}}\n")
		one := func(id string, v int) string { return strings.TrimSuffix(event("s", id, 1, v), "\n") }
		l.put(t, "raw/s/1.json", one("a", 1)+one("b", 12)+" "+one("c", 3)+"\n"+one("d", 14)+"\n"+one("e", 15)+one("f", 6)+one("g", 27))
		l.job.Stages = []etl.Stage{below(10)}
		if res := l.run(t); res.RecordsOut != 3 || res.Quarantined != 4 {
			t.Fatalf("%+v", res)
		}
		if gone {
			if err := store.Delete(t.Context(), "raw/s/1.json"); err != nil {
				t.Fatal(err)
			}
		}
		l.job.Stages = []etl.Stage{below(20)}
		if r := l.replay(t, etl.ReplayOptions{Rule: "below"}); r.Taken != 4 || r.RecordsIn != 4 || r.RecordsOut != 3 || r.Quarantined != 1 || r.Left != 0 {
			t.Errorf("%+v", r)
		}
		want := map[string]string{"a": "1", "b": "12", "c": "3", "d": "14", "e": "15", "f": "6"}
		if err := checkReplayed(l, want, 1); err != nil {
			t.Error(err)
		}
		l.job.Stages = nil
		l.replay(t, etl.ReplayOptions{})
		want["g"] = "27"
		if err := checkReplayed(l, want, 0); err != nil {
			t.Error(err)
		}
		if head, err := l.head(t.Context()); err != nil || head.Counts.Rules["below"] != 5 || head.Counts.Notes["withdrawn:below"] != 5 {
			t.Errorf("%v, %+v", err, head.Counts)
		}
	}
}

// Of a large object of lines a replay reads what it must, not all: wherever the records that were set aside lie, and if they are not first
// on their lines.
func TestReplayOfLargeObject(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 6 {
		l := openLake(memory.New())
		strict, right := "input: {max_record: 256KiB}\n"+tooStrict, "input: {max_record: 256KiB}\n"+justRight
		l.configure(t, strict)
		var b strings.Builder
		last, pad := 1000, strings.Repeat("x", 20<<10)
		bad := map[int]bool{rnd.IntN(last): true, rnd.IntN(last): true}
		for i := range last {
			w := `,"w":"x"`
			if bad[i] {
				w = ""
			}
			fmt.Fprintf(&b, `{"record_id":"r%d","source":"s","data":{"v":%d%s,"pad":%q}}`+"%s", i, i, w, pad, []string{" ", "\n"}[i%2])
		}
		l.put(t, "raw/s/large.json", b.String())
		if res := l.run(t); res.Quarantined != int64(len(bad)) {
			t.Fatalf("%+v", res)
		}
		l.configure(t, right)
		r := l.replay(t, etl.ReplayOptions{})
		if r.RecordsOut != int64(len(bad)) || r.Left != 0 {
			t.Errorf("%v: %+v", bad, r)
		}
		for _, s := range r.Steps {
			if s.Name == "map: read" && s.Bytes > 12<<20 {
				t.Errorf("%d of %d bytes read for %d records", s.Bytes, b.Len(), len(bad))
			}
		}
		if err := l.verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A rollback brings back what a replay took out of the quarantine, and gc what it has left behind; then it can be replayed again.
func TestReplayAndRollback(t *testing.T) {
	store := memory.New()
	now := time.Now()
	store.SetClock(func() time.Time { return now })
	l := openLake(store)
	l.configure(t, tooStrict)
	want := setAside(t, l, 1)
	l.run(t)
	before, err := l.rows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.configure(t, justRight)
	l.replay(t, etl.ReplayOptions{})
	c, err := l.job.Commits(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r, err := rollback.Run(t.Context(), c, rollback.Options{To: 1}); err != nil || r.Objects != 0 || r.Decided != 3 {
		t.Fatalf("%v, %+v", err, r)
	}
	if res := l.run(t); res.Decided != 0 {
		t.Errorf("a run after the rollback: %+v", res)
	}
	if err := checkReplayed(l, before, 30+brokenOf); err != nil {
		t.Error(err)
	}
	if r := l.replay(t, etl.ReplayOptions{}); r.RecordsOut != 30 {
		t.Errorf("%+v", r)
	}
	now = now.Add(25 * time.Hour)
	if got, err := commit.Collect(t.Context(), c); err != nil || got.Dirs == 0 {
		t.Errorf("%v, %+v", err, got)
	}
	if err := checkReplayed(l, want, brokenOf); err != nil {
		t.Error(err)
	}
	if r := l.replay(t, etl.ReplayOptions{}); r.Decided != 0 || r.Quarantined != brokenOf {
		t.Errorf("%+v", r)
	}
}

// What is no record stays as it is, also beside a record at the same place that passes.
func TestReplayOfNoRecords(t *testing.T) {
	for _, gone := range []bool{false, true} {
		l := openLake(memory.New())
		l.configure(t, tooStrict)
		cut := gzipped(t, strings.Repeat(event("s", "z", 1, 1), 100))
		l.put(t, "raw/s/1.json", cut[:len(cut)-20])
		l.put(t, "raw/s/2.json", "[\n"+strings.TrimSpace(event("s", "a", 1, 1))+"\n"+strings.TrimSpace(event("s", "b", 1, 2))+",]")
		l.run(t)
		was := l.rules(t)
		if !strings.Contains(was, "broken") || !strings.HasSuffix(was, "required required json json") {
			t.Fatal(was[max(0, len(was)-100):])
		}
		if gone {
			for _, key := range []string{"raw/s/1.json", "raw/s/2.json"} {
				if err := l.store.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
		}
		if r := l.replay(t, etl.ReplayOptions{Rule: "json"}); r.Taken != 2 || r.Left != 2 || r.RecordsIn != 0 || r.Decided != 0 || !r.Published {
			t.Errorf("%+v", r)
		}
		l.configure(t, justRight)
		r := l.replay(t, etl.ReplayOptions{})
		if r.Left != 3 || r.Quarantined != 0 || r.RecordsOut != 3 || r.Taken != int64(strings.Count(was, " ")+1) {
			t.Errorf("%+v", r)
		}
		if got := l.rules(t); got != "broken json json" {
			t.Errorf("left: %s", got)
		}
		if err := l.verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Of a source that masks values a replay reads the raw objects and masks again; what the quarantine keeps of them is masked already, and stays.
func TestReplayOfMasked(t *testing.T) {
	for _, gone := range []bool{false, true} {
		l := openLake(memory.New())
		file := func(required string) string {
			return "sources: {s: {columns: [{path: data.v, type: bigint}, {path: data.w, type: string" + required +
				"}, {path: data.mail, type: string, mask: {keep_last: 2}}]}}\n"
		}
		l.configure(t, file(", required: true"))
		l.put(t, "raw/s/1.json", `{"record_id":"a","source":"s","data":{"v":1,"mail":"ann@example.org"}}`+"\n")
		if res := l.run(t); res.Quarantined != 1 {
			t.Fatalf("%+v", res)
		}
		if gone {
			if err := l.store.Delete(t.Context(), "raw/s/1.json"); err != nil {
				t.Fatal(err)
			}
		}
		l.configure(t, file(""))
		r := l.replay(t, etl.ReplayOptions{})
		if gone != (r.Left == 1) || gone != (r.RecordsOut == 0) || r.Taken != 1 {
			t.Errorf("gone %v: %+v", gone, r)
		}
		lines, err := l.aside(t.Context())
		if err != nil || len(lines) != int(r.Left) || gone && strings.Contains(lines[0].Payload, "ann@") {
			t.Errorf("%v, %+v", err, lines)
		}
		if err := l.verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
