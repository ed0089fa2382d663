package quarantine

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"datalake/pkg/batch"
	"datalake/pkg/layout"
	"datalake/pkg/spill"
)

// keepBytes is how much a store keeps in memory, if the budget has it, before it turns to its file.
const keepBytes = 4 << 20

// Store holds rejects until the run's end. Safe for concurrent use by those who Add.
//
// The rejects of one Add that go to one partition make a run: one stretch of packed records (see pack), sorted by
// origin, in memory or in the file. What stays for each run is a fixed-size entry and a pointer for each of its objects, so
// that memory follows the number of units with rejects, never that of rejects. (A struct for each reject, with only its payload
// in the file, took 574 MB for 1,000,000 rejects.)
//
// The runs of a partition are read in the order of their first origins. Units do not overlap, so this is the order
// of all their rejects; where runs do overlap all the same, Write merges them.
type Store struct {
	budget *spill.Budget
	file   *spill.File

	mu    sync.Mutex
	paths map[day]string
	parts map[string]*Part // by path
	n     int
	held  int64 // bytes of runs in memory
}

// day is what gives a partition's path.
type day struct {
	source string
	day    int64 // of arrival, since 1970
}

// run is the rejects of one Add to one partition.
type run struct {
	source  string
	first   batch.Origin
	objects []*batch.Object // that its records name by their place here
	chunk   int             // its lines count from the start of this chunk of objects[0], or WholeObject
	lines   int64           // to be added to them
	packed  []byte          // nil: it is in the file
	extent  spill.Extent
}

// NewStore makes an empty store. It closes neither budget nor file.
func NewStore(budget *spill.Budget, file *spill.File) *Store {
	return &Store{budget: budget, file: file, paths: map[day]string{}, parts: map[string]*Part{}}
}

// WholeObject as the chunk of Add: lines count from the object's first.
const WholeObject = -1

// Add keeps rejects. The store copies what it needs: payloads may alias memory that is used again afterwards. It may
// change the order of the slice. chunk is the number of the chunk of their object that their lines are counted from the start of
// (they are of one object then), or WholeObject.
func (s *Store) Add(rejects []batch.Reject, chunk int) error {
	if len(rejects) == 0 {
		return nil
	}
	slices.SortStableFunc(rejects, func(a, b batch.Reject) int {
		return cmp.Or(cmp.Compare(dayOf(&a), dayOf(&b)), cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Object.Index, b.Object.Index), cmp.Compare(a.Offset, b.Offset))
	})
	for len(rejects) > 0 {
		key := day{rejects[0].Source, dayOf(&rejects[0])}
		n := 1
		for n < len(rejects) && rejects[n].Source == key.source && dayOf(&rejects[n]) == key.day {
			n++
		}
		if err := s.add(key, rejects[:n], chunk); err != nil {
			return err
		}
		rejects = rejects[n:]
	}
	return nil
}

// add keeps rejects of one partition, sorted by origin.
func (s *Store) add(key day, rejects []batch.Reject, chunk int) error {
	r := run{source: key.source, first: rejects[0].Origin, chunk: chunk}
	size := 0
	for i := range rejects {
		if i == 0 || rejects[i].Object != rejects[i-1].Object {
			r.objects = append(r.objects, rejects[i].Object)
		}
		size += packedSize(&rejects[i])
	}
	r.packed = make([]byte, 0, size)
	at := 0
	for i := range rejects {
		if rejects[i].Object != r.objects[at] {
			at++
		}
		r.packed = pack(r.packed, &rejects[i], at)
	}
	if !s.keep(int64(len(r.packed))) {
		var err error
		if r.extent, err = s.file.Append(r.packed); err != nil {
			return err
		}
		r.packed = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path, ok := s.paths[key]
	if !ok {
		var err error
		if path, err = key.path(); err != nil {
			return fmt.Errorf("quarantine a record of %s: %w", rejects[0].Object.Key, err)
		}
		s.paths[key] = path
	}
	p := s.parts[path]
	if p == nil {
		p = &Part{Path: path}
		s.parts[path] = p
	}
	p.runs = append(p.runs, r)
	p.rows += len(rejects)
	s.n += len(rejects)
	return nil
}

// keep says whether n more bytes may stay in memory.
func (s *Store) keep(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held+n > keepBytes {
		return false
	}
	if !s.budget.Take(n) {
		s.budget.Take(-n)
		return false
	}
	s.held += n
	return true
}

func dayOf(r *batch.Reject) int64 {
	const millis = 24 * 60 * 60 * 1000
	d := r.Object.Arrived / millis
	if r.Object.Arrived%millis < 0 {
		d--
	}
	return d
}

func (k day) path() (string, error) {
	t := time.Unix(k.day*24*60*60, 0).UTC()
	return layout.Path(
		layout.Value{Key: "source", Value: k.source},
		layout.Value{Key: "year", Value: fmt.Sprintf("%04d", t.Year())},
		layout.Value{Key: "month", Value: fmt.Sprintf("%02d", int(t.Month()))},
		layout.Value{Key: "day", Value: fmt.Sprintf("%02d", t.Day())},
	)
}

// Len is the number of rejects.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// Settle sorts the runs by origin and makes their lines count from the start of their objects: linesBefore gives how
// many lines an object has before a chunk. Call it once, after the last Add.
func (s *Store) Settle(linesBefore func(o *batch.Object, chunk int) int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.parts {
		for i := range p.runs {
			if r := &p.runs[i]; r.chunk != WholeObject {
				r.lines = linesBefore(r.objects[0], r.chunk)
			}
		}
		slices.SortStableFunc(p.runs, func(a, b run) int { return compare(a.first, b.first) })
	}
}

func compare(a, b batch.Origin) int {
	return cmp.Or(cmp.Compare(a.Object.Index, b.Object.Index), cmp.Compare(a.Offset, b.Offset))
}

// Release gives the memory back; the store is empty then.
func (s *Store) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget.Take(-s.held)
	s.parts, s.n, s.held = map[string]*Part{}, 0, 0
}

// pack appends a reject, but for its source, which is the run's, and its object, which is given by number.
func pack(dst []byte, r *batch.Reject, object int) []byte {
	head := uint64(object) << 1
	if r.Masked {
		head |= 1
	}
	if head <<= 1; r.Withheld {
		head |= 1
	}
	if head <<= 1; r.Truncated {
		head |= 1
	}
	dst = binary.AppendUvarint(dst, head)
	dst = binary.AppendVarint(dst, r.Offset)
	dst = binary.AppendVarint(dst, r.Line)
	dst = binary.AppendVarint(dst, r.Length)
	dst = append(binary.AppendUvarint(dst, uint64(len(r.Rule))), r.Rule...)
	dst = append(binary.AppendUvarint(dst, uint64(len(r.Reason))), r.Reason...)
	return append(binary.AppendUvarint(dst, uint64(len(r.Payload))), r.Payload...)
}

// packedSize is at least what pack appends.
func packedSize(r *batch.Reject) int {
	return 7*binary.MaxVarintLen64 + len(r.Rule) + len(r.Reason) + len(r.Payload)
}
