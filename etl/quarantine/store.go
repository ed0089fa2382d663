package quarantine

import (
	"cmp"
	"slices"
	"sync"

	"datalake/pkg/batch"
	"datalake/pkg/spill"
)

// Store holds rejects until the run's end, their payloads in memory up to a budget, then in a temporary file. Safe for
// concurrent use.
type Store struct {
	budget *spill.Budget
	file   *spill.File

	mu   sync.Mutex
	kept []kept
}

// kept is a reject whose Line counts from the start of chunk number Chunk where that is not -1, and whose payload is in the
// file where its extent is not empty.
type kept struct {
	batch.Reject
	chunk  int
	extent spill.Extent
}

// NewStore makes an empty store. It closes neither budget nor file.
func NewStore(budget *spill.Budget, file *spill.File) *Store {
	return &Store{budget: budget, file: file}
}

// WholeObject as the chunk of Add: lines count from the object's first.
const WholeObject = -1

// Add keeps rejects, which belong to the store from now on. chunk is the number of the chunk of their object that their
// lines are counted from the start of, or WholeObject.
func (s *Store) Add(rejects []batch.Reject, chunk int) error {
	for _, r := range rejects {
		k := kept{Reject: r, chunk: chunk}
		if n := int64(len(r.Payload)); !s.budget.Take(n) {
			s.budget.Take(-n)
			var err error
			if k.extent, err = s.file.Append(r.Payload); err != nil {
				return err
			}
			k.Payload = nil
		}
		s.mu.Lock()
		s.kept = append(s.kept, k)
		s.mu.Unlock()
	}
	return nil
}

// Len is the number of rejects.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept)
}

// Settle sorts the rejects by origin and makes their lines count from the start of their objects: linesBefore gives how
// many lines an object has before a chunk. Call it once, after the last Add.
func (s *Store) Settle(linesBefore func(o *batch.Object, chunk int) int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.kept {
		if k := &s.kept[i]; k.chunk != WholeObject {
			k.Line += linesBefore(k.Object, k.chunk)
			k.chunk = WholeObject
		}
	}
	slices.SortStableFunc(s.kept, func(a, b kept) int {
		return cmp.Or(cmp.Compare(a.Object.Index, b.Object.Index), cmp.Compare(a.Offset, b.Offset))
	})
}

// Release gives the memory back; the store is empty then.
func (s *Store) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.kept {
		s.budget.Take(-int64(len(s.kept[i].Payload)))
	}
	s.kept = nil
}
