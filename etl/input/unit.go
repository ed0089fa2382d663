package input

import (
	"bytes"
	"errors"
	"io"
	"math"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
)

// errStopped: whoever takes the units wants no more.
var errStopped = errors.New("stopped")

// text is the decompressed content of an object, of which a stretch stands at the end of the builder's buffer.
type text struct {
	obj *batch.Object
	src io.Reader
	// base is the content's offset of the buffer's byte 0.
	base int64
	// eof: nothing follows what is in the buffer; broken says why, when it is not the end.
	eof    bool
	broken string
	// line is the number of the line that is at counted in the buffer, from 1. Of an object that is cut into ranges it
	// starts anew with each chunk.
	line    int64
	counted int
	cut     bool
	// size is that of the content; 0: not known, because it is compressed.
	size int64
}

func (t *text) offset(i int) int64 { return t.base + int64(i) }

// left is how much may still be read when n bytes are in the buffer, and one byte more, so that the end shows.
func (t *text) left(n int) int {
	if t.size == 0 {
		return math.MaxInt
	}
	return int(max(t.size-t.offset(n), 0)) + 1
}

// piece is what becomes a batch.Chunk: indexes stay right when the buffer moves.
type piece struct {
	obj        *batch.Object
	offset     int64
	start, end int
	first, n   int // its spans
	lines      bool
	line       int64
}

// builder gathers pieces of one object after another in a buffer, and gives them out as units.
//
// The buffer holds the pieces of the unit, each followed by room for the padding, and then the live text: content that
// has been read and not yet put in a piece. When a unit goes out, the live text moves to a new buffer.
type builder struct {
	o      Options
	check  func() error // the context's error
	bufs   *Buffers
	yield  func(*batch.Unit, error) bool
	arena  *arena
	pieces []piece
	bytes  int // in pieces
	begun  bool
	heads  map[*batch.Object]*head // of objects with Most
	taking *head                   // of the object that is being read
}

// begin starts an object's live text behind the pieces and returns where.
func (b *builder) begin() int {
	if b.arena == nil {
		b.arena = b.bufs.arena(b.o.Take, b.o.ChunkBytes+b.o.ChunkBytes/8+4096)
	}
	at := b.floor()
	b.arena.buf = b.arena.buf[:min(at, len(b.arena.buf))]
	b.grow(at, at)
	b.arena.buf = b.arena.buf[:at]
	return at
}

// floor is where live text may begin: behind the last piece and its padding.
func (b *builder) floor() int {
	if n := len(b.pieces); n > 0 {
		return b.pieces[n-1].end + jsontext.Padding
	}
	return 0
}

// grow makes room for n bytes and the padding in the buffer, of which it will not need more than most if it can be helped.
//
// Up to giantBytes a buffer grows by half, into memory that is used again later. Beyond, it holds one giant record, whose
// size nobody knows: it grows by giantFactor, at most to what the largest record or the rest of the object takes, and
// of memory that is never touched no page is used. So a record of 50 MB costs one copy of 8 MB rather than copies of 12, 18, 27 and 40 MB that
// wait for the collector: 194 MB allocated before.
func (b *builder) grow(n, most int) {
	a := b.arena
	if n += jsontext.Padding; n <= cap(a.buf) {
		return
	}
	size := max(n, min(cap(a.buf)+cap(a.buf)/2, giantBytes))
	if n > giantBytes {
		size = max(n, min(giantFactor*n, most+jsontext.Padding))
	}
	b.bufs.account(b.o.Take, a, size)
	buf := make([]byte, len(a.buf), size)
	copy(buf, a.buf)
	a.buf = buf
}

// fill reads want more bytes of live text; fewer only at the end.
func (b *builder) fill(t *text, want int) error {
	if err := b.check(); err != nil {
		return err
	}
	n := len(b.arena.buf)
	left := t.left(n)
	want = min(want, left)
	most := b.floor() + int(b.o.MaxRecord) + 2*b.o.ChunkBytes
	if left < most-n {
		most = n + left
	}
	b.grow(n+want, most)
	for end := n + want; n < end && !t.eof; {
		m, err := t.src.Read(b.arena.buf[n:end])
		n += m
		b.arena.buf = b.arena.buf[:n]
		var fault *breach
		switch {
		case errors.Is(err, io.EOF):
			t.eof = true
		case errors.As(err, &fault):
			t.eof, t.broken = true, fault.reason
		case err != nil:
			return err
		}
	}
	return nil
}

