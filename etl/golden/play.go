package golden

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"datalake/etl"
	"datalake/pkg/lakefile"
)

// Options say on what cases are played. NewStore is needed.
type Options struct {
	// Lake is the lake file of cases that have none of their own; nil: all defaults.
	Lake *lakefile.File
	// Lookup gives the values of variables in the lake files of cases, and the salts of masks; nil: none is set.
	Lookup func(name string) (string, bool)
	// NewStore gives an empty store. It is called for each lake that is made, and dropped with it.
	NewStore func() Store
}

// Difference is one thing in which what came out is not what a case says.
type Difference struct {
	// Run counts from 1.
	Run int `json:"run"`
	// Section of the case, such as balance or "rows s"; empty where it is about the run as a whole.
	Section string `json:"section,omitempty"`
	// Text says it in words, or shows both: lines that begin with - are the case's, those with + came out.
	Text string `json:"text"`
}

// outcome is what there is after a run.
type outcome struct {
	result  *etl.Result
	err     error
	tables  map[string]*table
	rejects []reject
}

// play makes the runs of a case on a new lake, and one more, which must find nothing to do. It stops after a run that fails.
func (c *Case) play(ctx context.Context, s settings, opt Options) (outcomes []outcome, err error) {
	l := openLake(s, opt)
	for i, r := range c.runs {
		if err := l.land(ctx, r.objects); err != nil {
			return nil, err
		}
		o := outcome{}
		if r.lake != nil {
			o.err = l.configure(r.lake)
		}
		if o.err == nil {
			o.result, o.err = l.run(ctx)
		}
		if o.tables, err = l.tables(ctx); err != nil {
			return nil, fmt.Errorf("after run %d: %w", i+1, err)
		}
		if o.rejects, err = l.rejects(ctx); err != nil {
			return nil, fmt.Errorf("after run %d: %w", i+1, err)
		}
		outcomes = append(outcomes, o)
		if o.err != nil {
			return outcomes, nil
		}
	}
	again, err := l.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("one run more: %w", err)
	}
	if again.Decided != 0 || again.RecordsIn != 0 {
		return nil, fmt.Errorf("one run more was not idle: %+v", again)
	}
	return outcomes, nil
}

// Check plays the case and gives all in which it differs: what its sections say; the balance of each run; and that the same
// files come out with two and with eight goroutines, with no memory to spare. An error says that the case could not be played.
func (c *Case) Check(ctx context.Context, o Options) ([]Difference, error) {
	got, err := c.play(ctx, settings{parallel: 1}, o)
	if err != nil {
		return nil, err
	}
	d := &differences{}
	var out int64
	for i, o := range got {
		d.run = i + 1
		c.compare(d, i, o)
		if o.err != nil {
			return d.all, nil
		}
		r := o.result
		if r.RecordsIn != r.RecordsOut+r.Duplicates+r.Quarantined {
			d.add("", "the run does not balance: %s", balanceText(r))
		}
		out += r.RecordsOut - r.Replaced
		var rows int64
		for _, t := range o.tables {
			rows += t.n
		}
		if rows != out {
			d.add("", "the tables have %d rows, the runs say %d", rows, out)
		}
	}
	for _, s := range []settings{{parallel: 2}, {parallel: 8, memory: 1}} {
		other, err := c.play(ctx, s, o)
		if err != nil {
			return nil, fmt.Errorf("%+v: %w", s, err)
		}
		for i := range got {
			d.run = i + 1
			what := fmt.Sprintf("other files with %+v than with one goroutine", s)
			d.diff("", what, lines(files(got[i])), lines(files(other[i])))
			d.diff("", what, balanceText(got[i].result), balanceText(other[i].result))
		}
	}
	return d.all, nil
}

// differences gathers them.
type differences struct {
	run int
	all []Difference
}

func (d *differences) add(section, format string, args ...any) {
	d.all = append(d.all, Difference{d.run, section, fmt.Sprintf(format, args...)})
}

// diff adds the difference of two texts, if there is one.
func (d *differences) diff(section, what, want, got string) {
	if want != got {
		_, text, _ := strings.Cut(string(diff.Diff("want", []byte(want), "got", []byte(got))), "+++ got\n")
		d.add(section, "%s", strings.TrimPrefix(what+"\n", "\n")+text)
	}
}

func files(o outcome) (names []string) {
	for _, t := range o.tables {
		names = append(names, t.files...)
	}
	slices.Sort(names)
	return names
}

// compare holds what a run gave against what the case expects of it.
func (c *Case) compare(d *differences, i int, o outcome) {
	has := map[string]bool{}
	for _, e := range c.runs[i].expects {
		has[e.kind] = true
		switch {
		case e.kind == kindError:
			for line := range strings.Lines(string(e.file.Data)) {
				if o.err == nil {
					d.add(kindError, "the run succeeded, it should fail: %s", strings.TrimSpace(line))
				} else if !strings.Contains(o.err.Error(), strings.TrimSpace(line)) {
					d.add(kindError, "the error is %q, it should say %q", o.err, strings.TrimSpace(line))
				}
			}
		case o.err == nil:
			d.diff(plainName(e.file.Name), "", string(e.file.Data), e.text(o))
		}
	}
	switch {
	case has[kindError]:
	case o.err != nil:
		d.add("", "the run failed: %v", o.err)
	case !has[kindBalance]:
		d.add(kindBalance, "the case does not say its balance: %s", balanceText(o.result))
	case i == len(c.runs)-1 && !has[kindRejects] && len(o.rejects) > 0 && !c.hidesRejects():
		d.add(kindRejects, "the case does not say its rejects:\n%s", rejectsText(o.rejects))
	}
}

