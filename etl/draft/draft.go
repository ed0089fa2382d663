package draft

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"datalake/etl"
	"datalake/etl/forecast"
	"datalake/pkg/lakefile"
	"datalake/pkg/schema"
)

// ErrNothing: there are no records to make a lake file of.
var ErrNothing = errors.New("no records")

// Options say how a draft is written. The zero value is fine.
type Options struct {
	// Raw is the URL of the raw zone for the file's zones; empty: the file names no zones, as the one in a lake.
	Raw string
	// Look says, in the file, what was looked at.
	Look string
}

// Draft is a lake file that was made from data.
type Draft struct {
	// Text of the file.
	Text []byte
	// Result of the run without a file.
	Result *etl.Result
	// Sources of the tables, in order, with what the file says of each.
	Sources []Source
}

// Source is what a draft says of one source.
type Source struct {
	Name   string
	Schema *schema.Schema
	// Left says why columns or envelope are left to inference, for a run with them declared would give other tables; empty: they are not.
	Left string

	table    etl.Table
	profile  *profile
	records  string // suggested records_at; empty: none
	declared declared
}

// declared is how much of a source the file declares.
type declared uint8

const (
	allDeclared     declared = iota
	autoEnvelope             // the envelope is auto
	nothingDeclared          // and the columns stand in comments
)

// Make looks at the raw zone of the job, or at Job.Sample records of it, and drafts a lake file. Of the job's zones only raw is looked at;
// a lake file in it is not heeded. Nothing is written. Errors: ErrNothing, those of etl.Run.
func Make(ctx context.Context, job etl.Job, o Options) (d *Draft, err error) {
	job = forecast.Alone(job)
	job.Lake = nil
	plain, err := forecast.Try(ctx, job)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	if len(plain.Tables) == 0 {
		return nil, ErrNothing
	}
	d = &Draft{Result: plain.Result}
	for _, t := range plain.Tables {
		s := Source{Name: t.Source, Schema: t.Schema}
		for _, x := range plain.Result.Tables {
			if x.Source == t.Source {
				s.table = x
			}
		}
		if s.profile, err = profileOf(ctx, plain, t); err != nil {
			return nil, err
		}
		s.records = s.holder(plain.Result)
		d.Sources = append(d.Sources, s)
	}
	for {
		d.Text = d.render(o)
		again, err := d.differ(ctx, job, plain)
		if err != nil || !again {
			return d, err
		}
	}
}

