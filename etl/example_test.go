package etl_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowmem "github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl"
	"datalake/pkg/batch"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// feelsLike is a stage that adds a column to every source that has a temperature and a humidity, and sets rows aside
// whose humidity cannot be.
type feelsLike struct{}

func (feelsLike) Columns(*schema.Schema) ([]schema.Column, error) {
	return []schema.Column{{Name: "feels_like", Type: schema.Type{Kind: schema.Double}}}, nil
}

func (feelsLike) Apply(_ context.Context, b *batch.Batch) (*batch.Batch, error) {
	ti, hi := b.Column("temperature"), b.Column("humidity")
	if ti < 0 || hi < 0 {
		return b, nil
	}
	t, ok1 := b.Record.Column(ti).(*array.Float64)
	h, ok2 := b.Record.Column(hi).(*array.Int64)
	if !ok1 || !ok2 {
		return b, nil
	}
	col := array.NewFloat64Builder(arrowmem.DefaultAllocator)
	defer col.Release()
	for i := range b.NumRows() {
		if t.IsNull(i) || h.IsNull(i) {
			col.AppendNull()
			continue
		}
		if h.Value(i) > 100 {
			b.Reject(i, "humidity", fmt.Sprintf("humidity is %d %%", h.Value(i)))
		}
		col.Append(t.Value(i) + 0.1*float64(h.Value(i)))
	}
	b.SetColumn(b.Column("feels_like"), col.NewArray())
	return b, nil
}

// A stage of one's own runs on every batch between decoding and deduplication.
func Example() {
	ctx := context.Background()
	store := memory.New()
	raw := `{"record_id":"a","source":"iot","data":{"timestamp":"2025-11-25T10:00:00Z","temperature":20.5,"humidity":45}}
{"record_id":"b","source":"iot","data":{"timestamp":"2025-11-25T10:01:00Z","temperature":21.0,"humidity":450}}
{"record_id":"c","source":"iot","data":{"timestamp":"2025-11-25T10:02:00Z","temperature":null,"humidity":44}}
`
	if _, err := store.Put(ctx, "raw/iot/1.json", strings.NewReader(raw), storage.PutOptions{}); err != nil {
		log.Fatal(err)
	}
	zone := func(name string) layout.Zone { return layout.Zone{Store: store, Prefix: name} }
	res, err := etl.Run(ctx, etl.Job{
		Zones:  etl.Zones{Raw: zone("raw"), Processed: zone("processed"), Quarantine: zone("quarantine"), State: zone("state")},
		Stages: []etl.Stage{feelsLike{}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d in, %d out, %d quarantined\n", res.RecordsIn, res.RecordsOut, res.Quarantined)
	want := arrow.NewSchema([]arrow.Field{
		{Name: "record_id", Type: arrow.BinaryTypes.String},
		{Name: "feels_like", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}, nil)
	for info, err := range store.List(ctx, "processed/", "") {
		if err != nil {
			log.Fatal(err)
		}
		r, err := storage.OpenReader(ctx, store, info.Key)
		if err != nil {
			log.Fatal(err)
		}
		file, err := parquetfile.Open(r, info.Size)
		if err != nil {
			log.Fatal(err)
		}
		for rec, err := range file.Records(ctx, want, arrowmem.DefaultAllocator) {
			if err != nil {
				log.Fatal(err)
			}
			for i := range int(rec.NumRows()) {
				fmt.Println(rec.Column(0).ValueStr(i), rec.Column(1).ValueStr(i))
			}
		}
	}
	// Output:
	// 3 in, 2 out, 1 quarantined
	// a 25
	// c (null)
}
