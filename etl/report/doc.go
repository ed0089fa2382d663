// Package report tells of one entry of a lake's log: what came in and what became of it, how the new rows look, what was set
// aside and why, and where the time went. Make gathers a Report, WritePage makes it a page.
//
// # What it rests on
//
// Numbers are the log's. Columns are profiled from the files that the entry wrote, read where they are now; samples of what was
// set aside are read from its quarantine files. Files that a later compaction, rollback or gc has taken away are counted as
// missing, and the rest is told. Of many rows only a part is read, the first ones of each file, and the report says so.
//
// The same entry gives the same report and the same page, byte for byte, as long as its files are there.
//
// # The page
//
// One HTML file that asks nothing of any network: no scripts, no fonts, no images beside it; its content security policy forbids
// what is not in it. All values are escaped by html/template, whatever they are.
//
// The package writes nothing into the lake and starts no goroutines.
package report
