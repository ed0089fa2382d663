package input

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/batch"
)

// Of an object with Most come its first records, whatever its form and compression and however it is cut, of every other object
// all; nothing is broken because the rest was not read; and Head is told how much that was.
func TestHeads(t *testing.T) {
	for _, form := range renderings {
		t.Run(form.name, func(t *testing.T) {
			byLine := strings.HasPrefix(form.name, "several") || strings.HasPrefix(form.name, "one line")
			for seed := range uint64(4) {
				r := rand.New(rand.NewPCG(seed, 2))
				var rs []string
				for range r.IntN(12) + 2 {
					rs = append(rs, randomRecord(r))
				}
				rs[0] = `{"a":1,"b":{}}`
				var w writer
				form.write(&w, rs)
				for name, compress := range compressions {
					text := compress(t, w.String())
					for _, chunk := range []int{64, 1 << 10, 1 << 20} {
						l := newLake(t)
						for range 3 {
							l.put(t, text, form.recordsAt)
						}
						most := r.IntN(len(rs)+2) + 1
						l.objects[0].Most, l.objects[1].Most = most, 1
						var mu sync.Mutex
						heads := map[int]int64{}
						records, broken := l.read(t, Options{ChunkBytes: chunk, MaxRecord: 1 << 14, Head: func(o *batch.Object, _, bytes int64) {
							mu.Lock()
							defer mu.Unlock()
							heads[o.Index] += bytes
						}})
						if len(broken) > 0 {
							t.Fatalf("%s, chunk %d, seed %d: broken: %+v\n%s", name, chunk, seed, broken, w.String())
						}
						by := map[int][]found{}
						for _, f := range records {
							at := f.Object
							f.Object = 0
							by[at] = append(by[at], f)
						}
						for i, want := range []int{min(most, len(rs)), 1, len(rs)} {
							n := len(by[i])
							if ranges := name == "plain" && len(text) > chunk && form.recordsAt == "" && i < 2; ranges && n > 0 && n < len(rs) {
								// Perhaps in ranges, which take the first records of each, if any begins in it.
								last := by[i][n-1]
								there := slices.ContainsFunc(w.want, func(f found) bool { return f.Offset == last.Offset && f.Text == last.Text })
								if n > want && !byLine || !there || by[i][0] != w.want[0] {
									t.Fatalf("chunk %d, seed %d: object %d: %d records, want %d\n%s", chunk, seed, i, n, want, w.String())
								}
								continue
							}
							if n != want && (!byLine || n < want) {
								t.Fatalf("%s, chunk %d, seed %d: object %d: %d records, want %d\n%s", name, chunk, seed, i, n, want, w.String())
							}
							if d := cmp.Diff(w.want[:n], by[i]); d != "" {
								t.Fatalf("%s, chunk %d, seed %d: object %d: %s", name, chunk, seed, i, d)
							}
							size := l.objects[i].Size
							last := by[i][n-1]
							switch got, told := heads[i]; {
							case told != (i < 2), got > size:
								t.Fatalf("%s: Head of object %d: %d of %d bytes, told: %v", name, i, got, size, told)
							case i < 2 && name == "plain" && (got < last.Offset+int64(len(last.Text)) || n < len(rs) && got > last.Offset+int64(len(last.Text))+8):
								t.Fatalf("%s, chunk %d: Head of object %d: %d bytes, the last record ends at %d", name, chunk, i, got, last.Offset+int64(len(last.Text)))
							case i < 2 && n == len(rs) && most > len(rs) && i == 0 && got != size:
								t.Fatalf("%s, chunk %d: Head of object %d: %d bytes of %d, all of it was read", name, chunk, i, got, size)
							}
						}
					}
				}
			}
		})
	}
}

// Of a large plain object the beginnings of stretches are read, and a chunk of each at most.
func TestHeadReadsLittle(t *testing.T) {
	l := newLake(t, strings.Repeat(`{"a":1}`+"\n", 200_000))
	l.objects[0].Most = 50
	bytes := int64(0)
	records, _ := l.read(t, Options{ChunkBytes: 1 << 10, Head: func(_ *batch.Object, _, n int64) { bytes += n }})
	if len(records) != 50 || l.Requests()["get"] > 51 || bytes != 400 {
		t.Errorf("%d records of %d bytes in %d requests", len(records), bytes, l.Requests()["get"])
	}
	if last := records[49].Offset; last < 1_400_000 {
		t.Errorf("the last record is at %d of 1,600,000", last)
	}
}
