package jsontext

import (
	"math"
	"math/bits"
	"strconv"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// Decimal is the exact value of a number's text: its digits as an integer, times ten to the power of Exponent. The digits
// have no zeros before or after them; zero has none and is never negative. It aliases the text it was parsed from.
type Decimal struct {
	Negative bool
	Exponent int64
	head     []byte // the digits before the text's point
	tail     []byte // and after it
}

// ParseDecimal reads a JSON number. ok is false for other texts and for exponents beyond 18 digits. text needs no
// padding.
func ParseDecimal(text []byte) (d Decimal, ok bool) {
	i := 0
	if i < len(text) && text[i] == '-' {
		d.Negative = true
		i++
	}
	j := run(text, i)
	if j == i || text[i] == '0' && j > i+1 {
		return Decimal{}, false
	}
	d.head = text[i:j]
	if i = j; i < len(text) && text[i] == '.' {
		if j = run(text, i+1); j == i+1 {
			return Decimal{}, false
		}
		d.tail = text[i+1 : j]
		i = j
	}
	huge := false
	if i < len(text) && text[i]|0x20 == 'e' {
		i++
		negative := false
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			negative = text[i] == '-'
			i++
		}
		if j = run(text, i); j == i {
			return Decimal{}, false
		}
		for ; i < j; i++ {
			if d.Exponent >= 1e17 {
				huge = true
				continue
			}
			d.Exponent = d.Exponent*10 + int64(text[i]-'0')
		}
		if negative {
			d.Exponent = -d.Exponent
		}
	}
	if i != len(text) {
		return Decimal{}, false
	}
	d.Exponent -= int64(len(d.tail))
	for len(d.tail) > 0 && d.tail[len(d.tail)-1] == '0' {
		d.tail = d.tail[:len(d.tail)-1]
		d.Exponent++
	}
	if len(d.tail) == 0 {
		for len(d.head) > 0 && d.head[len(d.head)-1] == '0' {
			d.head = d.head[:len(d.head)-1]
			d.Exponent++
		}
	}
	if len(d.head) > 0 && d.head[0] == '0' {
		d.head = nil
	}
	if len(d.head) == 0 {
		for len(d.tail) > 0 && d.tail[0] == '0' {
			d.tail = d.tail[1:]
		}
		if len(d.tail) == 0 {
			return Decimal{}, true
		}
	}
	if huge {
		return Decimal{}, false
	}
	return d, true
}

// run is the end of the digits of s from i on.
func run(s []byte, i int) int {
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return i
}

// Len is the number of significant digits; 0 for zero.
func (d Decimal) Len() int { return len(d.head) + len(d.tail) }

// AppendDigits appends the significant digits in ASCII; nothing for zero.
func (d Decimal) AppendDigits(dst []byte) []byte { return append(append(dst, d.head...), d.tail...) }

func (d Decimal) digit(i int) byte {
	if i < len(d.head) {
		return d.head[i]
	}
	return d.tail[i-len(d.head)]
}

// Equal reports whether the two spellings have the same value. The spellings 0 and -0 are equal.
func (d Decimal) Equal(e Decimal) bool {
	if d.Negative != e.Negative || d.Exponent != e.Exponent || d.Len() != e.Len() {
		return false
	}
	for i := range d.Len() {
		if d.digit(i) != e.digit(i) {
			return false
		}
	}
	return true
}

// Append appends the one canonical spelling of the value: sign, digits, e, exponent; 0 for zero. It is no use to people,
// but equal for all spellings of a value and different for different ones.
func (d Decimal) Append(dst []byte) []byte {
	if d.Len() == 0 {
		return append(dst, '0')
	}
	if d.Negative {
		dst = append(dst, '-')
	}
	return strconv.AppendInt(append(d.AppendDigits(dst), 'e'), d.Exponent, 10)
}

