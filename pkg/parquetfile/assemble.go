package parquetfile

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/dict"
)

// plan says how one field that is wanted is made of the file's columns.
type plan struct {
	want    arrow.DataType
	node    *node // nil: the file lacks it, so all are null
	kids    []*plan
	witness *leaf // of a struct, list or map: the column whose levels tell which are null, and how long
}

// newPlan matches a wanted field with the file's. It adds the columns that are needed to need.
func newPlan(f arrow.Field, among []*node, place string, need map[*leaf]bool) (*plan, error) {
	p := &plan{want: f.Type}
	i := slices.IndexFunc(among, func(n *node) bool { return n.name == f.Name })
	if i < 0 {
		if !f.Nullable {
			return nil, typef("the file has no column %s%s, which must not be null", place, f.Name)
		}
		return p, nil
	}
	return p, p.match(among[i], place+f.Name, need)
}

func (p *plan) match(n *node, name string, need map[*leaf]bool) error {
	p.node = n
	mismatch := typef("column %s is %s, not %s", name, n.typ, p.want)
	kid := func(k *node, want arrow.DataType) error {
		x := &plan{want: want}
		p.kids = append(p.kids, x)
		return x.match(k, name+"."+k.name, need)
	}
	switch n.kind {
	case structNode:
		t, ok := p.want.(*arrow.StructType)
		if !ok {
			return mismatch
		}
		for _, f := range t.Fields() {
			k, err := newPlan(f, n.kids, name+".", need)
			if err != nil {
				return err
			}
			p.kids = append(p.kids, k)
		}
	case mapNode:
		t, ok := p.want.(*arrow.MapType)
		if !ok {
			return mismatch
		}
		if err := kid(n.kids[0], t.KeyType()); err != nil {
			return err
		}
		if err := kid(n.kids[1], t.ItemType()); err != nil {
			return err
		}
	case listNode:
		t, ok := p.want.(*arrow.ListType)
		if !ok {
			return mismatch
		}
		if err := kid(n.kids[0], t.Elem()); err != nil {
			return err
		}
	default:
		want := p.want
		if d, ok := want.(*arrow.DictionaryType); ok {
			if d.IndexType.ID() != arrow.UINT32 || n.leaf.phys != format.ByteArray {
				return mismatch
			}
			want = d.ValueType
		}
		if !widens(n.typ, want) {
			return mismatch
		}
		p.witness = n.leaf
		need[n.leaf] = true
		return nil
	}
	for _, k := range p.kids {
		if k.witness != nil && p.witness == nil {
			p.witness = k.witness
		}
	}
	if p.witness == nil { // none of its members is wanted
		x := n
		for x.leaf == nil {
			x = x.kids[0]
		}
		p.witness = x.leaf
		need[x.leaf] = true
	}
	return nil
}

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
		return array.MakeArrayOfNull(a.mem, p.want, slots), nil
	}
	switch p.node.kind {
	case leafNode:
		return a.leaf(p, def, slots)
	case structNode:
		return a.structure(p, rep, def, slots)
	}
	return a.list(p, rep, def, slots)
}

// valid makes the validity bitmap of the slots whose definition level is at least node.def, nil if all are.
func (a *assembler) valid(v *vector, n *node, rep, def uint8, slots int) (*memory.Buffer, int, error) {
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
	top := v.leaf.maxDef
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
		if d >= n.def {
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

func uneven(l *leaf, got, want int) error {
	return corruptf("column %s: %d values where %d belong", dotted(l.path), got, want)
}

func (a *assembler) structure(p *plan, rep, def uint8, slots int) (arrow.Array, error) {
	valid, nulls, err := a.valid(a.vectors[p.witness.index], p.node, rep, def, slots)
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
	v, n := a.vectors[p.witness.index], p.node
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
	top := v.leaf.maxDef
	for i := range v.levels {
		d := top
		if len(v.defs) > 0 {
			d = v.defs[i]
		}
		switch r := v.reps[i]; {
		case r > n.rep || d < def:
		case r <= rep:
			if slot > 0 {
				off[slot] = int32(count)
			}
			slot++
			if d > n.def {
				count++
			}
		case d > n.def:
			count++
		}
	}
	off[slots] = int32(count)
	var kid arrow.Array
	if t, ok := p.want.(*arrow.MapType); ok {
		kid, err = a.group(t.Elem(), p.kids, nil, n.rep, n.def+1, count, 0)
	} else {
		kid, err = a.build(p.kids[0], n.rep, n.def+1, count)
	}
	if err != nil {
		return nil, err
	}
	defer kid.Release()
	d := array.NewData(p.want, slots, []*memory.Buffer{valid, offsets}, []arrow.ArrayData{kid.Data()}, nulls, 0)
	defer d.Release()
	if n.kind == mapNode {
		return array.NewMapData(d), nil
	}
	return array.NewListData(d), nil
}

// leaf makes a column's array: of the file's type, then of the wanted one.
func (a *assembler) leaf(p *plan, def uint8, slots int) (arrow.Array, error) {
	v, n := a.vectors[p.node.leaf.index], p.node
	valid, nulls, err := a.valid(v, n, n.leaf.maxRep, def, slots)
	if err != nil {
		return nil, err
	}
	defer release(valid)
	if slots-nulls != v.present {
		return nil, uneven(n.leaf, v.present, slots-nulls)
	}
	if d, ok := p.want.(*arrow.DictionaryType); ok {
		return a.coded(v, d, valid, nulls, slots)
	}
	bufs := []*memory.Buffer{valid, nil}
	data := memory.NewResizableBuffer(a.mem)
	defer data.Release()
	bufs[1] = data
	switch n.typ.(type) {
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
		data.Resize(n.leaf.width * slots)
		if n.leaf.width == 4 {
			spread(arrow.Int32Traits.CastFromBytes(data.Bytes()), v.fixed32, valid)
		} else {
			spread(arrow.Int64Traits.CastFromBytes(data.Bytes()), v.fixed64, valid)
		}
	}
	d := array.NewData(n.typ, slots, bufs, nil, nulls, 0)
	defer d.Release()
	return convert(array.MakeFromData(d), p.want, n.leaf, a.mem)
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

// decimal is the k-th value of a column of decimals, however it is stored.
func (v *vector) decimal(k int) decimal128.Num {
	switch v.leaf.phys {
	case format.Int32:
		return decimal128.FromI64(int64(v.fixed32[k]))
	case format.Int64:
		return decimal128.FromI64(v.fixed64[k])
	}
	b := v.text[k*v.leaf.width : (k+1)*v.leaf.width]
	var full [16]byte
	for i := range 16 - len(b) { // the sign
		full[i] = byte(int8(b[0]) >> 7)
	}
	copy(full[16-len(b):], b)
	return decimal128.New(int64(binary.BigEndian.Uint64(full[:8])), binary.BigEndian.Uint64(full[8:]))
}
