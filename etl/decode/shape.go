package decode

import (
	"encoding/binary"
	"slices"

	"datalake/pkg/jsontext"
)

// shapes are the line templates of a folder: what stands between the values of the records seen before, as a tree. A path from
// the root is the beginning of records; one to a step without a value is a whole record. So records that differ in optional
// keys share what they have in common, and an alternative is tried by one comparison, with nothing to take back.
//
// A record of which every byte between the values is that of a record gone through strictly, and whose values are valid, is
// itself valid JSON with the same keys in the same places, none of them twice. This is all that the fast path leaves out; what
// happens to values is the strict path's code, or gives the same.
//
// The source of an envelope is a part of the literals, for it decides the plan: the steps behind it are of one plan. Those
// before it, if they only take the envelope's keys, are shared by the folder's plans.
//
// Whether shapes are used and learned depends on what came before. Results do not, as both paths give the same.
type shapes struct {
	folder  string
	root    step // its literal is empty
	steps   int
	evicted int
	score   int // grows with hits, falls with misses; below 0 the fast path pauses
	pause   int // records left that go to the strict path at once
	wait    int // the next pause
	credit  int // for learning
}

const (
	mostSteps    = 4096 // in the shapes of a folder, then they are learned anew
	mostAllSteps = 32 << 10
	mostFolders  = 1 << 10
	mostNext     = 24 // alternatives after a value
	mostLiteral  = 1 << 10
	bestScore    = 32
	firstScore   = 8
	missCost     = 2
	learnCost    = 64
	firstCredit  = 64 * learnCost
	retryCredit  = 4 * learnCost
	firstWait    = 64
	mostWait     = 8192
)

// step is a literal and what follows it.
type step struct {
	words [literalWords]uint64 // the literal's first bytes, filled up with zeros
	full  int                  // whole words
	mask  uint64               // of the bytes of the word after those
	n     int                  // length
	long  string               // the literal, if it is longer than words
	op    opcode
	depth int8  // how many objects are open around the value
	plan  *plan // nil: of any
	kid   *node
	at    *place  // opStranger
	slot  *slot   // the one column
	next  []*step // longer literals first: one may be the beginning of another
}

const literalWords = 6

// masks keep the first bytes of a word.
var masks = [9]uint64{0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, 0xffffffffffffffff}

func newStep(literal []byte, op opcode) *step {
	s := &step{n: len(literal), op: op}
	if len(literal) >= 8*literalWords {
		s.long = string(literal)
		return s
	}
	var padded [8 * literalWords]byte
	copy(padded[:], literal)
	for i := range s.words {
		s.words[i] = binary.LittleEndian.Uint64(padded[8*i:])
	}
	s.full, s.mask = len(literal)/8, masks[len(literal)%8]
	return s
}

// is reports whether the literal is the step's.
func (s *step) is(literal []byte) bool {
	if s.n != len(literal) {
		return false
	}
	if s.long != "" {
		return s.long == string(literal)
	}
	t := newStep(literal, s.op)
	return s.words == t.words
}

// size is the number of steps of the tree at s.
func (s *step) size() int {
	n := 1
	for _, k := range s.next {
		n += k.size()
	}
	return n
}

// hit and miss keep score and credit. The score grows while two of three records hit, which is where the fast path pays
// for its misses; else it is tried again at growing intervals. To learn a shape costs as much as many hits spare, so it is
// done on credit that hits give: records of which no shape comes twice, among others, are not learned one after the other.
func (s *shapes) hit() {
	s.credit = min(s.credit+1, firstCredit)
	if s.score < bestScore {
		s.score++
	} else {
		s.wait = firstWait
	}
}

func (s *shapes) miss() {
	if s.score -= missCost; s.score < 0 {
		s.score, s.pause = firstScore, s.wait
		s.wait = min(2*s.wait, mostWait)
		s.credit = max(s.credit, retryCredit)
	}
}

// learn adds the shape of the valid record at p, none of whose keys comes twice, to those of its plan.
func (d *Decoder) learn(pl *plan, b []byte, p int) {
	if d.strict || pl.table.schema == nil {
		return
	}
	s := d.shapes
	if s == nil || s.folder != pl.folder {
		s = d.folders[pl.folder]
	}
	switch {
	case s == nil:
		if d.folders == nil {
			d.folders = map[string]*shapes{}
		}
		s = &shapes{folder: pl.folder, score: firstScore, wait: firstWait, credit: firstCredit}
		d.folders[pl.folder] = s
	case (s.pause > 0 || s.credit < learnCost) && !d.eager:
		return
	case s.steps >= mostSteps:
		d.steps -= s.steps
		*s = shapes{folder: s.folder, score: firstScore, pause: s.wait, wait: min(2*s.wait, mostWait), credit: retryCredit}
		return
	}
	if d.steps >= mostAllSteps || len(d.folders) > mostFolders { // begin again with those that still come
		d.steps, d.shapes, d.folders = 0, nil, nil
		return
	}
	s.credit -= learnCost
	l := learner{d: d, plan: pl, shapes: s, b: b, from: p, s: &s.root}
	before := s.steps
	if end := l.object(pl.root, p, 0); l.ok() {
		l.add(end, &step{op: opEnd, plan: pl})
	}
	d.steps += s.steps - before
}