// Int64 is the value of a JSON number that is integral and fits, however it is spelled: 81, 81.0, 8.1e1, -0. ok is false
// for all others and for texts that are no JSON number. text needs no padding.
func Int64(text []byte) (v int64, ok bool) {
	if n := len(text); n > 0 && n < 19 {
		i := 0
		if text[0] == '-' {
			i = 1
		}
		if i < n && (text[i] != '0' || n == i+1) {
			for ; i < n && text[i]-'0' <= 9; i++ {
				v = v*10 + int64(text[i]-'0')
			}
			if i == n {
				if text[0] == '-' {
					v = -v
				}
				return v, true
			}
		}
	}
	d, ok := ParseDecimal(text)
	if !ok || d.Exponent < 0 || d.Exponent > 19 || int64(d.Len())+d.Exponent > 19 {
		return 0, false
	}
	var u uint64
	for i := range d.Len() {
		u = u*10 + uint64(d.digit(i)-'0')
	}
	for range d.Exponent {
		u *= 10
	}
	switch { // 19 digits always fit 64 bits
	case d.Negative && u <= 1<<63:
		return -int64(u), true
	case !d.Negative && u < 1<<63:
		return int64(u), true
	}
	return 0, false
}

// pow10 are the powers of ten that a double holds exactly.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// Float64 is the double nearest to a JSON number. exact tells that the double carries the number: its shortest decimal
// form that reads back as the same double has the number's value. ok is false beyond a double's range and for texts that
// are no JSON number. text needs no padding.
func Float64(text []byte) (v float64, exact, ok bool) {
	if v, ok := short(text); ok {
		return v, true, true
	}
	d, ok := ParseDecimal(text)
	if !ok {
		return 0, false, false
	}
	v, err := strconv.ParseFloat(view(text), 64)
	if err != nil {
		return 0, false, false
	}
	return v, carries(d, v, 64), true
}

// short reads numbers of up to 15 digits without an exponent. All decimals of so many digits differ as doubles, so the
// number is the shortest form of its double; and digits and power of ten are exact doubles, so that one division rounds
// correctly.
func short(text []byte) (float64, bool) {
	n := len(text)
	if n == 0 || n > 17 {
		return 0, false
	}
	i, point, negative := 0, -1, false
	if text[0] == '-' {
		negative = true
		i = 1
	}
	first := i
	var m uint64
	for ; i < n; i++ {
		c := text[i]
		if c-'0' <= 9 {
			m = m*10 + uint64(c-'0')
		} else if c == '.' && point < 0 {
			point = i
		} else {
			return 0, false
		}
	}
	whole := n - first
	if point >= 0 {
		whole = point - first
		if point == n-1 {
			return 0, false
		}
	}
	if whole == 0 || whole > 1 && text[first] == '0' || m >= 1e15 {
		return 0, false
	}
	v := float64(m)
	if point >= 0 {
		v /= pow10[n-1-point]
	}
	if negative {
		v = math.Copysign(v, -1)
	}
	return v, true
}

// carries reports whether the shortest form of v, a double or (size 32) a single, has the value d.
func carries(d Decimal, v float64, size int) bool {
	var buf [32]byte
	e, ok := ParseDecimal(strconv.AppendFloat(buf[:0], v, 'e', -1, size))
	return ok && d.Equal(e)
}

// Float32 is Float64 for singles.
func Float32(text []byte) (v float32, exact, ok bool) {
	d, ok := ParseDecimal(text)
	if !ok {
		return 0, false, false
	}
	f, err := strconv.ParseFloat(view(text), 32)
	if err != nil {
		return 0, false, false
	}
	return float32(f), carries(d, f, 32), true
}

// view is text as a string without a copy, for calls that do not keep it: strconv clones what its errors quote.
func view(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// Decimal128 is a JSON number as a decimal(precision, scale) with 1 ≤ precision ≤ 38. ok is false where the number needs
// more digits than that before or after the point, and for texts that are no JSON number. text needs no padding.
func Decimal128(text []byte, precision, scale int) (n decimal128.Num, ok bool) {
	d, ok := ParseDecimal(text)
	if !ok {
		return n, false
	}
	if d.Len() == 0 {
		return n, true
	}
	zeros := d.Exponent + int64(scale)
	if zeros < 0 || zeros > 38 || int64(d.Len())+zeros > int64(precision) || precision > 38 {
		return n, false
	}
	var hi, lo uint64
	for i := range d.Len() + int(zeros) {
		var digit uint64
		if i < d.Len() {
			digit = uint64(d.digit(i) - '0')
		}
		up, low := bits.Mul64(lo, 10)
		var carry uint64
		lo, carry = bits.Add64(low, digit, 0)
		hi = hi*10 + up + carry
	}
	n = decimal128.New(int64(hi), lo)
	if d.Negative {
		n = n.Negate()
	}
	return n, true
}
