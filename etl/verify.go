package etl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"datalake/etl/commit"
	"datalake/etl/dedupe"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/parquetfile"
	"datalake/pkg/spill"
	"datalake/pkg/storage"
)

// Checks are what commit.Verify needs to look into the job's files: each is read as a whole, and no dedupe key may occur twice in
// its scope.
func (j Job) Checks() commit.Checks {
	j = j.withDefaults()
	return commit.Checks{Content: true, File: checkFile, Keys: j.uniqueKeys}
}

func checkFile(ctx context.Context, zone layout.Zone, key string) (rows int64, err error) {
	r, err := storage.OpenReader(ctx, zone.Store, key)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if strings.HasSuffix(key, ".zst") {
		return countLines(r)
	}
	return parquetfile.Verify(r, r.Info.Size)
}

// countLines decompresses an NDJSON file of the quarantine and counts its records.
func countLines(r *storage.Reader) (rows int64, err error) {
	z, err := zstd.NewReader(io.NewSectionReader(r, 0, r.Info.Size), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	defer z.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := z.Read(buf)
		for _, c := range buf[:n] {
			if c == '\n' {
				rows++
			}
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
	}
}

// uniqueKeys looks for rows of one key in one scope, source by source. It takes memory and temporary space as the resolve
// step of a run over the whole table would.
func (j Job) uniqueKeys(ctx context.Context, s *commitlog.State) (found []commit.Finding, err error) {
	for _, source := range slices.Sorted(maps.Keys(s.Sources)) {
		sch := s.Sources[source].Schema
		if sch == nil || sch.Dedupe.None {
			continue
		}
		hasher, err := dedupe.NewHasher(sch, 0)
		if err != nil {
			return nil, err
		}
		file := spill.NewFile(j.TempDir)
		more, err := j.uniqueKeysOf(ctx, s, source, hasher, file)
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("look for keys that occur twice in processed_%s: %w", source, err)
		}
		found = append(found, more...)
	}
	return found, nil
}

// unreadable says that a file is damaged. A damaged byte may also ask for what the format has and this reader does not.
func unreadable(err error) bool {
	return errors.Is(err, parquetfile.ErrCorrupt) || errors.Is(err, parquetfile.ErrUnsupported) || errors.Is(err, parquetfile.ErrType)
}

func (j Job) uniqueKeysOf(ctx context.Context, s *commitlog.State, source string, hasher *dedupe.Hasher, file *spill.File) (found []commit.Finding, err error) {
	sch := s.Sources[source].Schema
	keys := dedupe.NewBuckets(spill.NewBudget(j.waiting()), file)
	defer keys.Release()
	sender := dedupe.NewSender(keys)
	// A row is named by its file's number, and its own in the lower bits.
	const rowBits = 40
	var names []string
	for _, p := range slices.SortedFunc(maps.Keys(s.Partitions), commitlog.Partition.Compare) {
		if p.Zone != layout.Processed || layout.SourceOf(p.Path) != source {
			continue
		}
		content := s.Partitions[p]
		for i := range content.Files {
			f := tableFile{p, content, &content.Files[i]}
			r, file, err := f.open(ctx, j.Zones.Processed.Store)
			if errors.Is(err, storage.ErrNotFound) || unreadable(err) {
				continue // a finding of its own
			}
			if err != nil {
				return nil, err
			}
			err = fileKeys(ctx, file, sch, p.Path, hasher, dedupe.Row(len(names))<<rowBits, j.Allocator, sender.Send)
			if unreadable(err) {
				err = nil // likewise; what was read before counts
			}
			if err := errors.Join(err, r.Close()); err != nil {
				return nil, fmt.Errorf("%s: %w", content.Dir+f.file.Name, err)
			}
			names = append(names, content.Dir+f.file.Name)
		}
	}
	if err := sender.Flush(); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	err = dedupe.Resolve(ctx, keys, nil, j.Parallel, j.keys(), func(loser, kept dedupe.Row) {
		mu.Lock()
		defer mu.Unlock()
		found = append(found, commit.Finding{
			Severity: commit.Alarm, What: "key", Key: names[loser>>rowBits],
			Detail: fmt.Sprintf("row %d has the dedupe key of row %d of %s", loser&(1<<rowBits-1), kept&(1<<rowBits-1), names[kept>>rowBits]),
		})
	})
	return found, err
}
