package decode

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/parquetfile/internal/dict"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/shape"
)

// assembler makes arrays of vectors. The slots of a node are those levels of its witness that begin a value of it: of a
// repetition level of at most rep, and a definition level of at least def, which are those of the innermost list or map
// above.
type assembler struct {
	mem     memory.Allocator
	vectors []*vector // by column, nil where not needed
	dicts   map[*dictionary]arrow.Array
}

func (a *assembler) build(p *plan, rep, def uint8, slots int) (arrow.Array, error) {
	if p.node == nil {
		return array.MakeArrayOfNull(memory.DefaultAllocator, p.want, slots), nil // it relies on memory being zeros
	}
	// A null at a node, and not above it, is one definition level of its own.
	if p.never && p.node.Optional && slices.Contains(a.vectors[p.witness.Index].defs, p.node.Def-1) {
		return nil, fault.Typef("column %s: a null where none may be", p.name)
	}
	switch p.node.Kind {
	case shape.LeafNode:
		return a.leaf(p, def, slots)
	case shape.StructNode:
		return a.structure(p, rep, def, slots)
	}
	return a.list(p, rep, def, slots)
}

// valid makes the validity bitmap of the slots whose definition level is at least node.Def, nil if all are.
func (a *assembler) valid(v *vector, n *shape.Node, rep, def uint8, slots int) (*memory.Buffer, int, error) {
	count := 0
	if len(v.defs) == 0 && len(v.reps) == 0 {
		count = v.levels
		if count != slots {
			return nil, 0, uneven(v.leaf, count, slots)
		}
		return nil, 0, nil
	}
	buf := memory.NewResizableBuffer(a.mem)
	buf.Resize((slots + 7) / 8)
	b := buf.Bytes()
	clear(b)
	nulls := 0
	top := v.leaf.MaxDef
	for i := range v.levels {
		d := top
		if len(v.defs) > 0 {
			d = v.defs[i]
		}
		if d < def || len(v.reps) > 0 && v.reps[i] > rep {
			continue
		}
		if count == slots {
			buf.Release()
			return nil, 0, uneven(v.leaf, count+1, slots)
		}
		if d >= n.Def {
			b[count>>3] |= 1 << (count & 7)
		} else {
			nulls++
		}
		count++
	}
	if count != slots || nulls == 0 {
		buf.Release()
		buf = nil
	}
	if count != slots {
		return nil, 0, uneven(v.leaf, count, slots)
	}
	return buf, nulls, nil
}

func uneven(l *shape.Leaf, got, want int) error {
	return fault.Corruptf("column %s: %d values where %d belong", l, got, want)
}

func (a *assembler) structure(p *plan, rep, def uint8, slots int) (arrow.Array, error) {
	valid, nulls, err := a.valid(a.vectors[p.witness.Index], p.node, rep, def, slots)
	if err != nil {
		return nil, err
	}
	defer release(valid)
	return a.group(p.want, p.kids, valid, rep, def, slots, nulls)
}

// group makes a struct array of its members.
func (a *assembler) group(t arrow.DataType, members []*plan, valid *memory.Buffer, rep, def uint8, slots, nulls int) (arrow.Array, error) {
	var kids []arrow.ArrayData
	defer func() {
		for _, k := range kids {
			k.Release()
		}
	}()
	for _, k := range members {
		arr, err := a.build(k, rep, def, slots)
		if err != nil {
			return nil, err
		}
		arr.Data().Retain()
		kids = append(kids, arr.Data())
		arr.Release()
	}
	d := array.NewData(t, slots, []*memory.Buffer{valid}, kids, nulls, 0)
	defer d.Release()
	return array.NewStructData(d), nil
}

func release(b *memory.Buffer) {
	if b != nil {
		b.Release()
	}
}

func (a *assembler) list(p *plan, rep, def uint8, slots int) (arrow.Array, error) {
	v, n := a.vectors[p.witness.Index], p.node
	valid, nulls, err := a.valid(v, n, rep, def, slots)
	if err != nil {
		return nil, err
	}
	defer release(valid)
	offsets := memory.NewResizableBuffer(a.mem)
	defer offsets.Release()
	offsets.Resize(4 * (slots + 1))
	off := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	off[0] = 0
	slot, count := 0, 0
	top := v.leaf.MaxDef
	for i := range v.levels {
		d := top
		if len(v.defs) > 0 {
			d = v.defs[i]
		}
		switch r := v.reps[i]; {
		case r > n.Rep || d < def:
		case r <= rep:
			if slot > 0 {
				off[slot] = int32(count)
			}
			slot++
			if d > n.Def {
				count++
			}
		case d > n.Def:
			count++
		}
	}
	off[slots] = int32(count)
	var kid arrow.Array
	if t, ok := p.want.(*arrow.MapType); ok {
		kid, err = a.group(t.Elem(), p.kids, nil, n.Rep, n.Def+1, count, 0)
	} else {
		kid, err = a.build(p.kids[0], n.Rep, n.Def+1, count)
	}
	if err != nil {
		return nil, err
	}
	defer kid.Release()
	d := array.NewData(p.want, slots, []*memory.Buffer{valid, offsets}, []arrow.ArrayData{kid.Data()}, nulls, 0)
	defer d.Release()
	if n.Kind == shape.MapNode {
		return array.NewMapData(d), nil
	}
	return array.NewListData(d), nil
}

