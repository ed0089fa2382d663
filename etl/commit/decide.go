package commit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/planted"
	"datalake/pkg/storage"
)

// Decision is what an attempt wants to have decided.
type Decision struct {
	// Kind of the entry; empty means run.
	Kind string
	// By and Why are the entry's.
	By, Why string
	// Reads are the partitions that the result depends on, besides those it acts on: all in the scope of the dedupe
	// key.
	Reads []commitlog.Set
	// Alone says that the result depends on all of the base: any entry after it, but those of gc, is in the way.
	Alone bool
	// Sources are those that the result depends on as a whole: any entry after the base that has to do with them, but those of gc, is in
	// the way.
	Sources []string
	// Body holds inputs, acts and counts. Decide fills in the directories of the acts, and for files that the partition
	// has already the key at which it found them, and sorts the lists.
	Body *commitlog.Body
}

// Decide puts the attempt's entry into the log and gives its number; if the attempt is in the log already, it gives
// that. Before, it checks that body and base agree, that the counts balance, and that every file is there with its
// size, and makes all these files durable at once, whoever put them.
//
// Errors: *Conflict, ErrCondemned, ErrUnknown, ErrFingerprint, ErrRoots, ErrMissing, commitlog.ErrInvalid,
// commitlog.ErrNewer. After any but ErrUnknown the attempt is not in the log, and never will be unless Decide is called
// again.
func (a *Attempt) Decide(ctx context.Context, d Decision) (uint64, error) {
	if d.Kind == "" {
		d.Kind = commitlog.Run
	}
	seq, err := a.decide(ctx, &d)
	if err != nil {
		return 0, fmt.Errorf("decide attempt %s: %w", a.ID, err)
	}
	return seq, nil
}

func (a *Attempt) decide(ctx context.Context, d *Decision) (uint64, error) {
	// What others decided comes first: a conflict is the reason for most of what the checks below would find.
	head, decided, err := a.examine(ctx, d)
	if err != nil || decided > 0 {
		return decided, err
	}
	if err := a.prepare(ctx, d.Body); err != nil {
		return 0, err
	}
	if err := a.plant(ctx, d.Body); err != nil {
		return 0, err
	}
	if !planted.Bug("decide-unsynced") {
		if err := a.aside.sync(ctx); err != nil {
			return 0, err
		}
	}
	ref, err := a.lake.Log.PutBody(ctx, a.ID, d.Body)
	if err != nil {
		return 0, err
	}
	e := a.entry(d, ref)
	for {
		data, next, err := a.encode(ctx, e, head, d.Body)
		if err != nil {
			return 0, err
		}
		err = a.put(ctx, e.Seq, data)
		if err == nil {
			a.lake.Log.Learn(next)
		}
		if err == nil || planted.Bug("trust-taken") && errors.Is(err, commitlog.ErrTaken) {
			return e.Seq, nil
		}
		if !errors.Is(err, commitlog.ErrTaken) {
			return 0, err
		}
		before := head.Seq
		if head, decided, err = a.examine(ctx, d); err != nil || decided > 0 {
			return decided, err
		}
		if head.Seq == before {
			return 0, fmt.Errorf("log entry %d is taken, yet cannot be found", before+1)
		}
	}
}

