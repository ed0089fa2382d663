// Package inspect looks at a lake: its tables, their first rows and files, what runs did, what is still to be done, and
// where a record went. It is what the reading commands of the command line are made of.
//
// All of it comes from the commit log and the files that the log names; nothing is written, no catalog is asked. A Lake is the
// state at the moment it was opened and stays that, whatever runs commit meanwhile, as long as the files of that state
// are kept (24 h after they went out of use).
//
// # Why
//
// Why finds rows by record_id. The common key of deduplication is record_id, and files carry a bloom filter on it, so that few
// files are read; where a table is deduplicated by another key, only the bounds of the column rule files out and the
// search reads more. It tells which entry of the log wrote a row's file, and which objects that entry read for the
// row's partition; not which of these objects held the record, since rows do not carry their object: etl.Tracer reads them again for that. A
// record that is in no table is looked for in the quarantine, by its text.
package inspect
