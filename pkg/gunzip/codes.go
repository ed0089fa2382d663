package gunzip

import (
	"encoding/binary"
	"errors"
	"io"
)

// codes decompresses a block by its tables, until it ends, there is no room, or the input that is at hand is used up.
func (r *Reader) codes() error {
	if r.br.Buffered() < 2*ahead {
		if in, err := r.br.Peek(2 * ahead); len(in) < 2*ahead {
			if !errors.Is(err, io.EOF) {
				return err
			}
			return r.slow()
		}
	}
	in, err := r.br.Peek(r.br.Buffered())
	if err != nil {
		return err
	}
	used, err := r.fast(in)
	if _, derr := r.br.Discard(used); err == nil {
		err = derr
	}
	return err
}

// fast is codes for the input in, without its last bytes. It gives how many of them it used.
func (r *Reader) fast(in []byte) (ip int, err error) {
	lit, dist, out, op, b, n := &r.lit, &r.dist, r.out[:window], r.op, r.bits, r.n
loop:
	for ip <= len(in)-ahead && op <= window-spare {
		b |= binary.LittleEndian.Uint64(in[ip:]) << (n & 63)
		ip += int(63-n) >> 3
		n |= 56
		e := lit[b&(1<<litBits-1)]
		// Two entries of literals take 22 bits at most, and leave enough for a length. Written out: as a loop it costs a
		// twentieth of all.
		if e&literal != 0 {
			b >>= e & 63
			n -= uint(e & 0xff)
			binary.LittleEndian.PutUint16(out[op:], uint16(e>>valueShift))
			op += 1 + int(e>>14&1)
			if e = lit[b&(1<<litBits-1)]; e&literal != 0 {
				b >>= e & 63
				n -= uint(e & 0xff)
				binary.LittleEndian.PutUint16(out[op:], uint16(e>>valueShift))
				op += 1 + int(e>>14&1)
				if e = lit[b&(1<<litBits-1)]; e&literal != 0 {
					b >>= e & 63
					n -= uint(e & 0xff)
					binary.LittleEndian.PutUint16(out[op:], uint16(e>>valueShift))
					op += 1 + int(e>>14&1)
					continue
				}
			}
		}
		if e&special != 0 {
			if e&kinds == further {
				b >>= litBits
				n -= litBits
				e = lit[(uint64(e>>valueShift)+b&(1<<(e>>codeShift&codeMask)-1))&(litEntries-1)]
			}
			switch {
			case e&kinds == endOf:
				b >>= e & 63
				n -= uint(e & 0xff)
				r.end()
				break loop
			case e&literal != 0:
				b >>= e & 63
				n -= uint(e & 0xff)
				out[op] = byte(e >> valueShift)
				op++
				continue
			case e&special != 0:
				err = ErrCorrupt
				break loop
			}
		}
		length := int(e>>valueShift) + int(b&(1<<(e&63)-1)>>(e>>codeShift&codeMask))
		b >>= e & 63
		n -= uint(e & 0xff)

		b |= binary.LittleEndian.Uint64(in[ip:]) << (n & 63)
		ip += int(63-n) >> 3
		n |= 56
		d := dist[b&(1<<distBits-1)]
		if d&special != 0 {
			if d&kinds == further {
				b >>= distBits
				n -= distBits
				d = dist[(uint64(d>>valueShift)+b&(1<<(d>>codeShift&codeMask)-1))&(distEntries-1)]
			}
			if d&special != 0 {
				err = ErrCorrupt
				break loop
			}
		}
		back := int(d>>valueShift) + int(b&(1<<(d&63)-1)>>(d>>codeShift&codeMask))
		b >>= d & 63
		n -= uint(d & 0xff)
		if back > op {
			err = ErrCorrupt
			break loop
		}
		from, end := op-back, op+length
		switch {
		case back >= 16:
			for op < end {
				*(*[16]byte)(out[op:]) = *(*[16]byte)(out[from:])
				op += 16
				from += 16
			}
		case back >= 8:
			for op < end {
				*(*[8]byte)(out[op:]) = *(*[8]byte)(out[from:])
				op += 8
				from += 8
			}
		default:
			for ; op < end; op++ {
				out[op] = out[from]
				from++
			}
		}
		op = end
	}
	ip -= int(n >> 3) // whole bytes go back
	n &= 7
	r.op, r.bits, r.n = op, b&(1<<n-1), n
	return ip, err
}

// slow is codes for the last bytes of the input, one code after the other.
func (r *Reader) slow() error {
	for r.op <= window-spare && r.state == inCodes {
		e, err := r.entry(r.lit[:], litBits)
		if err != nil {
			return err
		}
		switch {
		case e&literal != 0:
			binary.LittleEndian.PutUint16(r.out[r.op:], uint16(e>>valueShift))
			r.op += 1 + int(e>>14&1)
			r.drop(uint(e & 0xff))
			continue
		case e&kinds == endOf:
			r.drop(uint(e & 0xff))
			r.end()
			continue
		}
		length := r.value(e)
		d, err := r.entry(r.dist[:], distBits)
		if err != nil {
			return err
		}
		back := r.value(d)
		if back > r.op {
			return ErrCorrupt
		}
		for range length {
			r.out[r.op] = r.out[r.op-back]
			r.op++
		}
	}
	return nil
}

// entry is the entry of the code to come, all bits of which are there, and those behind it. The first bits of a code that goes on in
// a further table are dropped.
func (r *Reader) entry(table []uint32, index uint) (uint32, error) {
	base := uint32(0)
	for {
		// What is not there yet reads as zeros, so the entry may be another than it seems while it has more bits than are there.
		switch e := table[base+uint32(r.bits&(1<<index-1))]; {
		case e&kinds == further:
			if n := uint(e & 0xff); r.n >= n {
				r.drop(n)
				base, index = e>>valueShift, uint(e>>codeShift&codeMask)
				continue
			}
		case e&kinds == invalid:
			if r.n >= maxBits {
				return 0, ErrCorrupt
			}
		case r.n >= uint(e&0xff):
			return e, nil
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// value is what an entry and its extra bits stand for, which are dropped.
func (r *Reader) value(e uint32) int {
	v := int(e>>valueShift) + int(r.bits&(1<<(e&63)-1)>>(e>>codeShift&codeMask))
	r.drop(uint(e & 0xff))
	return v
}
