package parquetfile

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// A Buffer gives back what was written, however it is read, and its memory follows its size.
func TestBuffer(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, size := range []int{0, 1, firstBlock, firstBlock + 1, 100_000, 2_000_000} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(r.Uint32())
		}
		var b Buffer
		for p := want; len(p) > 0; {
			n := min(len(p), 1+r.IntN(1+r.IntN(size)))
			if k, err := b.Write(p[:n]); k != n || err != nil {
				t.Fatal(k, err)
			}
			p = p[n:]
		}
		if b.Len() != int64(size) || b.memory > 2*size+firstBlock+lastBlock {
			t.Fatalf("%d bytes in %d of memory, %d were written", b.Len(), b.memory, size)
		}
		if err := iotest.TestReader(b.Reader(), want); err != nil {
			t.Error(err)
		}
		var to bytes.Buffer
		rd := b.Reader()
		if _, err := rd.Seek(int64(size/3), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(&to, rd); n != int64(size-size/3) || err != nil || !bytes.Equal(to.Bytes(), want[size/3:]) {
			t.Errorf("%d bytes copied, %v", n, err)
		}
		if at, err := rd.Seek(-1, io.SeekStart); err == nil || at != int64(size) {
			t.Errorf("a seek before the start: %d, %v", at, err)
		}
		b.Free()
		if b.Len() != 0 || b.memory != 0 {
			t.Errorf("%d bytes after Free", b.Len())
		}
	}
}

// What one Buffer gives up the next takes.
func TestBufferMemoryIsUsedAgain(t *testing.T) {
	p := make([]byte, 100<<10)
	if n := testing.AllocsPerRun(20, func() {
		var b Buffer
		for range 20 {
			if _, err := b.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		b.Free()
	}); n > 12 { // the slices of blocks and of their ends
		t.Errorf("%.0f allocations", n)
	}
}
