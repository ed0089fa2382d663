package decode

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/schema"
)

// A column of strings that grows, is cut back and grows again is, to the byte, as if it had only grown.
func TestTextTruncate(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	ty := schema.Type{Kind: schema.String}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 3))
		limit, distinct := []int{0, 5, 300, 5000}[r.IntN(4)], 1+r.IntN(2000)
		cut, straight := newVector(&ty, limit), newVector(&ty, limit)
		keep := func(v *vector, s string) {
			if v.addText([]byte(s)) && v.text.full() {
				v.text.toPlain(v.nulls)
			}
		}
		for round := range 2 { // the second with memory of the first
			n := 0
			for range 3000 {
				if r.IntN(4) == 0 { // a row that is taken back
					cut.pad(n)
					for range r.IntN(3) {
						cut.addText([]byte("gone" + strconv.Itoa(r.IntN(10*distinct))))
					}
					cut.truncate(n)
					continue
				}
				if r.IntN(5) > 0 {
					s := "value" + strconv.Itoa(r.IntN(distinct))
					cut.pad(n)
					straight.pad(n)
					keep(cut, s)
					keep(straight, s)
				}
				n++
			}
			a, b := cut.array(&ty, n, mem), straight.array(&ty, n, mem)
			if a.DataType().String() != b.DataType().String() || !array.Equal(a, b) {
				t.Fatalf("seed %d, round %d: %s and %s differ", seed, round, a.DataType(), b.DataType())
			}
			if d, ok := a.(*array.Dictionary); ok && (d.Dictionary().Len() > limit || d.Dictionary().Len() > n/2) {
				t.Fatalf("seed %d: dictionary of %d values, the limit is %d", seed, d.Dictionary().Len(), limit)
			}
			a.Release()
			b.Release()
			cut.reset()
			straight.reset()
		}
	}
}

// Vectors of every type, cut back at random places, keep what stands before.
func TestVectorTruncate(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	ty, err := schema.ParseType("struct<a:bigint,l:list<struct<s:string,d:double>>,m:map<string,boolean>,i:int,b:binary>")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 5))
	row := func(v *vector, i int) {
		a, l, m, n, b := v.kids[0], v.kids[1], v.kids[2], v.kids[3], v.kids[4]
		if i%3 > 0 {
			a.pad(v.n)
			a.addInt64(int64(i))
		}
		if i%4 > 0 {
			l.pad(v.n)
			start, elem := l.kids[0].n, l.kids[0]
			for j := range i % 5 {
				elem.kids[0].pad(elem.n)
				elem.kids[0].addText(fmt.Append(nil, i, j))
				elem.n++
			}
			l.addList(start)
		}
		if i%2 > 0 {
			m.pad(v.n)
			start := m.kids[0].n
			m.kids[0].addText([]byte("k"))
			m.kids[1].bools = append(m.kids[1].bools, i%4 == 1)
			m.kids[1].n++
			m.addList(start)
		}
		n.pad(v.n)
		n.addInt32(int32(i))
		b.pad(v.n)
		b.addText([]byte{byte(i)})
		v.n++
	}
	cut, straight := newVector(&ty, 0), newVector(&ty, 0)
	var kept []int
	for i := range 2000 {
		row(cut, i)
		kept = append(kept, i)
		if r.IntN(3) == 0 {
			kept = kept[:len(kept)-r.IntN(min(len(kept), 70))]
			cut.truncate(len(kept))
		}
	}
	for _, i := range slices.Clone(kept) {
		row(straight, i)
	}
	a, b := cut.array(&ty, len(kept), mem), straight.array(&ty, len(kept), mem)
	defer a.Release()
	defer b.Release()
	if !array.Equal(a, b) {
		t.Errorf("differ:\n%v\n%v", a, b)
	}
}

// A column goes plain after a few values if nothing comes twice, and later if little does.
func TestTextGoesPlain(t *testing.T) {
	for _, c := range []struct{ again, plainAt int }{{1000, firstCheck}, {20, firstCheck}, {5, earlyCheck}, {3, 0}} {
		v := newVector(&schema.Type{Kind: schema.String}, 1<<20)
		at := 0
		for i := 1; i <= 2*earlyCheck; i++ {
			value := i
			if i%c.again == 0 { // one of so many is the first again
				value = 1
			}
			if v.addText([]byte(strconv.Itoa(value))) && v.text.full() {
				v.text.toPlain(v.nulls)
			}
			if v.text.plain && at == 0 {
				at = i
			}
		}
		if at != c.plainAt && at != c.plainAt+1 { // it is looked at when a value is new
			t.Errorf("1 of %d again: plain at %d, want %d", c.again, at, c.plainAt)
		}
	}
}
