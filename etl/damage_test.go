package etl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"datalake/etl/commit"
	"datalake/etl/commit/mend"
	"datalake/pkg/commitlog"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// A record of 50 MB is a record; one of more than 64 MiB is a reject, with its beginning as payload; those around them are
// read.
func TestLargeRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a gigabyte")
	}
	l := openLake(memory.New())
	record := func(id, size int) string {
		return `{"record_id":"r` + strconv.Itoa(id) + `","source":"s","data":{"v":` + strconv.Itoa(id) + `,"text":"` + strings.Repeat("x", size) + `"}}`
	}
	l.put(t, "raw/s/1.json", record(1, 50<<20)+"\n"+record(2, 1)+"\n"+record(3, 65<<20)+"\r\n"+record(4, 1))
	l.put(t, "raw/s/2.json", "[\n "+record(5, 50<<20)+",\n "+record(6, 65<<20)+",\n "+record(7, 1)+"]")
	res := l.run(t)
	if res.RecordsIn != 7 || res.RecordsOut != 5 || res.Quarantined != 2 || res.Tables[0].Rules["size"] != 2 {
		t.Errorf("%+v", res)
	}
	want := map[string]string{"r1": "1", "r2": "2", "r4": "4", "r5": "5", "r7": "7"}
	if err := l.check(context.Background(), want); err != nil {
		t.Error(err)
	}
}

// damaged is a lake of three runs, with a table of many partitions and a quarantine, and what tests do to it.
type damaged struct {
	*lake
	t *testing.T
}

// keys lists the objects below a prefix whose key has the part, in order; there must be one.
func (d damaged) keys(prefix, part string) (all []string) {
	d.t.Helper()
	for info, err := range d.store.List(d.t.Context(), prefix, "") {
		if err != nil {
			d.t.Fatal(err)
		}
		if strings.Contains(info.Key, part) {
			all = append(all, info.Key)
		}
	}
	if len(all) == 0 {
		d.t.Fatalf("nothing below %s with %s", prefix, part)
	}
	return all
}

func (d damaged) get(key string) []byte {
	d.t.Helper()
	r, _, err := d.store.Get(d.t.Context(), key, storage.GetOptions{})
	if err != nil {
		d.t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		d.t.Fatal(err)
	}
	return body
}

func (d damaged) delete(key string) {
	d.t.Helper()
	if err := d.store.Delete(d.t.Context(), key); err != nil {
		d.t.Fatal(err)
	}
}

// flip inverts a bit in the middle.
func (d damaged) flip(key string) {
	body := d.get(key)
	body[len(body)/2] ^= 1
	d.put(d.t, key, string(body))
}

// Whatever byte of a file is another, verify names the file and goes on.
func TestVerifyAnyByte(t *testing.T) {
	l := openLake(memory.New())
	l.put(t, "raw/s/1.json", event("s", "a", 1, 1)+event("s", "b", 1, 2))
	l.run(t)
	d := damaged{l, t}
	key := d.keys("processed/source=s/", "")[0]
	body := d.get(key)
	for i := range body {
		body[i] ^= 1 << (i % 8)
		l.put(t, key, string(body))
		if err := l.verify(t.Context()); err == nil || !strings.Contains(err.Error(), "alarm corrupt: "+key) {
			t.Fatalf("byte %d: %v", i, err)
		}
		body[i] ^= 1 << (i % 8)
	}
}

