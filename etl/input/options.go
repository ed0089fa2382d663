package input

import (
	"errors"
	"fmt"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/storage"
)

const (
	defaultChunk  = 2 << 20
	defaultRecord = 64 << 20
	defaultGroup  = 1000

	// window is the stretch of text that tells its form.
	window = 64 << 10
	// maxPayload is how much is kept of text that passes a limit.
	maxPayload = 64 << 10
)

// Options of Tasks. The zero value has the defaults. They decide which records share a unit, so they must be the same in
// all steps of a run.
type Options struct {
	// ChunkBytes is the stretch of decompressed content whose records make one chunk; 0: 2 MiB. (With 1 MiB, wide records take
	// 6 % more CPU time.) Record n begins in chunk
	// offset / ChunkBytes. Objects up to this size share a task and its units.
	ChunkBytes int
	// MaxRecord is the largest record in bytes; 0: 64 MiB; at least 64.
	MaxRecord int64
	// GroupObjects is how many objects share a unit, or a task, at most; 0: 1000.
	GroupObjects int
	// Recheck asks after reading an object, or a range of it, whether it still is the same: its reader, if that is a
	// storage.Looker, else the store. It is for stores in which an object can change while it is read.
	Recheck bool
	// Take is asked before a buffer of more than 8 MiB is made, for a record that large, with the bytes more that it takes, and
	// told by a negative number when it goes. It counts them either way and says whether all fits; where not, input
	// gives up its idle buffers. It must be safe for concurrent use and must not wait. nil: nobody counts.
	Take func(n int64) bool
	// Head is told, of each object with Most, or range of one, that a task has read, how many of its raw bytes hold the records that were
	// taken (about, where content is compressed), and where in the content these begin. Tasks call it from the goroutines that read
	// them. nil: nobody asks.
	Head func(obj *batch.Object, begin, bytes int64)
}

func (o Options) withDefaults() Options {
	if o.ChunkBytes <= 0 {
		o.ChunkBytes = defaultChunk
	}
	if o.MaxRecord <= 0 {
		o.MaxRecord = defaultRecord
	}
	o.MaxRecord = max(o.MaxRecord, jsontext.Padding)
	if o.GroupObjects <= 0 {
		o.GroupObjects = defaultGroup
	}
	return o
}

// ObjectError is a failure of the store to give an object. It unwraps to the store's error.
type ObjectError struct {
	Object *batch.Object
	Err    error
}

func (e *ObjectError) Error() string { return fmt.Sprintf("read object %s: %v", e.Object.Key, e.Err) }
func (e *ObjectError) Unwrap() error { return e.Err }

// Gone says that the object is no longer the one that was listed: the run can go on without it, but all that came of it
// so far must be dropped.
func (e *ObjectError) Gone() bool {
	return errors.Is(e.Err, storage.ErrChanged) || errors.Is(e.Err, storage.ErrNotFound)
}
