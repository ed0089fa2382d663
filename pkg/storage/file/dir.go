package file

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
)

// makeDir makes a directory and those above it that are missing. Another request may remove it again before the caller
// puts something into it; the caller then calls again. What it makes becomes durable by the syncUp that ends every write.
func (s *Store) makeDir(dir string) error {
	err := s.fs.Mkdir(dir)
	if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := s.makeDir(parent); err != nil {
			return err
		}
		err = s.fs.Mkdir(dir)
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil // made by another, or the parent was removed by another: the caller's next try tells
	}
	return err
}

// finish makes the name of an object durable, or tells a batch of it.
func (s *Store) finish(name string, st Stat, b *Batch) error {
	if b != nil {
		b.note(name, st)
		return nil
	}
	return s.syncUp(filepath.Dir(name))
}

// settle is finish after a write that has taken effect.
func (s *Store) settle(name string, st Stat, b *Batch) error {
	if err := s.finish(name, st, b); err != nil {
		return unknown(err)
	}
	return nil
}

// syncUp makes everything in dir durable: its entries, and the way to it from the top of the file system. It stops
// early at a directory whose own way is known to be durable. Directories that are missing were removed by a later
// Delete, which syncs for itself.
func (s *Store) syncUp(dir string) (err error) {
	var fresh []pin
	defer func() {
		if err != nil {
			closeAll(fresh)
			return
		}
		s.durable.add(fresh)
	}()
	for {
		known := s.durable.has(s.fs, dir)
		if !known {
			// Held before the directory above is synced, so that what is remembered is what became durable.
			switch p, err := openPin(s.fs, dir); {
			case err == nil:
				fresh = append(fresh, p)
			case errors.Is(err, fs.ErrPermission) && len(dir) < len(s.root):
				return nil // above the root and not ours to read: made by somebody else and long ago
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
		}
		if err := s.fs.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		parent := filepath.Dir(dir)
		if known || parent == dir {
			return nil
		}
		dir = parent
	}
}

// syncNearest makes what was removed from dir, or with dir, durable: it syncs the nearest directory that is left.
func (s *Store) syncNearest(dir string) error {
	for {
		err := s.fs.SyncDir(dir)
		if !absent(err) {
			return err
		}
		if dir == s.root {
			return nil // not even the root
		}
		dir = filepath.Dir(dir)
	}
}

// maxPins is how many directories a Store keeps open, at most.
const maxPins = 128

// durable remembers directories whose way from the top has been synced.
//
// A path alone would not do: another process may remove the directory and make a new one, which is not durable yet. So
// each one is held open. Its inode number cannot pass to another directory then, and a path that leads to the same inode
// leads to the directory that was synced, which was never removed in between; nor were those above it, because they
// were never empty. One stat so stands for the syncs of all directories above.
//
// The zero value remembers nothing. Safe for concurrent use.
type durable struct {
	mu   sync.Mutex
	pins map[string]pin
}

// pin is a directory that is held open.
type pin struct {
	name string
	file File
	stat Stat
}

func openPin(fsys FS, dir string) (pin, error) {
	f, err := fsys.Open(dir)
	if err != nil {
		return pin{}, err
	}
	st, err := f.Stat()
	if err != nil {
		return pin{}, errors.Join(err, f.Close())
	}
	return pin{dir, f, st}, nil
}

// has says whether the directory that now lies at the path is one of those remembered.
func (d *durable) has(fsys FS, dir string) bool {
	d.mu.Lock()
	defer d.mu.Unlock() // also during the stat: add must not let go of the inode before it
	p, ok := d.pins[dir]
	if !ok {
		return false
	}
	st, err := fsys.Stat(dir)
	return err == nil && st.same(p.stat)
}

// add remembers directories and forgets all others when they become too many.
func (d *durable) add(fresh []pin) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pins)+len(fresh) > maxPins {
		d.drop()
	}
	if len(fresh) > maxPins {
		closeAll(fresh)
		return
	}
	if d.pins == nil {
		d.pins = map[string]pin{}
	}
	for _, p := range fresh {
		if old, ok := d.pins[p.name]; ok {
			old.file.Close()
		}
		d.pins[p.name] = p
	}
}

// close lets go of all directories.
func (d *durable) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop()
}

func (d *durable) drop() {
	for _, p := range d.pins {
		p.file.Close()
	}
	clear(d.pins)
}

// closeAll ignores errors, as add does: the handles were only held, never read or written.
func closeAll(pins []pin) {
	for _, p := range pins {
		p.file.Close()
	}
}
