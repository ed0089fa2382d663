package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"datalake/benchmarks/process"
)

func (r *result) title() string {
	if r.version == "" {
		return r.name
	}
	name, rest, more := strings.Cut(r.name, ",")
	if name += " " + r.version; more {
		name += "," + rest
	}
	return name
}

// median is the value in the middle; of an even number of values the lower of the two.
func median[T any](of []process.Cost, by func(m process.Cost) T, compare func(a, b T) int) T {
	all := make([]T, 0, len(of))
	for _, m := range of {
		all = append(all, by(m))
	}
	slices.SortFunc(all, compare)
	return all[(len(all)-1)/2]
}

func compareTimes(a, b time.Duration) int { return int(a - b) }

func wall(m process.Cost) time.Duration { return m.Wall }
func cpu(m process.Cost) time.Duration  { return m.CPU }

func (r *result) wall() time.Duration { return median(r.runs, wall, compareTimes) }
func (r *result) cpu() time.Duration  { return median(r.runs, cpu, compareTimes) }

// spread is from the fastest to the slowest run.
func (r *result) spread() string {
	low, high := r.runs[0].Wall, r.runs[0].Wall
	for _, m := range r.runs {
		low, high = min(low, m.Wall), max(high, m.Wall)
	}
	return fmt.Sprintf("%.2f–%.2f", low.Seconds(), high.Seconds())
}

func (r *result) rss() (most int64) {
	for _, m := range r.runs {
		most = max(most, m.RSS)
	}
	return most
}

// table prints the result as Markdown.
func (b *bench) table(w io.Writer, verdict []string) {
	fastest, thriftiest := time.Duration(0), time.Duration(0) // of the peers, by wall and by CPU
	for _, r := range b.results {
		if len(r.runs) == 0 || r.failed != "" || r.ours() {
			continue
		}
		if t := r.wall(); fastest == 0 || t < fastest {
			fastest = t
		}
		if t := r.cpu(); thriftiest == 0 || t < thriftiest {
			thriftiest = t
		}
	}
	fmt.Fprintf(w, "%s records of %s data, seed %d: %.1f MB of NDJSON. %s.\n",
		process.Grouped(b.o.data.Records), b.o.data.Kind, b.o.data.Seed, float64(b.bytes)/1e6, process.Machine())
	fmt.Fprintf(w, "Median of %d runs in turn, highest peak; load of the system before the runs %s.\n\n", b.o.runs, between(b.loads))
	fmt.Fprintln(w, "| engine | wall s (from–to) | MB/s | CPU s | peak RSS MB | output MB (files) | speed, fastest peer = 1 | by CPU time |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range b.results {
		switch {
		case r.skipped != "":
			fmt.Fprintf(w, "| %s | left out: %s | | | | | | |\n", r.title(), r.skipped)
			continue
		case r.failed != "":
			fmt.Fprintf(w, "| %s | failed: %s | | | | | | |\n", r.title(), strings.ReplaceAll(r.failed, "|", `\|`))
			continue
		}
		fmt.Fprintf(w, "| %s | %.2f (%s) | %.0f | %.2f | %.0f | %.1f (%d) | %s | %s |\n", r.title(),
			r.wall().Seconds(), r.spread(), float64(b.bytes)/1e6/r.wall().Seconds(), r.cpu().Seconds(), float64(r.rss())/1e6, float64(r.size)/1e6, r.files,
			ratio(fastest, r.wall()), ratio(thriftiest, r.cpu()))
	}
	fmt.Fprintln(w)
	for _, v := range verdict {
		fmt.Fprintln(w, v)
	}
}

func ratio(of, to time.Duration) string {
	if of == 0 || to == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f×", float64(of)/float64(to))
}

func between(all []float64) string {
	if len(all) == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.1f–%.1f", slices.Min(all), slices.Max(all))
}
