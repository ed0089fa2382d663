package meta

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// ErrThrift: the bytes are no struct of the compact protocol.
var ErrThrift = errors.New("malformed thrift")

// Unmarshal decodes the struct that b begins with into v and returns its length. The structure is walked first, so that a
// damaged length cannot make the decoder ask for more memory than there are bytes.
func Unmarshal(b []byte, v any) (int, error) {
	w := thriftWalk{b: b}
	if !w.structure(0) {
		return 0, ErrThrift
	}
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[:w.at], v); err != nil {
		return 0, err
	}
	return w.at, nil
}

// thriftWalk steps over values of the compact protocol.
type thriftWalk struct {
	b  []byte
	at int
}

func (w *thriftWalk) uvarint() (uint64, bool) {
	u, n := binary.Uvarint(w.b[w.at:])
	if n <= 0 {
		return 0, false
	}
	w.at += n
	return u, true
}

func (w *thriftWalk) skip(n uint64) bool {
	if n > uint64(len(w.b)-w.at) {
		return false
	}
	w.at += int(n)
	return true
}

func (w *thriftWalk) structure(depth int) bool {
	for {
		if w.at >= len(w.b) {
			return false
		}
		h := w.b[w.at]
		w.at++
		if h == 0 {
			return true
		}
		if h>>4 == 0 { // the field's number follows
			if _, ok := w.uvarint(); !ok {
				return false
			}
		}
		if t := h & 0xf; t != 1 && t != 2 && !w.value(t, depth) { // 1 and 2 are true and false
			return false
		}
	}
}

func (w *thriftWalk) value(t byte, depth int) bool {
	if depth > 64 {
		return false
	}
	switch t {
	case 1, 2, 3: // bool (in a list), i8
		return w.skip(1)
	case 4, 5, 6:
		_, ok := w.uvarint()
		return ok
	case 7:
		return w.skip(8)
	case 8:
		n, ok := w.uvarint()
		return ok && n <= math.MaxInt32 && w.skip(n)
	case 9, 10:
		if w.at >= len(w.b) {
			return false
		}
		h := w.b[w.at]
		w.at++
		n := uint64(h >> 4)
		if n == 15 {
			var ok bool
			if n, ok = w.uvarint(); !ok {
				return false
			}
		}
		if n > uint64(len(w.b)-w.at) { // each element has a byte at least
			return false
		}
		for range n {
			if !w.value(h&0xf, depth+1) {
				return false
			}
		}
		return true
	case 12:
		return w.structure(depth + 1)
	}
	return false
}
