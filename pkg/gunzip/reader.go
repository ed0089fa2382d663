package gunzip

import (
	"bufio"
	"errors"
	"hash/crc32"
	"io"
)

// The errors of Reader, beside those of what it reads from, and io.ErrUnexpectedEOF where that ends within a member.
var (
	ErrHeader   = errors.New("gunzip: the header is wrong")
	ErrChecksum = errors.New("gunzip: checksum or length is wrong")
	ErrCorrupt  = errors.New("gunzip: the data is corrupt")
)

const (
	history = 32 << 10 // what a match may reach back
	window  = history + 96<<10
	longest = 258 // of a match
	// spare is how much room the fast loop needs: for a match, copied in words beyond its end, and some literals.
	spare = longest + 42
	// ahead is how many bytes of input it needs, for two loads of a word.
	ahead = 16
)

// Reader decompresses a member of a gzip. The zero value is ready for Reset. Not safe for concurrent use.
//
// What was decompressed before an error is given before the error.
type Reader struct {
	br    *bufio.Reader
	out   []byte // decompressed; the last of it is the history
	given int    // of out
	op    int    // end of what is in out
	err   error  // once all is given

	bits  uint64 // read and not used; zeros behind them
	n     uint   // how many
	state state
	last  bool // the block at hand
	left  int  // bytes of a stored block

	crc  uint32
	size uint32
	sum  uint32  // of the header
	one  [1]byte // of it

	lit  [litEntries]uint32
	dist [distEntries]uint32
	lens [320]uint8
	code [1 << 7]uint32 // of the lengths of codes
}

type state uint8

const (
	atBlock  state = iota // a block begins
	inStored              // in one that is not compressed
	inCodes
	atEnd // of the last block
)

// Reset begins with a member at br, which has a buffer of 32 bytes at least, and reads its header. What follows the member stays in br. Errors: io.EOF where there is
// nothing, ErrHeader, io.ErrUnexpectedEOF and those of br.
func (r *Reader) Reset(br *bufio.Reader) error {
	if r.out == nil {
		r.out = make([]byte, window)
	}
	r.br, r.given, r.op, r.err = br, 0, 0, nil
	r.bits, r.n, r.state, r.last = 0, 0, atBlock, false
	r.crc, r.size = 0, 0
	return r.header()
}

// header reads the header of a member: RFC 1952, 2.3.
func (r *Reader) header() error {
	if _, err := r.br.Peek(1); err != nil {
		return err
	}
	r.sum = 0
	var fixed [10]byte
	for i := range fixed {
		var err error
		if fixed[i], err = r.headByte(); err != nil {
			return err
		}
	}
	if fixed[0] != 0x1f || fixed[1] != 0x8b || fixed[2] != 8 {
		return ErrHeader
	}
	const (
		hasCRC = 1 << (iota + 1)
		hasExtra
		hasName
		hasComment
	)
	flags := fixed[3]
	if flags&hasExtra != 0 {
		n, err := r.headUint16()
		if err != nil {
			return err
		}
		for range n {
			if _, err := r.headByte(); err != nil {
				return err
			}
		}
	}
	for _, flag := range [2]byte{hasName, hasComment} {
		for flags&flag != 0 {
			c, err := r.headByte()
			if err != nil {
				return err
			}
			if c == 0 {
				break
			}
		}
	}
	if flags&hasCRC != 0 {
		want := uint16(r.sum)
		sum, err := r.headUint16()
		if err != nil {
			return err
		}
		if sum != want {
			return ErrHeader
		}
	}
	return nil
}

// headByte reads a byte of the header.
func (r *Reader) headByte() (byte, error) {
	c, err := r.br.ReadByte()
	r.one[0] = c
	r.sum = crc32.Update(r.sum, crc32.IEEETable, r.one[:])
	return c, early(err)
}

func (r *Reader) headUint16() (uint16, error) {
	low, err := r.headByte()
	if err != nil {
		return 0, err
	}
	high, err := r.headByte()
	return uint16(low) | uint16(high)<<8, err
}

// early is the error for the end where more should stand.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Read implements io.Reader. It ends with io.EOF when the member has, and its checksum and length are right.
func (r *Reader) Read(p []byte) (int, error) {
	for {
		if r.given < r.op {
			n := copy(p, r.out[r.given:r.op])
			r.given += n
			return n, nil
		}
		if r.err != nil || len(p) == 0 {
			return 0, r.err
		}
		if r.br == nil {
			return 0, io.EOF
		}
		if r.op > window-spare {
			r.op = copy(r.out, r.out[r.op-history:r.op])
			r.given = r.op
		}
		from := r.op
		r.err = r.decode()
		fresh := r.out[from:r.op]
		r.crc = crc32.Update(r.crc, crc32.IEEETable, fresh)
		r.size += uint32(len(fresh))
		if r.err == nil && r.state == atEnd {
			r.err = r.trailer()
		}
	}
}

