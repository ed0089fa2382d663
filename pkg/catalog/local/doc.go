// Package local keeps a catalog as objects in a zone: a JSON file for each table, and views.sql, by which DuckDB reads
// all of them.
//
//	<zone>/<table>.json   the table, its columns, its partitions with location and files
//	<zone>/views.sql      CREATE OR REPLACE VIEW for each table, naming the current files
//
// A table's file is replaced as a whole, so that a reader sees one state of all its partitions. The views name files,
// not directories: they show exactly what was decided, also while a directory is being filled. views.sql is written by
// Finish and may be behind the tables until then.
//
// A store cannot replace an object on a condition, so the check of versions is not atomic: it finds the writer that
// slept, and relies on claims (etl/commit) to keep writers apart.
package local
