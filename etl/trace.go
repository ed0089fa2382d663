package etl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow/array"
	"golang.org/x/sync/errgroup"

	"datalake/etl/clean"
	"datalake/etl/decode"
	"datalake/etl/dedupe"
	"datalake/etl/input"
	"datalake/etl/lines"
	"datalake/etl/partition"
	"datalake/etl/plan"
	"datalake/pkg/batch"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// Place is where a record lies in the raw zone.
type Place struct {
	Source string `json:"source"`
	Object string `json:"object"`
	// Offset is the record's first byte in the object's decompressed content, Line the line of that byte, from 1.
	Offset int64 `json:"offset"`
	Line   int64 `json:"line"`
	// Entry of the log that read, held, skipped or adopted the object; 0: no run has read it yet.
	Entry uint64 `json:"entry,omitempty"`

	partition string
	object    *batch.Object
	key       *dedupe.Key // nil: the source is not deduplicated
}

// Traced is what a search in raw objects gave.
type Traced struct {
	// Places of the record: of a row the one that it was made of, else all in the objects that were read until one had it.
	Places []Place `json:"places"`
	// Objects and Bytes were read, Left objects not, because of the bound.
	Objects int   `json:"objects_read"`
	Bytes   int64 `json:"bytes_read"`
	Left    int   `json:"objects_left"`
	// Gone are objects that a run read and that are no more, Changed those that are others by now.
	Gone    []string `json:"gone,omitempty"`
	Changed []string `json:"changed,omitempty"`
}

// Kept is the row that has the dedupe key of a record.
type Kept struct {
	Partition string `json:"partition"`
	File      string `json:"file"` // its name in the partition
	Row       int64  `json:"row"`  // from 0
}

// traceWave is about how many bytes of objects are read before it is asked if the record was among them.
const traceWave = 256 << 20

// Tracer looks for records in the raw objects of a lake as it was when it was made.
type Tracer struct {
	job     Job
	base    *commitlog.State
	log     *commitlog.Log
	schemas *schemas
	most    int64
}

// Tracer makes one that reads most bytes of raw objects in a search, or one object if that is larger. Errors: ErrConfig, where the lake file
// does not suit the tables or a salt is missing; those of the commit log.
func (j Job) Tracer(ctx context.Context, most int64) (*Tracer, error) {
	if err := j.Validate(); err != nil {
		return nil, err
	}
	j = j.withDefaults()
	log, err := commitlog.Open(ctx, j.Zones.State.Sub(layout.Processed))
	if err != nil {
		return nil, fmt.Errorf("open commit log: %w", err)
	}
	base, err := log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("read commit log: %w", err)
	}
	s, err := newSchemas(j, base)
	if err != nil {
		return nil, err
	}
	return &Tracer{j, base, log, s, most}, nil
}

// traced is an object to read, and the entry that the log has it by.
type traced struct {
	*batch.Object
	entry uint64
}

// Row finds the record that a row of a partition was made of, among the objects that the entry writer of the log read for the partition;
// where that entry only moved rows (or is 0), among those of all entries before. Of several records with the id and one key it is the one that
// deduplication keeps.
func (t *Tracer) Row(ctx context.Context, id, path string, writer uint64) (*Traced, error) {
	first, last := uint64(1), t.base.Seq
	if writer > 0 {
		last = writer
		e, err := t.log.Entry(ctx, writer)
		if err != nil {
			return nil, err
		}
		if e.Kind == commitlog.Run || e.Kind == commitlog.Replay || e.Kind == commitlog.Backfill {
			first = writer
		}
	}
	var objects []traced
	seen := map[[2]string]bool{}
	for seq := first; seq <= last; seq++ {
		e, err := t.log.Entry(ctx, seq)
		if err != nil {
			return nil, err
		}
		body, err := e.ReadBody(ctx)
		if err != nil {
			return nil, err
		}
		for _, in := range slices.Concat(body.Inputs, body.Replayed) {
			if v := [2]string{in.Key, in.ETag}; slices.Contains(in.Partitions, path) && !seen[v] {
				seen[v] = true
				objects = append(objects, traced{t.object(&in), seq})
			}
		}
	}
	out, err := t.search(ctx, id, objects, false)
	if err != nil {
		return nil, err
	}
	out.Places = slices.DeleteFunc(out.Places, func(p Place) bool {
		return p.Source != layout.SourceOf(path) || p.partition != path
	})
	if len(out.Places) > 1 && out.Places[0].key != nil {
		best := out.Places[0]
		for _, p := range out.Places[1:] {
			if p.key.Order > best.key.Order {
				best = p
			}
		}
		out.Places = []Place{best}
	}
	return out, nil
}

