package parquetfile

import (
	"errors"
	"fmt"
)

// The errors that callers tell apart; all are wrapped with the place.
var (
	// ErrCorrupt: the bytes are not a whole Parquet file, or contradict themselves.
	ErrCorrupt = errors.New("corrupt parquet file")
	// ErrUnsupported: a Parquet file, or a type, that this package does not know.
	ErrUnsupported = errors.New("unsupported")
	// ErrType: a column is not of the type that was asked for, or a value does not fit its column.
	ErrType = errors.New("type mismatch")
	// ErrClosed: the Writer is closed.
	ErrClosed = errors.New("writer is closed")
)

func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

func unsupportedf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnsupported, fmt.Errorf(format, args...))
}

func typef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrType, fmt.Errorf(format, args...))
}
