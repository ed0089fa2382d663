package spill_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"datalake/pkg/spill"
)

func TestPieces(t *testing.T) {
	dir := t.TempDir()
	f := spill.NewFile(dir)
	var extents []spill.Extent
	for i := range 10 {
		e, err := f.Append(bytes.Repeat([]byte{byte(i)}, i*100))
		if err != nil {
			t.Fatal(err)
		}
		extents = append(extents, e)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("the temporary file has a name: %v, %v", names, err)
	}
	for i, e := range extents {
		got := make([]byte, e.Length)
		if err := f.Read(e, got); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, i*100)) {
			t.Errorf("piece %d: %d bytes, %v", i, len(got), err)
		}
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := f.Read(extents[1], make([]byte, 100)); err == nil {
		t.Error("a closed file can be read")
	}
}

func TestUnwritableFolder(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := spill.NewFile(missing).Append([]byte("x")); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("error %v does not name the folder", err)
	}
}
