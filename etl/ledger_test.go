package etl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"datalake/etl"
	"datalake/pkg/batch"
	"datalake/pkg/schema"
	"datalake/pkg/storage/memory"
)

var why = etl.Reason{By: "me", Why: "because"}

// poisonous fails on each batch with a record of that id.
type poisonous string

func (poisonous) Columns(*schema.Schema) ([]schema.Column, error) { return nil, nil }

func (p poisonous) Apply(_ context.Context, b *batch.Batch) (*batch.Batch, error) {
	for _, raw := range b.Raw {
		if strings.Contains(string(raw), string(p)) {
			return b, errors.New("it cannot be told")
		}
	}
	return b, nil
}

// A run that fails on one of many small objects names it; skipped, runs go on without it, and undone it is read.
func TestSkip(t *testing.T) {
	store := memory.New()
	l := openLake(store)
	want := map[string]string{}
	for i := range 20 {
		id := fmt.Sprintf("r%02d", i)
		want[id] = fmt.Sprint(i)
		l.put(t, fmt.Sprintf("raw/s/%02d.json", i), event("s", id, 1, i))
	}
	l.job.Stages = []etl.Stage{poisonous("r07")}
	_, err := etl.Run(t.Context(), l.job)
	if key, ok := etl.FailedObject(err); !ok || key != "raw/s/07.json" || err.Error() != "map: object raw/s/07.json: stage etl_test.poisonous: it cannot be told" {
		t.Fatalf("%v, %s", err, key)
	}
	if taken, err := l.job.Skip(t.Context(), "raw/s/07.json", why); err != nil || taken.Decided != 1 || !taken.Published || taken.Objects != 1 || taken.Bytes == 0 {
		t.Fatalf("%v, %+v", err, taken)
	}
	if taken, err := l.job.Skip(t.Context(), "raw/s/07.json", why); err != nil || taken.Decided != 0 || !taken.Published {
		t.Errorf("skipped twice: %v, %+v", err, taken)
	}
	delete(want, "r07")
	l.run(t)
	if err := l.check(t.Context(), want); err != nil {
		t.Error(err)
	}
	head, err := l.head(t.Context())
	if err != nil || len(head.Held) != 1 || head.Held[1].Unread != "skip" || head.Held[1].Inputs != 1 || head.Counts.Inputs != 19 {
		t.Errorf("%v, %+v, %+v", err, head.Held, head.Counts)
	}
	for name, fail := range map[string]func() error{
		"entry 2 has read it": func() error { _, err := l.job.Skip(t.Context(), "raw/s/08.json", why); return err },
		"no such object":      func() error { _, err := l.job.Skip(t.Context(), "raw/s/nosuch.json", why); return err },
		"is not skipped":      func() error { _, err := l.job.Unskip(t.Context(), "raw/s/08.json", why); return err },
		"at most 1000 bytes": func() error {
			_, err := l.job.Skip(t.Context(), "raw/s/07.json", etl.Reason{Why: strings.Repeat("x", 1001)})
			return err
		},
		"entries that do: []": func() error { _, err := l.job.Unadopt(t.Context(), 1, why); return err },
	} {
		if err := fail(); !errors.Is(err, etl.ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q: %v", name, err)
		}
	}
	l.job.Stages = nil
	if taken, err := l.job.Unskip(t.Context(), "raw/s/07.json", why); err != nil || taken.Decided != 3 || taken.Objects != 1 {
		t.Errorf("%v, %+v", err, taken)
	}
	l.run(t)
	want["r07"] = "7"
	if err := l.check(t.Context(), want); err != nil {
		t.Error(err)
	}
}

