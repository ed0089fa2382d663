package golden

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"datalake/etl"
)

var update = flag.Bool("update", false, "rewrite the expectations of the golden cases")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const casesDir = "../../testdata/golden"

// Every case gives what it says it gives; the same files under other settings; and nothing when it is run once more.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(casesDir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 60 {
		t.Fatalf("%d cases in %s, at least 60 belong there", len(names), casesDir)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c, err := parseCase(text)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				got, err := c.play(t.Context(), settings{parallel: 1})
				if err != nil {
					t.Fatal(err)
				}
				c.rewrite(got)
				if err := os.WriteFile(name, txtar.Format(c.archive), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			c.check(t)
		})
	}
}

// outcome is what there is after a run.
type outcome struct {
	result  *etl.Result
	err     error
	tables  map[string]*table
	rejects []reject
}

// play makes the runs of a case on a new lake, and one more, which must find nothing to do. It stops after a run that fails.
func (c *testCase) play(ctx context.Context, s settings) (outcomes []outcome, err error) {
	l := newLake(s)
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

// check compares all that the case expects.
func (c *testCase) check(t *testing.T) {
	got, err := c.play(t.Context(), settings{parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	var in, out int64
	for i, o := range got {
		c.compare(t, i, o)
		if o.err != nil {
			return
		}
		r := o.result
		if r.RecordsIn != r.RecordsOut+r.Duplicates+r.Quarantined {
			t.Errorf("run %d does not balance: %s", i+1, balanceText(r))
		}
		in, out = in+r.RecordsIn, out+r.RecordsOut-r.Replaced
		var rows int64
		for _, t := range o.tables {
			rows += t.n
		}
		if rows != out {
			t.Errorf("after run %d the tables have %d rows, the runs say %d", i+1, rows, out)
		}
	}
	for _, s := range []settings{{parallel: 2}, {parallel: 8, memory: 1}} {
		other, err := c.play(t.Context(), s)
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		for i := range got {
			if d := cmp.Diff(files(got[i]), files(other[i])); d != "" {
				t.Errorf("%+v: other files after run %d (-parallel 1, +this):\n%s", s, i+1, d)
			}
			if d := cmp.Diff(balanceText(got[i].result), balanceText(other[i].result)); d != "" {
				t.Errorf("%+v: another balance of run %d (-parallel 1, +this):\n%s", s, i+1, d)
			}
		}
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
func (c *testCase) compare(t *testing.T, i int, o outcome) {
	t.Helper()
	has := map[string]bool{}
	for _, e := range c.runs[i].expects {
		has[e.kind] = true
		if e.kind == kindError {
			for line := range strings.Lines(string(e.file.Data)) {
				if o.err == nil || !strings.Contains(o.err.Error(), strings.TrimSpace(line)) {
					t.Errorf("run %d: error %v, want one that says %q", i+1, o.err, strings.TrimSpace(line))
				}
			}
			continue
		}
		if o.err != nil {
			t.Fatalf("run %d: %v", i+1, o.err)
		}
		if d := cmp.Diff(string(e.file.Data), e.text(o)); d != "" {
			t.Errorf("run %d: %s (-want +got):\n%s", i+1, plainName(e.file.Name), d)
		}
	}
	switch {
	case has[kindError]:
	case o.err != nil:
		t.Fatalf("run %d: %v", i+1, o.err)
	case !has[kindBalance]:
		t.Errorf("run %d: the case does not say its balance: %s", i+1, balanceText(o.result))
	case i == len(c.runs)-1 && !has[kindRejects] && len(o.rejects) > 0 && !c.hidesRejects():
		t.Errorf("run %d: the case does not say its rejects:\n%s", i+1, rejectsText(o.rejects))
	}
}

// hidesRejects says whether a case's comment takes leave to list no rejects, because there are too many.
func (c *testCase) hidesRejects() bool {
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
func (c *testCase) rewrite(got []outcome) {
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
