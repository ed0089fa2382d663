package dedupe

import "iter"

// Filter says of a key whether the run may have it: never no wrongly, yes wrongly about once in fifty times. It keeps the table's
// keys, of which few matter, out of the buckets. Safe for concurrent reading.
type Filter struct {
	words []uint64
}

// NewFilter has room for the keys of b, which must not change any more. It takes no more than most bytes: of many more keys
// than those have bits, it is wrong more often.
func NewFilter(b *Buckets, most int64) (*Filter, error) {
	n := b.Len()
	size := int64(64)
	for size < n/8 && 2*8*size <= most { // 8 to 16 bits and two probes a key
		size *= 2
	}
	f := &Filter{words: make([]uint64, size)}
	for keys, err := range b.all() {
		if err != nil {
			return nil, err
		}
		for i := range keys {
			w, m := f.probe(&keys[i])
			f.words[w] |= m
		}
	}
	return f, nil
}

// probe gives the word that a key's two bits are in: one cache line is touched.
func (f *Filter) probe(k *Key) (word, mask uint64) {
	h := k.H1 ^ k.H0>>7
	return h >> 12 & uint64(len(f.words)-1), 1<<(h&63) | 1<<(h>>6&63)
}

// Has says whether the run may have the key.
func (f *Filter) Has(k *Key) bool {
	w, m := f.probe(k)
	return f.words[w]&m == m
}

// all yields the keys of every bucket, some at a time; a slice is valid until the next.
func (b *Buckets) all() iter.Seq2[[]Key, error] {
	return func(yield func([]Key, error) bool) {
		scratch := new(block)
		for i := range b.b {
			for keys, err := range b.blocks(i, scratch) {
				if !yield(keys, err) || err != nil {
					return
				}
			}
		}
	}
}

// Hashes yields the H0 of each key of the run; for asking the bloom filters of a few files.
func (b *Buckets) Hashes() iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		for keys, err := range b.all() {
			if err != nil {
				yield(0, err)
				return
			}
			for i := range keys {
				if !yield(keys[i].H0, nil) {
					return
				}
			}
		}
	}
}
