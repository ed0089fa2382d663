package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
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
	profiles     profiles
}

const longHelp = `etl turns raw JSON into deduplicated, typed, partitioned Parquet.

A lake is a folder: raw objects lie in <lake>/raw/<source>/…, tables in
<lake>/processed, records that cannot be used in <lake>/quarantine, and the log of
what was done in <lake>/state. Nothing needs to be configured.

Exit codes: 0 done, 1 failed, 2 bad usage or config, 4 lost to a concurrent run
(safe to retry), 130 interrupted. Each command's help says what they mean there.`

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
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVar(&a.lake, "lake", defaultLake, "the lake's folder, or its file:// URL")
	f.StringVarP(&a.config, "config", "c", "", "the lake file (default <lake>/lake.yaml, if there is one)")
	f.BoolVar(&a.json, "json", false, "write one JSON object to stdout")
	f.StringVar(&a.logFormat, "log-format", logText, "how stderr is written: text or json")
	f.BoolVar(&a.quiet, "quiet", false, "tell of errors and warnings only")
	a.profiles.flags(f)
	root.AddCommand(
		a.initCommand(), a.planCommand(), a.runCommand(), a.demoCommand(), a.testCommand(),
		a.tablesCommand(), a.headCommand(), a.filesCommand(),
		a.statusCommand(), a.logCommand(), a.whyCommand(),
		a.verifyCommand(), a.repairCommand(), a.gcCommand(), a.versionCommand(),
	)
	return root
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
		stop, err := a.profiles.start()
		if err != nil {
			return err
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
