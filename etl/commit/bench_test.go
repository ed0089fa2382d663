package commit_test

import (
	"fmt"
	"strings"
	"testing"

	"datalake/etl/commit"
	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/memory"
)

// One run that makes 28 partitions for each of 20 sources, from putting files aside to the catalogs.
func BenchmarkCommit(b *testing.B) {
	const sources, days = 20, 28
	text := &strings.Builder{}
	for d := range days {
		fmt.Fprintf(text, "d%d/k%d ", d+1, d)
	}
	for name, open := range map[string]func() (storage.Store, error){
		"memory": func() (storage.Store, error) { return memory.New(), nil },
		"file":   func() (storage.Store, error) { return file.Open(b.TempDir()) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				store, err := open()
				if err != nil {
					b.Fatal(err)
				}
				lake := openLake(b, store, "me")
				lake.Parallel = 8
				for i := range sources {
					putRaw(b, store, fmt.Sprintf("s%d/x", i), text.String())
				}
				b.StartTimer()
				if _, err := runOnce(b.Context(), lake); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if m, ok := store.(*memory.Store); ok {
					before := m.Requests()
					b.Cleanup(func() {
						var n int64
						for op, count := range m.Requests() {
							n += count - before[op]
						}
						b.ReportMetric(float64(n), "requests/publish")
					})
				}
				b.StartTimer()
				if _, err := commit.Publish(b.Context(), lake); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
