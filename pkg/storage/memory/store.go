package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"datalake/pkg/storage"
)

// page is how many objects one request of a List gives.
const page = 1000

// Fault decides whether a request fails: op is get, put, head, list, copy or delete; key is the object's, that of the
// target for a copy, the prefix for a list. A nil error lets the request go on. It is called by the goroutine of the
// request, without any lock held.
type Fault func(op, key string) error

// Store is an object store in memory. Safe for concurrent use.
type Store struct {
	mu       sync.Mutex
	objects  map[string]object
	keys     []string // of objects, sorted, unless stale
	stale    bool
	requests map[string]int64
	before   Fault
	after    Fault
	clock    func() time.Time
}

// object is one version of an object; its content never changes.
type object struct {
	data    []byte
	etag    string
	modTime time.Time
}

var _ storage.Store = (*Store)(nil)

// New makes an empty store, whose clock is time.Now.
func New() *Store {
	return &Store{objects: map[string]object{}, requests: map[string]int64{}, clock: time.Now}
}

// SetFaults orders failures for the requests to come. What before refuses has not taken effect. What after fails has: a
// put, copy or delete whose answer got lost, for which after gives storage.ErrUnknown. For the other requests the two differ
// in nothing. Either may be nil.
func (s *Store) SetFaults(before, after Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// SetClock sets where ModTime comes from.
func (s *Store) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// Requests counts the requests so far by operation, also those that failed; a List is one request for each 1000
// objects.
func (s *Store) Requests() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// do carries out one request: act runs under the lock.
func (s *Store) do(ctx context.Context, op, key string, act func() error) error {
	s.mu.Lock()
	s.requests[op]++
	before, after := s.before, s.after
	s.mu.Unlock()
	err := ctx.Err()
	if err == nil && op != "list" {
		err = storage.CheckKey(key)
	}
	if err == nil && before != nil {
		err = before(op, key)
	}
	if err == nil {
		err = s.locked(act)
	}
	if err == nil && after != nil {
		err = after(op, key)
	}
	if err != nil {
		return &storage.Error{Op: op, Key: key, Err: err}
	}
	return nil
}

func (s *Store) locked(act func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return act()
}

// find gives an object. The caller holds the lock.
func (s *Store) find(key string) (object, error) {
	obj, ok := s.objects[key]
	if !ok {
		return object{}, storage.ErrNotFound
	}
	return obj, nil
}

// set makes data the object of that key. The caller holds the lock.
func (s *Store) set(key string, data []byte, etag string) object {
	obj := object{data: data, etag: etag, modTime: s.clock().UTC()}
	if _, replaced := s.objects[key]; !replaced {
		s.stale = true
	}
	s.objects[key] = obj
	return obj
}

func (o object) info(key string) storage.Info {
	return storage.Info{Key: key, Size: int64(len(o.data)), ETag: o.etag, ModTime: o.modTime}
}

// Get opens an object; see storage.Store. The reader is also an io.ReaderAt and an io.Seeker, over the bytes that were
// asked for: offset 0 is that of GetOptions.
func (s *Store) Get(ctx context.Context, key string, o storage.GetOptions) (io.ReadCloser, storage.Info, error) {
	var obj object
	err := s.do(ctx, "get", key, func() (err error) {
		if o.Offset < 0 || o.Length < 0 {
			return fmt.Errorf("negative range: offset %d, length %d", o.Offset, o.Length)
		}
		if obj, err = s.find(key); err != nil {
			return err
		}
		if o.IfMatch != "" && o.IfMatch != obj.etag {
			return storage.ErrChanged
		}
		return nil
	})
	if err != nil {
		return nil, storage.Info{}, err
	}
	section := obj.data[min(o.Offset, int64(len(obj.data))):]
	if o.Length > 0 {
		section = section[:min(o.Length, int64(len(section)))]
	}
	return reader{bytes.NewReader(section)}, obj.info(key), nil
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// Put writes an object; see storage.Store. "Durable" means as long as the Store lives.
func (s *Store) Put(ctx context.Context, key string, body io.ReadSeeker, o storage.PutOptions) (storage.Info, error) {
	data, err := read(ctx, body)
	if err != nil {
		return storage.Info{}, &storage.Error{Op: "put", Key: key, Err: err}
	}
	etag := fmt.Sprintf("%x", xxh3.Hash128(data).Bytes())
	var obj object
	err = s.do(ctx, "put", key, func() error {
		if _, taken := s.objects[key]; taken && o.Once {
			return storage.ErrExists
		}
		obj = s.set(key, data, etag)
		return nil
	})
	if err != nil {
		return storage.Info{}, err
	}
	return obj.info(key), nil
}

// read gives the whole body.
func read(ctx context.Context, body io.ReadSeeker) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("rewind body: %w", err)
	}
	var buf bytes.Buffer
	buf.Grow(int(size) + bytes.MinRead) // so that the end shows without growing again
	if _, err := buf.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return buf.Bytes(), nil
}

// Head describes an object; see storage.Store.
func (s *Store) Head(ctx context.Context, key string) (storage.Info, error) {
	var obj object
	err := s.do(ctx, "head", key, func() (err error) {
		obj, err = s.find(key)
		return err
	})
	if err != nil {
		return storage.Info{}, err
	}
	return obj.info(key), nil
}

// List yields objects in byte order of their keys, as they are when their page is taken; see storage.Store.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for more, after := true, after; more; {
			var infos []storage.Info
			err := s.do(ctx, "list", prefix, func() error {
				infos, more = s.page(prefix, after)
				return nil
			})
			if err != nil {
				yield(storage.Info{}, err)
				return
			}
			for _, info := range infos {
				if err := ctx.Err(); err != nil {
					yield(storage.Info{}, &storage.Error{Op: "list", Key: prefix, Err: err})
					return
				}
				if !yield(info, nil) {
					return
				}
				after = info.Key
			}
		}
	}
}

// page gives the next objects of a listing and whether more may follow. The caller holds the lock.
func (s *Store) page(prefix, after string) (infos []storage.Info, more bool) {
	if s.stale {
		s.keys, s.stale = slices.Sorted(maps.Keys(s.objects)), false
	}
	from, _ := slices.BinarySearch(s.keys, prefix)
	next, found := slices.BinarySearch(s.keys, after)
	if found {
		next++
	}
	for _, key := range s.keys[max(from, next):] {
		if !strings.HasPrefix(key, prefix) {
			return infos, false
		}
		if len(infos) == page {
			return infos, true
		}
		infos = append(infos, s.objects[key].info(key))
	}
	return infos, false
}

// Copy makes to a copy of from; see storage.Store. Where to has other content it stays, and the error is
// storage.ErrExists.
func (s *Store) Copy(ctx context.Context, from, to string) (storage.Info, error) {
	var obj object
	err := s.do(ctx, "copy", to, func() error {
		if err := storage.CheckKey(from); err != nil {
			return fmt.Errorf("from %q: %w", from, err)
		}
		source, err := s.find(from)
		if err != nil {
			return fmt.Errorf("from %s: %w", from, err)
		}
		if there, taken := s.objects[to]; taken {
			if !bytes.Equal(there.data, source.data) {
				return fmt.Errorf("from %s: %w with other content", from, storage.ErrExists)
			}
			obj = there
			return nil
		}
		obj = s.set(to, source.data, source.etag)
		return nil
	})
	if err != nil {
		return storage.Info{}, err
	}
	return obj.info(to), nil
}

// Delete removes an object; see storage.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.do(ctx, "delete", key, func() error {
		if _, there := s.objects[key]; there {
			delete(s.objects, key)
			s.stale = true
		}
		return nil
	})
}
