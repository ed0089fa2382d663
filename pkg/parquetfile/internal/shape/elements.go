package shape

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Elements is the schema in the footer's form.
func (fs *Schema) Elements() []format.SchemaElement {
	e := []format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(len(fs.Fields)))}}
	for _, n := range fs.Fields {
		e = n.elements(e, n.Name)
	}
	return e
}

// elements appends the node and all below it.
func (n *Node) elements(e []format.SchemaElement, name string) []format.SchemaElement {
	x := format.SchemaElement{Name: name, RepetitionType: thrift.New(format.Required)}
	if n.Optional {
		x.RepetitionType = thrift.New(format.Optional)
	}
	repeated := func(name string, kids int32) format.SchemaElement {
		return format.SchemaElement{Name: name, RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(kids)}
	}
	switch n.Kind {
	case StructNode:
		x.NumChildren = thrift.New(int32(len(n.Kids)))
		e = append(e, x)
		for _, k := range n.Kids {
			e = k.elements(e, k.Name)
		}
	case ListNode:
		x.NumChildren = thrift.New(int32(1))
		x.ConvertedType = thrift.New(deprecated.List)
		x.LogicalType = format.LogicalType{Value: &format.ListType{}}
		e = append(e, x, repeated("list", 1))
		e = n.Kids[0].elements(e, "element")
	case MapNode:
		x.NumChildren = thrift.New(int32(1))
		x.ConvertedType = thrift.New(deprecated.Map)
		x.LogicalType = format.LogicalType{Value: &format.MapType{}}
		e = append(e, x, repeated("key_value", 2))
		e = n.Kids[0].elements(e, "key")
		e = n.Kids[1].elements(e, "value")
	default:
		x.Type = thrift.New(n.Leaf.Phys)
		if n.Leaf.Phys == format.FixedLenByteArray {
			x.TypeLength = thrift.New(int32(n.Leaf.Width))
		}
		switch t := n.Type.(type) {
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
