package parquetfile

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/encode"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
)

// Plan is what the files of one schema and the same options have in common. It is made once, so that a file of a few rows
// costs little to begin, and records are looked through once, however many files take rows of them. Safe for concurrent use.
type Plan struct {
	schema   *shape.Schema
	opts     Options
	bloom    []bool // by column
	elements *meta.Schema
	metadata []format.KeyValue
}

// NewPlan plans files of schema s: one column for each field, nullable unless the field says otherwise. Dictionary types
// count as their value type. The types are those of pkg/schema; others are ErrUnsupported. Options.Bloom must name columns
// that exist and are strings or binaries.
func NewPlan(s *arrow.Schema, o Options) (*Plan, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("parquet options: %w", err)
	}
	p, err := newPlan(s, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("create parquet file: %w", err)
	}
	return p, nil
}

func newPlan(s *arrow.Schema, o Options) (*Plan, error) {
	fs, err := shape.New(s)
	if err != nil {
		return nil, err
	}
	p := &Plan{schema: fs, opts: o}
	if p.elements, err = meta.NewSchema(fs.Elements(), len(fs.Leaves)); err != nil {
		return nil, err
	}
	for _, k := range slices.Sorted(maps.Keys(o.Metadata)) {
		p.metadata = append(p.metadata, format.KeyValue{Key: k, Value: o.Metadata[k]})
	}
	for _, l := range fs.Leaves {
		filtered := len(l.Path) == 1 && slices.Contains(o.Bloom, l.Path[0])
		if filtered && (l.Phys != format.ByteArray || l.MaxRep > 0) {
			return nil, fault.Unsupportedf("a bloom filter on %s of type %s", l.Path[0], l.Chain[0].Type)
		}
		p.bloom = append(p.bloom, filtered)
	}
	for _, name := range o.Bloom {
		if !slices.ContainsFunc(fs.Leaves, func(l *shape.Leaf) bool { return len(l.Path) == 1 && l.Path[0] == name }) {
			return nil, fault.Unsupportedf("a bloom filter on %s: no such column of strings", name)
		}
	}
	return p, nil
}

// NewWriter begins a file on w.
func (p *Plan) NewWriter(w io.Writer) *Writer {
	x := &Writer{out: w, plan: p, lim: defaultLimits(p.opts), columns: make([]encode.Column, len(p.schema.Leaves))}
	x.held.Spool = p.opts.Spool
	for i, l := range p.schema.Leaves {
		x.columns[i].Init(l, &x.lim.Limits, &x.held, encode.Options{
			Compact: p.opts.Encoding == Compact, Snappy: p.opts.Compression == Snappy, Bloom: p.bloom[i],
		})
	}
	return x
}

// Batch is a record made ready for the Writers of one Plan, which may each take some of its rows. It refers to the record,
// and is of no use once that is released. Safe for concurrent use.
type Batch struct {
	plan    *Plan
	rows    uint32
	sources []encode.Source // by column
	sizer   encode.Sizer
}

// Batch makes a record ready. Its columns are those of the Plan's schema, by position, and of its types; a column of strings
// may be a Dictionary<uint32, string>. Others are ErrType.
func (p *Plan) Batch(rec arrow.Record) (*Batch, error) {
	b, err := p.batch(rec)
	if err != nil {
		return nil, fmt.Errorf("append to parquet file: %w", err)
	}
	return b, nil
}

func (p *Plan) batch(rec arrow.Record) (*Batch, error) {
	s := rec.Schema()
	if s.NumFields() != len(p.schema.Fields) {
		return nil, fault.Typef("a record of %d columns for a file of %d", s.NumFields(), len(p.schema.Fields))
	}
	for i, n := range p.schema.Fields {
		if f := s.Field(i); f.Name != n.Name || !sameType(n, f.Type) {
			return nil, fault.Typef("column %d of the record is %s %s, the file's is %s %s", i, f.Name, f.Type, n.Name, n.Type)
		}
	}
	b := &Batch{plan: p, rows: uint32(rec.NumRows()), sources: make([]encode.Source, 0, len(p.schema.Leaves)), sizer: encode.NewSizer(rec.Columns())}
	top := 0
	for _, l := range p.schema.Leaves {
		for p.schema.Fields[top] != l.Chain[0] {
			top++
		}
		b.sources = append(b.sources, encode.NewSource(l, rec.Column(top)))
	}
	return b, nil
}

func sameType(n *shape.Node, t arrow.DataType) bool {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return n.Kind == shape.LeafNode && n.Leaf.Phys == format.ByteArray && d.IndexType.ID() == arrow.UINT32 && d.ValueType.ID() == n.Type.ID()
	}
	if n.Type.ID() != t.ID() {
		return false
	}
	switch t := t.(type) {
	case *arrow.StructType:
		if t.NumFields() != len(n.Kids) {
			return false
		}
		for i, f := range t.Fields() {
			if f.Name != n.Kids[i].Name || !sameType(n.Kids[i], f.Type) {
				return false
			}
		}
		return true
	case *arrow.MapType:
		return sameType(n.Kids[0], t.KeyType()) && sameType(n.Kids[1], t.ItemType())
	case *arrow.ListType:
		return sameType(n.Kids[0], t.Elem())
	}
	return arrow.TypeEqual(n.Type, t)
}
