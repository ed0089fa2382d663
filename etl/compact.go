package etl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/errgroup"

	"datalake/etl/commit"
	"datalake/etl/dedupe"
	"datalake/etl/write"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/process"
	"datalake/pkg/schema"
)

// Compaction says which files are to be made few. The zero value looks at all tables.
type Compaction struct {
	// Source whose table it is; empty: all.
	Source string
	// Partition narrows it to the partition of that path and those below: year=2025/month=11, with or without source=X before.
	// What is named is made few also where it hardly pays.
	Partition string
	// TargetSize is the size of a file, in bytes, up to which smaller ones are put together; 0: 256 MiB.
	TargetSize int64
	// DryRun says what would be done, by the sizes of files, and does nothing.
	DryRun bool
}

// Compacted says what Compact did.
type Compacted struct {
	RunID string `json:"run_id"`
	// Decided is the entry of the log, 0 where nothing was worth it. Published: every catalog and directory shows it.
	Decided    uint64               `json:"decided"`
	Published  bool                 `json:"published"`
	Partitions []CompactedPartition `json:"partitions"`
	// PeakMemory is the process's peak resident set in bytes, 0 where the system does not tell.
	PeakMemory int64   `json:"peak_memory_bytes"`
	Seconds    float64 `json:"seconds"`
}

// CompactedPartition is one partition of a Compacted. BytesAfter of a dry run is 0: only the work tells.
type CompactedPartition struct {
	Path       string `json:"partition"`
	Rows       int64  `json:"rows"`
	Files      int    `json:"files"`
	FilesAfter int    `json:"files_after"`
	Bytes      int64  `json:"bytes"`
	BytesAfter int64  `json:"bytes_after"`
}

const (
	// worthwhile is how many files must become one for that to pay by itself.
	worthwhile = 4
	// lopsided is how many times larger than all files behind it a file may be, to be written anew with them: so that a partition
	// that gets a small file with every run is not written as a whole again and again.
	lopsided = 4
)

// merges finds the files of a partition that had better be one: neighbours, because rows keep their order.
func merges(files []commitlog.File, target int64, least int) (spans []span) {
	for from := 0; from < len(files); {
		end, rest := from, int64(0)
		for ; end < len(files) && rest+files[end].Size <= target; end++ {
			rest += files[end].Size
		}
		first := from
		for ; first < end && files[first].Size > lopsided*(rest-files[first].Size); first++ {
			rest -= files[first].Size
		}
		if end-first >= least {
			spans = append(spans, span{first, end})
		}
		from = max(end, from+1)
	}
	return spans
}

// compaction is one attempt at it.
type compaction struct {
	*work
	parts []*compacting
}

// compacting is a partition at work: files of its content that become one each.
type compacting struct {
	commitlog.Partition
	content *commitlog.Content
	spans   []span
	merged  []commitlog.File // of spans
}

// Compact rewrites partitions of many small files into few: the same rows in the same order, columns that older files lack being null.
// Number of rows and sum of the dedupe keys' hashes are compared before the decision, of each file that was read and of what can be
// read back. Files that come to a partition meanwhile are kept as they are. The result is published; the old files stay until gc.
// When it returns an error, nothing was decided, unless the result, which is given besides, says so. Errors: as Run.
func Compact(ctx context.Context, job Job, c Compaction) (*Compacted, error) {
	if err := job.Validate(); err != nil {
		return nil, err
	}
	if c.TargetSize < 0 {
		return nil, fmt.Errorf("%w: a target size of %d bytes", ErrConfig, c.TargetSize)
	}
	if c.TargetSize == 0 {
		c.TargetSize = write.DefaultFileBytes
	}
	job = job.withDefaults()
	began := time.Now()
	lake, err := job.Commits(ctx)
	if err != nil {
		return nil, err
	}
	res := &Compacted{}
	_, err = commit.Retry(func() (*Compacted, error) { return res, job.compact(ctx, lake, c, res) })
	res.Seconds, res.PeakMemory = time.Since(began).Seconds(), process.PeakMemory()
	if err != nil && res.Decided == 0 {
		return nil, Meaning(err)
	}
	return res, Meaning(err)
}

func (j Job) compact(ctx context.Context, lake commit.Lake, c Compaction, res *Compacted) error {
	head, err := lake.Log.Head(ctx)
	if err != nil {
		return err
	}
	parts, err := c.find(head)
	if err != nil {
		return err
	}
	if c.DryRun || len(parts) == 0 {
		res.fill(parts)
		return nil
	}
	attempt, err := commit.Begin(ctx, lake)
	if err != nil {
		return err
	}
	if parts, err = c.find(attempt.Base); err != nil {
		return err
	}
	w := &compaction{newWork(j, lake, attempt, nil, nil, &meter{}), parts}
	defer w.close()
	if err := w.living(ctx, w.run); err != nil {
		return err
	}
	res.RunID, res.Decided = attempt.ID, w.seq
	res.fill(w.parts)
	if w.seq == 0 {
		return nil
	}
	report, err := commit.Publish(ctx, lake)
	res.Published = err == nil && len(report.Refused) == 0
	if errors.Is(err, commit.ErrBusy) {
		return nil
	}
	return err
}

