package decode

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// The naive decoder: what the package promises, on a tree made by encoding/json, one value at a time. It shares nothing with
// the real one but the times' layouts and the content's hash, which have tests of their own.

type naive struct {
	schemas tables
	bare    map[string]bool
	watched bool // an observer is there
	rows    map[string][]string
	told    []string
	rejects []string
	counts  map[string]*Counts
}

func (n *naive) count(source string) *Counts {
	if n.counts[source] == nil {
		n.counts[source] = &Counts{RescuedBy: map[string]int64{}}
	}
	return n.counts[source]
}

// chunk decodes a chunk of lines, one record a line.
func (n *naive) chunk(c *batch.Chunk) {
	text := string(c.Data[:len(c.Data)-jsontext.Padding])
	offset := 0
	for i, line := range strings.Split(text, "\n") {
		start := offset + len(line) - len(strings.TrimLeft(line, " \t\r"))
		offset += len(line) + 1
		if line = strings.Trim(line, " \t\r"); line == "" {
			continue
		}
		o := batch.Origin{Object: c.Object, Offset: c.Offset + int64(start)}
		if source, rule := n.record(line, o); rule != "" {
			n.count(source).Records++
			n.rejects = append(n.rejects, fmt.Sprintf("%s %d %s %s %d %s", c.Object.Key, o.Offset, source, rule, int64(i)+1, strings.TrimRight(line, " \t")))
		}
	}
}

// item is something for _rescued or the observer.
type item struct {
	path   schema.Path
	t      *tree
	column bool // a column is at the path
	told   bool
	drop   bool
}

type naiveRecord struct {
	*naive
	s        *schema.Schema
	envelope bool
	items    []item
	misfit   bool
	floored  int64
	cells    map[int]string
	time     *tree
}

// record gives the rule if the record is rejected.
func (n *naive) record(line string, o batch.Origin) (source, rule string) {
	folder := o.Object.Source
	switch {
	case !utf8.ValidString(line) && json.Valid([]byte(line)):
		return folder, "encoding"
	case !json.Valid([]byte(line)):
		if f, ok := (jsontext.Limits{}).Valid([]byte(line)).(*jsontext.Error); ok && f.Code == jsontext.Encoding {
			return folder, "encoding" // both may be true; the first fault counts
		}
		return folder, "json"
	case loneSurrogate.MatchString(pairs.ReplaceAllString(strings.ReplaceAll(line, `\\`, ""), "")):
		return folder, "encoding"
	}
	root, dropped := parseTree(line)
	if root.kind != '{' {
		return folder, "object"
	}
	r := naiveRecord{naive: n, cells: map[int]string{}}
	source = folder
	if data := root.get("data"); !n.bare[folder] && data != nil && data.kind == '{' {
		switch s := root.get("source"); {
		case s != nil && s.kind == '"' && s.text != "":
			r.envelope = true
			source = regexp.MustCompile(`[^a-z0-9_]`).ReplaceAllString(strings.ToLower(s.text), "_")
		case s == nil && (root.get("record_id") != nil || root.get("ingested_at") != nil):
			r.envelope = true
		}
	}
	r.s = n.schemas[source]
	r.walk(nil, root, r.s != nil && r.takesAll(nil))
	if r.s != nil {
		if rule := r.finish(root, o); rule != "" {
			return source, rule
		}
	}
	c := n.count(source)
	c.Records++
	c.DuplicateKeys += dropped
	c.Floored += r.floored
	if source != folder {
		c.SourceDiffers++
	}
	if n.watched {
		n.told = append(n.told, fmt.Sprintf("%s %v %s %d", source, r.envelope, o.Object.Key, o.Offset))
	}
	var rescued []string
	for _, it := range r.items {
		if !it.column {
			c.Unknown++
		}
		switch {
		case it.drop:
			c.Dropped++
		case it.told:
			if n.watched {
				n.told = append(n.told, "  "+it.path.String()+" "+it.t.compact())
			}
		default:
			rescued = append(rescued, string(jsontext.AppendQuoted(nil, []byte(it.path.String())))+":"+it.t.compact())
			if it.column {
				c.RescuedBy[it.path.String()]++
			}
		}
	}
	if r.s == nil {
		return source, ""
	}
	if rescued != nil {
		c.Rescued++
		r.cells[r.s.ByRole(schema.Rescued)] = strconv.Quote("{" + strings.Join(rescued, ",") + "}")
	}
	var cells []string
	for i := range r.s.Columns {
		if v, ok := r.cells[i]; ok {
			cells = append(cells, v)
		} else {
			cells = append(cells, "null")
		}
	}
	n.rows[source] = append(n.rows[source], fmt.Sprintf("%s %d: %s", o.Object.Key, o.Offset, strings.Join(cells, " | ")))
	return source, ""
}

