package decode

import (
	"math"
	"math/bits"

	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// opcode is how a value is taken.
type opcode uint8

const (
	opMember   opcode = iota // the general way, Decoder.member
	opStranger               // a value without a column
	opObject                 // an object that is nothing but its members
	opTop                    // record_id of an envelope
	opArrived                // ingested_at of an envelope
	opTime                   // the event time, without a column of its own
	opMoment                 // the same, where its first format is RFC 3339
	opEnd                    // of shapes: the record is over
	opText                   // from here on: a value of one column, which take takes if it is plain
	opDouble
	opBigint
	opInt
	opTimestamp // whose first format is RFC 3339
	opBoolean
	opList // of those from opText on, but lists
)

// slot is a column that takes values of the records, or the elements of one of lists.
type slot struct {
	typ  *typ
	vec  *vector
	op   opcode
	elem *slot // opList
}

// newSlot makes the slot of a column or, with no depth left for lists, of one that is not to take them by itself.
func newSlot(t *typ, v *vector, depth int) slot {
	s := slot{typ: t, vec: v}
	switch t.Kind {
	case schema.String:
		s.op = opText
	case schema.Double:
		s.op = opDouble
	case schema.Int:
		s.op = opInt
	case schema.Bigint:
		if !t.ns {
			s.op = opBigint
		}
	case schema.Timestamp:
		if t.layouts[0].String() == timeparse.RFC3339 {
			s.op = opTimestamp
		}
	case schema.Boolean:
		s.op = opBoolean
	case schema.List:
		if depth > 0 {
			if e := newSlot(t.elem, v.kids[0], 0); e.op != opMember {
				s.op, s.elem = opList, &e
			}
		}
	}
	return s
}

// take appends the value at p to the slot's column, whose values it has up to this row, if the value is of a plain kind: one
// look at it validates, converts and stores it. end is the position after it. end 0 tells that the value is for the general
// way, be it only unusual or no value at all; the column is then as it was. Both paths take values by it, so that what follows
// a shape and what does not is the same code.
func (d *Decoder) take(s *slot, p int) (end int) {
	b, v := d.record.b, s.vec
	switch s.op {
	case opText:
		if b[p] == '"' {
			return d.takeText(v, p)
		}
	case opDouble:
		if m, e, negative, end := number(b, p); end != 0 {
			f := float64(m)
			if e < 0 {
				f /= pow10[-e]
			} else {
				f *= pow10[e]
			}
			if negative {
				f = math.Copysign(f, -1)
			}
			v.addFloat64(f)
			return end
		}
	case opBigint, opInt:
		m, e, negative, end := number(b, p)
		if end == 0 || e != 0 {
			break
		}
		i := int64(m)
		if negative {
			i = -i
		}
		if s.op == opBigint {
			v.addInt64(i)
			return end
		}
		if i >= math.MinInt32 && i <= math.MaxInt32 {
			v.addInt32(int32(i))
			return end
		}
	case opTimestamp:
		if b[p] != '"' {
			break
		}
		if ms, end := timeparse.Quick(b, p+1); end != 0 && b[end] == '"' {
			v.addInt64(ms)
			return end + 1
		}
		if end := jsontext.PlainEnd(b, p+1); b[end] == '"' {
			if ms, sub, ok := s.typ.layouts[0].Parse(b[p+1 : end]); ok {
				if sub > 0 {
					d.record.floored++
				}
				v.addInt64(ms)
				return end + 1
			}
		}
	case opBoolean:
		switch w := jsontext.Load8(b, p); {
		case w&0xffffffff == 0x65757274: // true
			v.addBool(true)
			return p + 4
		case w&0xffffffffff == 0x65736c6166: // false
			v.addBool(false)
			return p + 5
		}
	case opList:
		if b[p] == '[' {
			return d.takeList(s, p)
		}
	}
	if isNull(b, p) {
		return p + len("null")
	}
	return 0
}

func isNull(b []byte, p int) bool { return jsontext.Load8(b, p)&0xffffffff == 0x6c6c756e }

// takeText is take for the string at p.
func (d *Decoder) takeText(v *vector, p int) (end int) {
	r := &d.record
	t := &v.text
	if t.plain {
		start := len(t.heap)
		heap, end, err := d.o.Limits.AppendString(t.heap, r.b, p)
		if err != nil {
			return 0
		}
		t.heap = heap
		t.off = append(t.off, int32(start))
		v.n++
		return end
	}
	check := false
	if end = jsontext.PlainEnd(r.b, p+1); r.b[end] == '"' {
		check = t.addShort(r.b, p+1, end-p-1)
		end++
	} else {
		var err error
		if r.text, end, err = d.o.Limits.AppendString(r.text[:0], r.b, p); err != nil {
			return 0
		}
		check = t.add(r.text)
	}
	if check {
		r.checks = append(r.checks, v)
	}
	v.n++
	return end
}

// takeList is take for the list at p.
func (d *Decoder) takeList(s *slot, p int) (end int) {
	b, kid, floored := d.record.b, s.elem.vec, d.record.floored
	start := kid.n
	if p = jsontext.Space(b, p+1); b[p] == ']' {
		s.vec.addList(start)
		return p + 1
	}
	for {
		n := kid.n
		if p = d.take(s.elem, p); p == 0 {
			break
		}
		if kid.n == n {
			kid.null()
		}
		if p = jsontext.Space(b, p); b[p] == ']' {
			s.vec.addList(start)
			return p + 1
		}
		if b[p] != ',' {
			break
		}
		p = jsontext.Space(b, p+1)
	}
	kid.truncate(start)
	d.record.floored = floored
	return 0
}

// Words of digits, of marks in each byte, and what added to a byte less '0' carries into its mark from ten on.
const (
	zeroDigits = 0x3030303030303030
	pastNine   = 0x7676767676767676
	highs      = 0x8080808080808080
)

// number reads the number m · 10^e at p, or the string that holds one and nothing else, if m is below 10^15 and e lies between
// -22 and 22 and is not 0 by an exponent: then m and the power are exact as doubles, so that their product or quotient is the nearest double and carries
// the number (see jsontext.Float64). end is the position after it; 0: the number is of another kind, or there is none.
//
// Digits are found and added up eight at a time, without a branch for each: numbers differ in length, so that branches would be
// guessed wrong.
func number(b []byte, p int) (m uint64, e int, negative bool, end int) {
	quoted := b[p] == '"'
	if quoted {
		p++
	}
	if b[p] == '-' {
		negative = true
		p++
	}
	t := jsontext.Load8(b, p) ^ zeroDigits
	n := bits.TrailingZeros64((t+pastNine|t)&highs) >> 3
	if n == 0 || b[p] == '0' && n > 1 {
		return 0, 0, false, 0
	}
	m = eight(t << (64 - 8*n))
	p += n
	if n == 8 {
		for ; b[p]-'0' <= 9 && n <= 15; n++ {
			m = m*10 + uint64(b[p]-'0')
			p++
		}
	}
	if b[p] == '.' {
		p++
		t := jsontext.Load8(b, p) ^ zeroDigits
		k := bits.TrailingZeros64((t+pastNine|t)&highs) >> 3
		if k == 0 || n+k > 18 {
			return 0, 0, false, 0
		}
		m = m*whole[k] + eight(t<<(64-8*k))
		p += k
		if k == 8 {
			for ; b[p]-'0' <= 9 && n+k <= 18; k++ {
				m = m*10 + uint64(b[p]-'0')
				p++
			}
		}
		n += k
		e = -k
	}
	if m >= 1e15 || n > 18 {
		return 0, 0, false, 0
	}
	if b[p]|0x20 == 'e' {
		x := 0
		if x, p = exponent(b, p+1); p == 0 {
			return 0, 0, false, 0
		}
		// A whole number that is spelled with an exponent is for the general way, where inference is told of it.
		if e += x; e < -22 || e > 22 || e == 0 {
			return 0, 0, false, 0
		}
	}
	if quoted {
		if b[p] != '"' {
			return 0, 0, false, 0
		}
		p++
	}
	return m, e, negative, p
}

// eight is the number that eight digits make, less '0' each, the first of them in the lowest byte.
func eight(t uint64) uint64 {
	t = (t*10 + t>>8) & 0x00ff00ff00ff00ff
	t = (t*100 + t>>16) & 0x0000ffff0000ffff
	return (t*10000 + t>>32) & 0xffffffff
}

// exponent reads an exponent of one or two digits at p, behind the e. end 0: there is none, or a longer one.
func exponent(b []byte, p int) (x, end int) {
	negative := b[p] == '-'
	if negative || b[p] == '+' {
		p++
	}
	first := p
	for ; b[p]-'0' <= 9; p++ {
		x = x*10 + int(b[p]-'0')
		if p-first == 2 {
			return 0, 0
		}
	}
	if p == first {
		return 0, 0
	}
	if negative {
		x = -x
	}
	return x, p
}

// pow10 are powers of ten as doubles, exactly; whole as integers.
var (
	pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
	whole = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}
)
