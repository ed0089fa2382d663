//go:build unix

package file

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// OS is the operating system's own FS.
var OS FS = system{}

type system struct{}

// Open passes O_NONBLOCK so that a pipe without a writer does not hold it up; regular files do not mind.
func (system) Open(name string) (File, error) {
	return open(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (system) Create(name string) (File, error) {
	return open(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

func open(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
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

func (system) Stat(name string) (Stat, error) { return stat(os.Stat(name)) }

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
	dir, err := os.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if cerr := dir.Close(); err == nil {
		err = cerr
	}
	return err
}

type osFile struct{ *os.File }

func (f osFile) Stat() (Stat, error) { return stat(f.File.Stat()) }

// SetModTime goes by the file's name: the store calls it on a temporary file, which nobody renames.
func (f osFile) SetModTime(t time.Time) error { return os.Chtimes(f.Name(), time.Time{}, t) }

func stat(info fs.FileInfo, err error) (Stat, error) {
	if err != nil {
		return Stat{}, err
	}
	s := Stat{Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime()}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Stat{}, fmt.Errorf("stat %s: the system gives no inode number", info.Name())
	}
	s.Device, s.Inode = uint64(sys.Dev), uint64(sys.Ino)
	return s, nil
}

// again repeats a system call that a signal interrupted, as package os does.
func again(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