// differ runs the draft and says whether it gave other tables than the run without it: then less of the sources concerned is declared.
func (d *Draft) differ(ctx context.Context, job etl.Job, plain *forecast.Trial) (again bool, err error) {
	file, err := lakefile.Parse("draft", d.Text, nil)
	var faults lakefile.Errors
	switch {
	case errors.As(err, &faults):
		for _, f := range faults {
			name, _, _ := strings.Cut(strings.TrimPrefix(f.Key, "sources."), ".")
			why, _, _ := strings.Cut(f.Problem, ", in line ")
			again = d.retreat(strings.Trim(name, `"`), nothingDeclared, why) || again
		}
		if !again {
			return false, fmt.Errorf("the draft is no lake file: %w", err)
		}
		return true, nil
	case err != nil:
		return false, err
	}
	job.Lake, job.Progress = file, nil
	t, err := forecast.Try(ctx, job)
	if err != nil {
		return false, fmt.Errorf("run the draft: %w", err)
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	for _, source := range plain.Differ(t) {
		again = d.retreat(source, autoEnvelope, "a run with the envelope declared gives other rows") ||
			d.retreat(source, nothingDeclared, "a run with these columns declared gives other rows") || again
	}
	return again, nil
}

// retreat declares less of a source; false: it is not there, or so little is declared already.
func (d *Draft) retreat(source string, to declared, why string) bool {
	for i := range d.Sources {
		if s := &d.Sources[i]; s.Name == source && s.declared < to {
			s.declared, s.Left = to, why
			return true
		}
	}
	return false
}

// holder is the path of the array that holds the records, where that is evident: each object is one record, and just one of its fields is an
// array of objects, always.
func (s *Source) holder(r *etl.Result) string {
	if s.table.RecordsIn > int64(r.Objects) || len(r.Tables) > 1 && s.table.RecordsIn > 10 {
		return ""
	}
	found := ""
	for i, c := range s.Schema.Columns {
		p := s.profile.columns[i]
		if c.Role != schema.Data || c.Type.Kind != schema.JSON || p.arrays == 0 || p.arrays < p.texts || s.Schema.Envelope != schema.Bare {
			continue
		}
		if found != "" {
			return ""
		}
		found = c.Path.String()
	}
	return found
}

// Example is a golden case for the draft: two made-up records of each source, one of them sent twice, and a broken line. It holds nothing
// of the data. What comes out is for golden.Case.Update to fill in.
func (d *Draft) Example() []byte {
	var b strings.Builder
	b.WriteString("Two records of each source, the second sent twice, and a broken line.\n\nThey are made up from the columns. Put records of your own in their place, then let etl test --update\nsay what comes out, and read it before you believe it.\n\n")
	for _, s := range d.Sources {
		fmt.Fprintf(&b, "-- raw/%s/example.json --\n", s.Name)
		one, two := s.record(1), s.record(2)
		fmt.Fprintf(&b, "%s\n%s\n%s\n{\"broken\n", one, two, two)
	}
	return []byte(b.String())
}

// record makes record number n up.
func (s *Source) record(n int) string {
	root := &object{}
	if s.Schema.Envelope == schema.Enveloped {
		root.set(schema.Path{"record_id"}, fmt.Sprintf(`"example-%d"`, n))
		root.set(schema.Path{"source"}, fmt.Sprintf("%q", s.Name))
		root.set(schema.Path{"ingested_at"}, `"2025-03-01T10:00:00Z"`)
		root.at("data")
	}
	if p := s.Schema.EventTime.Path; p != nil {
		root.set(p, fmt.Sprintf(`"2025-03-01T09:00:0%dZ"`, n))
	}
	columns := slices.Clone(s.Schema.Columns)
	slices.SortStableFunc(columns, func(a, b schema.Column) int { return cmp.Compare(len(b.Path), len(a.Path)) })
	for _, c := range columns {
		if c.Role == schema.Data {
			root.set(c.Path, valueOf(c.Type, n))
		}
	}
	return root.String()
}

func valueOf(t schema.Type, n int) string {
	switch t.Kind {
	case schema.Boolean:
		return "true"
	case schema.Bigint, schema.Int:
		return fmt.Sprint(n)
	case schema.Double, schema.Float:
		return fmt.Sprintf("%d.5", n)
	case schema.Date:
		return fmt.Sprintf(`"2025-03-0%d"`, n)
	case schema.Timestamp:
		return fmt.Sprintf(`"2025-03-01T08:00:0%dZ"`, n)
	case schema.List:
		return "[" + valueOf(*t.Elem, n) + "]"
	case schema.JSON:
		return fmt.Sprintf(`[{"n":%d}]`, n)
	}
	return fmt.Sprintf(`"text %d"`, n)
}

// object is a JSON object whose members keep their order.
type object struct {
	keys   []string
	values map[string]string
	kids   map[string]*object
}

// at gives the object of a key; nil if there is another value.
func (o *object) at(key string) *object {
	if o.values[key] != "" {
		return nil
	}
	if o.kids[key] == nil {
		if o.kids == nil {
			o.kids = map[string]*object{}
		}
		o.kids[key] = &object{}
		o.keys = append(o.keys, key)
	}
	return o.kids[key]
}

// set puts a value at a path, unless there is one there, or above, or below.
func (o *object) set(p schema.Path, value string) {
	for ; len(p) > 1; p = p[1:] {
		if o = o.at(p[0]); o == nil {
			return
		}
	}
	if o.kids[p[0]] != nil || o.values[p[0]] != "" {
		return
	}
	if o.values == nil {
		o.values = map[string]string{}
	}
	o.values[p[0]] = value
	o.keys = append(o.keys, p[0])
}

func (o *object) String() string {
	parts := make([]string, len(o.keys))
	for i, k := range o.keys {
		v := o.values[k]
		if kid := o.kids[k]; kid != nil {
			v = kid.String()
		}
		parts[i] = quoted(k) + ":" + v
	}
	return "{" + strings.Join(parts, ",") + "}"
}
