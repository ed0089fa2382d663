package commitlog

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Ledger knows which versions of which objects were consumed, and by which entry. It keeps 128 bits of a cryptographic
// hash of key and ETag, not the names: those are in the bodies. Immutable; safe for concurrent use.
//
// It is a row of runs, each sorted by folder and hash: the oldest is what the checkpoint holds, which stays in the store
// and is read a block at a time when it is asked for (see stored); what came since is in memory, 16 bytes an object. Sorted by folder, since a
// listing goes through the folders in order: it reads each block once, and no more than a folder's blocks need be held
// at a time. By hash alone every look-up would go to another place, and a listing of one day would read the whole.
//
// An object that is read again is in it twice, in runs of different ages: the newer item counts, and the older one goes when the
// runs are merged. Items of entries that were released count as missing, and go when a checkpoint is written.
type Ledger struct {
	stored *stored
	runs   []*run // oldest first; each at least twice as long as the one after it
	n      int    // of items that count
	gone   []uint64
}

// id is the hash of a version of an object, its high half first.
type id [2]uint64

func (a id) compare(b id) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }

const idBytes = 16

// ledgerHash begins with the length of the key, so that key and ETag do not run into one another.
func ledgerHash[S ~string | ~[]byte](key, etag S) id {
	buf := make([]byte, 0, 256)
	buf = binary.AppendUvarint(buf, uint64(len(key)))
	buf = append(append(buf, key...), etag...)
	sum := sha256.Sum256(buf)
	return id{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

// folderOf is the key up to its last slash, that one included.
func folderOf[S ~string | ~[]byte](key S) S {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] == '/' {
			return key[:i+1]
		}
	}
	return key[:0]
}

// Seq gives the entry that consumed the version etag of the object key. Most of what it looks at may be in the store:
// errors are the store's, and those of Log.At where a checkpoint was lost meanwhile.
func (l *Ledger) Seq(ctx context.Context, key, etag string) (seq uint64, ok bool, err error) {
	return l.find(ctx, folderOf(key), ledgerHash(key, etag))
}

func (l *Ledger) find(ctx context.Context, folder string, h id) (uint64, bool, error) {
	seq, ok, err := l.newest(ctx, folder, h)
	if ok && slices.Contains(l.gone, seq) {
		return 0, false, nil
	}
	return seq, ok, err
}

func (l *Ledger) newest(ctx context.Context, folder string, h id) (uint64, bool, error) {
	for _, r := range slices.Backward(l.runs) {
		if seq, ok := r.find(folder, h); ok {
			return seq, true, nil
		}
	}
	return l.stored.find(ctx, folder, h)
}

// Len is the number of versions consumed.
func (l *Ledger) Len() int { return l.n }

// without gives the ledger without the n items of an entry.
func (l *Ledger) without(seq uint64, n int) *Ledger {
	return &Ledger{stored: l.stored, runs: l.runs, n: l.n - n, gone: append(l.gone[:len(l.gone):len(l.gone)], seq)}
}

// with gives the ledger with another run in it, of whose items it had some before.
func (l *Ledger) with(r *run, had int) *Ledger {
	if r.len() == 0 {
		return l
	}
	runs := append(l.runs[:len(l.runs):len(l.runs)], r)
	for n := len(runs); n > 1 && runs[n-2].len() < 2*runs[n-1].len(); n-- {
		runs = append(runs[:n-2], merge(runs[n-2], runs[n-1]))
	}
	return &Ledger{stored: l.stored, runs: runs, n: l.n + r.len() - had, gone: l.gone}
}

// walk hands over all items in order.
func (l *Ledger) walk(ctx context.Context, add func(folder string, h id, seq uint64)) error {
	all := &run{}
	for _, r := range slices.Backward(l.runs) {
		all = merge(r, all)
	}
	return l.stored.walk(ctx, all, func(folder string, h id, seq uint64) {
		if !slices.Contains(l.gone, seq) {
			add(folder, h, seq)
		}
	})
}

// taken calls found for each item of r that the ledger has already, with the entry that consumed it.
func (l *Ledger) taken(ctx context.Context, r *run, found func(folder string, seq uint64)) error {
	for folder, h := range r.all() {
		seq, ok, err := l.find(ctx, folder, h)
		if err != nil {
			return err
		}
		if ok {
			found(folder, seq)
		}
	}
	return nil
}

// run is a part of a ledger, sorted by folder and hash. Immutable.
type run struct {
	folders []string
	ends    []int  // where the items of each folder end
	ids     []byte // idBytes each
	// The entries of the items: least, plus a number of width bytes each. Mostly they are of one entry, and width is 0.
	least uint64
	width int
	seqs  []byte
}

func (r *run) len() int { return len(r.ids) / idBytes }

