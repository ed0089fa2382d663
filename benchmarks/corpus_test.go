package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"datalake/benchmarks/data"
	"datalake/etl"
	"datalake/etl/decode"
	"datalake/etl/input"
	"datalake/etl/partition"
	"datalake/pkg/batch"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	memorystore "datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const seed = 1

// corpus is data with all that the stages need of it.
type corpus struct {
	set   *data.Set
	rows  int
	text  []byte
	store *memorystore.Store
	lake  *lakefile.File
	// schemas as the lake file declares them.
	schemas declared
	// unique: no record comes twice.
	unique bool
}

// declared are schemas by source.
type declared map[string]*schema.Schema

// Schema is what decode asks for: nil for the folder, which is no source of any record.
func (d declared) Schema(source string) *schema.Schema { return d[source] }

// Some 50 MB of each kind, 4 MB with -short.
var rowsOf = map[string]int{data.Clean: 180_000, data.Dirty: 37_000, data.Distinct: 125_000, data.Skewed: 180_000}

var corpora = map[data.Options]*corpus{}

// corpusOf makes data, once. Seed and, where it is 0, the number of records are settled here.
func corpusOf(b testing.TB, o data.Options) *corpus {
	b.Helper()
	o.Seed = seed
	if o.Records == 0 {
		o.Records = rowsOf[o.Kind]
	}
	if testing.Short() {
		o.Records = min(o.Records, rowsOf[o.Kind]/12)
	}
	if c := corpora[o]; c != nil {
		return c
	}
	set, err := data.New(o)
	if err != nil {
		b.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := set.Write(&text); err != nil {
		b.Fatal(err)
	}
	c := corpusFrom(b, text.Bytes(), set.Lake(), set.Sources()...)
	c.set, c.rows, c.unique = set, o.Records, o.Kind == data.Distinct
	corpora[o] = c
	return c
}

// corpusFrom puts text into one object, with the schemas that a lake file declares.
func corpusFrom(b testing.TB, text, lake []byte, sources ...string) *corpus {
	b.Helper()
	c := &corpus{text: text, rows: bytes.Count(text, []byte("\n")), store: memorystore.New(), schemas: declared{}}
	var err error
	if c.lake, err = lakefile.Parse("lake.yaml", lake, nil); err != nil {
		b.Fatal(err)
	}
	for _, source := range sources {
		c.schemas[source] = c.lake.Source(source).Schema(source)
	}
	c.put(b, "raw/"+only, c.text)
	return c
}

// only is the one object of a corpus, in the raw zone.
const only = "events/events.json"

func (c *corpus) put(b testing.TB, key string, text []byte) {
	b.Helper()
	if _, err := c.store.Put(b.Context(), key, bytes.NewReader(text), storage.PutOptions{}); err != nil {
		b.Fatal(err)
	}
}

// each runs a benchmark on clean and on dirty data.
func each(b *testing.B, run func(b *testing.B, c *corpus)) {
	for _, kind := range []string{data.Clean, data.Dirty} {
		b.Run(kind, func(b *testing.B) { run(b, corpusOf(b, data.Options{Kind: kind})) })
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

// units are an object as decode gets it.
func (c *corpus) units(b *testing.B, key string) []*batch.Unit {
	b.Helper()
	info, err := c.store.Head(b.Context(), key)
	if err != nil {
		b.Fatal(err)
	}
	object := &batch.Object{Key: key, Size: info.Size, ETag: info.ETag, Source: "events", Arrived: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()}
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

func (c *corpus) decoder(b *testing.B, o decode.Options) *decode.Decoder {
	b.Helper()
	d, err := decode.New(o, c.schemas, nil)
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
	d := c.decoder(b, decode.Options{})
	all := &decoded{}
	for _, u := range c.units(b, "raw/"+only) {
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

// job is a run on tables of its own below a name.
func (c *corpus) job(name string) etl.Job {
	zone := func(prefix string) layout.Zone { return layout.Zone{Store: c.store, Prefix: prefix} }
	return etl.Job{
		Zones: etl.Zones{Raw: zone("raw"), Processed: zone(name + "/processed"), Quarantine: zone(name + "/quarantine"), State: zone(name + "/state")},
		Lake:  c.lake,
	}
}

// run does a job and looks whether the counts can be right.
func (c *corpus) run(ctx context.Context, job etl.Job) (*etl.Result, error) {
	r, err := etl.Run(ctx, job)
	if err != nil {
		return nil, err
	}
	if r.RecordsIn != int64(c.rows) || r.RecordsOut+r.Duplicates != r.RecordsIn || (r.Duplicates == 0) != c.unique {
		return nil, fmt.Errorf("%d records in, %d out, %d duplicates; %d were there", r.RecordsIn, r.RecordsOut, r.Duplicates, c.rows)
	}
	return r, nil
}

// drop deletes what a job made.
func (c *corpus) drop(ctx context.Context, name string) error {
	for info, err := range c.store.List(ctx, name+"/", "") {
		if err != nil {
			return err
		}
		if err := c.store.Delete(ctx, info.Key); err != nil {
			return err
		}
	}
	return nil
}
