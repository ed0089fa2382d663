// Package stats finds the least and the greatest of a column's values, as statistics and page index state them. Values
// are in the PLAIN encoding, byte arrays without their length.
package stats

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
)

// Order is how a column's values compare.
type Order uint8

const (
	Bool Order = iota
	Int32
	Int64
	Float32
	Float64
	Bytes  // unsigned, byte by byte
	Signed // big-endian two's complement of one width
)

// Compare orders two values in the PLAIN encoding. Values of a wrong length are equal to all.
func (o Order) Compare(a, b []byte) int {
	switch o {
	case Int32:
		if len(a) >= 4 && len(b) >= 4 {
			return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
		}
	case Int64:
		if len(a) >= 8 && len(b) >= 8 {
			return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
		}
	case Float32:
		if len(a) >= 4 && len(b) >= 4 {
			return cmp.Compare(math.Float32frombits(binary.LittleEndian.Uint32(a)), math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case Float64:
		if len(a) >= 8 && len(b) >= 8 {
			return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case Signed:
		if len(a) == len(b) && len(a) > 0 {
			if a[0] != b[0] {
				return cmp.Compare(int8(a[0]), int8(b[0]))
			}
			return bytes.Compare(a, b)
		}
	default:
		return bytes.Compare(a, b)
	}
	return 0
}

// Int is the value of an int in the PLAIN encoding.
func (o Order) Int(b []byte) int64 {
	if o == Int32 {
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}
