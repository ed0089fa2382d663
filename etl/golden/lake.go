package golden

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"

	"datalake/etl"
	"datalake/pkg/commitlog"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/pool"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// firstArrival is when the objects of the first run arrive; those of each later run come a day after.
var firstArrival = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// settings are what must not change a result.
type settings struct {
	parallel int
	memory   int64
}

// Store is an empty store for the lake of one case, whose clock can be set.
type Store interface {
	storage.Store
	// SetClock sets where the times of objects come from.
	SetClock(now func() time.Time)
}

// lake is a lake of its own, on which the runs of a case are made.
type lake struct {
	settings
	store  Store
	lookup func(string) (string, bool)
	zones  etl.Zones
	file   *lakefile.File
	now    time.Time // of the store's clock
	runs   int
}

func openLake(s settings, o Options) *lake {
	l := &lake{settings: s, store: o.NewStore(), lookup: o.Lookup, file: o.Lake}
	l.store.SetClock(func() time.Time { return l.now })
	zone := func(name string) layout.Zone { return layout.Zone{Store: l.store, Prefix: name} }
	l.zones = etl.Zones{
		Raw: zone(layout.Raw), Processed: zone(layout.Processed), Quarantine: zone(layout.Quarantine), State: zone(layout.State),
	}
	return l
}

// land puts objects into the raw zone, as of the next run's day.
func (l *lake) land(ctx context.Context, objects []object) error {
	arrival := firstArrival.AddDate(0, 0, l.runs)
	for _, o := range objects {
		l.now = arrival
		if !o.time.IsZero() {
			l.now = o.time
		}
		if _, err := l.store.Put(ctx, l.zones.Raw.Key(o.key), bytes.NewReader(o.data), storage.PutOptions{}); err != nil {
			return err
		}
	}
	l.now = arrival.Add(10 * time.Minute)
	return nil
}

// configure reads a lake file, which holds for all runs to come.
func (l *lake) configure(text []byte) (err error) {
	l.file, err = lakefile.Parse("lake.yaml", text, l.lookup)
	return err
}

func (l *lake) run(ctx context.Context) (*etl.Result, error) {
	l.runs++
	return etl.Run(ctx, etl.Job{Zones: l.zones, Lake: l.file, Parallel: l.parallel, Memory: l.memory, Secret: l.secret})
}

// secret gives the salt of a mask, from the variable of that name.
func (l *lake) secret(name string) (string, error) {
	if l.lookup != nil {
		if salt, ok := l.lookup(name); ok {
			return salt, nil
		}
	}
	return "", fmt.Errorf("the variable %s is not set", name)
}

// table is one source's table as a reader finds it.
type table struct {
	schema *schema.Schema
	// rows has a line for each row, under a line for each partition.
	rows []string
	n    int64
	// files are the paths of the files below the zone, as far as they do not depend on chance: partition and name.
	files []string
}

// tables reads all tables from the directories that readers are told of. It fails where a directory does not hold just
// the files that the log says.
func (l *lake) tables(ctx context.Context) (map[string]*table, error) {
	log, err := commitlog.Open(ctx, l.zones.State.Sub(layout.Processed))
	if err != nil {
		return nil, err
	}
	state, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	tables := map[string]*table{}
	for name, s := range state.Sources {
		if s.Schema != nil {
			tables[name] = &table{schema: s.Schema}
		}
	}
	parts := slices.SortedFunc(keys(state.Partitions), commitlog.Partition.Compare)
	for _, p := range parts {
		if p.Zone != layout.Processed {
			continue
		}
		t := tables[layout.SourceOf(p.Path)]
		if t == nil {
			return nil, fmt.Errorf("partition %s: its source has no schema", p)
		}
		if err := l.readPartition(ctx, t, p.Path, state.Partitions[p]); err != nil {
			return nil, fmt.Errorf("partition %s: %w", p, err)
		}
	}
	return tables, nil
}

