// Package diff compares two sets of Parquet files row by row: a table of the lake with what another program made of the same
// data.
//
// # How
//
// Both are read once. Each row becomes a small record: its key, and its values in a form that does not depend on how a file
// stores them. Records go to buckets by the hash of the key, which wait in memory up to a budget and then in a temporary file; a
// bucket that is too large for memory is divided again by further bits of the hash. Then, bucket by bucket, rows of the same key
// meet and are compared column by column. So memory is bounded, except for the rows of one key, which must fit.
//
// # What is equal
//
// Columns are matched by name, whatever the case. Their values are compared by what they mean, not by how they are stored:
//
//   - whole numbers of any width; a whole number, a decimal and a double, if the double is the nearest one; a double and a float,
//     if they are the same float;
//   - times of any unit (INT96 too), down to the coarser of the two units; a date is midnight, UTC;
//   - decimals of any scale; with a tolerance, numbers of which one is a float, double or decimal may differ by that share;
//   - texts and binaries by their bytes; lists, maps and structs by their values, maps in any order;
//   - null is equal to null alone.
//
// Others (a text and a number) cannot be compared, which counts as a difference of the column. Values of Hive partitions are texts
// where the other side's column is one, else numbers.
//
// The result is the same whatever the memory. Samples are those of the least keys.
//
// The other program's files are read by parquet-go, which knows more encodings and types than the lake's own reader. The package
// starts no goroutines.
package diff
