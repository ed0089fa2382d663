package lakefile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"datalake/pkg/lakefile/grammar"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// source reads one source. Columns come first, for the rest names them.
func (r *reader) source(n *node, key string) Source {
	s := defaultSource()
	o := grammar.Source
	m := r.fields(n, key, o)
	word := func(name string, to *string) {
		if v := m[name]; v != nil {
			if w, ok := r.word(v, join(key, name), o.Words(name)...); ok {
				*to = w
			}
		}
	}
	word("envelope", &s.Envelope)
	word("on_type_conflict", &s.OnTypeConflict)
	word("other_columns", &s.OtherColumns)
	word("encoding", &s.Encoding)
	word("compression", &s.Compression)
	if v := m["records_at"]; v != nil {
		if p := r.path(v, join(key, "records_at")); p != nil {
			s.RecordsAt = p.String()
		}
	}
	if v := m["max_columns"]; v != nil {
		f := o.Field("max_columns").Value
		if i, ok := r.integer(v, join(key, "max_columns"), f.Low, f.High); ok {
			s.MaxColumns = i
		}
	}
	c := &columns{closed: m["columns"] != nil && s.OtherColumns != schema.Keep, byName: map[string]schema.Column{}}
	if v := m["partition_by"]; v != nil {
		// The names that it reserves; what it says is checked when the columns are known.
		for _, x := range v.items {
			c.hour = c.hour || x.text == "hour"
		}
	}
	if v := m["columns"]; v != nil {
		s.Columns = r.columns(v, join(key, "columns"), s.Envelope, c)
	}
	if v := m["derived"]; v != nil {
		s.Columns = append(s.Columns, r.derived(v, join(key, "derived"), c)...)
	}
	if v := m["rules"]; v != nil {
		s.Rules = r.rules(v, join(key, "rules"), c)
	}
	if v := m["event_time"]; v != nil {
		r.eventTime(v, join(key, "event_time"), &s)
	}
	if v := m["dedupe"]; v != nil {
		s.Dedupe = r.dedupe(v, join(key, "dedupe"), c)
	}
	if v := m["partition_by"]; v != nil {
		if p := r.partitionBy(v, join(key, "partition_by"), c); p != nil {
			s.PartitionBy = p
		}
	}
	r.checkMasks(&s, c)
	return s
}

func (r *reader) path(n *node, key string) schema.Path {
	const allowed = `keys joined by dots, such as data.device_id; a key that holds dots in quotes`
	s, ok := r.text(n, key, allowed)
	if !ok {
		return nil
	}
	p, err := schema.ParsePath(s)
	if err != nil {
		r.bad(n, key, err.Error(), allowed)
		return nil
	}
	return p
}

func (r *reader) eventTime(n *node, key string, s *Source) {
	if n.kind == scalar {
		_, s.Arrival = r.word(n, key, grammar.Source.Words("event_time")...)
		return
	}
	m := r.fields(n, key, grammar.EventTime)
	t := &s.EventTime
	if v := m["path"]; v != nil {
		t.Path = r.path(v, join(key, "path"))
		t.Formats = []string{timeparse.RFC3339, timeparse.Epoch, "%Y-%m-%d"}
	}
	if v := m["formats"]; v != nil {
		k := join(key, "formats")
		t.Formats = r.formats(v, k)
		if m["path"] == nil {
			r.bad(v, k, "formats needs path", "without a path the first run looks for the event time, in the formats rfc3339, epoch and %Y-%m-%d")
		}
	}
	if v := m["timezone"]; v != nil {
		t.Timezone = r.timezone(v, join(key, "timezone"))
	}
	if v := m["missing"]; v != nil {
		if w, ok := r.word(v, join(key, "missing"), grammar.EventTime.Words("missing")...); ok {
			t.Missing = w
		}
	}
	if v := m["min"]; v != nil {
		k := join(key, "min")
		const allowed = "a date such as 2000-01-01, or a time such as 2000-01-01T00:00:00Z"
		if text, ok := r.text(v, k, allowed); ok {
			if t.Min, ok = moment(text); !ok {
				r.bad(v, k, fmt.Sprintf("%q is no time", text), allowed)
			}
		}
	}
	if v := m["max_future"]; v != nil {
		k := join(key, "max_future")
		const allowed = "a duration such as 24h, 7d, 90m or 1d12h"
		if text, ok := r.text(v, k, allowed); ok {
			if t.MaxFuture, ok = duration(text); !ok {
				r.bad(v, k, fmt.Sprintf("%q is no duration", text), allowed)
			}
		}
	}
}

