package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"datalake/benchmarks/process"
)

// The verdicts on a line.
const (
	passed    = "yes"
	failed    = "**no**"
	unjudged  = "not judged" // too small, or a figure that nothing is wanted of
	fullRatio = 0.5          // the size from which on ratios of time are judged
)

// line is a line of the table.
type line struct {
	check, what, got, want string
	verdict                string
}

// note is a figure that nothing is wanted of.
func note(what, got string) line { return line{what: what, got: got, verdict: unjudged} }

// judge gives a verdict; nothing is judged where that makes no sense.
func judge(what, got, want string, sense, good bool) line {
	l := line{what: what, got: got, want: want, verdict: passed}
	switch {
	case !sense:
		l.verdict = unjudged
	case !good:
		l.verdict = failed
	}
	return l
}

// ratio holds a over b against a bound; at least, where least is true.
func ratio(what string, a, b time.Duration, bound float64, least, sense bool) line {
	r, want := float64(a)/float64(max(b, 1)), fmt.Sprintf("≤ %.2f", bound)
	good := r <= bound
	if least {
		want, good = fmt.Sprintf("≥ %.2f", bound), r >= bound
	}
	return judge(what, fmt.Sprintf("%.2f (%s to %s)", r, seconds(a), seconds(b)), want, sense, good)
}

// memory holds a peak against a bound in bytes.
func memory(what string, peak, bound int64) line {
	return judge(what, megabytes(peak), "≤ "+megabytes(bound), true, peak <= bound)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// cost is what a run took, for a note.
func cost(c process.Cost) string {
	return fmt.Sprintf("%s wall, %s CPU, %s", seconds(c.Wall), seconds(c.CPU), megabytes(c.RSS))
}

func count(all []line, verdict string) (n int) {
	for _, l := range all {
		if l.verdict == verdict {
			n++
		}
	}
	return n
}

// table prints the lines as Markdown.
func (b *bench) table(w io.Writer, all []line) {
	fmt.Fprintf(w, "Size %g of the full one, seed %d. %s. Load of the system before the runs %.1f–%.1f.\n\n",
		b.o.size, b.o.seed, process.Machine(), slices.Min(append(b.loads, process.Load())), slices.Max(append(b.loads, 0)))
	fmt.Fprintln(w, "| check | what | measured | wanted | good |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- |")
	for _, l := range all {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", l.check, cell(l.what), cell(l.got), cell(l.want), l.verdict)
	}
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) }
