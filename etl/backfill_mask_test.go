package etl_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"datalake/etl"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// mailed is a record with a value to mask.
func mailed(source, id, mail string) string {
	return fmt.Sprintf(`{"record_id":%q,"source":%q,"data":{"timestamp":"2025-11-01T00:00:00Z","v":1,"mail":%q}}`+"\n", id, source, mail)
}

// shows says which files of the current state of tables and quarantine show a text.
func (l *lake) shows(t testing.TB, text string) (keys []string) {
	t.Helper()
	s := l.state(t)
	for p, c := range s.Partitions {
		for _, f := range c.Files {
			if !strings.HasSuffix(f.Name, ".zst") {
				for _, row := range l.texts(t, s, p) {
					if strings.Contains(row, text) {
						keys = append(keys, c.Dir+f.Name)
					}
				}
				continue
			}
			r, _, err := l.store.Get(t.Context(), c.Dir+f.Name, storage.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil || r.Close() != nil {
				t.Fatal(err)
			}
			z, err := zstd.NewReader(nil)
			if err != nil {
				t.Fatal(err)
			}
			b, err = z.DecodeAll(b, nil)
			if z.Close(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), text) {
				keys = append(keys, c.Dir+f.Name)
			}
		}
	}
	return keys
}

// Where the lake file gives the rows of another table another meaning, a backfill goes on by what that table has. What it masks by
// today's lake file must not come in by that: objects that no run has read are left to the next run, and texts of which nobody
// knows whose they are withheld.
func TestBackfillBesideRefused(t *testing.T) {
	for _, all := range []bool{false, true} {
		l := openLake(memory.New())
		l.put(t, "raw/a/1.json", mailed("a", "a1", "ann@x")+mailed("b", "b1", "bob@x")+`{"source":"b","data":{"mail":"cut@x"`+"\n")
		l.run(t)
		// An object of a, not read yet, has rows of b; b masks mail, and its rows have another key, which a run refuses.
		l.put(t, "raw/a/2.json", mailed("a", "a2", "ann@x")+mailed("b", "b2", "new@x")+`{"source":"b","data":{"mail":"off@x"`+"\n")
		l.configure(t, "sources: {b: {dedupe: {key: [record_id, v]}, columns: [{path: data.mail, type: string, mask: {keep_last: 2}}]}}\n")
		o := etl.BackfillOptions{Source: "a", From: day(1), To: day(1)}
		if all {
			o = etl.BackfillOptions{Source: "a", All: true}
		}
		res := l.backfill(t, o)
		if res.Reread != 1 || res.Objects != 1 || !strings.Contains(strings.Join(res.Warnings, "\n"), "left to the next run") {
			t.Errorf("all %t: %+v", all, res)
		}
		for _, text := range []string{"new@x", "off@x", "cut@x"} {
			if keys := l.shows(t, text); keys != nil {
				t.Errorf("all %t: %s stands in %q", all, text, keys)
			}
		}
		if err := l.verify(context.Background()); err != nil {
			t.Error(err)
		}
		// Once that table was made anew, all of it comes in.
		l.backfill(t, etl.BackfillOptions{Source: "b", All: true})
		l.run(t)
		if rows := l.days(t, "b"); len(rows) != 2 {
			t.Errorf("all %t: %v", all, rows)
		}
		for _, text := range []string{"new@x", "off@x", "cut@x", "bob@x"} {
			if keys := l.shows(t, text); keys != nil {
				t.Errorf("all %t: in the end %s stands in %q", all, text, keys)
			}
		}
	}
}

// What a mask has made of a text is no value of the record: it stays in the quarantine also when the lake file masks nothing any more and the raw
// object is gone. A text in which nothing was masked is whole, and is read again.
func TestReplayAfterMaskDropped(t *testing.T) {
	file := func(rest string) string {
		return "sources: {s: {columns: [{path: data.w, type: string" + rest + "}]}}\n"
	}
	for _, gone := range []bool{false, true} {
		l := openLake(memory.New())
		l.configure(t, file(", required: true}, {path: data.mail, type: string, mask: {keep_last: 2}"))
		l.put(t, "raw/s/1.json", mailed("s", "a", "ann@x")+`{"record_id":"b","source":"s","data":{"timestamp":"2025-11-01T00:00:00Z","v":1}}`+"\n")
		if res := l.run(t); res.Quarantined != 2 {
			t.Fatalf("%+v", res)
		}
		if gone {
			if err := l.store.Delete(t.Context(), "raw/s/1.json"); err != nil {
				t.Fatal(err)
			}
		}
		l.configure(t, file("}, {path: data.mail, type: string"))
		r := l.replay(t, etl.ReplayOptions{})
		left, out := int64(0), int64(2)
		if gone {
			left, out = 1, 1
		}
		if r.Taken != 2 || r.Left != left || r.RecordsOut != out {
			t.Errorf("gone %t: taken %d, left %d, out %d", gone, r.Taken, r.Left, r.RecordsOut)
		}
		if keys := l.shows(t, "***@x"); gone && (len(keys) != 1 || !strings.HasPrefix(keys[0], "quarantine")) {
			t.Errorf("gone %t: the masked text stands in %q", gone, keys)
		}
		if err := l.verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
