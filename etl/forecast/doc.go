// Package forecast tells what a run would do before it is done.
//
// Try makes the run, on all that is new or on a sample of it, over stores that keep to themselves what is written
// (pkg/storage/overlay): decoding, deduplication against the table's own files, writing and the commit are the engine's, so
// rows, rejects, names and schemas are those of the run to come. Nothing of it reaches the lake.
//
// The package stands above the engine: it runs it, and no stage knows of it.
package forecast
