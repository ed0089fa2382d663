package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/planted"
	"datalake/pkg/storage"
)

// filler fills directories of tables as the log says.
//
// What it copied, and what it found copied by others, is durable when a call of to or all returns: later publishes do not look there
// again. It is so entry by entry, because of two files that two entries add to one directory the loss of the machine must not leave
// the later one alone.
type filler struct {
	lake  Lake
	zones batches
	// upTo is the entry up to which directories are filled.
	upTo uint64
	// changed are the partitions that entries since then have acted on.
	changed map[commitlog.Partition]bool

	mu     sync.Mutex
	copied int
	bytes  int64
	// broken are partitions that cannot be filled, with the reason. They are not shown in a catalog as they should be.
	broken map[commitlog.Partition]error
}

func newFiller(l Lake, upTo uint64) *filler {
	return &filler{lake: l, zones: l.batches(), upTo: upTo, changed: map[commitlog.Partition]bool{}, broken: map[commitlog.Partition]error{}}
}

// one is a file that has to be in a directory, and where else its bytes may be.
type one struct {
	partition commitlog.Partition
	dir       string
	file      commitlog.File
	others    []string
}

// to fills what the entries after the last one filled decided, up to the head: of each entry the new and fresh
// directories first, then the files that are added.
func (f *filler) to(ctx context.Context, head *commitlog.State) error {
	if f.upTo >= head.Seq {
		return nil
	}
	for r, err := range f.lake.Log.Read(ctx, f.upTo+1) {
		if err != nil {
			return err
		}
		if r.Seq > head.Seq {
			break
		}
		b, err := r.ReadActs(ctx)
		if err != nil {
			return err
		}
		if err := f.acts(ctx, b.Acts, head); err != nil {
			return fmt.Errorf("publish log entry %d: %w", r.Seq, err)
		}
		f.upTo = r.Seq
	}
	return nil
}

func (f *filler) acts(ctx context.Context, acts []commitlog.Act, head *commitlog.State) error {
	for _, adds := range []bool{false, true} {
		var files []one
		for i := range acts {
			a := &acts[i]
			if (a.Kind == commitlog.Add) != adds {
				continue
			}
			if err := f.lake.guardAct(a); err != nil {
				return err
			}
			f.changed[a.Partition] = true
			list := a.Files
			if planted.Bug("drop-swap-file") && a.Kind == commitlog.Swap && len(list) > 1 {
				list = list[:len(list)-1]
			}
			for _, file := range list {
				files = append(files, one{a.Partition, a.Dir, file, f.others(a.Partition, a.Dir, file, head)})
			}
		}
		if err := f.files(ctx, files); err != nil {
			return err
		}
	}
	return f.sync(ctx)
}

func (f *filler) sync(ctx context.Context) error {
	if planted.Bug("publish-unsynced") {
		return nil
	}
	return f.zones.sync(ctx)
}

// all looks at every file of a state.
func (f *filler) all(ctx context.Context, s *commitlog.State) error {
	var files []one
	for p, c := range s.Partitions {
		f.changed[p] = true
		for _, file := range c.Files {
			files = append(files, one{p, c.Dir, file, f.others(p, c.Dir, file, s)})
		}
	}
	slices.SortFunc(files, func(a, b one) int { return a.partition.Compare(b.partition) })
	if err := f.files(ctx, files); err != nil {
		return err
	}
	return f.sync(ctx)
}

// others are the places where a file's bytes may be: the one that the log names, and the directories that the partition
// had first and has now.
func (f *filler) others(p commitlog.Partition, dir string, file commitlog.File, head *commitlog.State) []string {
	keys := []string{file.Key, f.lake.Zones[p.Zone].FirstDir(p.Path) + file.Name}
	if c := head.Partitions[p]; c != nil {
		keys = append(keys, c.Dir+file.Name)
	}
	slices.Sort(keys[1:])
	return slices.DeleteFunc(slices.Compact(keys), func(k string) bool { return k == dir+file.Name })
}

func (f *filler) files(ctx context.Context, files []one) error {
	return f.lake.each(ctx, len(files), func(ctx context.Context, i int) error {
		err := f.put(ctx, files[i])
		if errors.Is(err, ErrMissing) || errors.Is(err, storage.ErrExists) {
			f.mu.Lock()
			f.broken[files[i].partition] = err
			f.mu.Unlock()
			return nil
		}
		return err
	})
}

// put puts one file into its directory. The store is asked before and after: what an earlier publisher copied stays,
// and a copy is believed only when it can be seen. Errors: ErrMissing if the bytes are nowhere, storage.ErrExists if
// other bytes have the name.
func (f *filler) put(ctx context.Context, o one) error {
	s, to := f.zones[o.partition.Zone], o.dir+o.file.Name
	if !f.lake.Zones[o.partition.Zone].Owns(to) {
		return fmt.Errorf("%w: %s: %q lies outside the zone", commitlog.ErrInvalid, o.partition, to)
	}
	there, err := f.there(ctx, s, to, o.file.Size)
	if there || err != nil {
		return err
	}
	for _, from := range o.others {
		_, cerr := s.Copy(ctx, from, to)
		if errors.Is(cerr, storage.ErrNotFound) {
			continue
		}
		if cerr != nil && !errors.Is(cerr, storage.ErrUnknown) {
			return cerr
		}
		there, err := f.there(ctx, s, to, o.file.Size)
		if err != nil {
			return err
		}
		if there {
			f.mu.Lock()
			f.copied++
			f.bytes += o.file.Size
			f.mu.Unlock()
			return nil
		}
		return fmt.Errorf("copy %s to %s: it did not arrive: %w", from, to, errors.Join(cerr, storage.ErrUnknown))
	}
	return fmt.Errorf("%w: %s, neither there nor at %q", ErrMissing, to, o.others)
}