// find lists the partitions of a state that have something to merge. Error: ErrConfig if it has no such partition.
func (c Compaction) find(s *commitlog.State) (parts []*compacting, err error) {
	least, seen := worthwhile, false
	if c.Partition != "" {
		least = 2
	}
	for _, p := range slices.SortedFunc(maps.Keys(s.Partitions), commitlog.Partition.Compare) {
		source := layout.SourceOf(p.Path)
		if p.Zone != layout.Processed || c.Source != "" && c.Source != source || !c.wants(p.Path) {
			continue
		}
		seen = true
		content := s.Partitions[p]
		if spans := merges(content.Files, c.TargetSize, least); len(spans) > 0 {
			parts = append(parts, &compacting{Partition: p, content: content, spans: spans})
		}
	}
	if !seen && c.Partition != "" {
		return nil, fmt.Errorf("%w: there is no partition %s; etl files lists them", ErrConfig, c.Partition)
	}
	return parts, nil
}

// wants says whether a partition path is the one asked for or lies below it.
func (c Compaction) wants(path string) bool {
	want := strings.Trim(c.Partition, "/")
	if !strings.HasPrefix(want, "source=") {
		_, path, _ = strings.Cut(path, "/")
	}
	return want == "" || path == want || strings.HasPrefix(path, want+"/")
}

func (r *Compacted) fill(parts []*compacting) {
	r.Partitions = []CompactedPartition{}
	for _, p := range parts {
		c := CompactedPartition{Path: p.Path, Rows: p.content.Rows(), Files: len(p.content.Files), FilesAfter: len(p.content.Files)}
		for i := range p.content.Files {
			c.Bytes += p.content.Files[i].Size
		}
		if p.merged != nil {
			c.BytesAfter = c.Bytes
		}
		for i, s := range p.spans {
			c.FilesAfter -= s.end - s.first - 1
			if p.merged != nil {
				for _, f := range p.content.Files[s.first:s.end] {
					c.BytesAfter -= f.Size
				}
				c.BytesAfter += p.merged[i].Size
			}
		}
		r.Partitions = append(r.Partitions, c)
	}
}

// run merges files and decides. What was merged stays good on a newer base, for a partition that only got files since.
func (w *compaction) run(ctx context.Context) error {
	if err := w.merge(ctx); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	for {
		body := w.swaps()
		if len(body.Acts) == 0 {
			return nil
		}
		var err error
		w.seq, err = w.attempt.Decide(ctx, commit.Decision{Kind: commitlog.Compact, Body: body})
		var conflict *commit.Conflict
		if err == nil || !errors.As(err, &conflict) || conflict.Redo != commit.Rebase {
			return err
		}
		if w.seq, err = w.attempt.Rebase(ctx); err != nil || w.seq > 0 {
			return err
		}
	}
}

