package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"datalake/pkg/lakefile"
	"datalake/pkg/schema"
)

func TestOptions(t *testing.T) {
	for _, o := range []Options{{}, {Kind: Clean}, {Kind: "dusty", Records: 1}, {Kind: Dirty, Records: MaxRecords + 1}, {Kind: Skewed, Records: 1, Partitions: MaxPartitions + 1}} {
		if _, err := New(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestMany holds what the package comment promises against many sets.
func TestMany(t *testing.T) {
	for seed := range uint64(10) {
		for _, kind := range []string{Clean, Dirty} {
			check(t, Options{Kind: kind, Records: 3000, Seed: seed})
		}
	}
	check(t, Options{Kind: Clean, Records: 3000, Seed: 1, Spaced: true})
	check(t, Options{Kind: Dirty, Records: 3000, Seed: 1, Spaced: true})
	check(t, Options{Kind: Distinct, Records: 3000, Seed: 1})
}

func check(t *testing.T, o Options) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	n, err := s.Write(&text)
	if err != nil || n != int64(text.Len()) {
		t.Fatalf("%+v: %d bytes of %d: %v", o, n, text.Len(), err)
	}
	lines := bytes.Split(bytes.TrimSuffix(text.Bytes(), []byte("\n")), []byte("\n"))
	if len(lines) != o.Records {
		t.Fatalf("%+v: %d lines", o, len(lines))
	}
	if one := s.Append(&Scratch{}, nil, 2717); !bytes.Equal(bytes.TrimSuffix(one, []byte("\n")), lines[2717]) {
		t.Errorf("%+v: line 2717 alone is another:\n%s\n%s", o, one, lines[2717])
	}
	start := time.UnixMilli(s.start)
	seen := map[string]map[string]bool{} // id, ingested_at
	sources, days := map[string]bool{}, map[string]bool{}
	again := 0
	for _, line := range lines {
		var r struct {
			ID       string         `json:"record_id"`
			Source   string         `json:"source"`
			Ingested time.Time      `json:"ingested_at"`
			Data     map[string]any `json:"data"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%+v: %v in %s", o, err, line)
		}
		event, err := time.Parse(time.RFC3339, r.Data[s.event[1]].(string))
		if err != nil {
			t.Fatal(err)
		}
		if event.Before(start) || event.After(r.Ingested.Add(24*time.Hour)) {
			t.Errorf("%+v: event time %s, start %s, ingested %s", o, event, start, r.Ingested)
		}
		sources[r.Source], days[event.UTC().Format(time.DateOnly)] = true, true
		at := r.Ingested.UTC().String()
		if seen[r.ID] == nil {
			seen[r.ID] = map[string]bool{}
		} else {
			again++
		}
		if seen[r.ID][at] {
			t.Errorf("%+v: record %s is ingested twice at %s", o, r.ID, at)
		}
		seen[r.ID][at] = true
	}
	if len(sources) != 3 || len(days) != 5 {
		t.Errorf("%+v: sources %v, days %v", o, sources, days)
	}
	low, high := o.Records*3/100, o.Records*7/100
	if o.Kind == Distinct {
		low, high = 0, 0
	}
	if again < low || again > high {
		t.Errorf("%+v: %d of %d are duplicates", o, again, o.Records)
	}
	checkLake(t, o, s)
}

// checkLake: the lake file is right, and columns that the engine infers have the same names.
func checkLake(t *testing.T, o Options, s *Set) {
	t.Helper()
	f, err := lakefile.Parse("lake.yaml", s.Lake(), nil)
	if err != nil {
		t.Fatalf("%+v: %v\n%s", o, err, s.Lake())
	}
	paths := make([]schema.Path, 0, len(s.columns))
	for _, c := range s.columns {
		paths = append(paths, c.Path)
	}
	for i, n := range schema.Names(paths, true, nil) {
		if n.Name != s.columns[i].Name {
			t.Errorf("%+v: %s is named %s, the engine says %s", o, n.Path, s.columns[i].Name, n.Name)
		}
	}
	if len(f.Sources) != 3 || len(f.Warnings) > 0 {
		t.Errorf("%+v: sources %v, warnings %v", o, f.Sources, f.Warnings)
	}
	if o.Kind != Dirty {
		return
	}
	deepest := 0
	for _, c := range s.columns {
		deepest = max(deepest, len(c.Path)-1)
	}
	if len(s.columns) != dirtyColumns || deepest != objectsDeep {
		t.Errorf("%+v: %d columns, %d objects deep", o, len(s.columns), deepest)
	}
}

// TestDirt: lines differ as dirty data should, and seeds give other shapes.
func TestDirt(t *testing.T) {
	s, err := New(Options{Kind: Dirty, Records: 6000, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := s.Write(&text); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	share := func(what string, low, high int, in func(line string) bool) {
		t.Helper()
		n := 0
		for _, l := range lines {
			if in(l) {
				n++
			}
		}
		if p := n * 100 / len(lines); p < low || p > high {
			t.Errorf("%s: in %d %% of the lines, want %d to %d", what, p, low, high)
		}
	}
	optional := s.columns[dirtyColumns-dirtyOptional:]
	share("an optional or unknown key", 30, 36, func(l string) bool {
		return strings.Contains(l, `"x_`) || slices.ContainsFunc(optional, func(c Column) bool { return strings.Contains(l, `"`+c.Path[len(c.Path)-1]+`"`) })
	})
	share("escapes", 50, 100, func(l string) bool { return strings.Contains(l, `\`) })
	share("the source first", 20, 30, func(l string) bool { return strings.HasPrefix(l, `{"source"`) })
	share("an offset", 50, 100, func(l string) bool { return strings.Contains(l, `-08:00"`) || strings.Contains(l, `+05:30"`) })
	other, err := New(Options{Kind: Dirty, Records: 1, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	if slices.EqualFunc(s.columns, other.columns, func(a, b Column) bool { return a.Name == b.Name }) {
		t.Error("seeds 3 and 4 give the same columns")
	}
}

// TestSkew: as many partitions as asked for, 95 % of the rows in one of them, and the same rows whatever their number.
func TestSkew(t *testing.T) {
	const records = 40_000
	rows := map[int]map[string]bool{}
	for _, partitions := range []int{20, 1000} {
		s, err := New(Options{Kind: Skewed, Records: records, Seed: 2, Partitions: partitions})
		if err != nil {
			t.Fatal(err)
		}
		count, all := map[string]int{}, map[string]bool{}
		for i := range records {
			line := string(s.Append(&Scratch{}, nil, i))
			var r struct {
				ID       string `json:"record_id"`
				Source   string `json:"source"`
				Ingested string `json:"ingested_at"`
				Data     struct {
					Event  string `json:"timestamp"`
					Device any    `json:"device_id"`
				} `json:"data"`
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			count[r.Source+r.Data.Event[:len(time.DateOnly)]]++
			all[fmt.Sprint(r.ID, r.Ingested, r.Data.Device)] = true
		}
		rows[partitions] = all
		most := 0
		for _, n := range count {
			most = max(most, n)
		}
		if len(count) < partitions*8/10 || len(count) > partitions || most < records*94/100 || most > records*96/100 {
			t.Errorf("%d partitions of %d, the largest with %d rows of %d", len(count), partitions, most, records)
		}
	}
	if !maps.Equal(rows[20], rows[1000]) {
		t.Error("the records depend on the number of partitions")
	}
}

// TestSpaced: the same records, and no shape often.
func TestSpaced(t *testing.T) {
	for _, kind := range []string{Clean, Dirty} {
		var sets [2]*Set
		for i := range sets {
			var err error
			if sets[i], err = New(Options{Kind: kind, Records: 2000, Seed: 1, Spaced: i == 1}); err != nil {
				t.Fatal(err)
			}
		}
		shapes := map[string]int{}
		values := regexp.MustCompile(`[^\[\]{}:, ]`)
		for i := range 2000 {
			var got, want any
			line := sets[1].Append(&Scratch{}, nil, i)
			if err := errors.Join(json.Unmarshal(line, &got), json.Unmarshal(sets[0].Append(&Scratch{}, nil, i), &want)); err != nil {
				t.Fatal(err)
			}
			if kind == Clean && !reflect.DeepEqual(got, want) {
				t.Fatalf("line %d is another record: %s", i, line)
			}
			shapes[string(values.ReplaceAll(line, nil))]++
		}
		for shape, n := range shapes {
			if n > 20 {
				t.Errorf("%s: %d of 2000 lines have the shape %s", kind, n, shape)
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, kind := range Kinds() {
		b.Run(kind, func(b *testing.B) {
			s, err := New(Options{Kind: kind, Records: 20_000, Seed: 1})
			if err != nil {
				b.Fatal(err)
			}
			var count counter
			for b.Loop() {
				if _, err := s.Write(&count); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(count) / int64(b.N))
		})
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
