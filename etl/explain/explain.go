// Package explain says in words what a source's schema does: where each column comes from, what becomes of its values, what they must
// be. It is what people read before they trust a lake file; nothing is computed here, and nothing is read.
package explain

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"datalake/pkg/lakefile"
	"datalake/pkg/schema"
)

// Source is what holds for one source.
type Source struct {
	Name string
	// Facts are what holds for all rows, in the order in which people ask.
	Facts []Fact
	// Columns are those of the table, in its order.
	Columns []Column
	// Rules are the conditions on rows, in their order.
	Rules []Rule
}

// Fact is a line of an explanation.
type Fact struct{ Name, Text string }

// Column is a column with all texts that a table shows; From, Cleaning and Checks may be empty.
type Column struct{ Name, Type, From, Cleaning, Checks string }

// Rule is a condition on rows, with what a failure does.
type Rule struct{ Name, Expr, OnFail string }

// File explains a declared source before its first run, which settles what the file leaves open.
func File(name string, s lakefile.Source) Source {
	out := Schema(s.Schema(name))
	set := func(fact, text string) {
		for i := range out.Facts {
			if out.Facts[i].Name == fact {
				out.Facts[i].Text = text
			}
		}
	}
	if s.Envelope == lakefile.EnvelopeAuto {
		set("envelope", "found by the first run")
	}
	if s.EventTime.Path == nil && !s.Arrival {
		set("event time", "found by the first run: the first of "+strings.Join(schema.EventTimeFields(), ", ")+bounds(s.EventTime))
		for i := range out.Columns {
			if out.Columns[i].Name == string(schema.EventTime) {
				out.Columns[i].From = "found by the first run"
			}
		}
	}
	if s.RecordsAt != "" {
		out.Facts = append(out.Facts, Fact{"records", "the elements of " + s.RecordsAt})
	}
	out.Facts = append(out.Facts, Fact{"files", fmt.Sprintf("%s, %s", s.Encoding, s.Compression)})
	if s.OtherColumns == schema.Keep {
		set("other fields", fmt.Sprintf("become columns, up to %d in all, then go to _rescued", s.MaxColumns))
	}
	return out
}

// Schema explains a schema: one of the commit log, or one to be.
func Schema(s *schema.Schema) Source {
	out := Source{Name: s.Source, Facts: []Fact{
		{"table", "processed_" + s.Source},
		{"envelope", map[schema.Envelope]string{schema.Enveloped: "record_id, source, ingested_at, data, metadata", schema.Bare: "none: the record is the data"}[s.Envelope]},
		{"event time", eventTime(s.EventTime)},
		{"dedupe", dedupe(s.Dedupe.WithDefaults())},
		{"partitions", strings.Join(s.PartitionBy, ", ")},
		{"misfits", map[string]string{
			schema.Rescue: "a value that does not fit its column goes to _rescued", schema.Quarantine: "a record with a value that does not fit goes to quarantine",
			schema.Widen: "int becomes bigint where a value asks for it; else a value that does not fit goes to _rescued",
		}[s.OnTypeConflict]},
		{"other fields", map[string]string{schema.Keep: "become columns", schema.Rescue: "go to _rescued", schema.Drop: "are dropped"}[s.OtherColumns]},
	}}
	for _, c := range s.Columns {
		checks := checked(c.Check)
		if c.Required {
			checks = strings.TrimSuffix("required, "+checks, ", ")
		}
		out.Columns = append(out.Columns, Column{c.Name, c.Type.String(), from(c, s), cleaning(c), checks})
	}
	for _, r := range s.Rules {
		out.Rules = append(out.Rules, Rule{r.Name, r.Expr, orScore(r.OnFail)})
	}
	return out
}

func orScore(onFail string) string {
	if onFail == "" {
		return schema.FailScore
	}
	return onFail
}

func eventTime(t schema.Times) string {
	if t.Path == nil {
		return "the arrival (ingested_at)"
	}
	zone := "UTC"
	if t.Timezone != "" {
		zone = t.Timezone
	}
	return fmt.Sprintf("%s as %s, in %s", t.Path, strings.Join(t.Formats, " or "), zone) + bounds(t)
}

// bounds says which event times are believed, and what the others are.
func bounds(t schema.Times) string {
	missing := "the arrival"
	if t.Missing == schema.MissingQuarantine {
		missing = "quarantine"
	}
	future := (time.Duration(t.MaxFuture) * time.Millisecond).String()
	for _, unit := range []string{"m0s", "h0m"} { // 24h0m0s
		if strings.HasSuffix(future, unit) {
			future = future[:len(future)-2]
		}
	}
	return fmt.Sprintf("; believed from %s to %s after the arrival, else %s", date(t.Min), future, missing)
}