func keys[K comparable, V any](m map[K]V) func(yield func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (l *lake) readPartition(ctx context.Context, t *table, path string, c *commitlog.Content) error {
	var listed, logged []string
	for info, err := range l.store.List(ctx, c.Dir, "") {
		if err != nil {
			return err
		}
		listed = append(listed, info.Key)
	}
	for _, f := range c.Files {
		logged = append(logged, c.Dir+f.Name)
		t.files = append(t.files, path+"/"+f.Name)
	}
	slices.Sort(logged)
	if !slices.Equal(listed, logged) {
		return fmt.Errorf("readers find %q, the log says %q", listed, logged)
	}
	var rows []string
	for _, f := range c.Files {
		got, err := l.readFile(ctx, t.schema, c.Dir+f.Name)
		if err != nil {
			return fmt.Errorf("file %s: %w", f.Name, err)
		}
		if int64(len(got)) != f.Rows {
			return fmt.Errorf("file %s has %d rows, the log says %d", f.Name, len(got), f.Rows)
		}
		rows = append(rows, got...)
	}
	t.n += int64(len(rows))
	if len(rows) > 0 {
		slices.Sort(rows)
		t.rows = append(append(t.rows, path), rows...)
	}
	return nil
}

// readFile gives each row of a data file as a line.
func (l *lake) readFile(ctx context.Context, s *schema.Schema, key string) (rows []string, err error) {
	data, err := l.get(ctx, key)
	if err != nil {
		return nil, err
	}
	f, err := parquetfile.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	sch, err := f.Schema()
	if err != nil {
		return nil, err
	}
	// A file has columns of its table, in the table's order; later ones and those of the partition are missing.
	last := -1
	for _, field := range sch.Fields() {
		i := s.Index(field.Name)
		if i <= last {
			return nil, fmt.Errorf("column %s is not in the table, or not in its order", field.Name)
		}
		last = i
	}
	mem := memory.NewCheckedAllocator(pool.Poisoned(64 << 20)) // whoever uses freed memory is found out
	for rec, err := range f.Records(ctx, sch, mem) {
		if err != nil {
			return nil, err
		}
		for i := range int(rec.NumRows()) {
			line, err := appendRow(nil, s, rec, i)
			if err != nil {
				return nil, err
			}
			rows = append(rows, string(line))
		}
	}
	if n := mem.CurrentAlloc(); n != 0 {
		return nil, fmt.Errorf("reading left %d bytes allocated", n)
	}
	return rows, nil
}

func (l *lake) get(ctx context.Context, key string) ([]byte, error) {
	r, _, err := l.store.Get(ctx, key, storage.GetOptions{})
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// reject is a line of the quarantine, as cases have it.
type reject struct {
	Rule      string  `json:"rule"`
	Object    string  `json:"object"`
	Offset    int64   `json:"offset"`
	Line      int64   `json:"line"`
	Reason    string  `json:"reason"`
	Payload   *string `json:"payload,omitempty"`
	Base64    string  `json:"payload_base64,omitempty"`
	Truncated bool    `json:"truncated,omitempty"`
	Withheld  bool    `json:"payload_withheld,omitempty"`
	Masked    bool    `json:"payload_masked,omitempty"`
}

// rejects reads the quarantine, sorted by object and offset.
func (l *lake) rejects(ctx context.Context) ([]reject, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var rejects []reject
	for info, err := range l.store.List(ctx, l.zones.Quarantine.Key(""), "") {
		if err != nil {
			return nil, err
		}
		packed, err := l.get(ctx, info.Key)
		if err != nil {
			return nil, err
		}
		text, err := z.DecodeAll(packed, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", info.Key, err)
		}
		for line := range bytes.Lines(text) {
			var r reject
			if err := json.Unmarshal(line, &r); err != nil {
				return nil, fmt.Errorf("%s: %w", info.Key, err)
			}
			r.Object = strings.TrimPrefix(r.Object, l.zones.Raw.Key(""))
			rejects = append(rejects, r)
		}
	}
	slices.SortFunc(rejects, func(a, b reject) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Rule, b.Rule))
	})
	return rejects, nil
}
