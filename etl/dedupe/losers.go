package dedupe

import (
	"maps"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// Losers are the rows that are not kept: one bit for each row of a run, and the rows of the table. Add and Mark may be called by
// many goroutines at once, but no unit is added while rows are marked.
type Losers struct {
	mu    sync.Mutex
	units map[uint64]Bits
	table map[int][]uint32 // by file: rows in no order
}

// Bits has a bit for each row of a unit.
type Bits []uint64

// Has says whether the row loses.
func (b Bits) Has(row uint32) bool { return b[row/64]>>(row%64)&1 != 0 }

// NewLosers has no rows.
func NewLosers() *Losers { return &Losers{units: map[uint64]Bits{}, table: map[int][]uint32{}} }

// Add makes room for the rows of a unit.
func (l *Losers) Add(unit uint64, rows int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.units[unit] = make(Bits, (rows+63)/64)
}

// Reset forgets every mark.
func (l *Losers) Reset() {
	for _, unit := range l.units {
		clear(unit)
	}
	l.table = map[int][]uint32{}
}

// Mark notes that a row loses; once for each row.
func (l *Losers) Mark(r Row) {
	if r.IsNew() {
		unit, row := r.Unit()
		atomic.OrUint64(&l.units[unit][row/64], 1<<(row%64))
		return
	}
	file, row := r.File()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.table[file] = append(l.table[file], uint32(row))
}

// Unit gives the bits of a unit's rows.
func (l *Losers) Unit(unit uint64) Bits { return l.units[unit] }

// New is how many rows of the run lose.
func (l *Losers) New() (n int64) {
	for _, unit := range l.units {
		for _, w := range unit {
			n += int64(bits.OnesCount64(w))
		}
	}
	return n
}

// Files are the numbers of the table's files that lose rows, sorted.
func (l *Losers) Files() []int { return slices.Sorted(maps.Keys(l.table)) }

// File gives the rows of a file that lose, in no order.
func (l *Losers) File(n int) []uint32 { return l.table[n] }
