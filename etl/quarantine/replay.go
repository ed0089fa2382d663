package quarantine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/ndjson"
	"datalake/pkg/spill"
	"datalake/pkg/storage"
)

// Replay is what is taken out of the quarantine to be read again, and what is found there.
//
// Add the lines that are wanted; say of each of Versions whether the raw object is still there; give the payloads of those that are
// not, by AddText; then Objects lists what a run is to read. Pick makes of a unit of these objects one of the records that
// were taken, and no others. In the end Took says of each line whether its record was read, and so is no longer the line's.
//
// A record is known by its object's key, its version and its offset. Where it stands for a longer stretch (a line that was given up, a value
// without the array that records_at names) all records that begin in that stretch are its own.
//
// Of a record some numbers are in memory; payloads wait in a temporary file. Pick and the store may be used by many goroutines at
// once, all else by one.
type Replay struct {
	texts    *spill.File
	versions []*Version
	byKey    map[string]*Version
	rules    map[string]string
	sources  []source // by index of their object
	taken    int64
}

// Version is a version of a raw object of which records are taken.
type Version struct {
	Key, ETag string
	Arrived   int64 // in milliseconds since 1970
	// Object is the raw object if it is still there, in just this version; nil: it is gone. The caller sets it, but for Index.
	Object *batch.Object
	// Folder and RecordsAt are those of the object's folder, also where it is gone. The caller sets them.
	Folder, RecordsAt string

	records []record
}

// record is what is known of a line.
type record struct {
	offset, length, line int64
	hash                 uint64 // of the line
	path, rule           string // of its partition, and by which it was set aside
	text                 spill.Extent
	hasText              bool
	oneLine              bool // the text is one line, and to be read as a line is
	source               int  // that it is read with; -1: it cannot be read again, the object is gone and so is its text
}

// source is one object of the plan, and the records to read of it: of a version that is there all, else one, from its text.
type source struct {
	origin  *batch.Object // that the records' origins name
	records []record
	found   []atomic.Bool
	gone    bool
}

// NewReplay makes one without lines. It does not close the file.
func NewReplay(texts *spill.File) *Replay {
	return &Replay{texts: texts, byKey: map[string]*Version{}, rules: map[string]string{}}
}

// Add takes a line, which must be Replayable, of the partition path.
func (r *Replay) Add(path string, l *Line, text []byte) {
	v := r.version(l)
	if v == nil {
		v = &Version{Key: l.Object, ETag: l.ETag, Arrived: l.Arrived.UnixMilli()}
		r.versions, r.byKey[versionKey(l)] = append(r.versions, v), v
	}
	v.records = append(v.records, record{offset: l.Offset, length: l.Length, line: l.Line, hash: xxh3.Hash(text), path: path, rule: r.intern(l.Rule)})
	r.taken++
}

// intern gives one string for equal ones.
func (r *Replay) intern(s string) string {
	if known, ok := r.rules[s]; ok {
		return known
	}
	r.rules[s] = s
	return s
}

func versionKey(l *Line) string { return l.Object + "\x00" + l.ETag }

func (r *Replay) version(l *Line) *Version { return r.byKey[versionKey(l)] }

// Taken is how many lines were added.
func (r *Replay) Taken() int64 { return r.taken }

// Versions are the versions of objects that lines were added of, in input order. Call it after the last Add.
func (r *Replay) Versions() []*Version {
	slices.SortFunc(r.versions, func(a, b *Version) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), cmp.Compare(a.Arrived, b.Arrived), strings.Compare(a.ETag, b.ETag))
	})
	for _, v := range r.versions {
		slices.SortFunc(v.records, func(a, b record) int { return cmp.Compare(a.offset, b.offset) })
	}
	return r.versions
}

