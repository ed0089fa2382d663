package file

import (
	"io"
	"io/fs"
	"time"
)

// FS is the part of an operating system that a Store stands on. Paths are absolute and clean. Errors wrap the causes
// that package os gives: fs.ErrNotExist, fs.ErrExist, syscall.ENOTDIR and so on. Safe for concurrent use.
type FS interface {
	// Open opens a file for reading. It opens directories too, and never blocks on what is not a regular file.
	Open(name string) (File, error)
	// Create makes a new file and opens it for writing; a name that is taken is fs.ErrExist.
	Create(name string) (File, error)
	// Mkdir makes one directory.
	Mkdir(name string) error
	// Link gives the file old (the one it leads to, if it is a symbolic link) the second name new, atomically; a name
	// that is taken, by whatever, is fs.ErrExist.
	Link(old, new string) error
	// Rename gives the file old the name new, atomically, in place of a file that has it.
	Rename(old, new string) error
	// RenameOnce gives the file old another name in the same directory, new, atomically; a name that is taken, by whatever, is
	// fs.ErrExist, and nothing has changed then. errors.ErrUnsupported where the file system cannot do that.
	RenameOnce(old, new string) error
	// Unlink removes a name of a file, and never a directory.
	Unlink(name string) error
	// Rmdir removes an empty directory, and never anything else.
	Rmdir(name string) error
	// Stat describes what the name leads to, symbolic links followed.
	Stat(name string) (Stat, error)
	// ReadDir lists a directory, in any order.
	ReadDir(name string) ([]Entry, error)
	// SyncDir makes the entries of a directory durable as they are now.
	SyncDir(name string) error
	// Whole opens the disk that a directory lies on. errors.ErrUnsupported where a disk cannot be synced as a whole, or where that
	// would not tell of what could not be written.
	Whole(dir string) (Whole, error)
}

// Whole is one of the disks below an FS. Safe for concurrent use.
type Whole interface {
	io.Closer
	// Device is the Device of all files on the disk.
	Device() uint64
	// Worth says whether one Sync is cheaper than n syncs of files and directories.
	Worth(n int) bool
	// Sync makes content and names durable of everything on the disk. It fails if anything could not be written since the disk
	// was opened.
	Sync() error
}

// File is an open file. Reads and writes of one File are not concurrent, except ReadAt with itself.
type File interface {
	io.ReaderAt
	io.Writer
	io.Closer
	Stat() (Stat, error)
	// SetModTime sets the time of the last change.
	SetModTime(t time.Time) error
	// Sync makes content and time of the file durable, though not its name.
	Sync() error
	// StartSync begins to write the content to disk, so that a later Sync has less to wait for. It promises nothing.
	StartSync()
}

// Stat describes a file.
type Stat struct {
	Mode    fs.FileMode
	Size    int64
	ModTime time.Time
	// Device and Inode tell whether two names are of one file.
	Device, Inode uint64
}

func (s Stat) same(t Stat) bool { return s.Device == t.Device && s.Inode == t.Inode }

// Entry is one name in a directory.
type Entry struct {
	Name string
	// Type has the type bits of the mode; fs.ModeSymlink for a symbolic link, not what it leads to.
	Type fs.FileMode
}
