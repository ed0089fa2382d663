// Package complete tells a shell what may come next on a command line, and a person what a mistyped word may have meant.
//
// Which values a flag or an argument takes is told by its name, the same for all commands: TABLE, --source, --partition,
// --since. So a new command is completed without a word of its own.
package complete

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Shells are those that Script knows.
var Shells = []string{"bash", "zsh", "fish"}

// Lake gives the names in the lake that a command line is about. Each may fail, where there is no such lake; then nothing is
// offered.
type Lake struct {
	Tables, Sources, Partitions func(c *cobra.Command, args []string) ([]string, error)
}

// Script is what a shell loads to complete the command lines of root.
func Script(root *cobra.Command, shell string) (string, error) {
	var b bytes.Buffer
	var err error
	switch shell {
	case "bash":
		err = root.GenBashCompletionV2(&b, true)
	case "zsh":
		err = root.GenZshCompletion(&b)
	case "fish":
		err = root.GenFishCompletion(&b, true)
	default:
		err = fmt.Errorf("unknown shell %q", shell)
	}
	return b.String(), err
}

// Add gives all commands of a tree that say nothing of it themselves the completion of their flags and of their argument.
func Add(root *cobra.Command, l Lake) {
	for _, c := range root.Commands() {
		Add(c, l)
	}
	if c := root; c.ValidArgsFunction == nil && len(c.ValidArgs) == 0 {
		switch argument := argument(c); argument {
		case "TABLE":
			c.ValidArgsFunction = once(names(l.Tables))
		case "DIR", "FILE":
		default:
			c.ValidArgsFunction = nothing
		}
	}
	values := map[string]cobra.CompletionFunc{
		"source": names(l.Sources), "partition": names(l.Partitions),
		"log-format": fixed("text", "json"), "lake": folders, "tmp": folders, "memory": fixed("256MiB", "512MiB", "1GiB", "2GiB", "4GiB"),
		"config": files, "cpuprofile": files, "trace": files, "output": files,
	}
	each := func(f *pflag.Flag) {
		complete := values[f.Name]
		if complete == nil && f.Value.Type() != "bool" {
			complete = nothing
		}
		if complete != nil {
			// An error says that the flag has a completion of its own.
			_ = root.RegisterFlagCompletionFunc(f.Name, complete)
		}
	}
	root.LocalNonPersistentFlags().VisitAll(each)
	if !root.HasParent() {
		root.PersistentFlags().VisitAll(each)
	}
}

// argument is the name of a command's first argument, empty where it has none.
func argument(c *cobra.Command) string {
	for _, word := range strings.Fields(c.Use)[1:] {
		word = strings.Trim(word, "[]…")
		if word != "flags" && !strings.HasPrefix(word, "-") {
			return word
		}
	}
	return ""
}

func names(list func(*cobra.Command, []string) ([]string, error)) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if c.Context() == nil {
			c.SetContext(context.Background())
		}
		all, err := list(c, args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// once completes the first argument only.
func once(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nothing(c, args, begun)
		}
		return complete(c, args, begun)
	}
}

func fixed(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

func nothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// Hint is how a sentence about a mistyped word goes on: with the known words that it may have meant, each with prefix before it,
// and where to look: "; did you mean --lake? See etl run --help".
func Hint(word, prefix string, known []string, help string) string {
	c := &cobra.Command{SuggestionsMinimumDistance: 2}
	if len(word) < 4 {
		c.SuggestionsMinimumDistance = 1
	}
	for _, name := range known {
		c.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	like := c.SuggestionsFor(word)
	if len(like) == 0 {
		return "; see " + help + " --help"
	}
	return "; did you mean " + prefix + strings.Join(like, " or "+prefix) + "? See " + help + " --help"
}
