package etl

import (
	"cmp"
	"slices"
	"sync"

	"datalake/pkg/batch"
)

// lines counts the lines of objects whose chunks are read side by side, so that in the end a line of a chunk can be told
// as a line of its object. Safe for concurrent use by those who note.
type lines struct {
	mu      sync.Mutex
	objects map[*batch.Object]*lineCounts
}

// lineCounts are the line feeds of an object's chunks.
type lineCounts struct {
	chunks []chunkLines
	summed bool // sorted, and n is that of all chunks so far
}

type chunkLines struct {
	chunk int
	n     int64
}

func newLines() *lines { return &lines{objects: map[*batch.Object]*lineCounts{}} }

// note adds the line feeds of a chunk. Not after before was asked.
func (l *lines) note(o *batch.Object, chunk int, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.objects[o]
	if c == nil {
		c = &lineCounts{}
		l.objects[o] = c
	}
	c.chunks = append(c.chunks, chunkLines{chunk, n})
}

// before is how many lines of the object end before the chunk. An object of 10 GB has 10,000 chunks, each of which may be
// asked for: the sums are made once.
func (l *lines) before(o *batch.Object, chunk int) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.objects[o]
	if c == nil {
		return 0
	}
	if !c.summed {
		slices.SortFunc(c.chunks, func(a, b chunkLines) int { return cmp.Compare(a.chunk, b.chunk) })
		for i := 1; i < len(c.chunks); i++ {
			c.chunks[i].n += c.chunks[i-1].n
		}
		c.summed = true
	}
	i, _ := slices.BinarySearchFunc(c.chunks, chunk, func(a chunkLines, chunk int) int { return cmp.Compare(a.chunk, chunk) })
	if i == 0 {
		return 0
	}
	return c.chunks[i-1].n
}
