package write_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl/write"
	"datalake/pkg/commitlog"
	"datalake/pkg/parquetfile"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "n", Type: arrow.PrimitiveTypes.Int64},
	{Name: "region", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// numbers makes a record of the rows from lo to hi.
func numbers(mem memory.Allocator, lo, hi int) arrow.Record {
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	for n := lo; n < hi; n++ {
		r := rand.New(rand.NewPCG(uint64(n), 0))
		b.Field(0).(*array.Int64Builder).Append(int64(n))
		b.Field(1).(*array.StringBuilder).Append("r")
		b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("%032x%032x", r.Uint64(), r.Uint64()))
	}
	return b.NewRecord()
}

// written writes rows 0 to n, in records of the given size, to partition row%parts, and gives the files.
func written(t *testing.T, o write.Options, n, size, parts int, single bool) []write.File {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	o.Schema, o.Drop, o.TempDir = schema, []string{"region"}, t.TempDir()
	g := write.NewGroup(o)
	if single {
		for p := range parts {
			g.Single(uint32(p))
		}
	}
	for lo := 0; lo < n; lo += size {
		rec := numbers(mem, lo, min(lo+size, n))
		rows := make([]uint32, rec.NumRows())
		for i := range rows {
			rows[i] = uint32(i)
		}
		if err := g.Append(t.Context(), rec, rows, func(row uint32) uint32 { return uint32((lo + int(row)) % parts) }); err != nil {
			t.Fatal(err)
		}
		rec.Release()
	}
	files, err := g.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Abort(); err != nil {
		t.Error(err)
	}
	return files
}

// Each partition's file holds its rows in order and without the partition column, whatever the records were; its hash, sum and size are
// those of its bytes.
func TestGroup(t *testing.T) {
	var first []string
	for _, size := range []int{1, 7, 1000} {
		o := write.Options{Sum: func(rec arrow.Record, rows []uint32) (s commitlog.Sum, err error) {
			for _, r := range rows {
				s.Add(commitlog.Sum{0, uint64(rec.Column(0).(*array.Int64).Value(int(r)))})
			}
			return s, nil
		}}
		var names []string
		for i, f := range written(t, o, 1000, size, 3, false) {
			body, err := io.ReadAll(f.Body())
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(body)
			if f.SHA256() != hex.EncodeToString(sum[:]) || f.Size() != int64(len(body)) || int(f.Partition) != i {
				t.Errorf("file %d: partition %d, %d bytes, hash %s", i, f.Partition, f.Size(), f.SHA256())
			}
			names = append(names, f.SHA256())
			pf, err := parquetfile.Open(bytes.NewReader(body), f.Size())
			if err != nil {
				t.Fatal(err)
			}
			s, err := pf.Schema()
			if err != nil || len(s.FieldIndices("region")) > 0 || s.NumFields() != 2 {
				t.Errorf("schema %v, %v", s, err)
			}
			next, total := int64(i), uint64(0)
			for rec, err := range pf.Records(t.Context(), arrow.NewSchema(schema.Fields()[:1], nil), memory.DefaultAllocator) {
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range rec.Column(0).(*array.Int64).Int64Values() {
					if n != next {
						t.Fatalf("file %d: row %d, want %d", i, n, next)
					}
					next += 3
					total += uint64(n)
				}
			}
			if f.Rows != pf.Rows() || f.Keys != (commitlog.Sum{0, total}) || next < 999 {
				t.Errorf("file %d: %d rows, sum %s", i, f.Rows, f.Keys)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if first == nil {
			first = names
		} else if strings.Join(names, " ") != strings.Join(first, " ") {
			t.Errorf("records of %d rows give other files", size)
		}
	}
}

// A new partition's rows are cut into files by their size, at the same rows whatever the records were; one that readers see
// already gets one file.
func TestFileSize(t *testing.T) {
	const rows = 300_000
	var first []string
	for _, size := range []int{rows, 50_001} {
		var names []string
		total := int64(0)
		for _, f := range written(t, write.Options{FileBytes: 1 << 20, Parquet: parquetfile.Options{RowGroupRows: 1 << 16}}, rows, size, 1, false) {
			names = append(names, f.SHA256())
			total += f.Rows
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if len(names) < 3 || total != rows {
			t.Errorf("%d files, %d rows", len(names), total)
		}
		if first == nil {
			first = names
		} else if strings.Join(names, " ") != strings.Join(first, " ") {
			t.Errorf("records of %d rows give other files", size)
		}
	}
	files := written(t, write.Options{FileBytes: 1 << 20, Parquet: parquetfile.Options{RowGroupRows: 1 << 16}}, rows, rows, 1, true)
	if len(files) != 1 || files[0].Rows != rows {
		t.Errorf("%d files", len(files))
	}
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A folder for temporary files that is not there is an error that names it, and nothing is left.
func TestTempDir(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	s := write.NewSink(missing)
	if _, err := s.Write(make([]byte, 1<<20)); err != nil {
		t.Errorf("what fits in memory: %v", err)
	}
	if _, err := s.Write([]byte("x")); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("error %v does not name the folder", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// counted counts what a group keeps in memory.
type counted struct {
	mu              sync.Mutex
	limit, used, at int64 // at is the most that was used
	refused         int
}

func (c *counted) keep(n int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 && c.used+n > c.limit {
		c.refused++
		return false
	}
	c.used += n
	c.at = max(c.at, c.used)
	return true
}

// Pages and files take no more memory than they may, and give it back; the files are the same whatever that is.
func TestMemory(t *testing.T) {
	var first []string
	for _, limit := range []int64{1 << 40, 1 << 20, 40_000, 0} {
		c := counted{limit: limit}
		var names []string
		for _, f := range written(t, write.Options{Keep: c.keep, Parquet: parquetfile.Options{RowGroupRows: 60_000, Bloom: []string{"text"}}}, 150_000, 10_000, 3, false) {
			names = append(names, f.SHA256())
			body, err := io.ReadAll(f.Body())
			if sum := sha256.Sum256(body); err != nil || hex.EncodeToString(sum[:]) != f.SHA256() {
				t.Errorf("limit %d: other bytes wait than were written, %v", limit, err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if c.used != 0 || c.at > limit || (c.refused > 0) != (limit < 1<<40) || limit > 0 && c.at == 0 {
			t.Errorf("limit %d: at most %d bytes were kept, %d times no more, %d are still", limit, c.at, c.refused, c.used)
		}
		if first == nil {
			first = names
		} else if strings.Join(names, " ") != strings.Join(first, " ") {
			t.Errorf("limit %d: other files", limit)
		}
	}
}

// A group that is given up gives its memory back, and one whose temporary folder is missing says so.
func TestAbort(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, dir := range []string{t.TempDir(), missing} {
		c := counted{limit: 3 << 20}
		g := write.NewGroup(write.Options{Schema: schema, TempDir: dir, Keep: c.keep})
		rec := numbers(memory.DefaultAllocator, 0, 200_000)
		rows := make([]uint32, rec.NumRows())
		for i := range rows {
			rows[i] = uint32(i)
		}
		err := g.Append(t.Context(), rec, rows, func(row uint32) uint32 { return row % 2 })
		if (err != nil) != (dir == missing) || err != nil && !strings.Contains(err.Error(), missing) {
			t.Errorf("error %v in %s", err, dir)
		}
		if c.used == 0 {
			t.Error("nothing was kept")
		}
		if err := g.Abort(); err != nil {
			t.Error(err)
		}
		if c.used != 0 {
			t.Errorf("%d bytes are still counted", c.used)
		}
	}
}
