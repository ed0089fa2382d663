package plan_test

import (
	"fmt"
	"testing"

	"datalake/etl/plan"
	"datalake/pkg/batch"
)

func TestSample(t *testing.T) {
	make := func(sizes map[string][]int64) *plan.Plan {
		p := &plan.Plan{}
		for _, source := range []string{"a", "b"} {
			for i, size := range sizes[source] {
				p.Objects = append(p.Objects, &batch.Object{Index: len(p.Objects), Key: fmt.Sprintf("raw/%s/%04d", source, i), Size: size, Source: source})
				p.ModTimes = append(p.ModTimes, noon)
				p.Bytes += size
			}
		}
		return p
	}
	many := func(n int, size int64) (sizes []int64) {
		for range n {
			sizes = append(sizes, size)
		}
		return sizes
	}
	for name, c := range map[string]struct {
		sizes   map[string][]int64
		records int
		want    string // objects and records of a, of b
	}{
		"halves":             {map[string][]int64{"a": {100}, "b": {1000}}, 11, "1 5, 1 6"},
		"one source":         {map[string][]int64{"a": {100, 100, 100, 100}}, 10, "4 10, 0 0"},
		"by size":            {map[string][]int64{"a": {900, 100}}, 10, "2 10, 0 0"},
		"too small to count": {map[string][]int64{"a": {10_000, 1, 10_000}}, 10, "2 10, 0 0"},
		"empty ones":         {map[string][]int64{"a": {0, 5, 0}}, 3, "1 3, 0 0"},
		"nothing":            {map[string][]int64{}, 3, "0 0, 0 0"},
		"fewer than objects": {map[string][]int64{"a": many(100, 9)}, 10, "10 10, 0 0"},
		"fewer than sources": {map[string][]int64{"a": {5}, "b": {5}}, 1, "1 1, 1 1"},
		"very many objects":  {map[string][]int64{"a": many(10_000, 9)}, 5120, "512 5120, 0 0"},
	} {
		p := make(c.sizes)
		p.Sample(c.records)
		objects, records, bytes := map[string]int{}, map[string]int{}, int64(0)
		for i, o := range p.Objects {
			if o.Index != i || o.Most <= 0 {
				t.Errorf("%s: object %d: %+v", name, i, o)
			}
			objects[o.Source]++
			records[o.Source] += o.Most
			bytes += min(o.Size, 512*int64(o.Most))
		}
		if got := fmt.Sprintf("%d %d, %d %d", objects["a"], records["a"], objects["b"], records["b"]); got != c.want || bytes != p.Bytes || len(p.ModTimes) != len(p.Objects) {
			t.Errorf("%s: %s, want %s; %d bytes of %d", name, got, c.want, p.Bytes, bytes)
		}
	}
	p := make(map[string][]int64{"a": many(10_000, 9)})
	p.Sample(100)
	if first, second := p.Objects[0].Key, p.Objects[1].Key; first != "raw/a/0000" || second != "raw/a/0100" {
		t.Errorf("the first two are %s and %s", first, second)
	}
}