// AddText keeps the payload of a line of a version that is gone. A line that was not added, or whose object is there, is passed over.
func (r *Replay) AddText(l *Line) error {
	v := r.version(l)
	if v == nil || v.Object != nil {
		return nil
	}
	i, ok := v.find(l.Offset)
	if !ok {
		return nil
	}
	text, whole, err := l.Text()
	if err != nil || !whole {
		return err
	}
	if l.Length == int64(len(text))+1 {
		text = append(text, '\r') // it ended the line, and payloads are without
	}
	rec := &v.records[i]
	rec.hasText, rec.oneLine = true, l.Rule != ruleRecordsAt && !bytes.Contains(text, []byte{'\n'})
	rec.text, err = r.texts.Append(text)
	return err
}

func (v *Version) find(offset int64) (int, bool) {
	return slices.BinarySearchFunc(v.records, offset, func(a record, offset int64) int { return cmp.Compare(a.offset, offset) })
}

// Objects gives what is to be read, in input order, with their indexes. Objects of Texts have no version in the raw zone. It
// may be called once, after Versions were told of and all texts were given.
func (r *Replay) Objects() []*batch.Object {
	var objects []*batch.Object
	for _, v := range r.versions {
		if v.Object != nil {
			o := *v.Object
			o.Index, o.Arrived = len(objects), v.Arrived
			for i := range v.records {
				v.records[i].source = o.Index
			}
			objects = append(objects, &o)
			r.sources = append(r.sources, source{origin: &o, records: v.records, found: make([]atomic.Bool, len(v.records))})
			continue
		}
		for i := range v.records {
			rec := &v.records[i]
			if rec.source = -1; !rec.hasText {
				continue
			}
			rec.source = len(objects)
			origin := &batch.Object{
				Index: len(objects), Key: v.Key, ETag: v.ETag, Size: rec.text.Length, Source: v.Folder, Arrived: v.Arrived,
			}
			if rec.rule == ruleRecordsAt {
				origin.RecordsAt = v.RecordsAt // the text is a value that ought to hold records, and is not one itself
			}
			o := *origin
			o.Key, o.ETag = fmt.Sprintf("%s%d", textPrefix, o.Index), textPrefix
			objects = append(objects, &o)
			r.sources = append(r.sources, source{origin: origin, records: v.records[i : i+1], found: make([]atomic.Bool, 1), gone: true})
		}
	}
	return objects
}

// textPrefix begins the keys of objects that are made of payloads.
const textPrefix = "payload/"

// IsText says whether an object is one of a payload.
func IsText(o *batch.Object) bool { return o.ETag == textPrefix }

// Texts is a store from which objects of payloads are read. Only Get and Head may be asked of it.
func (r *Replay) Texts() storage.Store { return texts{replay: r} }

type texts struct {
	storage.Store // nil: nothing else is asked
	replay        *Replay
}

func (t texts) Head(_ context.Context, key string) (storage.Info, error) {
	var i int
	if _, err := fmt.Sscanf(key, textPrefix+"%d", &i); err != nil || i < 0 || i >= len(t.replay.sources) || !t.replay.sources[i].gone {
		return storage.Info{}, &storage.Error{Op: "head", Key: key, Err: storage.ErrNotFound}
	}
	return storage.Info{Key: key, ETag: textPrefix, Size: t.replay.sources[i].records[0].text.Length}, nil
}

func (t texts) Get(ctx context.Context, key string, o storage.GetOptions) (io.ReadCloser, storage.Info, error) {
	info, err := t.Head(ctx, key)
	if err != nil {
		return nil, info, err
	}
	var i int
	if _, err := fmt.Sscanf(key, textPrefix+"%d", &i); err != nil {
		return nil, info, err
	}
	e := t.replay.sources[i].records[0].text
	e.Offset += min(o.Offset, e.Length)
	if e.Length -= min(o.Offset, e.Length); o.Length > 0 {
		e.Length = min(e.Length, o.Length)
	}
	text := make([]byte, e.Length)
	if err := t.replay.texts.Read(e, text); err != nil {
		return nil, info, err
	}
	return io.NopCloser(strings.NewReader(string(text))), info, nil
}

