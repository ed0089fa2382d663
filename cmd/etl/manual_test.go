package main

import (
	"bytes"
	"flag"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"datalake/cmd/etl/manual"
	"datalake/cmd/etl/screen"
)

var update = flag.Bool("update", false, "rewrite docs/man and docs/cli.md")

func testApp() *app {
	return &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, interrupted: &atomic.Bool{}}
}

// commands are all that people are told of.
func commands() []*cobra.Command { return manual.All(testApp().command()) }

// TestHelp: each command says what it does, with examples that it understands, and what its exit codes mean.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		name := c.CommandPath()
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: Short is %q: a line without a full stop", name, c.Short)
		}
		if !strings.Contains(c.Long, "Exit codes: 0 ") || len(c.Long) < 100 {
			t.Errorf("%s: Long does not say what the command does, or what its exit codes mean", name)
		}
		for line := range strings.Lines(c.Long) {
			if n := screen.Width(strings.TrimRight(line, "\n")); n > 88 {
				t.Errorf("%s: a line of %d columns: %s", name, n, line)
			}
		}
		if c.Example == "" {
			t.Errorf("%s: no Example", name)
		}
		for line := range strings.Lines(c.Example) {
			if err := understands(line); err != "" {
				t.Errorf("%s: example %q: %s", name, strings.TrimSpace(line), err)
			}
		}
	}
}

// understands says what is wrong with an example's command line, as far as that can be told without running it.
func understands(line string) string {
	_, line, ok := strings.Cut(strings.ReplaceAll(line, "<(", ""), "etl ")
	if !ok {
		return "no command line of etl"
	}
	words := strings.Fields(line)
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "|") || strings.HasPrefix(w, ">") || w == "#" }); i >= 0 {
		words = words[:i]
	}
	for i := range words {
		words[i] = strings.Trim(words[i], "')\"")
	}
	c, args, err := testApp().command().Find(words)
	if err != nil {
		return err.Error()
	}
	if !c.HasParent() {
		return "no such command"
	}
	if err := c.ParseFlags(args); err != nil {
		return err.Error()
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		return err.Error()
	}
	return ""
}

// TestNarrowHelp: help is readable on forty columns: only a word that is longer reaches beyond.
func TestNarrowHelp(t *testing.T) {
	for _, c := range commands() {
		for line := range strings.Lines(manual.Help(c, 40)) {
			line = strings.TrimRight(line, "\n")
			words := strings.Fields(line)
			if screen.Width(line) > 40 && len(words) > 1 && !strings.HasPrefix(words[0], "-") {
				t.Errorf("%s: a line of %d columns: %s", c.CommandPath(), screen.Width(line), line)
			}
		}
		if c.HasParent() && !strings.Contains(manual.Help(c, math.MaxInt), strings.TrimSpace(c.Long)) {
			t.Errorf("%s: the help on a wide terminal does not have the text as it was written", c.CommandPath())
		}
	}
}

// TestManual: docs/man and docs/cli.md say what the commands say. Rewritten by go test ./cmd/etl -run TestManual -update
func TestManual(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	want := map[string]string{"cli.md": "<!-- Written by go test ./cmd/etl -run TestManual -update -->\n" + manual.Markdown(testApp().command())}
	for _, c := range commands() {
		want[filepath.Join("man", manual.PageName(c)+".1")] = manual.Man(c)
	}
	if *update {
		if err := os.RemoveAll(filepath.Join(docs, "man")); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(docs, "man"), 0o777); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(docs, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := map[string]string{}
	pages, err := filepath.Glob(filepath.Join(docs, "man", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pages, filepath.Join(docs, "cli.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(docs, name)
		if err != nil {
			t.Fatal(err)
		}
		got[rel] = string(text)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("docs differ from the commands; go test ./cmd/etl -run TestManual -update\n%s", d)
	}
	if names := slices.Sorted(maps.Keys(got)); len(names) < 10 {
		t.Errorf("only %q", names)
	}
}
