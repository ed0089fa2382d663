package lakefile

import (
	"fmt"
	"slices"
	"strings"

	"datalake/pkg/lakefile/grammar"
	"datalake/pkg/schema"
	"datalake/pkg/spell"
)

// columns is what a source's other keys may name.
type columns struct {
	// byName holds the declared ones and those of their nanoseconds.
	byName map[string]schema.Column
	// broken: a declared column could not be read, so that a name that is not there may be its name.
	broken bool
	// closed: no columns but those here and the common ones will be there.
	closed bool
	// hour: hour is a partition column.
	hour bool
	// coming are the names of derived columns that no expression sees yet.
	coming []string
	// masks are the declared columns that are masked, with the place of the mask.
	masks []masked
}

// declared is a column as it is read, before it has its name.
type declared struct {
	schema.Column
	at  *node
	key string
	ns  bool
	// mask is the place of its mask, if it has one.
	mask item
}

// masked is a masked column.
type masked struct {
	schema.Column
	at item
}

func (r *reader) columns(n *node, key, envelope string, c *columns) []schema.Column {
	if n.kind != list {
		r.bad(n, key, "a list is needed, this is "+n.kind.String(), "a list of {path, name, type, …}")
		c.broken = true
		return nil
	}
	all := make([]declared, 0, len(n.items))
	for i, x := range n.items {
		d, ok := r.column(x, fmt.Sprintf("%s[%d]", key, i+1), envelope, c.hour)
		if !ok {
			c.broken = true
		}
		all = append(all, d)
	}
	r.checkPaths(all)
	r.nameColumns(all, envelope, c)
	var out []schema.Column
	for _, d := range all {
		if d.Path == nil || d.Name == "" {
			continue
		}
		out = append(out, d.Column)
		if d.mask.node != nil {
			c.masks = append(c.masks, masked{d.Column, d.mask})
		}
		if d.ns {
			out = append(out, schema.Column{
				Name: d.Name + "_ns", Type: schema.Type{Kind: schema.Bigint}, Role: schema.NS, Path: d.Path, Formats: d.Formats, Timezone: d.Timezone, Declared: true,
			})
		}
	}
	return out
}

// column reads one column; ok is false if its name may be wrong for it.
func (r *reader) column(n *node, key, envelope string, hour bool) (d declared, ok bool) {
	before := len(r.errs)
	d.Declared, d.at, d.key = true, n, key
	if n.kind == null {
		r.bad(n, key, "the column is empty", "a column is {path, type, …}")
		return d, false
	}
	o := grammar.Column
	m := r.fields(n, key, o)
	if n.kind != mapping {
		return d, false
	}
	if v := m["path"]; v != nil {
		if d.Path = r.path(v, join(key, "path")); d.Path != nil && envelope != EnvelopeNone {
			if k := d.Path[0]; len(d.Path) == 1 && (k == "record_id" || k == "source" || k == "ingested_at") {
				r.bad(v, join(key, "path"), fmt.Sprintf("%s of an envelope feeds a common column", k), "records without an envelope need envelope: none")
			}
		}
	}
	if v := m["type"]; v != nil {
		d.Type = r.columnType(v, join(key, "type"))
	}
	if v := m["name"]; v != nil {
		d.Name = r.columnName(v, join(key, "name"), hour)
	}
	if v := m["required"]; v != nil {
		d.Required = r.boolean(v, join(key, "required"))
	}
	timed := hasTime(d.Type)
	for _, k := range []string{"formats", "timezone"} {
		if v := m[k]; v != nil && !timed && d.Type.Kind != 0 {
			r.bad(v, join(key, k), fmt.Sprintf("%s is for timestamps and dates, this column is %s", k, d.Type), "")
			delete(m, k)
		}
	}
	if v := m["formats"]; v != nil {
		d.Formats = r.formats(v, join(key, "formats"))
	}
	if v := m["timezone"]; v != nil {
		d.Timezone = r.timezone(v, join(key, "timezone"))
	}
	if v := m["keep"]; v != nil {
		k := join(key, "keep")
		if _, ok := r.word(v, k, o.Words("keep")...); ok {
			if d.ns = d.Type.Kind == schema.Timestamp; !d.ns && d.Type.Kind != 0 {
				r.bad(v, k, fmt.Sprintf("keep: ns is for timestamps, this column is %s", d.Type), "")
			}
		}
	}
	d.Clean, d.Check = r.clean(m, key, d.Type), r.check(m, o, key, d.Type)
	if d.Clean != nil && d.Clean.Mask != nil {
		d.mask = item{m["mask"], join(key, "mask")}
	}
	return d, len(r.errs) == before
}

