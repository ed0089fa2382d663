// Package partition says which partition each row belongs to: by event time and, where a source declares it, by the values
// of columns.
//
// Partitions are numbered as they are first seen, which depends on timing; so the numbers never reach a file, the paths do.
package partition
