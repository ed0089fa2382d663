package commit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"datalake/etl/commit"
	"datalake/pkg/catalog/local"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// The tests run the protocol under a model of the engine. A raw object raw/<source>/<name> is a list of words: "d1/k"
// is a row with key k on day 1, "d1/k!" one that replaces an older row with the key, anything without a slash is a
// broken record. A data file is its keys, one a line, ordered. Keys are unique within a source.

// openLake makes the lake of a store, as a new process would.
func openLake(t testing.TB, store storage.Store, owner string) commit.Lake {
	t.Helper()
	log, err := commitlog.Open(t.Context(), layout.Zone{Store: store, Prefix: "state/processed"})
	if err != nil {
		t.Fatal(err)
	}
	cat, err := local.Open(layout.Zone{Store: store, Prefix: "state/catalog"})
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string]layout.Zone{}
	for _, name := range []string{layout.Raw, layout.Processed, layout.Quarantine} {
		zones[name] = layout.Zone{Store: store, Prefix: name, Root: "file:///lake"}
	}
	return commit.Lake{
		Log: log, Zones: zones, Catalogs: map[string]commit.Catalog{"local": cat}, Program: "test",
		Owner: owner, Dead: func(o string) bool { return o != owner },
		Retries: 2, RetryWait: time.Nanosecond, Parallel: 1, PublishWait: 10 * time.Second,
	}
}

