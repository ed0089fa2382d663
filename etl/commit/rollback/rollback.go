package rollback

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"datalake/etl/commit"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// The errors that callers tell apart.
var (
	// ErrState: there is no such state, or it cannot be restored any more. The text names those that can.
	ErrState = errors.New("no state to go back to")
	// ErrShared: inputs that would be held belong to other tables too. The text names these.
	ErrShared = errors.New("tables share inputs")
)

// Options say what to bring back. The zero value takes everything back.
type Options struct {
	// Source whose table and quarantine are brought back; empty: all.
	Source string
	// To is the state, by the number of the entry that made it; 0 is the state before the first.
	To uint64
	// DryRun says what would be done, and does nothing.
	DryRun bool
}

// Change is what a rollback does to one partition.
type Change struct {
	commitlog.Partition
	// Rows, or records of the quarantine, and files before and after.
	Rows      int64 `json:"rows"`
	RowsAfter int64 `json:"rows_after"`
	Files     int   `json:"files"`
	FilesNow  int   `json:"files_after"`
}

// Result says what a rollback did, or would do.
type Result struct {
	// From is the state before, To the one that came back.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Decided is its entry; 0 where nothing differs, and in a dry run.
	Decided uint64 `json:"decided"`
	// Partitions that differ.
	Partitions []Change `json:"partitions"`
	// Objects that are held from now on, and their bytes.
	Objects int64 `json:"objects_held"`
	Bytes   int64 `json:"bytes_held"`
	// Schemas are the sources whose older schema came back.
	Schemas []string `json:"schemas,omitempty"`
}

// Run brings tables back to an older state. It does not publish. Where nothing differs any more, it does nothing: so it may be repeated
// after any error. Errors: ErrState, ErrShared, commit.ErrConflict when others were in the way again and again, those of
// commit.Begin and Attempt.Decide.
func Run(ctx context.Context, lake commit.Lake, o Options) (*Result, error) {
	return commit.Retry(func() (*Result, error) { return try(ctx, lake, o) })
}

func try(ctx context.Context, lake commit.Lake, o Options) (*Result, error) {
	head, err := lake.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(ctx, lake, head, o)
	if err != nil || o.DryRun || p.empty() {
		return p.result(), err
	}
	a, err := commit.Begin(ctx, lake)
	if err != nil {
		return nil, err
	}
	if a.Base.Seq != head.Seq {
		if p, err = newPlan(ctx, lake, a.Base, o); err != nil || p.empty() {
			return p.result(), errors.Join(err, a.Abandon(ctx))
		}
	}
	acts, err := a.Restore(ctx, p.old, p.partitions())
	if err != nil {
		return nil, err
	}
	r := p.result()
	d := commit.Decision{Kind: commitlog.Rollback, Alone: o.Source == "", Body: p.body(acts)}
	if o.Source != "" {
		d.Sources = []string{o.Source}
	}
	r.Decided, err = a.Decide(ctx, d)
	return r, err
}

// plan is what a rollback would do on a state.
type plan struct {
	o       Options
	head    *commitlog.State
	old     *commitlog.State
	changes []Change
	hold    []commitlog.Input
	holds   map[uint64]commitlog.Hold // by the entries that consumed them
	keep    []commitlog.Input         // consumed anew
	reread  int64                     // those of keep that are not pending
	shared  map[string]bool           // other tables of what is held or consumed anew
	objects int                       // those that these have a part in
	counts  map[string]commitlog.Counts
	schemas []string // sources whose schema comes back
}

func newPlan(ctx context.Context, lake commit.Lake, head *commitlog.State, o Options) (*plan, error) {
	switch {
	case o.To > head.Seq:
		return nil, fmt.Errorf("%w: the newest state is %d, %d does not exist", ErrState, head.Seq, o.To)
	case o.To < head.Oldest:
		return nil, fmt.Errorf("%w: gc has taken away files of state %d; the oldest that can be restored is %d", ErrState, o.To, head.Oldest)
	}
	p := &plan{o: o, head: head, holds: map[uint64]commitlog.Hold{}, shared: map[string]bool{}, counts: map[string]commitlog.Counts{}}
	var err error
	if p.old, err = lake.Log.At(ctx, o.To); err != nil {
		return nil, err
	}
	p.compare()
	return p, p.inputs(ctx, lake)
}

func (p *plan) wants(source string) bool { return p.o.Source == "" || p.o.Source == source }

// compare finds the partitions that differ. Of a source whose rows mean something else now, all do that have files, because the older
// schema comes back with the rows.
func (p *plan) compare() {
	turned := map[string]bool{}
	for name, is := range p.head.Sources {
		if was := p.old.Sources[name]; p.wants(name) && was.Fingerprint != "" && was.Fingerprint != is.Fingerprint {
			turned[name] = true
		}
	}
	p.schemas = slices.Sorted(maps.Keys(turned))
	for _, part := range slices.SortedFunc(maps.Keys(p.head.Partitions), commitlog.Partition.Compare) {
		source := layout.SourceOf(part.Path)
		is, was := p.head.Partitions[part], p.old.Partitions[part]
		if was == nil {
			was = &commitlog.Content{}
		}
		again := part.Zone == layout.Processed && turned[source] && len(is.Files) > 0
		if !p.wants(source) || slices.EqualFunc(is.Files, was.Files, same) && !again {
			continue
		}
		p.changes = append(p.changes, Change{part, is.Rows(), was.Rows(), len(is.Files), len(was.Files)})
		gone, back := difference(is, was), difference(was, is)
		c := p.counts[source]
		if part.Zone == layout.Quarantine {
			c.Withdrawn += gone - back
		} else {
			c.Replaced += gone
			c.Restored += back
		}
		p.counts[source] = c
	}
}

