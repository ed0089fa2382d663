package commitlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"sort"
)

// Ledger knows which versions of which objects were consumed, and by which entry. It keeps 128 bits of a cryptographic
// hash of key and ETag, not the names: those are in the bodies. Immutable; safe for concurrent use.
//
// Most of it is one sorted array of 24-byte items, as checkpoints have it; what came since is a small map. So a ledger
// of a million objects takes 24 MB, and loading it is one read.
type Ledger struct {
	items  []byte // sorted, ledgerItem bytes each: hash, entry
	recent map[[16]byte]uint64
}

const ledgerItem = 24

func ledgerHash(key, etag string) (h [16]byte) {
	buf := make([]byte, 0, 256)
	buf = binary.AppendUvarint(buf, uint64(len(key)))
	buf = append(append(buf, key...), etag...)
	sum := sha256.Sum256(buf)
	return [16]byte(sum[:16])
}

// Seq gives the entry that consumed the version etag of the object key.
func (l *Ledger) Seq(key, etag string) (seq uint64, ok bool) {
	return l.find(ledgerHash(key, etag))
}

func (l *Ledger) find(h [16]byte) (uint64, bool) {
	if seq, ok := l.recent[h]; ok {
		return seq, true
	}
	n := len(l.items) / ledgerItem
	i := sort.Search(n, func(i int) bool { return bytes.Compare(l.items[i*ledgerItem:i*ledgerItem+16], h[:]) >= 0 })
	if i < n && bytes.Equal(l.items[i*ledgerItem:i*ledgerItem+16], h[:]) {
		return binary.BigEndian.Uint64(l.items[i*ledgerItem+16:]), true
	}
	return 0, false
}

// Len is the number of versions consumed.
func (l *Ledger) Len() int { return len(l.items)/ledgerItem + len(l.recent) }

// clone gives a ledger to which more can be added while readers go on with l.
func (l *Ledger) clone() *Ledger {
	c := &Ledger{items: l.items, recent: make(map[[16]byte]uint64, len(l.recent))}
	maps.Copy(c.recent, l.recent)
	return c
}

// add says whether the version was not yet there.
func (l *Ledger) add(key, etag string, seq uint64) bool {
	h := ledgerHash(key, etag)
	if _, taken := l.find(h); taken {
		return false
	}
	l.recent[h] = seq
	return true
}

// encode gives all items, sorted.
func (l *Ledger) encode() []byte {
	recent := make([][ledgerItem]byte, 0, len(l.recent))
	for h, seq := range l.recent {
		var item [ledgerItem]byte
		copy(item[:], h[:])
		binary.BigEndian.PutUint64(item[16:], seq)
		recent = append(recent, item)
	}
	slices.SortFunc(recent, func(a, b [ledgerItem]byte) int { return bytes.Compare(a[:], b[:]) })
	all := make([]byte, 0, len(l.items)+len(recent)*ledgerItem)
	items := l.items
	for _, r := range recent {
		i := sort.Search(len(items)/ledgerItem, func(i int) bool { return bytes.Compare(items[i*ledgerItem:(i+1)*ledgerItem], r[:]) >= 0 })
		all = append(append(all, items[:i*ledgerItem]...), r[:]...)
		items = items[i*ledgerItem:]
	}
	return append(all, items...)
}
