package file

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// makeDir makes a directory and those above it that are missing. Another request may remove it again before the caller puts
// something into it; the caller then calls again.
//
// Directories inside the root become durable by the syncUp that ends every write. The root and what is above it are
// made durable here, each before the next.
func (s *Store) makeDir(dir string) error {
	err := s.fs.Mkdir(dir)
	if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := s.makeDir(parent); err != nil {
			return err
		}
		err = s.fs.Mkdir(dir)
	}
	switch {
	case errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist):
		return nil // made by another, or the parent was removed by another: the caller's next try tells
	case err != nil:
		return err
	}
	if len(dir) <= len(s.root) {
		return s.fs.SyncDir(filepath.Dir(dir))
	}
	return nil
}

// settle ends a write that has taken effect in dir.
func (s *Store) settle(dir string) error {
	if err := s.syncUp(dir); err != nil {
		return unknown(err)
	}
	return nil
}

// syncUp makes everything in dir durable: its entries, and the way to it from above the root. Directories that are
// missing were removed by a later Delete, which syncs for itself.
func (s *Store) syncUp(dir string) error {
	for {
		if err := s.fs.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if dir == s.root {
			break
		}
		dir = filepath.Dir(dir)
	}
	// The root's own entry: another process may have made the root just now. Where the directory above may not be
	// read, it was made by somebody else and long ago.
	if err := s.fs.SyncDir(filepath.Dir(s.root)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// syncNearest makes what was removed from dir, or with dir, durable: it syncs the nearest directory that is left.
func (s *Store) syncNearest(dir string) error {
	for {
		err := s.fs.SyncDir(dir)
		if !absent(err) || dir == s.root {
			if absent(err) {
				return nil // not even the root
			}
			return err
		}
		dir = filepath.Dir(dir)
	}
}