func putRaw(t testing.TB, store storage.Store, name, text string) {
	t.Helper()
	if _, err := store.Put(t.Context(), "raw/"+name, strings.NewReader(text), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

// row is a row of the model.
type row struct {
	day, key string
	replaces bool
}

func parse(word string) (row, bool) {
	day, key, ok := strings.Cut(word, "/")
	key, replaces := strings.CutSuffix(key, "!")
	return row{day, key, replaces}, ok
}

func dayPath(source, day string) string {
	return "source=" + source + "/year=2025/month=1/day=" + strings.TrimPrefix(day, "d")
}

// runOnce is one run of the model engine over what is pending, up to the decision.
func runOnce(ctx context.Context, lake commit.Lake) (uint64, error) {
	for range 20 {
		seq, err := tryRun(ctx, lake)
		var c *commit.Conflict
		if errors.As(err, &c) && c.Redo == commit.Replan {
			continue
		}
		return seq, err
	}
	return 0, errors.New("no luck in 20 plans")
}

// run is runOnce and a publish.
func run(ctx context.Context, lake commit.Lake) (commit.Report, error) {
	if _, err := runOnce(ctx, lake); err != nil {
		return commit.Report{}, err
	}
	return commit.Publish(ctx, lake)
}

func tryRun(ctx context.Context, lake commit.Lake) (uint64, error) {
	a, err := commit.Begin(ctx, lake)
	if err != nil {
		return 0, err
	}
	raw := lake.Zones[layout.Raw]
	texts := map[string]string{}
	var inputs []commitlog.Input
	for info, err := range raw.Store.List(ctx, raw.Key(""), "") {
		if err != nil {
			return 0, err
		}
		_, done, err := a.Base.Ledger.Seq(ctx, info.Key, info.ETag)
		if err != nil {
			return 0, err
		}
		if done {
			continue
		}
		data, err := readObject(ctx, raw.Store, info.Key)
		if err != nil {
			return 0, err
		}
		texts[info.Key] = string(data)
		inputs = append(inputs, commitlog.Input{Key: info.Key, ETag: info.ETag, Size: info.Size, ModTime: info.ModTime.UnixMilli()})
	}
	if len(inputs) == 0 {
		return 0, a.Abandon(ctx)
	}
	for {
		b, err := plan(ctx, lake, a, inputs, texts)
		if err != nil {
			return 0, err
		}
		var reads []commitlog.Set
		for s := range b.Counts {
			reads = append(reads, commitlog.Set("processed:source="+s))
		}
		slices.Sort(reads)
		seq, err := a.Decide(ctx, commit.Decision{Reads: reads, Body: b})
		var c *commit.Conflict
		if errors.As(err, &c) && c.Redo == commit.Rebase {
			if seq, err = a.Rebase(ctx); err == nil && seq == 0 {
				continue
			}
		}
		return seq, err
	}
}

// table is what a run knows of one source.
type table struct {
	old      map[string]row // by key, of the base
	fresh    map[string]row
	lost     map[string]bool // keys of the base that gave way
	rejects  []string
	in, dups int64
}

// plan resolves and writes: it puts files aside and gives the body.
func plan(ctx context.Context, lake commit.Lake, a *commit.Attempt, inputs []commitlog.Input, texts map[string]string) (*commitlog.Body, error) {
	tables := map[string]*table{}
	for p, c := range a.Base.Partitions {
		if p.Zone != layout.Processed {
			continue
		}
		keys, err := readKeys(ctx, lake, a.Base, p, c.Files)
		if err != nil {
			return nil, err
		}
		t := get(tables, layout.SourceOf(p.Path))
		for _, k := range keys {
			t.old[k] = row{day: "d" + p.Path[strings.LastIndexByte(p.Path, '=')+1:], key: k}
		}
	}
	b := &commitlog.Body{Inputs: slices.Clone(inputs), Schemas: map[string]*schema.Schema{}, Fingerprints: map[string]string{}, Counts: map[string]commitlog.Counts{}}
	touched := map[string]bool{}
	for i := range b.Inputs {
		in := &b.Inputs[i]
		source := path.Base(path.Dir(in.Key))
		touched[source] = true
		t := get(tables, source)
		for _, word := range strings.Fields(texts[in.Key]) {
			t.in++
			r, ok := parse(word)
			if in.Records++; !ok {
				in.Rejects, in.Rejecting = in.Rejects+1, []string{source}
			} else if p := dayPath(source, r.day); !slices.Contains(in.Partitions, p) {
				in.Partitions = append(in.Partitions, p)
			}
			_, isOld := t.old[r.key]
			_, isNew := t.fresh[r.key]
			switch {
			case !ok:
				t.rejects = append(t.rejects, word)
			case isNew || isOld && !r.replaces:
				t.dups++
			default:
				t.fresh[r.key] = r
				t.lost[r.key] = isOld
			}
		}
	}
	for _, source := range slices.Sorted(maps.Keys(touched)) {
		t := tables[source]
		acts, err := write(ctx, lake, a, source, t)
		if err != nil {
			return nil, err
		}
		b.Acts = append(b.Acts, acts...)
		c := commitlog.Counts{In: t.in, Out: int64(len(t.fresh)), Duplicates: t.dups, Quarantined: int64(len(t.rejects))}
		for _, lost := range t.lost {
			if lost {
				c.Replaced++
			}
		}
		b.Counts[source] = c
		b.Fingerprints[source] = "one row a key"
		if a.Base.Sources[source].Schema == nil {
			b.Schemas[source] = testSchema(source)
		}
	}
	return b, nil
}

func testSchema(source string) *schema.Schema {
	return &schema.Schema{Source: source, Envelope: schema.Enveloped, Columns: []schema.Column{
		{Name: "record_id", Type: schema.Type{Kind: schema.String}, Role: schema.RecordID},
		{Name: "temperature", Type: schema.Type{Kind: schema.Double}, Path: schema.Path{"data", "temperature"}},
	}}
}

func get(tables map[string]*table, source string) *table {
	if tables[source] == nil {
		tables[source] = &table{old: map[string]row{}, fresh: map[string]row{}, lost: map[string]bool{}}
	}
	return tables[source]
}

// write makes the acts of a source: a swap where rows give way, else new or add.
func write(ctx context.Context, lake commit.Lake, a *commit.Attempt, source string, t *table) ([]commitlog.Act, error) {
	byDay := map[string][]string{}
	for _, r := range t.fresh {
		byDay[r.day] = append(byDay[r.day], r.key)
	}
	swaps := map[string]bool{}
	for key, lost := range t.lost {
		if lost {
			swaps[t.old[key].day] = true
		}
	}
	var acts []commitlog.Act
	for _, day := range slices.Sorted(maps.Keys(merge(byDay, swaps))) {
		p := commitlog.Partition{Zone: layout.Processed, Path: dayPath(source, day)}
		act := commitlog.Act{Partition: p, Kind: commitlog.New}
		old := a.Base.Partitions[p]
		if old != nil {
			act.Kind = commitlog.Add
		}
		keys := byDay[day]
		if swaps[day] {
			act.Kind = commitlog.Swap
			for _, f := range old.Files {
				has, err := readKeys(ctx, lake, a.Base, p, []commitlog.File{f})
				if err != nil {
					return nil, err
				}
				stay := slices.DeleteFunc(slices.Clone(has), func(k string) bool { return t.lost[k] })
				if len(stay) == len(has) {
					act.Files = append(act.Files, f) // untouched: it is copied, not written anew
				} else {
					keys = append(keys, stay...)
				}
			}
		}
		if len(keys) > 0 {
			f, err := putKeys(ctx, a, p, keys)
			if err != nil {
				return nil, err
			}
			act.Files = append(act.Files, f)
		}
		acts = append(acts, act)
	}
	if len(t.rejects) > 0 {
		p := commitlog.Partition{Zone: layout.Quarantine, Path: dayPath(source, "d1")}
		f, err := putKeys(ctx, a, p, t.rejects)
		if err != nil {
			return nil, err
		}
		kind := commitlog.New
		if a.Base.Partitions[p] != nil {
			kind = commitlog.Add
		}
		acts = append(acts, commitlog.Act{Partition: p, Kind: kind, Files: []commitlog.File{f}})
	}
	return acts, nil
}

func merge(days map[string][]string, swaps map[string]bool) map[string]bool {
	all := maps.Clone(swaps)
	for d := range days {
		all[d] = true
	}
	return all
}

func putKeys(ctx context.Context, a *commit.Attempt, p commitlog.Partition, keys []string) (commitlog.File, error) {
	keys = slices.Sorted(slices.Values(keys))
	text := strings.Join(keys, "\n") + "\n"
	sum := sha256.Sum256([]byte(text))
	f := commitlog.File{Size: int64(len(text)), Rows: int64(len(keys)), SHA256: hex.EncodeToString(sum[:])}
	return a.PutFile(ctx, p, f, strings.NewReader(text))
}

func readKeys(ctx context.Context, lake commit.Lake, s *commitlog.State, p commitlog.Partition, files []commitlog.File) ([]string, error) {
	var keys []string
	for _, f := range files {
		z, info, err := lake.Find(ctx, s, p, f)
		if err != nil {
			return nil, err
		}
		data, err := readObject(ctx, z.Store, info.Key)
		if err != nil {
			return nil, err
		}
		keys = append(keys, strings.Fields(string(data))...)
	}
	return keys, nil
}

func readObject(ctx context.Context, s storage.Store, key string) ([]byte, error) {
	r, _, err := s.Get(ctx, key, storage.GetOptions{})
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

func rowsOf(ctx context.Context, z layout.Zone, key string) (int64, error) {
	data, err := readObject(ctx, z.Store, key)
	return int64(bytes.Count(data, []byte("\n"))), err
}

// checkInvariants holds the lake to what is promised at every moment, whatever failed.
func checkInvariants(ctx context.Context, lake commit.Lake) error {
	head, err := lake.Log.Head(ctx)
	if err != nil {
		return fmt.Errorf("I8: %w", err)
	}
	// Listings that some state of a partition had, by directory.
	lists := map[string]map[string]bool{}
	for seq := uint64(1); seq <= head.Seq; seq++ {
		s, err := lake.Log.At(ctx, seq) // I4, I7 and I8: the fold refuses what breaks them
		if err != nil {
			return fmt.Errorf("I4, I7, I8: %w", err)
		}
		unique := map[string]bool{}
		for p, c := range s.Partitions {
			if lists[c.Dir] == nil {
				lists[c.Dir] = map[string]bool{}
			}
			lists[c.Dir][names(c.Files)] = true
			if seq < head.Oldest {
				continue
			}
			keys, err := readKeys(ctx, lake, s, p, c.Files)
			if err != nil {
				return fmt.Errorf("I1, I5: state %d: %w", seq, err)
			}
			if int64(len(keys)) != c.Rows() {
				return fmt.Errorf("I1: state %d: %s has %d rows, not %d", seq, p, len(keys), c.Rows())
			}
			for _, k := range keys {
				id := layout.SourceOf(p.Path) + " " + k
				if p.Zone == layout.Processed && unique[id] {
					return fmt.Errorf("I3: state %d: key %s twice", seq, id)
				}
				unique[id] = true
			}
		}
	}
	for _, name := range []string{"processed_data", "processed_iot", "processed_web"} {
		ps, err := lake.Catalogs["local"].Partitions(ctx, name)
		if err != nil {
			continue // not yet there
		}
		for _, p := range ps {
			dir := strings.TrimPrefix(p.Location, "file:///lake/")
			var files []commitlog.File
			for info, err := range lake.Zones[layout.Processed].Store.List(ctx, dir, "") {
				if err != nil {
					return err
				}
				files = append(files, commitlog.File{Name: path.Base(info.Key)})
			}
			if !lists[dir][names(files)] {
				return fmt.Errorf("I2: %s: the listing of %s is of no state", name, dir)
			}
			files = nil
			for _, f := range p.Files {
				files = append(files, commitlog.File{Name: f})
			}
			if !lists[dir][names(files)] {
				return fmt.Errorf("%s: the catalog's files of %s are of no state", name, dir)
			}
		}
	}
	return nil
}

// names makes files one string, whatever their order.
func names(files []commitlog.File) string {
	all := make([]string, len(files))
	for i, f := range files {
		all[i] = f.Name
	}
	return strings.Join(slices.Sorted(slices.Values(all)), " ")
}

// checkDone holds the lake to what is promised after one run without faults: what was pending is consumed, the tables
// have the right rows, and directories and catalogs are those of the head.
func checkDone(ctx context.Context, lake commit.Lake, want map[string]int) error {
	if err := checkInvariants(ctx, lake); err != nil {
		return err
	}
	found, err := commit.Verify(ctx, lake, commit.Checks{Content: true, File: rowsOf})
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Severity != commit.Note {
			return fmt.Errorf("I6: %v", f)
		}
	}
	head, err := lake.Log.Head(ctx)
	if err != nil {
		return err
	}
	raw := lake.Zones[layout.Raw]
	for info, err := range raw.Store.List(ctx, raw.Key(""), "") {
		if err != nil {
			return err
		}
		if _, ok, err := head.Ledger.Seq(ctx, info.Key, info.ETag); !ok {
			return errors.Join(err, fmt.Errorf("I4: %s is still pending", info.Key))
		}
	}
	got := map[string]int{}
	for p, c := range head.Partitions {
		got[p.Zone+" "+layout.SourceOf(p.Path)] += int(c.Rows())
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("rows: got %v, want %v", got, want)
	}
	return nil
}
