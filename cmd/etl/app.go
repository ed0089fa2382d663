package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"datalake/cmd/etl/complete"
	"datalake/cmd/etl/manual"
	"datalake/cmd/etl/profile"
)

// app is what all commands share: the common flags, and the console once the flags are read.
type app struct {
	lake, config string
	json, quiet  bool
	logFormat    string
	out, err     io.Writer
	*console     // nil until a command starts
	interrupted  *atomic.Bool
	lakeGiven    bool
	profiles     profile.Flags
}

const longHelp = `etl turns raw JSON into deduplicated, typed, partitioned Parquet.

A lake is a folder: raw objects lie in <lake>/raw/<source>/…, tables in
<lake>/processed, records that cannot be used in <lake>/quarantine, and the log of
what was done in <lake>/state. Nothing needs to be configured.

Exit codes: 0 done, 1 failed, 2 bad usage or config, 3 too many bad records, 4 lost
to a concurrent run (safe to retry), 130 interrupted. Each command's help says what
they mean there.`

// execute runs one command line and gives the exit code.
func execute(ctx context.Context, interrupted *atomic.Bool, args []string, out, stderr io.Writer) int {
	a := &app{out: out, err: stderr, interrupted: interrupted}
	root := a.command()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && a.console == nil { // before a command started: the command line is wrong
		a.console = &console{out: out, err: stderr}
		a.look()
		err = usage(err)
	}
	code := exitCode(err, interrupted.Load())
	switch {
	case code == exitInterrupted:
		a.fail(errors.New("interrupted; what was decided, the next run publishes"))
	case err != nil && !errors.Is(err, errFindings):
		a.fail(err)
	}
	return code
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use: "etl", Short: "Raw JSON to Parquet tables", Long: longHelp,
		Example:       "  etl demo\n  etl run --lake my-lake\n  etl tables --lake my-lake",
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              noSuchCommand,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		text := manual.Help(c, lineWidth(a.out))
		// What cannot be printed cannot be told.
		_, _ = io.WriteString(a.out, text)
	})
	f := root.PersistentFlags()
	f.StringVar(&a.lake, "lake", defaultLake, "the lake's `folder`, or its file:// URL")
	f.StringVarP(&a.config, "config", "c", "", "the lake `file` (default <lake>/lake.yaml, if there is one)")
	f.BoolVar(&a.json, "json", false, "write one JSON object to stdout")
	f.StringVar(&a.logFormat, "log-format", logText, "`format` of what goes to stderr: text or json")
	f.BoolVar(&a.quiet, "quiet", false, "tell of errors and warnings only")
	a.profiles.Add(f)
	root.AddCommand(
		a.initCommand(),
		a.checkCommand(),
		a.planCommand(),
		a.runCommand(),
		a.demoCommand(),
		a.testCommand(),
		a.tablesCommand(),
		a.headCommand(),
		a.filesCommand(),
		a.statusCommand(),
		a.logCommand(),
		a.whyCommand(),
		a.replayCommand(),
		a.skipCommand(),
		a.ledgerCommand(),
		a.reportCommand(),
		a.diffCommand(),
		a.verifyCommand(),
		a.repairCommand(),
		a.gcCommand(),
		a.backfillCommand(),
		a.compactCommand(),
		a.rollbackCommand(),
		a.releaseCommand(),
		a.completionCommand(),
		a.versionCommand(),
	)
	complete.Add(root, complete.Lake{Tables: a.tableNames, Sources: a.sourceNames, Partitions: a.partitionPaths})
	return root
}

// noSuchCommand refuses the first word of a command line, which is no command.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, x := range c.Commands() {
		if x.IsAvailableCommand() {
			names = append(names, x.Name())
		}
	}
	return fmt.Errorf("unknown command %q%s", args[0], complete.Hint(args[0], "", names, c.CommandPath()))
}

// wrongFlag says what is wrong with a flag, and which one may be meant.
func wrongFlag(c *cobra.Command, err error) error {
	hint := "; see " + c.CommandPath() + " --help"
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		hint = complete.Hint(unknown.GetSpecifiedName(), "--", names, c.CommandPath())
	}
	return fmt.Errorf("%w%s", err, hint)
}

func (a *app) completionCommand() *cobra.Command {
	return a.wrap(&cobra.Command{
		Use: "completion bash|zsh|fish", Short: "Write the script by which a shell completes etl's command lines",
		Long: `Writes a script to stdout. Where it is loaded, the TAB key completes commands, flags
and their values: tables, sources and partitions are those of the lake that --lake
names.`,
		Example: `  source <(etl completion bash)                       # this shell; or in ~/.bashrc
  etl completion zsh > "${fpath[1]}/_etl"             # zsh, from the next shell on
  etl completion fish > ~/.config/fish/completions/etl.fish`,
		Args: func(c *cobra.Command, args []string) error {
			if err := oneArg("shell: bash, zsh or fish")(c, args); err != nil {
				return err
			}
			if !slices.Contains(complete.Shells, args[0]) {
				return fmt.Errorf("%s: unknown shell %q: bash, zsh or fish", c.CommandPath(), args[0])
			}
			return nil
		},
		ValidArgs: complete.Shells,
	}, readCodes, func(_ context.Context, args []string) error {
		script, err := complete.Script(a.command(), args[0])
		if err != nil {
			return err
		}
		if a.console.json {
			return a.object(map[string]string{"shell": args[0], "script": script})
		}
		_, err = io.WriteString(a.out, script)
		return err
	})
}

// wrap makes a command of a function that runs once the common flags are understood.
func (a *app) wrap(c *cobra.Command, codes string, run func(ctx context.Context, args []string) error) *cobra.Command {
	c.Long = strings.TrimSpace(c.Long) + "\n" + codes
	c.DisableFlagsInUseLine = true
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		console, err := newConsole(a.out, a.err, a.json, a.quiet, a.logFormat)
		if err != nil {
			return err
		}
		a.console = console
		a.lakeGiven = c.Flags().Changed("lake")
		stop, err := a.profiles.Start()
		if err != nil {
			return usage(err)
		}
		defer func() { err = errors.Join(err, stop()) }()
		return run(c.Context(), args)
	}
	return c
}

// again is the command line that looks at the same lake with another command.
func (a *app) again(command string) string {
	executable, err := os.Executable()
	if err != nil {
		executable = ""
	}
	s := program(executable) + " " + command
	if a.lakeGiven {
		s += " --lake " + shellQuote(a.lake)
	}
	if a.config != "" {
		s += " -c " + shellQuote(a.config)
	}
	return s
}

// noArgs is cobra.NoArgs with a sentence of our own.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments: %q", c.CommandPath(), args[0])
	}
	return nil
}

// oneArg asks for one argument, called what.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("%s needs a %s", c.CommandPath(), what)
		case 1:
			return nil
		}
		return fmt.Errorf("%s takes one %s: %q is too much", c.CommandPath(), what, args[1])
	}
}
