package diff

import (
	"context"
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"datalake/pkg/spill"
)

// fan is how many buckets records are divided into, by fanBits bits of their hash, and again where a bucket is too large.
const (
	fanBits  = 6
	fan      = 1 << fanBits
	maxDepth = 64 / fanBits
)

// buckets hold records by the hash of their keys, in memory up to a budget, then in a file.
type buckets struct {
	file   *spill.File
	limit  int64 // of what waits in memory, and of what is looked at at once
	depth  int   // which bits of the hash tell
	held   int64
	bucket [fan]bucket
}

// bucket is a bucket's records: what went to the file, and what came after it.
type bucket struct {
	extents []spill.Extent
	spilled int64
	tail    []byte
}

// newBuckets allows memory bytes: half for what waits, half for the bucket that is looked at with its index.
func newBuckets(file *spill.File, memory int64) *buckets {
	return &buckets{file: file, limit: max(memory/4, 1<<12)}
}

// add puts a record into its bucket: the lengths of key and body, the side, key and body.
func (b *buckets) add(hash uint64, side int, key, body []byte) error {
	x := &b.bucket[hash<<(b.depth*fanBits)>>(64-fanBits)]
	before := len(x.tail)
	x.tail = binary.AppendUvarint(x.tail, uint64(len(key))<<1|uint64(side))
	x.tail = binary.AppendUvarint(x.tail, uint64(len(body)))
	x.tail = append(append(x.tail, key...), body...)
	if b.held += int64(len(x.tail) - before); b.held < b.limit {
		return nil
	}
	return b.spill()
}

// spill puts all that waits in memory into the file.
func (b *buckets) spill() error {
	for i := range b.bucket {
		if err := b.bucket[i].spill(b.file); err != nil {
			return err
		}
	}
	b.held = 0
	return nil
}

func (x *bucket) spill(file *spill.File) error {
	if len(x.tail) == 0 {
		return nil
	}
	e, err := file.Append(x.tail)
	if err != nil {
		return err
	}
	x.extents, x.spilled, x.tail = append(x.extents, e), x.spilled+e.Length, nil
	return nil
}

// each calls visit with the records of each bucket, all of them that fit into memory; larger ones are divided before. What visit
// is given is valid for the call.
func (b *buckets) each(ctx context.Context, visit func(records []byte)) error {
	for i := range b.bucket {
		x := &b.bucket[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		size := x.spilled + int64(len(x.tail))
		if size == 0 {
			continue
		}
		if size <= b.limit || b.depth+1 == maxDepth {
			records := make([]byte, 0, size)
			err := x.pieces(b.file, func(piece []byte) error { records = append(records, piece...); return nil })
			if err != nil {
				return err
			}
			visit(records)
			*x = bucket{}
			continue
		}
		if err := b.spill(); err != nil { // the memory is the next level's
			return err
		}
		sub := &buckets{file: b.file, limit: b.limit, depth: b.depth + 1}
		err := x.pieces(b.file, func(piece []byte) error {
			for len(piece) > 0 {
				var r record
				r, piece = next(piece)
				if err := sub.add(xxh3.Hash(r.key), r.side, r.key, r.body); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		*x = bucket{}
		if err := sub.each(ctx, visit); err != nil {
			return err
		}
	}
	return nil
}

// pieces gives what a bucket holds, in whole records, in the order in which it came.
func (x *bucket) pieces(file *spill.File, visit func([]byte) error) error {
	var buf []byte
	for _, e := range x.extents {
		if int64(cap(buf)) < e.Length {
			buf = make([]byte, e.Length)
		}
		if err := file.Read(e, buf[:e.Length]); err != nil {
			return err
		}
		if err := visit(buf[:e.Length]); err != nil {
			return err
		}
	}
	return visit(x.tail)
}

// record is a row: its key, and the values of the other columns.
type record struct {
	side      int
	key, body []byte
}

// next reads the first record of what add wrote.
func next(b []byte) (r record, rest []byte) {
	k, n := binary.Uvarint(b)
	b = b[n:]
	m, n := binary.Uvarint(b)
	b = b[n:]
	r.side = int(k & 1)
	r.key, b = b[:k>>1:k>>1], b[k>>1:]
	r.body, b = b[:m:m], b[m:]
	return r, b
}
