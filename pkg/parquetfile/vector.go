package parquetfile

import (
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"
)

// vector is a stretch of one column: the levels and values of some rows, as they are taken from pages.
type vector struct {
	leaf       *leaf
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
func (v *vector) take(c *chunk, rows int) (int, error) {
	got := 0
	for {
		p := &c.page
		if p.level == p.levels {
			if err := c.next(); err == io.EOF {
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
				return 0, corruptf("column %s: a row begins in its middle", dotted(c.leaf.path))
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
func (v *vector) move(c *chunk, n int) error {
	p := &c.page
	top := c.leaf.maxDef
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

func (v *vector) moveValues(c *chunk, lo, hi int) error {
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
	switch l.phys {
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
			v.text = append(v.text, p.text[lo*l.width:hi*l.width]...)
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
		v.ends = append(v.ends, int32(len(v.text)))
	}
	if len(v.text) > math.MaxInt32 {
		return tooLong(v.leaf)
	}
	return nil
}

func tooLong(l *leaf) error {
	return unsupportedf("column %s: more than 2 GiB of text in one batch", dotted(l.path))
}

// widens tells whether every value, or all that fit, of a column of type from can be read as type to. What does not fit
// is ErrType when it is met.
func widens(from, to arrow.DataType) bool {
	if arrow.TypeEqual(from, to) {
		return true
	}
	switch t := to.(type) {
	case *arrow.Int64Type:
		return from.ID() == arrow.INT32
	case *arrow.Float64Type:
		return from.ID() == arrow.INT32 || from.ID() == arrow.INT64 || from.ID() == arrow.FLOAT32
	case *arrow.Decimal128Type:
		f, ok := from.(*arrow.Decimal128Type)
		return from.ID() == arrow.INT32 || from.ID() == arrow.INT64 || ok && f.Scale <= t.Scale
	case *arrow.TimestampType:
		return from.ID() == arrow.DATE32 && t.Unit == arrow.Millisecond
	case *arrow.BinaryType:
		return from.ID() == arrow.STRING
	}
	return false
}

// convert makes arr one of type to, where widens allows it. It takes arr over.
func convert(arr arrow.Array, to arrow.DataType, l *leaf, mem memory.Allocator) (arrow.Array, error) {
	if arrow.TypeEqual(arr.DataType(), to) {
		return arr, nil
	}
	defer arr.Release()
	if to.ID() == arrow.BINARY {
		d := array.NewData(to, arr.Len(), arr.Data().Buffers(), nil, arr.NullN(), arr.Data().Offset())
		defer d.Release()
		return array.NewBinaryData(d), nil
	}
	b := array.NewBuilder(mem, to)
	defer b.Release()
	b.Reserve(arr.Len())
	for i := range arr.Len() {
		if arr.IsNull(i) {
			b.AppendNull()
			continue
		}
		if !convertValue(b, arr, i) {
			return nil, typef("column %s: %s does not fit %s", dotted(l.path), arr.ValueStr(i), to)
		}
	}
	return b.NewArray(), nil
}

func convertValue(b array.Builder, arr arrow.Array, i int) bool {
	whole := int64(0)
	switch a := arr.(type) {
	case *array.Int32:
		whole = int64(a.Value(i))
	case *array.Int64:
		whole = a.Value(i)
	}
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(whole)
	case *array.Float64Builder:
		if a, ok := arr.(*array.Float32); ok {
			b.Append(float64(a.Value(i)))
			return true
		}
		f := float64(whole)
		if f >= math.MaxInt64 || int64(f) != whole { // the nearest double is another number
			return false
		}
		b.Append(f)
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(int64(arr.(*array.Date32).Value(i)) * 86_400_000))
	case *array.Decimal128Builder:
		to := b.Type().(*arrow.Decimal128Type)
		v, scale := decimal128.FromI64(whole), int32(0)
		if a, ok := arr.(*array.Decimal128); ok {
			v, scale = a.Value(i), a.DataType().(*arrow.Decimal128Type).Scale
		}
		v, err := v.Rescale(scale, to.Scale)
		if err != nil || !v.FitsInPrecision(to.Precision) {
			return false
		}
		b.Append(v)
	}
	return true
}