// trailer reads what follows the last block.
func (r *Reader) trailer() error {
	r.drop(r.n & 7) // up to the next byte
	for _, want := range [2]uint32{r.crc, r.size} {
		v, err := r.take(32)
		if err != nil {
			return err
		}
		if v != want {
			return ErrChecksum
		}
	}
	return io.EOF
}

// decode decompresses until there is no room for a match, or the last block has ended.
func (r *Reader) decode() error {
	for r.op <= window-spare {
		var err error
		switch r.state {
		case atBlock:
			err = r.block()
		case inStored:
			err = r.stored()
		case inCodes:
			err = r.codes()
		case atEnd:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end ends a block.
func (r *Reader) end() {
	r.state = atBlock
	if r.last {
		r.state = atEnd
	}
}

// take takes k bits, up to 32, from where they are slow to be had.
func (r *Reader) take(k uint) (uint32, error) {
	for r.n < k {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	v := uint32(r.bits & (1<<k - 1))
	r.drop(k)
	return v, nil
}

// fill reads one more byte.
func (r *Reader) fill() error {
	c, err := r.br.ReadByte()
	if err != nil {
		return early(err)
	}
	r.bits |= uint64(c) << r.n
	r.n += 8
	return nil
}

func (r *Reader) drop(n uint) {
	r.bits >>= n & 63
	r.n -= n
}

// block reads the header of a block.
func (r *Reader) block() error {
	h, err := r.take(3)
	if err != nil {
		return err
	}
	r.last = h&1 != 0
	switch h >> 1 {
	case 0:
		r.drop(r.n & 7) // up to the next byte
		v, err := r.take(32)
		if err != nil {
			return err
		}
		if uint16(v) != ^uint16(v>>16) {
			return ErrCorrupt
		}
		r.state, r.left = inStored, int(uint16(v))
		return nil
	case 1:
		r.fixed()
	case 2:
		if err := r.dynamic(); err != nil {
			return err
		}
	default:
		return ErrCorrupt
	}
	r.state = inCodes
	return nil
}

func (r *Reader) stored() error {
	n := min(r.left, window-spare-r.op+1)
	n, err := io.ReadFull(r.br, r.out[r.op:r.op+n])
	r.op += n
	if r.left -= n; r.left == 0 {
		r.end()
	}
	return early(err)
}

// fixed makes the tables of a block that has none: RFC 1951, 3.2.6.
func (r *Reader) fixed() {
	lens := r.lens[:288]
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	build(r.lit[:], litBits, lens, litEntry)
	pairs(&r.lit)
	for i := range lens[:32] {
		lens[i] = 5
	}
	build(r.dist[:], distBits, lens[:32], distEntry)
}

// order is that of the lengths of the codes for lengths.
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the tables of a block: RFC 1951, 3.2.7.
func (r *Reader) dynamic() error {
	h, err := r.take(14)
	if err != nil {
		return err
	}
	literals, distances, codes := int(h&31)+257, int(h>>5&31)+1, int(h>>10)+4
	if literals > 286 || distances > 30 {
		return ErrCorrupt
	}
	var small [19]uint8
	for _, at := range order[:codes] {
		n, err := r.take(3)
		if err != nil {
			return err
		}
		small[at] = uint8(n)
	}
	if !build(r.code[:], 7, small[:], plainEntry) {
		return ErrCorrupt
	}
	lens := r.lens[:literals+distances]
	for i := 0; i < len(lens); {
		e := r.code[r.bits&(1<<7-1)]
		for r.n < uint(e&0xff) || r.n == 0 { // what is not there yet reads as zeros, so e may be another
			if err := r.fill(); err != nil {
				return err
			}
			e = r.code[r.bits&(1<<7-1)]
		}
		if e&kinds == invalid {
			return ErrCorrupt
		}
		r.drop(uint(e & 0xff))
		symbol := e >> valueShift
		if symbol < 16 {
			lens[i] = uint8(symbol)
			i++
			continue
		}
		extra, least, value := uint(2), 3, uint8(0)
		switch symbol {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			value = lens[i-1]
		case 17:
			extra = 3
		default:
			extra, least = 7, 11
		}
		more, err := r.take(extra)
		if err != nil {
			return err
		}
		times := least + int(more)
		if times > len(lens)-i {
			return ErrCorrupt
		}
		for range times {
			lens[i] = value
			i++
		}
	}
	if !build(r.lit[:], litBits, lens[:literals], litEntry) || !build(r.dist[:], distBits, lens[literals:], distEntry) {
		return ErrCorrupt
	}
	pairs(&r.lit)
	return nil
}
