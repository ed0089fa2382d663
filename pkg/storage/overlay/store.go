package overlay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"datalake/pkg/spill"
	"datalake/pkg/storage"
)

const (
	// inMemory is up to what size an object stays in memory, in bytes.
	inMemory = 64 << 10
	// piece is how much of a body is held while it is written or read.
	piece = 1 << 20
)

// Store is an overlay. Safe for concurrent use.
type Store struct {
	base storage.Store
	file *spill.File
	now  func() time.Time

	mu  sync.Mutex
	own map[string]*object
}

var _ storage.Store = (*Store)(nil)

// object is what the overlay has of its own at a key. Immutable.
type object struct {
	info    storage.Info
	gone    bool // the object of the store below is deleted here
	data    []byte
	extents []spill.Extent
	// from is the key, in the store below, of the object that this is a copy of; etag is its version there.
	from, etag string
}

// New gives an overlay of base. Large objects go to temporary files in dir; empty means the system's folder. now is where
// the times of objects come from; nil: time.Now.
func New(base storage.Store, dir string, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{base: base, file: spill.NewFile(dir), now: now, own: map[string]*object{}}
}

// Close gives the temporary file back. Objects in it cannot be read any more.
func (s *Store) Close() error { return s.file.Close() }

// Base is the store below.
func (s *Store) Base() storage.Store { return s.base }

// Bytes is how much lies in the temporary file.
func (s *Store) Bytes() int64 { return s.file.Size() }

func failed(op, key string, err error) error {
	var already *storage.Error
	if err == nil || errors.As(err, &already) && already.Op == op && already.Key == key {
		return err
	}
	return &storage.Error{Op: op, Key: key, Err: err}
}

func (s *Store) find(key string) *object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own[key]
}

// Get opens an object; see storage.Store.
func (s *Store) Get(ctx context.Context, key string, o storage.GetOptions) (io.ReadCloser, storage.Info, error) {
	obj := s.find(key)
	if obj == nil {
		return s.base.Get(ctx, key, o)
	}
	err := ctx.Err()
	switch {
	case err != nil:
	case o.Offset < 0 || o.Length < 0:
		err = fmt.Errorf("negative range: offset %d, length %d", o.Offset, o.Length)
	case obj.gone:
		err = storage.ErrNotFound
	case o.IfMatch != "" && o.IfMatch != obj.info.ETag:
		err = storage.ErrChanged
	}
	if err != nil {
		return nil, storage.Info{}, failed("get", key, err)
	}
	if obj.from != "" {
		o.IfMatch = obj.etag
		r, _, err := s.base.Get(ctx, obj.from, o)
		return r, obj.info, failed("get", key, err)
	}
	first := min(o.Offset, obj.info.Size)
	n := obj.info.Size - first
	if o.Length > 0 {
		n = min(n, o.Length)
	}
	return reader{io.NewSectionReader(content{s, obj}, first, n)}, obj.info, nil
}

type reader struct{ *io.SectionReader }

func (reader) Close() error { return nil }

// content reads what the overlay has of an object.
type content struct {
	*Store
	*object
}

