package input

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// Task is what one goroutine reads: a run of small objects, a large object, or a range of one. A task may turn out to
// have nothing to read: whether an object can be read in ranges shows only when the first of them is looked at, and if
// not, the first one reads it all.
type Task struct {
	// Objects that the task reads of, in order.
	Objects []*batch.Object
	// Bytes is the task's share of the objects' raw bytes. The shares of all tasks add up to the size of all objects.
	Bytes int64

	store storage.Store
	o     Options
	// start and end are the range, if probe is not nil.
	start, end int64
	probe      *probe
	// most is the range's part of its object's Most.
	most int
}

// probe finds out, once for all ranges of an object, whether it is plain NDJSON.
type probe struct {
	once  sync.Once
	lines bool
	err   error
}

// maxRange is how many chunks a range has at most, and spread how many ranges an object is cut into before that.
const (
	maxRange = 16
	spread   = 16
)

// Tasks divides objects, which are in input order, into tasks, in input order, without asking the store.
func Tasks(store storage.Store, objects []*batch.Object, o Options) iter.Seq[*Task] {
	o = o.withDefaults()
	chunk := int64(o.ChunkBytes)
	return func(yield func(*Task) bool) {
		for i := 0; i < len(objects); {
			t := &Task{store: store, o: o}
			n := i
			for n < len(objects) && n-i < o.GroupObjects && objects[n].Size <= chunk && t.Bytes+objects[n].Size <= chunk {
				t.Bytes += objects[n].Size
				n++
			}
			if n == i {
				n = i + 1
				if !ranges(store, objects[i:n], o, yield) {
					return
				}
			} else if t.Objects = objects[i:n]; !yield(t) {
				return
			}
			i = n
		}
	}
}

// ranges yields the tasks of one large object.
func ranges(store storage.Store, object []*batch.Object, o Options, yield func(*Task) bool) bool {
	size := object[0].Size
	if object[0].RecordsAt != "" {
		return yield(&Task{Objects: object, Bytes: size, store: store, o: o})
	}
	chunk := int64(o.ChunkBytes)
	step := min(max(size/chunk/spread, 1), maxRange) * chunk
	p := &probe{}
	most := object[0].Most
	for at := int64(0); at < size; at += step {
		n := min(step, size-at)
		t := &Task{Objects: object, Bytes: n, store: store, o: o, start: at, end: at + n, probe: p}
		t.most = share(most, at+n, size) - share(most, at, size)
		if !yield(t) {
			return false
		}
	}
	return true
}

