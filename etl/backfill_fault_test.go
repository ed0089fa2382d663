package etl_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	arrowmem "github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/pool"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
	"datalake/pkg/storage/memory"
)

// Whatever comes between any two requests of a backfill, the table is in the end what it is without that.
func TestBackfillInterleaved(t *testing.T) {
	step := 7
	if testing.Short() {
		step = 41
	}
	config := `sources: {s0: {columns: [{path: data.w, type: bigint, required: true}]}}`
	points := 0
	for at := 0; ; at += step {
		points++
		store := memory.New()
		p := newPast(store, 6)
		p.one = true
		p.config(t, strings.Replace(config, ", required: true", "", 1))
		for range 3 {
			p.drop(t)
			p.run(t)
		}
		p.config(t, config)
		p.drop(t)
		end := before(store, at, func() error {
			other := openLake(store)
			other.job.Lake = p.job.Lake
			_, err := etl.Run(context.Background(), other.job)
			return err
		})
		if _, err := etl.Backfill(context.Background(), p.job, etl.BackfillOptions{Source: "s0", From: day(1), To: day(4)}); err != nil {
			t.Fatalf("a run before request %d: %v", at, err)
		}
		fired := end()
		p.run(t)
		same(t, fmt.Sprintf("a run before request %d", at), "s0", p.content(t), p.fresh(t).content(t))
		if err := p.verify(context.Background()); err != nil {
			t.Fatalf("a run before request %d: %v", at, err)
		}
		if !fired {
			break
		}
	}
	t.Logf("%d points", points)
}

// The power fails, or a request does, while a backfill is at work; done again it is done, and nothing is there twice.
func TestBackfillFaults(t *testing.T) {
	step := 11
	if testing.Short() {
		step = 67
	}
	config := `sources: {s0: {dedupe: {key: [record_id, v]}, partition_by: [source, year, month]}}`
	all := etl.BackfillOptions{Source: "s0", All: true}
	points := 0
	for at := 0; ; at += step {
		points++
		disk := crashfs.New()
		store, err := file.OpenFS("/lake", disk)
		if err != nil {
			t.Fatal(err)
		}
		p := newPast(store, 7)
		for range 2 {
			p.drop(t)
			p.run(t)
		}
		p.config(t, config)
		store = powerLoss(t, disk, at, 1, func(ctx context.Context) error { _, err := etl.Backfill(ctx, p.job, all); return err })
		if store == nil {
			break
		}
		p.lake = openLake(store)
		p.config(t, config)
		what := fmt.Sprintf("power loss at operation %d", at)
		p.backfill(t, all)
		same(t, what, "s0", p.content(t), p.fresh(t).content(t))
		if err := p.verify(context.Background()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for at := 0; ; at += step {
		points++
		store := memory.New()
		p := newPast(store, 7)
		for range 2 {
			p.drop(t)
			p.run(t)
		}
		p.config(t, config)
		end := failing(store, at, true)
		_, err := etl.Backfill(context.Background(), p.job, all)
		hit := end()
		if err != nil && !errors.Is(err, errFault) {
			t.Fatalf("fault at request %d: %v", at, err)
		}
		p.backfill(t, all)
		same(t, fmt.Sprintf("fault at request %d", at), "s0", p.content(t), p.fresh(t).content(t))
		if err := p.verify(context.Background()); err != nil {
			t.Fatalf("fault at request %d: %v", at, err)
		}
		if !hit {
			break
		}
	}
	t.Logf("%d points", points)
}

// The same files for any degree of parallelism and any budget.
func TestBackfillSameBytes(t *testing.T) {
	var first []string
	for _, o := range []struct {
		parallel int
		memory   int64
	}{{1, 1 << 30}, {8, 1 << 30}, {2, 1}} {
		p := newPast(memory.New(), 8)
		for range 3 {
			p.drop(t)
			p.run(t)
		}
		p.config(t, `sources: {s0: {columns: [{path: data.w, type: bigint, required: true}]}}`)
		mem := arrowmem.NewCheckedAllocator(pool.Poisoned(64 << 20))
		p.job.Parallel, p.job.Memory, p.job.Allocator = o.parallel, o.memory, mem
		p.backfill(t, etl.BackfillOptions{Source: "s0", From: day(1), To: day(2)})
		mem.AssertSize(t, 0)
		var got []string
		s := p.state(t)
		for _, part := range slices.SortedFunc(maps.Keys(s.Partitions), commitlog.Partition.Compare) {
			for _, f := range s.Partitions[part].Files {
				if part.Zone == layout.Processed {
					got = append(got, part.Path+" "+f.SHA256)
				}
			}
		}
		if first == nil {
			first = got
		} else if !slices.Equal(first, got) {
			t.Errorf("parallel %d, memory %d: other files than with one worker", o.parallel, o.memory)
		}
	}
}
