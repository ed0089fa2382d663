package file

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// Delete removes an object and the directories that it leaves empty; see storage.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	name, err := s.begin(ctx, key)
	if err != nil {
		return fail("delete", key, err)
	}
	if err := s.remove(name); err != nil {
		return fail("delete", key, err)
	}
	return nil
}

// remove takes a file away for good. A file that is missing may have been removed by a request that did not get
// round to the sync, so it syncs then too.
func (s *Store) remove(name string) error {
	if st, err := s.fs.Stat(name); err == nil && st.Mode.IsDir() {
		return nil // a directory, or a symbolic link to one: no object has the key
	}
	if err := s.fs.Unlink(name); err != nil && !absent(err) {
		return err
	}
	// A directory that cannot be removed, be it because another request uses it, stays: it is no object.
	dir := filepath.Dir(name)
	for dir != s.root {
		if err := s.fs.Rmdir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			break
		}
		dir = filepath.Dir(dir)
	}
	if err := s.syncNearest(dir); err != nil {
		return unknown(err)
	}
	return nil
}

// Sweep removes temporary files that were last written before the given time, by the file system's clock, and says how many:
// what puts left behind that were killed. Choose a time before the oldest Put that can still be under way; such a Put
// would fail, without harm to the object. Symbolic links to directories are not followed.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	n, err := s.sweep(ctx, s.root, before)
	if err != nil {
		return n, fail("sweep", s.root, err)
	}
	return n, nil
}

func (s *Store) sweep(ctx context.Context, dir string, before time.Time) (int, error) {
	entries, err := s.fs.ReadDir(dir)
	if absent(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		name := filepath.Join(dir, e.Name)
		if e.Type.IsDir() {
			n, err := s.sweep(ctx, name, before)
			removed += n
			if err != nil {
				return removed, err
			}
			continue
		}
		if !e.Type.IsRegular() || !strings.HasPrefix(e.Name, temporary) {
			continue
		}
		st, err := s.fs.Stat(name)
		if absent(err) {
			continue
		}
		if err != nil {
			return removed, err
		}
		if !st.ModTime.Before(before) {
			continue
		}
		if err := s.remove(name); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
