//go:build unix

package file

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var _ dirReader = system{}

// readDirStat looks each name up in the open directory. The kernel then need not go all the way down from the root for each
// file, which for a raw zone of the usual depth is half of what a listing takes: 0.9 instead of 1.8 µs a file. Names are sorted
// before they are looked up, since they are smaller than nodes.
func (system) readDirStat(dir string, wants func(name string) bool, dst []node) ([]node, error) {
	d, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return dst, err
	}
	defer d.Close() // nothing was written
	names, err := d.Readdirnames(-1)
	if err != nil {
		return dst, err
	}
	slices.Sort(names)
	fd := int(d.Fd())
	dst = slices.Grow(dst, len(names))
	for _, name := range names {
		if !wants(name) {
			continue
		}
		var st unix.Stat_t
		err := again(func() error { return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if err == unix.ENOENT {
			continue
		}
		if err != nil {
			return dst, &fs.PathError{Op: "stat", Path: strings.TrimSuffix(dir, "/") + "/" + name, Err: err}
		}
		dst = append(dst, node{name, statOf(&st)})
	}
	return dst, nil
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