// What goes wrong with a lake by other hands than the engine's: verify names it, repair mends it or says why not, gc harms nothing.
func TestDamage(t *testing.T) {
	const file = "processed/source=s0/"
	for _, c := range []struct {
		name   string
		damage func(d damaged) (key string) // gives what is to be named
		found  string                       // the kind of finding; empty: nothing is lost by it, and nothing is found
		mends  string                       // what repair does: publish, move, or nothing
		left   string                       // what verify finds after it; empty: nothing
	}{
		{"a bit of a file", func(d damaged) string { k := d.keys(file, "")[0]; d.flip(k); return k }, "corrupt", "move", ""},
		{"a file cut", func(d damaged) string { k := d.keys(file, "")[1]; d.put(d.t, k, string(d.get(k)[:99])); return k }, "size", "move", ""},
		{"a file emptied", func(d damaged) string { k := d.keys(file, "")[2]; d.put(d.t, k, ""); return k }, "size", "move", ""},
		{"a file gone", func(d damaged) string { k := d.keys(file, "")[3]; d.delete(k); return k }, "missing", "publish", ""},
		{"a foreign file", func(d damaged) string {
			k := path.Dir(d.keys(file, "")[0]) + "/foreign.parquet"
			d.put(d.t, k, string(d.get(d.keys(file, "")[1])))
			return k
		}, "foreign", "move", ""},
		{"a foreign file below a folder", func(d damaged) string {
			k := path.Dir(d.keys(file, "")[0]) + "/more/foreign.parquet"
			d.put(d.t, k, "x")
			return k
		}, "foreign", "move", ""},
		{"both copies of a file", func(d damaged) string {
			k := d.keys(file, "")[0]
			for _, k := range append(d.keys("processed@/", path.Base(k)), k) {
				d.flip(k)
			}
			return k
		}, "corrupt", "nothing", "corrupt"},
		{"a quarantine file", func(d damaged) string { k := d.keys("quarantine/source=s/", "")[0]; d.flip(k); return k }, "corrupt", "move", ""},
		{"what was put aside", func(d damaged) string {
			for _, k := range d.keys("processed@/", "") {
				d.delete(k)
			}
			return ""
		}, "", "nothing", ""},
		{"a table of the catalog gone", func(d damaged) string { d.delete("state/catalog/processed_s0.json"); return "processed_s0" }, "catalog", "publish", ""},
		{"a partition of the catalog elsewhere", func(d damaged) string {
			const k = "state/catalog/processed_s0.json"
			d.put(d.t, k, strings.Replace(string(d.get(k)), "day=03/", "day=02/", 1))
			return "processed_s0"
		}, "catalog", "publish", ""},
		{"an entry of the log", func(d damaged) string { k := d.keys("state/processed/log/", "")[1]; d.flip(k); return "log/" }, "chain", "nothing", "chain"},
		{"the newest entry of the log", func(d damaged) string {
			k := d.keys("state/processed/log/", "")
			d.flip(k[len(k)-1])
			return "log/"
		}, "chain", "nothing", "chain"},
		{"an entry of the log gone", func(d damaged) string { d.delete(d.keys("state/processed/log/", "")[1]); return "log/" }, "chain", "nothing", "chain"},
		{"a body of the log", func(d damaged) string { d.flip(d.keys("state/processed/attempts/", "body")[0]); return "log/" }, "chain", "nothing", "chain"},
		{"a body of the log gone", func(d damaged) string { d.delete(d.keys("state/processed/attempts/", "body")[1]); return "log/" }, "chain", "nothing", "chain"},
		{"a foreign object in the log", func(d damaged) string {
			d.put(d.t, "state/processed/log/note.txt", "x")
			return "log/note.txt"
		}, "foreign", "nothing", "foreign"},
		{"a publication forgotten", func(d damaged) string {
			for _, k := range d.keys("state/processed/publish/", "") {
				d.delete(k)
			}
			return ""
		}, "", "publish", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			now := time.Now()
			store.SetClock(func() time.Time { now = now.Add(time.Millisecond); return now })
			l, f := openLake(store), newFeed(4)
			for range 3 {
				f.add(t, l)
				l.put(t, fmt.Sprintf("raw/s/bad-%d.json", now.UnixNano()), "{broken\n")
				l.run(t)
			}
			d := damaged{l, t}
			key := c.damage(d)
			named := func(found string) {
				t.Helper()
				err := l.verify(t.Context())
				if found == "" && err != nil || found != "" && (err == nil || !strings.Contains(err.Error(), found) || !strings.Contains(err.Error(), key)) {
					t.Errorf("verify does not name %s %s: %v", found, key, err)
				}
			}
			named(c.found)
			lake, err := l.job.Commits(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m, err := mend.Run(t.Context(), lake, mend.Options{Content: true})
			if err == nil {
				_, err = commit.Repair(t.Context(), lake)
			}
			switch chain := errors.Is(err, commitlog.ErrChain); {
			case chain != (c.left == "chain"), err != nil && !chain:
				t.Fatalf("repair: %v", err)
			case chain:
			case (m.Decided > 0) != (c.mends == "move"), len(m.Lost) > 0 != (c.left == "corrupt"):
				t.Errorf("mended: %+v", m)
			case len(m.Lost) > 0 && !strings.Contains(m.Lost[0].Key, key):
				t.Errorf("lost: %v", m.Lost)
			}
			named(c.left)
			now = now.Add(25 * time.Hour)
			if _, err := commit.Collect(t.Context(), lake); err != nil && c.left != "chain" {
				t.Errorf("gc: %v", err)
			}
			named(c.left)
			if c.left != "" {
				return
			}
			rows, err := l.rows(t.Context())
			if err != nil || len(rows) != len(f.want) {
				t.Errorf("%d rows, not %d: %v", len(rows), len(f.want), err)
			}
			if again, err := mend.Run(t.Context(), lake, mend.Options{Content: true}); err != nil || again.Decided > 0 {
				t.Errorf("repaired again: %+v, %v", again, err)
			}
		})
	}
}

// The line of a broken record counts from the object's first one, however many pieces the object is read in.
func TestLinesOfLargeObjects(t *testing.T) {
	l := openLake(memory.New())
	var b strings.Builder
	broken := map[int]bool{1: true, 9_000: true, 45_000: true, 89_999: true}
	for n := 1; n <= 90_000; n++ {
		if broken[n] {
			b.WriteString("{broken\n")
		} else {
			b.WriteString(event("s", fmt.Sprintf("r%06d", n), 1, n))
		}
	}
	l.put(t, "raw/s/large.json", b.String())
	l.run(t)
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	d := damaged{l, t}
	text, err := z.DecodeAll(d.get(d.keys("quarantine/", "zst")[0]), nil)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		var r struct{ Line int }
		if err := json.Unmarshal([]byte(line), &r); err != nil || !broken[r.Line] {
			t.Errorf("%v: line %d is not broken", err, r.Line)
		}
		found++
	}
	if found != len(broken) {
		t.Errorf("%d records are set aside, %d are broken", found, len(broken))
	}
}
