// Package storage is the object store that a lake lives on, as small as the engine needs it: whole objects, listed in
// key order, put once, copied on the server side.
//
// Keys are slash-separated UTF-8 paths below the store's root, without a leading slash. An object is visible to Get,
// Head and List either whole or not at all. Adapters are packages of their own below this one (file, memory), all held
// to one conformance suite (storetest).
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// The errors that callers tell apart. Adapters wrap them in *Error.
var (
	// ErrNotFound: no object has the key.
	ErrNotFound = errors.New("not found")
	// ErrExists: a Put with Once found the key taken, whatever its content.
	ErrExists = errors.New("already exists")
	// ErrChanged: the object is not (or no longer) the one that IfMatch names.
	ErrChanged = errors.New("changed")
	// ErrUnknown: the request may or may not have taken effect; the caller must find out before it acts on either.
	ErrUnknown = errors.New("outcome unknown")
	// ErrKey: no store can hold an object of that key; see CheckKey.
	ErrKey = errors.New("invalid key")
)

// Error says which operation failed on which key. It unwraps to the cause.
type Error struct {
	Op  string // get, put, head, list, copy, delete
	Key string
	Err error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Key, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Info describes one object.
type Info struct {
	Key  string
	Size int64
	// ETag identifies the content: it changes whenever the object does. Opaque; never empty.
	ETag string
	// ModTime is the store's time of the last change, never a local clock's.
	ModTime time.Time
}

// GetOptions narrow a Get. The zero value reads the whole object, whatever its version.
type GetOptions struct {
	// IfMatch, when set, must equal the object's ETag, else ErrChanged.
	IfMatch string
	// Offset is the first byte to read.
	Offset int64
	// Length is how many bytes to read; 0 means up to the end. Reading past the end is not an error: fewer bytes come.
	Length int64
}

// PutOptions say how a Put treats a key that is taken. The zero value replaces.
type PutOptions struct {
	// Once: of all puts of one key at most one wins, the others get ErrExists.
	Once bool
}

// Looker is what the reader that Get gives may be besides, in stores whose objects can be changed in place while they are read.
type Looker interface {
	// Look describes the object that is read, as it is now, also when another one has its key by now: while the ETag is the one that Get
	// gave, all that was read is of that version.
	Look() (Info, error)
}

// Store is an object store. Safe for concurrent use. A request whose context is done fails with the context's error;
// that of a Put or a Copy tells that nothing happened, unless it also is ErrUnknown.
type Store interface {
	// Get opens an object; Info describes all of it, also when a range is read. The caller closes the reader.
	// Errors: ErrNotFound, ErrChanged, ErrKey.
	Get(ctx context.Context, key string, o GetOptions) (io.ReadCloser, Info, error)
	// Put writes an object from body, which is read from its start and may be read again when a request is retried.
	// When Put returns nil the object is durable: it survives the loss of the process and of the machine.
	// ErrExists, too, is said only once the object that took the key is durable.
	// Errors: ErrExists (with Once), ErrUnknown, ErrKey.
	Put(ctx context.Context, key string, body io.ReadSeeker, o PutOptions) (Info, error)
	// Head describes an object. Errors: ErrNotFound, ErrKey.
	Head(ctx context.Context, key string) (Info, error)
	// List yields the objects whose keys begin with prefix and are greater than after, in byte order of their keys.
	// Neither needs to be a key; a prefix that no key can have yields nothing. Objects that come or go meanwhile may or
	// may not be seen. After an error it yields nothing more.
	List(ctx context.Context, prefix, after string) iter.Seq2[Info, error]
	// Copy makes to a durable copy of from without the bytes passing through the caller. An existing object is
	// replaced by equal bytes only: callers copy finished, immutable objects. Errors: ErrNotFound, ErrUnknown, ErrKey,
	// and ErrExists from adapters that can tell that to has other content.
	Copy(ctx context.Context, from, to string) (Info, error)
	// Delete removes an object for good; a missing one is no error. Errors: ErrUnknown, ErrKey.
	Delete(ctx context.Context, key string) error
}

// Batch is a view of a store for many objects that have to be durable together, not one by one. Safe for concurrent use. It is
// dropped when it is no longer needed; there is nothing to close.
type Batch interface {
	// Store is the store itself, but that a Put (also one that says ErrExists) or a Copy may be done before its object is durable.
	// Until Sync the loss of the machine may leave such a key without an object, or with one whose content is not what was put.
	Store
	// Sync is the barrier: when it returns nil, every object is durable that a Put, a Copy or a Head of this batch told of
	// before, whoever put it. It deletes nothing and may be called again. Once it has failed it goes on failing, because what
	// was lost cannot be told any more: begin a new batch, and put everything again.
	Sync(ctx context.Context) error
}

// Batcher is a store to which it is cheaper to make many objects durable at once.
type Batcher interface {
	Store
	NewBatch() Batch
}

// NewBatch gives a batch of a store. Where the store is no Batcher each Put is durable by itself and Sync has nothing to do.
func NewBatch(s Store) Batch {
	if b, ok := s.(Batcher); ok {
		return b.NewBatch()
	}
	return single{s}
}

// single is a batch of a store that makes each object durable at once.
type single struct{ Store }

func (single) Sync(ctx context.Context) error { return ctx.Err() }
