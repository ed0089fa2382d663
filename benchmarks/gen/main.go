// Command gen writes the data of the benchmarks to a file, and beside it the lake.yaml that declares its columns:
//
//	go run ./benchmarks/gen -kind dirty -records 500000 -seed 7 -out lake/raw/events/events.json
//
// The same flags give the same bytes. The lake file is <out's folder>/lake.yaml unless -lake says otherwise.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"datalake/benchmarks/data"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	var o data.Options
	flag.StringVar(&o.Kind, "kind", data.Clean, strings.Join(data.Kinds(), ", "))
	flag.IntVar(&o.Records, "records", 2_000_000, "how many lines")
	flag.Uint64Var(&o.Seed, "seed", 1, "draws the values, and the shapes of dirty data")
	flag.IntVar(&o.Partitions, "partitions", 0, "of skewed data (default 20)")
	flag.BoolVar(&o.Spaced, "spaced", false, "a space or none after each comma and colon, so that hardly two lines have the same shape")
	out := flag.String("out", "", "file to write (needed)")
	lake := flag.String("lake", "", "lake file to write (default lake.yaml beside the file)")
	flag.Parse()
	if *out == "" {
		return errors.New("-out is missing: name the file to write")
	}
	if *lake == "" {
		*lake = filepath.Join(filepath.Dir(*out), "lake.yaml")
	}
	set, err := data.New(o)
	if err != nil {
		return err
	}
	began := time.Now()
	n, err := write(set, *out)
	if err != nil {
		return fmt.Errorf("write %s: %w", *out, err)
	}
	if err := os.WriteFile(*lake, set.Lake(), 0o666); err != nil {
		return fmt.Errorf("write lake file: %w", err)
	}
	s := time.Since(began).Seconds()
	fmt.Printf("%d records, %.1f MB in %.2f s (%.0f MB/s)\n", o.Records, float64(n)/1e6, s, float64(n)/1e6/s)
	return nil
}

func write(set *data.Set, name string) (n int64, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return set.Write(f)
}
