package commit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"datalake/etl/commit"
	"datalake/pkg/commitlog"
	"datalake/pkg/schema"
	"datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A run, one that finds nothing, one that adds, one that replaces rows.
func TestRuns(t *testing.T) {
	ctx, store := t.Context(), memory.New()
	lake := openLake(t, store, "me")
	putRaw(t, store, "iot/1", "d1/a d1/b d2/c bad d1/a")
	putRaw(t, store, "web/1", "d1/a")
	steps := []struct {
		name, object, text string
		seq                uint64
		want               map[string]int
	}{
		{"first", "", "", 1, map[string]int{"processed iot": 3, "quarantine iot": 1, "processed web": 1}},
		{"nothing new", "", "", 1, map[string]int{"processed iot": 3, "quarantine iot": 1, "processed web": 1}},
		{"add", "iot/2", "d1/b d1/d worse", 2, map[string]int{"processed iot": 4, "quarantine iot": 2, "processed web": 1}},
		{"replace", "iot/3", "d2/a!", 3, map[string]int{"processed iot": 4, "quarantine iot": 2, "processed web": 1}},
		{"replace again", "iot/4", "d2/a! d1/b! d1/e", 4, map[string]int{"processed iot": 5, "quarantine iot": 2, "processed web": 1}},
	}
	for _, s := range steps {
		if s.object != "" {
			putRaw(t, store, s.object, s.text)
		}
		report, err := run(ctx, lake)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if report.Seq != s.seq || len(report.Foreign)+len(report.Refused) != 0 {
			t.Errorf("%s: report %+v, want seq %d", s.name, report, s.seq)
		}
		if err := checkDone(ctx, lake, s.want); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if err := sameHead(t, lake, openLake(t, store, "other")); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if s.name == "nothing new" && (report.Copied+report.Tables+report.Partitions != 0) {
			t.Errorf("publishing again did something: %+v", report)
		}
		if s.name == "nothing new" && len(keys(t, store, "state/processed/attempts/")) != 2 {
			t.Errorf("an attempt that found nothing stays: %v", keys(t, store, "state/processed/attempts/"))
		}
	}
	// Another process sees the same.
	if err := checkDone(ctx, openLake(t, store, "other"), steps[len(steps)-1].want); err != nil {
		t.Error(err)
	}
	views, err := readObject(ctx, store, "state/catalog/views.sql")
	if err != nil || !strings.Contains(string(views), `CREATE OR REPLACE VIEW "processed_iot"`) {
		t.Errorf("views.sql: %v\n%s", err, views)
	}
}

// sameHead holds the state that one log has learned against the one that another reads.
func sameHead(t *testing.T, lake, other commit.Lake) error {
	learned, err := lake.Log.Head(t.Context())
	if err != nil {
		return err
	}
	read, err := other.Log.Head(t.Context())
	if err != nil {
		return err
	}
	if learned.Ledger.Len() != read.Ledger.Len() {
		return fmt.Errorf("%d inputs are learned, %d read", learned.Ledger.Len(), read.Ledger.Len())
	}
	d := cmp.Diff(learned, read, cmpopts.IgnoreUnexported(commitlog.State{}), cmpopts.IgnoreFields(commitlog.State{}, "Ledger"), cmpopts.EquateEmpty(),
		cmp.Transformer("text", func(s *schema.Schema) string {
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}))
	if d != "" {
		return fmt.Errorf("what is learned (-) and what is read (+) differ: %s", d)
	}
	return nil
}

// Who decides knows the state afterwards and does not read its own body back.
func TestDecideLearns(t *testing.T) {
	lake, store, a := begin(t)
	seq, err := decide(t, a, oneRow(t, a, "2", "d1", "c"))
	if err != nil {
		t.Fatal(err)
	}
	store.SetFaults(func(op, key string) error {
		if op == "get" && strings.Contains(key, commitlog.BodyName) {
			return errors.New("the body is read: " + key)
		}
		return nil
	}, nil)
	head, err := lake.Log.Head(t.Context())
	if err != nil || head.Seq != seq {
		t.Fatalf("%v, want entry %d: %v", head, seq, err)
	}
	if in, ok, err := head.Ledger.Seq(t.Context(), "raw/iot/2", "e"); in != seq || !ok || err != nil {
		t.Errorf("the input: entry %d, %v, %v", in, ok, err)
	}
	// An older state is nothing new.
	lake.Log.Learn(a.Base)
	if head, err := lake.Log.Head(t.Context()); err != nil || head.Seq != seq {
		t.Errorf("back at %v, %v", head, err)
	}
}

func TestValidate(t *testing.T) {
	_, err := commit.Begin(t.Context(), commit.Lake{Catalogs: map[string]commit.Catalog{"A/b": nil}, Retries: -1})
	for _, want := range []string{"no log", "no zones", `catalog "A/b"`, "negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
	lake := openLake(t, memory.New(), "")
	putRaw(t, lake.Log.Zone().Store, "iot/1", "d1/a")
	if _, err := run(t.Context(), lake); err != nil {
		t.Fatal(err)
	}
	moved := openLake(t, lake.Log.Zone().Store, "")
	z := moved.Zones["processed"]
	z.Prefix = "elsewhere"
	moved.Zones["processed"] = z
	if _, err := commit.Begin(t.Context(), moved); !errors.Is(err, commit.ErrRoots) {
		t.Errorf("other roots: %v", err)
	}
	if _, err := commit.Publish(t.Context(), moved); !errors.Is(err, commit.ErrRoots) {
		t.Errorf("publish with other roots: %v", err)
	}
}