func (t *Tracer) object(in *commitlog.Input) *batch.Object {
	raw := t.job.Zones.Raw
	source := plan.Source(raw, in.Key)
	return &batch.Object{
		Key: in.Key, ETag: in.ETag, Size: in.Size, Source: source, RecordsAt: t.schemas.recordsAt(source),
		Arrived: plan.Arrival(raw, in.Key, time.UnixMilli(in.ModTime)),
	}
}

// Raw looks for the record in all objects of the raw zone, or of one folder of it, the newest first, until one has it.
func (t *Tracer) Raw(ctx context.Context, id, folder string) (*Traced, error) {
	p, err := plan.List(ctx, t.job.Zones.Raw, plan.Options{
		Consumed: func(string, string) (bool, error) { return false, nil }, RecordsAt: t.schemas.recordsAt, Source: folder,
	})
	if err != nil {
		return nil, err
	}
	order := make([]int, len(p.Objects))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return p.ModTimes[b].Compare(p.ModTimes[a]) })
	var objects []traced
	for _, i := range order {
		o := p.Objects[i]
		seq, _, err := t.base.Ledger.Seq(ctx, o.Key, o.ETag)
		if err != nil {
			return nil, err
		}
		objects = append(objects, traced{o, seq})
	}
	return t.search(ctx, id, objects, true)
}

// Held says why the rows of an entry's objects are not in the tables: commitlog.Skip, Adopt or Rollback; empty: they are.
func (t *Tracer) Held(entry uint64) string {
	h, ok := t.base.Held[entry]
	if !ok {
		return ""
	}
	return cmp.Or(h.Unread, commitlog.Rollback)
}

// search reads objects in order up to the bound; with stop, no more once the record was found.
func (t *Tracer) search(ctx context.Context, id string, objects []traced, stop bool) (*Traced, error) {
	out := &Traced{Places: []Place{}}
	for len(objects) > 0 && (!stop || len(out.Places) == 0) {
		n, bytes := 0, int64(0)
		for n < len(objects) && bytes < traceWave && (out.Objects+n == 0 || out.Bytes+bytes+objects[n].Size <= t.most) {
			bytes += objects[n].Size
			n++
		}
		if n == 0 {
			break
		}
		if err := t.wave(ctx, id, objects[:n], out); err != nil {
			return nil, err
		}
		out.Objects += n
		out.Bytes += bytes
		objects = objects[n:]
	}
	out.Left = len(objects)
	return out, nil
}

