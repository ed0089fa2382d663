package schema

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func columnNames(s *Schema) string {
	var n []string
	for _, c := range s.Columns {
		n = append(n, c.Name)
	}
	return strings.Join(n, " ")
}

func data(name, kind string) Column {
	t, err := ParseType(kind)
	if err != nil {
		panic(err)
	}
	return Column{Name: name, Type: t, Path: Path{"data", name}}
}

func extend(t *testing.T, s *Schema, columns ...Column) *Schema {
	t.Helper()
	s, err := s.Extend(columns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExtend(t *testing.T) {
	s := Common("s", Enveloped)
	a := extend(t, s, data("a", "int"), data("b", "string"))
	b := extend(t, a, data("c", "int"))
	c := extend(t, b.Fix(), data("d", "int"))
	for _, x := range []struct {
		s    *Schema
		want string
	}{
		{s, "record_id event_time ingested_at quality_score _rescued"},
		{a, "record_id event_time ingested_at a b quality_score _rescued"},
		{b, "record_id event_time ingested_at a b c quality_score _rescued"},
		{c, "record_id event_time ingested_at a b c quality_score _rescued d"},
	} {
		if got := columnNames(x.s); got != x.want {
			t.Errorf("columns %s, want %s", got, x.want)
		}
	}
	if s.Fixed || b.Fixed || !c.Fixed {
		t.Error("Fix changed what it was called on, or Extend lost it")
	}
	if _, err := c.Extend([]Column{data("a", "int")}); !errors.Is(err, ErrDuplicateColumn) {
		t.Errorf("a second a: %v", err)
	}
	if _, err := c.Extend([]Column{data("event_time", "int")}); !errors.Is(err, ErrDuplicateColumn) {
		t.Errorf("a second event_time: %v", err)
	}
	if k := c.Taken(); !k["day"] || !k["d"] || !k["_key"] || k["e"] {
		t.Errorf("taken %v", k)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back Schema
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(c, &back); d != "" {
		t.Errorf("a schema does not survive JSON: %s", d)
	}
}

func TestFingerprint(t *testing.T) {
	base := extend(t, Common("s", Enveloped), data("a", "int"), Column{Name: "t", Type: Type{Kind: Timestamp}, Path: Path{"t"}}).Fix()
	base.EventTime.Path = Path{"data", "t"}
	if n := len(base.Fingerprint()); n != 32 {
		t.Errorf("%d digits", n)
	}
	change := func(f func(*Schema)) *Schema {
		c := base.Clone()
		f(c)
		return c
	}
	for name, s := range map[string]*Schema{
		"a late column":    extend(t, base, data("z", "int")),
		"dedupe defaults":  change(func(s *Schema) { s.Dedupe = Dedupe{} }),
		"default parts":    change(func(s *Schema) { s.PartitionBy = nil }),
		"required":         change(func(s *Schema) { s.Columns[3].Required = true }),
		"declared":         change(func(s *Schema) { s.Columns[3].Declared = true }),
		"on_type_conflict": change(func(s *Schema) { s.OnTypeConflict = Quarantine }),
		"default formats":  change(func(s *Schema) { s.Columns[4].Formats, s.EventTime.Formats = []string{"rfc3339"}, []string{"rfc3339"} }),
		"default zones":    change(func(s *Schema) { s.Columns[4].Timezone, s.EventTime.Timezone = "UTC", "UTC" }),
	} {
		if s.Fingerprint() != base.Fingerprint() || len(base.Differences(s)) > 0 {
			t.Errorf("%s changes the fingerprint: %q", name, base.Differences(s))
		}
	}
	for name, c := range map[string]struct {
		s    *Schema
		want string
	}{
		"envelope":  {change(func(s *Schema) { s.Envelope = Bare }), "envelope: none, was envelope"},
		"key":       {change(func(s *Schema) { s.Dedupe.Key = []string{"a", "t"} }), "dedupe: key a+t, scope table, keep first, was key record_id"},
		"scope":     {change(func(s *Schema) { s.Dedupe.Scope = "7d" }), "scope 7d"},
		"latest":    {change(func(s *Schema) { s.Dedupe.Keep, s.Dedupe.By = KeepLatest, "t" }), "keep latest t"},
		"none":      {change(func(s *Schema) { s.Dedupe = Dedupe{None: true} }), "dedupe: none"},
		"partition": {change(func(s *Schema) { s.PartitionBy = []string{"source", "year"} }), "partition_by: source, year, was source, year, month, day"},
		"zone":      {change(func(s *Schema) { s.EventTime.Timezone = "Europe/Berlin" }), "in Europe/Berlin"},
		"min":       {change(func(s *Schema) { s.EventTime.Min = 0 }), "min: 0"},
		"arrival":   {change(func(s *Schema) { s.EventTime.Path = nil }), "event_time: the arrival, was data.t"},
		"type":      {change(func(s *Schema) { s.Columns[3].Type.Kind = Double }), "column a: double from data.a, was int from data.a"},
		"key case":  {change(func(s *Schema) { s.Columns[3].Type = structOf("A") }), `column a: struct<"A":a:int> from data.a, was int`},
		"path":      {change(func(s *Schema) { s.Columns[3].Path = Path{"b"} }), "column a: int from b"},
		"col zone":  {change(func(s *Schema) { s.Columns[4].Timezone = "Asia/Tokyo" }), "timestamp from t in Asia/Tokyo"},
		"formats":   {change(func(s *Schema) { s.Columns[4].Formats = []string{"epoch_s"} }), "as epoch_s"},
	} {
		d := strings.Join(base.Differences(c.s), "\n")
		if c.s.Fingerprint() == base.Fingerprint() || !strings.Contains(d, c.want) {
			t.Errorf("%s: differences %q, want %q", name, d, c.want)
		}
	}
}

// structOf is a struct of one int whose JSON key is as given.
func structOf(key string) Type {
	return Type{Kind: Struct, Fields: []Field{{Key: key, Name: "a", Type: Type{Kind: Int}}}}
}

// TestFingerprintArrival: where there is no event time, nothing of it matters.
func TestFingerprintArrival(t *testing.T) {
	a := Common("s", Enveloped)
	b := a.Clone()
	b.EventTime = Times{Formats: []string{"epoch"}, Min: 5}
	if a.Fingerprint() != b.Fingerprint() || len(a.Differences(b)) > 0 {
		t.Errorf("differences %q", a.Differences(b))
	}
}

func TestDedupeDays(t *testing.T) {
	for scope, want := range map[string]int{"7d": 7, "365d": 365, "table": 0, "partition": 0, "": 0, "d": 0, "0d": 0, "-1d": 0, "+1d": 0, "1h": 0, "99999999999999999999d": 0} {
		n, ok := Dedupe{Scope: scope}.Days()
		if ok != (want > 0) || ok && n != want {
			t.Errorf("%q: %d, %v", scope, n, ok)
		}
	}
}
