package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"syscall"

	"datalake/pkg/planted"
	"datalake/pkg/storage"
)

// ErrNoLinks: the file system has no hard links (or forbids this one); puts of the kind once and copies need them.
var ErrNoLinks = errors.New("no hard links on this file system")

// copyBuffer is how much of a body is in memory at once, in bytes.
const copyBuffer = 256 << 10

// attempts bounds how often a request begins again because another one removed what it stood on. Each time that
// other request made progress, so a healthy directory never comes near.
const attempts = 1000

// Put writes an object; see storage.Store.
func (s *Store) Put(ctx context.Context, key string, body io.ReadSeeker, o storage.PutOptions) (storage.Info, error) {
	st, err := s.put(ctx, key, body, o, nil)
	if err != nil {
		return storage.Info{}, fail("put", key, err)
	}
	return info(key, st), nil
}

// put writes an object and makes it durable, or leaves that to a batch.
func (s *Store) put(ctx context.Context, key string, body io.ReadSeeker, o storage.PutOptions, b *Batch) (Stat, error) {
	name, err := s.begin(ctx, key)
	if err != nil {
		return Stat{}, err
	}
	f, temp, err := s.createTemp(ctx, filepath.Dir(name))
	if err != nil {
		return Stat{}, err
	}
	if b != nil {
		b.open()
	}
	st, err := s.fill(ctx, f, body, b)
	if err != nil {
		return Stat{}, errors.Join(err, s.discard(temp))
	}
	if !o.Once {
		if err := s.fs.Rename(temp, name); err != nil {
			return Stat{}, errors.Join(err, s.discard(temp))
		}
		return st, s.settle(name, st, b)
	}
	// One act where the file system can: the temporary name becomes the object's. Else two.
	gone := true
	lerr := s.nameOnce(name, st, func() error { return s.fs.RenameOnce(temp, name) })
	if errors.Is(lerr, errors.ErrUnsupported) {
		gone = false
		lerr = s.nameOnce(name, st, func() error { return linkError(s.fs.Link(temp, name)) })
	}
	if lerr != nil && !errors.Is(lerr, storage.ErrExists) {
		return Stat{}, errors.Join(lerr, s.discard(temp))
	}
	var derr error
	if !gone || lerr != nil {
		// Before the sync of the directory, so that it covers that too.
		derr = s.discard(temp)
	}
	serr := s.finish(name, st, b)
	switch err := errors.Join(derr, serr); {
	case lerr != nil && serr != nil:
		return Stat{}, serr // nothing was put, and ErrExists may not be said of an object that is not durable
	case lerr != nil:
		return Stat{}, errors.Join(lerr, derr)
	case err != nil:
		return Stat{}, unknown(err)
	}
	return st, nil
}

// createTemp opens a new temporary file in dir, which it makes where it is missing.
func (s *Store) createTemp(ctx context.Context, dir string) (File, string, error) {
	var err error
	for range attempts {
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
		name := filepath.Join(dir, temporary+strconv.FormatUint(rand.Uint64(), 16))
		var f File
		f, err = s.fs.Create(name)
		switch {
		case err == nil:
			return f, name, nil
		case errors.Is(err, fs.ErrExist):
		case errors.Is(err, fs.ErrNotExist):
			if err := s.makeDir(dir); err != nil {
				return nil, "", err
			}
		case errors.Is(err, syscall.ENOTDIR):
			return nil, "", fmt.Errorf("an object lies where a directory is needed: %w", err)
		default:
			return nil, "", err
		}
	}
	return nil, "", fmt.Errorf("gave up after %d attempts: %w", attempts, err)
}

// fill writes body to f, makes it durable where no batch does that, and closes f. It describes the file as it stays.
func (s *Store) fill(ctx context.Context, f File, body io.ReadSeeker, b *Batch) (st Stat, err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := write(ctx, f, body); err != nil {
		return Stat{}, err
	}
	if st, err = f.Stat(); err != nil {
		return Stat{}, err
	}
	if t := s.stamp(st.ModTime); !t.Equal(st.ModTime) {
		if err := f.SetModTime(t); err != nil {
			return Stat{}, err
		}
		// Read back: a file system may keep its times coarser.
		if st, err = f.Stat(); err != nil {
			return Stat{}, err
		}
	}
	if b != nil {
		if st.Size >= startFrom {
			f.StartSync()
		}
		return st, nil
	}
	if planted.Bug("forget-fsync") {
		return st, nil
	}
	return st, f.Sync()
}

// write copies body from its start to f and gives up when ctx is done.
func write(ctx context.Context, f File, body io.ReadSeeker) error {
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("rewind body: %w", err)
	}
	buf := make([]byte, min(size+1, copyBuffer)) // one byte more than the body, so that its end shows in one read
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, rerr := body.Read(buf)
		if n > 0 {
			if _, err := f.Write(buf[:n]); err != nil {
				return err
			}
		}
		if rerr == io.EOF {
			return nil
		}
		if rerr != nil {
			return fmt.Errorf("read body: %w", rerr)
		}
	}
}

// nameOnce gives a temporary file, which st describes, the name of an object that must not exist; act does it.
func (s *Store) nameOnce(name string, st Stat, act func() error) error {
	for range attempts {
		err := act()
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		switch there, err := s.fs.Stat(name); {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
		case err != nil:
			return err
		case there.same(st): // a network file system sent the request twice: it was ours
			return nil
		case there.Mode.IsDir():
			return fmt.Errorf("%s is a directory", name)
		default:
			return storage.ErrExists
		}
	}
	return fmt.Errorf("%s exists, yet cannot be read: a broken symbolic link?", name)
}

// linkError explains why there can be no hard link.
func linkError(err error) error {
	if errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("both must lie on one file system: %w", err)
	}
	for _, no := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS} {
		if errors.Is(err, no) {
			return fmt.Errorf("%w: %w", ErrNoLinks, err)
		}
	}
	return err
}

// discard removes a temporary file; one that was swept meanwhile is fine.
func (s *Store) discard(temp string) error {
	if err := s.fs.Unlink(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove temporary file: %w", err)
	}
	return nil
}
