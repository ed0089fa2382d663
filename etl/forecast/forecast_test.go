package forecast_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"datalake/etl/demo"
	"datalake/etl/forecast"
)

// within says whether a figure is within a fifth of what it should be.
func within(got, want int64) bool { return 5*max(got-want, want-got) <= want }

// hold compares a forecast by a sample with the run that follows. Time depends on what else the machine does: it is looked at by
// benchmarks/forecast.
func (l *lake) hold(what string, o forecast.Options) *forecast.Forecast {
	l.t.Helper()
	f, err := forecast.Foresee(l.t.Context(), l.job, o)
	if err != nil {
		l.t.Fatal(err)
	}
	r := l.run()
	for _, x := range []struct {
		name      string
		got, want int64
	}{
		{"objects", int64(f.Objects), int64(r.Objects)},
		{"bytes in", f.BytesIn, r.BytesIn},
		{"records in", f.RecordsIn, r.RecordsIn},
		{"records out", f.RecordsOut, r.RecordsOut},
		{"partitions", int64(f.Partitions), int64(r.Partitions)},
		{"files", int64(f.Files), int64(r.Files)},
		{"bytes out", f.BytesOut, r.BytesOut},
	} {
		if !within(x.got, x.want) {
			l.t.Errorf("%s: %s: %d foreseen, %d in the run", what, x.name, x.got, x.want)
		}
	}
	if f.Seconds <= 0 || f.PeakMemory <= 0 || f.Sampled && f.Tried >= f.RecordsIn {
		l.t.Errorf("%s: %+v", what, f)
	}
	return f
}

// Of little all is tried, and the counts are those of the run.
func TestForeseeWhole(t *testing.T) {
	l := newLake(t)
	for drop := 1; drop <= demo.Drops; drop++ {
		if _, err := demo.Generate(t.Context(), l.Store, "raw", drop, demo.Options{Records: 20_000}); err != nil {
			t.Fatal(err)
		}
		f, err := forecast.Foresee(t.Context(), l.job, forecast.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := l.run()
		if f.Sampled || f.Objects != r.Objects || f.RecordsIn != r.RecordsIn || f.RecordsOut != r.RecordsOut || f.Duplicates != r.Duplicates || f.Quarantined != r.Quarantined ||
			f.Rescued != r.Rescued || f.Files != r.Files || f.Partitions != r.Partitions || f.BytesOut != r.BytesOut || len(f.Tables) != len(r.Tables) {
			t.Errorf("drop %d: foreseen %+v, the run was %+v", drop, f, r)
		}
	}
	f, err := forecast.Foresee(t.Context(), l.job, forecast.Options{})
	if err != nil || f.Objects != 0 || f.RecordsIn != 0 || f.Cost.Puts != 0 {
		t.Errorf("nothing is new, but %+v, %v", f, err)
	}
}

// A sample foresees rows, partitions, files and bytes within a fifth, however records are repeated and spread.
func TestForeseeSample(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	line := func(id, day int) string {
		return fmt.Sprintf(`{"record_id":"%08d","source":"s","ingested_at":"2025-03-01T00:00:00Z","data":{"ts":"2025-01-%02dT00:00:%02dZ","v":%d,"w":"%x","x":"some text"}}`+"\n",
			id, 1+day, id%60, id*7919%100_003, id*31)
	}
	for name, of := range map[string]func(i int) (id, day int){
		"no duplicates, one after the other": func(i int) (int, int) { return i, i / 10_000 },
		"near duplicates":                    func(i int) (int, int) { return i / 2, i / 2 % 20 },
		"far duplicates":                     func(i int) (int, int) { id := rng.IntN(30_000); return id, id % 20 },
		"a few rows on many days": func(i int) (int, int) {
			if i%100 == 0 {
				return i, i / 100 % 28
			}
			return i, 0
		},
	} {
		for _, objects := range []int{1, 40} {
			l := newLake(t)
			const lines = 120_000
			for o := range objects {
				var b strings.Builder
				for i := o * lines / objects; i < (o+1)*lines/objects; i++ {
					b.WriteString(line(of(i)))
				}
				l.land(fmt.Sprintf("s/%03d.json", o), b.String())
			}
			if f := l.hold(fmt.Sprintf("%s, %d objects", name, objects), forecast.Options{Whole: 1 << 20, Text: 6 << 20}); !f.Sampled {
				t.Errorf("%s: all was tried", name)
			}
		}
	}
}

// Sources of other size than their part of the sample, and records of other sources than their folder's.
func TestForeseeSources(t *testing.T) {
	l := newLake(t)
	l.land("large/1.json", strings.Repeat(`{"a":1,"b":"some text to make it long"}`+"\n", 60_000))
	l.land("small/1.json", strings.Repeat(`{"a":1}`+"\nbroken\n", 500))
	var b strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&b, `{"record_id":"%d","source":"elsewhere_%d","data":{"v":%d}}`+"\n", i, i%2, i)
	}
	l.land("mixed/1.json", b.String())
	f := l.hold("sources", forecast.Options{Whole: 1 << 20, Text: 1 << 20})
	by := map[string]forecast.Rows{}
	for _, x := range f.Tables {
		by[x.Source] = x
	}
	if x := by["small"]; !within(x.Quarantined, 500) || !within(x.RecordsIn, 1000) {
		t.Errorf("small: %+v", x)
	}
	if x := by["elsewhere_1"]; !within(x.RecordsOut, 20_000) {
		t.Errorf("elsewhere: %+v", x)
	}
}

// What the table has is a duplicate in a sample as in the whole.
func TestForeseeAgain(t *testing.T) {
	l := newLake(t)
	lines := func(from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, `{"record_id":"%08d","source":"s","data":{"v":%d,"w":"%x"}}`+"\n", i, i%60, i*7919)
		}
		return b.String()
	}
	l.land("s/1.json", lines(0, 60_000))
	l.run()
	l.land("s/2.json", lines(30_000, 90_000))
	if f := l.hold("again", forecast.Options{Whole: 1 << 20, Text: 2 << 20}); !f.Sampled || !within(f.Duplicates, 30_000) {
		t.Errorf("%d duplicates foreseen of 30,000", f.Duplicates)
	}
}
