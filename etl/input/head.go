package input

import (
	"bytes"
	"errors"
	"math"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
)

// errEnough: the object that is being read has given all the records that are wanted of it.
var errEnough = errors.New("enough")

// ended takes errEnough for the end of an object.
func ended(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// head is what was taken of an object, or of a range of one, of which only the first records are wanted. A line counts as one
// record, whatever it holds, and so does a value.
type head struct {
	most, records int
	begin, end    int64 // the stretch of the content that holds them; begin < 0: not known yet
	full          bool  // no more are wanted
	// raw bytes were read for so many bytes of text; raw < 0: the text is the raw bytes.
	raw, text int64
}

// share is the part of most records that is taken before a place in an object: at least one from its beginning.
func share(most int, at, size int64) int {
	return int(math.Ceil(float64(most) * float64(at) / float64(size)))
}

// takes begins to count what is taken of a range.
func (b *builder) takes(obj *batch.Object, most int) *head {
	if b.heads == nil {
		b.heads = map[*batch.Object]*head{}
	}
	h := &head{most: most, begin: -1, raw: -1}
	b.heads[obj], b.taking = h, h
	return h
}

// takesObject begins to count what is taken of an object. done is to be called once it was read, before its content is closed.
func (b *builder) takesObject(obj *batch.Object, c *content, t *text) (done func()) {
	h := b.takes(obj, obj.Most)
	h.begin = 0
	return func() {
		h.raw, h.text = obj.Size, t.offset(len(b.text()))
		if !t.eof {
			h.raw = c.raw.pos - int64(c.br.Buffered())
		}
	}
}

// text is what is in the buffer.
func (b *builder) text() []byte {
	if b.arena == nil {
		return nil
	}
	return b.arena.buf
}

// cut takes the records out of a unit that are beyond those wanted of its objects. errEnough: the object that is being
// read needs to give no more.
func (b *builder) cut(u *batch.Unit) error {
	kept := u.Chunks[:0]
	for _, c := range u.Chunks {
		if h := b.heads[c.Object]; h == nil || h.keep(&c) {
			kept = append(kept, c)
		}
	}
	u.Chunks = kept
	broken := u.Broken[:0]
	for _, r := range u.Broken {
		if h := b.heads[r.Object]; h == nil || !h.full || r.Offset < h.end {
			broken = append(broken, r)
		}
	}
	u.Broken = broken
	if b.taking != nil && b.taking.full {
		return errEnough
	}
	return nil
}

// keep cuts a chunk down to what is wanted; false: that is nothing.
func (h *head) keep(c *batch.Chunk) bool {
	left := h.most - h.records
	if h.begin < 0 {
		h.begin = c.Offset
	}
	if h.full || left <= 0 {
		h.full = true
		return false
	}
	text := c.Data[:len(c.Data)-jsontext.Padding]
	end, n := len(text), 0
	if c.Lines {
		for at := 0; at < len(text) && n < left; at = end {
			end = len(text)
			if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
				end = at + i + 1
			}
			if len(bytes.TrimSpace(bytes.TrimPrefix(text[at:end], byteOrderMark))) > 0 {
				n++
			}
		}
	} else {
		n = min(left, len(c.Records))
		c.Records = c.Records[:n]
		if n > 0 {
			end = c.Records[n-1].End
		}
	}
	h.records += n
	h.end, h.full = c.Offset+int64(end), n == left
	clear(c.Data[end : end+jsontext.Padding])
	c.Data = c.Data[: end+jsontext.Padding : end+jsontext.Padding]
	return true
}

// tell says how much of each object was taken.
func (b *builder) tell() {
	if b.o.Head == nil {
		return
	}
	for obj, h := range b.heads {
		switch taken := h.end - h.begin; {
		case h.begin < 0: // no line begins in the range
		case h.raw < 0:
			b.o.Head(obj, h.begin, taken)
		case h.full && h.end < h.text:
			b.o.Head(obj, 0, int64(float64(h.raw)*float64(taken)/float64(h.text)))
		default:
			b.o.Head(obj, 0, h.raw)
		}
	}
}
