// Package crashfs is a file system in memory that loses power: for tests that prove what a store keeps.
//
// It implements file.FS by the weakest rules that POSIX allows. The content of a file is durable only as far as it was
// when the file was last synced. A change of a directory's entries (create, mkdir, link, rename, unlink, rmdir) is durable only once that
// directory was synced; syncing the file does not do it. Crash goes back to what is durable. CrashRandom lets each
// change that was not synced survive or not by chance, the survivors of one directory in their order, and tears unsynced
// content, as disks and journals do.
//
// CrashAt and FailAt choose the operation at which it happens, so that a test can go through all of them in turn: run,
// count with Ops, and run again with each number below that.
//
// The clock is coarse and stands still between ticks, and inode numbers are used again soon, as on real file systems.
// There are no symbolic links and no permissions.
package crashfs
