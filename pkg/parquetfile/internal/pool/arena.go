package pool

const (
	firstBlock = 1 << 10
	lastBlock  = 256 << 10
)

// Arena keeps pieces of memory that are all given up together: the finished pages of a row group. Its blocks begin small,
// because hundreds of files may be open with few rows each, and grow with what is kept. The zero value is empty. Not safe for
// concurrent use.
type Arena struct {
	blocks [][]byte // the pieces end to end; the last one has room
	memory int
}

// Join keeps a followed by b, as one piece that is valid until Free.
func (a *Arena) Join(x, y []byte) []byte {
	n := len(x) + len(y)
	last := len(a.blocks) - 1
	if last < 0 || cap(a.blocks[last])-len(a.blocks[last]) < n {
		a.blocks = append(a.blocks, Bytes.Get(max(n, min(max(a.memory, firstBlock), lastBlock))))
		last++
		a.memory += cap(a.blocks[last])
	}
	b := a.blocks[last]
	at := len(b)
	b = append(append(b, x...), y...)
	a.blocks[last] = b
	return b[at:len(b):len(b)]
}

// Memory is how many bytes the arena holds.
func (a *Arena) Memory() int { return a.memory }

// Free gives all pieces up.
func (a *Arena) Free() {
	for i, b := range a.blocks {
		Bytes.Put(b)
		a.blocks[i] = nil
	}
	a.blocks, a.memory = a.blocks[:0], 0
}
