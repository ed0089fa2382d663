package commitlog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"datalake/pkg/layout"
)

// Empty is the state of an empty log.
func Empty() *State {
	return &State{
		Partitions: map[Partition]*Content{},
		Sources:    map[string]Source{},
		Attempts:   map[string]uint64{},
		Ledger:     &Ledger{stored: &stored{}},
		Held:       map[uint64]Hold{},
		Condemned:  map[string]uint64{},
		Settled:    map[string]uint64{},
	}
}

// Next gives the state after an entry, which need not be in the log yet; hash is that of its bytes. Errors: ErrChain if
// the entry does not follow, ErrInvalid if its body contradicts the state, and those of Ledger.Seq.
func (s *State) Next(ctx context.Context, e *Entry, hash string, b *Body) (*State, error) {
	inputs, err := runOf(b.Inputs, e.Seq)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	n := s.clone()
	if err := n.apply(ctx, e, hash, b, inputs); err != nil {
		return nil, err
	}
	return n, nil
}

// clone gives a state whose maps are its own. What they hold is shared: apply replaces it and never changes it.
func (s *State) clone() *State {
	c := *s
	c.Partitions = maps.Clone(s.Partitions)
	c.Sources = maps.Clone(s.Sources)
	c.Attempts = maps.Clone(s.Attempts)
	c.Left = slices.Clone(s.Left)
	c.Doomed = slices.Clone(s.Doomed)
	c.Condemned = maps.Clone(s.Condemned)
	c.Held = maps.Clone(s.Held)
	c.Settled = maps.Clone(s.Settled)
	c.Counts = Counts{}
	c.Counts.Add(s.Counts)
	return &c
}