// moment reads a date or a time in milliseconds since 1970, UTC.
func moment(s string) (int64, bool) {
	if d, ok := timeparse.Date([]byte(s)); ok {
		return int64(d) * 86400000, true
	}
	l, err := timeparse.Compile(timeparse.RFC3339, nil)
	if err != nil {
		return 0, false
	}
	ms, _, ok := l.Parse([]byte(s))
	return ms, ok
}

// duration reads integers with a unit each, the larger units first, in milliseconds; at most 100 years.
func duration(s string) (int64, bool) {
	var total int64
	units := []struct {
		letter byte
		ms     int64
	}{{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}}
	for s != "" {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 || n > 10 || n == len(s) {
			return 0, false
		}
		for len(units) > 0 && units[0].letter != s[n] {
			units = units[1:]
		}
		if len(units) == 0 {
			return 0, false
		}
		v, err := strconv.ParseInt(s[:n], 10, 64)
		if err != nil {
			return 0, false
		}
		total += v * units[0].ms
		units = units[1:]
		s = s[n+1:]
	}
	return total, total <= 36500*86400000
}

func (r *reader) formats(n *node, key string) []string {
	items := r.texts(n, key, "a list of rfc3339, epoch, epoch_s, epoch_ms, epoch_us, epoch_ns and layouts such as \"%Y-%m-%d\"")
	for _, x := range items {
		if _, err := timeparse.Compile(x.text, nil); err != nil {
			problem, allowed, _ := strings.Cut(err.Error(), ": known are ")
			if allowed != "" {
				allowed = "allowed are " + allowed
			}
			r.bad(x.node, x.key, problem, allowed)
		}
	}
	return plain(items)
}

func (r *reader) timezone(n *node, key string) string {
	const allowed = "an IANA name such as UTC or Europe/Berlin"
	s, ok := r.text(n, key, allowed)
	if !ok {
		return ""
	}
	// Local is the machine's, which is not part of a lake.
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		r.bad(n, key, fmt.Sprintf("unknown time zone %q", s), allowed)
	}
	if s == "UTC" {
		return ""
	}
	return s
}

func (r *reader) dedupe(n *node, key string, c *columns) schema.Dedupe {
	d := schema.Dedupe{}.WithDefaults()
	if n.kind == scalar {
		_, none := r.word(n, key, grammar.Source.Words("dedupe")...)
		return schema.Dedupe{None: none}
	}
	m := r.fields(n, key, grammar.Dedupe)
	if v := m["key"]; v != nil {
		items := r.texts(v, join(key, "key"), "a list of columns")
		for _, x := range items {
			r.keyColumn(x, c)
		}
		d.Key = plain(items)
	}
	if v := m["scope"]; v != nil {
		k := join(key, "scope")
		const allowed = "allowed are table, partition, or a number of days such as 7d"
		if s, ok := r.text(v, k, allowed); ok {
			d.Scope = s
			if days, ok := d.Days(); s != schema.ScopeTable && s != schema.ScopePartition && (!ok || days > 36500) {
				r.bad(v, k, fmt.Sprintf("unknown scope %q", s), allowed)
			}
		}
	}
	if v := m["keep"]; v != nil {
		k := join(key, "keep")
		const allowed = "allowed are first, or {latest: column}"
		if v.kind == mapping {
			if x := r.fields(v, k, grammar.Keep)["latest"]; x != nil {
				k = join(k, "latest")
				if s, ok := r.text(x, k, "the name of a column"); ok {
					d.Keep, d.By = schema.KeepLatest, s
					r.latestColumn(item{x, k}, c)
				}
			}
		} else if s, ok := r.text(v, k, allowed); ok && s != schema.KeepFirst {
			r.bad(v, k, fmt.Sprintf("unknown value %q", s), allowed)
		}
	}
	return d
}

// The partition columns that come from the event time, each with the one that must stand before it.
var timeParts = map[string]string{"year": "source", "month": "year", "day": "month", "hour": "day"}

func (r *reader) partitionBy(n *node, key string, c *columns) []string {
	const allowed = "a list: source first, then year, month, day, hour or columns"
	items := r.texts(n, key, allowed)
	if len(items) == 0 {
		return nil
	}
	names := plain(items)
	if names[0] != "source" {
		r.bad(items[0].node, items[0].key, fmt.Sprintf("source must come first, this is %s", names[0]), allowed)
	}
	for i, x := range items {
		if x.text == "source" {
			continue
		}
		if before, ok := timeParts[x.text]; !ok {
			r.partitionColumn(x, c)
		} else if before != "source" && !slices.Contains(names[:i], before) {
			r.bad(x.node, x.key, fmt.Sprintf("%s needs %s before it", x.text, before), "year, month, day and hour stand in this order")
		}
	}
	return names
}
