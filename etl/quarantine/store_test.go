package quarantine_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"datalake/etl/quarantine"
	"datalake/pkg/batch"
	"datalake/pkg/spill"
)

// Whatever the order of Add, its sizes, overlaps and the budget: the lines are those of all rejects, sorted by origin.
func TestOrder(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		objects := make([]*batch.Object, 1+rnd.IntN(5))
		for i := range objects {
			objects[i] = &batch.Object{Index: i * 3, Key: fmt.Sprintf("o%d", i), Arrived: rnd.Int64N(3*86_400_000) - 86_400_000}
		}
		var all []batch.Reject
		for i := range rnd.IntN(300) {
			o := objects[rnd.IntN(len(objects))]
			all = append(all, batch.Reject{
				Origin: batch.Origin{Object: o, Offset: int64(i)}, Source: []string{"a", "b", ""}[rnd.IntN(3)], Line: rnd.Int64N(9), Rule: "r",
				Reason: strings.Repeat("why ", rnd.IntN(3)), Payload: bytes.Repeat([]byte{'p'}, rnd.IntN(50)), Truncated: rnd.IntN(2) == 0,
			})
		}
		file, budget := spill.NewFile(t.TempDir()), spill.NewBudget([]int64{0, 2000, 1 << 20}[seed%3])
		s := quarantine.NewStore(budget, file)
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var want []batch.Reject
		for rest := all; len(rest) > 0; {
			n := 1 + rnd.IntN(min(len(rest), 20))
			chunk := quarantine.WholeObject
			added := slices.Clone(rest[:n])
			if rnd.IntN(3) == 0 { // of one object, lines from a chunk's start
				chunk = rnd.IntN(5)
				added = slices.DeleteFunc(added, func(r batch.Reject) bool { return r.Object != rest[0].Object })
			}
			for _, r := range added {
				if chunk != quarantine.WholeObject {
					r.Line += int64(chunk) * 1000
				}
				r.Payload = bytes.Clone(r.Payload)
				want = append(want, r)
			}
			if err := s.Add(added, chunk); err != nil {
				t.Fatal(err)
			}
			for _, r := range added { // the store has copies
				clear(r.Payload)
			}
			rest = rest[n:]
			for i := range rest { // payloads of what is still to come are shared with none
				rest[i].Payload = bytes.Clone(rest[i].Payload)
			}
		}
		s.Settle(func(_ *batch.Object, chunk int) int64 { return int64(chunk) * 1000 })
		slices.SortFunc(want, func(a, b batch.Reject) int {
			return cmp.Or(cmp.Compare(a.Object.Index, b.Object.Index), cmp.Compare(a.Offset, b.Offset))
		})
		for _, p := range s.Parts() {
			var out bytes.Buffer
			if err := s.Write(p, &out); err != nil {
				t.Fatal(err)
			}
			rows := 0
			expect := ""
			for _, r := range want {
				day := r.Object.Arrived/86_400_000 + 1
				if r.Object.Arrived < 0 {
					day = 0
				}
				source := cmp.Or(r.Source, "__HIVE_DEFAULT_PARTITION__")
				if strings.HasPrefix(p.Path, "source="+source+"/") && strings.HasSuffix(p.Path, []string{"1969/month=12/day=31", "1970/month=01/day=01", "1970/month=01/day=02"}[day]) {
					rows++
					expect += fmt.Sprintf(`"object":%q,"offset":%d,"line":%d,`, r.Object.Key, r.Offset, r.Line) + "|" +
						fmt.Sprintf(`"reason":%q,"payload":%q`, r.Reason, r.Payload) + fmt.Sprint(r.Truncated) + "\n"
				}
			}
			z, err := zstd.NewReader(&out)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(z)
			z.Close()
			if err != nil || rows != p.Rows() || strings.Count(string(text), "\n") != rows {
				t.Fatalf("seed %d, %s: %d rows for %d, %v", seed, p.Path, p.Rows(), rows, err)
			}
			got := ""
			for line := range strings.Lines(string(text)) {
				a, b, c := strings.Index(line, `"object"`), strings.Index(line, `"arrived"`), strings.Index(line, `"reason"`)
				tail, cut := strings.CutSuffix(line[c:], ",\"truncated\":true}\n")
				got += line[a:b] + "|" + strings.TrimSuffix(tail, "}\n") + fmt.Sprint(cut) + "\n"
			}
			if got != expect {
				t.Fatalf("seed %d, %s:\n%swant\n%s", seed, p.Path, got, expect)
			}
		}
		if s.Len() != len(want) {
			t.Fatalf("%d rejects, want %d", s.Len(), len(want))
		}
		s.Release()
		if err := file.Close(); err != nil || budget.Used() != 0 {
			t.Errorf("%v, %d bytes still counted", err, budget.Used())
		}
	}
}

// Ten times the rejects, in ten times as many units, do not take more memory from the budget; the rest is in the file.
func TestBounded(t *testing.T) {
	o := &batch.Object{Key: "k"}
	for _, units := range []int{100, 1000} {
		file, budget := spill.NewFile(t.TempDir()), spill.NewBudget(1<<40)
		s := quarantine.NewStore(budget, file)
		rejects := make([]batch.Reject, 100)
		for u := range units {
			for i := range rejects {
				rejects[i] = batch.Reject{Origin: batch.Origin{Object: o, Offset: int64(u*100 + i)}, Payload: make([]byte, 1000)}
			}
			if err := s.Add(rejects, u); err != nil {
				t.Fatal(err)
			}
		}
		if used, total := budget.Used(), int64(units)*100*1000; used > 4<<20 || used+file.Size() < total {
			t.Errorf("%d units: %d bytes in memory, %d in the file, of %d", units, used, file.Size(), total)
		}
		s.Release()
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A partition's name that no path can hold is an error that names the object.
func TestUnholdableSource(t *testing.T) {
	s := quarantine.NewStore(spill.NewBudget(0), spill.NewFile(t.TempDir()))
	err := s.Add([]batch.Reject{{Origin: batch.Origin{Object: &batch.Object{Key: "raw/x.json"}}, Source: strings.Repeat("x", 1000)}}, 0)
	if err == nil || !strings.Contains(err.Error(), "raw/x.json") {
		t.Errorf("error %v", err)
	}
}

func BenchmarkStore(b *testing.B) {
	o := &batch.Object{Key: "raw/s/a.json"}
	payload := []byte(`{"record_id":"r1","source":"iot_sensors","data":{"a":1,,}}`)
	rejects := make([]batch.Reject, 10_000)
	b.ReportAllocs()
	b.SetBytes(int64(100 * len(rejects) * len(payload)))
	for b.Loop() {
		file := spill.NewFile(b.TempDir())
		s := quarantine.NewStore(spill.NewBudget(1<<30), file)
		for u := range 100 {
			for i := range rejects {
				rejects[i] = batch.Reject{Origin: batch.Origin{Object: o, Offset: int64(u*len(rejects) + i)}, Rule: "json", Reason: "a value is missing", Payload: payload}
			}
			if err := s.Add(rejects, u); err != nil {
				b.Fatal(err)
			}
		}
		s.Settle(func(*batch.Object, int) int64 { return 0 })
		for _, p := range s.Parts() {
			if err := s.Write(p, io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		s.Release()
		if err := file.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