func (r *run) id(i int) id {
	b := r.ids[i*idBytes : (i+1)*idBytes]
	return id{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (r *run) seq(i int) uint64 {
	seq := uint64(0)
	for _, b := range r.seqs[i*r.width : (i+1)*r.width] {
		seq = seq<<8 | uint64(b)
	}
	return r.least + seq
}

// span is where the items of folder f lie.
func (r *run) span(f int) (from, to int) {
	if f > 0 {
		from = r.ends[f-1]
	}
	return from, r.ends[f]
}

func (r *run) find(folder string, h id) (uint64, bool) {
	f, ok := slices.BinarySearch(r.folders, folder)
	if !ok {
		return 0, false
	}
	return r.findIn(f, h)
}

// findIn looks for an item of folder f.
func (r *run) findIn(f int, h id) (uint64, bool) {
	from, end := r.span(f)
	for to := end; from < to; {
		mid := int(uint(from+to) >> 1)
		if r.id(mid).compare(h) < 0 {
			from = mid + 1
		} else {
			to = mid
		}
	}
	if from < end && r.id(from) == h {
		return r.seq(from), true
	}
	return 0, false
}

// all yields the items in order.
func (r *run) all() func(yield func(folder string, h id) bool) {
	return func(yield func(string, id) bool) {
		for f, folder := range r.folders {
			for i, to := r.span(f); i < to; i++ {
				if !yield(folder, r.id(i)) {
					return
				}
			}
		}
	}
}

// builder makes a run of items that come in order.
type builder struct {
	run
	list []uint64 // entries of the items
}

func (b *builder) add(folder string, h id, seq uint64) {
	if n := len(b.folders); n == 0 || b.folders[n-1] != folder {
		b.folders, b.ends = append(b.folders, folder), append(b.ends, len(b.list))
	}
	b.ids = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b.ids, h[0]), h[1])
	b.list = append(b.list, seq)
	b.ends[len(b.ends)-1] = len(b.list)
}

// finish gives the run; the builder is as new then.
func (b *builder) finish() *run {
	r := b.run
	if len(b.list) > 0 {
		r.least = slices.Min(b.list)
		for most := slices.Max(b.list) - r.least; most > 0; most >>= 8 {
			r.width++
		}
	}
	if r.width > 0 {
		r.seqs = make([]byte, 0, len(b.list)*r.width)
		var be [8]byte
		for _, seq := range b.list {
			binary.BigEndian.PutUint64(be[:], seq-r.least)
			r.seqs = append(r.seqs, be[8-r.width:]...)
		}
	}
	*b = builder{}
	return &r
}

// merge makes one run of two, the first of which is older.
func merge(a, b *run) *run {
	var m builder
	m.ids, m.list = make([]byte, 0, len(a.ids)+len(b.ids)), make([]uint64, 0, a.len()+b.len())
	both := pair{cursor{run: a}, cursor{run: b}}
	for both.next(m.add) {
	}
	return m.finish()
}

// cursor stands before an item of a run.
type cursor struct {
	run          *run
	folder, item int
}

func (c *cursor) done() bool { return c.run == nil || c.item == c.run.len() }

func (c *cursor) take(add func(string, id, uint64)) {
	add(c.run.folders[c.folder], c.run.id(c.item), c.run.seq(c.item))
	c.skip()
}

func (c *cursor) skip() {
	if c.item++; c.item == c.run.ends[c.folder] {
		c.folder++
	}
}

// pair takes the items of two runs in order, the first of which is older: of an item that both have, the newer one.
type pair struct{ a, b cursor }

// next hands over the next item; false if there is none left.
func (p *pair) next(add func(string, id, uint64)) bool {
	if p.a.done() && p.b.done() {
		return false
	}
	switch c := p.compare(); {
	case c < 0:
		p.a.take(add)
	case c == 0:
		p.a.skip()
		fallthrough
	default:
		p.b.take(add)
	}
	return true
}

// compare orders the next items of both, of which one at least is there.
func (p *pair) compare() int {
	switch {
	case p.b.done():
		return -1
	case p.a.done():
		return 1
	}
	c := strings.Compare(p.a.run.folders[p.a.folder], p.b.run.folders[p.b.folder])
	return cmp.Or(c, p.a.run.id(p.a.item).compare(p.b.run.id(p.b.item)))
}

// gatherer makes a run of the inputs of one entry, which come in any order: best by key.
type gatherer struct {
	folders map[string]*[]id
	last    *[]id
	name    string // of last
	n       int
}

// add takes a version of an object, and keeps neither argument.
func (g *gatherer) add(key, etag []byte) {
	if folder := folderOf(key); g.last == nil || g.name != string(folder) {
		g.turn(string(folder))
	}
	g.put(ledgerHash(key, etag))
}

// turn makes folder the one that put goes to.
func (g *gatherer) turn(folder string) {
	if g.folders == nil {
		g.folders = map[string]*[]id{}
	}
	ids := g.folders[folder]
	if ids == nil {
		ids = new([]id)
		g.folders[folder] = ids
	}
	g.last, g.name = ids, folder
}

func (g *gatherer) put(h id) {
	*g.last = append(*g.last, h)
	g.n++
}

// run gives what was added, as consumed by entry seq. Error: ErrInvalid if a version was added twice.
func (g *gatherer) run(seq uint64) (*run, error) {
	r := &run{ids: make([]byte, 0, g.n*idBytes), least: seq}
	r.folders = make([]string, 0, len(g.folders))
	for folder := range g.folders {
		r.folders = append(r.folders, folder)
	}
	slices.Sort(r.folders)
	for _, folder := range r.folders {
		ids := *g.folders[folder]
		slices.SortFunc(ids, id.compare)
		for i, h := range ids {
			if i > 0 && h == ids[i-1] {
				return nil, fmt.Errorf("%w: an input in %q twice", ErrInvalid, folder)
			}
			r.ids = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(r.ids, h[0]), h[1])
		}
		r.ends = append(r.ends, r.len())
	}
	return r, nil
}

// runOf gives the run of a body's inputs.
func runOf(inputs []Input, seq uint64) (*run, error) {
	var g gatherer
	for i := range inputs {
		if folder := folderOf(inputs[i].Key); g.last == nil || g.name != folder {
			g.turn(strings.Clone(folder)) // the ledger outlives the body
		}
		g.put(ledgerHash(inputs[i].Key, inputs[i].ETag))
	}
	return g.run(seq)
}
