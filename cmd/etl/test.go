package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"datalake/etl/golden"
	"datalake/pkg/lakefile"
	"datalake/pkg/storage/memory"
)

const testCodes = `
Exit codes: 0 all cases came out as they say, 1 some did not, or failed, 2 bad usage
or config, 130 interrupted.`

// tested is what became of one case.
type tested struct {
	Name        string              `json:"case"`
	Title       string              `json:"title,omitempty"`
	OK          bool                `json:"ok"`
	Updated     bool                `json:"updated,omitempty"`
	Differences []golden.Difference `json:"differences,omitempty"`
	Error       string              `json:"error,omitempty"`
	Seconds     float64             `json:"seconds"`
}

func (a *app) testCommand() *cobra.Command {
	var update bool
	var pattern, junit string
	c := a.wrap(&cobra.Command{
		Use: "test DIR|FILE... [flags]", Short: "Play golden cases against the lake file",
		Long: `Plays the cases in a folder (all *.txt below it) or in files: each says in plain text
which raw objects go in, and which rows, rejects and counts must come out. A case
without a lake.yaml of its own is played on the lake file (-c, or <lake>/lake.yaml).
Nothing but the cases is read, and nothing is written but with --update: that makes
the cases say what comes out, for you to read before you believe it. "etl init --test"
writes a first one.`,
		Example: "  etl test tests\n  etl test tests -c lake.yaml --run 'orders|clicks'\n  etl test tests --update",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs a folder or files with cases", c.CommandPath())
			}
			return nil
		},
	}, testCodes, func(ctx context.Context, args []string) error {
		only, err := regexp.Compile(pattern)
		if err != nil {
			return usage(fmt.Errorf("--run: %w", err))
		}
		names, err := caseFiles(args)
		if err != nil {
			return err
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !only.MatchString(caseName(name)) })
		if len(names) == 0 {
			return usage(fmt.Errorf("no cases in %s: a case is a file *.txt, and its name must match --run", strings.Join(args, ", ")))
		}
		root, err := folder(a.lake)
		if err != nil {
			return err
		}
		file, err := a.lakeFile(root, lakefile.Load)
		if err != nil {
			return usage(err)
		}
		return a.test(ctx, names, update, junit, golden.Options{Lake: file, Lookup: os.LookupEnv, NewStore: func() golden.Store { return memory.New() }})
	})
	f := c.Flags()
	f.BoolVar(&update, "update", false, "rewrite what the cases expect by what comes out")
	f.StringVar(&pattern, "run", "", "play only cases whose name matches this regular `expression`")
	f.StringVar(&junit, "junit", "", "write the results to this `file`, as JUnit XML")
	return c
}

// caseFiles are the files that hold cases, each once, in the order of their names.
func caseFiles(args []string) (names []string, err error) {
	for _, arg := range args {
		err := filepath.WalkDir(arg, func(name string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && (name == arg || filepath.Ext(name) == ".txt") {
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			return nil, usage(fmt.Errorf("find cases: %w", err))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// caseName is a case's file without folder and ending.
func caseName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txt") }

// test plays cases and tells what came out.
func (a *app) test(ctx context.Context, names []string, update bool, junit string, o golden.Options) error {
	var all []tested
	failed, updated := 0, 0
	for _, name := range names {
		began := time.Now()
		r, err := playCase(ctx, name, update, o)
		if err != nil {
			return err
		}
		r.Seconds = time.Since(began).Seconds()
		all = append(all, r)
		if r.Updated {
			updated++
		}
		if !r.OK {
			failed++
		}
		if !a.console.json {
			if err := printCase(a, r); err != nil {
				return err
			}
		}
	}
	if junit != "" {
		if err := writeJUnit(junit, all); err != nil {
			return err
		}
	}
	a.event("cases played", "cases", len(all), "failed", failed, "updated", updated)
	if a.console.json {
		if err := a.object(map[string]any{"cases": all, "failed": failed, "updated": updated}); err != nil {
			return err
		}
	}
	a.say("%s: %s", plural(len(all), "case", "cases"), count(len(all)-failed)+" as they say")
	if failed > 0 {
		a.say(", %s not", count(failed))
	}
	if updated > 0 {
		a.say("; %s rewritten: read the difference before you believe it", count(updated))
	}
	a.say(".\n")
	if failed > 0 {
		return errFindings
	}
	return nil
}

// playCase plays one case. The error is one of the disk, or the context's; what is wrong with the case is in the result.
func playCase(ctx context.Context, name string, update bool, o golden.Options) (r tested, err error) {
	r.Name = name
	text, err := os.ReadFile(name)
	if err != nil {
		return r, fmt.Errorf("read case: %w", err)
	}
	c, err := golden.Parse(text)
	if err != nil {
		r.Error = err.Error()
		return r, nil
	}
	r.Title = c.Title()
	if update {
		if err := c.Update(ctx, o); err != nil {
			r.Error = err.Error()
			return r, ctx.Err()
		}
		if now := c.Format(); !bytes.Equal(now, text) {
			r.Updated = true
			if err := os.WriteFile(name, now, 0o666); err != nil {
				return r, fmt.Errorf("write case: %w", err)
			}
		}
	}
	if r.Differences, err = c.Check(ctx, o); err != nil {
		r.Error = err.Error()
	}
	r.OK = err == nil && len(r.Differences) == 0
	return r, ctx.Err()
}

// printCase shows a case that did not come out as it says, or was rewritten.
func printCase(a *app, r tested) error {
	p := &printer{w: a.out}
	if r.Updated {
		p.printf("updated  %s\n", r.Name)
	}
	if !r.OK {
		p.printf("FAILED   %s: %s\n", r.Name, r.Title)
	}
	if r.Error != "" {
		p.printf("  %s\n", indented(r.Error))
	}
	for _, d := range r.Differences {
		where := d.Section
		if where == "" {
			where = "as a whole"
		}
		p.printf("  run %d, %s\n    %s\n", d.Run, where, strings.ReplaceAll(indented(d.Text), "\n", "\n  "))
	}
	return p.err
}

// indented puts two spaces before all lines but the first.
func indented(s string) string { return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ") }

// junitSuite is the part of JUnit's XML that CI systems read.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func writeJUnit(file string, all []tested) error {
	suite := junitSuite{Name: "etl test", Tests: len(all)}
	for _, r := range all {
		c := junitCase{Name: caseName(r.Name), File: r.Name, Time: fmt.Sprintf("%.3f", r.Seconds)}
		if !r.OK {
			suite.Failures++
			var text strings.Builder
			if err := printCase(&app{out: &text}, r); err != nil {
				return err
			}
			c.Failure = &junitFailure{r.Title, text.String()}
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err == nil {
		err = os.WriteFile(file, slices.Concat([]byte(xml.Header), text, []byte("\n")), 0o666)
	}
	if err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return nil
}
