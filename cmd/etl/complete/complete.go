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
	if root.ValidArgsFunction == nil && len(root.ValidArgs) == 0 {
		root.ValidArgsFunction = l.arguments(arguments(root))
	}
	values := map[string]cobra.CompletionFunc{
		"source": offer(l.Sources), "partition": offer(l.Partitions),
		"log-format": fixed("text", "json"), "lake": folders, "tmp": folders, "memory": fixed("256MiB", "512MiB", "1GiB", "2GiB", "4GiB"),
		"config": files, "cpuprofile": files, "trace": files, "output": files, "out": files, "junit": files,
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

// arguments are the names of a command's arguments, as its Use says: TABLE, DIR|FILE...
func arguments(c *cobra.Command) []string {
	var out []string
	for _, word := range strings.Fields(c.Use)[1:] {
		word = strings.Trim(word, "[]")
		if word == "flags" || strings.HasPrefix(word, "-") {
			break
		}
		out = append(out, word)
	}
	return out
}

// arguments completes the arguments of these names, one after the other. A last one that ends in dots may stand many times.
func (l Lake) arguments(names []string) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		i := len(args)
		if last := len(names) - 1; i > last && last >= 0 && strings.HasSuffix(names[last], "...") {
			i = last
		}
		switch {
		case i >= len(names):
		case names[i] == "TABLE":
			return offer(l.Tables)(c, args, begun)
		case names[i] == "DIR":
			return folders(c, args, begun)
		case names[i] == "OTHER", strings.Contains(names[i], "FILE"), strings.Contains(names[i], "DIR"):
			return files(c, args, begun)
		}
		return nothing(c, args, begun)
	}
}

func offer(list func(*cobra.Command, []string) ([]string, error)) cobra.CompletionFunc {
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
