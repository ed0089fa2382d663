package lakefile

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"datalake/pkg/lakefile/grammar"
	"datalake/pkg/schema"
	"datalake/pkg/spell"
)

// Curated is a data set that is made of the rows of one source.
type Curated struct {
	// From is the source's name.
	From string
	// Where is an expression that takes rows; empty: all.
	Where string
	Joins []Join
	// GroupBy and Measures make one row of each group; both empty: the rows stay.
	GroupBy  []Group
	Measures []Measure
	// PartitionBy names the partition columns in order, source first.
	PartitionBy []string
}

// Join puts the columns of a file beside the rows.
type Join struct {
	// Dim is the file, below the lake's root; On the columns that both have.
	Dim string
	On  []string
	// Type is left or inner.
	Type string
}

// Group is a column to group by; where Unit is hour, day, month or year, the column's time cut to it.
type Group struct {
	Column, Unit string
}

// Measure is a column that is computed of a group.
type Measure struct {
	Name string
	// Function is count, count_distinct, sum, avg, min, max or quantile.
	Function string
	// Column is the operand; empty: count() of rows.
	Column string
	// Quantile is the share below the result, 0 to 1, of a quantile.
	Quantile float64
}

// curated reads one data set. Its source is in f already, if it is declared.
func (r *reader) curated(n *node, key string, f *File) Curated {
	o := grammar.Curated
	out := Curated{PartitionBy: []string{"source", "year", "month"}}
	m := r.fields(n, key, o)
	c := &columns{byName: map[string]schema.Column{}}
	if v := m["from"]; v != nil {
		k := join(key, "from")
		if s, ok := r.text(v, k, "the name of a source"); ok {
			out.From = s
			if clean := schema.CleanSource(s); clean != s {
				r.bad(v, k, fmt.Sprintf("a source's name has small letters, digits and _: write %s", clean), "")
			}
			src, declared := f.Sources[s]
			if near := spell.Nearest(s, slices.Sorted(maps.Keys(f.Sources))); !declared && near != "" {
				r.warn(v.line, v.col, k, fmt.Sprintf("no source %s is declared, did you mean %s? It is taken for one of the raw zone", s, near))
			}
			for _, x := range src.Columns {
				c.byName[x.Name] = x
			}
			c.closed = len(src.Columns) > 0 && src.OtherColumns != schema.Keep
		}
	}
	if v := m["join"]; v != nil {
		r.objects(v, join(key, "join"), grammar.Join, func(m map[string]*node, _ *node, key string) {
			out.Joins = append(out.Joins, r.join(m, key, c))
			c.closed = false // a dimension brings columns of its own
		})
	}
	if v := m["where"]; v != nil {
		k := join(key, "where")
		if p := r.expression(v, k, c, true); p != nil {
			r.condition(v, k, p)
			out.Where = p.Text
		}
	}
	if v := m["group_by"]; v != nil {
		out.GroupBy = r.groups(v, join(key, "group_by"), c)
	}
	if v := m["measures"]; v != nil {
		out.Measures = r.measures(v, join(key, "measures"), c)
	}
	for _, pair := range [][2]string{{"group_by", "measures"}, {"measures", "group_by"}} {
		if v := m[pair[0]]; v != nil && m[pair[1]] == nil {
			r.bad(v, join(key, pair[0]), fmt.Sprintf("%s needs %s", pair[0], pair[1]), "")
		}
	}
	if v := m["partition_by"]; v != nil {
		if p := r.partitionBy(v, join(key, "partition_by"), c); p != nil {
			out.PartitionBy = p
		}
	}
	r.warn(n.line, n.col, key, "the engine does not make curated data sets yet")
	return out
}

func (r *reader) join(m map[string]*node, key string, c *columns) Join {
	j := Join{Type: "left"}
	if v := m["dim"]; v != nil {
		k := join(key, "dim")
		const allowed = "a CSV or Parquet file below the lake's root, such as dims/devices.csv"
		if s, ok := r.text(v, k, allowed); ok {
			if ext := path.Ext(s); ext != ".csv" && ext != ".parquet" || path.IsAbs(s) || strings.HasPrefix(path.Clean(s), "..") || strings.Contains(s, "://") {
				r.bad(v, k, fmt.Sprintf("%q is no such file", s), allowed)
			}
			j.Dim = s
		}
	}
	if v := m["on"]; v != nil {
		items := r.texts(v, join(key, "on"), "a list of columns")
		for _, x := range items {
			r.find(x, c)
		}
		j.On = plain(items)
	}
	if v := m["type"]; v != nil {
		if w, ok := r.word(v, join(key, "type"), grammar.Join.Words("type")...); ok {
			j.Type = w
		}
	}
	return j
}

