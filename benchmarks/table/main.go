// Command table prints what `go test -bench` printed as a Markdown table, of each benchmark the fastest of its runs:
//
//	go test -run '^$' -bench . -benchtime 1x -count 5 ./benchmarks | go run ./benchmarks/table
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"datalake/benchmarks/process"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// columns are the units that have a column of their own, with its head; others stand in the last one.
var columns = []struct{ unit, head string }{
	{"ns/op", "time"}, {"MB/s", "MB/s"}, {"rows/s", "rows/s"}, {"B/op", "MB allocated"}, {"allocs/op", "allocations"},
}

// result is one benchmark's fastest run. Its name has the package before it, but for those of benchmarks.
type result struct {
	name   string
	values map[string]float64 // by unit
	units  []string           // in the order in which they came
}

var procs = regexp.MustCompile(`-\d+$`)

// read takes the lines of benchmarks and forgets the rest, unless something failed.
func read(in io.Reader) (all []*result, err error) {
	byName := map[string]*result{}
	lines := bufio.NewScanner(in)
	pkg := ""
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "pkg: datalake/"); ok {
			if pkg = name + ": "; name == "benchmarks" {
				pkg = ""
			}
		}
		f := strings.Fields(lines.Text())
		if len(f) > 0 && (f[0] == "FAIL" || strings.HasPrefix(lines.Text(), "--- FAIL")) {
			return nil, fmt.Errorf("a benchmark failed: %s", lines.Text())
		}
		if len(f) < 4 || len(f)%2 != 0 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		r := &result{name: pkg + nameOf(f[0]), values: map[string]float64{}}
		for i := 2; i < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("no figure: %s", lines.Text())
			}
			r.values[f[i+1]] = v
			r.units = append(r.units, f[i+1])
		}
		if old := byName[r.name]; old == nil {
			all = append(all, r)
			byName[r.name] = r
		} else if r.values["ns/op"] < old.values["ns/op"] {
			*old = *r
		}
	}
	if len(all) == 0 {
		err = errors.New("there are no benchmarks in the input")
	}
	return all, errors.Join(lines.Err(), err)
}

// nameOf makes a benchmark's name readable: RunSpilled/64_MiB is "run spilled, 64 MiB".
func nameOf(s string) string {
	s = procs.ReplaceAllString(strings.TrimPrefix(s, "Benchmark"), "")
	top, rest, more := strings.Cut(s, "/")
	top = regexp.MustCompile(`\B[A-Z]`).ReplaceAllString(top, " $0")
	if top = strings.ToLower(top); more {
		top += ", " + strings.NewReplacer("/", ", ", "_", " ").Replace(rest)
	}
	return top
}

func run(in io.Reader, out io.Writer) error {
	all, err := read(in)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s.\n\n| benchmark |", process.Machine())
	for _, c := range columns {
		fmt.Fprintf(out, " %s |", c.head)
	}
	fmt.Fprintf(out, " other |\n%s\n", strings.Repeat("| --- ", len(columns)+2)+"|")
	for _, r := range all {
		fmt.Fprintf(out, "| %s |", r.name)
		for _, c := range columns {
			fmt.Fprintf(out, " %s |", figure(r.values, c.unit))
		}
		var more []string
		for _, u := range r.units {
			if !slices.ContainsFunc(columns, func(c struct{ unit, head string }) bool { return c.unit == u }) {
				more = append(more, strconv.FormatFloat(r.values[u], 'g', 4, 64)+" "+u)
			}
		}
		fmt.Fprintf(out, " %s |\n", strings.Join(more, ", "))
	}
	return nil
}

// figure writes a value as its column has it; nothing where there is none.
func figure(values map[string]float64, unit string) string {
	v, ok := values[unit]
	switch {
	case !ok:
		return ""
	case unit == "ns/op":
		unit := time.Nanosecond
		for v/float64(unit) >= 1000 {
			unit *= 10
		}
		return time.Duration(v).Round(unit).String() // three digits
	case unit == "B/op":
		return strconv.FormatFloat(v/1e6, 'f', 1, 64)
	}
	return process.Grouped(int(v + 0.5))
}
