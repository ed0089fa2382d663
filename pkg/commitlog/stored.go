package commitlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
)

// maxBlock is how many items a block has; the last one may have fewer. 1 MiB and a little is a good size to read from S3 at
// once, and listings go through the folders of a block one after the other. Fewer in tests.
var maxBlock = 1 << 16

// maxHeld is how many blocks are held, besides those of the folder that was asked for last: 16 MiB and a little.
const maxHeld = 16

// blockRef says where a block lies in a checkpoint, after the one before it, and where it begins in the order of items.
type blockRef struct {
	Folder string `json:"folder"`
	ID     Sum    `json:"id"`
	Items  int    `json:"items"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// compare orders a block's first item and another item.
func (b *blockRef) compare(folder string, h id) int {
	return cmp.Or(strings.Compare(b.Folder, folder), id(b.ID).compare(h))
}

// stored is the part of a ledger that lies in a checkpoint. Each block is read when it is first asked for, and checked
// by its hash, which the head of the checkpoint holds. Safe for concurrent use.
//
// A checkpoint is nothing that the log needs: whatever becomes of it, the entries say the same. So where a block cannot
// be had any more, because gc took the checkpoint or a disk has spoilt it, the ledger is folded anew from the first entry
// and used in its place.
type stored struct {
	blocks  []blockRef
	offsets []int64 // of blocks
	n       int     // items
	read    func(ctx context.Context, offset, size int64) ([]byte, error)
	// refold gives the same ledger from the log; nil if there is no log.
	refold func(ctx context.Context) (*Ledger, error)

	mu     sync.Mutex
	held   map[int]*run
	folded *Ledger // from refold
	// The look-up before, since the next is most likely in the same folder.
	block, folder int
}

var errBlock = errors.New("a block of the checkpoint is not what its head says")

// newStored takes over blocks, the first of which begins at the offset base of what read reads.
func newStored(blocks []blockRef, base int64, read func(ctx context.Context, offset, size int64) ([]byte, error)) (*stored, int64, error) {
	s := &stored{blocks: blocks, offsets: make([]int64, len(blocks)), read: read, held: map[int]*run{}}
	for i := range blocks {
		b := &blocks[i]
		if b.Items <= 0 || b.Items > 1<<32 || b.Size <= 0 || b.Size > 1<<40 {
			return nil, 0, fmt.Errorf("block %d of %d items in %d bytes", i, b.Items, b.Size)
		}
		if i > 0 && blocks[i-1].compare(b.Folder, id(b.ID)) >= 0 {
			return nil, 0, fmt.Errorf("block %d does not follow the one before", i)
		}
		s.offsets[i] = base
		base += b.Size
		s.n += b.Items
	}
	return s, base, nil
}

func (s *stored) find(ctx context.Context, folder string, h id) (uint64, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.block
	if r := s.held[i]; r != nil && r.folders[s.folder] == folder && s.covers(i, folder, h) {
		seq, ok := r.findIn(s.folder, h)
		return seq, ok, nil
	}
	i = sort.Search(len(s.blocks), func(i int) bool { return s.blocks[i].compare(folder, h) > 0 }) - 1
	if i < 0 {
		return 0, false, nil
	}
	r, err := s.get(ctx, i, folder)
	if err != nil {
		return 0, false, err
	}
	if s.folded != nil {
		return s.folded.find(ctx, folder, h)
	}
	f, ok := sort.Find(len(r.folders), func(i int) int { return strings.Compare(folder, r.folders[i]) })
	if !ok {
		return 0, false, nil
	}
	s.block, s.folder = i, f
	seq, ok := r.findIn(f, h)
	return seq, ok, nil
}

// covers says whether block i is the one that would hold the item.
func (s *stored) covers(i int, folder string, h id) bool {
	return s.blocks[i].compare(folder, h) <= 0 && (i+1 == len(s.blocks) || s.blocks[i+1].compare(folder, h) > 0)
}

// get gives block i, for a look-up in the folder; nil if s.folded is there in its place.
func (s *stored) get(ctx context.Context, i int, folder string) (*run, error) {
	if r := s.held[i]; r != nil || s.folded != nil {
		return r, nil
	}
	r, err := s.load(ctx, i)
	if errors.Is(err, errBlock) {
		return nil, s.fold(ctx)
	}
	if err != nil {
		return nil, err
	}
	if len(s.held) >= maxHeld {
		for j := range s.held {
			// A folder with many blocks is asked for in the order of names, so in no order of blocks: all of them stay.
			if s.blocks[j].Folder != folder && (j+1 == len(s.blocks) || s.blocks[j+1].Folder != folder) {
				delete(s.held, j)
			}
		}
	}
	s.held[i] = r
	return r, nil
}

// fold makes s.folded.
func (s *stored) fold(ctx context.Context) (err error) {
	if s.refold == nil {
		return fmt.Errorf("read the ledger: %w", errBlock)
	}
	if s.folded == nil {
		s.folded, err = s.refold(ctx)
		s.held = nil
	}
	return err
}

// refolded gives what is there in place of the blocks; nil if they can be read so far.
func (s *stored) refolded() *Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.folded
}

// load reads block i. Error: errBlock if that is not what it is to be.
func (s *stored) load(ctx context.Context, i int) (*run, error) {
	b := &s.blocks[i]
	data, err := s.read(ctx, s.offsets[i], b.Size)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	if Hash(data) != b.SHA256 {
		return nil, errBlock
	}
	r, ok := decodeBlock(data)
	if !ok || r.len() != b.Items || r.folders[0] != b.Folder || r.id(0) != id(b.ID) {
		return nil, errBlock
	}
	return r, nil
}

// walk hands over all items in order, merged with those of a run. Error: errBlock, also after some items; refolded gives
// what is to be walked instead.
func (s *stored) walk(ctx context.Context, with *run, add func(folder string, h id, seq uint64)) error {
	both := pair{b: cursor{run: with}}
	for i := range s.blocks {
		r, err := s.load(ctx, i)
		if errors.Is(err, errBlock) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return errors.Join(err, s.fold(ctx))
		}
		if err != nil {
			return err
		}
		for both.a = (cursor{run: r}); !both.a.done(); {
			both.next(add)
		}
	}
	for both.next(add) {
	}
	return nil
}