func (c content) ReadAt(p []byte, off int64) (n int, err error) {
	if c.extents == nil {
		return bytes.NewReader(c.data).ReadAt(p, off)
	}
	for _, e := range c.extents {
		if off >= e.Length {
			off -= e.Length
			continue
		}
		part := min(e.Length-off, int64(len(p)-n))
		if part == 0 {
			return n, nil
		}
		if err := c.file.Read(spill.Extent{Offset: e.Offset + off, Length: part}, p[n:]); err != nil {
			return n, err
		}
		n, off = n+int(part), 0
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Put writes an object; see storage.Store. "Durable" means as long as the overlay is open.
func (s *Store) Put(ctx context.Context, key string, body io.ReadSeeker, o storage.PutOptions) (storage.Info, error) {
	err := ctx.Err()
	if err == nil {
		err = storage.CheckKey(key)
	}
	if err == nil && o.Once && s.find(key) == nil {
		err = s.free(ctx, key)
	}
	var obj *object
	if err == nil {
		obj, err = s.take(ctx, key, body)
	}
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if there := s.own[key]; o.Once && there != nil && !there.gone {
			err = storage.ErrExists
		} else {
			s.own[key] = obj
			return obj.info, nil
		}
	}
	return storage.Info{}, failed("put", key, err)
}

// free says whether the store below has no object of that key.
func (s *Store) free(ctx context.Context, key string) error {
	switch _, err := s.base.Head(ctx, key); {
	case err == nil:
		return storage.ErrExists
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	return nil
}

// take reads a body.
func (s *Store) take(ctx context.Context, key string, body io.ReadSeeker) (*object, error) {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("rewind body: %w", err)
	}
	obj, h := &object{}, xxh3.New()
	buf := make([]byte, inMemory+1)
	for {
		n, err := io.ReadFull(body, buf)
		_, _ = h.Write(buf[:n]) // a hash takes everything
		obj.info.Size += int64(n)
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return nil, fmt.Errorf("read body: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if last && obj.extents == nil {
			obj.data = bytes.Clone(buf[:n])
			break
		}
		if n > 0 {
			e, err := s.file.Append(buf[:n])
			if err != nil {
				return nil, err
			}
			obj.extents = append(obj.extents, e)
		}
		if last {
			break
		}
		if len(buf) < piece {
			buf = make([]byte, piece)
		}
	}
	sum := h.Sum128()
	obj.info = storage.Info{Key: key, Size: obj.info.Size, ETag: fmt.Sprintf("overlay-%016x%016x", sum.Hi, sum.Lo), ModTime: s.now().UTC()}
	return obj, nil
}

// Head describes an object; see storage.Store.
func (s *Store) Head(ctx context.Context, key string) (storage.Info, error) {
	obj := s.find(key)
	switch {
	case obj == nil:
		return s.base.Head(ctx, key)
	case ctx.Err() != nil:
		return storage.Info{}, failed("head", key, ctx.Err())
	case obj.gone:
		return storage.Info{}, failed("head", key, storage.ErrNotFound)
	}
	return obj.info, nil
}

// List yields the objects of both stores; see storage.Store.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		s.mu.Lock()
		own := maps.Clone(s.own)
		s.mu.Unlock()
		var keys []string
		for key, obj := range own {
			if !obj.gone && strings.HasPrefix(key, prefix) && key > after {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		upTo := func(key string, all bool) bool {
			for len(keys) > 0 && (all || keys[0] < key) {
				if err := ctx.Err(); err != nil {
					yield(storage.Info{}, failed("list", prefix, err))
					return false
				}
				if !yield(own[keys[0]].info, nil) {
					return false
				}
				keys = keys[1:]
			}
			return true
		}
		for info, err := range s.base.List(ctx, prefix, after) {
			if err != nil {
				yield(info, err)
				return
			}
			if own[info.Key] != nil {
				continue
			}
			if !upTo(info.Key, false) || !yield(info, nil) {
				return
			}
		}
		upTo("", true)
	}
}

// Copy makes to a copy of from; see storage.Store. Where to has other content it stays, and the error is storage.ErrExists.
func (s *Store) Copy(ctx context.Context, from, to string) (storage.Info, error) {
	info, err := s.copy(ctx, from, to)
	return info, failed("copy", to, err)
}

func (s *Store) copy(ctx context.Context, from, to string) (storage.Info, error) {
	if err := errors.Join(storage.CheckKey(from), storage.CheckKey(to)); err != nil {
		return storage.Info{}, err
	}
	source, err := s.Head(ctx, from)
	if err != nil {
		return storage.Info{}, err
	}
	switch there, err := s.Head(ctx, to); {
	case err == nil && from == to:
		return there, nil
	case err == nil:
		same, err := s.equal(ctx, source, there)
		if err == nil && !same {
			err = fmt.Errorf("from %s: %w with other content", from, storage.ErrExists)
		}
		return there, err
	case !errors.Is(err, storage.ErrNotFound):
		return storage.Info{}, err
	}
	obj := object{from: from, etag: source.ETag}
	if own := s.find(from); own != nil {
		obj = *own
	}
	if obj.gone {
		return storage.Info{}, storage.ErrNotFound // deleted meanwhile
	}
	obj.info = storage.Info{Key: to, Size: source.Size, ETag: source.ETag, ModTime: s.now().UTC()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if there := s.own[to]; there != nil && !there.gone && there.info.ETag != obj.info.ETag {
		return storage.Info{}, fmt.Errorf("from %s: %w with other content", from, storage.ErrExists)
	}
	s.own[to] = &obj
	return obj.info, nil
}

// equal compares two objects byte by byte, unless their versions say that they are the same.
func (s *Store) equal(ctx context.Context, a, b storage.Info) (same bool, err error) {
	if a.Size != b.Size || a.ETag == b.ETag {
		return a.Size == b.Size, nil
	}
	x, _, err := s.Get(ctx, a.Key, storage.GetOptions{IfMatch: a.ETag})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	y, _, err := s.Get(ctx, b.Key, storage.GetOptions{IfMatch: b.ETag})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, y.Close()) }()
	p, q := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(x, p)
		m, err2 := io.ReadFull(y, q)
		switch {
		case !bytes.Equal(p[:n], q[:m]):
			return false, nil
		case (err == io.EOF || err == io.ErrUnexpectedEOF) && err2 == err:
			return true, nil
		case err != nil || err2 != nil:
			return false, errors.Join(err, err2)
		}
	}
}

// Delete removes an object from view; see storage.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := ctx.Err()
	if err == nil {
		err = storage.CheckKey(key)
	}
	if err != nil {
		return failed("delete", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own[key] = &object{gone: true}
	return nil
}