// wave reads objects side by side and adds the places, in the order of the objects.
func (t *Tracer) wave(ctx context.Context, id string, objects []traced, out *Traced) error {
	entries := map[*batch.Object]uint64{}
	var list []*batch.Object
	for i, o := range objects {
		c := *o.Object
		c.Index = i
		list, entries[&c] = append(list, &c), o.entry
	}
	w := &wave{t: t, id: id, lines: lines.New(), plans: &cleanPlans{}, buffers: &input.Buffers{}}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(t.job.Parallel)
	o := input.Options{Recheck: t.job.Directory, MaxRecord: t.job.Lake.Input.MaxRecord}
	for task := range input.Tasks(t.job.Zones.Raw.Store, list, o) {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return w.task(gctx, task) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range w.found {
		f := &w.found[i]
		f.Entry = entries[f.object]
		if f.chunk >= 0 {
			f.Line += w.lines.Before(f.object, f.chunk)
		}
	}
	slices.SortFunc(w.found, func(a, b foundPlace) int {
		return cmp.Or(cmp.Compare(a.object.Index, b.object.Index), cmp.Compare(a.Offset, b.Offset))
	})
	for _, f := range w.found {
		if !w.lost[f.object] {
			out.Places = append(out.Places, f.Place)
		}
	}
	for _, o := range slices.SortedFunc(maps.Keys(w.lost), func(a, b *batch.Object) int { return a.Index - b.Index }) {
		switch _, err := t.job.Zones.Raw.Store.Head(ctx, o.Key); {
		case errors.Is(err, storage.ErrNotFound):
			out.Gone = append(out.Gone, o.Key)
		case err != nil:
			return fmt.Errorf("look for %s: %w", o.Key, err)
		default:
			out.Changed = append(out.Changed, o.Key)
		}
	}
	return nil
}

// foundPlace is a place whose line counts from the chunk of that number; -1: from the object's start.
type foundPlace struct {
	Place
	chunk int
}

// wave is what the readers of some objects share.
type wave struct {
	t       *Tracer
	id      string
	lines   *lines.Counts
	plans   *cleanPlans
	buffers *input.Buffers

	mu    sync.Mutex
	found []foundPlace
	lost  map[*batch.Object]bool
}

func (w *wave) task(ctx context.Context, task *input.Task) error {
	j, s := w.t.job, w.t.schemas
	d, err := decode.New(decode.Options{Limits: j.limits(), Allocator: j.Allocator, Bare: s.bare(), DictionaryLimit: -1}, s, nil)
	if err != nil {
		return err
	}
	for u, err := range task.Units(ctx, w.buffers) {
		var e *input.ObjectError
		if errors.As(err, &e) && e.Gone() {
			w.mu.Lock()
			if w.lost == nil {
				w.lost = map[*batch.Object]bool{}
			}
			w.lost[e.Object] = true
			w.mu.Unlock()
			continue
		}
		if err != nil {
			return err
		}
		err := w.unit(d, u)
		w.buffers.Release(u)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *wave) unit(d *decode.Decoder, u *batch.Unit) error {
	out, err := d.Decode(u)
	if err != nil {
		return err
	}
	defer out.Release()
	chunk := -1
	for i := range u.Chunks {
		c := &u.Chunks[i]
		if c.Line == 0 {
			chunk = u.Number
		}
		// The first chunk of a large object knows its line, and those after it count from its end.
		if c.Line == 0 || c.Lines && u.Number == 0 && c.Object.Size > int64(len(c.Data)) {
			w.lines.Note(c.Object, u.Number, out.Lines[i])
		}
	}
	for _, b := range out.Batches {
		places, err := w.batch(b)
		if err != nil {
			return err
		}
		for _, p := range places {
			p.Line = lineOf(u, batch.Origin{Object: p.object, Offset: p.Offset})
			w.mu.Lock()
			w.found = append(w.found, foundPlace{p, chunk})
			w.mu.Unlock()
		}
	}
	return nil
}

// batch gives the places of the rows with the id, as a run would make them. Those that a rule sets aside are none.
func (w *wave) batch(b *batch.Batch) ([]Place, error) {
	sch := w.t.schemas.Schema(b.Source)
	plan, err := w.plans.of(sch, w.t.schemas.masks[b.Source])
	if err != nil {
		return nil, err
	}
	if plan != nil {
		if err := cleaned(plan, w.t.job, b); err != nil {
			return nil, err
		}
	}
	ids, ok := b.Record.Column(sch.ByRole(schema.RecordID)).(*array.String)
	if !ok {
		return nil, fmt.Errorf("%s: record_id comes as %s", b.Source, b.Record.Column(sch.ByRole(schema.RecordID)).DataType())
	}
	var hits []int
	for i := range ids.Len() {
		if ids.Value(i) == w.id {
			hits = append(hits, i)
		}
	}
	if len(hits) == 0 {
		return nil, nil
	}
	index := partition.NewIndex()
	p, err := partition.New(sch, index)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	parts, err := p.Assign(b.Record, nil, func(row int, reason string) { b.Reject(row, rulePartition, reason) })
	if err != nil {
		return nil, err
	}
	keys, err := rowKeys(sch, b, w.t.job, func(i int) uint64 { return index.Get(parts[i]).Hash })
	if err != nil {
		return nil, err
	}
	var places []Place
	for _, i := range hits {
		if slices.ContainsFunc(b.Rejected, func(r batch.Rejection) bool { return r.Row == i }) {
			continue
		}
		o := b.Origins[i]
		place := Place{Source: b.Source, Object: o.Object.Key, Offset: o.Offset, partition: index.Get(parts[i]).Path, object: o.Object}
		if keys != nil {
			place.key = &keys[i]
		}
		places = append(places, place)
	}
	return places, nil
}

func cleaned(plan *clean.Plan, j Job, b *batch.Batch) error {
	if _, err := plan.Cleaner(j.Allocator).Apply(b); err != nil {
		return fmt.Errorf("clean %s: %w", b.Source, err)
	}
	return nil
}

// rowKeys are the dedupe keys of a batch's rows; nil where its source has none.
func rowKeys(sch *schema.Schema, b *batch.Batch, j Job, part func(row int) uint64) ([]dedupe.Key, error) {
	if sch.Dedupe.None {
		return nil, nil
	}
	h, err := dedupe.NewHasher(sch, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	combined, err := h.Combined(b.Record, j.Allocator)
	if err != nil {
		return nil, err
	}
	if combined != nil {
		b.SetColumn(sch.ByRole(schema.Key), combined)
	}
	scopes, err := dedupe.ScopeOf(sch).Rows(b.Record, part, nil)
	if err != nil {
		return nil, err
	}
	return h.Keys(b.Record, scopes, 0, nil)
}

// errFound ends a search.
var errFound = errors.New("found")

// Kept finds the row that has the dedupe key of the record at a place; nil if none has. It reads the key columns of the source's files.
func (t *Tracer) Kept(ctx context.Context, p Place) (*Kept, error) {
	sch := t.schemas.Schema(p.Source)
	if p.key == nil || sch == nil {
		return nil, nil
	}
	h, err := dedupe.NewHasher(sch, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	for _, part := range slices.SortedFunc(maps.Keys(t.base.Partitions), commitlog.Partition.Compare) {
		if part.Zone != layout.Processed || layout.SourceOf(part.Path) != p.Source {
			continue
		}
		content := t.base.Partitions[part]
		for i := range content.Files {
			f := tableFile{part, content, &content.Files[i]}
			r, file, err := f.open(ctx, t.job.Zones.Processed.Store)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", content.Dir+f.file.Name, err)
			}
			var kept *Kept
			err = fileKeys(ctx, file, sch, part.Path, h, 0, t.job.Allocator, func(keys []dedupe.Key) error {
				for _, k := range keys {
					if k.H0 == p.key.H0 && k.H1 == p.key.H1 {
						kept = &Kept{part.Path, f.file.Name, int64(k.Row)}
						return errFound
					}
				}
				return nil
			})
			if errors.Is(err, errFound) {
				err = nil
			}
			if err := errors.Join(err, r.Close()); err != nil {
				return nil, fmt.Errorf("read %s: %w", content.Dir+f.file.Name, err)
			}
			if kept != nil {
				return kept, nil
			}
		}
	}
	return nil, nil
}
