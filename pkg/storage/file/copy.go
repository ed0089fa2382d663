package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"datalake/pkg/storage"
)

// Copy makes to a hard link of from; see storage.Store. Errors beside the store's: ErrNoLinks, and storage.ErrExists
// where to has other content, which then stays.
func (s *Store) Copy(ctx context.Context, from, to string) (storage.Info, error) {
	return s.copy(ctx, from, to, nil)
}

// copy makes a link and makes it durable, or leaves that to a batch.
func (s *Store) copy(ctx context.Context, from, to string, b *Batch) (storage.Info, error) {
	source, err := s.begin(ctx, from)
	if err != nil {
		return storage.Info{}, fail("copy", from, err)
	}
	target, err := s.begin(ctx, to)
	if err != nil {
		return storage.Info{}, fail("copy", to, err)
	}
	if b == nil {
		err = s.syncContent(source)
	} else if st, serr := s.fs.Stat(source); serr != nil {
		err = missing(serr)
	} else if !st.Mode.IsRegular() {
		err = storage.ErrNotFound
	}
	if err != nil {
		return storage.Info{}, fail("copy", from, err)
	}
	if err := s.link(ctx, source, target); err != nil {
		if errors.Is(err, storage.ErrNotFound) {
			return storage.Info{}, fail("copy", from, err)
		}
		return storage.Info{}, fail("copy", to, fmt.Errorf("from %s: %w", from, err))
	}
	st, err := s.fs.Stat(target)
	if err != nil {
		return storage.Info{}, fail("copy", to, unknown(err)) // deleted again already
	}
	if err := s.settle(target, st, b); err != nil {
		return storage.Info{}, fail("copy", to, err)
	}
	return info(to, st), nil
}

// syncContent makes the content of a file durable. The store's own files are, but for those of a batch; a file that somebody
// else has just written may not be.
func (s *Store) syncContent(name string) error {
	f, err := s.fs.Open(name)
	if err != nil {
		return missing(err)
	}
	st, err := f.Stat()
	switch {
	case err != nil:
	case !st.Mode.IsRegular():
		err = storage.ErrNotFound
	default:
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// link makes target a name of source, or leaves it as it is where it has equal content.
func (s *Store) link(ctx context.Context, source, target string) error {
	var err error
	for range attempts {
		if err := ctx.Err(); err != nil {
			return err
		}
		err = s.fs.Link(source, target)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, fs.ErrExist):
			equal, err := s.equal(ctx, source, target)
			if errors.Is(err, fs.ErrNotExist) {
				continue // one of them was deleted meanwhile
			}
			if err == nil && !equal {
				err = fmt.Errorf("%w with other content", storage.ErrExists)
			}
			return err
		case errors.Is(err, fs.ErrNotExist):
			// Either the source has gone or the target's directory is missing.
			if _, err := s.fs.Stat(source); err != nil {
				return missing(err)
			}
			if err := s.makeDir(filepath.Dir(target)); err != nil {
				return err
			}
		default:
			return linkError(err)
		}
	}
	return fmt.Errorf("gave up after %d attempts: %w", attempts, err)
}

// equal says whether two files have the same content.
func (s *Store) equal(ctx context.Context, a, b string) (bool, error) {
	sa, err := s.fs.Stat(a)
	if err != nil {
		return false, err
	}
	sb, err := s.fs.Stat(b)
	if err != nil {
		return false, err
	}
	switch {
	case sa.same(sb):
		return true, nil
	case !sb.Mode.IsRegular():
		return false, fmt.Errorf("%s is not a regular file", b)
	case sa.Size != sb.Size:
		return false, nil
	}
	fa, err := s.fs.Open(a)
	if err != nil {
		return false, err
	}
	fb, err := s.fs.Open(b)
	if err != nil {
		return false, errors.Join(err, fa.Close())
	}
	equal, err := equalContent(ctx, fa, fb, sa.Size)
	return equal, errors.Join(err, fa.Close(), fb.Close())
}

// equalContent compares the first size bytes of two files.
func equalContent(ctx context.Context, a, b io.ReaderAt, size int64) (bool, error) {
	bufA, bufB := make([]byte, min(size, copyBuffer)), make([]byte, min(size, copyBuffer))
	for off := int64(0); off < size; off += int64(len(bufA)) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n := min(size-off, int64(len(bufA)))
		for _, f := range []struct {
			io.ReaderAt
			buf []byte
		}{{a, bufA[:n]}, {b, bufB[:n]}} {
			if got, err := f.ReadAt(f.buf, off); got < len(f.buf) {
				return false, fmt.Errorf("compare with the existing object: %w", err)
			}
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
	}
	return true, nil
}
