package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"datalake/pkg/storage"
)

// temporary begins the names of files that are being written. No object has such a segment in its key.
const temporary = ".tmp-"

// Store is the object store on a directory. Safe for concurrent use, also of one directory by several processes. It holds
// some directories open (see durable), which are closed when the Store is garbage.
type Store struct {
	fs   FS
	root string // absolute, clean

	mu   sync.Mutex
	last time.Time // of the newest file written, see stamp

	durable *durable
}

var _ storage.Store = (*Store)(nil)

// Open gives the store on the directory. The directory need not exist: it lists as empty, and the first Put makes it.
func Open(dir string) (*Store, error) { return OpenFS(dir, OS) }

// OpenFS is Open on another file system than the operating system's.
func OpenFS(dir string, fsys FS) (*Store, error) {
	if dir == "" {
		return nil, errors.New("open store: no directory given")
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	switch st, err := fsys.Stat(root); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("open store: %w", err)
	case !st.Mode.IsDir():
		return nil, fmt.Errorf("open store %s: not a directory", root)
	}
	s := &Store{fs: fsys, root: root, durable: &durable{}}
	runtime.AddCleanup(s, (*durable).close, s.durable)
	return s, nil
}

// Root is the absolute path of the store's directory.
func (s *Store) Root() string { return s.root }

// Head describes an object; see storage.Store.
func (s *Store) Head(ctx context.Context, key string) (storage.Info, error) {
	st, err := s.head(ctx, key)
	if err != nil {
		return storage.Info{}, fail("head", key, err)
	}
	return info(key, st), nil
}

func (s *Store) head(ctx context.Context, key string) (Stat, error) {
	name, err := s.begin(ctx, key)
	if err != nil {
		return Stat{}, err
	}
	st, err := s.fs.Stat(name)
	if err != nil {
		return Stat{}, missing(err)
	}
	if !st.Mode.IsRegular() {
		return Stat{}, storage.ErrNotFound
	}
	return st, nil
}

// begin is how each request on one key begins: it gives the key's path.
func (s *Store) begin(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := check(key); err != nil {
		return "", err
	}
	if len(s.root) == 1 {
		return s.root + key, nil
	}
	return s.root + "/" + key, nil // clean, because both are
}

// path is where the object or the directory of that key lies; "" is the root.
func (s *Store) path(key string) string { return filepath.Join(s.root, filepath.FromSlash(key)) }

func check(key string) error {
	if err := storage.CheckKey(key); err != nil {
		return err
	}
	if strings.HasPrefix(key, temporary) || strings.Contains(key, "/"+temporary) {
		return fmt.Errorf("%w: a segment begins with %q", storage.ErrKey, temporary)
	}
	return nil
}

func info(key string, st Stat) storage.Info {
	return storage.Info{Key: key, Size: st.Size, ETag: etag(st), ModTime: st.ModTime.UTC()}
}

func etag(st Stat) string {
	b := make([]byte, 0, 48)
	b = strconv.AppendInt(b, st.Size, 16)
	b = strconv.AppendInt(append(b, '-'), st.ModTime.UnixNano(), 16)
	b = strconv.AppendUint(append(b, '-'), st.Inode, 16)
	return string(b)
}

// stamp gives the time that a file written at t (by the file system's clock) is to bear: t, or a little later where an
// earlier file of this store has it already. A clock that was set back by more than a second starts anew.
func (s *Store) stamp(t time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.After(s.last) && s.last.Sub(t) < time.Second {
		t = s.last.Add(1)
	}
	s.last = t
	return t
}

func fail(op, key string, err error) error { return &storage.Error{Op: op, Key: key, Err: err} }

// missing maps the ways in which a file system says that there is no such file.
func missing(err error) error {
	if absent(err) {
		return storage.ErrNotFound
	}
	return err
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// unknown marks a failure after the point from which a request may have taken effect.
func unknown(err error) error { return fmt.Errorf("%w: %w", storage.ErrUnknown, err) }
