package encode

import (
	"fmt"

	"datalake/pkg/parquetfile/internal/pool"
	"datalake/pkg/parquetfile/internal/stats"
)

// Spool is where finished pages wait until their row group ends, beyond the memory that they may take. Safe for concurrent use.
type Spool interface {
	// Keep asks whether pages may take n more bytes of memory, and counts them if so; of a negative n it is told that they were
	// given back.
	Keep(n int64) bool
	// Write keeps a page elsewhere, and tells where. p is not retained.
	Write(p []byte) (at int64, err error)
	// Read reads a page that was written.
	Read(at int64, p []byte) error
}

// Held is what waits for the end of a file's row group: finished pages and their bounds, in memory as far as Spool allows.
type Held struct {
	Spool Spool // nil: all in memory
	arena pool.Arena
	kept  int64 // of the arena's memory, as Spool counts it
}

// spooled is the size from which on a page may be spooled; a smaller one takes less memory than what is said of it.
const spooled = 4 << 10

// hold keeps a page that is head and body.
func (h *Held) hold(s *Scratch, p *Page, head, body []byte) error {
	p.Size = len(head) + len(body)
	needs := int64(h.arena.Needs(p.Size))
	if h.Spool != nil && needs > 0 {
		if h.Spool.Keep(needs) {
			h.kept += needs
		} else if p.Size >= spooled {
			s.page = append(append(s.page[:0], head...), body...)
			var err error
			if p.at, err = h.Spool.Write(s.page); err != nil {
				return fmt.Errorf("spool a page: %w", err)
			}
			return nil
		}
	}
	p.data = h.arena.Join(head, body)
	return nil
}

// keep holds a copy of b in memory until Free.
func (h *Held) keep(b []byte) []byte { return h.arena.Join(b, nil) }

// bounds holds a copy of b.
func (h *Held) bounds(b stats.Bounds) stats.Bounds {
	if b.OK() {
		both := h.arena.Join(b.Min, b.Max)
		n := len(b.Min)
		b.Min, b.Max = both[:n:n], both[n:]
	}
	return b
}

// Bytes are a page's header and body, valid until the next call.
func (h *Held) Bytes(s *Scratch, p *Page) ([]byte, error) {
	if p.data != nil {
		return p.data, nil
	}
	s.page = grow(s.page, p.Size)
	if err := h.Spool.Read(p.at, s.page); err != nil {
		return nil, fmt.Errorf("read a spooled page: %w", err)
	}
	return s.page, nil
}

// Memory is how many bytes are held in memory.
func (h *Held) Memory() int { return h.arena.Memory() }

// Free gives all memory up.
func (h *Held) Free() {
	h.arena.Free()
	if h.kept > 0 {
		h.Spool.Keep(-h.kept)
		h.kept = 0
	}
}