func same(a, b commitlog.File) bool { return a.Name == b.Name && a.SHA256 == b.SHA256 }

// difference is how many rows lie in files of a that b does not have.
func difference(a, b *commitlog.Content) (rows int64) {
	for _, f := range a.Files {
		if !slices.ContainsFunc(b.Files, func(g commitlog.File) bool { return same(f, g) }) {
			rows += f.Rows
		}
	}
	return rows
}

// inputs finds out what becomes of inputs: those that entries after the older state consumed, and that it had not consumed itself, are held
// from now on; those that it had, and that are held or pending now, are consumed again, for their rows come back. What stays consumed is told
// apart from what is held of the same entry by being consumed anew.
func (p *plan) inputs(ctx context.Context, lake commit.Lake) error {
	seqs := map[uint64]bool{}
	for seq := p.o.To + 1; seq <= p.head.Seq; seq++ {
		seqs[seq] = true
	}
	for seq := range p.head.Held {
		if _, was := p.old.Held[seq]; !was {
			seqs[seq] = true
		}
	}
	seen, stay := map[version]bool{}, map[uint64][]commitlog.Input{}
	queue := slices.Sorted(maps.Keys(seqs))
	for n := 0; n < len(queue); n++ {
		r, err := lake.Log.Entry(ctx, queue[n])
		if err != nil {
			return err
		}
		b, err := r.ReadBody(ctx)
		if err != nil {
			return err
		}
		for _, seq := range b.Release { // what was released since may be of older entries
			if !seqs[seq] {
				seqs[seq] = true
				queue = append(queue, seq)
			}
		}
		for i := range b.Inputs {
			if v := (version{b.Inputs[i].Key, b.Inputs[i].ETag}); !seen[v] {
				seen[v] = true
				if err := p.input(ctx, b.Inputs[i], b.Counts, stay); err != nil {
					return err
				}
			}
		}
	}
	for seq := range p.holds {
		p.keep = append(p.keep, stay[seq]...)
		p.reread += int64(len(stay[seq]))
	}
	if len(p.shared) > 0 {
		return fmt.Errorf("%w: %d of the objects that fed %s since state %d also fed %s: bring all tables back together", ErrShared,
			p.objects, commit.SourceTable(p.o.Source), p.o.To, strings.Join(slices.Sorted(maps.Keys(p.shared)), ", "))
	}
	return nil
}

type version struct{ key, etag string }

// input finds out what becomes of one input.
func (p *plan) input(ctx context.Context, in commitlog.Input, counts map[string]commitlog.Counts, stay map[uint64][]commitlog.Input) error {
	by, ok, err := p.head.Ledger.Seq(ctx, in.Key, in.ETag)
	if err != nil {
		return err
	}
	was, consumed, err := p.old.Ledger.Seq(ctx, in.Key, in.ETag)
	if err != nil {
		return err
	}
	_, held := p.head.Held[by]
	if _, wasHeld := p.old.Held[was]; wasHeld {
		consumed = false
	}
	sources := in.Sources(counts)
	wanted := p.o.Source == "" || slices.Contains(sources, p.o.Source)
	switch {
	case (held || !ok) && (!consumed || !wanted):
		return nil
	case held:
		p.keep = append(p.keep, in)
		p.reread++
	case !ok:
		p.keep = append(p.keep, in)
	case consumed || !wanted:
		stay[by] = append(stay[by], in)
		return nil
	default:
		p.hold = append(p.hold, in)
		h := p.holds[by]
		h.Source = p.o.Source
		h.Inputs++
		p.holds[by] = h
	}
	others := slices.DeleteFunc(sources, p.wants)
	if len(others) > 0 {
		p.objects++
	}
	for _, s := range others {
		p.shared[commit.SourceTable(s)] = true
	}
	return nil
}

func (p *plan) empty() bool { return len(p.changes)+len(p.hold)+len(p.keep) == 0 }

func (p *plan) partitions() []commitlog.Partition {
	ps := make([]commitlog.Partition, len(p.changes))
	for i, c := range p.changes {
		ps[i] = c.Partition
	}
	return ps
}

func (p *plan) result() *Result {
	if p == nil {
		return nil
	}
	r := &Result{From: p.head.Seq, To: p.o.To, Partitions: p.changes, Objects: int64(len(p.hold)), Schemas: p.schemas}
	for _, in := range p.hold {
		r.Bytes += in.Size
	}
	return r
}

func (p *plan) body(acts []commitlog.Act) *commitlog.Body {
	b := &commitlog.Body{Acts: acts, Inputs: p.keep, Reread: p.reread, Hold: p.holds, Counts: p.counts}
	for _, name := range p.schemas {
		if b.Schemas == nil {
			b.Schemas, b.Fingerprints = map[string]*schema.Schema{}, map[string]string{}
		}
		b.Schemas[name], b.Fingerprints[name] = p.old.Sources[name].Schema, p.old.Sources[name].Fingerprint
	}
	return b
}
