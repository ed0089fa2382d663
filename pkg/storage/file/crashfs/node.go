package crashfs

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"datalake/pkg/storage/file"
)

// node is a file or a directory: as it is, and as it would be after a loss of power.
type node struct {
	inode uint64
	dir   bool
	// refs counts the places that hold the node: entries, durable entries, changes between the two, and open files. The inode
	// number is free when there are none.
	refs int

	// Of a file. Content is only ever appended to, so the durable content is its beginning.
	data         []byte
	synced       int
	mtime        time.Time
	durableMtime time.Time

	// Of a directory.
	entries map[string]*node
	durable map[string]*node
	pending []change // what leads from durable to entries, in order
}

// change is one atomic change of a directory: a name goes, a name comes (in place of one that is there), or both.
type change struct {
	remove string
	set    string
	node   *node
}

func (f *FS) newNode(dir bool) *node {
	n := &node{dir: dir, mtime: f.now, durableMtime: f.now}
	if last := len(f.free) - 1; last >= 0 {
		n.inode, f.free = f.free[last], f.free[:last]
	} else {
		f.inodes++
		n.inode = f.inodes
	}
	if dir {
		n.entries, n.durable = map[string]*node{}, map[string]*node{}
	}
	return n
}

// device is the number of the only disk there is.
const device = 1

func (n *node) stat() file.Stat {
	if n.dir {
		return file.Stat{Mode: fs.ModeDir | 0o777, ModTime: n.mtime, Device: device, Inode: n.inode}
	}
	return file.Stat{Mode: 0o666, Size: int64(len(n.data)), ModTime: n.mtime, Device: device, Inode: n.inode}
}

// change changes a directory's entries; nothing of it is durable yet.
func (f *FS) change(dir *node, c change) {
	dir.pending = append(dir.pending, c)
	if c.node != nil {
		c.node.refs++
	}
	f.apply(dir.entries, c)
}

func (f *FS) apply(entries map[string]*node, c change) {
	if c.set != "" {
		old := entries[c.set]
		entries[c.set] = c.node
		c.node.refs++
		f.release(old)
	}
	if c.remove != "" {
		old := entries[c.remove]
		delete(entries, c.remove)
		f.release(old)
	}
}

// release drops one reference to a node, which may be nil.
func (f *FS) release(n *node) {
	if n == nil {
		return
	}
	if n.refs--; n.refs == 0 {
		f.free = append(f.free, n.inode)
	}
}

func (f *FS) syncEntries(dir *node) {
	pending := dir.pending
	dir.pending = nil
	for _, c := range pending {
		f.apply(dir.durable, c)
		f.release(c.node)
	}
}

// syncAll makes a node and all below it durable.
func (f *FS) syncAll(n *node) {
	n.synced, n.durableMtime = len(n.data), n.mtime
	if n.dir {
		f.syncEntries(n)
	}
	for _, child := range n.entries {
		f.syncAll(child)
	}
}

// Crash loses the power and starts again: everything that was not synced is gone. What CrashAt and FailAt ordered is
// called off.
func (f *FS) Crash() {
	f.crash(func(n *node) {
		if !n.dir {
			n.data, n.mtime = n.data[:n.synced:n.synced], n.durableMtime
		}
	})
}

// CrashRandom is a Crash in which, as r has it, some of what was not synced survives.
func (f *FS) CrashRandom(r *rand.Rand) {
	f.crash(func(n *node) {
		if n.dir {
			for _, c := range n.pending {
				if r.IntN(2) == 0 {
					f.apply(n.durable, c)
				}
			}
			return
		}
		keep := n.synced + r.IntN(len(n.data)-n.synced+1)
		switch r.IntN(4) {
		case 0:
			keep = n.synced
		case 1:
			keep = len(n.data)
		}
		data := slices.Clone(n.data[:keep])
		if r.IntN(4) == 0 { // the size survived, the bytes did not
			clear(data[n.synced:])
		}
		n.data = data
		if r.IntN(2) == 0 {
			n.mtime = n.durableMtime
		}
	})
}

// crash brings every node that can be reached by durable names to its durable state, after lose has decided on what was
// not synced.
func (f *FS) crash(lose func(*node)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.epoch++
	f.crashed, f.crashAt, f.failAt = false, -1, -1
	var alive []*node
	seen := map[*node]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		alive = append(alive, n)
		lose(n)
		for _, base := range slices.Sorted(maps.Keys(n.durable)) {
			visit(n.durable[base])
		}
	}
	visit(f.root)
	for _, n := range alive {
		n.refs = 0
		n.synced, n.durableMtime = len(n.data), n.mtime
		n.entries, n.pending = maps.Clone(n.durable), nil
	}
	for _, n := range alive {
		for _, child := range n.durable {
			child.refs += 2 // an entry and a durable entry
		}
	}
	f.root.refs = 1
	f.free = nil
}
