package encode

// A chunk's first values, up to Limits.Sample of them or its first page's, are kept as they are; then a look at how many are
// distinct tells whether a dictionary has any chance, before one is made. To look costs 2 ns a number and 5 a text, to code a
// value that is new 11 and 24. What is judged hopeless is never coded; else the values are, and each page is weighed.
//
// Where 97 of 100 values are distinct, page and dictionary together are larger than the page without one, but for long texts.
// Of values drawn evenly it takes 66,000 to be that distinct among 4,096: more than a page has and than a dictionary may hold.
// Values that go round in a circle longer than the sample are misjudged, and fall to the compressor; half the sample would
// misjudge more, for an eighth of a page less to look at.
//
// A column that comes as a dictionary array is coded at once, for that costs less than to copy it. The verdict depends on the
// values alone, and until it is there a page's size is that of its values, so the bytes do not show which way they came.

// stage is how far a column has come in a chunk.
type stage uint8

const (
	first stage = iota // values are kept, or coded, until they are judged
	coded              // by the dictionary
	plain              // not any more, or never
)

// marks is a set of hashes that is good enough to count them by. The zero value is empty.
type marks [1 << 10]uint64

const markBits = 64 << 10

// add marks a hash: 1 where it is new, as far as can be told.
func (m *marks) add(h uint32) int {
	h %= markBits
	bit := uint64(1) << (h & 63)
	isNew := m[h>>6]&bit == 0
	m[h>>6] |= bit
	if isNew {
		return 1
	}
	return 0
}

// few tells that so many values, all that a chunk's first page has, are not worth a look.
func few(n int, lim *Limits) bool { return n == 0 || n < lim.Sample/16 }

// hopeless tells that so many marks of a sample of n values leave a dictionary no chance: as many as 97 in 100 distinct ones
// make, some of which share a mark.
func hopeless(marked, n int) bool {
	d := n * 97 / 100
	return marked >= d-d*d/(2*markBits)+d*d/markBits*d/(6*markBits)
}
