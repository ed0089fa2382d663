package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

// ErrDuplicateColumn: two columns of a schema would have one name.
var ErrDuplicateColumn = errors.New("duplicate column")

// The defaults of Times: event times before 2000, or more than a day after their record came, are not believed.
const (
	DefaultMin       = 946684800000 // 2000-01-01 in milliseconds since 1970
	DefaultMaxFuture = 24 * 60 * 60 * 1000
)

// The values of Times.Missing.
const (
	MissingArrival    = "arrival"
	MissingQuarantine = "quarantine"
)

// The values of Schema.OtherColumns (keep, rescue, drop) and Schema.OnTypeConflict (rescue, quarantine, widen).
const (
	Keep       = "keep"
	Rescue     = "rescue"
	Drop       = "drop"
	Quarantine = "quarantine"
	Widen      = "widen"
)

// DefaultPartitionBy is how a table is partitioned where nothing else is said. The slice is the caller's.
func DefaultPartitionBy() []string { return []string{"source", "year", "month", "day"} }

// Common gives the schema of a source of which nothing is known but its name: the common columns and the defaults. It is
// not fixed; Extend puts the source's own columns in the middle. source is clean (CleanSource).
func Common(source string, envelope Envelope) *Schema {
	return &Schema{
		Source:    source,
		Envelope:  envelope,
		EventTime: Times{Missing: MissingArrival, Min: DefaultMin, MaxFuture: DefaultMaxFuture},
		Columns: []Column{
			{Name: string(RecordID), Type: Type{Kind: String}, Role: RecordID},
			{Name: string(EventTime), Type: Type{Kind: Timestamp}, Role: EventTime},
			{Name: string(IngestedAt), Type: Type{Kind: Timestamp}, Role: IngestedAt},
			{Name: string(Quality), Type: Type{Kind: Double}, Role: Quality},
			{Name: string(Rescued), Type: Type{Kind: String}, Role: Rescued},
		},
		OtherColumns:   Keep,
		OnTypeConflict: Rescue,
		Dedupe:         Dedupe{}.WithDefaults(),
		PartitionBy:    DefaultPartitionBy(),
	}
}

// Clone gives a copy that shares no slice of s that a caller might change; types and paths, which nobody changes, are
// shared.
func (s *Schema) Clone() *Schema {
	c := *s
	c.Columns = slices.Clone(s.Columns)
	c.Rescue = slices.Clone(s.Rescue)
	c.Rules = slices.Clone(s.Rules)
	c.PartitionBy = slices.Clone(s.PartitionBy)
	c.Dedupe.Key = slices.Clone(s.Dedupe.Key)
	return &c
}

// Extend gives a copy of s with more columns. In a schema that is not fixed they stand before quality_score, after the
// declared columns; in a fixed one they stand at the end. The error wraps ErrDuplicateColumn. The result is not fixed by
// this; whoever has put all of the first run's columns in calls Fix.
func (s *Schema) Extend(columns []Column) (*Schema, error) {
	c := s.Clone()
	at := len(c.Columns)
	if q := c.ByRole(Quality); !s.Fixed && q >= 0 {
		at = q
	}
	c.Columns = slices.Insert(c.Columns, at, columns...)
	seen := make(map[string]bool, len(c.Columns))
	for _, x := range c.Columns {
		if seen[x.Name] {
			return nil, fmt.Errorf("extend the schema of %s: %w %s", s.Source, ErrDuplicateColumn, x.Name)
		}
		seen[x.Name] = true
	}
	return c, nil
}

// Fix gives a copy of s that is fixed.
func (s *Schema) Fix() *Schema {
	c := s.Clone()
	c.Fixed = true
	return c
}

// Taken gives the names that a new column of the table cannot have: those of its columns, the reserved ones, and hour where
// the table is partitioned by it. A column that the table is partitioned by is free until it is there: it must get its name.
// The map is the caller's.
func (s *Schema) Taken() map[string]bool {
	t := make(map[string]bool, len(s.Columns)+len(s.PartitionBy)+len(reserved))
	for _, n := range reserved {
		t[n] = true
	}
	if slices.Contains(s.PartitionBy, "hour") {
		t["hour"] = true
	}
	for i := range s.Columns {
		t[s.Columns[i].Name] = true
	}
	return t
}

