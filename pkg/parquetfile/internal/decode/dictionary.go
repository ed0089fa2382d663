package decode

import (
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
)

// plainDictionary is how old writers call the encoding of a dictionary and of its codes; the format's other names for them
// are the ones to write.
const plainDictionary format.Encoding = 2

// dictionary holds a chunk's dictionary page.
type dictionary struct {
	n       int
	fixed32 []int32
	fixed64 []int64
	offsets []uint32 // of n+1 byte strings in text
	text    []byte
	longest int
}

func (d *dictionary) value(c int32) []byte { return d.text[d.offsets[c]:d.offsets[c+1]] }

// allCoded tells that every page of a chunk is known to hold codes alone.
func allCoded(m *meta.Column) bool {
	pages := 0
	for _, e := range m.EncodingStats {
		if e.PageType != format.DataPage {
			continue
		}
		if e.Encoding != format.RLEDictionary && e.Encoding != plainDictionary {
			return false
		}
		pages++
	}
	return pages > 0
}

func readDictionary(l *shape.Leaf, body []byte, n int) (*dictionary, error) {
	d := &dictionary{n: n}
	if n < 0 || n > len(body) {
		return nil, fault.Corruptf("a dictionary of %d values in %d bytes", n, len(body))
	}
	switch l.Phys {
	case format.Int32, format.Float, format.Int64, format.Double:
		if len(body) < n*l.Width {
			return nil, fault.Corruptf("a dictionary of %d values in %d bytes", n, len(body))
		}
		d.fixed32, d.fixed64 = plainFixed(nil, nil, body, n, l.Width)
	case format.ByteArray:
		lens, text, err := plainText(nil, nil, body, n)
		if err != nil {
			return nil, err
		}
		d.text, d.offsets = text, make([]uint32, 1, n+1)
		at := uint32(0)
		for _, k := range lens {
			at += uint32(k)
			d.offsets = append(d.offsets, at)
			d.longest = max(d.longest, int(k))
		}
	case format.FixedLenByteArray:
		if len(body) < n*l.Width {
			return nil, fault.Corruptf("a dictionary of %d values in %d bytes", n, len(body))
		}
		d.text, d.offsets = append([]byte(nil), body[:n*l.Width]...), make([]uint32, n+1)
		for i := range d.offsets {
			d.offsets[i] = uint32(i * l.Width)
		}
	default:
		return nil, fault.Unsupportedf("a dictionary of %s", l.Phys)
	}
	return d, nil
}
