package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"datalake/etl/report/profile"
	"datalake/pkg/commitlog"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// WritePage writes the report as one HTML file. lake is what its readers call the lake.
func WritePage(w io.Writer, r *Report, lake string) error {
	t, err := template.New("page").Funcs(functions).Parse(pageText)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	page := struct {
		*Report
		Lake  string
		Style template.CSS
	}{r, lake, template.CSS(pageStyle)}
	if err := t.Execute(w, page); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// functions are what the page calls.
var functions = template.FuncMap{
	"count": count, "handled": handled, "bytes": size, "percent": percent, "width": width, "plural": plural, "duration": duration,
	"title": title, "date": func(t time.Time) string { return t.Format("2006-01-02 15:04:05") + " UTC" },
	"phases": phases, "parts": parts, "seconds": seconds, "longest": longest, "spent": spent,
	"outline": outline, "edge": edge, "describe": describe, "unique": unique,
	"sub": func(a, b int) int { return a - b }, "more": more, "top": top, "brief": brief,
	"rules": samples,
	"acts":  func(act string) string { return acts[act] },
}

var acts = map[string]string{commitlog.New: "new", commitlog.Add: "added to", commitlog.Swap: "rewritten"}

// count writes a number with commas.
func count(v any) string {
	s, negative := strings.CutPrefix(fmt.Sprint(v), "-")
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if negative {
		return "−" + s
	}
	return s
}

// handled is how many records an entry's parts are shares of.
func handled(t Totals) int64 { return max(t.In, t.Out+t.Duplicates) }

// plural writes a number with its noun, which takes an s where there are many.
func plural(v any, noun string) string {
	if fmt.Sprint(v) == "1" {
		return "1 " + noun
	}
	return count(v) + " " + noun + "s"
}

// size writes bytes in decimal units.
func size(n int64) string {
	f, unit := float64(n), 0
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	for f >= 999.95 && unit < len(units)-1 {
		f /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[unit])
}

// percent writes a share; what is not nothing and not all does not read as such.
func percent(n, of int64) string {
	if of == 0 || n == 0 {
		return "0 %"
	}
	switch share := 100 * float64(n) / float64(of); {
	case n == of:
		return "100 %"
	case share < 0.1:
		return "< 0.1 %"
	case share > 99.9:
		return "> 99.9 %"
	default:
		return strconv.FormatFloat(share, 'f', 1, 64) + " %"
	}
}

// width is a share as the width of a bar, in percent.
func width(n, of int64) string {
	if of <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*float64(n)/float64(of), 'f', 3, 64)
}

func duration(s float64) string {
	switch {
	case s < 1:
		return fmt.Sprintf("%.0f ms", 1000*s)
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	case s < 120:
		return fmt.Sprintf("%.1f s", s)
	}
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}

func title(kind string) string {
	if kind == "" {
		return "Entry"
	}
	return strings.ToUpper(kind[:1]) + kind[1:]
}

// phases are the steps that follow each other; parts are those that ran within them.
func phases(w *commitlog.Work) []commitlog.Step { return steps(w, false) }
func parts(w *commitlog.Work) []commitlog.Step  { return steps(w, true) }

func steps(w *commitlog.Work, parts bool) []commitlog.Step {
	var out []commitlog.Step
	for _, s := range w.Steps {
		if strings.Contains(s.Name, ": ") == parts {
			out = append(out, s)
		}
	}
	return out
}

func seconds(steps []commitlog.Step) (sum float64) {
	for _, s := range steps {
		sum += s.Seconds
	}
	return sum
}

func longest(steps []commitlog.Step) (most float64) {
	for _, s := range steps {
		most = max(most, s.Seconds)
	}
	return most
}

// spent is a share of time as the width of a bar, in percent.
func spent(s, of float64) string {
	if of == 0 {
		return "0"
	}
	return strconv.FormatFloat(100*s/of, 'f', 2, 64)
}

// barHeight is the height of a histogram, in units of its drawing.
const barHeight = 24

// outline is a histogram as an SVG path: a bar a bin, at least one unit high where there is a value.
func outline(bins []profile.Bin) string {
	most := int64(1)
	for _, b := range bins {
		most = max(most, b.Count)
	}
	var p strings.Builder
	for i, b := range bins {
		if b.Count == 0 {
			continue
		}
		h := math.Max(1, barHeight*float64(b.Count)/float64(most))
		fmt.Fprintf(&p, "M%.2f %dv-%.2fh.86v%.2fz", float64(i)+0.07, barHeight, h, h)
	}
	return p.String()
}

// edge writes an edge of a histogram's bins as people read the column's values.
func edge(kind string, v float64) string {
	switch {
	case kind == "timestamp" && math.Abs(v) < 1e17:
		return time.UnixMilli(int64(v)).UTC().Format("2006-01-02 15:04")
	case kind == "date" && math.Abs(v) < 1e9:
		return profile.FormatTime(int64(v) * 86_400_000)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// describe says what a histogram shows, for those who do not see it.
func describe(c Column) string {
	most := c.Histogram[0]
	for _, b := range c.Histogram {
		if b.Count > most.Count {
			most = b
		}
	}
	return fmt.Sprintf("Histogram of %s in %d bins; the fullest, from %s to %s, holds %s values.", c.Name, len(c.Histogram), edge(c.Type, most.Lo), edge(c.Type, most.Hi), count(most.Count))
}

// top are the most frequent values, fewer where no few of them are frequent.
func top(c Column) []profile.Value {
	if c.Distinct > 30 {
		return c.Top[:min(len(c.Top), 3)]
	}
	return c.Top
}

// more says how many values there are beyond n; empty where there are none.
func more(distinct int64, n int) string {
	if distinct <= int64(n) {
		return ""
	}
	return count(distinct - int64(n))
}

// brief cuts a value that would take more than a line or two.
func brief(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}

// unique says that no value occurs twice.
func unique(c Column) bool { return c.Exact && c.Distinct > 1 && c.Distinct == c.Rows-c.Nulls }

// ruleSamples are a rule with its samples.
type ruleSamples struct {
	Count
	Samples []Reject
}

func samples(s Source) []ruleSamples {
	out := make([]ruleSamples, len(s.Rules))
	for i, c := range s.Rules {
		out[i].Count = c
		for _, r := range s.Rejects {
			if r.Rule == c.Name {
				out[i].Samples = append(out[i].Samples, r)
			}
		}
	}
	return out
}