// An object that the store does not give is named, too; an interrupted run names none.
func TestFailedObject(t *testing.T) {
	store := memory.New()
	l := openLake(store)
	l.put(t, "raw/s/1.json", event("s", "a", 1, 1))
	store.SetFaults(func(op, key string) error {
		if op == "get" && key == "raw/s/1.json" {
			return errors.New("permission denied")
		}
		return nil
	}, nil)
	_, err := etl.Run(t.Context(), l.job)
	if key, ok := etl.FailedObject(err); !ok || key != "raw/s/1.json" || !strings.Contains(err.Error(), "read object raw/s/1.json: get raw/s/1.json: permission denied") {
		t.Errorf("%v", err)
	}
	if taken, err := l.job.Skip(t.Context(), "raw/s/1.json", why); err != nil || taken.Decided != 1 {
		t.Errorf("%v, %+v", err, taken)
	}
	if res := l.run(t); res.Decided != 0 {
		t.Errorf("%+v", res)
	}
	for _, err := range []error{nil, errors.New("disk full"), context.Canceled, fmt.Errorf("%w: %w", context.Canceled, err)} {
		if key, ok := etl.FailedObject(err); ok {
			t.Errorf("%v names %s", err, key)
		}
	}
}

// Each request of a skip, an adoption and their undoing fails, before or after it took effect; done again, the entry is there once.
func TestLedgerFaults(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 0; ; at++ {
			store := memory.New()
			l := openLake(store)
			l.job.Parallel = 1
			for i := range 4 {
				l.put(t, fmt.Sprintf("raw/s/%d.json", i), event("s", fmt.Sprint(i), 1, i))
			}
			all := func() error {
				for _, step := range []func() (*etl.Taken, error){
					func() (*etl.Taken, error) { return l.job.Skip(context.Background(), "raw/s/1.json", why) },
					func() (*etl.Taken, error) { return l.job.Adopt(context.Background(), time.Now(), "s", why) },
				} {
					if _, err := step(); err != nil {
						return err
					}
				}
				return nil
			}
			end := failing(store, at, after)
			err := all()
			hit := end()
			if err != nil && !errors.Is(err, errFault) {
				t.Fatalf("fault at request %d: %v", at, err)
			}
			if err := all(); err != nil {
				t.Fatalf("again, after a fault at request %d: %v", at, err)
			}
			head, err := l.head(t.Context())
			if err != nil || head.Seq != 2 || head.Held[1].Inputs != 1 || head.Held[2].Inputs != 3 || head.Ledger.Len() != 4 {
				t.Fatalf("fault at request %d: %v, entry %d, %+v", at, err, head.Seq, head.Held)
			}
			l.run(t)
			if err := l.check(t.Context(), map[string]string{}); err != nil {
				t.Fatalf("fault at request %d: %v", at, err)
			}
			if _, err := l.job.Unadopt(t.Context(), 2, why); err != nil {
				t.Fatal(err)
			}
			l.run(t)
			if err := l.check(t.Context(), map[string]string{"0": "0", "2": "2", "3": "3"}); err != nil {
				t.Fatalf("fault at request %d: %v", at, err)
			}
			if !hit {
				break
			}
		}
	}
}

// Runs, skips and adoptions at once: each object is taken once, by whom it may be.
func TestLedgerRace(t *testing.T) {
	for range 20 {
		store := memory.New()
		l := openLake(store)
		for i := range 6 {
			l.put(t, fmt.Sprintf("raw/s/%d.json", i), event("s", fmt.Sprint(i), 1, i))
		}
		var wg sync.WaitGroup
		for _, act := range []func(j etl.Job) error{
			func(j etl.Job) error { _, err := etl.Run(context.Background(), j); return err },
			func(j etl.Job) error { _, err := j.Skip(context.Background(), "raw/s/3.json", why); return err },
			func(j etl.Job) error { _, err := j.Adopt(context.Background(), time.Now(), "", why); return err },
		} {
			wg.Go(func() {
				err := act(openLake(store).job)
				if err != nil && !errors.Is(err, etl.ErrConflict) && !(errors.Is(err, etl.ErrConfig) && strings.Contains(err.Error(), "skip raw/s/3.json: entry")) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		l.run(t)
		head, err := l.head(t.Context())
		if err != nil || head.Ledger.Len() != 6 {
			t.Fatalf("%v, %d objects in the ledger", err, head.Ledger.Len())
		}
		unread := int64(0)
		for _, h := range head.Held {
			unread += h.Inputs
		}
		if head.Counts.In+unread != 6 {
			t.Errorf("%d records in, %d objects unread", head.Counts.In, unread)
		}
		if err := l.verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