func hasTime(t schema.Type) bool {
	switch t.Kind {
	case schema.Timestamp, schema.Date:
		return true
	case schema.List, schema.Map:
		return hasTime(*t.Elem)
	case schema.Struct:
		return slices.ContainsFunc(t.Fields, func(f schema.Field) bool { return hasTime(f.Type) })
	}
	return false
}

func (r *reader) columnType(n *node, key string) schema.Type {
	const allowed = "allowed are string, boolean, int, bigint, float, double, decimal(p,s), date, timestamp, binary, json, list<…>, map<string,…>, struct<name:type,…>"
	s, ok := r.text(n, key, allowed)
	if !ok {
		return schema.Type{}
	}
	t, err := schema.ParseType(s)
	if err != nil {
		problem, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), fmt.Sprintf("type %q: ", s)), "; known are ")
		if near := spell.Nearest(s, []string{"string", "boolean", "int", "bigint", "float", "double", "decimal", "date", "timestamp", "binary", "json"}); near != "" && strings.HasPrefix(problem, "unknown type") {
			problem += fmt.Sprintf(", did you mean %s?", near)
		}
		r.bad(n, key, problem, allowed)
	}
	return t
}

func (r *reader) columnName(n *node, key string, hour bool) string {
	const allowed = "a name has small letters, digits and _, and begins with no digit"
	s, ok := r.text(n, key, allowed)
	if !ok {
		return ""
	}
	if clean := schema.PlainName(schema.Path{s}, false); clean != s {
		r.bad(n, key, fmt.Sprintf("%q is no name of a column, write %s", s, clean), allowed)
		return ""
	}
	if slices.Contains(schema.Reserved(), s) || hour && s == "hour" {
		r.bad(n, key, fmt.Sprintf("the name %s is reserved", s), "choose another")
		return ""
	}
	if len(s) > 255 {
		r.bad(n, key, "the name is longer than 255 bytes", allowed)
		return ""
	}
	return s
}

// checkPaths refuses a path that is there twice or lies inside another column's value.
func (r *reader) checkPaths(all []declared) {
	byPath := map[string]declared{}
	for _, d := range all {
		if d.Path == nil {
			continue
		}
		if first, ok := byPath[d.Path.String()]; ok {
			r.bad(d.at, d.key, fmt.Sprintf("%s is column %s already, in line %d", d.Path, first.key, first.at.line), "a path feeds one column")
			continue
		}
		byPath[d.Path.String()] = d
	}
	for _, d := range all {
		for i := 1; i < len(d.Path); i++ {
			if outer, ok := byPath[d.Path[:i].String()]; ok {
				r.bad(d.at, d.key, fmt.Sprintf("%s lies inside the value of column %s, in line %d", d.Path, outer.key, outer.at.line), "a value feeds one column")
			}
		}
	}
}

