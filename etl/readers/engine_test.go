package readers

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"datalake/etl"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage/file"
)

// engineTable is a table that the engine made of raw JSON, in two runs: every type declared, a partition column with values that
// Hive escapes, and a second run that brings a new column and numbers for which another becomes wider.
func engineTable(t *testing.T, dir string) *table {
	t.Helper()
	const name = "engine"
	r := rand.New(rand.NewPCG(3, 4))
	root := filepath.Join(dir, name)
	store, err := file.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	zone := func(prefix string) layout.Zone {
		return layout.Zone{Store: store, Prefix: prefix, Root: "file://" + root}
	}

	site := column{"site", typ("string")}
	declared := []column{{"count", typ("int")}}
	for _, c := range allTypes() {
		switch c.name {
		case "record_id", "event_time", "ingested_at", "quality_score", "_rescued":
		default:
			declared = append(declared, c)
		}
	}
	var text strings.Builder
	text.WriteString("version: 1\nsources:\n  " + name + ":\n    event_time: {path: data.event_time}\n    partition_by: [source, year, month, day, site]\n    on_type_conflict: widen\n    columns:\n")
	for _, c := range append(declared, site) {
		fmt.Fprintf(&text, "      - {path: data.%s, type: %q}\n", c.name, c.kind)
	}
	lake, err := lakefile.Parse("lake.yaml", []byte(text.String()), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	job := etl.Job{
		Zones: etl.Zones{Raw: zone("raw"), Processed: zone("processed"), Quarantine: zone("quarantine"), State: zone("state")},
		Lake:  lake, Version: "test",
	}

	common := allTypes()[:3]
	tab := &table{name: name, dir: filepath.Join(root, "processed")}
	tab.columns = slices.Concat(common, declared, []column{{"quality_score", typ("double")}, {"_rescued", typ("string")}})
	tab.partitionBy = append(slices.Clone(partitionColumns), site)
	for run := range 2 {
		columns := slices.Clone(declared)
		if run == 1 {
			later := column{"later", typ("string")}
			declared[0].kind = typ("bigint")
			columns = append(slices.Clone(declared), later)
			tab.columns = append(tab.columns, later)
			copy(tab.columns[len(common):], declared)
		}
		var raw strings.Builder
		for i := range 2000 {
			at := time.Date(2025, 11, 1+r.IntN(3), r.IntN(24), 0, 0, r.IntN(1000)*1e6, time.UTC)
			row := map[string]any{
				"record_id": fmt.Sprintf("%s-%d-%04d", name, run, i), "event_time": number(at.UnixMilli()), "ingested_at": number(at.UnixMilli() + 1500),
				"quality_score": json.Number("1"), "_rescued": nil,
				"source": name, "year": number(int64(at.Year())), "month": number(int64(at.Month())), "day": number(int64(at.Day())),
				"site": []any{"north", "a/b", "50% ü=x", nil}[r.IntN(4)],
			}
			data := map[string]any{"event_time": at.Format(time.RFC3339Nano), "site": row["site"]}
			for _, c := range columns {
				v := random(r, c.kind, true)
				if c.name == "never" {
					v = nil
				}
				row[c.name] = v
				data[c.name] = toJSON(t, v, c.kind)
			}
			line, err := json.Marshal(map[string]any{"record_id": row["record_id"], "source": name, "ingested_at": at.Add(1500 * time.Millisecond).Format(time.RFC3339Nano), "data": data})
			if err != nil {
				t.Fatal(err)
			}
			raw.Write(line)
			raw.WriteByte('\n')
			tab.rows = append(tab.rows, row)
		}
		object := filepath.Join(root, "raw", name, fmt.Sprintf("%d.json", run))
		if err := os.MkdirAll(filepath.Dir(object), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(object, []byte(raw.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		result, err := etl.Run(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if result.RecordsOut != 2000 || result.Rescued != 0 || !result.Published {
			t.Fatalf("run %d: %+v", run, result)
		}
	}
	return tab
}

// toJSON is v as a raw record spells it.
func toJSON(t *testing.T, v any, k schema.Type) any {
	if v == nil {
		return nil
	}
	switch k.Kind {
	case schema.Timestamp:
		ms, err := v.(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	case schema.Decimal:
		return json.Number(v.(string))
	case schema.JSON:
		return json.RawMessage(v.(string))
	case schema.List:
		out := []any{}
		for _, e := range v.([]any) {
			out = append(out, toJSON(t, e, *k.Elem))
		}
		return out
	case schema.Map:
		out := map[string]any{}
		for key, e := range v.(map[string]any) {
			out[key] = toJSON(t, e, *k.Elem)
		}
		return out
	case schema.Struct:
		out := map[string]any{}
		for _, f := range k.Fields {
			out[f.Name] = toJSON(t, v.(map[string]any)[f.Name], f.Type)
		}
		return out
	}
	return v
}