var (
	pairs         = regexp.MustCompile(`(?i)\\ud[89ab]..\\ud[c-f]..`)
	loneSurrogate = regexp.MustCompile(`(?i)\\ud[89a-f]..`)
)

// below: some column, rescue path or the event time is at or below the path; at: exactly there.
func (r *naiveRecord) known(p schema.Path) (at []int, below bool) {
	for i, c := range r.s.Columns {
		if len(c.Path) >= len(p) && slices.Equal(c.Path[:len(p)], p) {
			if len(c.Path) == len(p) {
				at = append(at, i)
			} else {
				below = true
			}
		}
	}
	for _, q := range append(slices.Clone(r.s.Rescue), r.s.EventTime.Path) {
		if len(q) > len(p) && slices.Equal(q[:len(p)], p) {
			below = true
		}
	}
	return at, below
}

func (r *naiveRecord) takesAll(p schema.Path) bool {
	at, _ := r.known(p)
	return slices.ContainsFunc(at, func(i int) bool {
		k := r.s.Columns[i].Type.Kind
		return k == schema.JSON || k == schema.Map || k == schema.Struct
	})
}

// walk goes through the members of an object. silent: a column has them all.
func (r *naiveRecord) walk(p schema.Path, t *tree, silent bool) {
	for i, kid := range t.kids {
		path := append(slices.Clone(p), t.keys[i])
		if kid.kind == 'n' {
			continue
		}
		if len(p) == 0 && r.envelope && slices.Contains([]string{"record_id", "source", "ingested_at"}, t.keys[i]) {
			if r.s != nil && slices.Equal(path, r.s.EventTime.Path) {
				r.time = kid
			}
			continue
		}
		if r.s == nil {
			if kid.leaves() {
				r.items = append(r.items, item{path: path, t: kid, told: true})
			}
			continue
		}
		at, below := r.known(path)
		time := slices.Equal(path, r.s.EventTime.Path)
		if slices.ContainsFunc(r.s.Rescue, func(q schema.Path) bool { return slices.Equal(q, path) }) {
			if kid.leaves() {
				r.items = append(r.items, item{path: path, t: kid})
			}
			continue
		}
		into := kid.kind == '{' && below
		if time {
			r.time = kid
			if into {
				r.time = nil
			}
		}
		for _, i := range at {
			c := r.s.Columns[i]
			whole := c.Type.Kind == schema.JSON || c.Type.Kind == schema.Map || c.Type.Kind == schema.Struct
			if !whole && (into || !kid.leaves()) {
				continue
			}
			r.cell(i, path, kid, time)
		}
		switch {
		case into:
			r.walk(path, kid, silent || r.takesAll(path))
		case len(at) == 0 && !time && !silent && kid.leaves():
			it := item{path: path, t: kid}
			it.drop = r.s.OtherColumns == schema.Drop
			it.told = r.s.OtherColumns == schema.Keep && r.watched
			r.items = append(r.items, it)
		}
	}
}

func (r *naiveRecord) cell(i int, path schema.Path, t *tree, time bool) {
	c := r.s.Columns[i]
	var inner []item
	v, fits, exact := r.value(c, c.Type, path, t, &inner)
	if fits {
		r.cells[i] = v
	} else if r.s.OnTypeConflict == schema.Quarantine {
		r.misfit = true
	}
	if (!fits || !exact) && !slices.ContainsFunc(r.items, func(it item) bool { return it.t == t }) {
		r.items = append(r.items, item{path: path, t: t, column: true})
	}
	r.items = append(r.items, inner...)
}
