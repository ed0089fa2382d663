package quarantine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"datalake/pkg/batch"
)

// errPacked: a run does not read as it was written.
var errPacked = errors.New("packed rejects are damaged")

// each calls visit with the rejects of a part in the order of their origins. A reject's payload is valid for the call.
//
// One run is in memory at a time; a further one is opened while another is only where it begins before that one ends.
func (s *Store) each(p Part, visit func(*batch.Reject) error) error {
	var (
		open []*reader // with a reject each, in the order of the runs
		free []byte    // memory of a run that has ended
	)
	for next := 0; next < len(p.runs) || len(open) > 0; {
		least := 0
		for i, r := range open {
			if compare(r.reject.Origin, open[least].reject.Origin) < 0 {
				least = i
			}
		}
		if next < len(p.runs) && (len(open) == 0 || compare(p.runs[next].first, open[least].reject.Origin) < 0) {
			r, err := s.open(&p.runs[next], free)
			if err != nil {
				return err
			}
			open, free = append(open, r), nil
			next++
			continue
		}
		r := open[least]
		if err := visit(&r.reject); err != nil {
			return err
		}
		if len(r.rest) == 0 {
			open, free = append(open[:least], open[least+1:]...), r.room
			continue
		}
		if err := r.next(); err != nil {
			return err
		}
	}
	return nil
}

// reader unpacks a run.
type reader struct {
	run    *run
	room   []byte // the memory that a run from the file was read into
	rest   []byte
	reject batch.Reject
}

// open gives a reader at the run's first reject, in room if that is large enough.
func (s *Store) open(r *run, room []byte) (*reader, error) {
	d := &reader{run: r, rest: r.packed, room: room}
	if r.packed == nil {
		if n := int(r.extent.Length); cap(room) < n {
			d.room = make([]byte, n)
		}
		d.rest = d.room[:r.extent.Length]
		if err := s.file.Read(r.extent, d.rest); err != nil {
			return nil, err
		}
	}
	return d, d.next()
}

// next unpacks the next reject; there must be one.
func (d *reader) next() error {
	head := d.uvarint()
	if head>>3 >= uint64(len(d.run.objects)) {
		return fmt.Errorf("%w: object %d of %d", errPacked, head>>3, len(d.run.objects))
	}
	rule, reason := d.reject.Rule, d.reject.Reason
	d.reject = batch.Reject{
		Origin: batch.Origin{Object: d.run.objects[head>>3], Offset: d.varint()}, Line: d.varint() + d.run.lines, Length: d.varint(),
		Source: d.run.source, Truncated: head&1 != 0, Withheld: head&2 != 0, Masked: head&4 != 0,
	}
	d.reject.Rule, d.reject.Reason, d.reject.Payload = same(rule, d.bytes()), same(reason, d.bytes()), d.bytes()
	if d.rest == nil {
		return errPacked
	}
	return nil
}

// same is the text b, as the string before where that is equal: neighbours mostly have the same rule and reason.
func same(before string, b []byte) string {
	if before == string(b) {
		return before
	}
	return string(b)
}

// The readers of fields leave rest nil once it does not hold what it should.
func (d *reader) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.rest = nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *reader) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.rest = nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *reader) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.rest = nil
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}
