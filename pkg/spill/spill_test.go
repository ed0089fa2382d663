package spill_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

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

// Pieces of all sizes come back as they were, whatever of them waits in memory, while others are added.
func TestManyPieces(t *testing.T) {
	f := spill.NewFile(t.TempDir())
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	var g errgroup.Group
	for k := range uint64(4) {
		g.Go(func() error {
			r := rand.New(rand.NewPCG(k, 1))
			type piece struct {
				e spill.Extent
				p []byte
			}
			var pieces []piece
			check := func(p piece) error {
				got := make([]byte, len(p.p))
				if err := f.Read(p.e, got); err != nil {
					return err
				}
				if !bytes.Equal(got, p.p) {
					return fmt.Errorf("piece of %d bytes at %d: others came back", len(p.p), p.e.Offset)
				}
				return nil
			}
			for range 200 {
				b := make([]byte, r.IntN(1<<r.IntN(19)))
				for i := range b {
					b[i] = byte(r.Uint32())
				}
				e, err := f.Append(b)
				if err != nil {
					return err
				}
				pieces = append(pieces, piece{e, b})
				if err := check(pieces[r.IntN(len(pieces))]); err != nil {
					return err
				}
			}
			for _, p := range pieces {
				if err := check(p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// Size counts what was appended, and not what lies between.
func TestSize(t *testing.T) {
	f := spill.NewFile(t.TempDir())
	for _, n := range []int{1, 100_000, 3, 64 << 10, 64 << 10, 64 << 10, 64 << 10} {
		if _, err := f.Append(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	if want := int64(1 + 100_000 + 3 + 256<<10); f.Size() != want {
		t.Errorf("size %d, want %d", f.Size(), want)
	}
	if n := f.Size() / 8; !f.Outweighs(n) || f.Outweighs(n+1) {
		t.Errorf("%d bytes do not outweigh %d, or %d", f.Size(), n, n+1)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := spill.NewFile(missing).Append([]byte("x")); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("error %v does not name the folder", err)
	}
}