// Update makes the case say what comes out. Sections that are there are rewritten in place; those that are missing are added.
func (c *Case) Update(ctx context.Context, o Options) error {
	got, err := c.play(ctx, settings{parallel: 1}, o)
	if err != nil {
		return err
	}
	c.rewrite(got)
	now, err := Parse(c.Format()) // with the sections that were added
	if err == nil {
		*c = *now
	}
	return err
}

// Format gives the case's text.
func (c *Case) Format() []byte { return txtar.Format(c.archive) }

// Title is the first line of the case: what it shows.
func (c *Case) Title() string {
	title, _, _ := strings.Cut(strings.TrimSpace(string(c.archive.Comment)), "\n")
	return title
}

// hidesRejects says whether a case's comment takes leave to list no rejects, because there are too many.
func (c *Case) hidesRejects() bool {
	return strings.Contains(string(c.archive.Comment), "(rejects not listed)")
}

// text is what a section ought to say after a run that gave o.
func (e *expect) text(o outcome) string {
	switch e.kind {
	case kindBalance:
		return balanceText(o.result) + "\n"
	case kindRejects:
		return rejectsText(o.rejects)
	case kindWarnings:
		return lines(o.result.Warnings)
	}
	t := o.tables[e.source]
	switch {
	case t == nil:
		return "no such table\n"
	case e.kind == kindSchema:
		return schemaText(t.schema)
	}
	return lines(t.rows)
}

func lines(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return strings.Join(s, "\n") + "\n"
}

func rejectsText(rs []reject) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, r := range rs {
		if err := enc.Encode(r); err != nil {
			return err.Error()
		}
	}
	return b.String()
}

// balanceText is a run's balance, and what else it counted if there was any.
func balanceText(r *etl.Result) string {
	if r == nil {
		return "failed"
	}
	text := fmt.Sprintf("in=%d out=%d duplicates=%d quarantined=%d rescued=%d", r.RecordsIn, r.RecordsOut, r.Duplicates, r.Quarantined, r.Rescued)
	var duplicateKeys, floored, sourceDiffers int64
	for _, t := range r.Tables {
		duplicateKeys += t.DuplicateKeys
		floored += t.Floored
		sourceDiffers += t.SourceDiffers
	}
	for _, c := range []struct {
		name string
		n    int64
	}{{"replaced", r.Replaced}, {"duplicate_keys", duplicateKeys}, {"floored", floored}, {"source_differs", sourceDiffers}} {
		if c.n != 0 {
			text += fmt.Sprintf(" %s=%d", c.name, c.n)
		}
	}
	failed := map[string]int64{}
	for _, t := range r.Tables {
		for rule, n := range t.Checks {
			failed[rule] += n
		}
	}
	for _, rule := range slices.Sorted(keys(failed)) {
		text += fmt.Sprintf(" failed:%s=%d", rule, failed[rule])
	}
	return text
}

// rewrite makes the case say what the runs gave. Sections that are there are rewritten in place; a missing balance is added,
// and so are rejects, and schema and rows of all tables where the case shows none.
func (c *Case) rewrite(got []outcome) {
	var added []txtar.File
	shows := false
	for i, o := range got {
		last := i == len(c.runs)-1
		prefix := ""
		if !last {
			prefix = fmt.Sprintf("%d/", i+1)
		}
		has := map[string]bool{}
		for _, e := range c.runs[i].expects {
			has[e.kind] = true
			shows = shows || e.kind == kindRows || e.kind == kindSchema
			if e.kind != kindError && o.err == nil {
				e.file.Data = []byte(e.text(o))
			}
		}
		if o.err != nil {
			if !has[kindError] {
				added = append(added, txtar.File{Name: prefix + kindError, Data: []byte(o.err.Error() + "\n")})
			}
			continue
		}
		add := func(name string, e expect) {
			added = append(added, txtar.File{Name: prefix + name, Data: []byte(e.text(o))})
		}
		if last && !shows {
			for _, source := range slices.Sorted(keys(o.tables)) {
				add(kindSchema+" "+source, expect{kind: kindSchema, source: source})
				add(kindRows+" "+source, expect{kind: kindRows, source: source})
			}
		}
		if last && !has[kindRejects] && len(o.rejects) > 0 && !c.hidesRejects() {
			add(kindRejects, expect{kind: kindRejects})
		}
		if !has[kindBalance] {
			add(kindBalance, expect{kind: kindBalance})
		}
	}
	c.archive.Files = append(c.archive.Files, added...)
}
