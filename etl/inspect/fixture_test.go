package inspect_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"datalake/etl/inspect"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	store "datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a lake whose log is written by hand.
type fixture struct {
	t     *testing.T
	store *store.Store
	zones inspect.Zones
	log   *commitlog.Log
	state *commitlog.State
}

func newFixture(t *testing.T) *fixture {
	s := store.New()
	f := &fixture{t: t, store: s, state: commitlog.Empty(), zones: inspect.Zones{
		Raw: layout.Zone{Store: s, Prefix: "raw"}, Processed: layout.Zone{Store: s, Prefix: "processed"},
		Quarantine: layout.Zone{Store: s, Prefix: "quarantine"}, State: layout.Zone{Store: s, Prefix: "state"},
	}}
	var err error
	if f.log, err = commitlog.Open(t.Context(), f.zones.State.Sub("processed")); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) put(key, text string) storage.Info {
	f.t.Helper()
	info, err := f.store.Put(f.t.Context(), key, strings.NewReader(text), storage.PutOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	return info
}

func (f *fixture) lake() *inspect.Lake {
	f.t.Helper()
	l, err := inspect.Open(f.t.Context(), f.zones)
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

// sensors is the schema of the fixture's table: a row is its id and its number.
var sensors = &schema.Schema{Source: "iot", Columns: []schema.Column{
	{Name: "record_id", Type: schema.Type{Kind: schema.String}, Role: schema.RecordID},
	{Name: "event_time", Type: schema.Type{Kind: schema.Timestamp}, Role: schema.EventTime},
	{Name: "ingested_at", Type: schema.Type{Kind: schema.Timestamp}, Role: schema.IngestedAt},
	{Name: "n", Type: schema.Type{Kind: schema.Bigint}, Path: schema.Path{"data", "n"}},
	{Name: "quality_score", Type: schema.Type{Kind: schema.Double}, Role: schema.Quality},
	{Name: "_rescued", Type: schema.Type{Kind: schema.String}, Role: schema.Rescued},
}}

// parquet is a file with the rows.
func parquet(t *testing.T, ids ...string) []byte {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, sensors.Arrow())
	defer b.Release()
	for i, id := range ids {
		b.Field(0).(*array.StringBuilder).Append(id)
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000 + i))
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_500))
		b.Field(3).(*array.Int64Builder).Append(int64(i))
		b.Field(4).(*array.Float64Builder).Append(1)
		b.Field(5).AppendNull()
	}
	rec := b.NewRecord()
	defer rec.Release()
	var out bytes.Buffer
	w, err := parquetfile.NewWriter(&out, sensors.Arrow(), parquetfile.Options{Bloom: []string{"record_id"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(rec, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func ndjson(lines ...string) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(w, strings.Join(lines, "\n"))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// file puts a data file aside, and gives the act that decides it.
func (f *fixture) file(attempt string, zone layout.Zone, path, suffix string, rows int, body []byte) commitlog.Act {
	f.t.Helper()
	sum := sha256.Sum256(body)
	name := hex.EncodeToString(sum[:]) + suffix
	p := commitlog.Partition{Zone: zone.Prefix, Path: path}
	file := commitlog.File{Name: name, Key: zone.DataKey(attempt, name), Size: int64(len(body)), Rows: int64(rows), SHA256: hex.EncodeToString(sum[:])}
	f.put(file.Key, string(body))
	kind := commitlog.New
	if f.state.Partitions[p] != nil {
		kind = commitlog.Add
	}
	return commitlog.Act{Partition: p, Kind: kind, Dir: zone.FirstDir(path), Files: []commitlog.File{file}}
}

// decide adds an entry.
func (f *fixture) decide(attempt string, body *commitlog.Body) {
	f.t.Helper()
	var counts commitlog.Counts
	for _, c := range body.Counts {
		counts.Add(c)
	}
	ctx := context.Background()
	ref, err := f.log.PutBody(ctx, attempt, body)
	if err != nil {
		f.t.Fatal(err)
	}
	e := &commitlog.Entry{
		Seq: f.state.Seq + 1, Kind: commitlog.Run, Format: commitlog.Format, MinWriter: commitlog.Writer, Attempt: attempt,
		Base: f.state.Seq, Prev: f.state.Hash, Body: ref, Counts: counts,
	}
	if e.Seq == 1 {
		e.Catalogs = []string{"local"}
	}
	data, err := e.Encode()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.log.Put(ctx, e.Seq, data); err != nil {
		f.t.Fatal(err)
	}
	if f.state, err = f.state.Next(f.t.Context(), e, commitlog.Hash(data), body); err != nil {
		f.t.Fatal(err)
	}
}

const (
	day24 = "source=iot/year=2025/month=11/day=24"
	day25 = "source=iot/year=2025/month=11/day=25"
)

// twoRuns is a lake with two runs: a, b, c on the 24th and d on the 25th, then e on the 24th and two records set aside.
func twoRuns(t *testing.T) *fixture {
	f := newFixture(t)
	one, two := f.put("raw/iot/1.json", "1"), f.put("raw/iot/2.json", "2")
	f.put("raw/iot/3.json", "not yet read")
	f.put("raw/iot/_hidden", "no data")
	f.decide("first", &commitlog.Body{
		Counts:  map[string]commitlog.Counts{"iot": {In: 5, Out: 4, Duplicates: 1, Inputs: 1}},
		Inputs:  []commitlog.Input{{Key: one.Key, ETag: one.ETag, Partitions: []string{day24, day25}}},
		Schemas: map[string]*schema.Schema{"iot": sensors},
		Acts: []commitlog.Act{
			f.file("first", f.zones.Processed, day24, ".parquet", 3, parquet(t, "a", "b", "c")),
			f.file("first", f.zones.Processed, day25, ".parquet", 1, parquet(t, "d")),
		},
	})
	f.decide("second", &commitlog.Body{
		Inputs: []commitlog.Input{{Key: two.Key, ETag: two.ETag, Partitions: []string{day24}}},
		Counts: map[string]commitlog.Counts{"iot": {In: 3, Out: 1, Quarantined: 2, Rescued: 1, Inputs: 1, Rules: map[string]int64{"json": 2}, Notes: map[string]int64{"rescued:data.n": 7, "rescued:data.x": 2, "floored": 1}}},
		Acts: []commitlog.Act{
			f.file("second", f.zones.Processed, day24, ".parquet", 1, parquet(t, "e")),
			f.file("second", f.zones.Quarantine, day24, ".ndjson.zst", 2, ndjson(
				`{"source":"iot","rule":"json","line":3,"payload":"{\"record_id\":\"bad\",\"x\":"}`,
				`{"source":"iot","rule":"json","reason":"cut","payload":"{\"record_id\":\"worse <&> \\\"q\\\"\""}`)),
		},
	})
	return f
}
