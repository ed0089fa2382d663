package crashfs

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"time"

	"datalake/pkg/storage/file"
)

// ErrCrashed is what every operation says from the moment the power is lost until Crash or CrashRandom, and what files
// say that were open then.
var ErrCrashed = errors.New("power lost")

// The clock goes on by one tick every opsPerTick operations.
const (
	tick       = 4 * time.Millisecond
	opsPerTick = 32
)

// FS is the file system. It begins with an empty, durable "/". Safe for concurrent use.
type FS struct {
	mu      sync.Mutex
	root    *node
	now     time.Time
	epoch   int // how many crashes there were; files of an earlier one are dead
	crashed bool

	ops     int
	crashAt int // number of the operation; -1: none
	failAt  int
	failErr error

	wholeFrom int // see SetWhole

	inodes uint64
	free   []uint64 // inode numbers to use again, the last one first
}

var _ file.FS = (*FS)(nil)

// New makes an empty file system.
func New() *FS {
	f := &FS{now: time.Unix(1_700_000_000, 0), crashAt: -1, failAt: -1}
	f.root = f.newNode(true)
	f.root.refs = 1
	return f
}

// SetWhole lets the disk be synced as a whole, and says that this is worth it from that many files on. 0 takes it back, as it is at first.
func (f *FS) SetWhole(from int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wholeFrom = from
}

// Ops is how many operations there were that change something or sync it.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// CrashAt makes the power fail before the operation that follows n more of those that Ops counts: 0 is the next one.
// It and all that come after fail with ErrCrashed. A negative n calls it off.
func (f *FS) CrashAt(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashAt = -1
	if n >= 0 {
		f.crashAt = f.ops + n
	}
}

// FailAt makes one operation, counted as by CrashAt, fail with err and change nothing.
func (f *FS) FailAt(n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt, f.failErr = -1, err
	if n >= 0 {
		f.failAt = f.ops + n
	}
}

// Advance moves the clock on.
func (f *FS) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// alive begins an operation that changes nothing. The caller holds the lock, as everywhere below.
func (f *FS) alive(op, name string) error {
	if f.crashed {
		return &fs.PathError{Op: op, Path: name, Err: ErrCrashed}
	}
	return nil
}

// step begins an operation that counts.
func (f *FS) step(op, name string) error {
	if err := f.alive(op, name); err != nil {
		return err
	}
	n := f.ops
	f.ops++
	if f.ops%opsPerTick == 0 {
		f.now = f.now.Add(tick)
	}
	switch n {
	case f.crashAt:
		f.crashed = true
		return &fs.PathError{Op: op, Path: name, Err: ErrCrashed}
	case f.failAt:
		return &fs.PathError{Op: op, Path: name, Err: f.failErr}
	}
	return nil
}

// find gives the node of a path.
func (f *FS) find(op, name string) (*node, error) {
	n := f.root
	for segment := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if segment == "" {
			continue
		}
		if !n.dir {
			return nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
		}
		next, ok := n.entries[segment]
		if !ok {
			return nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
		}
		n = next
	}
	return n, nil
}

// findParent gives the directory that a path's last segment is, or would be, in, and that segment.
func (f *FS) findParent(op, name string) (*node, string, error) {
	slash := strings.LastIndexByte(name, '/')
	if slash < 0 || slash == len(name)-1 {
		return nil, "", &fs.PathError{Op: op, Path: name, Err: syscall.EINVAL}
	}
	dir, err := f.find(op, name[:slash])
	if err != nil {
		return nil, "", err
	}
	if !dir.dir {
		return nil, "", &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
	}
	return dir, name[slash+1:], nil
}

// Open opens a file or a directory.
func (f *FS) Open(name string) (file.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive("open", name); err != nil {
		return nil, err
	}
	n, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	return f.open(n, name, false), nil
}

// Create makes a new file.
func (f *FS) Create(name string) (file.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.make("create", name, false)
	if err != nil {
		return nil, err
	}
	return f.open(n, name, true), nil
}

// open gives a handle, which keeps the node's inode number from being used again.
func (f *FS) open(n *node, name string, writable bool) *handle {
	n.refs++
	return &handle{fs: f, node: n, name: name, epoch: f.epoch, writable: writable}
}

// Mkdir makes a directory.
func (f *FS) Mkdir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.make("mkdir", name, true)
	return err
}

func (f *FS) make(op, name string, dir bool) (*node, error) {
	if err := f.step(op, name); err != nil {
		return nil, err
	}
	if n, err := f.find(op, name); err == nil && n == f.root {
		return nil, &fs.PathError{Op: op, Path: name, Err: syscall.EEXIST}
	}
	parent, base, err := f.findParent(op, name)
	if err != nil {
		return nil, err
	}
	if _, taken := parent.entries[base]; taken {
		return nil, &fs.PathError{Op: op, Path: name, Err: syscall.EEXIST}
	}
	n := f.newNode(dir)
	f.change(parent, change{set: base, node: n})
	return n, nil
}