// Fingerprint is a hash, 32 hex digits, of what gives the rows of the table their meaning: envelope, event time with its
// formats, zone and bounds, dedupe, partitioning, and name, type, path, formats and zone of each column up to the last common
// one; of those that the dedupe key, keep: latest and the partitions go by also cleaning, mask and expression, with those of
// the columns that the expression names. Defaults count as if they were written out. It does not change when a fixed schema
// gets columns at its end or when a column is widened (Type.Widens), for that changes the meaning of no row; nor by the
// cleaning of other columns, checks and rules, which hold from the next run on. Rows made under another fingerprint must be made anew.
func (s *Schema) Fingerprint() string {
	type column struct {
		Name     string
		Type     Type
		Role     Role
		Path     Path
		Formats  []string
		Timezone string
	}
	part := struct {
		Envelope    Envelope
		EventTime   Times
		Dedupe      Dedupe
		PartitionBy []string
		Columns     []column
		Values      []*values `json:",omitempty"`
	}{Envelope: s.Envelope, EventTime: s.EventTime.plain(), Dedupe: s.Dedupe.WithDefaults(), PartitionBy: s.PartitionBy}
	if len(part.PartitionBy) == 0 {
		part.PartitionBy = DefaultPartitionBy()
	}
	last := -1
	for i := range s.Columns {
		switch s.Columns[i].Role {
		case Data, NS, Derived:
		default:
			last = i
		}
	}
	identity := s.identity()
	for _, c := range s.Columns[:last+1] {
		if v := c.values(); v != nil && identity[c.Name] {
			part.Values = append(part.Values, v)
		}
		if c.Type.Kind == Int {
			c.Type.Kind = Bigint
		}
		part.Columns = append(part.Columns, column{c.Name, c.Type, c.Role, c.Path, c.formats(), plainZone(c.Timezone)})
	}
	text, err := json.Marshal(part)
	if err != nil {
		// Strings, numbers and types that write themselves without an error: this cannot be.
		text = []byte(err.Error())
	}
	h := xxh3.Hash128(text)
	return fmt.Sprintf("%016x%016x", h.Hi, h.Lo)
}

// Differences says in words what of the table's meaning next changes, one line each: all that the fingerprint covers, for
// the columns that both have, also those that came later, and a column that would become narrower.
func (s *Schema) Differences(next *Schema) []string {
	var out []string
	say := func(what, a, b string) {
		if a != b {
			out = append(out, fmt.Sprintf("%s: %s, was %s", what, b, a))
		}
	}
	say("envelope", string(s.Envelope), string(next.Envelope))
	say("event_time", s.EventTime.text(), next.EventTime.text())
	say("dedupe", s.Dedupe.text(), next.Dedupe.text())
	a, b := s.PartitionBy, next.PartitionBy
	if len(a) == 0 {
		a = DefaultPartitionBy()
	}
	if len(b) == 0 {
		b = DefaultPartitionBy()
	}
	say("partition_by", strings.Join(a, ", "), strings.Join(b, ", "))
	identity := next.identity()
	for _, c := range s.Columns {
		if i := next.Index(c.Name); i >= 0 {
			if c.Type.Widens(next.Columns[i].Type) {
				c.Type = next.Columns[i].Type
			}
			say("column "+c.Name, c.text(), next.Columns[i].text())
			if identity[c.Name] {
				say("values of column "+c.Name+", which rows are told apart by", c.values().text(), next.Columns[i].values().text())
			}
		}
	}
	return out
}

// plain gives t without what means nothing or is the default.
func (t Times) plain() Times {
	if t.Path == nil {
		return Times{}
	}
	if len(t.Formats) == 0 {
		t.Formats = []string{"rfc3339"}
	}
	if t.Missing == "" {
		t.Missing = MissingArrival
	}
	t.Timezone = plainZone(t.Timezone)
	return t
}

func (t Times) text() string {
	if t = t.plain(); t.Path == nil {
		return "the arrival"
	}
	return fmt.Sprintf("%s as %s%s, missing: %s, min: %d, max_future: %d", t.Path, strings.Join(t.Formats, "|"), zoneText(t.Timezone), t.Missing, t.Min, t.MaxFuture)
}

func (d Dedupe) text() string {
	if d = d.WithDefaults(); d.None {
		return "none"
	}
	return strings.TrimSpace(fmt.Sprintf("key %s, scope %s, keep %s %s", strings.Join(d.Key, "+"), d.Scope, d.Keep, d.By))
}

// formats gives the ways of writing a time that the column has beyond the one of its type; nil for that alone.
func (c Column) formats() []string {
	switch {
	case c.Type.Kind == Timestamp && slices.Equal(c.Formats, []string{"rfc3339"}), c.Type.Kind == Date && slices.Equal(c.Formats, []string{"%Y-%m-%d"}), len(c.Formats) == 0:
		return nil
	}
	return c.Formats
}

func (c Column) text() string {
	s := c.Type.spec()
	if c.Path != nil {
		s += " from " + c.Path.String()
	}
	if f := c.formats(); f != nil {
		s += " as " + strings.Join(f, "|")
	}
	return s + zoneText(plainZone(c.Timezone))
}

func plainZone(z string) string {
	if z == "UTC" {
		return ""
	}
	return z
}

func zoneText(z string) string {
	if z == "" {
		return ""
	}
	return " in " + z
}
