package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"datalake/pkg/commitlog"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// File is one current file of a table.
type File struct {
	// Key of the file in its zone's store.
	Key string `json:"-"`
	// Location is the file's URL, or its key where the store has no URL.
	Location string `json:"location"`
	// Partition is the path of its partition: source=…/year=…/month=…/day=….
	Partition string `json:"partition"`
	Rows      int64  `json:"rows"`
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	// Seq is the entry of the log that wrote it; 0 where its name does not tell.
	Seq uint64 `json:"seq,omitempty"`
}

// Files lists a table's current files by partition, in the order in which they came. Error: ErrNoTable.
func (l *Lake) Files(table string) ([]File, error) {
	table, err := l.Resolve(table)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, p := range l.parts(table) {
		for _, f := range p.Files {
			files = append(files, File{
				Key:       p.Dir + f.Name,
				Location:  l.zone(p.Zone).Location(p.Dir + f.Name),
				Partition: p.Path, Rows: f.Rows, Bytes: f.Size, SHA256: f.SHA256, Seq: l.writer(p, f),
			})
		}
	}
	return files, nil
}

// Schema is that of a source's table; nil for the other tables. The name is one that Resolve gave.
func (l *Lake) Schema(table string) *schema.Schema {
	return l.state.Sources[strings.TrimPrefix(table, TablePrefix)].Schema
}

// writer is the entry that wrote a file, as the attempt in its key tells.
func (l *Lake) writer(p part, f commitlog.File) uint64 {
	k, err := l.zone(p.Zone).ParseAside(f.Key)
	if err != nil {
		return 0
	}
	return l.state.Attempts[k.Attempt]
}

// open opens a file of a partition where it is published, or, as long as it is not, where it was put aside.
func (l *Lake) open(ctx context.Context, p part, f commitlog.File) (*storage.Reader, error) {
	store := l.zone(p.Zone).Store
	r, err := storage.OpenReader(ctx, store, p.Dir+f.Name)
	if errors.Is(err, storage.ErrNotFound) {
		r, err = storage.OpenReader(ctx, store, f.Key)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.Dir+f.Name, err)
	}
	return r, nil
}

// parquet opens a Parquet file of a partition. The caller closes the reader.
func (l *Lake) parquet(ctx context.Context, p part, f commitlog.File) (*parquetfile.File, *storage.Reader, error) {
	r, err := l.open(ctx, p, f)
	if err != nil {
		return nil, nil, err
	}
	file, err := parquetfile.Open(r, r.Info.Size)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s: %w", r.Info.Key, err), r.Close())
	}
	return file, r, nil
}