// padded is the live text from s on, with the padding behind it, until more is read.
func (b *builder) padded(s int) []byte {
	n := len(b.arena.buf)
	padded := b.arena.buf[s : n+jsontext.Padding]
	clear(padded[n-s:])
	return padded
}

// count moves the line count to i.
func (b *builder) count(t *text, i int) {
	if i > t.counted {
		t.line += int64(bytes.Count(b.arena.buf[t.counted:i], []byte{'\n'}))
		t.counted = i
	}
}

// start notes that something of chunk k of obj is in the unit.
func (b *builder) start(obj *batch.Object, k int64) {
	if !b.begun {
		b.begun = true
		b.arena.unit.First, b.arena.unit.Number = obj.Index, int(k)
	}
}

// add puts a piece in the unit.
func (b *builder) add(p piece, k int64) {
	b.start(p.obj, k)
	b.pieces = append(b.pieces, p)
	b.bytes += p.end - p.start
}

// reject puts a broken place in the unit. The payload is copied, and cut if the place passed a limit.
func (b *builder) reject(r batch.Reject, k int64) {
	b.start(r.Object, k)
	r.Source = r.Object.Source
	r.Payload = bytes.Clone(r.Payload)
	b.arena.unit.Broken = append(b.arena.unit.Broken, r)
}

// move shifts the live text that begins at from to behind the pieces, and returns by how much it went down.
func (b *builder) move(t *text, from int) int {
	b.count(t, from)
	d := from - b.floor()
	if d <= 0 {
		return 0
	}
	buf := b.arena.buf
	copy(buf[from-d:], buf[from:])
	b.arena.buf = buf[:len(buf)-d]
	t.base += int64(d)
	t.counted -= d
	return d
}

// flush gives the unit out, if there is anything in it; the live text that begins at from moves to the next buffer. It
// returns by how much it went down.
func (b *builder) flush(t *text, from int) (int, error) {
	if !b.begun {
		return b.move(t, from), nil
	}
	b.count(t, from)
	a := b.arena
	b.arena = b.bufs.arena(b.o.Take, max(b.o.ChunkBytes+b.o.ChunkBytes/8+4096, len(a.buf)-from+jsontext.Padding))
	b.arena.buf = append(b.arena.buf, a.buf[from:]...)
	t.base += int64(from)
	t.counted -= from
	return from, b.give(a)
}

// finish gives the unit out, if there is anything in it. There is no live text.
func (b *builder) finish() error {
	if !b.begun {
		return nil
	}
	a := b.arena
	b.arena = nil
	return b.give(a)
}

// forget takes what came of obj, which is the last object so far, out of the unit.
func (b *builder) forget(obj *batch.Object) {
	for n := len(b.pieces); n > 0 && b.pieces[n-1].obj == obj; n-- {
		b.bytes -= b.pieces[n-1].end - b.pieces[n-1].start
		b.pieces = b.pieces[:n-1]
	}
	if b.arena == nil {
		return
	}
	u := &b.arena.unit
	for n := len(u.Broken); n > 0 && u.Broken[n-1].Object == obj; n-- {
		u.Broken = u.Broken[:n-1]
	}
	b.begun = len(b.pieces) > 0 || len(u.Broken) > 0
}

// give makes a's pieces chunks and yields its unit.
func (b *builder) give(a *arena) error {
	a.buf = a.buf[:cap(a.buf)]
	for _, p := range b.pieces {
		clear(a.buf[p.end : p.end+jsontext.Padding])
	}
	for _, p := range b.pieces {
		end := p.end + jsontext.Padding
		c := batch.Chunk{Object: p.obj, Offset: p.offset, Data: a.buf[p.start:end:end], Lines: p.lines, Line: p.line}
		if !p.lines {
			c.Records = a.spans[p.first : p.first+p.n : p.first+p.n]
		}
		a.chunks = append(a.chunks, c)
	}
	a.unit.Chunks = a.chunks
	b.pieces, b.bytes, b.begun = b.pieces[:0], 0, false
	b.bufs.give(a)
	var err error
	if b.heads != nil {
		err = b.cut(&a.unit)
	}
	if !b.yield(&a.unit, nil) {
		return errStopped
	}
	return err
}

// full says that no more objects fit the unit.
func (b *builder) full() bool { return b.bytes >= b.o.ChunkBytes || len(b.pieces) >= b.o.GroupObjects }

// close drops what never went out.
func (b *builder) close() {
	if b.arena != nil {
		b.bufs.drop(b.arena)
		b.arena = nil
	}
}
