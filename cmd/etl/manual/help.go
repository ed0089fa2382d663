// Package manual writes the help of a command from what the command and its flags say of themselves: for a terminal of any
// width, as a man page, and as Markdown.
package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"datalake/cmd/etl/screen"
)

// Help is what --help prints, with no line wider than width where words allow it. Flags of all commands come last.
func Help(c *cobra.Command, width int) string {
	var b strings.Builder
	long := strings.TrimSpace(c.Long)
	if width < textWidth {
		long = screen.Reflow(long, width)
	}
	b.WriteString(long)
	fmt.Fprintf(&b, "\n\nUsage:\n%s\n", screen.Wrap("  "+usageLine(c), width))
	if c.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", screen.Wrap(c.Example, width))
	}
	if commands := visible(c); len(commands) > 0 {
		b.WriteString("\nCommands:\n")
		names := 0
		for _, x := range commands {
			names = max(names, len(x.Name()))
		}
		for _, x := range commands {
			text := screen.Wrap(x.Short, max(width-names-4, 16))
			fmt.Fprintf(&b, "  %-*s  %s\n", names, x.Name(), strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", names+4)))
		}
	}
	flags(&b, "Flags", c.LocalNonPersistentFlags(), width)
	common := c.InheritedFlags()
	if !c.HasParent() {
		common = c.PersistentFlags()
	}
	flags(&b, "Flags of all commands", common, width)
	if !c.HasParent() {
		fmt.Fprintf(&b, "\n%s\n", screen.Wrap(fmt.Sprintf("More on a command: %s COMMAND --help", c.CommandPath()), width))
	}
	return b.String()
}

// textWidth is how wide the lines of a command's description are written, at most.
const textWidth = 90

func flags(b *strings.Builder, title string, set *pflag.FlagSet, width int) {
	if !set.HasAvailableFlags() {
		return
	}
	wrapAt := 0
	if width < textWidth {
		wrapAt = width
	}
	fmt.Fprintf(b, "\n%s:\n%s\n", title, strings.TrimRight(set.FlagUsagesWrapped(wrapAt), "\n"))
}

// usageLine is how a command is called.
func usageLine(c *cobra.Command) string {
	if !c.HasParent() {
		return c.Name() + " COMMAND [flags]"
	}
	return c.UseLine()
}

// visible are the commands below one that people are told of.
func visible(c *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	for _, x := range c.Commands() {
		if x.IsAvailableCommand() && x.Name() != "help" {
			out = append(out, x)
		}
	}
	return out
}
