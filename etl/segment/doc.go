// Package segment keeps the cleaned rows of a run between the map step and the write step, by group of partitions: in memory
// up to a budget, then in a temporary file.
//
// A segment is the rows of one batch that belong to one group. Segments of a group are read back in the order of their
// rows' origins, whatever the order in which they came, and can be read again.
package segment
