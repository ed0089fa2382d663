// Package segment keeps the cleaned rows of a run between the map step and the write step, by group of partitions: in memory
// up to a budget, then in a temporary file.
//
// A segment is the rows of one batch. Its rows of one group are a piece; pieces of a group lie in blocks. The rows of a partition are
// read back in the order of their origins, whatever the order in which segments came, and can be read again.
package segment
