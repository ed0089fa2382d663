package parquetfile

import (
	"errors"

	"datalake/pkg/parquetfile/internal/fault"
)

// The errors that callers tell apart; all are wrapped with the place.
var (
	// ErrCorrupt: the bytes are not a whole Parquet file, or contradict themselves.
	ErrCorrupt = fault.ErrCorrupt
	// ErrUnsupported: a Parquet file, a type or a size that this package does not know.
	ErrUnsupported = fault.ErrUnsupported
	// ErrType: a column is not of the type that was asked for, or a value does not fit its column.
	ErrType = fault.ErrType
	// ErrClosed: the Writer is closed.
	ErrClosed = errors.New("writer is closed")
)