func (r *reader) groups(n *node, key string, c *columns) []Group {
	const allowed = "a list of columns, and of {hour: column}, {day: …}, {month: …}, {year: …}"
	items := []*node{n}
	if n.kind == list {
		if items = n.items; len(items) == 0 {
			r.bad(n, key, "the list is empty", allowed)
		}
	}
	var out []Group
	for i, x := range items {
		k := key
		if n.kind == list {
			k = fmt.Sprintf("%s[%d]", key, i+1)
		}
		if x.kind != mapping {
			if s, ok := r.text(x, k, allowed); ok {
				if s != "source" {
					r.find(item{x, k}, c)
				}
				out = append(out, Group{Column: s})
			}
			continue
		}
		m := r.fields(x, k, grammar.Group)
		if len(x.entries) != 1 {
			r.bad(x, k, fmt.Sprintf("a group has one unit, here are %d", len(x.entries)), allowed)
			continue
		}
		for unit, v := range m {
			k := join(k, unit)
			s, ok := r.text(v, k, "the name of a timestamp column")
			if !ok {
				continue
			}
			if col, ok := r.find(item{v, k}, c); ok && col.Type.Kind != schema.Timestamp && col.Type.Kind != schema.Date {
				r.bad(v, k, fmt.Sprintf("column %s is %s", s, col.Type), "a timestamp or date can be cut to a unit of time")
			}
			out = append(out, Group{Column: s, Unit: unit})
		}
	}
	return out
}

// call is a measure: a function with its operands.
const call = `^([a-z_]+)\(\s*([^,()]*?)\s*(?:,\s*([^,()]*?)\s*)?\)$`

var functions = []string{"count", "count_distinct", "sum", "avg", "min", "max", "quantile"}

func (r *reader) measures(n *node, key string, c *columns) []Measure {
	const allowed = "allowed are count(), count(x), count_distinct(x), sum(x), avg(x), min(x), max(x), quantile(x, q)"
	if n.kind != mapping {
		r.bad(n, key, "a map is needed, this is "+n.kind.String(), "its keys are names of columns; "+allowed)
		return nil
	}
	var out []Measure
	for _, e := range n.entries {
		k := join(key, e.key)
		if clean := schema.PlainName(schema.Path{e.key}, false); clean != e.key {
			r.fail(e.line, e.col, k, fmt.Sprintf("%q is no name of a column, write %s", e.key, clean), "")
		}
		s, ok := r.text(e.value, k, allowed)
		if !ok {
			continue
		}
		x := Measure{Name: e.key}
		m := regexp.MustCompile(call).FindStringSubmatch(s)
		if m == nil {
			r.bad(e.value, k, fmt.Sprintf("%q is no measure", s), allowed)
			continue
		}
		x.Function, x.Column = m[1], m[2]
		switch {
		case !slices.Contains(functions, x.Function):
			problem := "no function " + x.Function
			if near := spell.Nearest(x.Function, functions); near != "" {
				problem += fmt.Sprintf(", did you mean %s?", near)
			}
			r.bad(e.value, k, problem, allowed)
			continue
		case x.Column == "" && x.Function != "count":
			r.bad(e.value, k, x.Function+" needs a column", allowed)
			continue
		case (m[3] != "") != (x.Function == "quantile"):
			takes := "one column"
			if x.Function == "quantile" {
				takes = "a column and a share"
			}
			r.bad(e.value, k, x.Function+" takes "+takes, allowed)
			continue
		}
		if x.Function == "quantile" {
			q, err := strconv.ParseFloat(m[3], 64)
			if err != nil || q < 0 || q > 1 {
				r.bad(e.value, k, fmt.Sprintf("%s is no share", m[3]), "a quantile's second operand is a number from 0 to 1")
			}
			x.Quantile = q
		}
		if x.Column != "" {
			at := *e.value
			at.text = x.Column
			if col, ok := r.find(item{&at, k}, c); ok && slices.Contains([]string{"sum", "avg", "quantile"}, x.Function) && !numeric(col.Type) {
				r.bad(e.value, k, fmt.Sprintf("column %s is %s", x.Column, col.Type), x.Function+" is of numbers")
			}
		}
		out = append(out, x)
	}
	return out
}

func numeric(t schema.Type) bool {
	switch t.Kind {
	case schema.Int, schema.Bigint, schema.Float, schema.Double, schema.Decimal:
		return true
	}
	return false
}
