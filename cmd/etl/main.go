// Command etl turns the raw zone of a lake into deduplicated, typed, partitioned Parquet, and looks at what is there.
//
// It is a thin shell around the packages etl, etl/commit and etl/inspect: it reads flags and environment, opens the stores,
// turns signals into a context's end, errors into exit codes, and results into text or JSON. See etl --help.
package main

import (
	"os"
	_ "time/tzdata" // time zones by name, with nothing installed
)

func main() {
	ctx, interrupted := interrupts(os.Stderr)
	os.Exit(execute(ctx, interrupted, os.Args[1:], os.Stdout, os.Stderr))
}
