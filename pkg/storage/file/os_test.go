//go:build unix

package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"datalake/pkg/storage"
)

// A descriptor's number goes to the next file that is opened: nothing may be done with it after Close.
func TestClosedFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	f, err := OS.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write([]byte("abc")); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := OS.Open(name) // most likely of the same number
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for what, err := range map[string]error{
		"write": second(f.Write([]byte("d"))), "read": second(f.ReadAt(make([]byte, 1), 0)), "stat": second(f.Stat()),
		"sync": f.Sync(), "close": f.Close(),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after close: %v", what, err)
		}
	}
	f.StartSync()
	buf := make([]byte, 8)
	if n, err := other.ReadAt(buf, 1); n != 2 || !errors.Is(err, io.EOF) || string(buf[:n]) != "bc" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if _, err := other.ReadAt(buf, -1); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a negative offset: %v", err)
	}
	if _, err := other.Write(buf); !errors.Is(err, unix.EBADF) {
		t.Errorf("write to what is open for reading: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// What a store holds open is closed when the store is garbage.
func TestGarbageIsClosed(t *testing.T) {
	const list = "/proc/self/fd"
	if _, err := os.Stat(list); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	held := func() (n int) {
		entries, err := os.ReadDir(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if to, err := os.Readlink(filepath.Join(list, e.Name())); err == nil && strings.HasPrefix(to, dir) {
				n++
			}
		}
		return n
	}
	func() {
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Put(t.Context(), "a/b", strings.NewReader("x"), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if held() == 0 {
			t.Error("nothing is held open: the test shows nothing")
		}
	}()
	for deadline := time.Now().Add(10 * time.Second); held() > 0 && time.Now().Before(deadline); {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	if n := held(); n > 0 {
		t.Errorf("%d directories are held open", n)
	}
}

// A reader tells of changes to its object, and of no other object that has the key by now.
func TestLook(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put := func(body string) storage.Info {
		info, err := s.Put(t.Context(), "a", strings.NewReader(body), storage.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := put("first")
	r, _, err := s.Get(t.Context(), "a", storage.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	put("other")
	look := func() storage.Info {
		info, err := r.(storage.Looker).Look()
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	if got := look(); got.ETag != first.ETag || got.Key != "a" {
		t.Errorf("replaced: %+v, want %+v", got, first)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.(storage.Looker).Look(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if r, first, err = s.Get(t.Context(), "a", storage.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.WriteFile(filepath.Join(s.Root(), "a"), []byte("longer than it was"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := look(); got.ETag == first.ETag {
		t.Errorf("changed in place: %+v as before", got)
	}
}
