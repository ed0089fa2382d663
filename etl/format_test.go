package etl_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// TestFileFormat: encoding and compression of the lake file are those of the table's files.
func TestFileFormat(t *testing.T) {
	for _, c := range []struct {
		lake  string
		codec format.CompressionCodec
		delta bool
	}{
		{"{}", format.Zstd, true},
		{"{compression: snappy}", format.Snappy, true},
		{"{encoding: plain, compression: zstd}", format.Zstd, false},
		{"{encoding: plain, compression: snappy}", format.Snappy, false},
	} {
		t.Run(c.lake, func(t *testing.T) {
			l := openLake(memory.New())
			var err error
			if l.job.Lake, err = lakefile.Parse("lake.yaml", []byte("sources: {s: "+c.lake+"}"), nil); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for i := range 1000 {
				fmt.Fprintf(&b, `{"record_id":"%d","source":"s","data":{"v":%d}}`+"\n", i, i)
			}
			l.put(t, "raw/s/a.json", b.String())
			l.run(t)
			ctx := context.Background()
			if err := l.verify(ctx); err != nil {
				t.Error(err)
			}
			head, err := l.head(ctx)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for p, state := range head.Partitions {
				if p.Zone != layout.Processed {
					continue
				}
				for _, f := range state.Files {
					n++
					formatOf(t, l, state.Dir+f.Name, c.codec, c.delta)
				}
			}
			if n == 0 {
				t.Error("no files")
			}
		})
	}
}

func formatOf(t *testing.T, l *lake, key string, codec format.CompressionCodec, delta bool) {
	t.Helper()
	r, err := storage.OpenReader(context.Background(), l.store, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(io.NewSectionReader(r, 0, r.Info.Size))
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, g := range p.Metadata().RowGroups {
		for _, c := range g.Columns {
			if c.MetaData.Codec != codec {
				t.Errorf("%v is compressed by %s, want %s", c.MetaData.PathInSchema, c.MetaData.Codec, codec)
			}
			seen = seen || slices.Contains(c.MetaData.Encoding, format.DeltaBinaryPacked) || slices.Contains(c.MetaData.Encoding, format.DeltaLengthByteArray)
		}
	}
	if seen != delta {
		t.Errorf("delta encodings: %v, want %v", seen, delta)
	}
}
