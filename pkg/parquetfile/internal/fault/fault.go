// Package fault is the kinds of errors of Parquet files, which the rooms of package parquetfile share. That package
// exports and documents them.
package fault

import (
	"errors"
	"fmt"
)

// The kinds. The functions below wrap them; what they format may wrap another error with %w.
var (
	ErrCorrupt     = errors.New("corrupt parquet file")
	ErrUnsupported = errors.New("unsupported")
	ErrType        = errors.New("type mismatch")
)

// Corruptf is an ErrCorrupt with what contradicts what.
func Corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

// Unsupportedf is an ErrUnsupported with what is not known.
func Unsupportedf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUnsupported, fmt.Errorf(format, args...))
}

// Typef is an ErrType with what does not fit what.
func Typef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrType, fmt.Errorf(format, args...))
}

// NoPanic, deferred, turns a panic of a decoder into ErrCorrupt. The decoders check their input; this is the net below
// them.
func NoPanic(err *error) {
	if p := recover(); p != nil {
		*err = Corruptf("decoding: %v", p)
	}
}
