// Package dedupe decides which rows of a run are kept: exactly one for each dedupe key within its scope, against the run's
// other rows and against those that the table has.
//
// Keys travel apart from rows. For each row there is one Key of 32 bytes: a 128-bit hash of the key's stored values, what
// orders the rows of one key, and the row's number. Keys go to hash buckets (Buckets), in memory up to a budget and then to a
// temporary file; Resolve takes one bucket at a time, in a table that fits the cache, and reports the rows that lose.
// Memory has a bound, whatever the number of keys: Resolve reads a bucket of many distinct keys several times.
//
// One rule decides: the row of the highest Order is kept; of equals, one that the table already has; then the one with
// the earliest origin. Keep first is the case in which all orders are equal. The result depends on the set of keys alone, not on
// the order in which they come.
//
// H0 is the XXH64 of the value, which is what a Parquet bloom filter of the key column is asked with. H1 is seeded at
// random for each run, so that nobody can prepare keys that collide or that crowd one bucket; nothing that is stored depends on
// it.
package dedupe
