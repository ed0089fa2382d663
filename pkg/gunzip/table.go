package gunzip

import "math/bits"

// An entry of a table:
//
//	0-7    bits to take: of the code, and of the extra bits behind it; of both codes of a pair
//	8-11   bits of the code alone; of an entry that leads to a further table, the bits that index it
//	12-15  what it is, see below
//	16-31  a literal, or two, the first in the lower byte; the base of a length or distance; where the further table begins
//
// The kinds are flags so that the frequent ones are told by one test.
const (
	literal = 1 << 15
	pair    = 1 << 14 // with literal
	special = 1 << 13 // without literal, one of:

	further = special | 0<<12 // codes that are longer than the first table's index go on in another
	endOf   = special | 1<<12
	invalid = special | 1<<14
	kinds   = 15 << 12

	codeShift  = 8
	codeMask   = 1<<4 - 1
	valueShift = 16
)

const (
	maxBits     = 15
	litBits     = 11 // index of the first table of literals and lengths
	distBits    = 9
	litEntries  = 1 << 12 // with the further tables: 2342 at most (zlib's enough)
	distEntries = 1 << 10 // 594 at most
)

// What the symbols stand for: RFC 1951, 3.2.5.
var (
	lengthBase  = [...]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [...]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [...]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = [...]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// litEntry is the entry of a symbol of the first alphabet, whose code has n bits.
func litEntry(symbol, n int) uint32 {
	switch {
	case symbol < 256:
		return literal | uint32(symbol)<<valueShift | uint32(n)<<codeShift | uint32(n)
	case symbol == 256:
		return endOf | uint32(n)<<codeShift | uint32(n)
	case symbol-257 < len(lengthBase):
		k := symbol - 257
		return uint32(lengthBase[k])<<valueShift | uint32(n)<<codeShift | uint32(n+int(lengthExtra[k]))
	}
	return invalid
}

// distEntry is the entry of a distance.
func distEntry(symbol, n int) uint32 {
	if symbol < len(distBase) {
		return uint32(distBase[symbol])<<valueShift | uint32(n)<<codeShift | uint32(n+int(distExtra[symbol]))
	}
	return invalid
}

// plainEntry is the entry of a symbol that stands for itself.
func plainEntry(symbol, n int) uint32 {
	return uint32(symbol)<<valueShift | uint32(n)<<codeShift | uint32(n)
}

// build fills a table, the first part of which is indexed by index bits, for codes of the given lengths, in the order of their
// symbols. It is false where they are no code: too many, or too few, but for a single one of one bit, or none at all.
func build(table []uint32, index int, lengths []uint8, entry func(symbol, n int) uint32) bool {
	var count [maxBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	longest, used := 0, 0
	for n := 1; n <= maxBits; n++ {
		if count[n] > 0 {
			longest = n
		}
		used += count[n] << (maxBits - n)
	}
	if used != 1<<maxBits {
		if longest > 1 || count[1] > 1 {
			return false
		}
		for i := range table[:1<<index] {
			table[i] = invalid
		}
	}
	var next [maxBits + 2]int // the first code of each length
	for n := 1; n <= maxBits; n++ {
		next[n+1] = (next[n] + count[n]) << 1
	}
	// Codes of one length are given in the order of symbols. Further tables are as large as the longest of their codes needs.
	var size [1 << litBits]uint8 // of the further table of each entry, in bits
	if longest > index {
		codes := next
		for _, n := range lengths {
			if n == 0 {
				continue
			}
			code := codes[n]
			codes[n]++
			if int(n) > index {
				k := reverse(code, int(n)) & (1<<index - 1)
				size[k] = max(size[k], n-uint8(index))
			}
		}
		at := 1 << index
		for k, b := range size[:1<<index] {
			if b > 0 {
				table[k] = further | uint32(at)<<valueShift | uint32(b)<<codeShift | uint32(index)
				at += 1 << b
			}
		}
	}
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		code := reverse(next[n], int(n))
		next[n]++
		if int(n) <= index {
			e := entry(symbol, int(n))
			for k := code; k < 1<<index; k += 1 << n {
				table[k] = e
			}
			continue
		}
		first := table[code&(1<<index-1)]
		more := int(n) - index
		e := entry(symbol, more)
		to := table[first>>valueShift:]
		for k := code >> index; k < 1<<(first>>codeShift&codeMask); k += 1 << more {
			to[k] = e
		}
	}
	return true
}

func reverse(code, n int) int { return int(bits.Reverse16(uint16(code)) >> (16 - n)) }

// pairs joins each literal of the first table with the one that follows, where the index has all of the next one's code.
func pairs(table *[litEntries]uint32) {
	// From above: what an entry is joined with is that of a lower index, so not joined yet. Index 0 is the only one that leads to
	// itself.
	for k := 1<<litBits - 1; k >= 0; k-- {
		e := table[k]
		if e&kinds != literal {
			continue
		}
		n := e & 0xff
		f := table[k>>n]
		if f&kinds == literal && n+f&0xff <= litBits {
			table[k] = literal | pair | e&(0xff<<valueShift) | f>>valueShift<<(valueShift+8) | (n + f&0xff)
		}
	}
}
