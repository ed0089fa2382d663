package decode

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/shape"
)

// plan says how one field that is wanted is made of the file's columns.
type plan struct {
	name    string // for errors
	want    arrow.DataType
	never   bool        // null: want has none
	node    *shape.Node // nil: the file lacks it, so all are null
	kids    []*plan
	witness *shape.Leaf // of a struct, list or map: the column whose levels tell which are null, and how long
}

// newPlan matches a wanted field with the file's. It adds the columns that are needed to need.
func newPlan(f arrow.Field, among []*shape.Node, place string, need map[*shape.Leaf]bool) (*plan, error) {
	p := &plan{name: place + f.Name, want: f.Type, never: !f.Nullable}
	i := slices.IndexFunc(among, func(n *shape.Node) bool { return n.Name == f.Name })
	if i < 0 {
		if !f.Nullable {
			return nil, fault.Typef("the file has no column %s%s, which must not be null", place, f.Name)
		}
		return p, nil
	}
	return p, p.match(among[i], need)
}

func (p *plan) match(n *shape.Node, need map[*shape.Leaf]bool) error {
	p.node = n
	mismatch := func() error { return fault.Typef("column %s is %s, not %s", p.name, n.Type, p.want) }
	kid := func(k *shape.Node, want arrow.Field) error {
		x := &plan{name: p.name + "." + k.Name, want: want.Type, never: !want.Nullable}
		p.kids = append(p.kids, x)
		return x.match(k, need)
	}
	switch n.Kind {
	case shape.StructNode:
		t, ok := p.want.(*arrow.StructType)
		if !ok {
			return mismatch()
		}
		for _, f := range t.Fields() {
			k, err := newPlan(f, n.Kids, p.name+".", need)
			if err != nil {
				return err
			}
			p.kids = append(p.kids, k)
		}
	case shape.MapNode:
		t, ok := p.want.(*arrow.MapType)
		if !ok {
			return mismatch()
		}
		if err := kid(n.Kids[0], t.KeyField()); err != nil {
			return err
		}
		if err := kid(n.Kids[1], t.ItemField()); err != nil {
			return err
		}
	case shape.ListNode:
		t, ok := p.want.(*arrow.ListType)
		if !ok {
			return mismatch()
		}
		if err := kid(n.Kids[0], t.ElemField()); err != nil {
			return err
		}
	default:
		want := p.want
		if d, ok := want.(*arrow.DictionaryType); ok {
			if d.IndexType.ID() != arrow.UINT32 || n.Leaf.Phys != format.ByteArray {
				return mismatch()
			}
			want = d.ValueType
		}
		if !widens(n.Type, want) {
			return mismatch()
		}
		p.witness = n.Leaf
		need[n.Leaf] = true
		return nil
	}
	for _, k := range p.kids {
		if k.witness != nil && p.witness == nil {
			p.witness = k.witness
		}
	}
	if p.witness == nil { // none of its members is wanted
		x := n
		for x.Leaf == nil {
			x = x.Kids[0]
		}
		p.witness = x.Leaf
		need[x.Leaf] = true
	}
	return nil
}

// codes notes the columns that are wanted as dictionaries.
func (p *plan) codes(m map[*shape.Leaf]bool) {
	if p.node != nil && p.node.Leaf != nil && p.want.ID() == arrow.DICTIONARY {
		m[p.node.Leaf] = true
	}
	for _, k := range p.kids {
		k.codes(m)
	}
}
