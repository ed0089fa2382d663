package benchmarks

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"datalake/benchmarks/data"
	"datalake/etl"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	memorystore "datalake/pkg/storage/memory"
)

// TestSeeds: whatever a seed draws, the engine takes every record, rescues nothing of the columns and leaves one row a
// record, with the columns declared and with none. DATALAKE_SEED is one more seed, and the checks of every change draw a new one.
func TestSeeds(t *testing.T) {
	seeds := []uint64{0, 1, 2, 3, 4, 5}
	if text := os.Getenv("DATALAKE_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		for _, kind := range data.Kinds() {
			for _, declared := range []bool{true, false} {
				checkSeed(t, data.Options{Kind: kind, Records: 1500, Seed: seed}, declared)
			}
		}
	}
}

func checkSeed(t *testing.T, o data.Options, declared bool) {
	t.Helper()
	set, err := data.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := set.Write(&text); err != nil {
		t.Fatal(err)
	}
	records := map[string]bool{}
	for line := range bytes.Lines(text.Bytes()) {
		var r struct {
			ID string `json:"record_id"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		records[r.ID] = true
	}
	store := memorystore.New()
	if _, err := store.Put(t.Context(), "raw/events/events.json", bytes.NewReader(text.Bytes()), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	zone := func(name string) layout.Zone { return layout.Zone{Store: store, Prefix: name} }
	job := etl.Job{Zones: etl.Zones{Raw: zone("raw"), Processed: zone("processed"), Quarantine: zone("quarantine"), State: zone("state")}, TempDir: t.TempDir()}
	if declared {
		if job.Lake, err = lakefile.Parse("lake.yaml", set.Lake(), nil); err != nil {
			t.Fatal(err)
		}
	}
	r, err := etl.Run(t.Context(), job)
	if err != nil {
		t.Fatalf("%+v: %v", o, err)
	}
	if r.RecordsIn != int64(o.Records) || r.RecordsOut != int64(len(records)) || r.Quarantined > 0 || r.Rescued > 0 {
		t.Errorf("%+v, declared %t: in %d of %d, out %d of %d, quarantined %d, rescued %d", o, declared,
			r.RecordsIn, o.Records, r.RecordsOut, len(records), r.Quarantined, r.Rescued)
	}
	for _, table := range r.Tables {
		want := len(set.Columns())
		if got := len(table.NewColumns); !declared && got < want {
			t.Errorf("%+v: %d columns inferred of %s, %d are there", o, got, table.Source, want)
		}
	}
}