// Pick gives a unit of the records in u that were taken. It may share the memory of u. Errors: those of the temporary file.
func (r *Replay) Pick(u *batch.Unit) (*batch.Unit, error) {
	out := &batch.Unit{First: u.First, Number: u.Number}
	whole := map[*source]bool{} // put in from their text
	for i := range u.Chunks {
		c := &u.Chunks[i]
		s := &r.sources[c.Object.Index]
		switch {
		case s.gone && s.records[0].oneLine:
			if err := r.whole(out, s, whole); err != nil {
				return nil, err
			}
		case s.gone:
			s.found[0].Store(true)
			own := *c
			own.Object, own.Offset, own.Line = s.origin, s.records[0].offset+c.Offset, max(s.records[0].line, 1)+max(c.Line, 1)-1
			out.Chunks = append(out.Chunks, own)
		case c.Lines:
			out.Chunks = s.lines(out.Chunks, c)
		default:
			out.Chunks = s.values(out.Chunks, c)
		}
	}
	for _, b := range u.Broken {
		s := &r.sources[b.Object.Index]
		i := 0
		switch {
		case s.gone && s.records[0].oneLine:
			if err := r.whole(out, s, whole); err != nil {
				return nil, err
			}
			continue
		case s.gone:
			b.Offset += s.records[0].offset
		default:
			if i = s.at(b.Offset); i < 0 || !replayable(&b) {
				continue
			}
		}
		s.found[i].Store(true)
		if b.Object = s.origin; b.Offset == s.records[i].offset {
			b.Line = s.records[i].line
		}
		out.Broken = append(out.Broken, b)
	}
	slices.SortStableFunc(out.Chunks, func(a, b batch.Chunk) int {
		return cmp.Or(cmp.Compare(a.Object.Index, b.Object.Index), cmp.Compare(a.Offset, b.Offset))
	})
	return out, nil
}

// whole puts a text of one line in a unit as it is, once: whatever else it was cut into. An object of such a line may have told of its form more than its
// text alone does.
func (r *Replay) whole(out *batch.Unit, s *source, done map[*source]bool) error {
	if done[s] || out.Number > 0 {
		return nil
	}
	done[s] = true
	rec := &s.records[0]
	data := make([]byte, rec.text.Length+jsontext.Padding)
	if err := r.texts.Read(rec.text, data[:rec.text.Length]); err != nil {
		return err
	}
	s.found[0].Store(true)
	out.Chunks = append(out.Chunks, batch.Chunk{Object: s.origin, Offset: rec.offset, Data: data, Lines: true, Line: max(rec.line, 1)})
	return nil
}

// at is the record that the offset belongs to; -1: none.
func (s *source) at(offset int64) int {
	i, ok := slices.BinarySearchFunc(s.records, offset, func(a record, offset int64) int { return cmp.Compare(a.offset, offset) })
	if ok {
		return i
	}
	if i--; i >= 0 && offset < s.records[i].offset+s.records[i].length {
		return i
	}
	return -1
}

// values appends the records of a chunk that were taken, each record that was taken a chunk of its own, so that each has its line.
func (s *source) values(dst []batch.Chunk, c *batch.Chunk) []batch.Chunk {
	last := -1
	for _, span := range c.Records {
		i := s.at(c.Offset + int64(span.Start))
		if i < 0 {
			last = -1
			continue
		}
		s.found[i].Store(true)
		if i != last {
			dst = append(dst, batch.Chunk{Object: s.origin, Offset: c.Offset + int64(span.Start), Line: max(s.records[i].line, 1)})
			last = i
		}
		own := &dst[len(dst)-1]
		from := int(own.Offset - c.Offset)
		own.Data = c.Data[from : span.End+jsontext.Padding]
		own.Records = append(own.Records, batch.Span{Start: span.Start - from, End: span.End - from})
	}
	return dst
}