// leaf makes a column's array: of the file's type, then of the wanted one.
func (a *assembler) leaf(p *plan, def uint8, slots int) (arrow.Array, error) {
	v, n := a.vectors[p.node.Leaf.Index], p.node
	valid, nulls, err := a.valid(v, n, n.Leaf.MaxRep, def, slots)
	if err != nil {
		return nil, err
	}
	defer release(valid)
	if slots-nulls != v.present {
		return nil, uneven(n.Leaf, v.present, slots-nulls)
	}
	if d, ok := p.want.(*arrow.DictionaryType); ok {
		return a.coded(v, d, valid, nulls, slots)
	}
	bufs := []*memory.Buffer{valid, nil}
	data := memory.NewResizableBuffer(a.mem)
	defer data.Release()
	bufs[1] = data
	switch n.Type.(type) {
	case *arrow.BooleanType:
		data.Resize((slots + 7) / 8)
		b := data.Bytes()
		clear(b)
		k := 0
		eachValid(valid, slots, func(i int) {
			if v.bools[k] {
				b[i>>3] |= 1 << (i & 7)
			}
			k++
		})
	case *arrow.StringType, *arrow.BinaryType:
		text := memory.NewResizableBuffer(a.mem)
		defer text.Release()
		text.Resize(len(v.text))
		copy(text.Bytes(), v.text)
		bufs = append(bufs, text)
		data.Resize(4 * (slots + 1))
		off := arrow.Int32Traits.CastFromBytes(data.Bytes())
		off[0] = 0
		if valid == nil {
			copy(off[1:], v.ends)
			break
		}
		k, end := 0, int32(0)
		bm := valid.Bytes()
		for i := range slots {
			if bitutil.BitIsSet(bm, i) {
				end = v.ends[k]
				k++
			}
			off[i+1] = end
		}
	case *arrow.Decimal128Type:
		data.Resize(16 * slots)
		out := arrow.Decimal128Traits.CastFromBytes(data.Bytes())
		clear(out)
		k := 0
		eachValid(valid, slots, func(i int) { out[i] = v.decimal(k); k++ })
	default:
		data.Resize(n.Leaf.Width * slots)
		if n.Leaf.Width == 4 {
			spread(arrow.Int32Traits.CastFromBytes(data.Bytes()), v.fixed32, valid)
		} else {
			spread(arrow.Int64Traits.CastFromBytes(data.Bytes()), v.fixed64, valid)
		}
	}
	d := array.NewData(n.Type, slots, bufs, nil, nulls, 0)
	defer d.Release()
	return convert(array.MakeFromData(d), p.want, n.Leaf, a.mem)
}

func eachValid(valid *memory.Buffer, n int, do func(i int)) {
	for i := range n {
		if valid == nil || bitutil.BitIsSet(valid.Bytes(), i) {
			do(i)
		}
	}
}

// spread puts the values into the valid slots of dst; the others become 0.
func spread[T int32 | int64](dst, values []T, valid *memory.Buffer) {
	if valid == nil {
		copy(dst, values)
		return
	}
	k := 0
	bm := valid.Bytes()
	for i := range dst {
		if bitutil.BitIsSet(bm, i) {
			dst[i] = values[k]
			k++
		} else {
			dst[i] = 0
		}
	}
}

// coded makes a dictionary array. Batches of one row group share its dictionary, unless a page was not coded.
func (a *assembler) coded(v *vector, t *arrow.DictionaryType, valid *memory.Buffer, nulls, slots int) (arrow.Array, error) {
	codes := v.codes
	var values arrow.Array
	if v.coded && v.dict != nil {
		values = a.dicts[v.dict]
		if values == nil {
			values = textArray(a.mem, t.ValueType, v.dict.text, v.dict.offsets)
			a.dicts[v.dict] = values
		}
		values.Retain()
	} else {
		var table dict.Texts
		codes = codes[:0]
		at := int32(0)
		for _, end := range v.ends {
			codes = append(codes, table.Code(v.text[at:end]))
			at = end
		}
		values = textArray(a.mem, t.ValueType, table.Text, append([]uint32{0}, table.Ends...))
		v.codes = codes
	}
	defer values.Release()
	index := memory.NewResizableBuffer(a.mem)
	defer index.Release()
	index.Resize(4 * slots)
	spread(arrow.Int32Traits.CastFromBytes(index.Bytes()), codes, valid)
	d := array.NewDataWithDictionary(t, slots, []*memory.Buffer{valid, index}, nulls, 0, values.Data().(*array.Data))
	defer d.Release()
	return array.NewDictionaryData(d), nil
}

func textArray(mem memory.Allocator, t arrow.DataType, text []byte, offsets []uint32) arrow.Array {
	ends := memory.NewResizableBuffer(mem)
	defer ends.Release()
	ends.Resize(4 * len(offsets))
	copy(arrow.Uint32Traits.CastFromBytes(ends.Bytes()), offsets)
	bytes := memory.NewResizableBuffer(mem)
	defer bytes.Release()
	bytes.Resize(len(text))
	copy(bytes.Bytes(), text)
	d := array.NewData(t, len(offsets)-1, []*memory.Buffer{nil, ends, bytes}, nil, 0, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

func (a *assembler) release() {
	for _, d := range a.dicts {
		d.Release()
	}
	clear(a.dicts)
}
