package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"datalake/benchmarks/data"
	"datalake/etl"
	"datalake/etl/decode"
	"datalake/etl/dedupe"
	"datalake/etl/input"
	"datalake/etl/partition"
	"datalake/etl/write"
	"datalake/pkg/batch"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
	"datalake/pkg/spill"
	"datalake/pkg/storage"
	memorystore "datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const seed = 1

// corpus is data of one kind with all that the stages need of it.
type corpus struct {
	kind  string
	set   *data.Set
	rows  int
	text  []byte
	store *memorystore.Store
	lake  *lakefile.File
	// schemas as the lake file declares them.
	schemas declared
}

// declared are schemas by source.
type declared map[string]*schema.Schema

// Schema is what decode asks for: nil for the folder, which is no source of any record.
func (d declared) Schema(source string) *schema.Schema { return d[source] }

var corpora = map[string]*corpus{}

// corpusOf makes some 50 MB of a kind, 4 MB with -short, once.
func corpusOf(b testing.TB, kind string) *corpus {
	b.Helper()
	if c := corpora[kind]; c != nil {
		return c
	}
	rows := map[string]int{data.Clean: 180_000, data.Dirty: 37_000}[kind]
	if testing.Short() {
		rows /= 12
	}
	set, err := data.New(data.Options{Kind: kind, Records: rows, Seed: seed})
	if err != nil {
		b.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := set.Write(&text); err != nil {
		b.Fatal(err)
	}
	c := &corpus{kind: kind, set: set, rows: rows, text: text.Bytes(), store: memorystore.New()}
	if c.lake, err = lakefile.Parse("lake.yaml", set.Lake(), nil); err != nil {
		b.Fatal(err)
	}
	c.schemas = declared{}
	for _, source := range set.Sources() {
		c.schemas[source] = c.lake.Source(source).Schema(source)
	}
	if _, err := c.store.Put(b.Context(), "raw/events/events.json", bytes.NewReader(c.text), storage.PutOptions{}); err != nil {
		b.Fatal(err)
	}
	corpora[kind] = c
	return c
}

// each runs a benchmark on both kinds of data.
func each(b *testing.B, run func(b *testing.B, c *corpus)) {
	for _, kind := range []string{data.Clean, data.Dirty} {
		b.Run(kind, func(b *testing.B) { run(b, corpusOf(b, kind)) })
	}
}

// measure repeats act, and reports bytes, rows and allocations of the whole corpus each time.
func (c *corpus) measure(b *testing.B, act func()) {
	b.SetBytes(int64(len(c.text)))
	b.ReportAllocs()
	for b.Loop() {
		act()
	}
	b.ReportMetric(float64(c.rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// units are the corpus as decode gets it.
func (c *corpus) units(b *testing.B) []*batch.Unit {
	b.Helper()
	object := &batch.Object{Key: "raw/events/events.json", Size: int64(len(c.text)), Source: "events", Arrived: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()}
	var units []*batch.Unit
	for t := range input.Tasks(c.store, []*batch.Object{object}, input.Options{}) {
		for u, err := range t.Units(b.Context(), &input.Buffers{}) {
			if err != nil {
				b.Fatal(err)
			}
			units = append(units, u)
		}
	}
	return units
}

func (c *corpus) decoder(b *testing.B) *decode.Decoder {
	b.Helper()
	d, err := decode.New(decode.Options{}, c.schemas, nil)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// decoded is the corpus between the map step and the rest.
type decoded struct {
	batches []*batch.Batch
	parts   [][]uint32 // partition of each batch's rows
	rows    int
}

func (c *corpus) decoded(b *testing.B, index *partition.Index) *decoded {
	b.Helper()
	d := c.decoder(b)
	all := &decoded{}
	for _, u := range c.units(b) {
		out, err := d.Decode(u)
		if err != nil {
			b.Fatal(err)
		}
		if len(out.Rejects) > 0 {
			b.Fatalf("%d rejects, the first: %s", len(out.Rejects), out.Rejects[0].Reason)
		}
		for _, x := range out.Batches {
			p, err := partition.New(c.schemas.Schema(x.Source), index)
			if err != nil {
				b.Fatal(err)
			}
			parts, err := p.Assign(x.Record, nil, func(int, string) { b.Fatal("a row has no partition") })
			if err != nil {
				b.Fatal(err)
			}
			all.batches, all.parts, all.rows = append(all.batches, x), append(all.parts, parts), all.rows+x.NumRows()
		}
	}
	if all.rows != c.rows {
		b.Fatalf("%d rows of %d", all.rows, c.rows)
	}
	return all
}

// BenchmarkDecode: JSON text to Arrow batches, one goroutine.
func BenchmarkDecode(b *testing.B) {
	each(b, func(b *testing.B, c *corpus) {
		units, d := c.units(b), c.decoder(b)
		c.measure(b, func() {
			rows := int64(0)
			for _, u := range units {
				out, err := d.Decode(u)
				if err != nil {
					b.Fatal(err)
				}
				for _, x := range out.Batches {
					rows += int64(x.NumRows())
				}
				out.Release()
			}
			if int(rows) != c.rows {
				b.Fatalf("%d rows of %d", rows, c.rows)
			}
		})
	})
}

// BenchmarkResolve: keys of all rows to buckets, and the losers found, on all cores. MB/s are of the raw text.
func BenchmarkResolve(b *testing.B) {
	each(b, func(b *testing.B, c *corpus) {
		all := c.decoded(b, partition.NewIndex())
		c.measure(b, func() {
			buckets := dedupe.NewBuckets(spill.NewBudget(1<<30), spill.NewFile(b.TempDir()))
			defer buckets.Release()
			send := dedupe.NewSender(buckets)
			var keys []dedupe.Key
			for i, x := range all.batches {
				h, err := dedupe.NewHasher(c.schemas.Schema(x.Source), seed)
				if err != nil {
					b.Fatal(err)
				}
				if keys, err = h.Keys(x.Record, nil, dedupe.New(uint64(i), 0), keys[:0]); err != nil {
					b.Fatal(err)
				}
				if err := send.Send(keys); err != nil {
					b.Fatal(err)
				}
			}
			if err := send.Flush(); err != nil {
				b.Fatal(err)
			}
			var lost atomic.Int64
			if err := dedupe.Resolve(b.Context(), buckets, nil, 2, 0, func(_, _ dedupe.Row) { lost.Add(1) }); err != nil {
				b.Fatal(err)
			}
			if n := float64(lost.Load()) / float64(c.rows); n < 0.03 || n > 0.07 {
				b.Fatalf("%.3f of the rows are duplicates", n)
			}
		})
	})
}

// BenchmarkWrite: Arrow batches to Parquet files of their partitions, one goroutine. MB/s are of the raw text.
func BenchmarkWrite(b *testing.B) {
	each(b, func(b *testing.B, c *corpus) {
		index := partition.NewIndex()
		all := c.decoded(b, index)
		var size int64
		c.measure(b, func() {
			var err error
			if size, err = c.write(b.Context(), all, b.TempDir()); err != nil {
				b.Fatal(err)
			}
		})
		b.ReportMetric(float64(size)/float64(c.rows), "out-B/row")
	})
}

func (c *corpus) write(ctx context.Context, all *decoded, dir string) (size int64, err error) {
	for _, source := range c.set.Sources() {
		s := c.schemas.Schema(source)
		g := write.NewGroup(write.Options{
			Schema: s.Arrow(), Drop: partition.Columns(s), Parquet: parquetfile.Options{Bloom: []string{"record_id"}}, TempDir: dir,
		})
		var rows []uint32
		for i, x := range all.batches {
			if x.Source != source {
				continue
			}
			rows = rows[:0]
			for r := range uint32(x.NumRows()) {
				rows = append(rows, r)
			}
			parts := all.parts[i]
			if err := g.Append(ctx, x.Record, rows, func(row uint32) uint32 { return parts[row] }); err != nil {
				return 0, err
			}
		}
		files, err := g.Finish()
		if err != nil {
			return 0, err
		}
		for _, f := range files {
			size += f.Size()
			if err := f.Close(); err != nil {
				return 0, err
			}
		}
	}
	return size, nil
}

// BenchmarkRun: whole runs on a store in memory, with all cores, columns declared and with no lake file at all.
func BenchmarkRun(b *testing.B) {
	for _, declared := range []bool{true, false} {
		b.Run(map[bool]string{true: "declared", false: "inferred"}[declared], func(b *testing.B) {
			each(b, func(b *testing.B, c *corpus) {
				n, dir := 0, b.TempDir()
				c.measure(b, func() {
					n++
					if err := c.run(b.Context(), n, dir, declared); err != nil {
						b.Fatal(err)
					}
				})
			})
		})
	}
}

// run makes the whole job, on tables of its own, and drops them.
func (c *corpus) run(ctx context.Context, n int, dir string, declared bool) (err error) {
	name := fmt.Sprintf("run%d/", n)
	zone := func(prefix string) layout.Zone { return layout.Zone{Store: c.store, Prefix: prefix} }
	job := etl.Job{
		Zones:   etl.Zones{Raw: zone("raw"), Processed: zone(name + "processed"), Quarantine: zone(name + "quarantine"), State: zone(name + "state")},
		TempDir: dir,
	}
	if declared {
		job.Lake = c.lake
	}
	r, err := etl.Run(ctx, job)
	if err != nil {
		return err
	}
	if r.RecordsIn != int64(c.rows) || r.RecordsOut+r.Duplicates != r.RecordsIn || r.Duplicates == 0 {
		return fmt.Errorf("%d records in, %d out, %d duplicates; %d were there", r.RecordsIn, r.RecordsOut, r.Duplicates, c.rows)
	}
	for info, err := range c.store.List(ctx, name, "") {
		if err != nil {
			return err
		}
		if err := c.store.Delete(ctx, info.Key); err != nil {
			return err
		}
	}
	return nil
}
