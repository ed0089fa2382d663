// Command etl turns the raw zone of a lake into deduplicated, typed, partitioned Parquet, and looks at what is there.
//
// It is a thin shell around the packages etl, etl/commit and etl/inspect: it reads flags and environment, opens the stores,
// turns signals into a context's end, errors into exit codes, and results into text or JSON. See etl --help.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	_ "time/tzdata" // time zones by name, with nothing installed

	"github.com/spf13/cobra"
)

func main() {
	ctx, interrupted := interrupts(os.Stderr)
	os.Exit(execute(ctx, interrupted, os.Args[1:], os.Stdout, os.Stderr))
}

// release is set by the linker: -X main.release=1.2.3.
var release = ""

// version names the program as entries of the log do: the release, else the revision it was built from.
func version() string {
	if release != "" {
		return release
	}
	revision, dirty := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value[:min(12, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "+changes"
			}
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision + dirty
}

func (a *app) versionCommand() *cobra.Command {
	return a.wrap(&cobra.Command{
		Use: "version [flags]", Short: "Tell which version this is",
		Long:    `Tells the version of the program, and of Go it was built with.`,
		Example: "  etl version\n  etl version --json",
		Args:    noArgs,
	}, "\nExit codes: 0 done, 1 failed, 2 bad usage.", func(context.Context, []string) error {
		if a.console.json {
			return a.object(map[string]string{"version": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
		}
		_, err := fmt.Fprintf(a.out, "etl %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	})
}
