package etl_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"go.uber.org/goleak"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/pkg/catalog/local"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/storage"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}

// lake is a lake on one store.
type lake struct {
	store storage.Store
	job   etl.Job
}

func openLake(store storage.Store) *lake {
	zone := func(prefix string) layout.Zone { return layout.Zone{Store: store, Prefix: prefix} }
	c, err := local.Open(zone("state/catalog"))
	if err != nil {
		panic(err)
	}
	return &lake{store, etl.Job{
		Zones:    etl.Zones{Raw: zone("raw"), Processed: zone("processed"), Quarantine: zone("quarantine"), State: zone("state")},
		Catalogs: map[string]commit.Catalog{"local": c},
		Parallel: 2, Version: "test", Directory: true,
	}}
}

func (l *lake) put(t testing.TB, key, body string) {
	t.Helper()
	if _, err := l.store.Put(context.Background(), key, bytes.NewReader([]byte(body)), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (l *lake) run(t testing.TB) *etl.Result {
	t.Helper()
	res, err := etl.Run(context.Background(), l.job)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// head is the log's state.
func (l *lake) head(ctx context.Context) (*commitlog.State, error) {
	c, err := l.job.Commits(ctx)
	if err != nil {
		return nil, err
	}
	return c.Log.Head(ctx)
}

// verify is an error when anything is not as it should be, notes aside.
func (l *lake) verify(ctx context.Context) error {
	c, err := l.job.Commits(ctx)
	if err != nil {
		return err
	}
	findings, err := commit.Verify(ctx, c, l.job.Checks())
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range findings {
		if f.Severity != commit.Note {
			errs = append(errs, fmt.Errorf("%s %s: %s %s", f.Severity, f.What, f.Key, f.Detail))
		}
	}
	return errors.Join(errs...)
}

// rows are all rows of all tables: record_id → the column v, as text. A record_id that occurs twice is an error.
func (l *lake) rows(ctx context.Context) (map[string]string, error) {
	head, err := l.head(ctx)
	if err != nil {
		return nil, err
	}
	want := arrow.NewSchema([]arrow.Field{
		{Name: "record_id", Type: arrow.BinaryTypes.String},
		{Name: "v", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil)
	rows := map[string]string{}
	for _, p := range slices.SortedFunc(maps.Keys(head.Partitions), commitlog.Partition.Compare) {
		if p.Zone != layout.Processed {
			continue
		}
		for _, f := range head.Partitions[p].Files {
			r, err := storage.OpenReader(ctx, l.store, head.Partitions[p].Dir+f.Name)
			if err != nil {
				return nil, err
			}
			pf, err := parquetfile.Open(r, r.Info.Size)
			if err != nil {
				return nil, err
			}
			for rec, err := range pf.Records(ctx, want, memory.DefaultAllocator) {
				if err != nil {
					return nil, err
				}
				for i := range int(rec.NumRows()) {
					id := rec.Column(0).(*array.String).Value(i)
					if _, twice := rows[id]; twice {
						return nil, fmt.Errorf("record %s occurs twice", id)
					}
					rows[id] = rec.Column(1).ValueStr(i)
				}
			}
			if err := r.Close(); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// check holds the lake to the rows that it should have, and to all that verify knows.
func (l *lake) check(ctx context.Context, want map[string]string) error {
	got, err := l.rows(ctx)
	if err != nil {
		return err
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("%d rows, want %d: %s", len(got), len(want), difference(got, want))
	}
	return l.verify(ctx)
}

func difference(got, want map[string]string) string {
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if v, ok := got[id]; !ok {
			return id + " is missing"
		} else if v != want[id] {
			return fmt.Sprintf("%s is %s, want %s", id, v, want[id])
		}
	}
	for id := range got {
		if _, ok := want[id]; !ok {
			return id + " should not be there"
		}
	}
	return "none"
}

// event is an enveloped record.
func event(source, id string, day, v int) string {
	at := time.Date(2025, 11, day, 10, 0, v%60, 0, time.UTC).Format(time.RFC3339)
	return fmt.Sprintf(`{"record_id":%q,"source":%q,"ingested_at":%q,"data":{"timestamp":%q,"v":%d}}`+"\n", id, source, at, at, v)
}
