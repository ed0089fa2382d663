// Package commit decides what becomes of the tables, publishes what was decided, and keeps house: exactly once, on
// plain folders of files that anybody can list.
//
// # The protocol
//
// Readers list a partition's location. So nothing may become visible there before it is decided, and nothing that a
// query may be reading may be replaced or deleted. In one line: finished objects aside, one conditional put decides,
// one atomic act per partition publishes.
//
//	Begin    reads the head of the log as the base, then makes the attempt's id
//	PutFile  puts finished data files aside, outside all table locations
//	Decide   puts log entry n+1, once; who loses the number looks at the entry that won, and goes on, is redone or stops
//	Publish  copies files into table directories, then lets the catalogs show the head of the log; anyone, any time
//	Collect  decides in the log what goes, and then deletes it
//
// The log (pkg/commitlog) is the truth; directories and catalogs follow it. A crash before the decision leaves objects
// that nobody lists, which Collect takes away. A crash after it leaves work that the next Publish does, from the log
// alone: no row is ever computed again. Nothing is rolled back by deleting.
//
// # Where files lie
//
// An attempt's finished files lie in Z@/<attempt>/data/, and a directory that it moves a partition to in
// Z@/<attempt>/swap/ (see pkg/layout). They are apart because an attempt that is redone on a newer base leaves files
// that its decision does not name: in the partition's directory they would be foreign. So a directory is filled only by
// Publish, only with what entries list. Names are made of the content's hash; so files aside need no folder of their partition, and equal
// files of two partitions are one aside. Where a partition has a file of the same
// bytes already, a number is added, because equal rows that came twice into a table without dedupe are to be there
// twice.
//
// # Acts
//
// add puts one file into the directory that the partition has as of that entry: one object, so that a reader sees all
// of an append or nothing of it. new gives a partition its first directory; it is filled before a catalog names it.
// swap fills a fresh directory and then moves the location. Within an entry directories are filled before files are
// added, and all of that before the catalogs change. A directory that was left is never named again, and the partition
// stays in the state even when it has no files.
//
// # Conflicts
//
// An attempt depends on its inputs, on the schemas and fingerprints that it planned with, and on the partitions that it
// read or acts on. Entries after the base that touch none of these are no obstacle: the attempt's entry goes after them
// as it is. Else a Conflict says what to do again. Each entry after the first base is looked at once, also over Rebase,
// so that an attempt is decided at most once, also when twins of it run, and never after it was condemned.
//
// # Publishing
//
// Publish confirms that the newest entry is durable before anything follows from it. It copies what the entries since
// the last complete publish list, in their order. Then for each catalog it takes a claim, which keeps publishers apart
// and bounds how long a late one may still write, makes the catalog show the head's state, reads back, looks whether
// the log has gone on, and ends the claim. What a catalog refuses, or what cannot be filled, stays as it was, is
// reported, and is tried again. A publish that finds everything shown writes nothing.
//
// A claim of a publisher that crashed would stop the others for 15 minutes. Where a process can be seen to have ended
// (Lake.Owner, Lake.Dead) it does not. That is for stores that take no request after the process that sent it has
// ended.
//
// # Collecting
//
// gc is a commit, because "old" is no reason to delete: an attempt that was asleep may wake and decide. So gc first
// condemns it in the log, where the attempt's own decision must pass. Directories that partitions have left, and what
// was put aside and is published, are listed in the log likewise, once every catalog has shown so for longer than
// Grace; that sets the oldest state that can be restored. Only then is anything deleted, and nothing that a catalog
// names after all. Ages are told by the store: gc compares with the time of the object that it has just written.
//
// # Assumed
//
// Of conditional puts of a key exactly one wins, and an object beside a zone can be copied into it: both are probed
// when a log begins. A get sees a finished put. No request takes effect, and no query or silent run lives, longer than
// Grace. Nobody else writes below the zones.
//
// # What it does not do
//
// It does not look into files, nor know what a row means: the caller reads back what it wrote, and hands Verify the
// means to look into files and for keys that occur twice. It starts no goroutine that outlives a call: who works for
// long calls Alive at times.
package commit
