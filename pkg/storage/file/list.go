package file

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"datalake/pkg/storage"
)

// List yields objects in byte order of their keys; see storage.Store. It reads only those directories that can hold a key that is
// asked for, and reads ahead: while the objects of one are yielded, the next two are read.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
		if dir != "" && check(dir[:len(dir)-1]) != nil {
			return // no key begins so
		}
		w := walk{s: s, prefix: prefix, after: after, yield: yield}
		nodes, err := w.read(dir, nil)
		if _, err = w.dir(ctx, dir, nodes, err); err != nil {
			yield(storage.Info{}, err)
		}
	}
}

// walk is one listing.
//
// Within a directory, the name of a subdirectory sorts as if it ended in a slash, because that is how the keys in it
// go on: "a.b" comes before "a/x", and both before "a0".
type walk struct {
	s             *Store
	prefix, after string
	yield         func(storage.Info, error) bool
	spare         [][]node // for directories to come: only those that lie in one another, and those read ahead, are held at once
}

// ahead is how many directories are read ahead of the one whose objects are yielded: to look up 1,000 files in one takes twice as long as
// to plan a run over them, and is the system's work.
const ahead = 2

// reading is a directory that is being read ahead.
type reading struct {
	done  chan struct{} // closed when the rest is there
	nodes []node
	err   error
}

// begin starts to read a directory.
func (w *walk) begin(dir string) *reading {
	r := &reading{done: make(chan struct{})}
	if n := len(w.spare); n > 0 {
		r.nodes, w.spare = w.spare[n-1][:0], w.spare[:n-1]
	}
	go func() {
		defer close(r.done)
		r.nodes, r.err = w.read(dir, r.nodes)
	}()
	return r
}

// node is an entry of a directory as a listing sees it.
type node struct {
	// name is followed by a slash for a directory.
	name string
	// stat is filled in for a file by an FS that is a dirReader, and for what a symbolic link leads to; else zero.
	stat Stat
}

// dirReader is what an FS may be besides, to list a directory with all that a listing says of the files in it.
type dirReader interface {
	// readDirStat appends to dst the names in a directory that are asked for, in order of the names, each with its Stat;
	// symbolic links are not followed. A name that vanishes meanwhile is left out.
	readDirStat(dir string, wants func(name string) bool, dst []node) ([]node, error)
}

// wants says whether a file of that key is asked for.
func (w *walk) wants(key string) bool {
	return key > w.after && strings.HasPrefix(key, w.prefix)
}

// wantsIn says whether a file in dir, which ends in a slash, can be asked for.
func (w *walk) wantsIn(dir string) bool {
	if !strings.HasPrefix(dir, w.prefix) && !strings.HasPrefix(w.prefix, dir) {
		return false
	}
	return dir > w.after || strings.HasPrefix(w.after, dir)
}

// dir yields the objects below a directory, which is "" or ends in a slash and was read with that outcome, and says whether to go on.
func (w *walk) dir(ctx context.Context, dir string, nodes []node, err error) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fail("list", dir, err)
	}
	if err != nil {
		return false, fail("list", dir, err)
	}
	var next []*reading // the directories in it that come next, in order
	defer func() {
		for _, r := range next {
			<-r.done
		}
		w.spare = append(w.spare, nodes)
	}()
	begun := 0 // all directories among nodes[:begun] are read or being read
	for i := range nodes {
		n := &nodes[i]
		if err := ctx.Err(); err != nil {
			return false, fail("list", dir, err)
		}
		key := dir + n.name
		if strings.HasSuffix(n.name, "/") {
			for begun = max(begun, i); begun < len(nodes) && len(next) <= ahead; begun++ {
				if strings.HasSuffix(nodes[begun].name, "/") {
					next = append(next, w.begin(dir+nodes[begun].name))
				}
			}
			r := next[0]
			next = next[1:]
			<-r.done
			if more, err := w.dir(ctx, key, r.nodes, r.err); err != nil || !more {
				return false, err
			}
			continue
		}
		st := n.stat
		if st.Inode == 0 { // no file has that number
			st, err = w.s.fs.Stat(w.s.path(key))
			if absent(err) {
				continue
			}
			if err != nil {
				return false, fail("list", key, err)
			}
			if !st.Mode.IsRegular() {
				continue // replaced meanwhile
			}
		}
		if !utf8.ValidString(key) {
			return false, fail("list", fmt.Sprintf("%q", key), fmt.Errorf("%w: not UTF-8", storage.ErrKey))
		}
		if !w.yield(info(key, st), nil) {
			return false, nil
		}
	}
	return true, nil
}

// read gives the files and directories of a directory that are asked for, in order, in the room of nodes, which is empty. A directory
// that is missing is empty. It may be called by many goroutines at once.
func (w *walk) read(dir string, nodes []node) ([]node, error) {
	all := strings.HasPrefix(dir, w.prefix) && dir > w.after // then all in it is, too
	wants := func(name string) bool {
		return !strings.HasPrefix(name, temporary) && (all || w.wants(dir+name) || w.wantsIn(dir+name+"/"))
	}
	nodes, err := w.entries(dir, wants, nodes)
	if absent(err) {
		return nodes, nil
	}
	if err != nil {
		return nodes, err
	}
	kept := nodes[:0]
	inOrder := true
	for _, n := range nodes {
		typ := n.stat.Mode.Type()
		file, sub := all || w.wants(dir+n.name), all || w.wantsIn(dir+n.name+"/")
		if typ&fs.ModeSymlink != 0 {
			n.stat, err = w.s.fs.Stat(w.s.path(dir + n.name))
			if absent(err) {
				continue // it leads nowhere
			}
			if err != nil {
				return nodes, err
			}
			typ = n.stat.Mode.Type()
			if typ.IsDir() && sub {
				if err := w.loop(dir, n.name, n.stat); err != nil {
					return nodes, err
				}
			}
		}
		switch {
		case typ.IsDir() && sub:
			n.name += "/"
			inOrder = false
			kept = append(kept, n)
		case typ.IsRegular() && file:
			kept = append(kept, n)
		}
	}
	if !inOrder {
		slices.SortFunc(kept, func(a, b node) int { return strings.Compare(a.name, b.name) })
	}
	return kept, nil
}

// entries appends what is in a directory and wanted, in order of the names. Where the FS is no dirReader, Stat has the type alone.
func (w *walk) entries(dir string, wants func(name string) bool, dst []node) ([]node, error) {
	if d, ok := w.s.fs.(dirReader); ok {
		return d.readDirStat(w.s.path(dir), wants, dst)
	}
	entries, err := w.s.fs.ReadDir(w.s.path(dir))
	for _, e := range entries {
		if wants(e.Name) {
			dst = append(dst, node{name: e.Name, stat: Stat{Mode: e.Type}})
		}
	}
	slices.SortFunc(dst, func(a, b node) int { return strings.Compare(a.name, b.name) })
	return dst, err
}

// loop refuses a symbolic link in dir that leads to a directory on the way to it. A link that leads further up is
// found when the walk comes to the same link again.
func (w *walk) loop(dir, name string, target Stat) error {
	for up := dir; ; up = up[:strings.LastIndexByte(up[:len(up)-1], '/')+1] {
		st, err := w.s.fs.Stat(w.s.path(up))
		if err != nil {
			return err
		}
		if st.same(target) {
			return fmt.Errorf("symbolic link %s leads round in a circle", w.s.path(dir+name))
		}
		if up == "" {
			return nil
		}
	}
}
