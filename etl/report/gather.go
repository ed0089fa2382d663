package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// Find gives the number of the entry that run means: a number, the id of an attempt, or, empty, the newest entry that handled
// records. Errors: ErrNoRun, those of the log.
func Find(ctx context.Context, log *commitlog.Log, run string) (uint64, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("read commit log: %w", err)
	}
	switch {
	case head.Seq == 0:
		return 0, fmt.Errorf("%w: the log is empty", ErrNoRun)
	case run == "":
		for seq := head.Seq; seq > 0; seq-- {
			e, err := log.Entry(ctx, seq)
			if err != nil {
				return 0, err
			}
			if e.Counts.In > 0 {
				return seq, nil
			}
		}
		return 0, fmt.Errorf("%w: none of the %d entries of the log handled records", ErrNoRun, head.Seq)
	}
	if seq, ok := head.Attempts[run]; ok {
		return seq, nil
	}
	seq, err := strconv.ParseUint(run, 10, 64)
	if err != nil || seq == 0 || seq > head.Seq {
		return 0, fmt.Errorf("%w: %q; the log has the entries 1 to %d, and each has an attempt's id", ErrNoRun, run, head.Seq)
	}
	return seq, nil
}

// Make gathers the report of entry seq. Errors: ErrNoRun where the entry handled no records, those of the log and of the stores.
func Make(ctx context.Context, lake Lake, seq uint64, o Options) (*Report, error) {
	g := &gatherer{lake: lake, o: o.withDefaults()}
	var err error
	if g.entry, err = lake.Log.Entry(ctx, seq); err != nil {
		return nil, err
	}
	if g.body, err = g.entry.ReadBody(ctx); err != nil {
		return nil, err
	}
	if len(g.body.Counts) == 0 {
		return nil, fmt.Errorf("%w: entry %d is a %s and handled no records", ErrNoRun, seq, g.entry.Kind)
	}
	if err := g.states(ctx); err != nil {
		return nil, err
	}
	z := lake.Log.Zone()
	info, err := z.Store.Head(ctx, z.Key(layout.LogPath(seq)))
	if err != nil {
		return nil, fmt.Errorf("read log entry %d: %w", seq, err)
	}
	r := &Report{
		Seq: seq, Kind: g.entry.Kind, Attempt: g.entry.Attempt, Program: g.entry.Program, When: info.ModTime.UTC(),
		Work: g.body.Work, Rejecting: rejecting(g.body.Inputs), Values: !o.NoValues,
	}
	for _, name := range slices.Sorted(maps.Keys(g.body.Counts)) {
		s, err := g.source(name)
		if err != nil {
			return nil, err
		}
		if s.Totals.In > 0 || s.Totals.Out > 0 || s.Totals.Quarantined != 0 || s.Totals.Objects > 0 {
			r.Sources = append(r.Sources, *s)
			r.Totals.add(s.Totals)
		}
	}
	if err := g.profiles(ctx, r); err != nil {
		return nil, err
	}
	if !o.NoValues {
		if err := g.rejects(ctx, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

type gatherer struct {
	lake  Lake
	o     Options
	entry *commitlog.Record
	body  *commitlog.Body
	// state is that of the entry; before has the schemas from before it, where it changed any.
	state, before *commitlog.State
}

// states reads what the report needs of the log's states. A state that is not the head's is folded from the log's beginning.
func (g *gatherer) states(ctx context.Context) error {
	head, err := g.lake.Log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read commit log: %w", err)
	}
	g.state, g.before = head, commitlog.Empty()
	if head.Seq != g.entry.Seq {
		if g.state, err = g.lake.Log.At(ctx, g.entry.Seq); err != nil {
			return err
		}
	}
	if len(g.body.Schemas) > 0 {
		g.before, err = g.lake.Log.At(ctx, g.entry.Seq-1)
	}
	return err
}

func (t *Totals) add(u Totals) {
	t.In += u.In
	t.Out += u.Out
	t.Duplicates += u.Duplicates
	t.Quarantined += u.Quarantined
	t.Withdrawn += u.Withdrawn
	t.Replaced += u.Replaced
	t.Rescued += u.Rescued
	t.Objects += u.Objects
	t.BytesIn += u.BytesIn
	t.BytesOut += u.BytesOut
	t.Files += u.Files
	t.Partitions += u.Partitions
}

// notes are what a count's notes say of a source, for people.
var notes = map[string]string{
	"duplicate_keys": "records with a key twice (the last counts)",
	"floored":        "times finer than a millisecond (floored)",
	"source_differs": "records that name another source than their folder",
}

// rescuedNote begins the notes that count the values of a path in _rescued.
const rescuedNote = "rescued:"

// source gathers what the log says of a source.
func (g *gatherer) source(name string) (*Source, error) {
	c := g.body.Counts[name]
	s := &Source{Name: name, Table: "processed_" + name, Rules: ranked(c.Rules), Checks: ranked(c.Checks), Totals: Totals{
		In: c.In, Out: c.Out, Duplicates: c.Duplicates, Quarantined: c.Quarantined, Withdrawn: c.Withdrawn, Replaced: c.Replaced, Rescued: c.Rescued,
		Objects: c.Inputs, BytesIn: c.BytesIn, BytesOut: c.BytesOut, Files: c.Files,
	}}
	rescued, odd := map[string]int64{}, map[string]int64{}
	for note, n := range c.Notes {
		if path, ok := strings.CutPrefix(note, rescuedNote); ok {
			rescued[path] = n
		} else if rule, ok := strings.CutPrefix(note, commitlog.WithdrawnNote); ok {
			odd["records that were in quarantine under "+rule] = n
		} else if text, ok := notes[note]; ok {
			odd[text] = n
		} else {
			odd[note] = n
		}
	}
	s.Rescued, s.Oddities = ranked(rescued), ranked(odd)
	if now := g.body.Schemas[name]; now != nil {
		before := g.before.Sources[name].Schema
		s.First = before == nil
		s.Changes = changes(before, now)
	}
	for p, content := range g.state.Partitions {
		if p.Zone == layout.Processed && layout.SourceOf(p.Path) == name {
			s.TableRows += content.Rows()
		}
	}
	for _, a := range g.body.Acts {
		if a.Zone != layout.Processed || layout.SourceOf(a.Path) != name {
			continue
		}
		p := Partition{Path: a.Path, Act: a.Kind, Rows: g.state.Partitions[a.Partition].Rows()}
		for _, f := range a.Files {
			if g.wrote(g.lake.Processed, f) {
				p.Files = append(p.Files, File{Key: a.Dir + f.Name, Location: g.lake.Processed.Location(a.Dir + f.Name), Rows: f.Rows, Bytes: f.Size})
				p.Written += f.Rows
			}
		}
		s.RowsWritten += p.Written
		s.Partitions = append(s.Partitions, p)
	}
	s.Totals.Partitions = int64(len(s.Partitions))
	return s, nil
}

// wrote says whether the entry's own attempt made a file; the others of a swap were there before.
func (g *gatherer) wrote(z layout.Zone, f commitlog.File) bool {
	k, err := z.ParseAside(f.Key)
	return err == nil && k.Attempt == g.entry.Attempt
}

// changes are the columns of a table that its schema did not have before, or had with another type. A table that begins has none.
func changes(before, now *schema.Schema) []Change {
	if before == nil {
		return nil
	}
	var out []Change
	for _, c := range now.Columns {
		was := ""
		if i := before.Index(c.Name); i >= 0 {
			if was = before.Columns[i].Type.String(); was == c.Type.String() {
				continue
			}
		}
		out = append(out, Change{Column: c.Name, Was: was, Type: c.Type.String(), Path: pathOf(c)})
	}
	return out
}

func pathOf(c schema.Column) string {
	if c.Path == nil {
		return ""
	}
	return c.Path.String()
}

func ranked(m map[string]int64) []Count {
	var out []Count
	for name, n := range m {
		out = append(out, Count{name, n})
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	return out
}

// maxRejecting is how many of the objects with rejects are named.
const maxRejecting = 10

func rejecting(inputs []commitlog.Input) []Object {
	var out []Object
	for i := range inputs {
		if in := &inputs[i]; in.Rejects > 0 {
			out = append(out, Object{in.Key, in.Records, in.Rejects})
		}
	}
	slices.SortFunc(out, func(a, b Object) int { return cmp.Or(cmp.Compare(b.Rejects, a.Rejects), cmp.Compare(a.Key, b.Key)) })
	return out[:min(len(out), maxRejecting)]
}
