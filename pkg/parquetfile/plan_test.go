package parquetfile

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
)

// A Batch that many files take rows of, at once, gives the bytes that records of their own give.
func TestBatch(t *testing.T) {
	for seed := range uint64(6) {
		mem := checked(t)
		r := rand.New(rand.NewPCG(seed, 17))
		types := []string{"string", "!string"}
		for range 6 {
			types = append(types, allTypes[r.IntN(len(allTypes))])
		}
		s := columns(t, types...)
		plan, err := NewPlan(s, Options{Bloom: []string{"c1"}, RowGroupRows: 70})
		if err != nil {
			t.Fatal(err)
		}
		const files = 5
		var batches []*Batch
		var recs []arrow.Record
		for range 4 {
			rec := randomRecord(r, mem, s, 200)
			defer rec.Release()
			coded := coded(r, mem, rec)
			defer coded.Release()
			b, err := plan.Batch(coded)
			if err != nil {
				t.Fatal(err)
			}
			recs, batches = append(recs, rec), append(batches, b)
		}
		var rows [files][][]uint32
		for f := range files {
			for range recs {
				var some []uint32
				for i := range uint32(200) {
					if r.IntN(files) == 0 {
						some = append(some, i)
					}
				}
				rows[f] = append(rows[f], some)
			}
		}
		var wg sync.WaitGroup
		for f := range files {
			wg.Go(func() {
				var got, want bytes.Buffer
				x := plan.NewWriter(&got)
				y, err := NewWriter(&want, s, Options{Bloom: []string{"c1"}, RowGroupRows: 70})
				if err != nil {
					t.Error(err)
					return
				}
				for i := range recs {
					if err := errors.Join(x.AppendBatch(batches[i], rows[f][i]), y.Append(recs[i], rows[f][i])); err != nil {
						t.Error(err)
					}
				}
				if err := errors.Join(x.Close(), y.Close()); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(got.Bytes(), want.Bytes()) {
					t.Errorf("seed %d, file %d: other bytes from a shared batch", seed, f)
				}
			})
		}
		wg.Wait()
	}
}

func TestBatchRefuses(t *testing.T) {
	s := columns(t, "string", "int")
	rec := randomRecord(rand.New(rand.NewPCG(1, 18)), checked(t), s, 10)
	defer rec.Release()
	mine, err := NewPlan(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewPlan(columns(t, "int", "string"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Batch(rec); !errors.Is(err, ErrType) {
		t.Errorf("a record of other columns: %v", err)
	}
	b, err := mine.Batch(rec)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.NewWriter(io.Discard).AppendBatch(b, nil); !errors.Is(err, ErrType) {
		t.Errorf("a batch of another plan: %v", err)
	}
	if err := mine.NewWriter(io.Discard).AppendBatch(b, []uint32{10}); !errors.Is(err, ErrType) {
		t.Errorf("a row that is not there: %v", err)
	}
	if mine.NewWriter(io.Discard).AppendBatch(b, []uint32{3}) != nil {
		t.Error("a row that is there is refused")
	}
}

// A file of a few rows takes few allocations and little memory: thousands of partitions may get a handful each.
func TestTinyFileIsCheap(t *testing.T) {
	rec := sensors(t, 10, true)
	defer rec.Release()
	plan, err := NewPlan(rec.Schema(), Options{Bloom: []string{"c0"}})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := plan.Batch(rec)
	if err != nil {
		t.Fatal(err)
	}
	write := func() {
		w := plan.NewWriter(io.Discard)
		if err := w.AppendBatch(batch, nil); err != nil {
			t.Fatal(err)
		}
		if n := w.Buffered(); n > 12<<10 {
			t.Errorf("%d bytes for ten rows", n)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	least := math.Inf(1) // now and then a pool is empty
	for range 30 {
		least = min(least, testing.AllocsPerRun(1, write))
	}
	if least > 70 {
		t.Errorf("%.0f allocations", least)
	}
}

// failingSpool keeps nothing in memory, and its k-th operation fails.
type failingSpool struct {
	left  int
	pages []byte
}

var errSpool = errors.New("no spool")

func (s *failingSpool) Keep(n int64) bool { return n < 0 }

func (s *failingSpool) Write(p []byte) (int64, error) {
	if s.left--; s.left < 0 {
		return 0, errSpool
	}
	s.pages = append(s.pages, p...)
	return int64(len(s.pages) - len(p)), nil
}

func (s *failingSpool) Read(at int64, p []byte) error {
	if s.left--; s.left < 0 {
		return errSpool
	}
	copy(p, s.pages[at:])
	return nil
}

// Each failure of a spool fails the file; without one the bytes are those of a file whose pages wait in memory.
func TestSpoolErrors(t *testing.T) {
	rec := sensors(t, 40_000, true)
	defer rec.Release()
	want := write(t, rec.Schema(), Options{}, nil, rec)
	for n := range 1000 {
		spool := &failingSpool{left: n}
		var got bytes.Buffer
		w, err := NewWriter(&got, rec.Schema(), Options{Spool: spool})
		if err != nil {
			t.Fatal(err)
		}
		if err = w.Append(rec, nil); err == nil {
			err = w.Close()
		}
		if err == nil {
			if !bytes.Equal(got.Bytes(), want) || n < 20 {
				t.Errorf("other bytes through a spool, after %d operations", n)
			}
			return
		}
		if !errors.Is(err, errSpool) {
			t.Fatalf("operation %d: %v", n, err)
		}
	}
	t.Error("it never succeeds")
}
