package etl_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/etl/commit/rollback"
	"datalake/pkg/commitlog"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// reading is one record of a history.
type reading struct {
	source, id string
	day, v     int
	w          bool // it has the field w
}

func (r reading) String() string {
	w := ""
	if r.w {
		w = fmt.Sprintf(`,"w":%d`, r.v%7)
	}
	at := time.Date(2025, 11, r.day, 22, 0, r.v%60, 0, time.UTC).Format(time.RFC3339)
	return fmt.Sprintf(`{"record_id":%q,"source":%q,"ingested_at":%q,"data":{"timestamp":%q,"v":%d%s}}`+"\n", r.id, r.source, at, at, r.v, w)
}

// past is a lake into which records came drop by drop: two sources in the same objects, ids that come again on other days, some records
// without w, some broken.
type past struct {
	*lake
	r       *rand.Rand
	drops   int
	records []reading // in the order in which they came
	objects []string
	one     bool // all objects lie in one folder: they are read in the order of their keys, whatever runs read them
}

func newPast(store storage.Store, seed uint64) *past {
	return &past{lake: openLake(store), r: rand.New(rand.NewPCG(seed, 11))}
}

func (p *past) drop(t testing.TB) {
	t.Helper()
	p.drops++
	for o := range 3 {
		folder := fmt.Sprintf("s%d", o%2)
		if p.one {
			folder = "s0"
		}
		// Names of a folder ascend.
		key := fmt.Sprintf("raw/%s/%03d-%d.json", folder, p.drops, o)
		p.objects = append(p.objects, key)
		var b strings.Builder
		for range 1 + p.r.IntN(12) {
			x := reading{fmt.Sprintf("s%d", p.r.IntN(2)), fmt.Sprintf("r%02d", p.r.IntN(60)), 1 + p.r.IntN(4), p.r.IntN(1000), p.r.IntN(3) > 0}
			if o == 0 {
				x.source = folder // some objects are of one source
			}
			p.records = append(p.records, x)
			b.WriteString(x.String())
			if p.r.IntN(15) == 0 {
				b.WriteString(`{"broken":` + "\n")
			}
		}
		p.put(t, key, b.String())
	}
}

