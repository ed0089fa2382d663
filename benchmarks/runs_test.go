package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"datalake/benchmarks/data"
	"datalake/etl"
)

// BenchmarkRun: whole runs on a store in memory, with all cores, columns declared and with no lake file at all.
func BenchmarkRun(b *testing.B) {
	for _, declared := range []bool{true, false} {
		b.Run(map[bool]string{true: "declared", false: "inferred"}[declared], func(b *testing.B) {
			each(b, func(b *testing.B, c *corpus) {
				c.runs(b, func(job *etl.Job) {
					if !declared {
						job.Lake = nil
					}
				})
			})
		})
	}
}

// BenchmarkRunSpilled: what a run takes when nearly all that waits between its steps goes to temporary files.
func BenchmarkRunSpilled(b *testing.B) {
	c := corpusOf(b, data.Options{Kind: data.Distinct})
	for _, memory := range []int64{1 << 30, 64 << 20} {
		b.Run(fmt.Sprintf("%d MiB", memory>>20), func(b *testing.B) {
			r := c.runs(b, func(job *etl.Job) { job.Memory = memory })
			b.ReportMetric(float64(r.SpilledBytes)/1e6, "spilled-MB")
			if !testing.Short() && memory < 1<<30 && r.SpilledBytes == 0 {
				b.Error("nothing was spilled")
			}
		})
	}
}

// BenchmarkRunPartitions: the same rows in few and in many partitions, most of them in one.
func BenchmarkRunPartitions(b *testing.B) {
	for _, partitions := range []int{20, 2000} {
		b.Run(fmt.Sprint(partitions), func(b *testing.B) {
			corpusOf(b, data.Options{Kind: data.Skewed, Partitions: partitions}).runs(b, nil)
		})
	}
}

// BenchmarkRunSmallObjects: as many objects as records.
func BenchmarkRunSmallObjects(b *testing.B) {
	small(b, 5000).runs(b, nil)
}

// BenchmarkRunNothingNew: a run that finds that the log knows all of its objects.
func BenchmarkRunNothingNew(b *testing.B) {
	objects := 20_000
	if testing.Short() {
		objects /= 10
	}
	c := small(b, objects)
	job := c.job("idle")
	if _, err := c.run(b.Context(), job); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := etl.Run(b.Context(), job)
		if err != nil {
			b.Fatal(err)
		}
		if r.Decided != 0 || r.RecordsIn != 0 {
			b.Fatalf("%d records were new", r.RecordsIn)
		}
	}
	b.ReportMetric(float64(objects)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// small is a corpus of objects of one record.
func small(b *testing.B, objects int) *corpus {
	c := *corpusOf(b, data.Options{Kind: data.Clean, Records: objects})
	one := corpusFrom(b, c.text, c.set.Lake(), c.set.Sources()...)
	one.set = c.set
	if err := one.store.Delete(b.Context(), "raw/"+only); err != nil {
		b.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(c.text) {
		one.put(b, fmt.Sprintf("raw/events/%02d/%06d.json", n%100, n), line)
		n++
	}
	return one
}

// runs measures a job, changed by set, and gives the last result.
func (c *corpus) runs(b *testing.B, set func(job *etl.Job)) (r *etl.Result) {
	n, dir := 0, b.TempDir()
	c.measure(b, func() {
		var err error
		n++
		if r, err = c.runAndDrop(b.Context(), fmt.Sprint("run", n), dir, set); err != nil {
			b.Fatal(err)
		}
	})
	return r
}

func (c *corpus) runAndDrop(ctx context.Context, name, dir string, set func(job *etl.Job)) (*etl.Result, error) {
	job := c.job(name)
	job.TempDir = dir
	if set != nil {
		set(&job)
	}
	r, err := c.run(ctx, job)
	if err != nil {
		return nil, err
	}
	return r, c.drop(ctx, name)
}
