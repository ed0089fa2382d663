package file_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
)

// plainFS hides whatever the operating system's FS is besides.
type plainFS struct{ file.FS }

// tree makes a directory of all that may lie in a raw zone, with names whose order is not that of their keys.
func tree(t testing.TB, r *rand.Rand, dir string, depth int) {
	t.Helper()
	check := func(err error) {
		if err != nil && !errors.Is(err, os.ErrExist) {
			t.Helper()
			t.Fatal(err)
		}
	}
	check(os.MkdirAll(dir, 0o777))
	names := []string{"a", "a.b", "a-b", "a0", "a b", "ab", "A", "ä", ".hidden", "_x", ".tmp-x", "year=2025", "b"}
	for _, name := range names {
		path := filepath.Join(dir, name)
		switch n := r.IntN(12); {
		case n < 4:
			check(os.WriteFile(path, []byte(strings.Repeat("x", r.IntN(9))), 0o666))
		case n < 6 && depth > 0:
			tree(t, r, path, depth-1)
		case n == 6:
			check(os.Mkdir(path, 0o777))
		case n == 7:
			check(os.Symlink(names[r.IntN(len(names))], path)) // to another name, or round in a circle, or nowhere
		case n == 8:
			check(syscall.Mkfifo(path, 0o666))
		}
	}
}

func listed(t testing.TB, s storage.Store, prefix, after string) (infos []storage.Info, err error) {
	t.Helper()
	for info, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			return infos, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// A listing is the same by whatever way a directory is read, in order, and what Head says of each object.
func TestListIsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	files, links := 0, 0
	for i := range 60 {
		dir := filepath.Join(t.TempDir(), "lake")
		tree(t, r, dir, 3)
		fast, err := file.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		slow, err := file.OpenFS(dir, plainFS{file.OS})
		if err != nil {
			t.Fatal(err)
		}
		all, err := listed(t, slow, "", "")
		if err != nil {
			links++ // one that leads round in a circle
		}
		files += len(all)
		keys := []string{"", "a", "a/", "a/a", "b/", ".tmp-x/", "a.", "x"}
		for _, info := range all {
			keys = append(keys, info.Key, info.Key[:len(info.Key)/2])
			if head, err := fast.Head(t.Context(), info.Key); err != nil || head != info {
				t.Errorf("tree %d: %+v, but its head is %+v, %v", i, info, head, err)
			}
		}
		for range 60 {
			prefix, after := keys[r.IntN(len(keys))], keys[r.IntN(len(keys))]
			if r.IntN(3) == 0 {
				prefix = ""
			}
			want, wantErr := listed(t, slow, prefix, after)
			got, gotErr := listed(t, fast, prefix, after)
			if fmt.Sprint(got, gotErr) != fmt.Sprint(want, wantErr) {
				t.Fatalf("tree %d, prefix %q, after %q: %v, %v; want %v, %v", i, prefix, after, got, gotErr, want, wantErr)
			}
			var filtered []storage.Info
			for _, info := range all {
				if strings.HasPrefix(info.Key, prefix) && info.Key > after {
					filtered = append(filtered, info)
				}
			}
			if err == nil && fmt.Sprint(got) != fmt.Sprint(filtered) {
				t.Fatalf("tree %d, prefix %q, after %q: %v, want %v", i, prefix, after, got, filtered)
			}
			for j := 1; j < len(got); j++ {
				if got[j-1].Key >= got[j].Key {
					t.Fatalf("tree %d: %s after %s", i, got[j].Key, got[j-1].Key)
				}
			}
		}
	}
	if files < 500 || links == 0 || links > 50 {
		t.Errorf("%d files, %d trees with a circle: the trees test little", files, links)
	}
}

// A directory that cannot be read, and one that goes while the listing is under way and has not read ahead so far.
func TestListFails(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/1", "b/1", "c/1", "d/1", "e/1", "f/1"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
		if err := os.RemoveAll(filepath.Join(dir, "e")); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(keys) != "[a/1 b/1 c/1 d/1 f/1]" {
		t.Errorf("keys %q", keys)
	}
	if os.Geteuid() == 0 {
		return // may read everything
	}
	if err := os.Chmod(filepath.Join(dir, "c"), 0); err != nil {
		t.Fatal(err)
	}
	if keys, err := listed(t, s, "", ""); !errors.Is(err, os.ErrPermission) || len(keys) != 2 {
		t.Errorf("%v, %v", keys, err)
	}
}

// slowFS counts what is being read, and takes its time.
type slowFS struct {
	file.FS
	reading, most *atomic.Int32
}

func (f slowFS) ReadDir(name string) ([]file.Entry, error) {
	n := f.reading.Add(1)
	defer f.reading.Add(-1)
	for m := f.most.Load(); n > m && !f.most.CompareAndSwap(m, n); m = f.most.Load() {
	}
	time.Sleep(time.Millisecond)
	return f.FS.ReadDir(name)
}

// A listing reads a little ahead, stops when it is told to, and then leaves nothing running.
func TestListReadsAhead(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		for j := range 20 {
			folder := filepath.Join(dir, fmt.Sprintf("%02d/%02d", i, j))
			if err := os.MkdirAll(folder, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "x"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	fsys := slowFS{file.OS, &atomic.Int32{}, &atomic.Int32{}}
	s, err := file.OpenFS(dir, fsys)
	if err != nil {
		t.Fatal(err)
	}
	infos, err := listed(t, s, "", "")
	sorted := slices.IsSortedFunc(infos, func(a, b storage.Info) int { return strings.Compare(a.Key, b.Key) })
	if err != nil || len(infos) != 400 || !sorted {
		t.Errorf("%d objects, in order: %v, %v", len(infos), sorted, err)
	}
	if most := fsys.most.Load(); most < 2 || most > 6 { // three in each of two levels
		t.Errorf("%d directories are read at once", most)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range s.List(ctx, "", "") {
		if n++; n == 50 {
			cancel()
		}
		if err != nil {
			if n != 51 || !errors.Is(err, context.Canceled) {
				t.Errorf("object %d: %v", n, err)
			}
		}
	}
	for range s.List(t.Context(), "", "") {
		break
	}
	if n := fsys.reading.Load(); n != 0 {
		t.Errorf("%d directories are still being read", n)
	}
}

// BenchmarkList lists 20,000 objects in folders of the usual depth.
func BenchmarkList(b *testing.B) {
	dir := b.TempDir()
	const days, files = 5, 4000
	for day := range days {
		folder := filepath.Join(dir, fmt.Sprintf("raw/events/year=2025/month=11/day=%02d", day+1))
		if err := os.MkdirAll(folder, 0o777); err != nil {
			b.Fatal(err)
		}
		for i := range files {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("2025-11-%02dT%06d-%08x.json", day+1, i, uint32(i)*2654435761)), nil, 0o666); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, fsys := range map[string]file.FS{"os": file.OS, "plain": plainFS{file.OS}} {
		s, err := file.OpenFS(dir, fsys)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				infos := 0
				for _, err := range s.List(b.Context(), "", "") {
					if err != nil {
						b.Fatal(err)
					}
					infos++
				}
				n += infos
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/object")
		})
	}
}
