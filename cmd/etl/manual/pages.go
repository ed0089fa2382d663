package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// All are a command and those below it that people are told of, each before its own.
func All(c *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{c}
	for _, x := range visible(c) {
		out = append(out, All(x)...)
	}
	return out
}

// Man is a command's page of section 1 of the manual, in roff. See PageName for its name.
func Man(c *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1\n.SH NAME\n%s \\- %s\n", strings.ToUpper(PageName(c)), PageName(c), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.nf\n%s\n.fi\n.SH DESCRIPTION\n", roff(usageLine(c)))
	for line := range strings.Lines(strings.TrimSpace(c.Long) + "\n") {
		switch line = strings.TrimRight(line, "\n"); {
		case line == "":
			b.WriteString(".PP\n")
		case line[0] == ' ':
			fmt.Fprintf(&b, ".br\n%s\n", roff(line))
		default:
			fmt.Fprintln(&b, roff(line))
		}
	}
	manFlags(&b, "OPTIONS", c.LocalNonPersistentFlags())
	common := c.InheritedFlags()
	if !c.HasParent() {
		common = c.PersistentFlags()
	}
	manFlags(&b, "OPTIONS OF ALL COMMANDS", common)
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	var also []string
	if c.HasParent() {
		also = append(also, c.Parent().Name())
	}
	for _, x := range visible(c) {
		also = append(also, PageName(x))
	}
	if len(also) > 0 {
		b.WriteString(".SH SEE ALSO\n")
		for i, name := range also {
			comma := ","
			if i == len(also)-1 {
				comma = ""
			}
			fmt.Fprintf(&b, ".BR %s (1)%s\n", roff(name), comma)
		}
	}
	return b.String()
}

// PageName is the name of a command's man page, without its section: etl-run.
func PageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func manFlags(b *strings.Builder, title string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		flag, meaning := spell(f)
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(flag), roff(meaning))
	})
}

// spell is a flag as it is typed, and what it means with its default.
func spell(f *pflag.Flag) (flag, meaning string) {
	value, meaning := pflag.UnquoteUsage(f)
	flag = "--" + f.Name
	if f.Shorthand != "" {
		flag = "-" + f.Shorthand + ", " + flag
	}
	if value != "" {
		flag += " " + value
	}
	switch f.DefValue {
	case "", "0", "false", "[]":
	default:
		meaning += " (default " + f.DefValue + ")"
	}
	return flag, meaning
}

// roff escapes a text: no character of it is a command.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if line != "" && (line[0] == '.' || line[0] == '\'') {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// Markdown is the manual of a command and those below it, on one page.
func Markdown(root *cobra.Command) string {
	var b strings.Builder
	all := All(root)
	fmt.Fprintf(&b, "# %s: the command line\n\n%s\n\n", root.Name(), literal(root.Long))
	b.WriteString("| command | does |\n| --- | --- |\n")
	for _, c := range all[1:] {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.CommandPath(), PageName(c), c.Short)
	}
	markdownFlags(&b, "Flags of all commands", root.PersistentFlags())
	for _, c := range all[1:] {
		fmt.Fprintf(&b, "\n## %s\n%s.\n\n", c.CommandPath(), c.Short)
		fmt.Fprintf(&b, "    %s\n\n%s\n", usageLine(c), literal(c.Long))
		markdownFlags(&b, "Flags", c.LocalNonPersistentFlags())
		if c.Example != "" {
			fmt.Fprintf(&b, "\n### Examples of %s\n", c.CommandPath())
			for line := range strings.Lines(c.Example) {
				fmt.Fprintf(&b, "    %s\n", strings.TrimSpace(line))
			}
		}
	}
	return b.String()
}

func markdownFlags(b *strings.Builder, title string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, "\n| %s | |\n| --- | --- |\n", strings.ToLower(title))
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		flag, meaning := spell(f)
		fmt.Fprintf(b, "| `%s` | %s |\n", flag, strings.ReplaceAll(literal(meaning), "|", `\|`))
	})
}

// literal escapes what Markdown would read as its own.
func literal(s string) string {
	s = strings.NewReplacer("<", `\<`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`).Replace(strings.TrimSpace(s))
	lines := strings.Split(s, "\n")
	for i, line := range lines { // lines that are set in stay lines
		if strings.HasPrefix(line, "  ") {
			lines[i] = "&nbsp;&nbsp;" + strings.TrimSpace(line) + "\\"
		}
	}
	return strings.Join(lines, "\n")
}
