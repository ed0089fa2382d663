package local_test

import (
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"datalake/pkg/catalog"
	"datalake/pkg/catalog/catalogtest"
	"datalake/pkg/catalog/local"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func open(t *testing.T, store storage.Store) *local.Store {
	t.Helper()
	s, err := local.Open(layout.Zone{Store: store, Prefix: "state/catalog"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) catalogtest.Catalog { return open(t, memory.New()) })
}

func read(t *testing.T, store storage.Store, key string) string {
	t.Helper()
	r, _, err := store.Get(t.Context(), key, storage.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The files are for others to read: they are held to golden ones.
func TestFiles(t *testing.T) {
	store := memory.New()
	s := open(t, store)
	web := catalogtest.Table("processed_web")
	web.Location = "file:///srv/my [lake]/processed/source=web/"
	rejects := catalog.Table{
		Name: "quarantine", Format: catalog.NDJSON, Location: "file:///srv/lake/quarantine/",
		Columns:       []catalog.Column{{Name: "payload", Type: "string"}, {Name: "offset", Type: "bigint"}, {Name: "at", Type: "timestamp"}},
		PartitionKeys: web.PartitionKeys,
	}
	for _, table := range []catalog.Table{web, rejects, catalogtest.Table("processed_empty")} {
		if err := s.PutTable(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	hourly := catalogtest.Table("processed_data")
	hourly.PartitionKeys = append(hourly.PartitionKeys, catalog.Column{Name: "hour", Type: "int"})
	if err := s.PutTable(t.Context(), hourly); err != nil {
		t.Fatal(err)
	}
	for table, ps := range map[string][]catalog.Partition{
		"processed_web": {
			{Values: []string{"web", "2026"}, Location: "file:///srv/my [lake]/processed@/id/swap/source=web/year=2026/", Files: []string{"b.parquet", "a.parquet"}, Seq: 3},
			{Values: []string{"it's <web>", "2025"}, Location: "file:///srv/my [lake]/processed/source=it%27s <web>/year=2025/", Files: []string{"c.parquet"}, Seq: 1},
			{Values: []string{"web", "2027"}, Location: "file:///srv/my [lake]/processed/source=web/year=2027/", Seq: 2},
		},
		"processed_data": { // of two sources, which are not partitioned alike
			{Values: []string{"a", "2025", ""}, Location: "file:///l/processed/source=a/year=2025/", Files: []string{"e.parquet"}},
			{Values: []string{"b", "2025", "7"}, Location: "file:///l/processed/source=b/year=2025/hour=7/", Files: []string{"f.parquet"}},
			{Values: []string{"c", "2025", ""}, Location: "file:///l/processed/source=c/year=2025/", Files: []string{"g.parquet"}},
		},
		"quarantine": {{Values: []string{"web", "2026"}, Location: "file:///srv/lake/quarantine/source=web/year=2026/", Files: []string{"d.ndjson.zst"}, Seq: 3}},
	} {
		if _, err := s.PutPartitions(t.Context(), table, ps); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	puts := store.Requests()["put"]
	if err := s.Finish(t.Context()); err != nil || store.Requests()["put"] != puts {
		t.Errorf("finishing again writes: %v", err)
	}
	for _, name := range []string{"processed_web.json", local.ViewsName} {
		got, golden := read(t, store, "state/catalog/"+name), "testdata/"+name
		if *rewrite {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is\n%s", name, got)
		}
	}
}

func TestErrors(t *testing.T) {
	if _, err := local.Open(layout.Zone{}); !errors.Is(err, layout.ErrZone) {
		t.Errorf("no zone: %v", err)
	}
	store := memory.New()
	s := open(t, store)
	for _, name := range []string{"", "a/b", "../x", "a.b"} {
		if _, err := s.Table(t.Context(), name); err == nil || errors.Is(err, catalog.ErrNoTable) {
			t.Errorf("table %q: %v", name, err)
		}
	}
	if _, err := store.Put(t.Context(), "state/catalog/x.json", strings.NewReader("{"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Table(t.Context(), "x"); !errors.Is(err, catalog.ErrNoTable) {
		t.Errorf("a broken table: %v", err)
	}
	if err := s.Finish(t.Context()); err == nil {
		t.Error("views of a broken table")
	}
	if err := s.PutTable(t.Context(), catalogtest.Table("x")); err != nil {
		t.Errorf("a broken table is not written anew: %v", err)
	}
	if err := s.Finish(t.Context()); err != nil {
		t.Error(err)
	}
	failure := errors.New("403")
	store.SetFaults(func(op, key string) error { return failure }, nil)
	if _, err := s.Table(t.Context(), "y"); !errors.Is(err, failure) || errors.Is(err, catalog.ErrNoTable) {
		t.Errorf("a store that refuses: %v", err)
	}
}

// A partition key that comes later is null in the partitions that are there.
func TestMoreKeys(t *testing.T) {
	s := open(t, memory.New())
	table := catalogtest.Table("x")
	if err := s.PutTable(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutPartitions(t.Context(), "x", []catalog.Partition{{Values: []string{"a", "1"}}}); err != nil {
		t.Fatal(err)
	}
	table, err := s.Table(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	table.PartitionKeys = []catalog.Column{table.PartitionKeys[0], {Name: "month", Type: "int"}, table.PartitionKeys[1]}
	if err := s.PutTable(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	ps, err := s.Partitions(t.Context(), "x")
	if err != nil || len(ps) != 1 || !slices.Equal(ps[0].Values, []string{"a", "", "1"}) {
		t.Errorf("got %v, %v", ps, err)
	}
}

// A table is read once as long as nobody changes its file; a change by somebody else is seen.
func TestReadOnce(t *testing.T) {
	store := memory.New()
	s, other := open(t, store), open(t, store)
	put := func(s *local.Store, value string) {
		t.Helper()
		if _, err := s.PutPartitions(t.Context(), "x", []catalog.Partition{{Values: []string{"a", value}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutTable(t.Context(), catalogtest.Table("x")); err != nil {
		t.Fatal(err)
	}
	put(s, "1")
	for _, want := range []int{1, 2} {
		gets := store.Requests()["get"]
		ps, err := s.Partitions(t.Context(), "x")
		if err != nil || len(ps) != want {
			t.Errorf("%d partitions, want %d: %v", len(ps), want, err)
		}
		if n := store.Requests()["get"] - gets; n != int64(want-1) {
			t.Errorf("%d partitions are read by %d gets", want, n)
		}
		if want == 1 {
			put(other, "2")
		}
	}
	// What was given out stays as it was.
	before, err := s.Partitions(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	put(s, "3")
	if len(before) != 2 {
		t.Errorf("%d partitions, 2 were given", len(before))
	}
	if err := store.Delete(t.Context(), "state/catalog/x.json"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Table(t.Context(), "x"); !errors.Is(err, catalog.ErrNoTable) {
		t.Errorf("a table that was deleted: %v", err)
	}
}
