package parquetfile

import (
	"errors"
	"fmt"
	"slices"

	"datalake/pkg/parquetfile/internal/codec"
	"datalake/pkg/parquetfile/internal/encode"
	"datalake/pkg/parquetfile/internal/meta"
)

// The values of Options.Encoding and Options.Compression.
const (
	Compact = "compact" // dictionary, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, PLAIN
	Plain   = "plain"   // dictionary, PLAIN: for readers that know nothing newer
	Zstd    = "zstd"
	Snappy  = "snappy"
)

// DefaultRowGroupRows is how many rows a row group holds at most when Options does not say.
const DefaultRowGroupRows = 1 << 20

// Options say how a file is written. The zero value is good: compact, zstd, no bloom filters.
type Options struct {
	// Encoding is Compact or Plain; empty means Compact.
	Encoding string
	// Compression is Zstd or Snappy; empty means Zstd.
	Compression string
	// Bloom names the top-level string or binary columns that get a bloom filter in each row group.
	Bloom []string
	// RowGroupRows is the most rows of a row group; 0 means DefaultRowGroupRows. A row group also ends before its values
	// exceed some 128 MiB.
	RowGroupRows int
	// Spool takes finished pages that may not wait in memory for their row group's end; nil: all wait in memory. It changes no
	// byte of a file.
	Spool Spool
	// Metadata goes into the footer's key-value list, in the order of the keys.
	Metadata map[string]string
}

// Spool is where finished pages wait until their row group ends, beyond the memory that they may take. Safe for concurrent use.
type Spool = encode.Spool

func (o Options) withDefaults() Options {
	if o.Encoding == "" {
		o.Encoding = Compact
	}
	if o.Compression == "" {
		o.Compression = Zstd
	}
	if o.RowGroupRows == 0 {
		o.RowGroupRows = DefaultRowGroupRows
	}
	return o
}

// Validate returns every fault of the options at once. NewWriter calls it; what concerns the schema it finds itself.
func (o Options) Validate() error {
	o = o.withDefaults()
	var errs []error
	if o.Encoding != Compact && o.Encoding != Plain {
		errs = append(errs, fmt.Errorf("encoding %q: known are %s, %s", o.Encoding, Compact, Plain))
	}
	if o.Compression != Zstd && o.Compression != Snappy {
		errs = append(errs, fmt.Errorf("compression %q: known are %s, %s", o.Compression, Zstd, Snappy))
	}
	if o.RowGroupRows < 0 {
		errs = append(errs, fmt.Errorf("row group of %d rows: at least 1 is needed", o.RowGroupRows))
	}
	for i, name := range o.Bloom {
		if slices.Contains(o.Bloom[:i], name) {
			errs = append(errs, fmt.Errorf("bloom filter on %q asked for twice", name))
		}
	}
	return errors.Join(errs...)
}

// limits are what the format leaves to the writer. Tests make them small.
type limits struct {
	encode.Limits
	groupBytes int64
}

func defaultLimits(o Options) limits {
	return limits{
		Limits: encode.Limits{
			GroupRows: o.RowGroupRows, PageRows: 16 << 10, PageLevels: 64 << 10, PageBytes: 1 << 20, DictValues: 64 << 10, Sample: 4 << 10,
			MaxValues: meta.MaxPageValues, MaxBytes: codec.MaxSize, // what is written must be readable
		},
		groupBytes: 128 << 20,
	}
}
