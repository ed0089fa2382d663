package pool

import "math/bits"

const (
	firstBlock = 1 << 10
	lastBlock  = 1 << 20
	// large pieces have blocks of their own, so that what they leave of one is not lost to small ones.
	large = 64 << 10
)

// Arena keeps pieces of memory that are all given up together: the finished pages of a row group. Its blocks begin small,
// because hundreds of files may be open with few rows each, and grow with what is kept. The zero value is empty. Not safe for
// concurrent use.
type Arena struct {
	blocks [][]byte
	open   [2][]byte // the blocks that have room, for small pieces and for large ones
	memory int
}

// kind is which of the open blocks a piece of n bytes goes to.
func kind(n int) int {
	if n < large {
		return 0
	}
	return 1
}

// Needs is how much memory a piece of n bytes takes that the arena does not have.
func (a *Arena) Needs(n int) int {
	if b := a.open[kind(n)]; cap(b)-len(b) >= n {
		return 0
	}
	half := 1 << bits.Len(uint(a.memory)) / 4 // of what it has, or less
	return 1 << class(max(n, min(max(half, firstBlock), lastBlock)))
}

// Join keeps x followed by y, as one piece that is valid until Free.
func (a *Arena) Join(x, y []byte) []byte {
	n := len(x) + len(y)
	open := &a.open[kind(n)]
	if size := a.Needs(n); size > 0 {
		*open = Bytes.Get(size)
		a.blocks = append(a.blocks, *open)
		a.memory += cap(*open)
	}
	at := len(*open)
	*open = append(append(*open, x...), y...)
	return (*open)[at:len(*open):len(*open)]
}

// Memory is how many bytes the arena holds.
func (a *Arena) Memory() int { return a.memory }

// Free gives all pieces up.
func (a *Arena) Free() {
	for i, b := range a.blocks {
		Bytes.Put(b)
		a.blocks[i] = nil
	}
	*a = Arena{blocks: a.blocks[:0]}
}
