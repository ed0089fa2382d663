// Package mend puts right what somebody else did to the tables' files: one that was overwritten, cut or deleted, or one that lies
// in a table's directory although no entry of the log put it there.
//
// Nothing may be replaced or deleted that a query may be reading. So a directory that is not as the log says is left: its partition moves to a fresh
// one, which gets copies of files whose bytes are those of the log, from wherever such bytes are. Rows and files stay the same. One
// entry of the log moves all such partitions; publishing shows them.
//
// Where the bytes of a file are nowhere, its partition stays as it is and is reported: what it held comes back by a backfill from the raw
// zone. On directories of one machine this is the rule for bytes that changed in place, for a file put aside and a published one
// are then one file of two names.
package mend
