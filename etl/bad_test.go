package etl_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"datalake/etl"
	"datalake/etl/inspect"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func TestParseMaxBad(t *testing.T) {
	for text, want := range map[string]string{"0": "0", "100": "100", "5%": "5%", "0.1 %": "0.1%", "100%": "100%", "0.0001%": "0.0001%"} {
		if m, err := etl.ParseMaxBad(text); err != nil || m.String() != want {
			t.Errorf("%s: %v, %v", text, m, err)
		}
	}
	for _, text := range []string{"", "%", "-1", "5 %%", "1.5", "0%", "100.1%", "NaN%", "Inf%", "five"} {
		if m, err := etl.ParseMaxBad(text); err == nil {
			t.Errorf("%q is taken, as %v", text, m)
		}
	}
}

// badLake has a large good source and a small one of which a half is broken.
func badLake(t *testing.T) (*lake, *memory.Store) {
	store := memory.New()
	l := openLake(store)
	l.put(t, "raw/large/a.json", strings.Repeat(`{"v":1}`+"\n", 1000))
	l.put(t, "raw/small/a.json", strings.Repeat(`{"v":1}`+"\n{\n", 5))
	return l, store
}

// A share is that of each source: at it a run passes, above it nothing is decided, and no object of the attempt stays but the
// rejects.
func TestMaxBad(t *testing.T) {
	for limit, passes := range map[string]bool{"50%": true, "49.9%": false, "5": true, "4": false, "100%": true, "0.6%": false} {
		l, store := badLake(t)
		var err error
		if l.job.MaxBad, err = etl.ParseMaxBad(limit); err != nil {
			t.Fatal(err)
		}
		res, err := etl.Run(t.Context(), l.job)
		if passes {
			if err != nil || res.Bad != nil || res.Quarantined != 5 {
				t.Errorf("%s: %v, %+v", limit, err, res)
			}
			continue
		}
		if !errors.Is(err, etl.ErrBad) || res == nil || res.Bad == nil || res.Decided != 0 || res.Published {
			t.Fatalf("%s: %v, %+v", limit, err, res)
		}
		if b := res.Bad; b.Bad != 5 || b.Limit != limit || b.Attempt != res.RunID || b.Rules["json"] != 5 {
			t.Errorf("%s: %+v", limit, b)
		}
		for info, err := range store.List(t.Context(), "", "") {
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(info.Key, "raw/") && !strings.HasPrefix(info.Key, "state/processed/bad/"+res.Bad.Attempt+"/") && !strings.HasPrefix(info.Key, "state/processed/probe/") {
				t.Errorf("%s: %s stays", limit, info.Key)
			}
		}
		l.job.MaxBad = nil // and all is as if that run had not been
		l.run(t)
		if err := l.verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Each request of a run that ends with ErrBad fails in turn: it never decides, and the next run does all.
func TestMaxBadFaults(t *testing.T) {
	for at := 0; ; at++ {
		l, store := badLake(t)
		l.job.MaxBad = &etl.MaxBad{}
		l.job.Parallel = 1
		end := failing(store, at, false)
		res, err := etl.Run(context.Background(), l.job)
		hit := end()
		if err == nil || !errors.Is(err, etl.ErrBad) && !errors.Is(err, errFault) || res != nil && res.Decided != 0 {
			t.Fatalf("fault at request %d: %v, %+v", at, err, res)
		}
		if head, err := l.head(t.Context()); err != nil || head.Seq != 0 {
			t.Fatalf("fault at request %d: %v, entry %d", at, err, head.Seq)
		}
		if !hit {
			if at < 10 {
				t.Errorf("only %d requests", at)
			}
			break
		}
	}
}

// The rejects are read where they are kept; gc takes them away 30 days after newer ones came.
func TestKeptRejects(t *testing.T) {
	l, store := badLake(t)
	now := time.Now()
	store.SetClock(func() time.Time { return now })
	l.job.MaxBad = &etl.MaxBad{Records: 4}
	var ids []string
	fail := func() {
		res, err := etl.Run(t.Context(), l.job)
		if !errors.Is(err, etl.ErrBad) {
			t.Fatal(err)
		}
		ids = append(ids, res.Bad.Attempt)
	}
	fail()
	now = now.Add(30 * 24 * time.Hour)
	fail()
	if n, _, err := l.job.CollectBad(t.Context()); err != nil || n != 0 {
		t.Fatalf("%d objects deleted, %v", n, err)
	}
	z := l.job.Zones
	in, err := inspect.Open(t.Context(), inspect.Zones{Raw: z.Raw, Processed: z.Processed, Quarantine: z.Quarantine, State: z.State})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := in.HeadRejects(t.Context(), inspect.Rejects{Attempt: ids[0], Source: "small"}, 100)
	if err != nil || len(rows.Values) != 5 {
		t.Fatalf("%v, %+v", err, rows)
	}
	r, _, err := store.Get(t.Context(), "state/processed/bad/"+ids[0]+"/summary.json", storage.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`{"attempt":%q,"limit":"4","records":1010,"bad":5,"rules":{"json":5}}`, ids[0]); string(text) != want {
		t.Errorf("summary %s, want %s", text, want)
	}
	now = now.Add(time.Second)
	fail()
	if n, size, err := l.job.CollectBad(t.Context()); err != nil || n != 2 || size == 0 {
		t.Errorf("%d objects of %d bytes deleted, %v", n, size, err)
	}
	if _, err := in.HeadRejects(t.Context(), inspect.Rejects{Attempt: ids[0]}, 1); !errors.Is(err, inspect.ErrNoAttempt) || !strings.Contains(err.Error(), ids[2]+" (") {
		t.Errorf("error %v", err)
	}
	if _, err := in.HeadRejects(t.Context(), inspect.Rejects{Attempt: ids[1]}, 1); err != nil {
		t.Error(err)
	}
}
