// Command skew writes a raw zone whose records fall into very unequal partitions: one day has 95 % of them, the other days
// share the rest. It is the clean data of the benchmarks with one source and with other days, and a lake.yaml beside it:
//
//	go run ./benchmarks/skew -partitions 10000 -records 2000000 -lake DIR
//
// The same flags give the same bytes.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"datalake/benchmarks/data"
)

// share is which line falls outside the large partition: every share-th.
const share = 20

func main() {
	partitions := flag.Int("partitions", 10_000, "how many days have records")
	records := flag.Int("records", 2_000_000, "how many lines")
	dir := flag.String("lake", "", "folder of the lake to make (needed)")
	flag.Parse()
	if err := run(*dir, *partitions, *records); err != nil {
		fmt.Fprintln(os.Stderr, "skew:", err)
		os.Exit(1)
	}
}

func run(dir string, partitions, records int) error {
	if dir == "" || partitions < 2 {
		return errors.New("needed are -lake and at least two -partitions")
	}
	set, err := data.New(data.Options{Kind: data.Clean, Records: records, Seed: 1})
	if err != nil {
		return err
	}
	raw := filepath.Join(dir, "raw", "events")
	if err := os.MkdirAll(raw, 0o777); err != nil {
		return fmt.Errorf("make the lake: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lake.yaml"), lakeFile(set), 0o666); err != nil {
		return fmt.Errorf("write the lake file: %w", err)
	}
	f, err := os.Create(filepath.Join(raw, "events.json"))
	if err != nil {
		return fmt.Errorf("make the raw object: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for i := range records {
		line = set.Append(nil, line[:0], i)
		if _, err := w.Write(move(line, set.Sources(), i, partitions)); err != nil {
			break // Flush says it again
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("write the raw object: %w", err)
	}
	return nil
}

// lakeFile is the set's, and lets event times be as old as the days that move gives.
func lakeFile(set *data.Set) []byte {
	return bytes.ReplaceAll(set.Lake(), []byte("formats: [rfc3339]}"), []byte("formats: [rfc3339], min: 1900-01-01}"))
}

// move gives line i the first of the sources, and its event time the day of the partition that the line belongs to.
func move(line []byte, sources []string, i, partitions int) []byte {
	const source, stamp = `"source":"`, `"timestamp":"`
	day := time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC)
	if i%share == 0 {
		day = day.AddDate(0, 0, -1-i/share%(partitions-1))
	}
	at := bytes.Index(line, []byte(stamp)) + len(stamp)
	copy(line[at:], day.Format(time.DateOnly))
	at = bytes.Index(line, []byte(source)) + len(source)
	end := at + bytes.IndexByte(line[at:], '"')
	return append(line[:at:at], append([]byte(sources[0]), line[end:]...)...)
}
