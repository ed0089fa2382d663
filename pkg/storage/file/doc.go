// Package file is the object store on a directory: one file an object, its key the path below the root.
//
// # Put
//
// The body goes to a temporary file (".tmp-…") in the directory of the object, and is synced there. Then one atomic
// act makes the object visible: a rename, which for puts of the kind once fails where the name is taken (renameat2(2); where the
// system cannot do that, link(2) and removal of the temporary name). Then the directory is synced, and every directory above it up to the top of the file system.
//
// Syncing the way up is what makes the promise hold between processes: a directory that another process has just made may
// not be durable yet, and nothing tells. A directory whose way was synced is held open and so known again (see the
// type durable), which leaves one stat for it and one sync for the directory of the object.
// For the same reason a Put that finds its key taken syncs the way up before it says so: whoever acts on ErrExists
// stands on a durable object. Note that an object can be read a moment before it is durable; who must not act on it
// before, puts it once itself (ErrExists then tells that it is durable).
//
// What fails before the atomic act left nothing but, at worst, a temporary file, which List hides and Sweep removes. What fails
// after it is storage.ErrUnknown.
//
// # Delete
//
// Delete unlinks the file and then removes the directories that became empty, which keeps listings short. A Put into such a
// directory is not disturbed: its temporary file keeps the directory from being empty, and if the directory vanished
// just before, Put makes it again.
//
// # Copy
//
// A copy is a hard link: files are never changed in place, so that an object and its copy can share one inode.
//
// # Identity
//
// The ETag is the file's size, time of change in nanoseconds, and inode number. File systems take their time from a
// clock that ticks every few milliseconds and give the inode number of a removed file to the next new one; so Put
// sees to it that no two files that one Store writes have the same time, by moving the later one on by nanoseconds.
//
// # Foreign files
//
// A raw zone may be filled by others. Symbolic links to files and directories are followed (a loop is an error of List),
// names that begin with a dot are ordinary, sockets, pipes and devices are skipped. A file that others change in place while it is
// read gives storage.ErrChanged when it has become shorter; who must know of every change compares Head's ETag afterwards.
//
// # What it cannot do
//
// It runs on Unix systems only, on file systems with hard links and with directories that can be synced. An object "a"
// and an object "a/b" cannot exist together. Segments that begin with ".tmp-" are refused.
package file