// Units yields the task's units in order; each belongs to the receiver, who gives it back by b.Release. Units without
// records are left out, so numbers have gaps.
//
// Errors: an ObjectError for each object that the store does not give; if it is Gone, the next objects follow, else, as
// after the context's error, nothing does. Units may be taken once for each call; calls are independent.
func (t *Task) Units(ctx context.Context, b *Buffers) iter.Seq2[*batch.Unit, error] {
	return func(yield func(*batch.Unit, error) bool) {
		bu := &builder{o: t.o, check: ctx.Err, bufs: b, yield: yield}
		defer bu.close()
		err := t.read(ctx, bu)
		if err == nil {
			err = ended(bu.finish())
		}
		bu.tell()
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

func (t *Task) read(ctx context.Context, b *builder) error {
	if t.probe != nil {
		cut, err := t.probe.ask(ctx, t.store, t.Objects[0])
		switch {
		case err != nil:
			return err
		case cut && t.most == 0 && t.Objects[0].Most > 0:
			return nil
		case cut:
			return t.readRange(ctx, b, t.Objects[0])
		case t.start > 0:
			return nil
		}
	}
	for _, obj := range t.Objects {
		if obj.Size == 0 {
			continue
		}
		err := t.readObject(ctx, b, obj)
		var failed *ObjectError
		if errors.As(err, &failed) && failed.Gone() && len(t.Objects) > 1 {
			b.forget(obj)
			if err = nil; !b.yield(nil, failed) {
				err = errStopped
			}
		}
		if err == nil && b.full() {
			err = ended(b.finish())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ask looks at the beginning of an object.
func (p *probe) ask(ctx context.Context, store storage.Store, obj *batch.Object) (cut bool, err error) {
	p.once.Do(func() {
		padded := make([]byte, min(window, obj.Size)+jsontext.Padding)
		head := padded[:len(padded)-jsontext.Padding]
		src := newSource(ctx, store, obj, 0, int64(len(head)), false)
		if _, p.err = io.ReadFull(src, head); p.err == nil {
			p.err = src.close()
		}
		p.lines = compressionOf(head) == plain && formatOf(padded, obj.Size <= window) == lines
	})
	return p.lines, p.err
}

// readObject reads a whole object.
func (t *Task) readObject(ctx context.Context, b *builder, obj *batch.Object) (err error) {
	var path schema.Path
	if obj.RecordsAt != "" {
		if path, err = schema.ParsePath(obj.RecordsAt); err != nil {
			return err
		}
	}
	raw := newSource(ctx, t.store, obj, 0, obj.Size, t.o.Recheck)
	defer func() {
		if e := raw.close(); err == nil {
			err = e
		}
	}()
	c, err := openContent(raw, b.bufs)
	if err != nil {
		return err
	}
	defer c.close()
	s := b.begin()
	x := &text{obj: obj, src: c, base: -int64(s), line: 1, counted: s}
	if obj.Most > 0 {
		done := b.takesObject(obj, c, x)
		defer func() { err, b.taking = ended(err), nil; done() }()
	}
	if c.gz == nil && c.zs == nil {
		x.size = obj.Size
	}
	mode := blank
	for mode == blank {
		if err := b.fill(x, window); err != nil {
			return err
		}
		if mode = formatOf(b.padded(s), x.eof); mode == blank {
			if x.eof {
				break
			}
			b.count(x, len(b.arena.buf))
			x.base += int64(len(b.arena.buf) - s)
			b.arena.buf = b.arena.buf[:s]
			x.counted = s
		}
	}
	switch {
	case mode == wide:
		b.reject(batch.Reject{Origin: batch.Origin{Object: obj}, Line: 1, Rule: "broken", Reason: "the text is UTF-16 or UTF-32; UTF-8 is needed"}, 0)
		b.arena.buf = b.arena.buf[:s]
		return t.recheck(ctx, raw)
	case path != nil:
		err = b.values(x, s, path)
	case mode == values:
		err = b.values(x, s, nil)
	default:
		err = b.lines(x, s, -1)
	}
	if err != nil {
		return err
	}
	return t.recheck(ctx, raw)
}

// readRange reads the lines that begin in the task's range.
func (t *Task) readRange(ctx context.Context, b *builder, obj *batch.Object) (err error) {
	at := max(t.start-1, 0) // the byte before tells whether a line begins at start
	raw := newSource(ctx, t.store, obj, at, t.end-at+tail/4, t.o.Recheck)
	defer func() {
		if e := raw.close(); err == nil {
			err = e
		}
	}()
	s := b.begin()
	x := &text{obj: obj, src: raw, base: at - int64(s), line: 1, counted: s, cut: true, size: obj.Size}
	if t.most > 0 {
		b.takes(obj, t.most)
		defer func() { err = ended(err) }()
	}
	for step := 1 << 12; t.start > 0; step = min(2*step, 1<<18) {
		if err := b.fill(x, step); err != nil {
			return err
		}
		live := b.arena.buf[s:]
		if i := bytes.IndexByte(live, '\n'); i >= 0 {
			s += i + 1
			break
		}
		x.base += int64(len(live))
		b.arena.buf = b.arena.buf[:s]
		if x.eof || x.offset(s) >= t.end {
			return t.recheck(ctx, raw)
		}
	}
	if err := b.lines(x, s, t.end); err != nil {
		return err
	}
	return t.recheck(ctx, raw)
}

// recheck ends the reading of an object, and asks the store whether the object still is the same where its readers could not tell.
func (t *Task) recheck(ctx context.Context, raw *source) error {
	if err := cmp.Or(raw.close(), raw.failure()); err != nil || !raw.unsure {
		return cmp.Or(err, ctx.Err())
	}
	info, err := t.store.Head(ctx, raw.obj.Key)
	if err == nil && info.ETag != raw.obj.ETag {
		err = storage.ErrChanged
	}
	if err != nil {
		return &ObjectError{Object: raw.obj, Err: err}
	}
	return nil
}
