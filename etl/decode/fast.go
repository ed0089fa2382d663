package decode

import (
	"encoding/binary"

	"datalake/pkg/batch"
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
		case opTop, opArrived, opTime, opMoment:
			end, err := d.top(s.op, p, int(s.depth))
			if err != nil {
				return pl, p, false
			}
			p = end
			continue
		case opStranger:
			end, err := d.strange(s.kid, s.at, p, int(s.depth))
			if err != nil {
				return pl, p, false
			}
			p = end
			continue
		}
		if s.op >= opText {
			s.slot.vec.pad(row)
			if end := d.take(s.slot, p); end != 0 {
				p = end
				continue
			}
		}
		end, err := d.member(s.kid, p, int(s.depth))
		if err != nil {
			return pl, p, false
		}
		p = end
	}
}

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
