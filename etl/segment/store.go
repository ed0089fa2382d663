package segment

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/spill"
)

// Segment is rows of one unit and one source. Those of each partition are in the order of their origins.
type Segment struct {
	Unit uint64 // orders segments
	// Record has the source's columns. Numbers and Partitions have one entry for each of its rows: the row's number in its
	// unit, and its partition as the caller counts partitions. Add is given all rows in the order of their origins.
	Record     arrow.Record
	Numbers    []uint32
	Partitions []uint32
}

// Rows are rows of some segments of one source.
type Rows struct {
	Record              arrow.Record
	Numbers, Partitions []uint32
	// Units are the segments', one behind the other.
	Units []UnitRows
}

// UnitRows says how many rows are of a unit.
type UnitRows struct {
	Unit uint64
	Rows int
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

// Pieces of a group are gathered in blocks, which go to the file as a whole: many units have few rows of a group.
const (
	blockBytes = 256 << 10 // a block is ended here
	leastBlock = 16 << 10  // and here where the budget is spent
)

// Store holds segments. Safe for concurrent use.
type Store struct {
	budget *spill.Budget
	file   *spill.File
	mem    memory.Allocator

	mu      sync.Mutex
	groups  map[Group]*group
	schemas map[string]*arrow.Schema // one of those that are alike
	spilled int64
}

type group struct {
	mu     sync.Mutex
	blocks []block
	pieces []piece
	rows   map[uint32]int64 // of each partition
}

// block is some pieces, in memory or, where bytes is nil, in the file.
type block struct {
	bytes  []byte
	size   int // of the pieces; there is more room than that
	extent spill.Extent
	ended  bool
}

// piece is where the rows of a segment lie.
type piece struct {
	unit   uint64
	schema *arrow.Schema
	block  uint32
	first  uint32 // in the block
	length uint32
}

// NewStore keeps segments in memory as long as the budget allows, then in file. It closes neither.
func NewStore(budget *spill.Budget, file *spill.File, mem memory.Allocator) *Store {
	return &Store{budget: budget, file: file, mem: mem, groups: map[Group]*group{}, schemas: map[string]*arrow.Schema{}}
}

// encoders are used again: memory that was touched once is cheaper than new memory.
var encoders = sync.Pool{New: func() any { return new(adder) }}

// adder is the memory of one Add.
type adder struct {
	encoder
	spec []byte

	parts  []partRows
	at     []int32 // of a partition: its place in parts plus one
	unused [][]uint32
}

// Add takes over s, and puts its rows to the groups that group gives for their partitions. It fails as temporary files do, and
// on columns of types that pkg/schema does not have.
func (st *Store) Add(source string, s Segment, group func(partition uint32) int) error {
	defer s.Release()
	a := encoders.Get().(*adder)
	defer encoders.Put(a)
	a.split(s.Partitions, group)
	schema := st.schema(source, s.Record.Schema(), a)
	for parts := a.parts; len(parts) > 0; {
		n := 1
		for n < len(parts) && parts[n].group == parts[0].group {
			n++
		}
		a.dst = a.dst[:0]
		if err := a.piece(&s, parts[:n]); err != nil {
			return err
		}
		if err := st.group(Group{source, parts[0].group}).add(st, a.dst, piece{unit: s.Unit, schema: schema}, parts[:n]); err != nil {
			return err
		}
		parts = parts[n:]
	}
	return nil
}

// split gathers the rows of each partition; those of a group stand together, in the order of their numbers.
func (a *adder) split(partitions []uint32, group func(partition uint32) int) {
	for i := range a.parts {
		a.unused = append(a.unused, a.parts[i].rows[:0])
	}
	a.parts = a.parts[:0]
	for i, p := range partitions {
		if int(p) >= len(a.at) {
			a.at = append(a.at, make([]int32, int(p)+1-len(a.at))...)
		}
		k := a.at[p]
		if k == 0 {
			var rows []uint32
			if n := len(a.unused); n > 0 {
				rows, a.unused = a.unused[n-1], a.unused[:n-1]
			}
			a.parts = append(a.parts, partRows{p, group(p), rows})
			k = int32(len(a.parts))
			a.at[p] = k
		}
		to := &a.parts[k-1]
		to.rows = append(to.rows, uint32(i))
	}
	for i := range a.parts {
		a.at[a.parts[i].partition] = 0
	}
	slices.SortFunc(a.parts, func(x, y partRows) int {
		return cmp.Or(cmp.Compare(x.group, y.group), cmp.Compare(x.partition, y.partition))
	})
}

// schema gives one schema for all batches of a source that have columns of the same types: they differ in which columns have
// dictionaries.
func (st *Store) schema(source string, s *arrow.Schema, a *adder) *arrow.Schema {
	a.spec = append(append(a.spec[:0], source...), 0)
	for i := range s.NumFields() {
		a.spec = append(a.spec, byte(s.Field(i).Type.ID()))
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	// The types of a column of one kind may still differ, in a stage of the caller's own.
	if known := st.schemas[string(a.spec)]; known != nil && (known == s || known.Equal(s)) {
		return known
	}
	st.schemas[string(a.spec)] = s
	return s
}

func (st *Store) group(g Group) *group {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.groups[g] == nil {
		st.groups[g] = &group{rows: map[uint32]int64{}}
	}
	return st.groups[g]
}

// add appends a piece, which has the rows of parts.
func (g *group) add(st *Store, bytes []byte, p piece, parts []partRows) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range parts {
		g.rows[parts[i].partition] += int64(len(parts[i].rows))
	}
	n := len(g.blocks) - 1
	if n < 0 || g.blocks[n].ended {
		n++
		g.blocks = append(g.blocks, block{})
	}
	b := &g.blocks[n]
	p.block, p.first, p.length = uint32(n), uint32(b.size), uint32(len(bytes))
	before := len(b.bytes)
	if need := b.size + len(bytes); need > before {
		room := max(2*before, 2*leastBlock)
		for room < need {
			room *= 2
		}
		b.bytes = st.reallocate(room, b.bytes)
	}
	copy(b.bytes[b.size:], bytes)
	b.size += len(bytes)
	g.pieces = append(g.pieces, p)
	fits := st.budget.Take(int64(len(b.bytes) - before))
	if fits && b.size < blockBytes || b.size < leastBlock && st.budget.Used() < 2*st.budget.Limit() {
		return nil // thousands of groups have a small block each
	}
	b.ended = true
	if fits {
		return nil
	}
	var err error
	if b.extent, err = st.file.Append(b.bytes[:b.size]); err != nil {
		return err
	}
	st.mu.Lock()
	st.spilled += b.extent.Length
	st.mu.Unlock()
	st.free(b)
	return nil
}

func (st *Store) reallocate(size int, b []byte) []byte {
	if b == nil {
		return st.mem.Allocate(size)
	}
	return st.mem.Reallocate(size, b)
}

func (st *Store) free(b *block) {
	if b.bytes != nil {
		st.budget.Take(-int64(len(b.bytes)))
		st.mem.Free(b.bytes)
		b.bytes = nil
	}
}

// Evict writes the blocks in memory to the file too, if most of the rows are there already, and gives their memory back. It is for
// the time when all rows have been added, and those who read them need memory of their own. It fails as temporary files do.
func (st *Store) Evict() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	held := int64(0)
	for _, g := range st.groups {
		for i := range g.blocks {
			held += int64(len(g.blocks[i].bytes))
		}
	}
	if !st.file.Outweighs(held) {
		return nil
	}
	for _, g := range st.groups {
		for i := range g.blocks {
			b := &g.blocks[i]
			if b.bytes == nil {
				continue
			}
			var err error
			if b.extent, err = st.file.Append(b.bytes[:b.size]); err != nil {
				return err
			}
			st.spilled += b.extent.Length
			b.ended = true
			st.free(b)
		}
	}
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

// Size is how many bytes the rows of a group take, and how many there are of each partition.
func (st *Store) Size(id Group) (bytes int64, rows map[uint32]int64) {
	st.mu.Lock()
	g := st.groups[id]
	st.mu.Unlock()
	if g == nil {
		return 0, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.blocks {
		bytes += int64(g.blocks[i].size)
	}
	return bytes, maps.Clone(g.rows)
}

// Spilled is how many bytes went to the file.
func (st *Store) Spilled() int64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.spilled
}

// joinRows is how many rows of small pieces are read to one record, or a few more.
const joinRows = 1024

// Read yields the rows of a group's partitions from first to last: those of each partition in the order of their segments. The
// record is the caller's to release; all else is valid until the next. No segment may be added meanwhile.
func (st *Store) Read(id Group, first, last uint32) iter.Seq2[Rows, error] {
	return func(yield func(Rows, error) bool) {
		st.mu.Lock()
		g := st.groups[id]
		st.mu.Unlock()
		if g == nil {
			return
		}
		pieces := slices.Clone(g.pieces)
		slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(a.unit, b.unit) })
		d := decoder{mem: st.mem}
		var loaded []byte
		defer func() {
			if loaded != nil {
				st.mem.Free(loaded)
			}
		}()
		at := -1 // the block that is loaded. Pieces of units that follow each other mostly lie in one
		for i, p := range pieces {
			b := &g.blocks[p.block]
			bytes := b.bytes
			if bytes == nil {
				if int(p.block) != at {
					if n := int(b.extent.Length); n > len(loaded) {
						loaded = st.reallocate(n, loaded)
					}
					if err := st.file.Read(b.extent, loaded); err != nil {
						yield(Rows{}, err)
						return
					}
					at = int(p.block)
				}
				bytes = loaded
			}
			d.add(bytes[p.first:p.first+p.length], p.unit, first, last)
			if i+1 < len(pieces) && len(d.rows.Numbers) < joinRows && joinable(&p, &pieces[i+1]) {
				continue
			}
			if len(d.rows.Numbers) > 0 {
				d.record(p.schema)
				if !yield(d.rows, nil) {
					return
				}
			}
			d.reset()
		}
	}
}

// joinable says whether the rows of two pieces can be in one record. Another block would be loaded over the first.
func joinable(a, b *piece) bool {
	if a.schema != b.schema || a.block != b.block {
		return false
	}
	for _, f := range a.schema.Fields() {
		if t, ok := f.Type.(*arrow.DictionaryType); ok && t.IndexType.ID() != arrow.UINT32 {
			return false // the dictionary of both may be too large for it
		}
	}
	return true
}

// Release gives all memory back; the store is empty then.
func (st *Store) Release() {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, g := range st.groups {
		for i := range g.blocks {
			st.free(&g.blocks[i])
		}
	}
	st.groups = map[Group]*group{}
}