// learner goes through a record and follows its shape, which it adds where it is new.
type learner struct {
	d      *Decoder
	plan   *plan
	shapes *shapes
	bound  bool // the source, or a value that needs the plan, has been met
	b      []byte
	from   int   // where the literal at work begins
	s      *step // the last step; nil: the record cannot have a shape
	values int
}

const mostValues = 1 << 10

func (l *learner) ok() bool { return l.s != nil }

// add ends the literal at p.
func (l *learner) add(p int, s *step) {
	literal := l.b[l.from:p]
	for _, k := range l.s.next {
		if k.op == s.op && k.plan == s.plan && k.is(literal) {
			l.s = k
			return
		}
	}
	if len(literal) > mostLiteral {
		l.s = nil
		return
	}
	if len(l.s.next) >= mostNext { // one makes room, each in turn
		i := l.shapes.evicted % mostNext
		l.shapes.evicted++
		l.shapes.steps -= l.s.next[i].size()
		l.s.next = slices.Delete(l.s.next, i, i+1)
	}
	t := newStep(literal, s.op)
	t.depth, t.plan, t.kid, t.at, t.slot = s.depth, s.plan, s.kid, s.at, s.slot
	i := slices.IndexFunc(l.s.next, func(k *step) bool { return k.n < t.n })
	if i < 0 {
		i = len(l.s.next)
	}
	l.s.next = slices.Insert(l.s.next, i, t)
	l.s = t
	l.shapes.steps++
}

func (l *learner) object(n *node, p, depth int) int {
	b, limits := l.b, l.d.o.Limits
	p = jsontext.Space(b, p+1)
	for b[p] != '}' {
		if b[p] == ',' {
			p = jsontext.Space(b, p+1)
		}
		end, escaped, err := limits.String(b, p)
		if err != nil {
			l.s = nil
			return p
		}
		key := b[p+1 : end-1]
		if escaped {
			key = jsontext.AppendUnquoted(nil, key)
		}
		p = jsontext.Space(b, jsontext.Space(b, end)+1)
		kid := n.kids[string(key)]
		switch isObject := b[p] == '{'; {
		case kid != nil && kid.special == isData && !l.plan.mayBe(l.d, isObject):
			l.s = nil // another such record may be an envelope, or none
		case kid != nil && isObject && len(kid.kids) > 0 && len(kid.slots) == 0 && !kid.consumed && !kid.rescue:
			p = l.object(kid, p, depth+1)
		default:
			if end, err = limits.Value(b, p); err != nil || depth > 100 || l.values > mostValues {
				l.s = nil
				return p
			}
			if kid != nil && kid.special == isSource && l.plan.envelope {
				l.bound = true
			} else {
				l.value(n, kid, key, p, depth+1)
				l.from = end
			}
			p = end
		}
		if !l.ok() {
			return p
		}
		p = jsontext.Space(b, p)
	}
	return p + 1
}

// mayBe reports whether all records with a shape are envelopes, or none is, as far as data tells.
func (p *plan) mayBe(d *Decoder, object bool) bool {
	if p.envelope {
		n := p.root.kids["data"]
		return object && len(n.kids) > 0 && len(n.slots) == 0 && !n.rescue
	}
	return d.o.Bare[p.folder]
}

// value adds the step of the value at p.
func (l *learner) value(n, kid *node, key []byte, p, depth int) {
	l.values++
	s := step{op: opMember, depth: int8(depth), plan: l.plan, kid: kid}
	switch {
	case kid == nil:
		s.op, s.kid, s.at = opStranger, n, n.stranger(key)
	case kid.op == opTop || kid.op == opArrived:
		s.op, s.kid = kid.op, nil
		if !l.bound {
			s.plan = nil
		}
	case kid.op == opTime || kid.op == opMoment:
		s.op = kid.op
	case kid.op >= opText:
		s.op, s.slot = kid.op, &kid.one
	}
	l.bound = l.bound || s.plan != nil
	l.add(p, &s)
}
