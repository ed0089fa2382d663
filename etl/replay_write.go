package etl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"datalake/etl/commit"
	"datalake/etl/quarantine"
	"datalake/etl/write"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
)

// complete makes the body of a run that of a replay: it consumes nothing, and what was read again has left the quarantine.
func (r *replay) complete(b *commitlog.Body) {
	byVersion := map[string]int{}
	for i, in := range b.Inputs {
		o := r.Origin(i)
		in.Key, in.ETag = o.Key, o.ETag
		at, ok := byVersion[in.Key+"\x00"+in.ETag]
		if !ok {
			byVersion[in.Key+"\x00"+in.ETag] = len(b.Replayed)
			b.Replayed = append(b.Replayed, in)
			continue
		}
		sum := &b.Replayed[at]
		sum.Size, sum.Records, sum.Rejects = sum.Size+in.Size, sum.Records+in.Records, sum.Rejects+in.Rejects
		sum.Partitions = append(sum.Partitions, in.Partitions...)
		slices.Sort(sum.Partitions)
		sum.Partitions = slices.Compact(sum.Partitions)
	}
	b.Inputs = nil
	for source, c := range b.Counts {
		c.Inputs, c.BytesIn = 0, 0
		if b.Counts[source] = c; c.In == 0 && c.Out == 0 {
			delete(b.Counts, source)
		}
	}
	for path, rules := range r.Found() {
		source := layout.SourceOf(path)
		c := b.Counts[source]
		if c.Notes == nil {
			c.Notes = map[string]int64{}
		}
		for rule, n := range rules {
			c.Withdrawn += n
			c.Notes[commitlog.WithdrawnNote+rule] += n
		}
		b.Counts[source] = c
	}
}

// rewriteQuarantine puts the quarantine's files aside as they are without the records that were read, and with those that were set aside again.
// On a base in which somebody else has taken such records, the plan is void: a Conflict says so.
func (w *work) rewriteQuarantine(ctx context.Context) error {
	r := w.replay
	parts := map[string]quarantine.Part{}
	for _, p := range w.mapped.rejects.Parts() {
		parts[p.Path] = p
	}
	found := r.Found()
	paths := maps.Clone(r.files)
	for path := range parts {
		paths[path] = r.files[path]
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		part, again := parts[path]
		var err error
		switch n := count(found[path]); {
		case n == 0 && again:
			err = w.writePart(ctx, part)
		case n > 0:
			err = w.swapPart(ctx, path, part, n)
		}
		if err != nil {
			return fmt.Errorf("quarantine %s: %w", path, err)
		}
	}
	return nil
}

func count(rules map[string]int64) (n int64) {
	for _, k := range rules {
		n += k
	}
	return n
}

// swapPart makes the act on a partition of which n lines were read again; part is what was set aside of them, and has perhaps no records.
func (w *work) swapPart(ctx context.Context, path string, part quarantine.Part, n int64) error {
	r, p := w.replay, commitlog.Partition{Zone: layout.Quarantine, Path: path}
	if int64(part.Rows()) == n {
		if same, err := w.mapped.rejects.Unchanged(part, r.Replay); same || err != nil {
			return err
		}
	}
	act := &commitlog.Act{Partition: p, Kind: commitlog.Swap}
	taken := map[string]bool{}
	for _, f := range r.files[path] {
		taken[f.Name] = true
	}
	for _, f := range w.attempt.Base.Partitions[p].Files {
		if !taken[f.Name] {
			act.Files = append(act.Files, f)
			continue
		}
		delete(taken, f.Name)
		left, err := w.withoutTaken(ctx, p, f)
		if err != nil {
			return err
		}
		if left.Rows > 0 {
			act.Files = append(act.Files, left)
		}
	}
	if len(taken) > 0 {
		return &commit.Conflict{Seq: w.attempt.Base.Seq, Redo: commit.Replan, Reason: "took records out of " + p.String()}
	}
	if part.Rows() > 0 {
		f, err := w.putPart(ctx, part)
		if err != nil {
			return err
		}
		act.Files = append(act.Files, f)
	}
	w.written.mu.Lock()
	defer w.written.mu.Unlock()
	w.written.acts[p] = act
	return nil
}

// withoutTaken puts a file aside without the lines that were read again. It is the file itself if there are none, and has no rows if there is
// nothing else in it.
func (w *work) withoutTaken(ctx context.Context, p commitlog.Partition, f commitlog.File) (left commitlog.File, err error) {
	sink := write.NewSink(w.job.TempDir)
	defer func() { err = errors.Join(err, sink.Close()) }()
	var kept, dropped int64
	err = w.replay.lines(ctx, p, f, func(file io.Reader) error {
		kept, dropped, err = quarantine.CopyLines(sink, file, func(l *quarantine.Line) bool { return !w.replay.Took(l) })
		return err
	})
	switch {
	case err != nil:
		return left, err
	case dropped == 0:
		return f, nil
	case kept == 0:
		return left, nil
	}
	w.written.mu.Lock()
	w.written.bytes += sink.Size()
	w.written.mu.Unlock()
	return w.putFile(ctx, p.Zone, p.Path, commitlog.File{Size: sink.Size(), Rows: kept, SHA256: sink.SHA256()}, sink.Body())
}
