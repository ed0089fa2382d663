package parquetfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// The same rows give the same bytes, however they are cut into records and selections, and whether strings are coded.
func TestBytesDependOnRowsAlone(t *testing.T) {
	for seed := range uint64(12) {
		mem := checked(t)
		r := rand.New(rand.NewPCG(seed, 3))
		types := []string{"string", "!string", "string"}
		for range 1 + r.IntN(5) {
			types = append(types, allTypes[r.IntN(len(allTypes))])
		}
		s := columns(t, types...)
		n := 50 + r.IntN(900)
		rec := randomRecord(r, mem, s, n)
		defer rec.Release()
		o := Options{RowGroupRows: []int{0, 100, 333}[r.IntN(3)], Encoding: []string{Compact, Plain}[r.IntN(2)], Bloom: []string{"c0"}}
		tune := func(w *Writer) {
			small(w)
			w.lim.groupBytes = []int64{128 << 20, 9000}[seed%2]
		}
		want := write(t, s, o, tune, rec)

		dict := coded(r, mem, rec)
		defer dict.Release()
		for round := range 4 {
			var buf bytes.Buffer
			w, err := NewWriter(&buf, s, o)
			if err != nil {
				t.Fatal(err)
			}
			tune(w)
			for at := 0; at < n; {
				k := min(1+r.IntN(n), n-at)
				from := []arrow.Record{rec, dict}[r.IntN(2)]
				switch r.IntN(3) {
				case 0: // a slice
					part := from.NewSlice(int64(at), int64(at+k))
					err = w.Append(part, nil)
					part.Release()
				case 1: // a selection
					rows := make([]uint32, k)
					for i := range rows {
						rows[i] = uint32(at + i)
					}
					err = w.Append(from, rows)
				case 2: // a selection of a slice
					lo := r.IntN(at + 1)
					part := from.NewSlice(int64(lo), int64(n))
					rows := make([]uint32, k)
					for i := range rows {
						rows[i] = uint32(at - lo + i)
					}
					err = w.Append(part, rows)
					part.Release()
				}
				if err != nil {
					t.Fatal(err)
				}
				at += k
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(buf.Bytes(), want) {
				t.Fatalf("seed %d, round %d: other bytes for the same rows of %v", seed, round, types)
			}
		}
		if d := cmp.Diff(lines(rec), read(t, want, s, mem)); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
	}
}

// Compression's memory of earlier pages must not reach the bytes.
func TestBytesDoNotDependOnScratch(t *testing.T) {
	mem := checked(t)
	s := columns(t, "string", "double", "bigint", "json")
	var recs []arrow.Record
	for i := range uint64(6) {
		recs = append(recs, randomRecord(rand.New(rand.NewPCG(i, 4)), mem, s, 3000))
		defer recs[i].Release()
	}
	want := make([][]byte, len(recs))
	for i, rec := range recs {
		want[i] = write(t, s, Options{}, nil, rec)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for k := range 3 * len(recs) {
				i := (k*(g+1) + g) % len(recs)
				if b := write(t, s, Options{}, nil, recs[i]); !bytes.Equal(b, want[i]) {
					t.Errorf("record %d: other bytes on a used scratch", i)
				}
			}
		})
	}
	wg.Wait()
}

// The file format is a promise: a change of this sum is a change of every file that will be written.
func TestGoldenFile(t *testing.T) {
	const want = "85786a58bfcb8247c55336757fdc9af25d745860adad30a2f28ef6ed96afdff3"
	s := columns(t, "!string", "!timestamp", "double", "int", "decimal(20,3)", "list<string>")
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for i := range 20_000 {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("%08x-%04x", uint32(i)*2654435761, uint16(i*40503)))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(1764000000000 + i*250))
		if i%7 == 0 {
			b.Field(2).AppendNull()
		} else {
			b.Field(2).(*array.Float64Builder).Append(float64(i%311) / 8)
		}
		b.Field(3).(*array.Int32Builder).Append(int32(i * i))
		if err := b.Field(4).AppendValueFromString(fmt.Sprintf("%d.%03d", i%90, i%1000)); err != nil {
			t.Fatal(err)
		}
		l := b.Field(5).(*array.ListBuilder)
		l.Append(true)
		for k := range i % 3 {
			l.ValueBuilder().(*array.StringBuilder).Append(strings.Repeat("ab", k+i%5))
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	sum := sha256.Sum256(write(t, s, Options{Bloom: []string{"c0"}, Metadata: map[string]string{"b": "2", "a": "1"}}, nil, rec))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("sha256 %s, want %s", got, want)
	}
}

// A row group ends before the row that would pass the limit, and at the rows' limit.
func TestRowGroups(t *testing.T) {
	mem := checked(t)
	s := columns(t, "string", "bigint")
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for i := range 100 {
		b.Field(0).(*array.StringBuilder).Append(strings.Repeat("x", []int{88, 188}[i/50])) // 100 and 200 bytes a row
		b.Field(1).(*array.Int64Builder).Append(int64(i))
	}
	rec := b.NewRecord()
	defer rec.Release()
	for _, c := range []struct {
		rows  int
		bytes int64
		want  []int64
	}{
		{0, 1 << 20, []int64{100}},
		{30, 1 << 20, []int64{30, 30, 30, 10}},
		{0, 2999, []int64{29, 25, 14, 14, 14, 4}},
		{0, 3000, []int64{30, 25, 15, 15, 15}},
		{0, 1, slices.Repeat([]int64{1}, 100)},
	} {
		f := openFile(t, write(t, s, Options{RowGroupRows: c.rows}, func(w *Writer) { w.lim.groupBytes = c.bytes }, rec))
		var got []int64
		for _, g := range f.meta.Groups {
			got = append(got, g.NumRows)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("at most %d rows, %d bytes: %s", c.rows, c.bytes, d)
		}
	}
}

// While a chunk's first values are not judged, a page ends by their size, whether they came coded or not, repeat or not, and in
// lists.
func TestFirstPagesDoNotDependOnTheSource(t *testing.T) {
	for seed := range uint64(40) {
		mem := checked(t)
		r := rand.New(rand.NewPCG(seed, 19))
		s := columns(t, "string", "list<string>")
		b := array.NewRecordBuilder(mem, s)
		distinct := 1 + r.IntN(60)
		text := func() string {
			k := r.IntN(distinct)
			return fmt.Sprintf("%0*d", 20+k*7%300, k)
		}
		const n = 120
		for range n {
			b.Field(0).(*array.StringBuilder).Append(text())
			l := b.Field(1).(*array.ListBuilder)
			l.Append(true)
			for range r.IntN(3) {
				l.ValueBuilder().(*array.StringBuilder).Append(text())
			}
		}
		rec := b.NewRecord()
		b.Release()
		dict := coded(r, mem, rec)
		want := write(t, s, Options{}, small, rec)
		for range 4 {
			var buf bytes.Buffer
			w, err := NewWriter(&buf, s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			small(w)
			for at := 0; at < n; {
				rows := make([]uint32, min(1+r.IntN(40), n-at))
				for i := range rows {
					rows[i] = uint32(at + i)
				}
				if err := w.Append([]arrow.Record{rec, dict}[r.IntN(2)], rows); err != nil {
					t.Fatal(err)
				}
				at += len(rows)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(buf.Bytes(), want) {
				t.Fatalf("seed %d: other bytes for the same rows", seed)
			}
		}
		if d := cmp.Diff(lines(rec), read(t, want, s, mem)); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
		dict.Release()
		rec.Release()
	}
}
