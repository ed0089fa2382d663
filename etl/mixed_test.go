package etl_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"datalake/etl"
	"datalake/etl/commit"
	"datalake/etl/commit/mend"
	"datalake/etl/commit/rollback"
	"datalake/etl/inspect"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/storage/memory"
)

// bags are the rows of each partition, in no order, whatever the order of their columns and without nulls; and how many records are set aside.
func (l *lake) bags(t testing.TB) map[string]string {
	t.Helper()
	out := l.content(t)
	for path, rows := range out {
		if strings.HasPrefix(path, "quarantine ") {
			continue
		}
		var bags []string
		for row := range strings.Lines(rows) {
			words := slices.DeleteFunc(strings.Fields(row), func(w string) bool { return w == "(null)" })
			slices.Sort(words)
			bags = append(bags, strings.Join(words, " "))
		}
		slices.Sort(bags)
		out[path] = strings.Join(bags, "\n")
	}
	return out
}

// balance holds the counts of the log against the files, source by source.
func (l *lake) balance(t testing.TB) error {
	t.Helper()
	c, err := l.job.Commits(t.Context())
	if err != nil {
		return err
	}
	sums := map[string]commitlog.Counts{}
	for r, err := range c.Log.Read(t.Context(), 1) {
		if err != nil {
			return err
		}
		b, err := r.ReadBody(t.Context())
		if err != nil {
			return err
		}
		for source, n := range b.Counts {
			s := sums[source]
			s.Out, s.Replaced, s.Restored = s.Out+n.Out, s.Replaced+n.Replaced, s.Restored+n.Restored
			s.Quarantined, s.Withdrawn = s.Quarantined+n.Quarantined, s.Withdrawn+n.Withdrawn
			sums[source] = s
		}
	}
	rows, aside := map[string]int64{}, map[string]int64{}
	for p, c := range l.state(t).Partitions {
		if p.Zone == layout.Processed {
			rows[layout.SourceOf(p.Path)] += c.Rows()
		} else {
			aside[layout.SourceOf(p.Path)] += c.Rows()
		}
	}
	for source, s := range sums {
		if s.Out-s.Replaced+s.Restored != rows[source] || s.Quarantined-s.Withdrawn != aside[source] {
			return fmt.Errorf("%s has %d rows and %d records aside, by the log %d out, %d replaced, %d restored, %d quarantined, %d withdrawn",
				source, rows[source], aside[source], s.Out, s.Replaced, s.Restored, s.Quarantined, s.Withdrawn)
		}
	}
	return l.statusRules(t)
}

// statusRules holds what status says of the quarantine against its files.
func (l *lake) statusRules(t testing.TB) error {
	t.Helper()
	z := l.job.Zones
	in, err := inspect.Open(t.Context(), inspect.Zones{Raw: z.Raw, Processed: z.Processed, Quarantine: z.Quarantine, State: z.State})
	if err != nil {
		return err
	}
	status, err := in.Status(t.Context())
	if err != nil {
		return err
	}
	lines, err := l.aside(t.Context())
	if err != nil {
		return err
	}
	rules := map[string]int64{}
	for _, line := range lines {
		rules[line.Rule]++
	}
	if status.Quarantined != int64(len(lines)) || !maps.Equal(status.Rules, rules) {
		return fmt.Errorf("status says %d records are in quarantine, by rule %v; there are %d, by rule %v", status.Quarantined, status.Rules, len(lines), rules)
	}
	return nil
}

// Whatever is done to a lake, in whatever order: files, log and catalog agree after each step, the counts of each source make up what its files
// hold, a rollback brings back what was there, and in the end a backfill makes of it what a fresh lake has.
func TestMixed(t *testing.T) {
	seeds := uint64(15)
	if testing.Short() {
		seeds = 5
	}
	tried := map[string]int{}
	for seed := range seeds {
		mixed(t, 100+seed, tried)
	}
	for _, what := range []string{"backfill", "compact", "rollback", "release", "replay", "skip", "gc", "damage,"} {
		if tried[what] <= tried[what+" refused"] {
			t.Errorf("%s was never done: the test tries too little: %v", what, tried)
		}
	}
}

