// Package lines tells the lines of records. An object is read in chunks, side by side, and a record of a chunk knows the line
// of the chunk that it begins on; which line of the object that is can be told when all chunks before have been read.
//
// It counts line feeds only: what a line is to whom, its callers know.
package lines

import (
	"cmp"
	"slices"
	"sync"

	"datalake/pkg/batch"
)

// Counts has the line feeds of objects whose chunks are read side by side, so that in the end a line of a chunk can be told
// as a line of its object. Safe for concurrent use by those who note.
type Counts struct {
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

// New has no objects.
func New() *Counts { return &Counts{objects: map[*batch.Object]*lineCounts{}} }

// Note adds the line feeds of a chunk. Not after Before was asked.
func (l *Counts) Note(o *batch.Object, chunk int, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.objects[o]
	if c == nil {
		c = &lineCounts{}
		l.objects[o] = c
	}
	c.chunks = append(c.chunks, chunkLines{chunk, n})
}

// Before is how many lines of the object end before the chunk. An object of 10 GB has 10,000 chunks, each of which may be
// asked for: the sums are made once.
func (l *Counts) Before(o *batch.Object, chunk int) int64 {
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
