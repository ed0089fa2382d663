package dedupe

import (
	"iter"
	"sync"
	"unsafe"

	"datalake/pkg/spill"
)

// Key stands for one row.
type Key struct {
	H0, H1 uint64
	// Order decides between rows of one key: the highest is kept.
	Order int64
	Row   Row
}

// Row names a row: one of the run's, or one of a file that the table has.
type Row uint64

const (
	existing  Row = 1 << 63
	rowBits       = 20
	chunkBits     = 20
	// MaxObjects, MaxChunks and MaxRows bound what Row can name: objects of a run, chunks of an object, rows of a unit;
	// MaxFiles the files of a table.
	MaxObjects = 1 << 23
	MaxChunks  = 1 << chunkBits
	MaxRows    = 1 << rowBits
	MaxFiles   = 1 << 31
)

// Unit numbers a unit of a run; units are ordered by it.
func Unit(object, chunk int) uint64 { return uint64(object)<<chunkBits | uint64(chunk) }

// New names a row of a unit of this run.
func New(unit uint64, row int) Row { return Row(unit<<rowBits | uint64(row)) }

// Existing names a row of a file of the table.
func Existing(file, row int) Row { return existing | Row(file)<<32 | Row(uint32(row)) }

// IsNew tells the two kinds apart.
func (r Row) IsNew() bool { return r&existing == 0 }

// Unit and row of a row of this run.
func (r Row) Unit() (unit uint64, row int) { return uint64(r) >> rowBits, int(r & (MaxRows - 1)) }

// File and row of a row that the table has.
func (r Row) File() (file, row int) { return int(r &^ existing >> 32), int(uint32(r)) }

const (
	buckets = 256
	// blockKeys is how many keys of a bucket lie together, and go to the temporary file at once: 16 KiB. So a budget that is spent
	// still has 4 MiB of blocks that fill.
	blockKeys = 512
	// handful is how many keys a Sender holds back for a bucket: 4 KiB, so that a worker's share is 1 MiB.
	handful = 128
)

// Buckets hold the keys of a run by their hash. Add through a Sender of each goroutine.
type Buckets struct {
	budget *spill.Budget
	file   *spill.File
	b      [buckets]bucket
}

// bucket is its keys in blocks, which never move: slices that grow would be copied several times and leave their memory to
// the collector.
type bucket struct {
	mu      sync.Mutex
	full    []*block
	last    *block // is filled
	have    int    // keys in last
	extents []spill.Extent
	n       int // keys in all
}

type block [blockKeys]Key

const (
	keyBytes   = int64(unsafe.Sizeof(Key{}))
	blockBytes = blockKeys * keyBytes
)

// NewBuckets keeps keys in memory as long as the budget allows, then in file. It closes neither.
func NewBuckets(budget *spill.Budget, file *spill.File) *Buckets {
	return &Buckets{budget: budget, file: file}
}

// Len is how many keys there are, without those that Senders hold back.
func (b *Buckets) Len() int64 {
	var n int64
	for i := range b.b {
		b.b[i].mu.Lock()
		n += int64(b.b[i].n)
		b.b[i].mu.Unlock()
	}
	return n
}

// Release gives the memory back; the Buckets are empty then.
func (b *Buckets) Release() {
	for i := range b.b {
		k := &b.b[i]
		k.mu.Lock()
		blocks := len(k.full)
		if k.last != nil {
			blocks++
		}
		b.budget.Take(-blockBytes * int64(blocks))
		k.full, k.last, k.have, k.extents, k.n = nil, nil, 0, nil, 0
		k.mu.Unlock()
	}
}

func asBytes(keys []Key) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(keys))), int64(len(keys))*keyBytes)
}

func (b *Buckets) add(i int, keys []Key) error {
	k := &b.b[i]
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(keys) > 0 {
		if k.last == nil {
			b.budget.Take(blockBytes) // a bucket may always have one
			k.last = new(block)
		}
		n := copy(k.last[k.have:], keys)
		keys = keys[n:]
		k.have += n
		k.n += n
		if k.have < blockKeys {
			continue
		}
		if b.budget.Take(blockBytes) {
			k.full, k.last, k.have = append(k.full, k.last), new(block), 0
			continue
		}
		b.budget.Take(-blockBytes)
		e, err := b.file.Append(asBytes(k.last[:]))
		if err != nil {
			return err
		}
		k.extents, k.have = append(k.extents, e), 0
	}
	return nil
}

// Evict writes the full blocks in memory to the file too, if most of the keys are there already, and gives their memory back. It
// is for the time after Resolve, when keys are only asked for again if the table has changed meanwhile. It fails as temporary files
// do.
func (b *Buckets) Evict() error {
	full := 0
	for i := range b.b {
		full += len(b.b[i].full)
	}
	if !b.file.Outweighs(blockBytes * int64(full)) {
		return nil
	}
	for i := range b.b {
		if err := b.evict(&b.b[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *Buckets) evict(k *bucket) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.full) > 0 {
		last := len(k.full) - 1
		e, err := b.file.Append(asBytes(k.full[last][:]))
		if err != nil {
			return err
		}
		k.extents = append(k.extents, e)
		k.full[last] = nil
		k.full = k.full[:last]
		b.budget.Take(-blockBytes)
	}
	return nil
}

// blocks yields the keys of a bucket, some at a time, in no order; a slice is valid until the next. scratch is memory to use.
func (b *Buckets) blocks(i int, scratch *block) iter.Seq2[[]Key, error] {
	return func(yield func([]Key, error) bool) {
		k := &b.b[i]
		for _, e := range k.extents {
			if err := b.file.Read(e, asBytes(scratch[:])); err != nil {
				yield(nil, err)
				return
			}
			if !yield(scratch[:], nil) {
				return
			}
		}
		for _, full := range k.full {
			if !yield(full[:], nil) {
				return
			}
		}
		if k.have > 0 {
			yield(k.last[:k.have], nil)
		}
	}
}

// Sender is one goroutine's way into Buckets.
type Sender struct {
	to   *Buckets
	held [buckets]*[handful]Key // nil: none yet
	have [buckets]uint8
}

// NewSender gives a sender to b.
func NewSender(b *Buckets) *Sender { return &Sender{to: b} }

// Send takes the keys; they reach their buckets by the next Flush at the latest. It fails as temporary files do.
func (s *Sender) Send(keys []Key) error {
	for k := range keys {
		i := uint8(keys[k].H1 >> 56)
		h := s.held[i]
		if h == nil {
			h = new([handful]Key)
			s.held[i] = h
		}
		n := s.have[i]
		h[n] = keys[k]
		if n++; n == handful {
			n = 0
			if err := s.to.add(int(i), h[:]); err != nil {
				return err
			}
		}
		s.have[i] = n
	}
	return nil
}

// Flush sends what was held back.
func (s *Sender) Flush() error {
	for i, n := range s.have {
		if n == 0 {
			continue
		}
		if err := s.to.add(i, s.held[i][:n]); err != nil {
			return err
		}
		s.have[i] = 0
	}
	return nil
}
