package etl_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/etl"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/ndjson"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// configure gives the jobs to come a lake file.
func (l *lake) configure(t testing.TB, text string) {
	t.Helper()
	f, err := lakefile.Parse("lake.yaml", []byte("version: 1\n"+text), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	l.job.Lake = f
}

func (l *lake) replay(t testing.TB, o etl.ReplayOptions) *etl.Replayed {
	t.Helper()
	r, err := etl.Replay(t.Context(), l.job, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.RecordsIn != r.RecordsOut+r.Duplicates+r.Quarantined {
		t.Errorf("it does not balance: %+v", r.Result)
	}
	return r
}

// set is a record that was set aside, as the quarantine has it.
type set struct {
	Source, Object, ETag, Rule, Reason, Payload string
	Offset, Length, Line                        int64
}

// aside reads the quarantine by the log, in the order of partitions and files.
func (l *lake) aside(ctx context.Context) (lines []set, err error) {
	head, err := l.head(ctx)
	if err != nil {
		return nil, err
	}
	for p, c := range head.Partitions {
		if p.Zone != layout.Quarantine {
			continue
		}
		for _, f := range c.Files {
			r, err := storage.OpenReader(ctx, l.store, c.Dir+f.Name)
			if err != nil {
				return nil, err
			}
			text := make([]byte, r.Info.Size)
			if _, err := r.ReadAt(text, 0); err != nil {
				return nil, err
			}
			if err := r.Close(); err != nil {
				return nil, err
			}
			last := set{}
			for line, err := range ndjson.Lines(bytes.NewReader(text)) {
				if err != nil {
					return nil, err
				}
				var s set
				if err := json.Unmarshal(line, &s); err != nil {
					return nil, err
				}
				if s.Object < last.Object || s.Object == last.Object && s.Offset < last.Offset {
					return nil, fmt.Errorf("%s: not in the order of origins: %+v after %+v", f.Name, s, last)
				}
				last = s
				lines = append(lines, s)
			}
		}
	}
	slices.SortFunc(lines, func(a, b set) int {
		return strings.Compare(fmt.Sprintf("%s %09d", a.Object, a.Offset), fmt.Sprintf("%s %09d", b.Object, b.Offset))
	})
	return lines, nil
}

// rules are the rules of what is set aside, by object and offset.
func (l *lake) rules(t testing.TB) string {
	t.Helper()
	lines, err := l.aside(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range lines {
		out = append(out, s.Rule)
	}
	return strings.Join(out, " ")
}

const (
	vRequired  = "sources: {s: {columns: [{path: data.v, type: bigint, required: true}, {path: data.w, type: string, required: true}]}}\n"
	vSuffices  = "sources: {s: {columns: [{path: data.v, type: bigint, required: true}, {path: data.w, type: string}]}}\n"
	nothingHas = "sources: {s: {columns: [{path: data.v, type: bigint}, {path: data.w, type: string}]}}\n"
)

// What passes leaves the quarantine in the entry that adds it; what does not stays, with today's reason.
func TestReplay(t *testing.T) {
	for _, gone := range []bool{false, true} {
		store := memory.New()
		l := openLake(store)
		l.configure(t, vRequired)
		l.put(t, "raw/s/1.json", event("s", "a", 1, 1)+event("s", "a", 1, 1)+`{"record_id":"b","source":"s","data":{"w":"x"}}`+"\n{\"broken\n"+event("s", "c", 2, 3))
		l.put(t, "raw/s/2.json", `{"record_id":"ok","source":"s","data":{"v":9,"w":"x"}}`+"\n"+event("s", "ok", 3, 7))
		first := l.run(t)
		if first.Quarantined != 6 || first.RecordsOut != 1 || l.rules(t) != "required required required json required required" {
			t.Fatalf("%+v\n%s", first, l.rules(t))
		}
		l.configure(t, vSuffices)
		if gone {
			for _, key := range []string{"raw/s/1.json", "raw/s/2.json"} {
				if err := store.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
		}
		dry := l.replay(t, etl.ReplayOptions{DryRun: true})
		if dry.Taken != 6 || dry.Left != 0 || dry.RecordsIn != 6 || dry.RecordsOut != 2 || dry.Duplicates != 2 || dry.Quarantined != 2 || dry.Decided != 0 {
			t.Errorf("dry: %+v", dry)
		}
		if head, err := l.head(t.Context()); err != nil || head.Seq != 1 {
			t.Fatalf("entry %d, %v", head.Seq, err)
		}
		r := l.replay(t, etl.ReplayOptions{})
		if r.Taken != 6 || r.Left != 0 || r.RecordsIn != 6 || r.RecordsOut != 2 || r.Duplicates != 2 || r.Quarantined != 2 || r.Decided != 2 || !r.Published {
			t.Errorf("%+v", r)
		}
		if got := l.rules(t); got != "required json" {
			t.Errorf("left: %s", got)
		}
		if err := l.check(t.Context(), map[string]string{"a": "1", "c": "3", "ok": "9"}); err != nil {
			t.Error(err)
		}
		head, err := l.head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c := head.Counts; c.In != 13 || c.Out != 3 || c.Duplicates != 2 || c.Quarantined != 8 || c.Withdrawn != 6 ||
			c.Rules["required"] != 6 || c.Notes["withdrawn:required"] != 5 || c.Notes["withdrawn:json"] != 1 || c.Inputs != 2 {
			t.Errorf("the log counts %+v", c)
		}
		if again := l.replay(t, etl.ReplayOptions{}); again.Decided != 0 || again.Quarantined != 2 || !again.Published {
			t.Errorf("a replay by which nothing changes decided: %+v", again)
		}
		if res := l.run(t); res.Decided != 0 {
			t.Errorf("a run after a replay decided: %+v", res)
		}
		// A reason that changes is worth an entry.
		l.configure(t, "sources: {s: {columns: [{path: data.v, name: renamed, type: bigint, required: true}, {path: data.w, type: string}]}}\n")
		if _, err := etl.Replay(t.Context(), l.job, etl.ReplayOptions{}); !errors.Is(err, etl.ErrConfig) {
			t.Errorf("a renamed column: %v", err)
		}
		l.configure(t, nothingHas)
		if r := l.replay(t, etl.ReplayOptions{Rule: "json"}); r.Taken != 1 || r.Decided != 0 {
			t.Errorf("by rule: %+v", r)
		}
		if r := l.replay(t, etl.ReplayOptions{Source: "other"}); r.Taken != 0 || r.Decided != 0 || !r.Published {
			t.Errorf("by source: %+v", r)
		}
		if r := l.replay(t, etl.ReplayOptions{Source: "s", Rule: "required"}); r.Taken != 1 || r.RecordsOut != 1 || r.Decided != 3 {
			t.Errorf("by rule: %+v", r)
		}
	}
}

// The forms that an object may come in, by what it is written as.
var forms = []struct {
	name   string
	object func(records []string) string
	pack   func(t testing.TB, text string) string
	// What the right lake file and the one that was wrong say of the source.
	right, wrong string
}{
	{"lines", func(rs []string) string { return strings.Join(rs, "\n") + "\n" }, plainText, "", ""},
	{"several on a line", func(rs []string) string {
		var b strings.Builder
		for i, r := range rs {
			b.WriteString(r + []string{" ", "\n", "\r\n"}[i%3])
		}
		return b.String()
	}, plainText, "", ""},
	{"gzip of lines", func(rs []string) string { return strings.Join(rs, "\n\n") }, gzipped, "", ""},
	{"array", func(rs []string) string { return "[\n" + strings.Join(rs, " ,\n") + "\n]" }, plainText, "", ""},
	{"byte order mark", func(rs []string) string { return "\xef\xbb\xbf" + strings.Join(rs, "\n") }, plainText, "", ""},
	{"values of several lines", func(rs []string) string {
		return strings.ReplaceAll(strings.Join(rs, "\n"), `,"data":`, ",\n  \"data\":")
	}, plainText, "", ""},
	{"holder", func(rs []string) string { return `{"x":[{"y":1}],"features":[` + strings.Join(rs, ",") + "]}" }, plainText, "records_at: features, ", "records_at: features, "},
	{"holder by a wrong name", func(rs []string) string {
		return `{"features":[` + strings.Join(rs[:9], ",") + "]}\n" + `{"items":[],"features":[` + strings.Join(rs[9:], ",\n") + `]}{"nothing":1}`
	}, plainText, "records_at: features, ", "records_at: data.items, "},
	{"array taken for a holder", func(rs []string) string { return "[" + strings.Join(rs, ",\n") + "]" }, gzipped, "", "records_at: features, "},
	{"lines taken for holders", func(rs []string) string { return strings.Join(rs, "\n") }, plainText, "", "records_at: features, "},
}

func plainText(_ testing.TB, text string) string { return text }

func gzipped(t testing.TB, text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A lake whose lake file was wrong, put right and replayed, has the rows and the rejects of one whose lake file was right from the
// start: whatever the form of the objects, whether they are still there, and whatever else is wrong with them.
func TestReplayIsAsIfRight(t *testing.T) {
	const right = "max_record: 64MiB, invalid_utf8: replace, max_depth: 40"
	for _, form := range forms {
		for seed := range uint64(12) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			objects := map[string]string{}
			for o := range 4 {
				var records []string
				for i := range 30 {
					records = append(records, oddRecord(rnd, fmt.Sprintf("%d-%d", o, i), form.name == "lines" || form.name == "array"))
				}
				objects[fmt.Sprintf("raw/s/%d.json", o)] = form.pack(t, form.object(records))
			}
			file := func(input, source, columns string) string {
				return fmt.Sprintf("input: {%s}\nsources: {s: {%s columns: [{path: data.v, type: bigint%s}, {path: data.w, type: string}], dedupe: none}}\n", input, source, columns)
			}
			lakes := [2]*lake{}
			for i, first := range []string{file(right, form.right, ""), file("max_record: 1KiB, max_depth: 20", form.wrong, ", required: true")} {
				store := memory.New()
				l := openLake(store)
				l.job.Parallel = 1 + int(seed%3)
				for key, text := range objects {
					l.put(t, key, text)
				}
				l.configure(t, first)
				l.run(t)
				lakes[i] = l
			}
			was := lakes[1].rules(t)
			gone := seed%3 == 1
			if gone { // one object vanishes, another changes
				if err := lakes[1].store.Delete(t.Context(), "raw/s/1.json"); err != nil {
					t.Fatal(err)
				}
				lakes[1].put(t, "raw/s/2.json", "")
			}
			lakes[1].configure(t, file(right, form.right, ""))
			r := lakes[1].replay(t, etl.ReplayOptions{})
			want, got := rowsAndRejects(t, lakes[0]), rowsAndRejects(t, lakes[1])
			if d := cmp.Diff(want, got); d != "" || r.Left != 0 {
				t.Errorf("%s, seed %d: %+v; before %s (-right from the start +replayed):\n%s", form.name, seed, r, was, d)
			}
			if err := lakes[1].verify(t.Context()); err != nil {
				t.Errorf("%s, seed %d: %v", form.name, seed, err)
			}
		}
	}
}

// oddRecord is a record that a strict lake file sets aside, or any would, or none. whole: it is broken only in ways in which one still
// sees where it ends.
func oddRecord(rnd *rand.Rand, id string, whole bool) string {
	text := func(data string) string { return `{"record_id":"` + id + `","source":"s","data":{` + data + `}}` }
	switch n := rnd.IntN(12); {
	case n == 0:
		return text(`"w":"no v"`)
	case n == 1:
		return text("\"v\":1,\"w\":\"\xff\"")
	case n == 2:
		return text(`"v":1,"w":` + strings.Repeat("[", 30) + strings.Repeat("]", 30))
	case n == 3:
		return text(`"v":1,"w":"` + strings.Repeat("long ", 300) + `"`)
	case n == 4:
		return text(`"v":1,,"w":2`)
	case n == 5 && !whole:
		return `"text"`
	case n == 6:
		return text(`"v":1,"w":` + strings.Repeat("[", 50) + strings.Repeat("]", 50))
	}
	return text(fmt.Sprintf(`"v":%d`, rnd.IntN(100)))
}

// rowsAndRejects are the rows of all tables and the records of the quarantine, sorted.
func rowsAndRejects(t testing.TB, l *lake) []string {
	t.Helper()
	rows, err := l.rows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for id, v := range rows {
		out = append(out, "row "+id+" "+v)
	}
	aside, err := l.aside(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range aside {
		s.ETag = "" // of another store
		out = append(out, fmt.Sprintf("reject %+v", s))
	}
	slices.Sort(out)
	return out
}
