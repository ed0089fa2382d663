package decode

import (
	"encoding/binary"
	"math"
	"math/bits"

	"datalake/pkg/batch"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// fast parses the record at p by the shapes of its folder, as parse does, and leaves the record's plan in d.last. If it
// cannot, the row is taken back, and the record is one for the strict path.
func (d *Decoder) fast(c *batch.Chunk, b []byte, p int) (end int, ok bool) {
	if d.strict {
		return p, false
	}
	s := d.shapes
	if s == nil || s.folder != c.Object.Source {
		if s = d.folders[c.Object.Source]; s == nil {
			return p, false
		}
		d.shapes = s
	}
	if s.pause > 0 && !d.eager {
		s.pause--
		return p, false
	}
	d.begin(b)
	pl, end, ok := d.follow(&s.root, b, p)
	if !ok {
		if pl != nil {
			d.undo()
		}
		s.miss()
		return p, false
	}
	s.hit()
	d.paths.Fast++
	if d.last != pl {
		d.last = pl
	}
	return end, true
}

// follow goes down the tree of shapes from its root s. Scans and comparisons end at the NUL behind the record, which no
// literal holds, so that whole words can be loaded wherever they begin (see jsontext). pl is the plan that the row has been
// begun in, nil for none yet.
func (d *Decoder) follow(s *step, b []byte, p int) (pl *plan, end int, ok bool) {
	r := &d.record
	row := 0
	for {
		var at *step
	next:
		for _, k := range s.next {
			if k.long != "" {
				if len(b)-p < k.n || string(b[p:p+k.n]) != k.long {
					continue
				}
				at = k
				break
			}
			q := p
			for _, w := range k.words[:k.full] {
				if binary.LittleEndian.Uint64(b[q:]) != w {
					continue next
				}
				q += 8
			}
			if k.mask != 0 && (binary.LittleEndian.Uint64(b[q:])^k.words[k.full])&k.mask != 0 {
				continue
			}
			at = k
			break
		}
		if at == nil {
			return pl, p, false
		}
		s = at
		p += s.n
		if s.plan != pl {
			pl = s.plan
			d.enter(pl)
			row = r.row
		}
		switch s.op {
		case opEnd:
			// Without a source, one of the two made the record an envelope.
			if pl.envelope && pl.named == "" && !r.has(isRecordID) && !r.has(isIngestedAt) {
				return pl, p, false
			}
			return pl, p, !r.repeated
		case opText:
			if b[p] == '"' {
				if end := plainEnd(b, p+1); b[end] == '"' {
					s.vec.pad(row)
					if s.vec.text.addShort(b, p+1, end-p-1) {
						r.checks = append(r.checks, s.vec)
					}
					s.vec.mark(1)
					p = end + 1
					continue
				}
			}
		case opDouble:
			if m, places, negative, end, ok := shortNumber(b, p); ok {
				v := float64(m)
				if places > 0 {
					v /= pow10[places]
				}
				if negative {
					v = math.Copysign(v, -1)
				}
				s.vec.pad(row)
				s.vec.f64 = append(s.vec.f64, v)
				s.vec.mark(1)
				p = end
				continue
			}
		case opBigint, opInt:
			if m, places, negative, end, ok := shortNumber(b, p); ok && places == 0 {
				v := int64(m)
				if negative {
					v = -v
				}
				if s.op == opBigint {
					s.vec.pad(row)
					s.vec.addInt64(v)
					p = end
					continue
				}
				if v >= math.MinInt32 && v <= math.MaxInt32 {
					s.vec.pad(row)
					s.vec.addInt32(int32(v))
					p = end
					continue
				}
			}
		case opTimestamp:
			if b[p] == '"' {
				if end := plainEnd(b, p+1); b[end] == '"' {
					if ms, sub, ok := s.typ.layouts[0].Parse(b[p+1 : end]); ok {
						if sub > 0 {
							r.floored++
						}
						s.vec.pad(row)
						s.vec.addInt64(ms)
						p = end + 1
						continue
					}
				}
			}
		case opTop, opTime:
			v := value{start: p, kind: '"'}
			if b[p] == '"' {
				v.end = plainEnd(b, p+1) + 1
			}
			if v.end == 0 || b[v.end-1] != '"' {
				var err error
				if v, err = d.scan(p, int(s.depth)); err != nil {
					return pl, p, false
				}
			}
			p = v.end
			if s.op == opTime {
				r.time = v
				continue
			}
			r.top[s.special] = v
			continue
		case opStranger:
			end, err := d.strange(s.kid, s.at, p, int(s.depth))
			if err != nil {
				return pl, p, false
			}
			p = end
			continue
		}
		end, err := d.member(s.kid, p, int(s.depth))
		if err != nil {
			return pl, p, false
		}
		p = end
	}
}

// opcode is the step for values of one column of the type.
func (t *typ) opcode() opcode {
	switch t.Kind {
	case schema.String:
		return opText
	case schema.Double:
		return opDouble
	case schema.Int:
		return opInt
	case schema.Bigint:
		if !t.ns {
			return opBigint
		}
	case schema.Timestamp:
		if t.layouts[0].String() == timeparse.RFC3339 {
			return opTimestamp
		}
	}
	return opMember
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainEnd returns the first position from p on that does not hold a character of a string that stands for itself: a quote,
// a backslash, a control character or what is not ASCII.
func plainEnd(b []byte, p int) int {
	for {
		w := binary.LittleEndian.Uint64(b[p:])
		q, s := w^'"'*ones, w^'\\'*ones
		// The lowest mark is exact; those above it may be false, as a borrow runs upwards.
		if m := ((q-ones)&^q | (s-ones)&^s | (w-0x20*ones)&^w | w) & highs; m != 0 {
			return p + bits.TrailingZeros64(m)>>3
		}
		p += 8
	}
}

// shortNumber reads the number m / 10^places at p, if it has at most 15 digits and no exponent: then m and the power are exact
// as doubles, and their quotient is the nearest double and carries the number (see jsontext.Float64). What stands behind
// it, the next literal tells.
func shortNumber(b []byte, p int) (m uint64, places int, negative bool, end int, ok bool) {
	if b[p] == '-' {
		negative = true
		p++
	}
	first := p
	for b[p]-'0' <= 9 {
		m = m*10 + uint64(b[p]-'0')
		p++
	}
	digits := p - first
	if digits == 0 || b[first] == '0' && digits > 1 {
		return 0, 0, false, p, false
	}
	if b[p] == '.' {
		p++
		point := p
		for b[p]-'0' <= 9 {
			m = m*10 + uint64(b[p]-'0')
			p++
		}
		if places = p - point; places == 0 {
			return 0, 0, false, p, false
		}
	}
	return m, places, negative, p, digits+places <= 15 && b[p]|0x20 != 'e'
}

// pow10 are powers of ten as doubles, exactly.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// Paths says how records were decoded. It depends on all that a decoder has seen.
type Paths struct {
	// Records is how many objects there were at the places of records, rejects among them; Fast how many of those were
	// parsed by shapes of earlier records.
	Records, Fast int64
}

// Paths gives the counts over all units so far.
func (d *Decoder) Paths() Paths { return d.paths }

// strange is stranger for a member whose place is known.
func (d *Decoder) strange(n *node, at *place, p, depth int) (int, error) {
	v, err := d.scan(p, depth)
	if err != nil || n.whole {
		return v.end, err
	}
	if d.holds(v) {
		d.loose(at, v)
	} else {
		d.void(at, v)
	}
	return v.end, nil
}