// merge makes the files of all partitions.
func (w *compaction) merge(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.job.Parallel)
	for i, p := range w.parts {
		p.merged = make([]commitlog.File, len(p.spans))
		for k, s := range p.spans {
			g.Go(func() error {
				w.job.Progress(Progress{Phase: "write", Done: int64(i), Total: int64(len(w.parts))})
				f, err := w.mergeSpan(ctx, p, s)
				p.merged[k] = f
				if err != nil {
					return fmt.Errorf("partition %s: %w", p.Path, err)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// mergeSpan makes one file of some.
func (w *compaction) mergeSpan(ctx context.Context, p *compacting, s span) (merged commitlog.File, err error) {
	sch := w.attempt.Base.Sources[layout.SourceOf(p.Path)].Schema
	o, err := w.options(sch)
	if err != nil {
		return merged, err
	}
	out := write.NewGroup(o)
	defer func() { err = errors.Join(err, out.Abort()) }()
	out.Single(0)
	var want tally
	for i := s.first; i < s.end; i++ {
		f := tableFile{p.Partition, p.content, &p.content.Files[i]}
		t, err := w.append(ctx, out, f, sch, o)
		if err != nil {
			return merged, fmt.Errorf("read %s: %w", p.content.Dir+f.file.Name, err)
		}
		want.add(t)
	}
	files, err := out.Finish()
	if err != nil {
		return merged, err
	}
	if len(files) != 1 {
		return merged, fmt.Errorf("%d rows made %d files", want.rows, len(files))
	}
	f := files[0]
	defer func() { err = errors.Join(err, f.Close()) }()
	merged = commitlog.File{Size: f.Size(), Rows: f.Rows, SHA256: f.SHA256(), Keys: f.Keys}
	if merged, err = w.putFile(ctx, layout.Processed, p.Path, merged, f.Body()); err != nil {
		return merged, err
	}
	got, err := w.tally(ctx, tableFile{p.Partition, &commitlog.Content{Dir: strings.TrimSuffix(merged.Key, merged.Name)}, &merged}, sch, sch)
	if err == nil && got != want {
		err = fmt.Errorf("%d rows with keys %s were read, %d with %s are in %s", want.rows, want.keys, got.rows, got.keys, merged.Key)
	}
	return merged, err
}

// tally is what must not change: the number of rows, and the sum of the hashes of their dedupe keys.
type tally struct {
	rows int64
	keys commitlog.Sum
}

func (t *tally) add(o tally) {
	t.rows += o.rows
	t.keys.Add(o.keys)
}

// append hands all rows of a file over to the writer, and compares them with what the log says of the file.
func (w *compaction) append(ctx context.Context, out *write.Group, f tableFile, sch *schema.Schema, o write.Options) (t tally, err error) {
	r, p, err := f.open(ctx, w.job.Zones.Processed.Store)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for rec, err := range p.Records(ctx, o.Schema, w.mem) {
		if err != nil {
			return t, err
		}
		rows := rowNumbers(rec)
		err := out.Append(ctx, rec, rows, func(uint32) uint32 { return 0 })
		if err == nil && o.Sum != nil {
			var sum commitlog.Sum
			sum, err = o.Sum(rec, rows)
			t.keys.Add(sum)
		}
		t.rows += rec.NumRows()
		if err != nil {
			return t, err
		}
	}
	logged := tally{f.file.Rows, f.file.Keys}
	if t == logged {
		return t, nil
	}
	// A key that was an int when the file was written has other hashes as the bigint that it is now.
	if narrow, ok := narrowKey(sch); ok {
		if was, err := w.tally(ctx, f, sch, narrow); err == nil && was == logged {
			return t, nil
		}
	}
	return t, fmt.Errorf("%w: %d rows with keys %s, the log says %d with %s", parquetfile.ErrCorrupt, t.rows, t.keys, logged.rows, logged.keys)
}

func rowNumbers(rec arrow.Record) []uint32 {
	rows := make([]uint32, rec.NumRows())
	for i := range rows {
		rows[i] = uint32(i)
	}
	return rows
}

// narrowKey gives a schema whose dedupe key is int where it is bigint.
func narrowKey(s *schema.Schema) (*schema.Schema, bool) {
	if len(s.Dedupe.Key) != 1 || s.Dedupe.None {
		return nil, false
	}
	i := s.Index(s.Dedupe.Key[0])
	if i < 0 || s.Columns[i].Type.Kind != schema.Bigint {
		return nil, false
	}
	n := s.Clone()
	n.Columns[i].Type.Kind = schema.Int
	return n, true
}

// tally reads the keys of a file by a schema.
func (w *compaction) tally(ctx context.Context, f tableFile, sch, by *schema.Schema) (t tally, err error) {
	r, p, err := f.open(ctx, w.job.Zones.Processed.Store)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if sch.Dedupe.None {
		return tally{rows: p.Rows()}, nil
	}
	hasher, err := dedupe.NewHasher(by, w.seed)
	if err != nil {
		return t, err
	}
	for rec, err := range p.Records(ctx, fieldsOf(by, hasher.Columns(), dedupe.Scope{}), w.mem) {
		if err != nil {
			return t, err
		}
		sum, err := hasher.Sum(rec, rowNumbers(rec))
		if err != nil {
			return t, err
		}
		t.add(tally{rec.NumRows(), sum})
	}
	return t, nil
}

// swaps makes the body for the base at hand. Partitions whose files have changed otherwise than by new ones are given up.
func (w *compaction) swaps() *commitlog.Body {
	b := &commitlog.Body{Counts: map[string]commitlog.Counts{}}
	w.parts = slices.DeleteFunc(w.parts, func(p *compacting) bool {
		is, n := w.attempt.Base.Partitions[p.Partition], len(p.content.Files)
		return is.Dir != p.content.Dir || len(is.Files) < n || !slices.EqualFunc(is.Files[:n], p.content.Files, func(a, b commitlog.File) bool { return a.Name == b.Name })
	})
	for _, p := range w.parts {
		act := commitlog.Act{Partition: p.Partition, Kind: commitlog.Swap, Same: true}
		p.content = w.attempt.Base.Partitions[p.Partition]
		from, source := 0, layout.SourceOf(p.Path)
		c := b.Counts[source]
		for i, s := range p.spans {
			act.Files = append(append(act.Files, p.content.Files[from:s.first]...), p.merged[i])
			from = s.end
			c.Files++
			c.BytesOut += p.merged[i].Size
		}
		act.Files = append(act.Files, p.content.Files[from:]...)
		b.Acts, b.Counts[source] = append(b.Acts, act), c
	}
	return b
}
