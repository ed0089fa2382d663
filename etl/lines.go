package etl

import (
	"sync"

	"datalake/pkg/batch"
)

// lines counts the lines of objects whose chunks are read side by side, so that in the end a line of a chunk can be told
// as a line of its object. Safe for concurrent use.
type lines struct {
	mu     sync.Mutex
	chunks map[*batch.Object]map[int]int64
}

func newLines() *lines { return &lines{chunks: map[*batch.Object]map[int]int64{}} }

// note adds the line feeds of a chunk.
func (l *lines) note(o *batch.Object, chunk int, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.chunks[o]
	if c == nil {
		c = map[int]int64{}
		l.chunks[o] = c
	}
	c[chunk] += n
}

// before is how many lines of the object end before the chunk.
func (l *lines) before(o *batch.Object, chunk int) (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, lines := range l.chunks[o] {
		if c < chunk {
			n += lines
		}
	}
	return n
}