// examine looks at each entry after the base, up to the head, which it gives. It finds out whether the attempt is
// decided or condemned, and, for a decision, whether others are in the way. What asks for the most is reported: a new
// plan before a new base.
func (a *Attempt) examine(ctx context.Context, d *Decision) (head *commitlog.State, decided uint64, err error) {
	if head, err = a.lake.Log.Head(ctx); err != nil {
		return nil, 0, err
	}
	var conflict *Conflict
	var touched []commitlog.Set
	if d != nil {
		touched = append(writes(d.Body), d.Reads...)
	}
	for r, err := range a.lake.Log.Read(ctx, a.Base.Seq+1) {
		if err != nil {
			return nil, 0, err
		}
		if r.Seq > head.Seq {
			break
		}
		if r.Attempt == a.ID {
			return head, r.Seq, nil
		}
		if r.Kind == commitlog.GC {
			b, err := r.ReadActs(ctx)
			if err != nil {
				return nil, 0, err
			}
			if slices.Contains(b.Collect.Condemned, a.ID) {
				return nil, 0, fmt.Errorf("%w: entry %d", ErrCondemned, r.Seq)
			}
		}
		if d == nil {
			continue
		}
		if c := d.Body.Collect; c != nil && (r.Kind == commitlog.GC || slices.Contains(c.Condemned, r.Attempt)) {
			return nil, 0, &Conflict{r.Seq, Replan, "changes what there is to collect"}
		}
		if d.Alone && r.Kind != commitlog.GC {
			return nil, 0, &Conflict{r.Seq, Replan, "came in between"}
		}
		if len(d.Sources) > 0 {
			b, err := r.ReadActs(ctx)
			if err != nil {
				return nil, 0, err
			}
			for _, source := range sources(b) {
				if slices.Contains(d.Sources, source) {
					return nil, 0, &Conflict{r.Seq, Replan, "changed the table of " + source}
				}
			}
		}
		if w, t, ok := commitlog.Overlap(r.Writes, touched); ok && conflict == nil {
			conflict = &Conflict{r.Seq, Rebase, fmt.Sprintf("wrote %s, which touches %s", w, t)}
		}
	}
	if d != nil {
		c, err := a.stale(ctx, head, d.Body)
		if err != nil {
			return nil, 0, err
		}
		if c != nil {
			conflict = c
		}
	}
	if conflict != nil {
		return nil, 0, conflict
	}
	return head, 0, nil
}

// stale says whether the plan has become void: an input is consumed, or a source's schema or fingerprint is another.
func (a *Attempt) stale(ctx context.Context, head *commitlog.State, b *commitlog.Body) (*Conflict, error) {
	for i := range b.Inputs {
		in := &b.Inputs[i]
		seq, ok, err := head.Ledger.Seq(ctx, in.Key, in.ETag)
		if err != nil {
			return nil, err
		}
		var was uint64
		if b.Reread > 0 {
			if was, _, err = a.planned.Ledger.Seq(ctx, in.Key, in.ETag); err != nil {
				return nil, err
			}
		}
		switch {
		case !ok && was > 0:
			return &Conflict{head.Seq, Replan, "released " + in.Key}, nil
		case ok && seq != was:
			return &Conflict{seq, Replan, "consumed " + in.Key}, nil
		}
	}
	for seq := range b.Hold {
		if _, ok := head.Held[seq]; ok {
			return &Conflict{head.Seq, Replan, fmt.Sprintf("holds inputs of entry %d", seq)}, nil
		}
	}
	for _, seq := range b.Release {
		if _, ok := head.Held[seq]; !ok {
			return &Conflict{head.Seq, Replan, fmt.Sprintf("released what entry %d holds", seq)}, nil
		}
	}
	for _, name := range sources(b) {
		was, is := a.planned.Sources[name], head.Sources[name]
		if was.SchemaSeq != is.SchemaSeq {
			return &Conflict{is.SchemaSeq, Replan, "changed the schema of " + name}, nil
		}
		if was.FingerprintSeq != is.FingerprintSeq {
			return &Conflict{is.FingerprintSeq, Replan, "changed the fingerprint of " + name}, nil
		}
	}
	return nil, nil
}