// lines appends the stretches of a chunk of lines that were taken.
func (s *source) lines(dst []batch.Chunk, c *batch.Chunk) []batch.Chunk {
	n := int64(len(c.Data) - jsontext.Padding)
	first, _ := slices.BinarySearchFunc(s.records, c.Offset, func(a record, offset int64) int { return cmp.Compare(a.offset+max(a.length, 1), offset+1) })
	for i := first; i < len(s.records) && s.records[i].offset < c.Offset+n; i++ {
		rec := &s.records[i]
		from, to := max(rec.offset-c.Offset, 0), min(rec.offset+rec.length-c.Offset, n)
		own := batch.Chunk{Object: s.origin, Offset: c.Offset + from, Line: max(rec.line, 1)}
		if rec.length == 0 {
			end, whole := oneRecord(c.Data, int(from), int(n))
			if to = int64(end); whole {
				own.Records = []batch.Span{{Start: 0, End: end - int(from)}}
			}
		}
		s.found[i].Store(true)
		own.Lines, own.Data = own.Records == nil, c.Data[from:int(to)+jsontext.Padding]
		dst = append(dst, own)
	}
	return dst
}

// oneRecord is where the record that begins at from ends, or, where it is none, its line.
func oneRecord(data []byte, from, n int) (end int, whole bool) {
	for end = from; end < n && data[end] != '\n'; {
		end++
	}
	was := data[end]
	data[end] = 0
	stop, err := jsontext.Limits{ReplaceInvalid: true}.Value(data[:end+jsontext.Padding], from)
	data[end] = was
	if err != nil {
		return end, false
	}
	return stop, true
}

// Took says of a line whether its record was found and read again: then it is the line of the quarantine no more.
func (r *Replay) Took(l *Line) bool {
	if !l.Replayable() {
		return false
	}
	v := r.version(l)
	if v == nil {
		return false
	}
	i, ok := v.find(l.Offset)
	if !ok || v.records[i].source < 0 {
		return false
	}
	return r.sources[v.records[i].source].foundAt(l.Offset)
}

// foundAt says whether the record at an offset was found. Of equal offsets, which two lines of one record would have, the first stands for all.
func (s *source) foundAt(offset int64) bool { return s.found[s.at(offset)].Load() }

// same says whether a reject is, to the byte, a line that was taken of the partition path.
func (r *Replay) same(path string, b *batch.Reject) bool {
	s := &r.sources[b.Object.Index]
	i := s.at(b.Offset)
	return i >= 0 && s.records[i].offset == b.Offset && s.records[i].path == path && s.records[i].hash == xxh3.Hash(withoutFeed(appendLine(nil, b, b.Payload)))
}

func withoutFeed(line []byte) []byte { return line[:len(line)-1] }

// Found is how many of the lines of each partition were found and read again, by the rule that they were under.
func (r *Replay) Found() map[string]map[string]int64 {
	n := map[string]map[string]int64{}
	for i := range r.sources {
		s := &r.sources[i]
		for k := range s.records {
			rec := &s.records[k]
			if !s.foundAt(rec.offset) {
				continue
			}
			if n[rec.path] == nil {
				n[rec.path] = map[string]int64{}
			}
			n[rec.path][rec.rule]++
		}
	}
	return n
}

// Origin is the object that the origins of an object of Objects name, by its index.
func (r *Replay) Origin(i int) *batch.Object { return r.sources[i].origin }

// Unchanged says whether what went to a part of a store is just what was found of it, line by line.
func (s *Store) Unchanged(p Part, r *Replay) (bool, error) {
	same := 0
	err := s.each(p, func(b *batch.Reject) error {
		if r.same(p.Path, b) {
			same++
		}
		return nil
	})
	return same == p.Rows(), err
}

// CopyLines writes the lines of a file of the quarantine that keep wants, as a file like it. It says how many it wrote, and how many not.
func CopyLines(w io.Writer, file io.Reader, keep func(*Line) bool) (kept, dropped int64, err error) {
	z, err := newWriter(w)
	if err != nil {
		return 0, 0, err
	}
	var line []byte
	for text, err := range ndjson.Lines(file) {
		if err != nil {
			return 0, 0, errors.Join(err, z.Close())
		}
		l, err := ParseLine(text)
		if err == nil && !keep(l) {
			dropped++
			continue
		}
		if err == nil {
			line = append(append(line[:0], text...), '\n')
			_, err = z.Write(line)
		}
		if err != nil {
			return 0, 0, errors.Join(err, z.Close())
		}
		kept++
	}
	return kept, dropped, z.Close()
}
