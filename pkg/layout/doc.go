// Package layout says where things lie in a lake: the zones, the partition paths below them in Hive's spelling, the
// date folders of the raw zone, and the names of the objects that the commit protocol keeps.
//
// # Zones
//
// A zone Z is a prefix of a store, never its root. Beside it, under the prefix with an "@" behind it, lies its aside
// Z@: what is finished but not (or no longer only) where tables are read.
//
//	Z/<partition>/<name>                    a partition's first directory
//	Z@/<attempt>/data/<name>                finished data files that an attempt put aside; never a table location
//	Z@/<attempt>/swap/<partition>/<name>    a partition's later directory, filled once the attempt is decided
//	Z@/<attempt>/apart<n>/<partition>/<name>  a directory that would lie above or below another one
//
// Data and directories of one attempt lie apart, because an attempt may put files aside that its decision does not name
// (it was redone on a newer base): in a directory of the table they would be foreign. So a directory holds nothing but
// what one entry of the log lists, and what later entries add. Partition paths of one table all have the same keys; so
// no table location lies above or below another. Where a table is partitioned anew, those of before and those of now would: then
// apart<n> holds the ones with n segments.
//
// # Partition paths
//
// source=iot/year=2025/month=11/day=25. Values are escaped as Hive does; what is null or empty is written as Null.
package layout
