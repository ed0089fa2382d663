package etl_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"datalake/etl"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/ndjson"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// configure gives the jobs to come a lake file.
func (l *lake) configure(t testing.TB, text string) {
	t.Helper()
	f, err := lakefile.Parse("lake.yaml", []byte("version: 1\n"+text), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	l.job.Lake = f
}

func (l *lake) replay(t testing.TB, o etl.ReplayOptions) *etl.Replayed {
	t.Helper()
	r, err := etl.Replay(t.Context(), l.job, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.RecordsIn != r.RecordsOut+r.Duplicates+r.Quarantined {
		t.Errorf("it does not balance: %+v", r.Result)
	}
	return r
}

// set is a record that was set aside, as the quarantine has it.
type set struct {
	Source, Object, ETag, Rule, Reason, Payload string
	Offset, Length, Line                        int64
}

// aside reads the quarantine by the log, in the order of partitions and files.
func (l *lake) aside(ctx context.Context) (lines []set, err error) {
	head, err := l.head(ctx)
	if err != nil {
		return nil, err
	}
	for p, c := range head.Partitions {
		if p.Zone != layout.Quarantine {
			continue
		}
		for _, f := range c.Files {
			r, err := storage.OpenReader(ctx, l.store, c.Dir+f.Name)
			if err != nil {
				return nil, err
			}
			text := make([]byte, r.Info.Size)
			if _, err := r.ReadAt(text, 0); err != nil {
				return nil, err
			}
			if err := r.Close(); err != nil {
				return nil, err
			}
			last := set{}
			for line, err := range ndjson.Lines(bytes.NewReader(text)) {
				if err != nil {
					return nil, err
				}
				var s set
				if err := json.Unmarshal(line, &s); err != nil {
					return nil, err
				}
				if s.Object < last.Object || s.Object == last.Object && s.Offset < last.Offset {
					return nil, fmt.Errorf("%s: not in the order of origins: %+v after %+v", f.Name, s, last)
				}
				last = s
				lines = append(lines, s)
			}
		}
	}
	slices.SortFunc(lines, func(a, b set) int {
		return strings.Compare(fmt.Sprintf("%s %09d", a.Object, a.Offset), fmt.Sprintf("%s %09d", b.Object, b.Offset))
	})
	return lines, nil
}

// rules are the rules of what is set aside, by object and offset.
func (l *lake) rules(t testing.TB) string {
	t.Helper()
	lines, err := l.aside(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range lines {
		out = append(out, s.Rule)
	}
	return strings.Join(out, " ")
}

const (
	vRequired  = "sources: {s: {columns: [{path: data.v, type: bigint, required: true}, {path: data.w, type: string, required: true}]}}\n"
	vSuffices  = "sources: {s: {columns: [{path: data.v, type: bigint, required: true}, {path: data.w, type: string}]}}\n"
	nothingHas = "sources: {s: {columns: [{path: data.v, type: bigint}, {path: data.w, type: string}]}}\n"
)

// What passes leaves the quarantine in the entry that adds it; what does not stays, with today's reason.
func TestReplay(t *testing.T) {
	for _, gone := range []bool{false, true} {
		store := memory.New()
		l := openLake(store)
		l.configure(t, vRequired)
		l.put(t, "raw/s/1.json", event("s", "a", 1, 1)+event("s", "a", 1, 1)+`{"record_id":"b","source":"s","data":{"w":"x"}}`+"\n{\"broken\n"+event("s", "c", 2, 3))
		l.put(t, "raw/s/2.json", `{"record_id":"ok","source":"s","data":{"v":9,"w":"x"}}`+"\n"+event("s", "ok", 3, 7))
		first := l.run(t)
		if first.Quarantined != 6 || first.RecordsOut != 1 || l.rules(t) != "required required required json required required" {
			t.Fatalf("%+v\n%s", first, l.rules(t))
		}
		l.configure(t, vSuffices)
		if gone {
			for _, key := range []string{"raw/s/1.json", "raw/s/2.json"} {
				if err := store.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
		}
		dry := l.replay(t, etl.ReplayOptions{DryRun: true})
		if dry.Taken != 6 || dry.Left != 0 || dry.RecordsIn != 6 || dry.RecordsOut != 2 || dry.Duplicates != 2 || dry.Quarantined != 2 || dry.Decided != 0 {
			t.Errorf("dry: %+v", dry)
		}
		if head, err := l.head(t.Context()); err != nil || head.Seq != 1 {
			t.Fatalf("entry %d, %v", head.Seq, err)
		}
		r := l.replay(t, etl.ReplayOptions{})
		if r.Taken != 6 || r.Left != 0 || r.RecordsIn != 6 || r.RecordsOut != 2 || r.Duplicates != 2 || r.Quarantined != 2 || r.Decided != 2 || !r.Published {
			t.Errorf("%+v", r)
		}
		if got := l.rules(t); got != "required json" {
			t.Errorf("left: %s", got)
		}
		if err := l.check(t.Context(), map[string]string{"a": "1", "c": "3", "ok": "9"}); err != nil {
			t.Error(err)
		}
		head, err := l.head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c := head.Counts; c.In != 7 || c.Out != 3 || c.Duplicates != 2 || c.Quarantined != 2 || c.Rules["required"] != 1 || c.Rules["json"] != 1 || c.Inputs != 2 {
			t.Errorf("the log counts %+v", c)
		}
		if again := l.replay(t, etl.ReplayOptions{}); again.Decided != 0 || again.Quarantined != 2 || !again.Published {
			t.Errorf("a replay by which nothing changes decided: %+v", again)
		}
		if res := l.run(t); res.Decided != 0 {
			t.Errorf("a run after a replay decided: %+v", res)
		}
		// A reason that changes is worth an entry.
		l.configure(t, "sources: {s: {columns: [{path: data.v, name: renamed, type: bigint, required: true}, {path: data.w, type: string}]}}\n")
		if _, err := etl.Replay(t.Context(), l.job, etl.ReplayOptions{}); !errors.Is(err, etl.ErrConfig) {
			t.Errorf("a renamed column: %v", err)
		}
		l.configure(t, nothingHas)
		if r := l.replay(t, etl.ReplayOptions{Rule: "json"}); r.Taken != 1 || r.Decided != 0 {
			t.Errorf("by rule: %+v", r)
		}
		if r := l.replay(t, etl.ReplayOptions{Source: "other"}); r.Taken != 0 || r.Decided != 0 || !r.Published {
			t.Errorf("by source: %+v", r)
		}
		if r := l.replay(t, etl.ReplayOptions{Source: "s", Rule: "required"}); r.Taken != 1 || r.RecordsOut != 1 || r.Decided != 3 {
			t.Errorf("by rule: %+v", r)
		}
	}
}
