package input

import (
	"context"
	"math"
	"runtime"
	"strings"
	"testing"
)

// A giant record takes little more memory than its size, whatever the form and the compression; the account is asked
// before its buffer is made, and gets all back.
func TestGiantRecord(t *testing.T) {
	const size = 40 << 20
	giant := `{"a":"` + strings.Repeat("x", size) + `"}`
	small := strings.Repeat(`{"a":1}`+"\n", 100)
	for name, text := range map[string]string{
		"lines":      small + giant + "\n" + small,
		"array":      "[" + strings.ReplaceAll(strings.TrimSpace(small), "\n", ",\n") + ",\n" + giant + ",\n" + `{"a":1}` + "]",
		"lines gzip": gzipped2(t, small+giant+"\n"+small, 1),
	} {
		t.Run(name, func(t *testing.T) {
			l := newLake(t, text)
			var bufs Buffers
			var used, most, asked int64
			var before, after runtime.MemStats
			o := Options{Take: func(n int64) bool {
				used += n
				most = max(most, used)
				if n > 0 {
					asked++
				}
				return false
			}}
			records := 0
			runtime.GC()
			runtime.ReadMemStats(&before)
			for task := range Tasks(l, l.objects, o) {
				for u, err := range task.Units(context.Background(), &bufs) {
					if err != nil {
						t.Fatal(err)
					}
					for _, c := range u.Chunks {
						if len(c.Data) > size {
							records++
						}
					}
					bufs.Release(u)
				}
			}
			runtime.ReadMemStats(&after)
			if records != 1 {
				t.Fatalf("%d giants", records)
			}
			// One buffer for the largest record, and before it those that grew by half to giantBytes: 3 of that in all.
			limit := uint64(defaultRecord + 2*defaultChunk + 3*giantBytes + 3*defaultChunk)
			if !strings.Contains(name, "gzip") { // how much is left of it is known
				limit = uint64(len(text) + 3*giantBytes + 3*defaultChunk)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > limit {
				t.Errorf("%d MiB were allocated", got>>20)
			}
			if used != 0 || asked == 0 || asked > 2 || most < size || most > defaultRecord+3*defaultChunk {
				t.Errorf("the account has %d bytes left, was asked %d times, for %d MiB at most", used, asked, most>>20)
			}
		})
	}
}

// Records of a usual size are nobody's business.
func TestUsualRecord(t *testing.T) {
	l := newLake(t, strings.Repeat(`{"a":"`+strings.Repeat("x", 1<<20)+`"}`+"\n", 20))
	var bufs Buffers
	asked := int64(math.MinInt64)
	for task := range Tasks(l, l.objects, Options{Take: func(n int64) bool { asked = n; return true }}) {
		for u, err := range task.Units(context.Background(), &bufs) {
			if err != nil {
				t.Fatal(err)
			}
			bufs.Release(u)
		}
	}
	if asked != math.MinInt64 {
		t.Errorf("the account was asked for %d bytes", asked)
	}
}

// However large the object, who reads it has two buffers.
func TestTwoBuffers(t *testing.T) {
	text := sensorLines(120_000)
	for name, text := range map[string]string{"gzip": gzipped2(t, text, 1), "zstd": zstded(t, text, 1), "values": "[" + strings.ReplaceAll(strings.TrimSpace(text), "\n", ",") + "]"} {
		l := newLake(t, text)
		var bufs Buffers
		units := 0
		for task := range Tasks(l, l.objects, Options{}) {
			for u, err := range task.Units(context.Background(), &bufs) {
				if err != nil {
					t.Fatal(err)
				}
				units++
				bufs.Release(u)
			}
		}
		if units < 8 || len(bufs.free) > 2 || len(bufs.out) != 0 {
			t.Errorf("%s: %d buffers for %d units, %d still out", name, len(bufs.free), units, len(bufs.out))
		}
		for _, a := range bufs.free {
			if cap(a.buf) > defaultChunk*9/8+4096 {
				t.Errorf("%s: a buffer has %d bytes", name, cap(a.buf))
			}
		}
	}
}