func (f *filler) there(ctx context.Context, s storage.Store, key string, size int64) (bool, error) {
	info, err := s.Head(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.Size != size {
		return false, fmt.Errorf("%w: %s has %d bytes, the log says %d; delete it, and repair copies it again", storage.ErrExists, key, info.Size, size)
	}
	return true, nil
}

// foreign lists the directories of partitions and gives what no entry put there. Entries that came after s are no
// reason for alarm: the log is asked again.
func (f *filler) foreign(ctx context.Context, s *commitlog.State) ([]Finding, error) {
	partitions := make([]commitlog.Partition, 0, len(f.changed))
	for p := range f.changed {
		partitions = append(partitions, p)
	}
	slices.SortFunc(partitions, commitlog.Partition.Compare)
	var mu sync.Mutex
	var suspects []string
	known := func(s *commitlog.State, p commitlog.Partition, key string) bool {
		c := s.Partitions[p]
		return c == nil || slices.ContainsFunc(c.Files, func(f commitlog.File) bool { return c.Dir+f.Name == key })
	}
	owner := map[string]commitlog.Partition{}
	err := f.lake.each(ctx, len(partitions), func(ctx context.Context, i int) error {
		p := partitions[i]
		c := s.Partitions[p]
		if c == nil {
			return nil
		}
		for info, err := range f.lake.Zones[p.Zone].Store.List(ctx, c.Dir, "") {
			if err != nil {
				return fmt.Errorf("list %s: %w", c.Dir, err)
			}
			if !known(s, p, info.Key) {
				mu.Lock()
				suspects, owner[info.Key] = append(suspects, info.Key), p
				mu.Unlock()
			}
		}
		return nil
	})
	if err != nil || len(suspects) == 0 {
		return nil, err
	}
	if s, err = f.lake.Log.Head(ctx); err != nil {
		return nil, err
	}
	slices.Sort(suspects)
	var found []Finding
	for _, key := range suspects {
		if p := owner[key]; !known(s, p, key) && inDir(s.Partitions[p], key) {
			found = append(found, Finding{Alarm, "foreign", key, "no entry of the log put it into the table's directory"})
		}
	}
	return found, nil
}

func inDir(c *commitlog.Content, key string) bool {
	return len(key) > len(c.Dir) && key[:len(c.Dir)] == c.Dir
}

// places are where a file of a state may be read: in the partition's directory once it is published, and where it was put aside.
func places(s *commitlog.State, p commitlog.Partition, f commitlog.File) []string {
	if c := s.Partitions[p]; c != nil && c.Dir+f.Name != f.Key {
		return []string{c.Dir + f.Name, f.Key}
	}
	return []string{f.Key}
}

// Find gives the zone and the key at which a file of a state can be read now: in the partition's directory once it is
// published, else where it was put aside. Errors: ErrMissing.
func (l Lake) Find(ctx context.Context, s *commitlog.State, p commitlog.Partition, f commitlog.File) (layout.Zone, storage.Info, error) {
	z := l.Zones[p.Zone]
	keys := places(s, p, f)
	for _, key := range keys {
		info, err := z.Store.Head(ctx, key)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return z, storage.Info{}, fmt.Errorf("find file: %w", err)
		}
		if info.Size != f.Size {
			return z, storage.Info{}, fmt.Errorf("find file: %w: %s has %d bytes, not %d", ErrMissing, key, info.Size, f.Size)
		}
		return z, info, nil
	}
	return z, storage.Info{}, fmt.Errorf("find file: %w: %q", ErrMissing, keys)
}

// FindSound is Find for a lake in doubt: it reads what it finds, and passes over bytes that are not the log's. Errors: ErrMissing.
func (l Lake) FindSound(ctx context.Context, s *commitlog.State, p commitlog.Partition, f commitlog.File) (key string, err error) {
	keys := places(s, p, f)
	for _, key := range keys {
		same, err := l.Same(ctx, p.Zone, key, f)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return "", fmt.Errorf("find file: %w", err)
		}
		if same {
			return key, nil
		}
	}
	return "", fmt.Errorf("find file: %w: %q, as they were decided", ErrMissing, keys)
}

// Same says whether the bytes of an object of a zone are those of a file. Errors: storage.ErrNotFound.
func (l Lake) Same(ctx context.Context, zone, key string, f commitlog.File) (bool, error) {
	z := l.Zones[zone]
	if info, err := z.Store.Head(ctx, key); err != nil || info.Size != f.Size {
		return false, err
	}
	hash, err := hashObject(ctx, z.Store, key)
	return hash == f.SHA256, err
}
