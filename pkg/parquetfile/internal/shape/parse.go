package shape

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/stats"
)

// schemaParser turns a footer's flat list of elements into Arrow's fields, and notes how each column is stored.
type schemaParser struct {
	elems []format.SchemaElement
	at    int
	phys  []Leaf
}

// Parse makes the schema, in both forms, of a footer's elements.
func Parse(elems []format.SchemaElement) (*arrow.Schema, *Schema, error) {
	if len(elems) < 2 {
		return nil, nil, fault.Corruptf("a schema of %d elements", len(elems))
	}
	p := &schemaParser{elems: elems, at: 1}
	var fields []arrow.Field
	for range elems[0].NumChildren.V {
		f, err := p.field(1)
		if err != nil {
			return nil, nil, err
		}
		fields = append(fields, f)
	}
	if p.at != len(elems) || len(fields) == 0 {
		return nil, nil, fault.Corruptf("a schema of %d elements, %d of them in the tree", len(elems), p.at)
	}
	s := arrow.NewSchema(fields, nil)
	fs, err := New(s)
	if err != nil {
		return nil, nil, err
	}
	for i, l := range fs.Leaves {
		l.Phys, l.Width, l.Order = p.phys[i].Phys, p.phys[i].Width, p.phys[i].Order
	}
	return s, fs, nil
}

func (p *schemaParser) next(depth int) (*format.SchemaElement, error) {
	if p.at >= len(p.elems) {
		return nil, fault.Corruptf("the schema ends inside a group")
	}
	if depth > maxDepth {
		return nil, fault.Unsupportedf("a schema nested deeper than %d", maxDepth)
	}
	p.at++
	return &p.elems[p.at-1], nil
}

// field reads one field with all below it.
func (p *schemaParser) field(depth int) (arrow.Field, error) {
	e, err := p.next(depth)
	if err != nil {
		return arrow.Field{}, err
	}
	if e.RepetitionType.V == format.Repeated {
		return arrow.Field{}, fault.Unsupportedf("column %s: a repeated field that is no list", e.Name)
	}
	f := arrow.Field{Name: e.Name, Nullable: e.RepetitionType.V == format.Optional}
	if e.NumChildren.Valid && e.NumChildren.V > 0 {
		f.Type, err = p.group(e, depth)
		return f, err
	}
	if !e.Type.Valid {
		return f, fault.Corruptf("column %s: neither a group nor a type", e.Name)
	}
	var l Leaf
	f.Type, l, err = physical(e)
	p.phys = append(p.phys, l)
	return f, err
}

func (p *schemaParser) group(e *format.SchemaElement, depth int) (arrow.DataType, error) {
	list := e.ConvertedType.Valid && e.ConvertedType.V == deprecated.List
	asMap := e.ConvertedType.Valid && (e.ConvertedType.V == deprecated.Map || e.ConvertedType.V == deprecated.MapKeyValue)
	switch e.LogicalType.Value.(type) {
	case *format.ListType:
		list = true
	case *format.MapType:
		asMap = true
	}
	if !list && !asMap {
		var fields []arrow.Field
		for range e.NumChildren.V {
			f, err := p.field(depth + 1)
			if err != nil {
				return nil, err
			}
			fields = append(fields, f)
		}
		return arrow.StructOf(fields...), nil
	}
	r, err := p.next(depth + 1)
	if err != nil {
		return nil, err
	}
	want := int32(1)
	if asMap {
		want = 2
	}
	if e.NumChildren.V != 1 || r.RepetitionType.V != format.Repeated || r.NumChildren.V != want {
		return nil, fault.Unsupportedf("column %s: a list or map of fewer than three levels", e.Name)
	}
	x, err := p.field(depth + 2)
	if err != nil {
		return nil, err
	}
	if list {
		if x.Nullable {
			return arrow.ListOf(x.Type), nil
		}
		return arrow.ListOfNonNullable(x.Type), nil
	}
	if x.Nullable {
		return nil, fault.Unsupportedf("column %s: a map whose keys may be null", e.Name)
	}
	v, err := p.field(depth + 2)
	if err != nil {
		return nil, err
	}
	m := arrow.MapOf(x.Type, v.Type)
	m.SetItemNullable(v.Nullable)
	return m, nil
}

// physical is a column's type and how it is stored.
func physical(e *format.SchemaElement) (arrow.DataType, Leaf, error) {
	conv := deprecated.ConvertedType(-1)
	if e.ConvertedType.Valid {
		conv = e.ConvertedType.V
	}
	decimal := conv == deprecated.Decimal
	precision, scale := e.Precision.V, e.Scale.V
	if d, ok := e.LogicalType.Value.(*format.DecimalType); ok {
		decimal, precision, scale = true, d.Precision, d.Scale
	}
	unknown := func() error {
		return fault.Unsupportedf("column %s: stored as %s, annotated %s %v", e.Name, e.Type.V, e.LogicalType.String(), conv)
	}
	if decimal {
		l := Leaf{Phys: e.Type.V, Order: stats.Signed, Width: int(e.TypeLength.V)}
		switch e.Type.V {
		case format.Int32:
			l.Width, l.Order = 4, stats.Int32
		case format.Int64:
			l.Width, l.Order = 8, stats.Int64
		case format.FixedLenByteArray:
			if l.Width < 1 || l.Width > 16 {
				return nil, l, unknown()
			}
		default:
			return nil, l, unknown()
		}
		if precision < 1 || precision > 38 || scale < 0 || scale > precision {
			return nil, l, fault.Unsupportedf("column %s: decimal(%d,%d)", e.Name, precision, scale)
		}
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}, l, nil
	}
	var t arrow.DataType
	switch e.Type.V {
	case format.Boolean:
		t = arrow.FixedWidthTypes.Boolean
	case format.Int32:
		switch v := e.LogicalType.Value.(type) {
		case *format.DateType:
			t = arrow.FixedWidthTypes.Date32
		case *format.IntType:
			if v.IsSigned {
				t = arrow.PrimitiveTypes.Int32
			}
		case nil:
			switch conv {
			case deprecated.Date:
				t = arrow.FixedWidthTypes.Date32
			case -1, deprecated.Int32, deprecated.Int16, deprecated.Int8:
				t = arrow.PrimitiveTypes.Int32
			}
		}
	case format.Int64:
		switch v := e.LogicalType.Value.(type) {
		case *format.TimestampType:
			if _, ok := v.Unit.Value.(*format.MilliSeconds); ok && v.IsAdjustedToUTC {
				t = arrow.FixedWidthTypes.Timestamp_ms
			}
		case *format.IntType:
			if v.IsSigned {
				t = arrow.PrimitiveTypes.Int64
			}
		case nil:
			switch conv {
			case deprecated.TimestampMillis:
				t = arrow.FixedWidthTypes.Timestamp_ms
			case -1, deprecated.Int64:
				t = arrow.PrimitiveTypes.Int64
			}
		}
	case format.Float:
		t = arrow.PrimitiveTypes.Float32
	case format.Double:
		t = arrow.PrimitiveTypes.Float64
	case format.ByteArray:
		switch e.LogicalType.Value.(type) {
		case *format.StringType, *format.JsonType, *format.EnumType:
			t = arrow.BinaryTypes.String
		case nil:
			t = arrow.BinaryTypes.Binary
			if conv == deprecated.UTF8 || conv == deprecated.Json || conv == deprecated.Enum {
				t = arrow.BinaryTypes.String
			}
		}
	}
	if t == nil {
		return nil, Leaf{}, unknown()
	}
	return t, *newLeaf(t), nil
}
