package input

import (
	"bytes"
	"fmt"

	"datalake/pkg/batch"
)

// slack is how much text between records stays in a chunk before it is worth moving what follows.
const slack = 4 << 10

// cutter puts the records that a scanner finds in a text into units. Chunk k has the records that begin in content bytes
// [k·ChunkBytes, (k+1)·ChunkBytes).
type cutter struct {
	*builder
	t *text
	s scanner
	k int64 // the chunk that is open; -1: none
	// The piece that is open: where it begins (-1: none), where its last record ends, its first span.
	start, end, span int
	line             int64
	// What was forgotten of a value that passed a limit.
	head   []byte
	offset int64
	at     int64 // its line
}

// values cuts a text of values, whose live text begins at s.
func (b *builder) values(t *text, s int, path []string) error {
	c := &cutter{builder: b, t: t, k: -1, start: -1}
	c.s = scanner{path: path, from: s, pos: s, line: s, start: -1, restart: -1, key: -1}
	if bytes.HasPrefix(b.arena.buf[s:], byteOrderMark) {
		c.s.pos += len(byteOrderMark)
		c.s.line = c.s.pos
	}
	step := slack
	for {
		switch c.s.next(b.arena.buf, t.eof, t.broken != "") {
		case needMore:
			c.makeRoom()
			want := step
			if missing := (max(c.k, 0)+1)*int64(b.o.ChunkBytes) - t.offset(len(b.arena.buf)); missing > 0 {
				want = int(missing)
			} else {
				step = min(2*step, 1<<20)
			}
			if err := b.fill(t, want); err != nil {
				return err
			}
			continue
		case foundValue:
			if err := c.record(); err != nil {
				return err
			}
		case foundFault:
			if err := c.fault(c.s.rule, c.s.why); err != nil {
				return err
			}
		case cutShort:
			if t.broken == "" {
				if err := c.fault(c.s.rule, c.s.why); err != nil {
					return err
				}
				c.closePiece()
				return nil
			}
			c.closePiece()
			rest := c.head
			if c.s.start >= 0 {
				rest = b.arena.buf[c.s.start:]
			}
			b.breach(t, rest, len(b.arena.buf))
			return nil
		case textEnds:
			c.closePiece()
			if t.broken != "" {
				b.breach(t, nil, len(b.arena.buf))
			}
			return nil
		}
		step = slack
	}
}

// makeRoom lets go of what the scanner needs no more, when that is much.
func (c *cutter) makeRoom() {
	buf := c.arena.buf
	limit := c.o.MaxRecord
	if c.s.state == inHolder {
		limit = maxPayload
	}
	if int64(len(buf)-c.s.hold()) > limit {
		if start := c.s.start; c.s.state != between && start >= 0 {
			c.count(c.t, start)
			c.offset, c.at = c.t.offset(start), c.t.line
			c.head = append(c.head[:0], buf[start:min(len(buf), start+maxPayload)]...)
		}
		c.s.forget()
	}
	hold := c.s.hold()
	if hold < max(c.end, c.floor())+slack {
		return
	}
	c.closePiece()
	c.s.leave(buf[:hold])
	c.s.shift(c.move(c.t, hold))
}

// to makes the chunk of the content byte at offset the open one. If that is another, the unit goes out, and all indexes
// of the scanner change.
func (c *cutter) to(offset int64) error {
	k := max(c.k, offset/int64(c.o.ChunkBytes))
	if c.k < 0 || c.k == k {
		c.k = k
		return nil
	}
	c.closePiece()
	c.k = k
	hold := c.s.pos
	if c.s.start >= 0 {
		hold = min(hold, c.s.start)
	}
	c.s.leave(c.arena.buf[:hold])
	d, err := c.flush(c.t, hold)
	c.s.shift(d)
	return err
}

// record puts the record that was found into the open piece.
func (c *cutter) record() error {
	s := &c.s
	if s.start < 0 || int64(s.pos-s.start) > c.o.MaxRecord {
		s.end = s.pos
		return c.fault("size", c.sizeReason())
	}
	if err := c.to(c.t.offset(s.start)); err != nil {
		return err
	}
	if c.start < 0 {
		c.count(c.t, s.start)
		c.start, c.span, c.line = s.start, len(c.arena.spans), c.t.line
	}
	c.end = s.pos
	c.arena.spans = append(c.arena.spans, batch.Span{Start: s.start - c.start, End: s.pos - c.start})
	return nil
}

// closePiece puts the open piece into the unit.
func (c *cutter) closePiece() {
	if c.start < 0 {
		return
	}
	c.add(piece{
		obj: c.t.obj, offset: c.t.offset(c.start), start: c.start, end: c.end,
		first: c.span, n: len(c.arena.spans) - c.span, line: c.line,
	}, c.k)
	c.start, c.end = -1, 0
}

// fault puts what the scanner found broken, from its start to its end, into the unit.
func (c *cutter) fault(rule, why string) error {
	r := batch.Reject{Origin: batch.Origin{Object: c.t.obj, Offset: c.offset}, Line: c.at, Rule: rule, Reason: why, Payload: c.head, Truncated: true}
	if c.s.start >= 0 {
		r.Offset = c.t.offset(c.s.start)
	}
	r.Length = c.t.offset(c.s.end) - r.Offset
	if err := c.to(r.Offset); err != nil {
		return err
	}
	if start, end := c.s.start, c.s.end; start >= 0 {
		c.count(c.t, start)
		r.Line = c.t.line
		limit := int64(maxPayload)
		if rule == "json" {
			limit = c.o.MaxRecord
		}
		if r.Truncated = int64(end-start) > limit; r.Truncated {
			end = start + maxPayload
		}
		r.Payload = c.arena.buf[start:min(end, start+int(max(limit, maxPayload)))]
	} else if rule == "size" {
		r.Reason = c.sizeReason()
	}
	c.reject(r, c.k)
	return nil
}

func (b *builder) sizeReason() string {
	return fmt.Sprintf("the record is larger than %d bytes", b.o.MaxRecord)
}