func date(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if ms%(24*60*60*1000) == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

func dedupe(d schema.Dedupe) string {
	if d.None {
		return "none: all rows stay"
	}
	where := map[string]string{schema.ScopeTable: "in the table", schema.ScopePartition: "in a partition"}[d.Scope]
	if days, ok := d.Days(); ok {
		where = fmt.Sprintf("within %d days", days)
	}
	stays := "the first stays"
	if d.Keep == schema.KeepLatest {
		stays = "the latest by " + d.By + " stays"
	}
	return fmt.Sprintf("one row for each %s %s, %s", strings.Join(d.Key, " + "), where, stays)
}

// from says where a column's value comes from.
func from(c schema.Column, s *schema.Schema) string {
	switch c.Role {
	case schema.RecordID:
		if s.Envelope == schema.Bare {
			return "the content's hash"
		}
		return "record_id, else the content's hash"
	case schema.EventTime:
		if s.EventTime.Path == nil {
			return "the arrival"
		}
		return s.EventTime.Path.String()
	case schema.IngestedAt:
		if s.Envelope == schema.Bare {
			return "the object's time"
		}
		return "ingested_at, else the object's time"
	case schema.Quality:
		return "share of checks and rules that passed"
	case schema.Rescued:
		return "what did not fit"
	case schema.Key:
		return "hash of " + strings.Join(s.Dedupe.Key, " + ")
	case schema.Derived:
		if c.Expr == "" {
			return "no longer declared: null"
		}
		return "= " + c.Expr
	case schema.NS:
		return "nanoseconds of " + c.Path.String()
	}
	return c.Path.String()
}

// cleaning lists the steps of a column's values, in the order in which they are taken.
func cleaning(c schema.Column) string {
	var out []string
	add := func(on bool, text string) {
		if on {
			out = append(out, text)
		}
	}
	k := c.Clean
	if k == nil {
		k = &schema.Clean{}
	}
	add(k.Trim, "trim")
	add(k.Collapse, "collapse")
	add(k.Case != "", k.Case)
	if len(k.Nulls) > 0 {
		quoted := make([]string, len(k.Nulls))
		for i, n := range k.Nulls {
			quoted[i] = strconv.Quote(n)
		}
		out = append(out, "null: "+strings.Join(quoted, " "))
	}
	if c.Role == schema.Data && len(c.Formats) > 0 {
		out = append(out, "as "+strings.Join(c.Formats, " or "))
	}
	add(c.Role == schema.Data && c.Timezone != "", "in "+c.Timezone)
	add(k.ClampMin != "" || k.ClampMax != "", "clamp "+span(k.ClampMin, k.ClampMax))
	add(k.Default != "", "default "+k.Default)
	if m := k.Mask; m != nil {
		name := strings.TrimPrefix(m.SHA256, "env:")
		add(m.Drop, "mask: null")
		add(m.SHA256 != "", "mask: SHA-256, salt in $"+name)
		add(m.KeepLast > 0, fmt.Sprintf("mask: last %d", m.KeepLast))
	}
	return strings.Join(out, ", ")
}

// checked says what values must be, and what a failure does; empty for none.
func checked(c *schema.Check) string {
	text := checks(c)
	if text == "" {
		return ""
	}
	return text + ", else " + orScore(c.OnFail)
}

func checks(c *schema.Check) string {
	if c == nil {
		return ""
	}
	var out []string
	if c.Min != "" || c.Max != "" {
		out = append(out, span(c.Min, c.Max))
	}
	if c.MinLength != nil || c.MaxLength != nil {
		out = append(out, "length "+span(number(c.MinLength), number(c.MaxLength)))
	}
	if c.Pattern != "" {
		out = append(out, "/"+c.Pattern+"/")
	}
	if len(c.Enum) > 0 {
		out = append(out, "one of "+strings.Join(c.Enum, " "))
	}
	if e := checks(c.Elements); e != "" {
		out = append(out, "elements ("+e+")")
	}
	if e := checks(c.Keys); e != "" {
		out = append(out, "keys ("+e+")")
	}
	return strings.Join(out, ", ")
}

// span writes bounds of which one at least is there.
func span(low, high string) string {
	switch {
	case high == "":
		return "≥ " + low
	case low == "":
		return "≤ " + high
	}
	return low + " to " + high
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
