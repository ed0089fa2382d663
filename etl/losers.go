package etl

import (
	"sync"
	"sync/atomic"

	"datalake/etl/dedupe"
)

// losers is one bit for each row of a run, and the rows of the table that lose. Units are added by the map step; mark may
// be called by many goroutines at once.
type losers struct {
	mu    sync.Mutex
	units map[uint64][]uint64 // bits of a unit's rows

	table map[int][]uint32 // file number: rows that lose, in no order
}

func newLosers() *losers { return &losers{units: map[uint64][]uint64{}, table: map[int][]uint32{}} }

// unit makes room for the rows of a unit.
func (l *losers) unit(unit uint64, rows int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.units[unit] = make([]uint64, (rows+63)/64)
}

// reset forgets every mark.
func (l *losers) reset() {
	for _, bits := range l.units {
		clear(bits)
	}
	l.table = map[int][]uint32{}
}

// mark notes that a row lost. No unit is added meanwhile.
func (l *losers) mark(r dedupe.Row) {
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

// of gives the bits of a unit's rows.
func (l *losers) of(unit uint64) []uint64 { return l.units[unit] }

func lost(bits []uint64, row uint32) bool { return bits[row/64]>>(row%64)&1 != 0 }
