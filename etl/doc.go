// Package etl is the engine of the lake: Run turns the raw zone into deduplicated, typed, partitioned Parquet in the
// processed zone, exactly once.
//
// # The way of the data
//
//	plan     list the raw zone, leave out what the log has consumed          etl/plan
//	input    open objects, tell format and compression, cut whole records    etl/input
//	decode   JSON to Arrow columns, directed by the schemas                  etl/decode
//	infer    what the schemas do not know yet: new columns                   etl/infer
//	clean    values cleaned, checked, derived, scored, masked                etl/clean
//	stages   the caller's own, batch to batch                                Stage
//	segment  rows wait by group of partitions, keys by hash                  etl/segment
//	dedupe   one bucket of keys at a time, against the table's own files     etl/dedupe
//	write    one group of partitions at a time, to Parquet files aside       etl/write
//	commit   decide by one conditional put, then publish                     etl/commit
//
// The packages below this one know nothing of each other; Run joins them. It reads no flags and no environment, opens no
// stores and logs nothing: the caller gives it stores, and gets a Result or an error.
//
// # Map twice, when something is new
//
// Decoding is directed by schemas, and a value that no column takes is shown to a profile. When the map step ends and the
// profile has seen something, the schemas grow by its columns and the map step is done again; in a source's first run, all is
// new. So inference sees all input of the run, in any order, and a run without news reads its input once.
//
// Of more than a little input the first pass is spared: a sample gives guesses of the schemas, and a pass by these ends with
// their proof, or they are given up. What comes out is the same; see guesses.
package etl
