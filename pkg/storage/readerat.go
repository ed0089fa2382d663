package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// RandomAccess is a Store whose Get always gives an io.ReaderAt, so that nobody need ask for a byte to find out.
type RandomAccess interface {
	Store
	// ReadsAt does nothing.
	ReadsAt()
}

// Reader reads one version of an object at random places; see OpenReader. Safe for concurrent use.
type Reader struct {
	io.ReaderAt
	Info  Info
	close func() error
}

// Close gives back what the reader holds.
func (r *Reader) Close() error { return r.close() }

// OpenReader opens an object for random access: where the store's own readers can do that, through one of them, else by
// a ranged Get for each read. ctx holds for all reads. Errors: ErrNotFound, ErrKey; reads give ErrChanged when the object was
// replaced meanwhile.
func OpenReader(ctx context.Context, s Store, key string) (*Reader, error) {
	if _, ok := s.(RandomAccess); !ok {
		body, info, err := s.Get(ctx, key, GetOptions{Length: 1})
		if err != nil {
			return nil, err
		}
		if _, ok := body.(io.ReaderAt); !ok {
			r := &ranges{ctx: ctx, store: s, key: key, etag: info.ETag}
			return &Reader{r, info, func() error { return nil }}, body.Close()
		}
		if err := body.Close(); err != nil {
			return nil, err
		}
	}
	body, info, err := s.Get(ctx, key, GetOptions{})
	if err != nil {
		return nil, err
	}
	at, ok := body.(io.ReaderAt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("open %s: the store's readers differ", key), body.Close())
	}
	return &Reader{at, info, body.Close}, nil
}

// ranges reads by ranged Gets. It keeps the context because io.ReaderAt has no place for one.
type ranges struct {
	ctx   context.Context
	store Store
	key   string
	etag  string
}

func (r *ranges) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	body, _, err := r.store.Get(r.ctx, r.key, GetOptions{IfMatch: r.etag, Offset: off, Length: int64(len(p))})
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(body, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	if cerr := body.Close(); err == nil {
		err = cerr
	}
	return n, err
}