// sources names the sources that a body has to do with, in order.
func sources(b *commitlog.Body) []string {
	all := map[string]bool{}
	for name := range b.Schemas {
		all[name] = true
	}
	for name := range b.Fingerprints {
		all[name] = true
	}
	for name := range b.Counts {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func writes(b *commitlog.Body) []commitlog.Set {
	sets := make([]commitlog.Set, len(b.Acts))
	for i := range b.Acts {
		sets[i] = commitlog.SetOf(b.Acts[i].Partition)
	}
	return sets
}

// prepare completes the acts and checks the body against the base and the store.
func (a *Attempt) prepare(ctx context.Context, b *commitlog.Body) error {
	dirs := a.dirs(b)
	for i := range b.Acts {
		act := &b.Acts[i]
		old := a.Base.Partitions[act.Partition]
		if act.Kind != commitlog.New && old == nil {
			return fmt.Errorf("%w: %s: %s, but it does not exist", commitlog.ErrInvalid, act.Partition, act.Kind)
		}
		var dir string
		if act.Kind == commitlog.Add {
			dir = old.Dir
		} else {
			dir = dirs.of(act)
		}
		if act.Dir != "" && act.Dir != dir {
			return fmt.Errorf("%w: %s: directory %s is asked for, it must be %s", commitlog.ErrInvalid, act.Partition, act.Dir, dir)
		}
		act.Dir = dir
	}
	if err := a.lake.checkRoots(a.Base); err != nil {
		return err
	}
	if err := a.lake.guard(b); err != nil {
		return err
	}
	if err := a.fingerprints(b); err != nil {
		return err
	}
	if err := a.balance(b); err != nil {
		return err
	}
	return a.checkFiles(ctx, b)
}

// fingerprints refuses rows that would mean something else than the source's rows that stay.
func (a *Attempt) fingerprints(b *commitlog.Body) error {
	changed := map[string]bool{}
	for name, f := range b.Fingerprints {
		if was := a.Base.Sources[name].Fingerprint; was != "" && was != f {
			changed[name] = true
		}
	}
	if len(changed) == 0 {
		return nil
	}
	swapped := map[commitlog.Partition]bool{}
	for i := range b.Acts {
		swapped[b.Acts[i].Partition] = b.Acts[i].Kind == commitlog.Swap
	}
	for p, c := range a.Base.Partitions {
		if name := layout.SourceOf(p.Path); p.Zone == layout.Processed && changed[name] && !swapped[p] && len(c.Files) > 0 {
			return fmt.Errorf("%w: %s, and %s stays", ErrFingerprint, name, p)
		}
	}
	return nil
}

// balance checks that the rows of the acts are those that the counts tell of: in = out + duplicates + quarantined, and
// rows after = rows before + out - replaced + restored, source by source.
func (a *Attempt) balance(b *commitlog.Body) error {
	type delta struct{ rows, rejects int64 }
	deltas := map[string]delta{}
	for i := range b.Acts {
		act := &b.Acts[i]
		var rows int64
		for _, f := range act.Files {
			rows += f.Rows
		}
		if old := a.Base.Partitions[act.Partition]; act.Kind == commitlog.Swap && old != nil {
			rows -= old.Rows()
		}
		d := deltas[layout.SourceOf(act.Path)]
		if act.Zone == layout.Quarantine {
			d.rejects += rows
		} else {
			d.rows += rows
		}
		deltas[layout.SourceOf(act.Path)] = d
	}
	for name := range b.Counts {
		if _, ok := deltas[name]; !ok {
			deltas[name] = delta{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(deltas)) {
		c, d := b.Counts[name], deltas[name]
		if err := c.Balance(); err != nil {
			return fmt.Errorf("source %s: %w", name, err)
		}
		if d.rows != c.Out-c.Replaced+c.Restored {
			return fmt.Errorf("%w: source %s: the acts add %d rows, but %d are out, %d replaced and %d restored", commitlog.ErrInvalid, name, d.rows, c.Out, c.Replaced, c.Restored)
		}
		if d.rejects != c.Quarantined-c.Withdrawn {
			return fmt.Errorf("%w: source %s: the acts add %d records to the quarantine, but by the counts %d came and %d left", commitlog.ErrInvalid, name, d.rejects, c.Quarantined, c.Withdrawn)
		}
	}
	return nil
}

// checkFiles sees to it that every file is there with its size, and will be durable after the barrier. A file that its partition has already is looked for
// where it was published first, since what was put aside may be collected.
func (a *Attempt) checkFiles(ctx context.Context, b *commitlog.Body) error {
	type place struct {
		store storage.Store
		dir   string
		old   *commitlog.Content
		file  *commitlog.File
	}
	var places []place
	for i := range b.Acts {
		act := &b.Acts[i]
		for j := range act.Files {
			places = append(places, place{a.aside[act.Zone], act.Dir, a.Base.Partitions[act.Partition], &act.Files[j]})
		}
	}
	return a.lake.each(ctx, len(places), func(ctx context.Context, i int) error {
		p := places[i]
		keys := []string{p.file.Key}
		if p.file.Key != p.dir+p.file.Name && p.old != nil && slices.ContainsFunc(p.old.Files, func(f commitlog.File) bool { return f.Name == p.file.Name }) {
			keys = []string{p.old.Dir + p.file.Name, p.file.Key}
		}
		for _, key := range keys {
			info, err := p.store.Head(ctx, key)
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if info.Size != p.file.Size {
				return fmt.Errorf("%w: %s has %d bytes, not %d", commitlog.ErrInvalid, key, info.Size, p.file.Size)
			}
			p.file.Key = key
			return nil
		}
		return fmt.Errorf("%w: %s", ErrMissing, strings.Join(keys, ", "))
	})
}

// plant is where bugs are planted that concern the body; see pkg/planted.
func (a *Attempt) plant(ctx context.Context, b *commitlog.Body) error {
	if planted.Bug("double-file") {
		for i := range b.Acts {
			if act := &b.Acts[i]; act.Kind == commitlog.New {
				act.Files = append(act.Files, act.Files[0])
				break
			}
		}
	}
	if planted.Bug("publish-before-decide") {
		return newFiller(a.lake, 0).acts(ctx, b.Acts, a.Base)
	}
	return nil
}

// entry makes the entry, but for what depends on the head.
func (a *Attempt) entry(d *Decision, ref commitlog.BodyRef) *commitlog.Entry {
	e := &commitlog.Entry{
		Kind: d.Kind, By: d.By, Why: d.Why, Format: commitlog.Format, MinWriter: commitlog.Writer, Attempt: a.ID, Base: a.Base.Seq, Program: a.lake.Program,
		Reads: d.Reads, Writes: writes(d.Body), Body: ref,
		Schemas: slices.Sorted(maps.Keys(d.Body.Schemas)),
	}
	for _, c := range d.Body.Counts {
		e.Counts.Add(c)
	}
	if len(d.Body.Fingerprints) > 0 {
		var b bytes.Buffer
		for _, name := range slices.Sorted(maps.Keys(d.Body.Fingerprints)) {
			fmt.Fprintf(&b, "%s %s\n", name, d.Body.Fingerprints[name])
		}
		e.Fingerprint = commitlog.Hash(b.Bytes())
	}
	return e
}

// encode puts the entry after the head, checks that the log can go on with it, and gives its bytes and the state after it.
func (a *Attempt) encode(ctx context.Context, e *commitlog.Entry, head *commitlog.State, b *commitlog.Body) ([]byte, *commitlog.State, error) {
	if head.MinWriter > commitlog.Writer {
		return nil, nil, fmt.Errorf("%w: writer %d", commitlog.ErrNewer, head.MinWriter)
	}
	if err := a.lake.checkRoots(head); err != nil {
		return nil, nil, err
	}
	e.Seq, e.Prev = head.Seq+1, head.Hash
	e.Roots, e.Catalogs = nil, nil
	if e.Seq == 1 {
		e.Roots, e.Catalogs = a.lake.roots(), slices.Sorted(maps.Keys(a.lake.Catalogs))
	}
	data, err := e.Encode()
	if err != nil {
		return nil, nil, err
	}
	next, err := head.Next(ctx, e, commitlog.Hash(data), b)
	if err != nil {
		return nil, nil, err
	}
	return data, next, apart(next, b)
}

// apart checks, where there are new partitions, that no directory of a table lies in another one, and no partition that has files
// in another one that has.
func apart(s *commitlog.State, b *commitlog.Body) error {
	if !slices.ContainsFunc(b.Acts, func(a commitlog.Act) bool { return a.Kind == commitlog.New }) {
		return nil
	}
	var dirs, paths []string
	for p, c := range s.Partitions {
		dirs = append(dirs, c.Dir)
		if len(c.Files) > 0 {
			paths = append(paths, p.String()+"/")
		}
	}
	for _, all := range [][]string{dirs, paths} {
		slices.Sort(all)
		for i := 1; i < len(all); i++ {
			if strings.HasPrefix(all[i], all[i-1]) {
				return fmt.Errorf("%w: %s lies in %s", commitlog.ErrInvalid, all[i], all[i-1])
			}
		}
	}
	return nil
}

// put puts the entry until the store says that it is there or that the number is taken.
func (a *Attempt) put(ctx context.Context, seq uint64, data []byte) error {
	maybe := false
	wait := a.lake.RetryWait
	for try := 0; ; try++ {
		err := a.lake.Log.Put(ctx, seq, data)
		if err == nil || errors.Is(err, commitlog.ErrTaken) {
			return err
		}
		// Only a request that its context stopped before it was sent has surely done nothing.
		stopped := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
		maybe = maybe || !stopped || errors.Is(err, storage.ErrUnknown)
		if ctx.Err() != nil || try >= a.lake.Retries {
			if maybe {
				return fmt.Errorf("%w: %w", ErrUnknown, err)
			}
			return err
		}
		if err := sleep(ctx, wait); err != nil && maybe {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		} else if err != nil {
			return err
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// sleep waits, or gives the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
