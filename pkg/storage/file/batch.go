package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"datalake/pkg/storage"
)

const (
	// syncs is how many files and directories are synced at once where that is done one by one. Journals of file systems write for
	// all that wait at one time: 10,000 files in as many new directories took 6.2 s one at a time, 1.3 s with 8, 1.0 s with 64 (ext4).
	syncs = 16
	// startFrom is the size in bytes from which on writing to disk begins at once, not at the barrier, so that it goes on while
	// other files are made.
	startFrom = 256 << 10
)

// Batch is a view of a Store; see storage.Batch. Beside what goes through it, it syncs what other processes have put and may not have
// made durable: of a Head it remembers the name as of a Put.
type Batch struct {
	*Store

	mu     sync.Mutex
	names  map[string]bool // paths of objects since the last Sync
	others map[string]bool // those among them that lie on another disk than the root
	whole  Whole
	tried  bool // to open whole
	err    error
}

var (
	_ storage.Batch   = (*Batch)(nil)
	_ storage.Batcher = (*Store)(nil)
)

// NewBatch gives a batch; see storage.Batch. It reads and writes nothing.
func (s *Store) NewBatch() storage.Batch {
	return &Batch{Store: s, names: map[string]bool{}, others: map[string]bool{}}
}

// Put writes an object, which Sync makes durable; see storage.Store.
func (b *Batch) Put(ctx context.Context, key string, body io.ReadSeeker, o storage.PutOptions) (storage.Info, error) {
	st, err := b.put(ctx, key, body, o, b)
	if err != nil {
		return storage.Info{}, fail("put", key, err)
	}
	return info(key, st), nil
}

// Copy makes to a hard link of from, which Sync makes durable; see Store.Copy.
func (b *Batch) Copy(ctx context.Context, from, to string) (storage.Info, error) {
	return b.copy(ctx, from, to, b)
}

// Head describes an object, which is durable after Sync; see storage.Store.
func (b *Batch) Head(ctx context.Context, key string) (storage.Info, error) {
	st, err := b.head(ctx, key)
	if err != nil {
		return storage.Info{}, fail("head", key, err)
	}
	b.note(b.path(key), st)
	return info(key, st), nil
}

// open opens the disk before the first content is written to it, so that the disk tells of what it then could not write.
func (b *Batch) open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tried {
		return
	}
	b.tried = true
	if w, err := b.fs.Whole(b.root); err == nil {
		b.whole = w
	}
}

// note remembers what Sync has to make durable.
func (b *Batch) note(name string, st Stat) {
	b.open()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names[name] = true
	if b.whole != nil && st.Device != b.whole.Device() {
		b.others[name] = true
	}
}

// Sync makes durable what the batch was told of; see storage.Batch.
func (b *Batch) Sync(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fail("sync", b.root, err)
	}
	b.mu.Lock()
	names, others, err := b.names, b.others, b.err
	b.names, b.others = map[string]bool{}, map[string]bool{}
	b.mu.Unlock()
	if err == nil {
		err = b.sync(ctx, names, others)
	}
	if err == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.Copy(b.names, names)
	maps.Copy(b.others, others)
	// An operating system tells once that it could not write something, and may then take it for written.
	if ctx.Err() == nil {
		b.err = err
	}
	return fail("sync", b.root, err)
}

func (b *Batch) sync(ctx context.Context, names, others map[string]bool) error {
	if len(names) == 0 {
		return nil
	}
	dirs := map[string]bool{}
	if whole := b.whole; whole != nil {
		b.ways(dirs, names)
		if whole.Worth(len(names) + len(dirs)) {
			if err := whole.Sync(); err != nil {
				return fmt.Errorf("sync the disk: %w", err)
			}
			// What lies above the root may be on other disks.
			if err := b.syncUp(filepath.Dir(b.root)); err != nil {
				return err
			}
			names = others
			clear(dirs)
		}
	}
	b.ways(dirs, names)
	if err := each(ctx, names, b.syncFile); err != nil {
		return err
	}
	return each(ctx, dirs, b.syncDir)
}

// ways adds the directories of all names, and those above them up to the top of the file system.
func (b *Batch) ways(dirs, names map[string]bool) {
	for name := range names {
		for dir := filepath.Dir(name); !dirs[dir]; dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
}

// each calls do for each name, some at once. All have ended when it returns.
func each(ctx context.Context, names map[string]bool, do func(name string) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(syncs)
	// In order, so that neighbours on the disk come together.
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return do(name) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// syncFile makes the content of a file durable. One that is gone was deleted by a later request.
func (b *Batch) syncFile(name string) error {
	if err := b.syncContent(name); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	return nil
}

// syncDir makes a directory's entries durable. One that is gone was removed by a later Delete, which syncs for itself.
func (b *Batch) syncDir(dir string) error {
	err := b.fs.SyncDir(dir)
	switch {
	case absent(err):
		return nil
	case errors.Is(err, fs.ErrPermission) && len(dir) < len(b.root):
		return nil // above the root and not ours to read: made by somebody else and long ago
	}
	return err
}
