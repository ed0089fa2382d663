package parquetfile

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

type nodeKind uint8

const (
	leafNode nodeKind = iota
	structNode
	listNode
	mapNode
)

// node is one field of a schema, seen from Arrow's side: a list or a map is one node, though it is two or three groups
// in Parquet.
//
// Levels: a null at the node has definition level def-1 (an optional node), a present one at least def. An empty list
// or map has exactly def; where it has elements they lie at def+1 and above, and rep is the repetition level of all but
// the first.
type node struct {
	name     string
	kind     nodeKind
	typ      arrow.DataType // of the values, never a dictionary type
	optional bool
	def, rep uint8
	kids     []*node // the fields of a struct; the element of a list; key and value of a map
	leaf     *leaf   // of a leafNode
}

// order is how a column's values compare.
type order uint8

const (
	orderBool order = iota
	orderInt32
	orderInt64
	orderFloat32
	orderFloat64
	orderBytes  // unsigned, byte by byte
	orderSigned // big-endian two's complement of one width
)

// leaf is a column of the file.
type leaf struct {
	index  int      // among the file's columns
	path   []string // in Parquet's terms
	chain  []*node  // from the top-level field down to the leaf's node
	phys   format.Type
	width  int // bytes of a value, 0 for byte arrays and booleans
	order  order
	utf8   bool
	maxDef uint8
	maxRep uint8
}

// fileSchema is the tree of a file's fields and its columns, in order.
type fileSchema struct {
	fields []*node
	leaves []*leaf
}

// maxDepth bounds how deep types nest, in Parquet's groups; levels are bytes.
const maxDepth = 200

// decimalWidth is how many bytes a decimal of so many digits takes, as an unscaled two's complement number.
func decimalWidth(precision int32) int {
	// 8w-1 bits hold 10^p - 1 when 8w-1 ≥ p·log2(10), and 33220/10000 is just above log2(10).
	return int(precision*33220/10000+1)/8 + 1
}

// newFileSchema is the schema of the files that hold records of s.
func newFileSchema(s *arrow.Schema) (*fileSchema, error) {
	fs := &fileSchema{}
	if s.NumFields() == 0 {
		return nil, unsupportedf("a schema without columns")
	}
	for _, f := range s.Fields() {
		n, err := fs.add(f, 0, 0, nil, nil)
		if err != nil {
			return nil, err
		}
		fs.fields = append(fs.fields, n)
	}
	return fs, distinct("the schema", s.Fields())
}

// distinct refuses two fields of one name: readers find fields by name.
func distinct(place string, fields []arrow.Field) error {
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		if seen[f.Name] {
			return unsupportedf("%s has the field %q twice", place, f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// add builds the node of f below the given levels.
func (fs *fileSchema) add(f arrow.Field, def, rep uint8, chain []*node, path []string) (*node, error) {
	if len(path) > maxDepth {
		return nil, unsupportedf("column %s: nested deeper than %d", path[0], maxDepth)
	}
	n := &node{name: f.Name, typ: f.Type, optional: f.Nullable, def: def, rep: rep}
	if d, ok := f.Type.(*arrow.DictionaryType); ok {
		n.typ = d.ValueType
	}
	if n.optional {
		n.def++
	}
	path = append(path[:len(path):len(path)], f.Name)
	chain = append(chain[:len(chain):len(chain)], n)
	kid := func(f arrow.Field, def, rep uint8, path []string) error {
		k, err := fs.add(f, def, rep, chain, path)
		n.kids = append(n.kids, k)
		return err
	}
	switch t := n.typ.(type) {
	case *arrow.StructType:
		n.kind = structNode
		if t.NumFields() == 0 {
			return nil, unsupportedf("column %s: a struct without fields", dotted(path))
		}
		if err := distinct("column "+dotted(path), t.Fields()); err != nil {
			return nil, err
		}
		for _, c := range t.Fields() {
			if err := kid(c, n.def, rep, path); err != nil {
				return nil, err
			}
		}
	case *arrow.MapType: // before ListType, which it is like
		n.kind, n.rep = mapNode, rep+1
		path = append(path, "key_value")
		key, value := t.KeyField(), t.ItemField()
		key.Name, key.Nullable, value.Name = "key", false, "value"
		if err := kid(key, n.def+1, n.rep, path); err != nil {
			return nil, err
		}
		if err := kid(value, n.def+1, n.rep, path); err != nil {
			return nil, err
		}
	case *arrow.ListType:
		n.kind, n.rep = listNode, rep+1
		elem := t.ElemField()
		elem.Name = "element"
		if err := kid(elem, n.def+1, n.rep, append(path, "list")); err != nil {
			return nil, err
		}
	default:
		l, err := newLeaf(n.typ)
		if err != nil {
			return nil, unsupportedf("column %s: %v", dotted(path), err)
		}
		l.index, l.path, l.chain, l.maxDef, l.maxRep = len(fs.leaves), path, chain, n.def, n.rep
		n.leaf = l
		fs.leaves = append(fs.leaves, l)
	}
	return n, nil
}

func newLeaf(t arrow.DataType) (*leaf, error) {
	switch t := t.(type) {
	case *arrow.StringType:
		return &leaf{phys: format.ByteArray, order: orderBytes, utf8: true}, nil
	case *arrow.BinaryType:
		return &leaf{phys: format.ByteArray, order: orderBytes}, nil
	case *arrow.BooleanType:
		return &leaf{phys: format.Boolean, order: orderBool}, nil
	case *arrow.Int32Type, *arrow.Date32Type:
		return &leaf{phys: format.Int32, width: 4, order: orderInt32}, nil
	case *arrow.Int64Type:
		return &leaf{phys: format.Int64, width: 8, order: orderInt64}, nil
	case *arrow.TimestampType:
		if t.Unit == arrow.Millisecond && t.TimeZone != "" {
			return &leaf{phys: format.Int64, width: 8, order: orderInt64}, nil
		}
	case *arrow.Float32Type:
		return &leaf{phys: format.Float, width: 4, order: orderFloat32}, nil
	case *arrow.Float64Type:
		return &leaf{phys: format.Double, width: 8, order: orderFloat64}, nil
	case *arrow.Decimal128Type:
		switch {
		case t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision:
		case t.Precision <= 9:
			return &leaf{phys: format.Int32, width: 4, order: orderInt32}, nil
		case t.Precision <= 18:
			return &leaf{phys: format.Int64, width: 8, order: orderInt64}, nil
		default:
			return &leaf{phys: format.FixedLenByteArray, width: decimalWidth(t.Precision), order: orderSigned}, nil
		}
	}
	return nil, unsupportedf("type %s", t)
}

// elements is the schema in the footer's form.
func (fs *fileSchema) elements() []format.SchemaElement {
	e := []format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(len(fs.fields)))}}
	for _, n := range fs.fields {
		e = n.elements(e, n.name)
	}
	return e
}

