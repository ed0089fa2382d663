// Package write makes the data files of one group of partitions at a time: Parquet from rows that are handed over in order.
//
// Finished pages and files wait in memory as far as Options.Keep allows, then in temporary files; a file is given out with its
// SHA-256, by which it is named. The bytes depend on the rows and the options alone, not on how the rows were cut into records.
package write
