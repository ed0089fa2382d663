package input

import (
	"bytes"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
)

// lines cuts NDJSON. The live text begins at s, at the start of a line. Chunk k has the lines that begin in content bytes
// [k·ChunkBytes, (k+1)·ChunkBytes), so whoever reads a range that begins and ends at such bounds gets the same chunks as
// whoever reads it all. Lines that begin at or after end are left out; end < 0: none.
func (b *builder) lines(t *text, s int, end int64) error {
	size := int64(b.o.ChunkBytes)
	for {
		if s == len(b.arena.buf) && !t.eof {
			if err := b.fill(t, 1<<12); err != nil {
				return err
			}
		}
		at := t.offset(s)
		if end >= 0 && at >= end || s == len(b.arena.buf) {
			break
		}
		k := at / size
		if t.cut && k > 0 {
			t.line, t.counted = 1, s
		}
		var err error
		if s, err = b.chunk(t, s, k, (k+1)*size); err != nil {
			return err
		}
		if s == len(b.arena.buf) && !t.eof { // is this the object's last chunk?
			if err := b.fill(t, 1<<12); err != nil {
				return err
			}
		}
		if s < len(b.arena.buf) {
			d, err := b.flush(t, s)
			if err != nil {
				return err
			}
			s -= d
		}
	}
	if t.broken != "" {
		b.breach(t, nil, len(b.arena.buf))
	}
	return nil
}

// chunk puts the lines that begin in [s, bound) in the unit, as chunk k, and returns where the next line begins. There
// is one at s.
func (b *builder) chunk(t *text, s int, k, bound int64) (int, error) {
	for {
		e, giant, err := b.lineEnd(t, s, bound)
		if err != nil {
			return 0, err
		}
		if giant < 0 {
			b.addLines(t, s, e, k)
			return e, nil
		}
		b.addLines(t, s, giant, k)
		if s, err = b.skipLine(t, giant, k); err != nil {
			return 0, err
		}
		// s is at the line feed after the giant, or at the end. Chunk k keeps it, so that whoever counts line feeds counts it.
		if next := min(s+1, len(b.arena.buf)); t.offset(next) >= bound || next == len(b.arena.buf) && t.eof {
			b.addLines(t, s, next, k)
			return next, nil
		}
	}
}

// lineEnd returns the index after the line that holds the content byte bound-1, or after the last line. If that line turns
// out longer than the limit before its end was seen, giant is where it begins, else -1.
func (b *builder) lineEnd(t *text, s int, bound int64) (e, giant int, err error) {
	if missing := bound - t.offset(len(b.arena.buf)); missing > 0 {
		if err := b.fill(t, int(missing)); err != nil {
			return 0, 0, err
		}
	}
	from := max(s, int(bound-1-t.base))
	for step := 1 << 12; ; step = min(2*step, 1<<20) {
		buf := b.arena.buf
		if from < len(buf) {
			if i := bytes.IndexByte(buf[from:], '\n'); i >= 0 {
				return from + i + 1, -1, nil
			}
			from = len(buf)
		}
		if t.eof {
			return len(buf), -1, nil
		}
		if int64(len(buf)-s) > b.o.MaxRecord {
			if begin := s + bytes.LastIndexByte(buf[s:], '\n') + 1; int64(len(buf)-begin) > b.o.MaxRecord {
				return 0, begin, nil
			}
		}
		if err := b.fill(t, step); err != nil {
			return 0, 0, err
		}
	}
}

// addLines puts buf[s:e], whole lines, in the unit, but for lines above the limit. What is left of a broken content's last
// line is not put in.
func (b *builder) addLines(t *text, s, e int, k int64) {
	buf := b.arena.buf
	if e == len(buf) && t.broken != "" && e > s && buf[e-1] != '\n' {
		if cut := s + bytes.LastIndexByte(buf[s:e], '\n') + 1; !isWhole(buf[cut:e]) {
			b.addLines(t, s, cut, k)
			b.breach(t, buf[cut:e], e)
			t.broken = ""
			return
		}
	}
	if int64(e-s) <= b.o.MaxRecord {
		b.addPiece(t, s, e, k)
		return
	}
	p := s
	for at := s; at < e; {
		end := e
		if i := bytes.IndexByte(buf[at:e], '\n'); i >= 0 {
			end = at + i
		}
		if int64(end-at) > b.o.MaxRecord {
			b.addPiece(t, p, at, k)
			b.oversize(t, at, buf[at:end], false, k)
			t.counted, p = max(t.counted, end), end
		}
		at = end + 1
	}
	b.addPiece(t, p, e, k)
}

func (b *builder) addPiece(t *text, s, e int, k int64) {
	if s >= e {
		return
	}
	b.count(t, s)
	line := t.line
	if t.cut && k > 0 {
		line = 0
	}
	b.add(piece{obj: t.obj, offset: t.offset(s), start: s, end: e, lines: true, line: line}, k)
	b.count(t, e)
}

// skipLine passes over the line at s, of which more than the limit is in the buffer and its end is not. It returns the
// index of the line feed.
func (b *builder) skipLine(t *text, s int, k int64) (int, error) {
	b.oversize(t, s, b.arena.buf[s:], true, k)
	for {
		// The first bytes of the line become the room for the padding of the piece before.
		d := len(b.arena.buf) - (s + jsontext.Padding)
		b.arena.buf = b.arena.buf[:s+jsontext.Padding]
		t.base += int64(d)
		t.counted = s + jsontext.Padding
		if t.eof {
			return t.counted, nil
		}
		if err := b.fill(t, window); err != nil {
			return 0, err
		}
		if i := bytes.IndexByte(b.arena.buf[t.counted:], '\n'); i >= 0 {
			return t.counted + i, nil
		}
	}
}

// oversize notes that the line at s is larger than the limit; goes on: line is not all of it.
func (b *builder) oversize(t *text, s int, line []byte, goesOn bool, k int64) {
	b.count(t, s)
	length := int64(len(line))
	if goesOn {
		length = 0
	}
	b.reject(batch.Reject{
		Origin: batch.Origin{Object: t.obj, Offset: t.offset(s)}, Line: t.line, Length: length, Rule: "size", Reason: b.sizeReason(),
		Payload: line[:min(len(line), maxPayload)], Truncated: goesOn || len(line) > maxPayload,
	}, k)
}

// breach notes that the content cannot be read on at i, where rest is what it had of a record.
func (b *builder) breach(t *text, rest []byte, i int) {
	b.count(t, i-len(rest))
	at := t.offset(i)
	b.reject(batch.Reject{
		Origin: batch.Origin{Object: t.obj, Offset: at}, Line: t.line, Rule: "broken", Reason: t.broken, Payload: rest,
	}, at/int64(b.o.ChunkBytes))
}

// isWhole says that a last line that broke off is a record all the same, or blank.
func isWhole(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || (jsontext.Limits{ReplaceInvalid: true}).Valid(line) == nil
}
