package file_test

import (
	"fmt"
	"strings"
	"testing"

	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
)

// BenchmarkPut puts small objects as a run does: several directories deep, in many partitions.
func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		name string
		once bool
	}{{"once", true}, {"replace", false}} {
		b.Run(c.name, func(b *testing.B) {
			s, err := file.Open(b.TempDir() + "/lake")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				key := fmt.Sprintf("processed/source=s/year=2025/month=%02d/day=%02d/%d", n/28%12+1, n%28+1, n)
				if _, err := s.Put(b.Context(), key, strings.NewReader("small"), storage.PutOptions{Once: c.once}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
