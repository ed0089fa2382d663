package parquetfile

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
)

// An opener makes a schema once for files that have the same, and a file's own schema all the same.
func TestOpener(t *testing.T) {
	one := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "price", Type: &arrow.Decimal128Type{Precision: 9, Scale: 2}},
	}, nil)
	other := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	var o Opener
	var first *File
	for i, s := range []*arrow.Schema{one, one, other, one} {
		b := write(t, s, Options{}, nil)
		f, err := o.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Schema(); err != nil || !got.Equal(s) {
			t.Errorf("file %d: %v, want %v: %v", i, got, s, err)
		}
		switch {
		case i == 0:
			first = f
		case (f.schema == first.schema) != (i == 1):
			t.Errorf("file %d: shares the schema of the first: %v", i, f.schema == first.schema)
		}
	}
}
