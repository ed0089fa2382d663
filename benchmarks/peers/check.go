package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"datalake/benchmarks/process"
	"datalake/benchmarks/python"
)

// check reads back what an engine wrote; why says why that could not be done.
func (b *bench) check(ctx context.Context, e engine) (rows map[string][2]any, why string) {
	name, err := b.writeJob(e.key+"-check", python.Job{Output: b.output(e), IDsOnly: e.inferred})
	if err != nil {
		return nil, err.Error()
	}
	c := process.Command(ctx, b.python(python.Main), filepath.Join(b.dir, "scripts", "check.py"), name)
	text, err := c.Output()
	if err != nil {
		return nil, fmt.Sprintf("read back: %v", err)
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, fmt.Sprintf("read back: %v", err)
	}
	return rows, ""
}

// compare holds what all engines wrote against the first one's, and says for people what came out; differ is set where they
// are not the same. Of engines without a lake file only the ids can be compared, by source; counts of the others are summed
// up for that.
func (b *bench) compare() (verdict []string) {
	var first, firstIDs *result
	for _, r := range b.results {
		if r.skipped != "" || r.failed != "" || len(r.runs) == 0 {
			continue
		}
		if r.rows == nil {
			verdict = append(verdict, fmt.Sprintf("%s was not checked: %s.", r.title(), r.checked))
			continue
		}
		if r.inferred {
			firstIDs = r
			continue
		}
		if first == nil {
			first = r
			continue
		}
		if d := difference(first.rows, r.rows); d != "" {
			b.differ = true
			verdict = append(verdict, fmt.Sprintf("**%s and %s differ**: %s.", first.title(), r.title(), d))
		}
	}
	if first == nil {
		return append(verdict, "Nothing was compared.")
	}
	if !b.differ {
		verdict = append(verdict, fmt.Sprintf("All that were checked wrote the same rows: %d in %d partitions.", total(first.rows), len(first.rows)))
	}
	if firstIDs != nil {
		if n, want := total(firstIDs.rows), total(first.rows); n == want {
			verdict = append(verdict, fmt.Sprintf("Without a lake file the first record is kept, not the latest; its number of rows is the same: %d.", n))
		} else {
			b.differ = true
			verdict = append(verdict, fmt.Sprintf("**%s wrote %d rows, %d are right.**", firstIDs.title(), n, want))
		}
	}
	return verdict
}

func total(rows map[string][2]any) (n int64) {
	for _, r := range rows {
		n += int64(r[0].(float64))
	}
	return n
}

// difference names the first partition in which two results differ; "" where none does.
func difference(a, b map[string][2]any) string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, p := range slices.Sorted(maps.Keys(all)) {
		x, y := a[p], b[p]
		switch {
		case x[0] != y[0]:
			return fmt.Sprintf("in %s %v rows and %v", p, orZero(x[0]), orZero(y[0]))
		case x[1] != y[1]:
			return fmt.Sprintf("in %s %v rows both, but other values", p, x[0])
		}
	}
	return ""
}

func orZero(n any) any {
	if n == nil {
		return 0
	}
	return n
}