func (p *past) config(t testing.TB, text string) {
	t.Helper()
	f, err := lakefile.Parse("lake.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.job.Lake = f
}

// copyRaw puts the objects of a lake's raw zone that it does not have yet into another one.
func (p *past) copyRaw(t testing.TB, to *lake) {
	t.Helper()
	for info, err := range p.store.List(t.Context(), "raw/", "") {
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := p.store.Get(t.Context(), info.Key, storage.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		_, err = to.store.Put(t.Context(), info.Key, bytes.NewReader(text), storage.PutOptions{Once: true})
		if err != nil && !errors.Is(err, storage.ErrExists) {
			t.Fatal(err)
		}
	}
}

// fresh is a lake over the same objects, made by one run of today's lake file.
func (p *past) fresh(t testing.TB) *lake {
	t.Helper()
	l := openLake(memory.New())
	l.job.Lake = p.job.Lake
	p.copyRaw(t, l)
	l.run(t)
	return l
}

// content is what a lake has: the rows of each partition that has any, in no order, and records set aside by source.
func (l *lake) content(t testing.TB) map[string]string {
	t.Helper()
	s, out := l.state(t), map[string]string{}
	aside := map[string]int64{}
	for p, c := range s.Partitions {
		switch {
		case p.Zone == layout.Quarantine:
			aside[layout.SourceOf(p.Path)] += c.Rows()
		case len(c.Files) > 0:
			rows := l.texts(t, s, p)
			slices.Sort(rows)
			out[p.Path] = strings.Join(rows, "\n")
		}
	}
	for source, n := range aside {
		if n > 0 {
			out["quarantine "+source] = fmt.Sprint(n)
		}
	}
	return out
}

func (l *lake) backfill(t testing.TB, o etl.BackfillOptions) *etl.Backfilled {
	t.Helper()
	res, err := etl.Backfill(context.Background(), l.job, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// same compares what two lakes have of a source.
func same(t testing.TB, what, source string, got, want map[string]string) {
	t.Helper()
	of := func(m map[string]string) map[string]string {
		m = maps.Clone(m)
		maps.DeleteFunc(m, func(path, _ string) bool {
			return !strings.HasPrefix(path, "source="+source+"/") && path != "quarantine "+source
		})
		return m
	}
	got, want = of(got), of(want)
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if got[path] != want[path] {
			t.Fatalf("%s: %s has\n%s\nwant\n%s", what, path, got[path], want[path])
		}
		delete(got, path)
	}
	for path, rows := range got {
		t.Fatalf("%s: %s has\n%s\nwant nothing", what, path, rows)
	}
}

func day(n int) time.Time { return time.Date(2025, 11, n, 0, 0, 0, 0, time.UTC) }

// After a backfill of all the table is that of a fresh lake with today's lake file, whatever was edited, and whatever has
// happened to the lake: runs, backfills, rollbacks, compactions, objects that nobody has read yet.
func TestBackfillAll(t *testing.T) {
	edits := []string{
		``,
		`dedupe: {key: [v]}`,
		`dedupe: {key: [record_id, v]}`,
		`dedupe: {key: [record_id], keep: {latest: v}}`,
		`dedupe: {key: [record_id], scope: partition}`,
		`dedupe: {key: [record_id], scope: 2d}`,
		`dedupe: none`,
		`partition_by: [source, year, month]`,
		`partition_by: [source, year]`,
		`partition_by: [source, year, month, day, hour]`,
		`event_time: {path: data.timestamp, timezone: Asia/Tokyo}`,
		`event_time: arrival`,
		`columns: [{path: data.w, type: string}]`,
		`columns: [{path: data.w, type: bigint, required: true}]`,
		`columns: [{path: data.v, name: volume, type: double}], other_columns: drop`,
	}
	seeds := uint64(25)
	if testing.Short() {
		seeds = 5
	}
	for seed := range seeds {
		store := memory.New()
		now := time.Date(2025, 11, 25, 0, 0, 0, 0, time.UTC)
		store.SetClock(func() time.Time { now = now.Add(time.Millisecond); return now })
		p, r := newPast(store, seed), rand.New(rand.NewPCG(seed, 12))
		// The other source's table is that of a lake without all this.
		control := openLake(memory.New())
		for step := range 5 {
			p.drop(t)
			p.copyRaw(t, control)
			control.run(t)
			if step == 0 {
				p.run(t)
				continue
			}
			edit := edits[r.IntN(len(edits))]
			p.config(t, "sources: {s0: {"+edit+"}}")
			what := fmt.Sprintf("seed %d, step %d, {%s}", seed, step, edit)
			if r.IntN(2) == 0 {
				// Where the edit gives rows another meaning, the run says what to do.
				if _, err := etl.Run(context.Background(), p.job); err != nil && (!errors.Is(err, etl.ErrConfig) || !strings.Contains(err.Error(), "etl backfill --source s0 --all")) {
					t.Fatalf("%s: %v", what, err)
				}
			}
			res := p.backfill(t, etl.BackfillOptions{Source: "s0", All: true})
			if res.Decided == 0 || !res.Published || res.Reread == 0 || res.RecordsIn != res.RecordsOut+res.Duplicates+res.Quarantined {
				t.Fatalf("%s: %+v", what, res)
			}
			if err := p.verify(context.Background()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			p.run(t) // the objects in the other source's folder
			fresh := p.fresh(t).content(t)
			check := func(when string) {
				t.Helper()
				same(t, what+when, "s0", p.content(t), fresh)
				same(t, what+when, "s1", p.content(t), control.content(t))
				if err := p.verify(context.Background()); err != nil {
					t.Fatalf("%s%s: %v", what, when, err)
				}
			}
			check("")
			switch r.IntN(4) {
			case 0:
				p.compact(t, etl.Compaction{Partition: "source=s0"})
				check(", compacted")
			case 1:
				now = now.Add(25 * time.Hour)
				c, err := p.job.Commits(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := commit.Collect(context.Background(), c); err != nil {
					t.Fatal(err)
				}
				check(", after gc")
			case 2:
				head := p.state(t).Seq
				c, err := p.job.Commits(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := rollback.Run(context.Background(), c, rollback.Options{To: head - 1}); err != nil {
					t.Fatal(err)
				}
				if _, err := rollback.Run(context.Background(), c, rollback.Options{To: head}); err != nil {
					t.Fatal(err)
				}
				if _, err := rollback.Release(context.Background(), c, ""); err != nil {
					t.Fatal(err)
				}
				p.run(t)
				check(", rolled back and forth")
			}
		}
	}
}

// days are the ids of a source's rows by day, and the values that their rows have.
func (l *lake) days(t testing.TB, source string) map[string]string {
	t.Helper()
	s, out := l.state(t), map[string]string{}
	for p := range s.Partitions {
		if p.Zone != layout.Processed || layout.SourceOf(p.Path) != source {
			continue
		}
		sch := s.Sources[source].Schema
		v := sch.Index("v") + 2 // times have a blank
		for _, row := range l.texts(t, s, p) {
			fields := strings.Fields(row)
			out[fields[0]] = p.Path[len(p.Path)-2:] + " " + fields[v]
		}
	}
	return out
}

// A backfill of days makes of each key whose row lay there, or that had none, what the records give by today's lake file: the first
// that passes, wherever it belongs. All other rows stay.
func TestBackfillDays(t *testing.T) {
	configs := []string{
		`sources: {s0: {columns: [{path: data.w, type: bigint}]}}`,
		`sources: {s0: {columns: [{path: data.w, type: bigint, required: true}]}}`,
	}
	seeds := uint64(40)
	if testing.Short() {
		seeds = 8
	}
	wide, narrow, kept := 0, 0, 0
	for seed := range seeds {
		p, r := newPast(memory.New(), seed), rand.New(rand.NewPCG(seed, 13))
		before := r.IntN(2)
		p.one = true
		p.config(t, configs[before])
		all := map[string][]reading{} // by id, in the order of the objects' keys
		for range 3 {
			p.drop(t)
			p.run(t)
		}
		for _, x := range p.records {
			if x.source == "s0" {
				all[x.id] = append(all[x.id], x)
			}
		}
		other := p.days(t, "s1")
		want := p.days(t, "s0")
		after := r.IntN(2)
		p.config(t, configs[after])
		from := 1 + r.IntN(4)
		to := min(from+r.IntN(2), 4)
		lost := false
		for _, id := range slices.Sorted(maps.Keys(all)) {
			var d int
			if row, ok := want[id]; ok {
				if _, err := fmt.Sscan(row, &d); err != nil {
					t.Fatal(err)
				}
				if d < from || d > to {
					kept++
					continue
				}
			}
			had := want[id] != ""
			delete(want, id)
			for _, x := range all[id] {
				if after == 0 || x.w {
					want[id] = fmt.Sprintf("%02d %d", x.day, x.v)
					break
				}
			}
			lost = lost || had && want[id] == ""
		}
		res := p.backfill(t, etl.BackfillOptions{Source: "s0", From: day(from), To: day(to)})
		what := fmt.Sprintf("seed %d, config %d after %d, days %d to %d", seed, after, before, from, to)
		if got := p.days(t, "s0"); !maps.Equal(got, want) {
			t.Fatalf("%s (wide: %t): %s", what, res.Wide, difference(got, want))
		}
		if got := p.days(t, "s1"); !maps.Equal(got, other) {
			t.Fatalf("%s, the other table: %s", what, difference(got, other))
		}
		if err := p.verify(context.Background()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if lost && !res.Wide {
			t.Fatalf("%s: a row has no successor, and not all was read", what)
		}
		if res.Wide {
			wide++
		} else if res.Reread < len(p.objects) {
			narrow++
		}
		// Once more it changes nothing, and says so.
		if res := p.backfill(t, etl.BackfillOptions{Source: "s0", From: day(from), To: day(to)}); res.Decided != 0 || res.Partitions != 0 || !res.Published {
			t.Fatalf("%s, again: %+v", what, res.Result)
		}
		if got := p.days(t, "s0"); !maps.Equal(got, want) {
			t.Fatalf("%s, again: %s", what, difference(got, want))
		}
	}
	if wide == 0 || narrow == 0 || kept == 0 {
		t.Errorf("%d wide backfills, %d that read less than all, %d rows kept: the test tries too little", wide, narrow, kept)
	}
}

// What a backfill refuses, it refuses with nothing done, and says what to do.
func TestBackfillRefuses(t *testing.T) {
	ctx := context.Background()
	p := newPast(memory.New(), 1)
	for range 2 {
		p.drop(t)
		p.run(t)
	}
	refuses := func(what string, o etl.BackfillOptions, want error, says ...string) {
		t.Helper()
		head := p.state(t).Seq
		_, err := etl.Backfill(ctx, p.job, o)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
			return
		}
		for _, s := range says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %v does not say %q", what, err, s)
			}
		}
		if now := p.state(t).Seq; now != head {
			t.Errorf("%s: decided entry %d", what, now)
		}
	}
	refuses("no source", etl.BackfillOptions{All: true}, etl.ErrConfig, "needs a source")
	refuses("no days", etl.BackfillOptions{Source: "s0"}, etl.ErrConfig, "of days, from one to another, or of all")
	refuses("half of the days", etl.BackfillOptions{Source: "s0", From: day(1)}, etl.ErrConfig, "of days")
	refuses("days and all", etl.BackfillOptions{Source: "s0", From: day(1), To: day(2), All: true}, etl.ErrConfig, "of days")
	refuses("backwards", etl.BackfillOptions{Source: "s0", From: day(2), To: day(1)}, etl.ErrConfig, "to 2025-11-01 lies before from 2025-11-02")

	p.config(t, "sources: {s0: {dedupe: none}, s1: {dedupe: none}}")
	refuses("days of rows with another meaning", etl.BackfillOptions{Source: "s0", From: day(1), To: day(1)}, etl.ErrConfig, "source s0: dedupe: none", "etl backfill --source s0 --all")
	p.config(t, "sources: {s0: {columns: [{path: data.never, type: string, required: true}]}}")
	refuses("a lake file that no record fits", etl.BackfillOptions{Source: "s0", All: true}, etl.ErrConfig, "no record of s0 passes", "rows would be gone")
	p.config(t, "")

	// An object that is gone, one that has changed.
	key := p.objects[0]
	if err := p.store.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	refuses("a missing object", etl.BackfillOptions{Source: "s0", All: true}, etl.ErrGone, "1 of the ", key, "records came from them", "choose other days")
	p.put(t, key, "{}")
	refuses("a changed object", etl.BackfillOptions{Source: "s0", From: day(1), To: day(4)}, etl.ErrGone, key)

	// Rows of which the log does not say whence they came.
	c, err := p.job.Commits(ctx)
	if err != nil {
		t.Fatal(err)
	}
	a, err := commit.Begin(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	from := a.Base.Partitions[commitlog.Partition{Zone: layout.Processed, Path: "source=s1/year=2025/month=11/day=01"}]
	to := commitlog.Partition{Zone: layout.Processed, Path: "source=s1/year=2024/month=01/day=01"}
	r, _, err := p.store.Get(ctx, from.Dir+from.Files[0].Name, storage.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := a.PutFile(ctx, to, from.Files[0], bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Decide(ctx, commit.Decision{Kind: "adopt", Body: &commitlog.Body{
		Acts:   []commitlog.Act{{Partition: to, Kind: commitlog.New, Files: []commitlog.File{f}}},
		Counts: map[string]commitlog.Counts{"s1": {In: f.Rows, Out: f.Rows}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	refuses("rows of unknown origin", etl.BackfillOptions{Source: "s1", From: to2024, To: to2024}, etl.ErrGone, to.Path, "no object that the log knows")
}

var to2024 = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// Without dedupe rows that are read again could not be told from those that are there: the days grow to all that their objects fed.
func TestBackfillLoose(t *testing.T) {
	p := newPast(memory.New(), 4)
	p.config(t, "sources: {s0: {dedupe: none}}")
	p.put(t, "raw/s0/1.json", reading{"s0", "a", 1, 1, true}.String()+reading{"s0", "a", 2, 2, false}.String())
	p.put(t, "raw/s0/2.json", reading{"s0", "a", 2, 3, true}.String()+reading{"s0", "b", 3, 4, true}.String())
	p.put(t, "raw/s0/3.json", reading{"s0", "a", 4, 5, false}.String())
	p.run(t)
	p.config(t, "sources: {s0: {dedupe: none, columns: [{path: data.w, type: bigint, required: true}]}}")
	p.put(t, "raw/s0/4.json", reading{"s0", "c", 1, 6, true}.String()) // nobody has read it
	dry := p.backfill(t, etl.BackfillOptions{Source: "s0", From: day(1), To: day(1), DryRun: true})
	if dry.Decided != 0 || dry.Objects != 3 || dry.Reread != 2 || len(dry.Renewed) != 3 || p.state(t).Seq != 1 {
		t.Errorf("dry: %+v", dry)
	}
	res := p.backfill(t, etl.BackfillOptions{Source: "s0", From: day(1), To: day(1)})
	if res.RecordsIn != 5 || res.RecordsOut != 4 || res.Quarantined != 1 || res.Replaced != 4 || res.Reread != 2 || len(res.Renewed) != 3 {
		t.Errorf("%+v", res)
	}
	got := p.content(t)
	for path, want := range map[string]int{"day=01": 2, "day=02": 1, "day=03": 1, "day=04": 1} {
		if rows := got["source=s0/year=2025/month=11/"+path]; strings.Count(rows, "2025-11-0") != 2*want {
			t.Errorf("%s: %s", path, rows)
		}
	}
	if err := p.verify(context.Background()); err != nil {
		t.Error(err)
	}
}
