package segment

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/spill"
)

// Segment is rows of one unit and one source, in the order of their origins.
type Segment struct {
	Unit uint64 // orders segments
	// Record has the source's columns. Numbers and Partitions have one entry for each of its rows: the row's number in its
	// unit, and its partition as the caller counts partitions.
	Record     arrow.Record
	Numbers    []uint32
	Partitions []uint32
}

// Release gives the segment's memory back.
func (s *Segment) Release() {
	if s.Record != nil {
		s.Record.Release()
		s.Record = nil
	}
}

// Group is what the write step takes at a time: some partitions of one source.
type Group struct {
	Source string
	Number int
}

// Store holds segments. Safe for concurrent use.
type Store struct {
	budget *spill.Budget
	file   *spill.File
	mem    memory.Allocator

	mu      sync.Mutex
	groups  map[Group][]stored
	spilled int64
}

// stored is a segment whose record is in memory or, where Record is nil, in the file.
type stored struct {
	Segment
	extent spill.Extent
	size   int64
}

// NewStore keeps segments in memory as long as the budget allows, then in file. It closes neither.
func NewStore(budget *spill.Budget, file *spill.File, mem memory.Allocator) *Store {
	return &Store{budget: budget, file: file, mem: mem, groups: map[Group][]stored{}}
}

// Add takes over s, and puts its rows to the groups that group gives for their partitions. It fails as temporary files
// do.
func (st *Store) Add(source string, s Segment, group func(partition uint32) int) error {
	defer s.Release()
	// Rows of one group mostly come in long runs, and often there is but one group.
	var rows []groupRows
	last := -1 // the place in rows of the partition before
	for i, p := range s.Partitions {
		if i == 0 || p != s.Partitions[i-1] {
			g := group(p)
			if last = slices.IndexFunc(rows, func(r groupRows) bool { return r.group == g }); last < 0 {
				last = len(rows)
				rows = append(rows, groupRows{group: g})
			}
		}
		rows[last].rows = append(rows[last].rows, uint32(i))
	}
	for _, some := range rows {
		part := s
		if len(rows) == 1 {
			part.Record.Retain()
		} else {
			part.Numbers, part.Partitions = pick(s.Numbers, some.rows), pick(s.Partitions, some.rows)
			var err error
			if part.Record, err = batch.Take(s.Record, some.rows, st.mem); err != nil {
				return err
			}
		}
		if err := st.keep(Group{source, some.group}, part); err != nil {
			return err
		}
	}
	return nil
}

type groupRows struct {
	group int
	rows  []uint32
}

func pick(from, rows []uint32) []uint32 {
	to := make([]uint32, len(rows))
	for i, r := range rows {
		to[i] = from[r]
	}
	return to
}

func (st *Store) keep(g Group, s Segment) error {
	k := stored{Segment: s, size: sizeOf(s.Record)}
	if !st.budget.Take(k.size) {
		st.budget.Take(-k.size)
		b := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(b)
		b.Reset()
		err := encode(s.Record, b)
		s.Release()
		if err != nil {
			return err
		}
		k.Record, k.size = nil, 0
		if k.extent, err = st.file.Append(b.Bytes()); err != nil {
			return err
		}
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.spilled += k.extent.Length
	st.groups[g] = append(st.groups[g], k)
	return nil
}

// Groups are all groups that have rows, sorted.
func (st *Store) Groups() []Group {
	st.mu.Lock()
	defer st.mu.Unlock()
	groups := make([]Group, 0, len(st.groups))
	for g := range st.groups {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Number, b.Number))
	})
	return groups
}

// Spilled is how many bytes went to the file.
func (st *Store) Spilled() int64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.spilled
}

// Read yields the segments of a group in order. Each is the caller's to release; the store keeps its own hold. No segment
// may be added meanwhile.
func (st *Store) Read(g Group) iter.Seq2[Segment, error] {
	st.mu.Lock()
	segments := slices.Clone(st.groups[g])
	st.mu.Unlock()
	slices.SortFunc(segments, func(a, b stored) int { return cmp.Compare(a.Unit, b.Unit) })
	return func(yield func(Segment, error) bool) {
		for _, k := range segments {
			s := k.Segment
			if s.Record != nil {
				s.Record.Retain()
			} else {
				var err error
				if s.Record, err = st.load(k.extent); err != nil {
					yield(Segment{}, err)
					return
				}
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// Release gives all memory back; the store is empty then.
func (st *Store) Release() {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, segments := range st.groups {
		for i := range segments {
			segments[i].Release()
			st.budget.Take(-segments[i].size)
		}
	}
	st.groups = map[Group][]stored{}
}

// buffers are used again: memory that was touched once is cheaper than new memory.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func encode(rec arrow.Record, b *bytes.Buffer) error {
	w := ipc.NewWriter(b, ipc.WithSchema(rec.Schema()))
	err := w.Write(rec)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("encode a segment: %w", err)
	}
	return nil
}

func (st *Store) load(e spill.Extent) (arrow.Record, error) {
	body := make([]byte, e.Length)
	if err := st.file.Read(e, body); err != nil {
		return nil, err
	}
	r, err := ipc.NewReader(bytes.NewReader(body), ipc.WithAllocator(st.mem))
	if err != nil {
		return nil, fmt.Errorf("decode a segment: %w", err)
	}
	defer r.Release()
	rec, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("decode a segment: %w", err)
	}
	rec.Retain()
	return rec, nil
}

// sizeOf is how many bytes a record holds on to; what two records share counts for both.
func sizeOf(rec arrow.Record) int64 {
	var n int64
	for _, c := range rec.Columns() {
		n += sizeOfData(c.Data())
	}
	return n
}

func sizeOfData(d arrow.ArrayData) int64 {
	var n int64
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		n += sizeOfData(c)
	}
	if d.DataType().ID() == arrow.DICTIONARY {
		n += sizeOfData(d.Dictionary())
	}
	return n
}