// apply makes s the state after the entry, the body of which consumed inputs. After an error s is of no use.
func (s *State) apply(ctx context.Context, e *Entry, hash string, b *Body, inputs *run) error {
	if e.Seq != s.Seq+1 || e.Prev != s.Hash {
		return fmt.Errorf("%w: entry %d does not follow entry %d", ErrChain, e.Seq, s.Seq)
	}
	if e.Base > s.Seq {
		return fmt.Errorf("%w: entry %d is based on entry %d", ErrChain, e.Seq, e.Base)
	}
	v := validation{}
	other, twice := s.Attempts[e.Attempt]
	v.check(!twice, "attempt %s is in the log already, as entry %d", e.Attempt, other)
	_, condemned := s.Condemned[e.Attempt]
	v.check(!condemned, "attempt %s is condemned", e.Attempt)
	s.Attempts[e.Attempt] = e.Seq
	s.Seq, s.Hash, s.MinWriter = e.Seq, hash, max(s.MinWriter, e.MinWriter)
	if e.Seq == 1 {
		s.Roots, s.Catalogs = e.Roots, e.Catalogs
	}
	v.merge(b.Validate())
	for i := range b.Acts {
		s.act(&v, &b.Acts[i])
	}
	if err := s.consume(ctx, &v, b, inputs); err != nil {
		return fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	s.behind += e.Body.Size
	for name, schema := range b.Schemas {
		src := s.Sources[name]
		src.Schema, src.SchemaSeq = schema, e.Seq
		s.Sources[name] = src
	}
	for name, fingerprint := range b.Fingerprints {
		if src := s.Sources[name]; src.Fingerprint != fingerprint {
			src.Fingerprint, src.FingerprintSeq = fingerprint, e.Seq
			s.Sources[name] = src
		}
	}
	v.check((b.Collect != nil) == (e.Kind == GC), "an entry of kind %s that collects: %t", e.Kind, b.Collect != nil)
	if b.Collect != nil {
		s.collect(&v, b.Collect)
	}
	var counts Counts
	for _, c := range b.Counts {
		counts.Add(c)
	}
	v.check(counts.In == e.Counts.In && counts.Out == e.Counts.Out && counts.Duplicates == e.Counts.Duplicates && counts.Quarantined == e.Counts.Quarantined,
		"the counts of entry and body differ: %+v, %+v", e.Counts, counts)
	s.Counts.Add(counts)
	if err := v.err(); err != nil {
		return fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	return nil
}

func (v *validation) merge(err error) {
	if err != nil {
		v.check(false, "%v", err)
	}
}

// consume applies what becomes of inputs.
func (s *State) consume(ctx context.Context, v *validation, b *Body, inputs *run) error {
	var reread int64
	err := s.Ledger.taken(ctx, inputs, func(folder string, seq uint64) {
		reread++
		v.check(b.Reread > 0, "an input in %q was consumed before, by entry %d", folder, seq)
		if h, ok := s.Held[seq]; ok {
			if h.Inputs--; h.Inputs > 0 {
				s.Held[seq] = h
			} else {
				delete(s.Held, seq)
			}
		}
	})
	if err != nil {
		return err
	}
	v.check(b.Reread == 0 || b.Reread == reread, "%d inputs were consumed before, the body says %d", reread, b.Reread)
	s.Ledger = s.Ledger.with(inputs, int(reread))
	for seq, h := range b.Hold {
		_, held := s.Held[seq]
		v.check(seq > 0 && seq < s.Seq && !held && h.Inputs > 0 && h.Unread == "", "%d inputs of entry %d are held, held before: %t", h.Inputs, seq, held)
		s.Held[seq] = h
	}
	if b.Unread != "" {
		n := int64(inputs.len())
		v.check(n > 0 && reread == 0, "%d inputs that nobody has read, of which %d were consumed before", n, reread)
		s.Held[s.Seq] = Hold{Unread: b.Unread, Inputs: n}
	}
	for _, seq := range b.Release {
		h, ok := s.Held[seq]
		v.check(ok, "entry %d is released, but nothing of it is held", seq)
		delete(s.Held, seq)
		s.Ledger = s.Ledger.without(seq, int(h.Inputs))
	}
	return nil
}

// act applies what becomes of one partition.
func (s *State) act(v *validation, a *Act) {
	old := s.Partitions[a.Partition]
	switch {
	case a.Kind == New && old != nil:
		v.check(false, "%s: new, but it exists", a.Partition)
		return
	case a.Kind != New && old == nil:
		v.check(false, "%s: %s, but it does not exist", a.Partition, a.Kind)
		return
	case a.Kind == Add:
		v.check(a.Dir == old.Dir, "%s: add to %s, but its directory is %s", a.Partition, a.Dir, old.Dir)
		for _, f := range a.Files {
			v.check(!slices.ContainsFunc(old.Files, func(g File) bool { return g.Name == f.Name }), "%s: file %s is there already", a.Partition, f.Name)
		}
		files := append(old.Files[:len(old.Files):len(old.Files)], a.Files...)
		s.Partitions[a.Partition] = &Content{Dir: old.Dir, DirSince: old.DirSince, Since: s.Seq, Files: files}
		return
	case a.Kind == Swap:
		v.check(a.Dir != old.Dir, "%s: swap to the directory that it has", a.Partition)
		s.Left = append(s.Left, Dir{Zone: a.Zone, Key: old.Dir, Seq: s.Seq})
	}
	n := &Content{Dir: a.Dir, DirSince: s.Seq, Since: s.Seq, Files: slices.Clone(a.Files)}
	if a.Same && old != nil {
		v.check(n.Rows() == old.Rows(), "%s: %d rows in place of the same %d", a.Partition, n.Rows(), old.Rows())
		n.Version = old.RowsSince()
	}
	s.Partitions[a.Partition] = n
}

// collect applies what gc decided.
func (s *State) collect(v *validation, c *Collect) {
	for _, id := range c.Condemned {
		seq, decided := s.Attempts[id]
		v.check(!decided, "attempt %s is condemned, but it is entry %d", id, seq)
		s.Condemned[id] = s.Seq
	}
	for _, id := range c.Settled {
		_, decided := s.Attempts[id]
		v.check(decided, "attempt %s is settled, but it is not in the log", id)
		s.Settled[id] = s.Seq
	}
	listed := make(map[string]bool, len(c.Dirs))
	for _, d := range c.Dirs {
		listed[d.Key] = true
		v.check(slices.Contains(s.Left, d), "directory %s is listed, but no partition has left it", d.Key)
		v.check(d.Seq <= c.Oldest, "directory %s is listed, but state %d may be restored", d.Key, c.Oldest)
	}
	s.Doomed = append(s.Doomed, c.Dirs...)
	s.Left = slices.DeleteFunc(s.Left, func(d Dir) bool { return listed[d.Key] })
	if len(c.Settled)+len(c.Dirs) > 0 {
		s.settle(c.Settled, listed)
	}
	v.check(c.Oldest >= s.Oldest && c.Oldest <= s.Seq, "oldest state %d after %d", c.Oldest, s.Oldest)
	s.Oldest = c.Oldest
	gone := make(map[string]bool, len(c.Gone))
	for _, name := range c.Gone {
		gone[name] = true
		delete(s.Condemned, name)
		delete(s.Settled, name)
	}
	s.Doomed = slices.DeleteFunc(s.Doomed, func(d Dir) bool { return gone[d.Key] })
}

// settle names for files whose place at their decision goes, because an attempt put them aside or the partition has
// left the directory, the place where they are published.
func (s *State) settle(attempts []string, dirs map[string]bool) {
	settled := make(map[string]bool, len(attempts))
	for _, id := range attempts {
		settled[id] = true
	}
	for p, c := range s.Partitions {
		aside := (layout.Zone{Prefix: s.Roots[p.Zone]}).Aside() + "/"
		goes := func(f File) bool {
			rest, ok := strings.CutPrefix(f.Key, aside)
			id, rest, cut := strings.Cut(rest, "/")
			return ok && cut && settled[id] && strings.HasPrefix(rest, "data/") || dirs[strings.TrimSuffix(f.Key, f.Name)]
		}
		if !slices.ContainsFunc(c.Files, goes) {
			continue
		}
		n := *c
		n.Files = slices.Clone(c.Files)
		for i := range n.Files {
			if goes(n.Files[i]) {
				n.Files[i].Key = n.Dir + n.Files[i].Name
			}
		}
		s.Partitions[p] = &n
	}
}
