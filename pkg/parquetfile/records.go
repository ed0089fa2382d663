package parquetfile

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/parquetfile/internal/decode"
)

// Records yields the file's rows in their order, as records of schema want, of up to some ten thousand rows each.
// Fields are matched by name, in structs too; a field that the file lacks is null. Only the columns that want names are
// read.
//
// A field may ask for a wider type than the file's: bigint or double of an int, double of a float or (where exact) a
// bigint, a decimal of an int or of a decimal with no greater scale (where it fits), a timestamp of a date, binary of a
// string. A string may also be asked for as Dictionary<uint32, string>; its dictionary need not have been used whole.
// Other types, and nulls where want has none, are ErrType.
//
// A record is valid until the next is asked for, unless retained. After an error nothing more comes. ctx is looked at
// before each record.
func (f *File) Records(ctx context.Context, want *arrow.Schema, mem memory.Allocator) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		r, err := decode.NewReader(f.r, f.meta.Groups, f.schema, want, mem)
		if err != nil {
			yield(nil, fmt.Errorf("read parquet file: %w", err))
			return
		}
		defer r.Release()
		for {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			rec, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("read parquet file: %w", err))
				return
			}
			more := yield(rec, nil)
			rec.Release()
			if !more {
				return
			}
		}
	}
}
