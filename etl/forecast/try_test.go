package forecast_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"datalake/etl"
	"datalake/etl/demo"
	"datalake/etl/forecast"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lake is a lake in memory that notes who writes to it.
type lake struct {
	*memory.Store
	t   *testing.T
	job etl.Job
}

func newLake(t *testing.T) *lake {
	l := &lake{Store: memory.New(), t: t}
	zone := func(name string) layout.Zone { return layout.Zone{Store: l.Store, Prefix: name} }
	l.job = etl.Job{Zones: etl.Zones{Raw: zone("raw"), Processed: zone("processed"), Quarantine: zone("quarantine"), State: zone("state")}, Parallel: 2}
	return l
}

func (l *lake) land(key, text string) {
	l.t.Helper()
	if _, err := l.Put(l.t.Context(), "raw/"+key, strings.NewReader(text), storage.PutOptions{}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lake) configure(text string) {
	l.t.Helper()
	f, err := lakefile.Parse("lake.yaml", []byte(text), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.job.Lake = f
}

func (l *lake) run() *etl.Result {
	l.t.Helper()
	r, err := etl.Run(l.t.Context(), l.job)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// try makes a trial, in which every write to the lake fails, and which must not have tried to.
func (l *lake) try(sample int) *forecast.Trial {
	l.t.Helper()
	t, err := l.tryErr(sample)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := t.Close(); err != nil {
			l.t.Error(err)
		}
	})
	return t
}

func (l *lake) tryErr(sample int) (*forecast.Trial, error) {
	writes := 0
	l.SetFaults(func(op, key string) error {
		if op == "put" || op == "copy" || op == "delete" {
			writes++
			return errors.New("written to")
		}
		return nil
	}, nil)
	defer l.SetFaults(nil, nil)
	job := l.job
	job.Sample, job.TempDir = sample, l.t.TempDir()
	t, err := forecast.Try(l.t.Context(), job)
	if writes > 0 {
		l.t.Fatalf("the lake was written to %d times", writes)
	}
	if left, e := os.ReadDir(job.TempDir); e != nil || len(left) > 0 {
		l.t.Fatalf("the temporary folder holds %v, %v", left, e)
	}
	return t, err
}

// comparable is what a trial and the run that follows must have in common.
func comparable(r *etl.Result) etl.Result {
	c := *r
	c.RunID, c.Decided, c.Elapsed, c.Seconds, c.PeakMemory, c.Steps, c.Pending, c.WaitedBytes = "", 0, 0, 0, 0, nil, 0, 0
	return c
}

// A trial of all that is new says what the run after it does, on the demo lake, drop by drop, and leaves no trace.
func TestTryIsTheRun(t *testing.T) {
	l := newLake(t)
	for drop := 1; drop <= demo.Drops; drop++ {
		if _, err := demo.Generate(t.Context(), l.Store, "raw", drop, demo.Options{Records: 20_000}); err != nil {
			t.Fatal(err)
		}
		trial := l.try(0)
		r := l.run()
		if d := cmp.Diff(comparable(r), comparable(trial.Result)); d != "" {
			t.Errorf("drop %d: the trial differs from the run (-run +trial):\n%s", drop, d)
		}
		if r.RecordsIn == 0 || r.Quarantined == 0 || len(trial.Tables) != 3 {
			t.Errorf("drop %d: nothing to compare: %+v", drop, r)
		}
		for _, x := range trial.Tables {
			if (x.Before == nil) != (drop == 1) || drop == 2 && x.Source == "iot_sensors" && len(x.Before.Columns) >= len(x.Schema.Columns) {
				t.Errorf("drop %d: %s: %d columns before, %d after", drop, x.Source, len(x.Before.Columns), len(x.Schema.Columns))
			}
		}
		rejects, err := trial.Rejects(t.Context(), 1<<30)
		if err != nil || int64(len(rejects)) != r.Quarantined {
			t.Errorf("drop %d: %d rejects, %v; the run has %d", drop, len(rejects), err, r.Quarantined)
		}
		few, err := trial.Rejects(t.Context(), 1)
		rules := 0
		for _, x := range r.Tables {
			rules += len(x.Rules)
		}
		if err != nil || len(few) != rules || few[0] != rejects[0] {
			t.Errorf("drop %d: %d rejects, one a rule, %v; there are %d rules", drop, len(few), err, rules)
		}
	}
}

// Rows of the table are replaced in the overlay alone.
func TestTryReplaces(t *testing.T) {
	l := newLake(t)
	l.configure("sources: {s: {dedupe: {keep: {latest: v}}}}")
	l.land("s/1.json", `{"record_id":"a","source":"s","data":{"v":1}}`+"\n"+`{"record_id":"b","source":"s","data":{"v":1}}`)
	l.run()
	l.land("s/2.json", `{"record_id":"a","source":"s","data":{"v":2}}`)
	for range 2 {
		if r := l.try(0).Result; r.Replaced != 1 || r.RecordsOut != 1 {
			t.Errorf("replaced %d, out %d", r.Replaced, r.RecordsOut)
		}
	}
	if r := l.run(); r.Replaced != 1 {
		t.Errorf("the run replaced %d", r.Replaced)
	}
	if r := l.try(0).Result; r.Objects != 0 || r.RecordsIn != 0 {
		t.Errorf("nothing is new, but the trial read %+v", r)
	}
}

// A sample has no more records than asked for, of all sources, and knows how much of the objects it has read.
func TestTrySample(t *testing.T) {
	l := newLake(t)
	for i := range 40 {
		l.land(fmt.Sprintf("a/year=2025/month=11/day=%02d/%d.json", 1+i%20, i), strings.Repeat(`{"v":1}`+"\n", 1000))
	}
	l.land("b/x.json", "["+strings.Repeat(`{"w":1},`, 99)+`{"w":2}]`)
	l.land("c/x.json", `{"q":1}`+"\nbroken\n")
	for _, n := range []int{3, 90, 600} {
		trial := l.try(n)
		r := trial.Result
		by := map[string]int64{}
		for _, x := range r.Tables {
			by[x.Source] = x.RecordsIn
		}
		want := map[string]int64{"a": int64(n / 3), "b": int64(min(n/3, 100)), "c": int64(min(n/3, 2))}
		if !maps.Equal(by, want) || r.Quarantined != int64(min(n/3, 2)-1) {
			t.Errorf("sample of %d: records %v, want %v; %d quarantined", n, by, want, r.Quarantined)
		}
		if len(r.Sampled) != 3 {
			t.Fatalf("sampled: %+v", r.Sampled)
		}
		a, b := r.Sampled[0], r.Sampled[1]
		if a.Source != "a" || a.AllObjects != 40 || a.AllBytes != 40*8000 || a.Bytes != 8*int64(n/3) || a.Objects != min(n/3, 40) {
			t.Errorf("sample of %d: %+v", n, a)
		}
		if b.AllObjects != 1 || n == 600 && b.Bytes != b.AllBytes || n == 3 && (b.Bytes < 8 || b.Bytes > 16) {
			t.Errorf("sample of %d: %+v", n, b)
		}
		if n == 600 && r.BytesIn != a.Bytes+b.Bytes+r.Sampled[2].Bytes {
			t.Errorf("%d bytes read", r.BytesIn)
		}
	}
	if r := l.run(); r.Sampled != nil || r.RecordsIn != 40_102 {
		t.Errorf("the run after the samples: %+v", r)
	}
}

// What a run would fail with, a trial fails with; a sample on real zones is refused.
func TestTryFails(t *testing.T) {
	l := newLake(t)
	l.land("s/1.json", `{"record_id":"a","source":"s","data":{"v":1}}`)
	l.run()
	l.configure("sources: {s: {dedupe: none}}")
	if _, err := l.tryErr(0); !errors.Is(err, etl.ErrConfig) || !strings.Contains(err.Error(), "dedupe: none") {
		t.Errorf("error %v", err)
	}
	if _, err := l.tryErr(-1); !errors.Is(err, etl.ErrConfig) || !strings.Contains(err.Error(), "a sample of -1 records") {
		t.Errorf("error %v", err)
	}
	l.job.Lake, l.job.Sample = nil, 5
	before := l.Requests()
	if _, err := etl.Run(t.Context(), l.job); !errors.Is(err, etl.ErrConfig) || !strings.Contains(err.Error(), "the state zone must be an overlay") {
		t.Errorf("error %v", err)
	}
	if !maps.Equal(before, l.Requests()) {
		t.Error("a refused run has asked the store")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	l.job.Sample = 0
	if _, err := forecast.Try(ctx, l.job); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := forecast.Try(t.Context(), etl.Job{}); !errors.Is(err, etl.ErrConfig) {
		t.Errorf("error %v", err)
	}
}

// Each read of the lake is made to fail in turn: the trial fails with that error, or goes on without what it did not need, and leaves no trace.
func TestTryFaults(t *testing.T) {
	l := newLake(t)
	l.configure("sources: {s: {dedupe: {keep: {latest: v}}}}")
	l.land("s/1.json", `{"record_id":"a","source":"s","data":{"v":1}}`+"\n{broken")
	l.run()
	l.land("s/2.json", `{"record_id":"a","source":"s","data":{"v":2}}`)
	lost := errors.New("lost")
	failed := 0
	for n := 0; ; n++ {
		var mu sync.Mutex
		calls, hit := 0, false
		l.SetFaults(func(op, key string) error {
			if op == "put" || op == "copy" || op == "delete" {
				t.Fatalf("fault %d: %s %s", n, op, key)
			}
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls == n+1 {
				hit = true
				return lost
			}
			return nil
		}, nil)
		job := l.job
		job.Parallel = 1
		trial, err := forecast.Try(t.Context(), job)
		l.SetFaults(nil, nil)
		switch {
		case err == nil && trial.Result.Replaced != 1:
			t.Errorf("fault %d: %+v", n, trial.Result)
		case err != nil && !errors.Is(err, lost):
			t.Errorf("fault %d: %v", n, err)
		case err != nil:
			failed++
		}
		if trial != nil {
			if err := trial.Close(); err != nil {
				t.Error(err)
			}
		}
		if !hit {
			break
		}
	}
	if failed < 10 {
		t.Errorf("only %d faults made a trial fail", failed)
	}
}
