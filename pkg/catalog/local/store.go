package local

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"datalake/pkg/catalog"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// Store is a catalog in a zone. Safe for concurrent use.
type Store struct {
	zone layout.Zone
	mu   sync.Mutex // one change at a time in this process

	// seen are tables as they were last read or written: a publish asks for each some five times, and with 10,000 partitions to read one takes
	// 30 ms. Whether one still is what is there its version tells. What they hold is never changed.
	seenMu sync.Mutex
	seen   map[string]file
}

// Open gives the catalog in the zone. It reads nothing. Errors: layout.ErrZone.
func Open(zone layout.Zone) (*Store, error) {
	if err := zone.Check(); err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	return &Store{zone: zone, seen: map[string]file{}}, nil
}

// file is the content of a table's object.
type file struct {
	catalog.Table
	Partitions []catalog.Partition `json:"partitions"`
}

const suffix = ".json"

func (s *Store) key(table string) (string, error) {
	if table == "" || strings.ContainsAny(table, "/.") {
		return "", fmt.Errorf("table name %q", table)
	}
	return s.zone.Key(table + suffix), nil
}

// Table reads a table. Errors: catalog.ErrNoTable.
func (s *Store) Table(ctx context.Context, name string) (catalog.Table, error) {
	f, err := s.read(ctx, name)
	return f.Table, err
}

// Partitions gives all partitions of a table, ordered by their values. Errors: catalog.ErrNoTable.
func (s *Store) Partitions(ctx context.Context, table string) ([]catalog.Partition, error) {
	f, err := s.read(ctx, table)
	return f.Partitions, err
}

// PutTable creates a table or replaces the version that t names; its partitions stay, with null for a key that is new.
// Errors: catalog.ErrVersion.
func (s *Store) PutTable(ctx context.Context, t catalog.Table) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.read(ctx, t.Name)
	if err != nil && !errors.Is(err, catalog.ErrNoTable) {
		return err
	}
	if f.Version != t.Version {
		return fmt.Errorf("put table %s: %w", t.Name, catalog.ErrVersion)
	}
	f.Partitions = rekey(f.Partitions, f.PartitionKeys, t.PartitionKeys)
	f.Table = t
	return s.write(ctx, f)
}

// rekey gives partitions the values of other keys: those that they have, by name.
func rekey(ps []catalog.Partition, from, to []catalog.Column) []catalog.Partition {
	if slices.Equal(from, to) {
		return ps
	}
	all := make([]catalog.Partition, len(ps))
	for i, p := range ps {
		all[i] = p
		all[i].Values = make([]string, len(to))
		for j, key := range to {
			if k := slices.IndexFunc(from, func(c catalog.Column) bool { return c.Name == key.Name }); k >= 0 {
				all[i].Values[j] = p.Values[k]
			}
		}
	}
	return all
}

// PutPartitions creates or replaces partitions, all in one act. It refuses those that have not as many values as the
// table has keys. Errors: catalog.ErrNoTable.
func (s *Store) PutPartitions(ctx context.Context, table string, ps []catalog.Partition) ([]catalog.Refusal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.read(ctx, table)
	if err != nil {
		return nil, err
	}
	all := make(map[string]catalog.Partition, len(f.Partitions)+len(ps))
	for _, p := range f.Partitions {
		all[id(p.Values)] = p
	}
	var refused []catalog.Refusal
	for _, p := range ps {
		if len(p.Values) != len(f.PartitionKeys) {
			refused = append(refused, catalog.Refusal{Table: table, Values: p.Values, Err: fmt.Errorf("the table has %d partition keys", len(f.PartitionKeys))})
			continue
		}
		if p.Files == nil {
			p.Files = []string{} // no files, which is something else than not to know
		}
		all[id(p.Values)] = p
	}
	f.Partitions = slices.SortedFunc(maps.Values(all), func(a, b catalog.Partition) int { return slices.Compare(a.Values, b.Values) })
	return refused, s.write(ctx, f)
}

// id makes values a map key.
func id(values []string) string { return strings.Join(values, "\x00") }

func (s *Store) read(ctx context.Context, table string) (file, error) {
	key, err := s.key(table)
	if err != nil {
		return file{}, fmt.Errorf("read table: %w", err)
	}
	if f, ok := s.known(table); ok {
		if info, err := s.zone.Store.Head(ctx, key); err == nil && info.ETag == f.Version {
			return f, nil
		}
	}
	data, etag, err := s.get(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return file{}, fmt.Errorf("read table %s: %w", table, catalog.ErrNoTable)
	}
	if err != nil {
		return file{}, fmt.Errorf("read table %s: %w", table, err)
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		// All of it follows from the log, so a file that was damaged is as good as none: it is written anew.
		return file{}, fmt.Errorf("read table %s: %w: %w", table, catalog.ErrNoTable, err)
	}
	f.Version = etag
	s.know(table, f)
	return f, nil
}

func (s *Store) known(table string) (file, bool) {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	f, ok := s.seen[table]
	return f, ok
}

func (s *Store) know(table string, f file) {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	s.seen[table] = f
}

func (s *Store) get(ctx context.Context, key string) ([]byte, string, error) {
	r, info, err := s.zone.Store.Get(ctx, key, storage.GetOptions{})
	if err != nil {
		return nil, "", err
	}
	data, err := io.ReadAll(r)
	return data, info.ETag, errors.Join(err, r.Close())
}

func (s *Store) write(ctx context.Context, f file) error {
	key, err := s.key(f.Name)
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(&f); err != nil {
		return fmt.Errorf("write table %s: %w", f.Name, err)
	}
	info, err := s.zone.Store.Put(ctx, key, bytes.NewReader(buf.Bytes()), storage.PutOptions{})
	if err != nil {
		return fmt.Errorf("write table %s: %w", f.Name, err)
	}
	f.Version = info.ETag
	s.know(f.Name, f)
	return nil
}

// tables reads all tables, ordered by name.
func (s *Store) tables(ctx context.Context) ([]file, error) {
	var files []file
	for info, err := range s.zone.Store.List(ctx, s.zone.Key(""), "") {
		if err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		name, err := s.zone.Rel(info.Key)
		if err != nil || !strings.HasSuffix(name, suffix) || strings.Contains(name, "/") {
			continue
		}
		f, err := s.read(ctx, strings.TrimSuffix(name, suffix))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}

// Finish writes views.sql where it is not what the tables say.
func (s *Store) Finish(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	files, err := s.tables(ctx)
	if err != nil {
		return err
	}
	text := views(files)
	key := s.zone.Key(ViewsName)
	old, _, err := s.get(ctx, key)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("read views: %w", err)
	}
	if err == nil && bytes.Equal(old, text) {
		return nil
	}
	if _, err := s.zone.Store.Put(ctx, key, bytes.NewReader(text), storage.PutOptions{}); err != nil {
		return fmt.Errorf("write views: %w", err)
	}
	return nil
}