// Link gives a file a second name.
func (f *FS) Link(old, new string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step("link", new); err != nil {
		return err
	}
	n, err := f.find("link", old)
	if err != nil {
		return err
	}
	if n.dir {
		return &fs.PathError{Op: "link", Path: old, Err: syscall.EPERM}
	}
	dir, base, err := f.findParent("link", new)
	if err != nil {
		return err
	}
	if _, taken := dir.entries[base]; taken {
		return &fs.PathError{Op: "link", Path: new, Err: syscall.EEXIST}
	}
	f.change(dir, change{set: base, node: n})
	return nil
}

// Rename gives a file another name. Inside one directory that is one change; from one directory to another it is two,
// of which a crash may keep either.
func (f *FS) Rename(old, new string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, from, oldBase, to, newBase, err := f.renaming(old, new)
	if err != nil {
		return err
	}
	if n.dir {
		return &fs.PathError{Op: "rename", Path: old, Err: syscall.EISDIR}
	}
	switch taken := to.entries[newBase]; {
	case taken == n:
		return nil
	case taken != nil && taken.dir:
		return &fs.PathError{Op: "rename", Path: new, Err: syscall.EISDIR}
	}
	if from == to {
		f.change(to, change{remove: oldBase, set: newBase, node: n})
		return nil
	}
	f.change(to, change{set: newBase, node: n})
	f.change(from, change{remove: oldBase})
	return nil
}

// RenameOnce gives a file another name in its directory, if nothing has that name. It is one change.
func (f *FS) RenameOnce(old, new string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, from, oldBase, to, newBase, err := f.renaming(old, new)
	if err != nil {
		return err
	}
	if _, taken := to.entries[newBase]; taken {
		return &fs.PathError{Op: "rename", Path: new, Err: syscall.EEXIST}
	}
	if n.dir || from != to {
		return &fs.PathError{Op: "rename", Path: old, Err: syscall.EINVAL}
	}
	f.change(to, change{remove: oldBase, set: newBase, node: n})
	return nil
}

// renaming begins a rename: it gives the node, and each name's directory with its last part.
func (f *FS) renaming(old, new string) (n, from *node, oldBase string, to *node, newBase string, err error) {
	if err = f.step("rename", new); err != nil {
		return
	}
	if n, err = f.find("rename", old); err != nil {
		return
	}
	if from, oldBase, err = f.findParent("rename", old); err != nil {
		return
	}
	to, newBase, err = f.findParent("rename", new)
	return
}

// Unlink removes a name of a file.
func (f *FS) Unlink(name string) error { return f.remove("unlink", name, false) }

// Rmdir removes an empty directory.
func (f *FS) Rmdir(name string) error { return f.remove("rmdir", name, true) }

func (f *FS) remove(op, name string, dir bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(op, name); err != nil {
		return err
	}
	n, err := f.find(op, name)
	if err != nil {
		return err
	}
	switch {
	case n.dir && !dir:
		return &fs.PathError{Op: op, Path: name, Err: syscall.EISDIR}
	case !n.dir && dir:
		return &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
	case n == f.root:
		return &fs.PathError{Op: op, Path: name, Err: syscall.EBUSY}
	case len(n.entries) > 0:
		return &fs.PathError{Op: op, Path: name, Err: syscall.ENOTEMPTY}
	}
	parent, base, err := f.findParent(op, name)
	if err != nil {
		return err
	}
	f.change(parent, change{remove: base})
	return nil
}

// Stat describes a file or a directory.
func (f *FS) Stat(name string) (file.Stat, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive("stat", name); err != nil {
		return file.Stat{}, err
	}
	n, err := f.find("stat", name)
	if err != nil {
		return file.Stat{}, err
	}
	return n.stat(), nil
}

// ReadDir lists a directory in no order.
func (f *FS) ReadDir(name string) ([]file.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive("readdir", name); err != nil {
		return nil, err
	}
	n, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	entries := make([]file.Entry, 0, len(n.entries))
	for base, child := range n.entries {
		entries = append(entries, file.Entry{Name: base, Type: child.stat().Mode.Type()})
	}
	return entries, nil
}

// SyncDir makes the entries of a directory durable.
func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step("syncdir", name); err != nil {
		return err
	}
	n, err := f.find("syncdir", name)
	if err != nil {
		return err
	}
	if !n.dir {
		return &fs.PathError{Op: "syncdir", Path: name, Err: syscall.ENOTDIR}
	}
	f.syncEntries(n)
	return nil
}

// Whole opens the disk; see SetWhole.
func (f *FS) Whole(dir string) (file.Whole, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive("open", dir); err != nil {
		return nil, err
	}
	if f.wholeFrom == 0 {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: errors.ErrUnsupported}
	}
	if _, err := f.find("open", dir); err != nil {
		return nil, err
	}
	return whole{f, f.epoch}, nil
}