// nameColumns gives every column its name and fills c.
func (r *reader) nameColumns(all []declared, envelope string, c *columns) {
	taken := map[string]bool{}
	add := func(d declared) {
		names := []string{d.Name}
		if d.ns {
			names = append(names, d.Name+"_ns")
		}
		for _, n := range names {
			if taken[n] {
				r.bad(d.at, d.key, fmt.Sprintf("the name %s is that of another column", n), "give one of them another name")
			}
			taken[n] = true
		}
		c.byName[d.Name] = d.Column
		if d.ns {
			c.byName[d.Name+"_ns"] = schema.Column{Type: schema.Type{Kind: schema.Bigint}}
		}
	}
	if c.hour {
		taken["hour"] = true
	}
	var unnamed []int
	var paths []schema.Path
	seen := map[string]bool{}
	for i, d := range all {
		switch {
		case d.Name != "":
			add(d)
		case d.Path != nil && !seen[d.Path.String()]:
			seen[d.Path.String()] = true
			unnamed = append(unnamed, i)
			paths = append(paths, d.Path)
		}
	}
	for i, n := range schema.Names(paths, envelope != EnvelopeNone, taken) {
		d := &all[unnamed[i]]
		if d.Name = n.Name; n.Changed {
			r.warn(d.at.line, d.at.col, d.key, n.Why)
		}
		add(*d)
	}
}

// find gives the column that a key names. It reports one that cannot be there; ok is false if nothing is known of it.
func (r *reader) find(x item, c *columns) (schema.Column, bool) {
	for _, common := range schema.Common("", schema.Enveloped).Columns {
		if common.Name == x.text {
			return common, true
		}
	}
	if d, ok := c.byName[x.text]; ok {
		return d, true
	}
	problem := fmt.Sprintf("no column %s", x.text)
	switch {
	case schema.PlainName(schema.Path{x.text}, false) != x.text:
		if p, err := schema.ParsePath(x.text); err == nil {
			for name, d := range c.byName {
				if d.Path.String() == p.String() {
					problem += fmt.Sprintf(", the column of this path is %s", name)
				}
			}
		}
		r.bad(x.node, x.key, problem, "columns stand here by name, not by path")
	case c.closed && !c.broken:
		names := []string{"record_id", "event_time", "ingested_at"}
		for n := range c.byName {
			names = append(names, n)
		}
		slices.Sort(names)
		if near := spell.Nearest(x.text, names); near != "" {
			problem += fmt.Sprintf(", did you mean %s?", near)
		}
		r.bad(x.node, x.key, problem, "other_columns is not keep, so that only declared and common columns are there")
	}
	return schema.Column{}, false
}

func (r *reader) keyColumn(x item, c *columns) {
	if x.text == "source" || timeParts[x.text] != "" {
		r.bad(x.node, x.key, fmt.Sprintf("%s is a partition column", x.text), "a key has columns of the table; scope: partition counts keys within a partition")
		return
	}
	col, ok := r.find(x, c)
	if !ok {
		return
	}
	switch {
	case col.Role == schema.Quality || col.Role == schema.Rescued:
		r.bad(x.node, x.key, fmt.Sprintf("%s is made by the engine", x.text), "a key has columns that come with the records")
	case col.Type.Kind == schema.List || col.Type.Kind == schema.Map || col.Type.Kind == schema.Struct:
		r.bad(x.node, x.key, fmt.Sprintf("column %s is %s", x.text, col.Type), "a key has columns of single values")
	}
}

func (r *reader) latestColumn(x item, c *columns) {
	col, ok := r.find(x, c)
	if !ok {
		return
	}
	switch col.Type.Kind {
	case 0, schema.Timestamp, schema.Date, schema.Int, schema.Bigint, schema.Float, schema.Double, schema.Decimal:
		if col.Role != schema.Quality {
			return
		}
	}
	r.bad(x.node, x.key, fmt.Sprintf("column %s is %s", x.text, col.Type), "latest goes by a timestamp, date or number that comes with the records")
}

func (r *reader) partitionColumn(x item, c *columns) {
	col, ok := r.find(x, c)
	if !ok {
		return
	}
	if col.Role != schema.Data && col.Role != schema.Derived {
		r.bad(x.node, x.key, fmt.Sprintf("%s is a common column", x.text), "allowed are source, year, month, day, hour and the source's own columns")
		return
	}
	switch col.Type.Kind {
	case 0, schema.String, schema.Boolean, schema.Int, schema.Bigint, schema.Date:
	default:
		r.bad(x.node, x.key, fmt.Sprintf("column %s is %s", x.text, col.Type), "a partition column is string, boolean, int, bigint or date")
	}
}
