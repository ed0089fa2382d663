package storage_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
)

// counted counts what is asked of a store.
type counted struct {
	storage.RandomAccess
	gets int
}

func (c *counted) Get(ctx context.Context, key string, o storage.GetOptions) (io.ReadCloser, storage.Info, error) {
	c.gets++
	return c.RandomAccess.Get(ctx, key, o)
}

// plain is a store that does not say what its readers are.
type plain struct{ storage.Store }

func TestOpenReader(t *testing.T) {
	s, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "a", strings.NewReader("0123456789"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	c := &counted{RandomAccess: s}
	for want, store := range map[int]storage.Store{1: c, 2: plain{c}} {
		c.gets = 0
		r, err := storage.OpenReader(t.Context(), store, "a")
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 3)
		if n, err := r.ReadAt(buf, 4); err != nil || string(buf[:n]) != "456" || r.Info.Size != 10 {
			t.Errorf("read %q of %d, %v", buf[:n], r.Info.Size, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if c.gets != want {
			t.Errorf("%d gets, want %d", c.gets, want)
		}
	}
}
