package diff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// class is what a value is, however it is stored.
type class uint8

const (
	null class = iota
	boolean
	whole   // an int64
	single  // a float of 32 bits
	double  // of 64
	decimal // its text, without zeros at the end of its fraction
	text    // bytes
	date    // days since 1970
	instant // seconds since 1970 and nanoseconds
	nested  // canonical JSON text
)

// kind is the type of a column.
type kind struct {
	class class
	// unit of an instant, as nanoseconds.
	unit int64
	// name, for people.
	name string
	// folder: the values are texts from the names of folders.
	folder bool
}

func (k kind) number() bool {
	return k.class == whole || k.class == single || k.class == double || k.class == decimal
}

// comparable says whether values of the two kinds can be equal.
func comparable(a, b kind) bool {
	switch {
	case a.class == b.class, a.class == null, b.class == null, a.number() && b.number():
		return true
	case a.folder:
		return b.class == whole || b.class == text
	case b.folder:
		return comparable(b, a)
	}
	return a.class == date && b.class == instant || a.class == instant && b.class == date
}

// value is one value of a row.
type value struct {
	class class
	n     int64 // boolean (0, 1), whole, date, seconds
	nanos int64
	f     float64
	b     []byte // decimal, text, nested
}

// append writes a value behind dst.
func (v value) append(dst []byte) []byte {
	dst = append(dst, byte(v.class))
	switch v.class {
	case boolean, whole, date:
		dst = binary.AppendVarint(dst, v.n)
	case single, double:
		dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(v.f))
	case instant:
		dst = binary.AppendVarint(dst, v.n)
		dst = binary.AppendUvarint(dst, uint64(v.nanos))
	case decimal, text, nested:
		dst = binary.AppendUvarint(dst, uint64(len(v.b)))
		dst = append(dst, v.b...)
	}
	return dst
}

// take reads what append wrote, and gives the rest. The value's bytes are those of src.
func take(src []byte) (v value, rest []byte) {
	v.class, src = class(src[0]), src[1:]
	varint := func() int64 {
		n, size := binary.Varint(src)
		src = src[size:]
		return n
	}
	uvarint := func() uint64 {
		n, size := binary.Uvarint(src)
		src = src[size:]
		return n
	}
	switch v.class {
	case boolean, whole, date:
		v.n = varint()
	case single, double:
		v.f = math.Float64frombits(binary.BigEndian.Uint64(src))
		src = src[8:]
	case instant:
		v.n = varint()
		v.nanos = int64(uvarint())
	case decimal, text, nested:
		n := uvarint()
		v.b, src = src[:n:n], src[n:]
	}
	return v, src
}

// String is the value for people.
func (v value) String() string {
	switch v.class {
	case null:
		return "null"
	case boolean:
		return strconv.FormatBool(v.n != 0)
	case whole:
		return strconv.FormatInt(v.n, 10)
	case single:
		return strconv.FormatFloat(v.f, 'g', -1, 32)
	case double:
		return strconv.FormatFloat(v.f, 'g', -1, 64)
	case date:
		return time.Unix(v.n*86400, 0).UTC().Format(time.DateOnly)
	case instant:
		return time.Unix(v.n, v.nanos).UTC().Format("2006-01-02T15:04:05.999999999Z")
	case text:
		if !utf8.Valid(v.b) {
			return fmt.Sprintf("%q", v.b)
		}
	}
	return string(v.b)
}

// json writes the value as JSON, for what is nested.
func (v value) json(dst []byte) []byte {
	switch v.class {
	case null, boolean, whole, decimal, nested:
		return append(dst, v.String()...)
	case single, double:
		if !math.IsNaN(v.f) && !math.IsInf(v.f, 0) {
			return append(dst, v.String()...)
		}
	}
	return strconv.AppendQuote(dst, v.String())
}

// float is a number as a double; ok is false where it is none.
func (v value) float() (f float64, ok bool) {
	switch v.class {
	case whole:
		return float64(v.n), true
	case single, double:
		return v.f, true
	case decimal:
		f, err := strconv.ParseFloat(string(v.b), 64)
		return f, err == nil
	}
	return 0, false
}

// common brings a value to the form that both sides of a pair of columns have, so that equal ones are the same value.
func (v value) common(p *pair) value {
	switch v.class {
	case text:
		if p.folderNumber {
			if n, err := strconv.ParseInt(string(v.b), 10, 64); err == nil {
				return value{class: whole, n: n}
			}
		}
	case whole, single, double, decimal:
		return v.commonNumber(p)
	case date:
		if p.unit > 0 {
			return value{class: instant, n: v.n * 86400}
		}
	case instant:
		switch {
		case p.unit >= 1e9:
			v.n, v.nanos = floor(v.n, p.unit/1e9), 0
		case p.unit > 1:
			v.nanos -= v.nanos % p.unit
		}
	}
	return v
}

func floor(n, unit int64) int64 { return n - ((n%unit)+unit)%unit }

func (v value) commonNumber(p *pair) value {
	switch p.number {
	case single:
		if f, ok := v.float(); ok {
			return value{class: single, f: unsigned(float64(float32(f)))}
		}
	case double:
		if f, ok := v.float(); ok {
			return value{class: double, f: unsigned(f)}
		}
	case decimal:
		if v.class == whole {
			return value{class: decimal, b: strconv.AppendInt(nil, v.n, 10)}
		}
	}
	return v
}

// unsigned makes one zero of two.
func unsigned(f float64) float64 {
	if f == 0 {
		return 0
	}
	return f
}

// same says whether two values of a pair of columns, in their common form, are equal.
func (p *pair) same(a, b value, tolerance float64) bool {
	if a.class != b.class {
		return false
	}
	switch a.class {
	case boolean, whole, date:
		return a.n == b.n
	case instant:
		return a.n == b.n && a.nanos == b.nanos
	case single, double:
		return a.f == b.f || math.IsNaN(a.f) && math.IsNaN(b.f) || near(a.f, b.f, tolerance)
	case decimal:
		if bytes.Equal(a.b, b.b) || tolerance == 0 {
			return bytes.Equal(a.b, b.b)
		}
		x, _ := a.float()
		y, _ := b.float()
		return near(x, y, tolerance)
	}
	return bytes.Equal(a.b, b.b)
}

// near says whether two numbers differ by at most a share of the larger one.
func near(a, b, tolerance float64) bool {
	return tolerance > 0 && math.Abs(a-b) <= tolerance*math.Max(math.Abs(a), math.Abs(b))
}

// decimalText writes an unscaled whole number, two's complement, big-endian, with its scale.
func decimalText(unscaled *big.Int, scale int) []byte {
	digits := new(big.Int).Abs(unscaled).String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	s := digits[:len(digits)-scale]
	if fraction := strings.TrimRight(digits[len(digits)-scale:], "0"); fraction != "" {
		s += "." + fraction
	}
	if unscaled.Sign() < 0 {
		s = "-" + s
	}
	return []byte(s)
}

// bigEndian reads a two's complement number.
func bigEndian(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}
