package decode

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/shape"
)

// vector is a stretch of one column: the levels and values of some rows, as they are taken from pages.
type vector struct {
	leaf       *shape.Leaf
	levels     int
	defs, reps []uint8 // defs is empty while all levels are the highest; reps is empty where the column does not repeat
	present    int     // values

	fixed32 []int32
	fixed64 []int64
	bools   []bool
	ends    []int32 // where each byte string ends in text
	text    []byte  // byte strings, or values of one width

	// codes of the values and their dictionary, instead of ends and text, where codes are wanted and all pages were coded.
	coded bool
	codes []int32
	dict  *dictionary
}

func (v *vector) reset(wanted bool) {
	v.levels, v.present, v.coded, v.dict = 0, 0, wanted, nil
	v.defs, v.reps, v.fixed32, v.fixed64, v.bools = v.defs[:0], v.reps[:0], v.fixed32[:0], v.fixed64[:0], v.bools[:0]
	v.ends, v.text, v.codes = v.ends[:0], v.text[:0], v.codes[:0]
}

// take moves up to rows rows from the chunk's pages to v and returns how many there were; fewer only at the chunk's end.
func (v *vector) take(c *Chunk, rows int) (int, error) {
	got := 0
	for {
		p := &c.page
		if p.level == p.levels {
			if err := c.Next(); err == io.EOF {
				return got, nil
			} else if err != nil {
				return got, err
			}
			continue
		}
		if len(p.reps) == 0 {
			if got == rows {
				return got, nil
			}
			k := min(rows-got, p.levels-p.level)
			if err := v.move(c, k); err != nil {
				return got, err
			}
			got += k
			continue
		}
		// A row ends where the next begins, which may be on a later page.
		i := p.level
		for ; i < p.levels; i++ {
			if p.reps[i] == 0 {
				if got == rows {
					break
				}
				got++
			} else if got == 0 {
				return 0, fault.Corruptf("column %s: a row begins in its middle", c.leaf)
			}
		}
		k := i - p.level
		if err := v.move(c, k); err != nil {
			return got, err
		}
		if i < p.levels {
			return got, nil
		}
	}
}

// move takes the next n levels of the page with their values.
func (v *vector) move(c *Chunk, n int) error {
	p := &c.page
	top := c.leaf.MaxDef
	present := n
	if len(p.defs) > 0 {
		d := p.defs[p.level : p.level+n]
		for _, x := range d {
			if x != top {
				present--
			}
		}
		if present < n && len(v.defs) == 0 {
			for range v.levels {
				v.defs = append(v.defs, top)
			}
		}
		if present < n || len(v.defs) > 0 {
			v.defs = append(v.defs, d...)
		}
	} else if len(v.defs) > 0 {
		for range n {
			v.defs = append(v.defs, top)
		}
	}
	if len(p.reps) > 0 {
		v.reps = append(v.reps, p.reps[p.level:p.level+n]...)
	}
	p.level += n
	v.levels += n
	v.present += present
	lo, hi := p.value, p.value+present
	p.value = hi
	return v.moveValues(c, lo, hi)
}

func (v *vector) moveValues(c *Chunk, lo, hi int) error {
	if lo == hi {
		return nil
	}
	p, l := &c.page, c.leaf
	coded := p.encoding == format.RLEDictionary
	if v.coded {
		if coded {
			v.dict, v.codes = c.dict, append(v.codes, p.codes[lo:hi]...)
			return nil
		}
		v.coded = false
		if err := v.expand(v.dict, v.codes); err != nil {
			return err
		}
	}
	switch l.Phys {
	case format.Boolean:
		for i := lo; i < hi; i++ {
			v.bools = append(v.bools, p.bits[i>>3]>>(i&7)&1 != 0)
		}
	case format.Int32, format.Float:
		if !coded {
			v.fixed32 = append(v.fixed32, p.fixed32[lo:hi]...)
			return nil
		}
		for _, k := range p.codes[lo:hi] {
			v.fixed32 = append(v.fixed32, c.dict.fixed32[k])
		}
	case format.Int64, format.Double:
		if !coded {
			v.fixed64 = append(v.fixed64, p.fixed64[lo:hi]...)
			return nil
		}
		for _, k := range p.codes[lo:hi] {
			v.fixed64 = append(v.fixed64, c.dict.fixed64[k])
		}
	case format.FixedLenByteArray:
		if !coded {
			v.text = append(v.text, p.text[lo*l.Width:hi*l.Width]...)
			return nil
		}
		for _, k := range p.codes[lo:hi] {
			v.text = append(v.text, c.dict.value(k)...)
		}
	default:
		if coded {
			return v.expand(c.dict, p.codes[lo:hi])
		}
		from, end := p.textAt, len(v.text)
		for _, n := range p.lens[lo:hi] {
			p.textAt += int(n)
			end += int(n)
			v.ends = append(v.ends, int32(end))
		}
		if end > math.MaxInt32 {
			return tooLong(l)
		}
		v.text = append(v.text, p.text[from:p.textAt]...)
	}
	return nil
}

// expand appends the byte strings of codes.
func (v *vector) expand(d *dictionary, codes []int32) error {
	for _, k := range codes {
		v.text = append(v.text, d.value(k)...)
		if len(v.text) > math.MaxInt32 {
			return tooLong(v.leaf)
		}
		v.ends = append(v.ends, int32(len(v.text)))
	}
	return nil
}

func tooLong(l *shape.Leaf) error {
	return fault.Unsupportedf("column %s: more than 2 GiB of text in one batch", l)
}

// decimal is the k-th value of a column of decimals, however it is stored.
func (v *vector) decimal(k int) decimal128.Num {
	switch v.leaf.Phys {
	case format.Int32:
		return decimal128.FromI64(int64(v.fixed32[k]))
	case format.Int64:
		return decimal128.FromI64(v.fixed64[k])
	}
	b := v.text[k*v.leaf.Width : (k+1)*v.leaf.Width]
	var full [16]byte
	for i := range 16 - len(b) { // the sign
		full[i] = byte(int8(b[0]) >> 7)
	}
	copy(full[16-len(b):], b)
	return decimal128.New(int64(binary.BigEndian.Uint64(full[:8])), binary.BigEndian.Uint64(full[8:]))
}
