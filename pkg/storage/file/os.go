//go:build unix

package file

import (
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// OS is the operating system's own FS.
var OS FS = system{}

type system struct{}

// Open passes O_NONBLOCK so that a pipe without a writer does not hold it up; regular files do not mind.
func (system) Open(name string) (File, error) {
	return open(name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
}

func (system) Create(name string) (File, error) {
	return open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o666)
}

func open(name string, flag int, perm uint32) (File, error) {
	fd, err := openFD(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &osFile{fd: fd, name: name}, nil
}

func openFD(name string, flag int, perm uint32) (fd int, err error) {
	err = again(func() error {
		fd, err = unix.Open(name, flag|unix.O_CLOEXEC, perm)
		return err
	})
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

func (system) Mkdir(name string) error      { return os.Mkdir(name, 0o777) }
func (system) Rename(old, new string) error { return os.Rename(old, new) }

func (system) Link(old, new string) error {
	err := again(func() error {
		return unix.Linkat(unix.AT_FDCWD, old, unix.AT_FDCWD, new, unix.AT_SYMLINK_FOLLOW)
	})
	if err != nil {
		return &os.LinkError{Op: "link", Old: old, New: new, Err: err}
	}
	return nil
}

// Unlink and Rmdir are not os.Remove, which takes either.
func (system) Unlink(name string) error {
	if err := again(func() error { return unix.Unlink(name) }); err != nil {
		return &fs.PathError{Op: "unlink", Path: name, Err: err}
	}
	return nil
}

func (system) Rmdir(name string) error {
	if err := again(func() error { return unix.Rmdir(name) }); err != nil {
		return &fs.PathError{Op: "rmdir", Path: name, Err: err}
	}
	return nil
}

func (system) Stat(name string) (Stat, error) {
	var st unix.Stat_t
	if err := again(func() error { return unix.Stat(name, &st) }); err != nil {
		return Stat{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return statOf(&st), nil
}

func (system) ReadDir(name string) ([]Entry, error) {
	dir, err := os.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	found, err := dir.ReadDir(-1)
	if cerr := dir.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(found))
	for i, e := range found {
		entries[i] = Entry{Name: e.Name(), Type: e.Type()}
	}
	return entries, nil
}

func (system) SyncDir(name string) error {
	fd, err := openFD(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	dir := osFile{fd: fd, name: name}
	err = dir.Sync()
	if cerr := dir.Close(); err == nil {
		err = cerr
	}
	return err
}

// osFile is a File. It is not an os.File, which asks the runtime's poller to watch what it opens: files on disk cannot be watched,
// and to find that out takes one to five more system calls a file. Nothing closes it when it is garbage.
type osFile struct {
	name string

	mu sync.RWMutex // held to read by who uses fd, which is a file of somebody else's once it is closed
	fd int          // -1: closed
}

// hold gives the descriptor, which stays open until release.
func (f *osFile) hold(op string) (int, error) {
	f.mu.RLock()
	if f.fd < 0 {
		f.mu.RUnlock()
		return -1, f.failed(op, fs.ErrClosed)
	}
	return f.fd, nil
}

func (f *osFile) release() { f.mu.RUnlock() }

func (f *osFile) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

// oneCall is how many bytes are read or written at once, at most: systems refuse 2 GiB.
const oneCall = 1 << 30

func (f *osFile) ReadAt(p []byte, off int64) (n int, err error) {
	fd, err := f.hold("read")
	if err != nil {
		return 0, err
	}
	defer f.release()
	for n < len(p) {
		m, err := unix.Pread(fd, p[n:min(len(p), n+oneCall)], off+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, f.failed("read", err)
		case m == 0:
			return n, io.EOF
		default:
			n += m
		}
	}
	return n, nil
}

func (f *osFile) Write(p []byte) (n int, err error) {
	fd, err := f.hold("write")
	if err != nil {
		return 0, err
	}
	defer f.release()
	for n < len(p) {
		m, err := unix.Write(fd, p[n:min(len(p), n+oneCall)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, f.failed("write", err)
		case m == 0:
			return n, f.failed("write", io.ErrShortWrite)
		default:
			n += m
		}
	}
	return n, nil
}

func (f *osFile) Stat() (Stat, error) {
	fd, err := f.hold("stat")
	if err != nil {
		return Stat{}, err
	}
	defer f.release()
	var st unix.Stat_t
	if err := again(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return Stat{}, f.failed("stat", err)
	}
	return statOf(&st), nil
}

// SetModTime goes by the file's name: the store calls it on a temporary file, which nobody renames.
func (f *osFile) SetModTime(t time.Time) error { return os.Chtimes(f.name, time.Time{}, t) }

func (f *osFile) Sync() error {
	fd, err := f.hold("sync")
	if err != nil {
		return err
	}
	defer f.release()
	if err := again(func() error { return unix.Fsync(fd) }); err != nil {
		return f.failed("sync", err)
	}
	return nil
}

func (f *osFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd < 0 {
		return f.failed("close", fs.ErrClosed)
	}
	fd := f.fd
	f.fd = -1
	// A descriptor is given back even where a signal interrupts that.
	if err := unix.Close(fd); err != nil && err != unix.EINTR {
		return f.failed("close", err)
	}
	return nil
}

// statOf has of the mode the type alone.
func statOf(st *unix.Stat_t) Stat {
	s := Stat{Size: st.Size, ModTime: time.Unix(st.Mtim.Unix()), Device: uint64(st.Dev), Inode: uint64(st.Ino)}
	switch uint32(st.Mode) & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		s.Mode = fs.ModeDir
	case unix.S_IFLNK:
		s.Mode = fs.ModeSymlink
	default:
		s.Mode = fs.ModeIrregular
	}
	return s
}

// again repeats a system call that a signal interrupted, as package os does.
func again(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
