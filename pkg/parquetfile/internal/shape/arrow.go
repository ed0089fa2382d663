package shape

import (
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/stats"
)

// maxDepth bounds how deep types nest, in Parquet's groups; levels are bytes.
const maxDepth = 200

// decimalWidth is how many bytes a decimal of so many digits takes, as an unscaled two's complement number.
func decimalWidth(precision int32) int {
	// 8w-1 bits hold 10^p - 1 when 8w-1 ≥ p·log2(10), and 33220/10000 is just above log2(10).
	return int(precision*33220/10000+1)/8 + 1
}

// New is the schema of the files that hold records of s.
func New(s *arrow.Schema) (*Schema, error) {
	fs := &Schema{}
	if s.NumFields() == 0 {
		return nil, fault.Unsupportedf("a schema without columns")
	}
	for _, f := range s.Fields() {
		n, err := fs.add(f, 0, 0, nil, nil)
		if err != nil {
			return nil, err
		}
		fs.Fields = append(fs.Fields, n)
	}
	return fs, distinct("the schema", s.Fields())
}

// distinct refuses two fields of one name: readers find fields by name.
func distinct(place string, fields []arrow.Field) error {
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		if seen[f.Name] {
			return fault.Unsupportedf("%s has the field %q twice", place, f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// add builds the node of f below the given levels.
func (fs *Schema) add(f arrow.Field, def, rep uint8, chain []*Node, path []string) (*Node, error) {
	if len(path) > maxDepth {
		return nil, fault.Unsupportedf("column %s: nested deeper than %d", path[0], maxDepth)
	}
	n := &Node{Name: f.Name, Type: f.Type, Optional: f.Nullable, Def: def, Rep: rep}
	if d, ok := f.Type.(*arrow.DictionaryType); ok {
		n.Type = d.ValueType
	}
	if n.Optional {
		n.Def++
	}
	path = append(path[:len(path):len(path)], f.Name)
	chain = append(chain[:len(chain):len(chain)], n)
	kid := func(f arrow.Field, def, rep uint8, path []string) error {
		k, err := fs.add(f, def, rep, chain, path)
		n.Kids = append(n.Kids, k)
		return err
	}
	switch t := n.Type.(type) {
	case *arrow.StructType:
		n.Kind = StructNode
		if t.NumFields() == 0 {
			return nil, fault.Unsupportedf("column %s: a struct without fields", strings.Join(path, "."))
		}
		if err := distinct("column "+strings.Join(path, "."), t.Fields()); err != nil {
			return nil, err
		}
		for _, c := range t.Fields() {
			if err := kid(c, n.Def, rep, path); err != nil {
				return nil, err
			}
		}
	case *arrow.MapType: // before ListType, which it is like
		n.Kind, n.Rep = MapNode, rep+1
		path = append(path, "key_value")
		key, value := t.KeyField(), t.ItemField()
		key.Name, key.Nullable, value.Name = "key", false, "value"
		if err := kid(key, n.Def+1, n.Rep, path); err != nil {
			return nil, err
		}
		if err := kid(value, n.Def+1, n.Rep, path); err != nil {
			return nil, err
		}
	case *arrow.ListType:
		n.Kind, n.Rep = ListNode, rep+1
		elem := t.ElemField()
		elem.Name = "element"
		if err := kid(elem, n.Def+1, n.Rep, append(path, "list")); err != nil {
			return nil, err
		}
	default:
		l := newLeaf(n.Type)
		if l == nil {
			return nil, fault.Unsupportedf("column %s: type %s", strings.Join(path, "."), n.Type)
		}
		l.Index, l.Path, l.Chain, l.MaxDef, l.MaxRep = len(fs.Leaves), path, chain, n.Def, n.Rep
		n.Leaf = l
		fs.Leaves = append(fs.Leaves, l)
	}
	return n, nil
}

// newLeaf is a column of type t, nil if there is none.
func newLeaf(t arrow.DataType) *Leaf {
	switch t := t.(type) {
	case *arrow.StringType:
		return &Leaf{Phys: format.ByteArray, Order: stats.Bytes, UTF8: true}
	case *arrow.BinaryType:
		return &Leaf{Phys: format.ByteArray, Order: stats.Bytes}
	case *arrow.BooleanType:
		return &Leaf{Phys: format.Boolean, Order: stats.Bool}
	case *arrow.Int32Type, *arrow.Date32Type:
		return &Leaf{Phys: format.Int32, Width: 4, Order: stats.Int32}
	case *arrow.Int64Type:
		return &Leaf{Phys: format.Int64, Width: 8, Order: stats.Int64}
	case *arrow.TimestampType:
		if t.Unit == arrow.Millisecond && t.TimeZone != "" {
			return &Leaf{Phys: format.Int64, Width: 8, Order: stats.Int64}
		}
	case *arrow.Float32Type:
		return &Leaf{Phys: format.Float, Width: 4, Order: stats.Float32}
	case *arrow.Float64Type:
		return &Leaf{Phys: format.Double, Width: 8, Order: stats.Float64}
	case *arrow.Decimal128Type:
		switch {
		case t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision:
		case t.Precision <= 9:
			return &Leaf{Phys: format.Int32, Width: 4, Order: stats.Int32}
		case t.Precision <= 18:
			return &Leaf{Phys: format.Int64, Width: 8, Order: stats.Int64}
		default:
			return &Leaf{Phys: format.FixedLenByteArray, Width: decimalWidth(t.Precision), Order: stats.Signed}
		}
	}
	return nil
}
