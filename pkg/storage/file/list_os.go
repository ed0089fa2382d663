//go:build unix

package file

import (
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

var _ dirReader = system{}

// readDirStat looks each name up in the open directory. The kernel then need not go all the way down from the root for each
// file, which for a raw zone of the usual depth is half of what a listing takes: 0.9 instead of 1.8 µs a file. Names are sorted
// before they are looked up, since they are smaller than nodes.
func (system) readDirStat(dir string, wants func(name string) bool, dst []node) ([]node, error) {
	fd, err := openFD(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return dst, err
	}
	defer unix.Close(fd) // nothing was written
	names, err := readNames(fd)
	if err != nil {
		return dst, &fs.PathError{Op: "readdir", Path: dir, Err: err}
	}
	slices.Sort(names)
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

// direntBytes is how much of a directory one call reads: 32 KiB, some 500 names.
const direntBytes = 32 << 10

var direntBuffers = sync.Pool{New: func() any { return new([direntBytes]byte) }}

// readNames gives the names in an open directory, without "." and "..".
func readNames(fd int) ([]string, error) {
	buf := direntBuffers.Get().(*[direntBytes]byte)
	defer direntBuffers.Put(buf)
	var names []string
	for {
		var n int
		err := again(func() (err error) {
			n, err = unix.ReadDirent(fd, buf[:])
			return err
		})
		if err != nil || n <= 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}
