package decode

import (
	"fmt"
	"slices"
	"strconv"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// finish fills the common columns.
func (r *naiveRecord) finish(root *tree, o batch.Origin) (rule string) {
	if r.misfit {
		return "type"
	}
	for i, c := range r.s.Columns {
		if _, ok := r.cells[i]; c.Required && !ok {
			return "required"
		}
	}
	late := func(it item) { // in the record's order
		at := slices.IndexFunc(root.kids, func(k *tree) bool { return k == it.t })
		place := len(r.items)
		for i := range r.items {
			if slices.Index(root.keys, r.items[i].path[0]) > at {
				place = i
				break
			}
		}
		r.items = slices.Insert(r.items, place, it)
	}
	arrived := o.Object.Arrived
	if v := root.get("ingested_at"); r.envelope && v != nil {
		format := "rfc3339"
		if v.kind == 0 {
			format = "epoch"
		}
		l, _ := timeparse.Compile(format, nil)
		if ms, sub, ok := l.Parse([]byte(v.text)); ok && (v.kind == 0 || v.kind == '"') {
			arrived = ms
			if sub > 0 {
				r.floored++
			}
		} else if v.leaves() {
			late(item{path: schema.Path{"ingested_at"}, t: v, column: true})
		}
	}
	r.cells[r.s.ByRole(schema.IngestedAt)] = strconv.FormatInt(arrived, 10)

	event, found := arrived, false
	if t := r.time; t != nil && (t.kind == 0 || t.kind == '"') {
		for _, f := range r.s.EventTime.Formats {
			l, _ := timeparse.Compile(f, nil)
			if ms, sub, ok := l.Parse([]byte(t.text)); ok && ms >= r.s.EventTime.Min && ms <= arrived+r.s.EventTime.MaxFuture {
				event, found = ms, true
				if sub > 0 {
					r.floored++
				}
				break
			}
		}
	}
	if !found {
		if r.s.EventTime.Missing == schema.MissingQuarantine {
			return "event_time"
		}
		r.count(r.s.Source).NoEventTime++
		if t := r.time; t != nil && t.leaves() && !slices.ContainsFunc(r.items, func(it item) bool { return it.t == t }) {
			it := item{path: r.s.EventTime.Path, t: t, column: true}
			// It goes where it stands in the record: before the first item that comes after it.
			var order []*tree
			var flat func(t *tree)
			flat = func(t *tree) {
				order = append(order, t)
				for _, k := range t.kids {
					flat(k)
				}
			}
			flat(root)
			place := slices.IndexFunc(r.items, func(x item) bool { return slices.Index(order, x.t) > slices.Index(order, t) })
			if place < 0 {
				place = len(r.items)
			}
			r.items = slices.Insert(r.items, place, it)
		}
	}
	r.cells[r.s.ByRole(schema.EventTime)] = strconv.FormatInt(event, 10)
	r.cells[r.s.ByRole(schema.Quality)] = "1"

	id := root.get("record_id")
	switch {
	case r.envelope && id != nil && (id.kind == '"' || id.kind == 0) && id.text != "":
		r.cells[r.s.ByRole(schema.RecordID)] = strconv.Quote(id.text)
	default:
		var skip []string
		if r.envelope {
			skip = []string{"record_id", "ingested_at"}
			if id != nil && id.leaves() && id.raw != `""` {
				late(item{path: schema.Path{"record_id"}, t: id, column: true})
			}
		}
		h, err := jsontext.Limits{}.Hash(jsontext.Pad([]byte(root.compact())), 0, skip...)
		if err != nil {
			panic(err)
		}
		r.cells[r.s.ByRole(schema.RecordID)] = fmt.Sprintf(`"%016x%016x"`, h[0], h[1])
	}
	return ""
}
