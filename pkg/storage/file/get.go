package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"datalake/pkg/storage"
)

// Get opens an object; see storage.Store. The reader is also a storage.Looker, and an io.ReaderAt and an io.Seeker over the bytes that were
// asked for: offset 0 is that of GetOptions. It goes on reading the same object when the key is replaced or deleted.
func (s *Store) Get(ctx context.Context, key string, o storage.GetOptions) (io.ReadCloser, storage.Info, error) {
	r, st, err := s.get(ctx, key, o)
	if err != nil {
		return nil, storage.Info{}, fail("get", key, err)
	}
	return r, info(key, st), nil
}

// ReadsAt says that Get gives an io.ReaderAt; see storage.RandomAccess.
func (s *Store) ReadsAt() {}

var _ storage.RandomAccess = (*Store)(nil)

func (s *Store) get(ctx context.Context, key string, o storage.GetOptions) (*reader, Stat, error) {
	name, err := s.begin(ctx, key)
	if err != nil {
		return nil, Stat{}, err
	}
	if o.Offset < 0 || o.Length < 0 {
		return nil, Stat{}, fmt.Errorf("negative range: offset %d, length %d", o.Offset, o.Length)
	}
	f, err := s.fs.Open(name)
	if err != nil {
		return nil, Stat{}, missing(err)
	}
	st, err := f.Stat()
	switch {
	case err != nil:
	case !st.Mode.IsRegular():
		err = storage.ErrNotFound
	case o.IfMatch != "" && o.IfMatch != etag(st):
		err = storage.ErrChanged
	}
	if err != nil {
		return nil, Stat{}, errors.Join(err, f.Close())
	}
	offset := min(o.Offset, st.Size)
	length := st.Size - offset
	if o.Length > 0 {
		length = min(length, o.Length)
	}
	r := &reader{SectionReader: io.NewSectionReader(content{f, key}, offset, length), file: f, key: key}
	return r, st, nil
}

// reader reads a section of an open file.
type reader struct {
	*io.SectionReader
	file File
	key  string
}

var _ storage.Looker = (*reader)(nil)

// Look asks the open file; see storage.Looker.
func (r *reader) Look() (storage.Info, error) {
	st, err := r.file.Stat()
	if err != nil {
		return storage.Info{}, fail("get", r.key, err)
	}
	return info(r.key, st), nil
}

func (r *reader) Close() error { return r.file.Close() }

// content is a file of which only bytes that it had when it was opened are asked for.
type content struct {
	file File
	key  string
}

func (c content) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.file.ReadAt(p, off)
	if err == nil || n == len(p) {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: cut short at byte %d while it was read", storage.ErrChanged, off+int64(n))
	}
	return n, fail("get", c.key, err)
}