// mixed does 16 steps at random.
func mixed(t *testing.T, seed uint64, tried map[string]int) {
	store, ctx := memory.New(), context.Background()
	now := time.Date(2025, 11, 25, 0, 0, 0, 0, time.UTC)
	store.SetClock(func() time.Time { now = now.Add(time.Millisecond); return now })
	p, r := newPast(store, seed), rand.New(rand.NewPCG(seed, 21))
	c, err := p.job.Commits(ctx)
	if err != nil {
		t.Fatal(err)
	}
	configs := []string{
		"sources: {}",
		"sources: {s0: {columns: [{path: data.w, type: bigint, required: true}]}}",
		"sources: {s0: {columns: [{path: data.w, type: bigint, max: 3, on_fail: reject}]}, s1: {columns: [{path: data.w, type: bigint, required: true}]}}",
		"sources: {s0: {dedupe: {key: [record_id], keep: {latest: v}}}}",
		"sources: {s1: {dedupe: {key: [record_id], scope: partition}}}",
	}
	p.config(t, configs[0])
	was := map[uint64]map[string]string{0: {}}
	var skipped, history []string
	source := func() string { return fmt.Sprintf("s%d", r.IntN(2)) }
	for step := range 16 {
		what := ""
		var err error
		switch n := r.IntN(24); {
		case n < 5 || step == 0:
			p.drop(t)
			what = "drop, run"
			if r.IntN(3) == 0 { // files of equal bytes in two partitions
				x := reading{"s0", fmt.Sprintf("t%d", step), 1, 7, true}
				y := x
				y.source = "s1"
				p.put(t, fmt.Sprintf("raw/s0/twin%d.json", step), x.String()+y.String())
			}
			_, err = etl.Run(ctx, p.job)
		case n < 7:
			p.drop(t)
			what = "drop"
		case n < 8:
			what = "run"
			_, err = etl.Run(ctx, p.job)
		case n < 10:
			what = "config"
			p.config(t, configs[r.IntN(len(configs))])
		case n < 12:
			what = "compact"
			_, err = etl.Compact(ctx, p.job, etl.Compaction{Partition: "source=" + source()})
		case n < 15:
			o := rollback.Options{To: uint64(r.IntN(int(p.state(t).Seq) + 1))}
			if r.IntN(3) == 0 {
				o.Source = source()
			}
			what = fmt.Sprintf("rollback %s to %d", o.Source, o.To)
			if _, err = rollback.Run(ctx, c, o); err != nil {
				break
			}
			if _, err := commit.Publish(ctx, c); err != nil {
				t.Fatal(err)
			}
			if want, ok := was[o.To]; ok {
				got := p.bags(t)
				for _, s := range []string{"s0", "s1"} {
					if o.Source == "" || o.Source == s {
						same(t, fmt.Sprintf("seed %d, %s; %s", seed, strings.Join(history, "; "), what), s, got, want)
					}
				}
			}
		case n < 16:
			what = "release"
			_, err = rollback.Release(ctx, c, "")
		case n < 18:
			o := etl.BackfillOptions{Source: source(), From: day(1 + r.IntN(2)), To: day(2 + r.IntN(3))}
			what = "backfill days of " + o.Source
			if r.IntN(3) == 0 {
				o, what = etl.BackfillOptions{Source: o.Source, All: true}, "backfill all of "+o.Source
			}
			_, err = etl.Backfill(ctx, p.job, o)
		case n < 20:
			what = "replay"
			_, err = etl.Replay(ctx, p.job, etl.ReplayOptions{})
		case n < 21:
			p.drop(t)
			key := p.objects[len(p.objects)-1]
			what = "skip " + key
			if _, err = p.job.Skip(ctx, key, etl.Reason{}); err == nil {
				skipped = append(skipped, key)
			}
		case n < 22 && len(skipped) > 0:
			what = "unskip " + skipped[0]
			_, err = p.job.Unskip(ctx, skipped[0], etl.Reason{})
			skipped = skipped[1:]
		case n < 23:
			what = "gc"
			now = now.Add(25 * time.Hour)
			_, err = commit.Collect(ctx, c)
		default:
			what = "damage, mend"
			s := p.state(t)
			for _, part := range slices.SortedFunc(maps.Keys(s.Partitions), commitlog.Partition.Compare) {
				if f := s.Partitions[part].Files; len(f) > 0 && f[0].Key != s.Partitions[part].Dir+f[0].Name && r.IntN(3) == 0 {
					if _, err := store.Head(ctx, f[0].Key); err == nil {
						p.put(t, s.Partitions[part].Dir+f[0].Name, "damaged")
					}
				}
			}
			var m *mend.Result
			if m, err = mend.Run(ctx, c, mend.Options{Content: true}); err == nil && len(m.Lost) > 0 {
				t.Fatalf("seed %d, %s; %s: lost %v", seed, strings.Join(history, "; "), what, m.Lost)
			}
			if _, err := commit.Publish(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		kind := strings.Fields(what)[0]
		tried[kind]++
		if err != nil {
			tried[kind+" refused"]++
			what += " (" + err.Error() + ")"
		}
		history = append(history, what)
		told := fmt.Sprintf("seed %d: %s", seed, strings.Join(history, ";\n  "))
		if err != nil && !errors.Is(err, etl.ErrConfig) && !errors.Is(err, rollback.ErrShared) && !errors.Is(err, rollback.ErrState) {
			t.Fatal(told)
		}
		if err := errors.Join(p.verify(ctx), p.balance(t)); err != nil {
			t.Fatalf("%s: %v", told, err)
		}
		was[p.state(t).Seq] = p.bags(t)
	}
	told := fmt.Sprintf("seed %d: %s", seed, strings.Join(history, ";\n  "))
	p.config(t, "sources: {}")
	if _, err := rollback.Release(ctx, c, ""); err != nil {
		t.Fatalf("%s: %v", told, err)
	}
	for _, key := range skipped {
		if _, err := p.job.Unskip(ctx, key, etl.Reason{}); err != nil {
			t.Fatalf("%s: unskip %s: %v", told, key, err)
		}
	}
	for _, s := range []string{"s0", "s1", "s0"} {
		if _, err := etl.Backfill(ctx, p.job, etl.BackfillOptions{Source: s, All: true}); err != nil {
			t.Fatalf("%s: %v", told, err)
		}
	}
	p.run(t)
	for _, s := range []string{"s0", "s1"} {
		p.backfill(t, etl.BackfillOptions{Source: s, All: true})
	}
	got, fresh := p.content(t), p.fresh(t).content(t)
	for _, s := range []string{"s0", "s1"} {
		same(t, told, s, got, fresh)
	}
	if err := errors.Join(p.verify(ctx), p.balance(t)); err != nil {
		t.Fatalf("%s: %v", told, err)
	}
}
