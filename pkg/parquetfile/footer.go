package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/meta"
)

// tailBytes is read at once from the end of a file; most footers are smaller.
const tailBytes = 64 << 10

// maxFooter is the largest footer that is read.
const maxFooter = 256 << 20

// Open reads the footer of a file of size bytes. r must be safe for concurrent use if the File is to be; it is read
// until the File is no longer used, and not closed. Errors: those of r, ErrCorrupt, ErrUnsupported.
func Open(r io.ReaderAt, size int64) (f *File, err error) {
	defer noPanic(&err)
	f, err = open(r, size)
	if err != nil {
		return nil, fmt.Errorf("open parquet file: %w", err)
	}
	return f, nil
}

// noPanic turns a panic of a decoder into ErrCorrupt. The decoders check their input; this is the net below them.
func noPanic(err *error) {
	if p := recover(); p != nil {
		*err = corruptf("decoding: %v", p)
	}
}

func open(r io.ReaderAt, size int64) (*File, error) {
	if size < 12 {
		return nil, corruptf("%d bytes are too few", size)
	}
	tail, err := readAt(r, max(0, size-tailBytes), min(size, tailBytes))
	if err != nil {
		return nil, err
	}
	if m := string(tail[len(tail)-4:]); m != magic {
		return nil, corruptf("ends with %q, not with %s", m, magic)
	}
	n := int64(binary.LittleEndian.Uint32(tail[len(tail)-8:]))
	if n > size-12 {
		return nil, corruptf("a footer of %d bytes in a file of %d", n, size)
	}
	if n > maxFooter {
		return nil, unsupportedf("a footer of %d bytes", n)
	}
	foot := tail[:len(tail)-8]
	if n <= int64(len(foot)) {
		foot = foot[int64(len(foot))-n:]
	} else if foot, err = readAt(r, size-8-n, n); err != nil {
		return nil, err
	}
	f := &File{r: r, size: size, meta: new(meta.File), data: size - 8 - n}
	if _, err := meta.Unmarshal(foot, f.meta); err != nil {
		return nil, corruptf("footer: %w", err)
	}
	if f.arrow, f.schema, err = parseSchema(f.meta.Schema); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	f.filters = make([][]filterState, len(f.meta.Groups))
	for i := range f.filters {
		f.filters[i] = make([]filterState, len(f.schema.leaves))
	}
	return f, nil
}

// readAt reads n bytes at off.
func readAt(r io.ReaderAt, off, n int64) ([]byte, error) {
	b := make([]byte, n)
	m, err := r.ReadAt(b, off)
	if int64(m) == n {
		return b, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return nil, corruptf("the file ends at %d, before %d", off+int64(m), off+n)
	}
	return nil, err
}

// check holds the footer's numbers against each other and the file's size.
func (f *File) check() error {
	rows := int64(0)
	for g := range f.meta.Groups {
		rg := &f.meta.Groups[g]
		if rg.NumRows < 0 || len(rg.Columns) != len(f.schema.leaves) {
			return corruptf("row group %d: %d rows, %d columns, the schema has %d", g, rg.NumRows, len(rg.Columns), len(f.schema.leaves))
		}
		if rows += rg.NumRows; rows < 0 {
			return corruptf("row group %d: too many rows", g)
		}
		for i, l := range f.schema.leaves {
			m := &rg.Columns[i].Meta
			start := m.Start()
			switch {
			case rg.Columns[i].FilePath != "":
				return unsupportedf("row group %d, column %s: lies in another file", g, dotted(l.path))
			case m.Type != l.phys:
				return corruptf("row group %d, column %s: is %s, the schema says %s", g, dotted(l.path), m.Type, l.phys)
			case m.NumValues < 0 || l.maxRep == 0 && m.NumValues != rg.NumRows:
				return corruptf("row group %d, column %s: %d values in %d rows", g, dotted(l.path), m.NumValues, rg.NumRows)
			case start < 4 || m.CompressedSize < 0 || m.CompressedSize > f.data-start || m.DataPageOffset < start:
				return corruptf("row group %d, column %s: %d bytes at %d are outside the file's data", g, dotted(l.path), m.CompressedSize, start)
			}
		}
	}
	if rows != f.meta.NumRows {
		return corruptf("%d rows in the row groups, %d in the file", rows, f.meta.NumRows)
	}
	return nil
}

// schemaParser turns a footer's flat list of elements into Arrow's fields, and notes how each column is stored.
type schemaParser struct {
	elems []format.SchemaElement
	at    int
	phys  []leaf
}

func parseSchema(elems []format.SchemaElement) (*arrow.Schema, *fileSchema, error) {
	if len(elems) < 2 {
		return nil, nil, corruptf("a schema of %d elements", len(elems))
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
		return nil, nil, corruptf("a schema of %d elements, %d of them in the tree", len(elems), p.at)
	}
	s := arrow.NewSchema(fields, nil)
	fs, err := newFileSchema(s)
	if err != nil {
		return nil, nil, err
	}
	for i, l := range fs.leaves {
		l.phys, l.width, l.order = p.phys[i].phys, p.phys[i].width, p.phys[i].order
	}
	return s, fs, nil
}

func (p *schemaParser) next(depth int) (*format.SchemaElement, error) {
	if p.at >= len(p.elems) {
		return nil, corruptf("the schema ends inside a group")
	}
	if depth > maxDepth {
		return nil, unsupportedf("a schema nested deeper than %d", maxDepth)
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
		return arrow.Field{}, unsupportedf("column %s: a repeated field that is no list", e.Name)
	}
	f := arrow.Field{Name: e.Name, Nullable: e.RepetitionType.V == format.Optional}
	if e.NumChildren.Valid && e.NumChildren.V > 0 {
		f.Type, err = p.group(e, depth)
		return f, err
	}
	if !e.Type.Valid {
		return f, corruptf("column %s: neither a group nor a type", e.Name)
	}
	var l leaf
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
		return nil, unsupportedf("column %s: a list or map of fewer than three levels", e.Name)
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
		return nil, unsupportedf("column %s: a map whose keys may be null", e.Name)
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
func physical(e *format.SchemaElement) (arrow.DataType, leaf, error) {
	conv := deprecated.ConvertedType(-1)
	if e.ConvertedType.Valid {
		conv = e.ConvertedType.V
	}
	decimal := conv == deprecated.Decimal
	precision, scale := e.Precision.V, e.Scale.V
	if d, ok := e.LogicalType.Value.(*format.DecimalType); ok {
		decimal, precision, scale = true, d.Precision, d.Scale
	}
	unknown := unsupportedf("column %s: stored as %s, annotated %s %v", e.Name, e.Type.V, e.LogicalType.String(), conv)
	if decimal {
		l := leaf{phys: e.Type.V, order: orderSigned, width: int(e.TypeLength.V)}
		switch e.Type.V {
		case format.Int32:
			l.width, l.order = 4, orderInt32
		case format.Int64:
			l.width, l.order = 8, orderInt64
		case format.FixedLenByteArray:
			if l.width < 1 || l.width > 16 {
				return nil, l, unknown
			}
		default:
			return nil, l, unknown
		}
		if precision < 1 || precision > 38 || scale < 0 || scale > precision {
			return nil, l, unsupportedf("column %s: decimal(%d,%d)", e.Name, precision, scale)
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
		return nil, leaf{}, unknown
	}
	l, err := newLeaf(t)
	if err != nil {
		return nil, leaf{}, err
	}
	return t, *l, nil
}
