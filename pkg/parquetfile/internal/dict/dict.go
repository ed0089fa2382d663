// Package dict numbers the distinct values of a column.
//
// Values are numbered by first appearance, so that a chunk's dictionary depends on its rows alone. Hash tables are
// open-addressed, at most half full, and hold codes plus one. They begin small, because hundreds of files may be open
// with few rows each; and their memory is pooled: a column that gives its table up leaves it to the next.
//
// No table is safe for concurrent use.
package dict

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/zeebo/xxh3"
)

const minSlots = 32

// maxPooled bounds the values of a table whose memory is kept, maxPooledText their bytes.
const (
	maxPooled     = 32 << 10
	maxPooledText = 2 << 20
)

var textPool, int32Pool, int64Pool sync.Pool

// emptySlots makes a cleared table of n slots, in the memory of old if it has enough.
func emptySlots[T any](old []T, n int) []T {
	if cap(old) < n {
		return make([]T, n)
	}
	old = old[:n]
	clear(old)
	return old
}

// Numbers is the dictionary of a column of int32 or int64 values, or of floats, by their bits. The zero value is empty.
type Numbers[T int32 | int64] struct {
	slots []uint32
	// Values are the distinct values by their codes.
	Values []T
	// Codes are the caller's: those of its current page.
	Codes []int32
}

func numberPool[T int32 | int64]() *sync.Pool {
	if _, ok := any(T(0)).(int32); ok {
		return &int32Pool
	}
	return &int64Pool
}

// NewNumbers returns an empty table, with memory that another column may have left.
func NewNumbers[T int32 | int64]() *Numbers[T] {
	if t, ok := numberPool[T]().Get().(*Numbers[T]); ok {
		return t
	}
	return new(Numbers[T])
}

// Free gives the table's memory to another column; the table must not be used again.
func (t *Numbers[T]) Free() {
	if cap(t.Values) <= maxPooled {
		t.Reset()
		numberPool[T]().Put(t)
	}
}

func hashNumber(x uint64) uint32 {
	// Both halves of the product: the high one alone clusters on values that step evenly.
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	h := hi ^ lo
	return uint32(h ^ h>>32)
}

// Code is v's number, a new one where v was not seen before.
func (t *Numbers[T]) Code(v T) int32 {
	if 2*len(t.Values) >= len(t.slots) {
		t.grow()
	}
	mask := uint32(len(t.slots) - 1)
	for i := hashNumber(uint64(v)) & mask; ; i = (i + 1) & mask {
		c := t.slots[i]
		if c == 0 {
			t.Values = append(t.Values, v)
			t.slots[i] = uint32(len(t.Values))
			return int32(len(t.Values) - 1)
		}
		if t.Values[c-1] == v {
			return int32(c - 1)
		}
	}
}

func (t *Numbers[T]) grow() {
	t.slots = emptySlots(t.slots, max(minSlots, 2*len(t.slots)))
	mask := uint32(len(t.slots) - 1)
	for k, v := range t.Values {
		i := hashNumber(uint64(v)) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = uint32(k + 1)
	}
}

// Freeze cuts the dictionary to its first n values. After that Code must not be called until Reset.
func (t *Numbers[T]) Freeze(n int) { t.Values = t.Values[:n] }

// Reset empties the table and keeps its memory.
func (t *Numbers[T]) Reset() {
	t.Values, t.Codes, t.slots = t.Values[:0], t.Codes[:0], t.slots[:0]
}

// Memory is how many bytes the table holds.
func (t *Numbers[T]) Memory() int {
	var v T
	return 4*cap(t.slots) + cap(t.Values)*int(unsafe.Sizeof(v)) + 4*cap(t.Codes)
}

// Texts is the dictionary of a column of byte strings. The zero value is empty.
type Texts struct {
	slots []uint64 // the high half of the hash, and the code plus one
	// Text holds the distinct values end to end, by their codes; Ends is where each of them ends.
	Text []byte
	Ends []uint32
	// Codes are the caller's: those of its current page.
	Codes []int32
}

// NewTexts returns an empty table, with memory that another column may have left.
func NewTexts() *Texts {
	if t, ok := textPool.Get().(*Texts); ok {
		return t
	}
	return new(Texts)
}

// Free gives the table's memory to another column; the table must not be used again.
func (t *Texts) Free() {
	if cap(t.Ends) <= maxPooled && cap(t.Text) <= maxPooledText {
		t.Reset()
		textPool.Put(t)
	}
}

// Value is the value of a code. It aliases Text.
func (t *Texts) Value(c int32) []byte {
	lo := uint32(0)
	if c > 0 {
		lo = t.Ends[c-1]
	}
	return t.Text[lo:t.Ends[c]]
}

// Code is v's number, a new one where v was not seen before; then v is copied.
func (t *Texts) Code(v []byte) int32 {
	if 2*len(t.Ends) >= len(t.slots) {
		t.grow()
	}
	const high = ^uint64(1<<32 - 1)
	h := xxh3.Hash(v)
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			t.Text = append(t.Text, v...)
			t.Ends = append(t.Ends, uint32(len(t.Text)))
			t.slots[i] = h&high | uint64(len(t.Ends))
			return int32(len(t.Ends) - 1)
		}
		if s&high == h&high {
			if c := int32(uint32(s)) - 1; string(t.Value(c)) == string(v) {
				return c
			}
		}
	}
}

func (t *Texts) grow() {
	t.slots = emptySlots(t.slots, max(minSlots, 2*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for k := range t.Ends {
		h := xxh3.Hash(t.Value(int32(k)))
		i := h & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = h&^(1<<32-1) | uint64(k+1)
	}
}

// Freeze cuts the dictionary to its first n values. After that Code must not be called until Reset.
func (t *Texts) Freeze(n int) {
	t.Ends = t.Ends[:n]
	if n == 0 {
		t.Text = t.Text[:0]
	} else {
		t.Text = t.Text[:t.Ends[n-1]]
	}
}

// Reset empties the table and keeps its memory.
func (t *Texts) Reset() {
	t.Ends, t.Text, t.Codes, t.slots = t.Ends[:0], t.Text[:0], t.Codes[:0], t.slots[:0]
}

// Memory is how many bytes the table holds.
func (t *Texts) Memory() int {
	return 8*cap(t.slots) + cap(t.Text) + 4*cap(t.Ends) + 4*cap(t.Codes)
}