func (n *node) elements(e []format.SchemaElement, name string) []format.SchemaElement {
	x := format.SchemaElement{Name: name, RepetitionType: thrift.New(format.Required)}
	if n.optional {
		x.RepetitionType = thrift.New(format.Optional)
	}
	repeated := func(name string, kids int32) format.SchemaElement {
		return format.SchemaElement{Name: name, RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(kids)}
	}
	switch n.kind {
	case structNode:
		x.NumChildren = thrift.New(int32(len(n.kids)))
		e = append(e, x)
		for _, k := range n.kids {
			e = k.elements(e, k.name)
		}
	case listNode:
		x.NumChildren = thrift.New(int32(1))
		x.ConvertedType = thrift.New(deprecated.List)
		x.LogicalType = format.LogicalType{Value: &format.ListType{}}
		e = append(e, x, repeated("list", 1))
		e = n.kids[0].elements(e, "element")
	case mapNode:
		x.NumChildren = thrift.New(int32(1))
		x.ConvertedType = thrift.New(deprecated.Map)
		x.LogicalType = format.LogicalType{Value: &format.MapType{}}
		e = append(e, x, repeated("key_value", 2))
		e = n.kids[0].elements(e, "key")
		e = n.kids[1].elements(e, "value")
	default:
		x.Type = thrift.New(n.leaf.phys)
		if n.leaf.phys == format.FixedLenByteArray {
			x.TypeLength = thrift.New(int32(n.leaf.width))
		}
		switch t := n.typ.(type) {
		case *arrow.StringType:
			x.ConvertedType = thrift.New(deprecated.UTF8)
			x.LogicalType = format.LogicalType{Value: &format.StringType{}}
		case *arrow.Date32Type:
			x.ConvertedType = thrift.New(deprecated.Date)
			x.LogicalType = format.LogicalType{Value: &format.DateType{}}
		case *arrow.TimestampType:
			x.ConvertedType = thrift.New(deprecated.TimestampMillis)
			x.LogicalType = format.LogicalType{Value: &format.TimestampType{IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: &format.MilliSeconds{}}}}
		case *arrow.Decimal128Type:
			x.ConvertedType = thrift.New(deprecated.Decimal)
			x.Scale, x.Precision = thrift.New(t.Scale), thrift.New(t.Precision)
			x.LogicalType = format.LogicalType{Value: &format.DecimalType{Scale: t.Scale, Precision: t.Precision}}
		}
		e = append(e, x)
	}
	return e
}

// levelBits is how wide levels up to top are packed.
func levelBits(top uint8) int { return bits.Len8(top) }

func dotted(path []string) string {
	s := ""
	for i, p := range path {
		if i > 0 {
			s += "."
		}
		s += p
	}
	return s
}
