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

// List yields objects in byte order of their keys; see storage.Store. It reads one directory after the other, and only those
// that can hold a key that is asked for.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
		if dir != "" && check(dir[:len(dir)-1]) != nil {
			return // no key begins so
		}
		w := walk{s: s, prefix: prefix, after: after, yield: yield}
		if _, err := w.dir(ctx, dir); err != nil {
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
}

// node is an entry of a directory as a listing sees it.
type node struct {
	// name is followed by a slash for a directory.
	name string
	// stat is filled in for what a symbolic link leads to, else zero.
	stat Stat
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

// dir yields the objects below a directory, which is "" or ends in a slash, and says whether to go on.
func (w *walk) dir(ctx context.Context, dir string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fail("list", dir, err)
	}
	nodes, err := w.read(dir)
	if err != nil {
		return false, fail("list", dir, err)
	}
	for _, n := range nodes {
		if err := ctx.Err(); err != nil {
			return false, fail("list", dir, err)
		}
		key := dir + n.name
		if strings.HasSuffix(n.name, "/") {
			if more, err := w.dir(ctx, key); err != nil || !more {
				return false, err
			}
			continue
		}
		st := n.stat
		if st.Mode == 0 && st.Inode == 0 {
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

// read gives the files and directories of a directory that are asked for, in order. A directory that is missing is
// empty.
func (w *walk) read(dir string) ([]node, error) {
	entries, err := w.s.fs.ReadDir(w.s.path(dir))
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	nodes := make([]node, 0, len(entries))
	for _, e := range entries {
		file, sub := w.wants(dir+e.Name), w.wantsIn(dir+e.Name+"/")
		if strings.HasPrefix(e.Name, temporary) || !file && !sub {
			continue
		}
		n, typ := node{name: e.Name}, e.Type
		if typ&fs.ModeSymlink != 0 {
			n.stat, err = w.s.fs.Stat(w.s.path(dir + e.Name))
			if absent(err) {
				continue // it leads nowhere
			}
			if err != nil {
				return nil, err
			}
			typ = n.stat.Mode.Type()
			if typ.IsDir() && sub {
				if err := w.loop(dir, e.Name, n.stat); err != nil {
					return nil, err
				}
			}
		}
		switch {
		case typ.IsDir() && sub:
			n.name += "/"
			nodes = append(nodes, n)
		case typ.IsRegular() && file:
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.name, b.name) })
	return nodes, nil
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
