package diff

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
)

func TestUsage(t *testing.T) {
	f := fileOf(t, []row{{1, nil, 1}})
	g := fileOf(t, []struct {
		ID string `parquet:"id"`
	}{{"1"}})
	whole, err := f.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, whole.Info.Size)
	if _, err := whole.ReadAt(data, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		here, there []File
		o           Options
		want        string
	}{
		{[]File{f}, []File{f}, Options{}, "no key"},
		{nil, []File{f}, Options{Key: []string{"id"}}, "here has no files"},
		{[]File{f}, nil, Options{Key: []string{"id"}}, "there has no files"},
		{[]File{f}, []File{g}, Options{Key: []string{"name"}}, "there has no column name for the key; it has id"},
		{[]File{g}, []File{f}, Options{Key: []string{"name"}}, "here has no column name for the key; it has id"},
		{[]File{f}, []File{g}, Options{Key: []string{"id"}}, "key column id is bigint in here and string in there"},
		{[]File{f}, []File{f}, Options{Key: []string{"id", "ID"}}, "key column ID is named twice"},
		{[]File{f}, []File{f}, Options{Key: []string{"id"}, Ignore: []string{"nix"}}, "neither side has a column nix to ignore"},
		{[]File{f}, []File{f}, Options{Key: []string{"id"}, Ignore: []string{"id"}}, "column id is of the key"},
		{[]File{f}, []File{inMemory(t, []byte("no parquet at all"), nil)}, Options{Key: []string{"id"}}, "read x.parquet as Parquet"},
		{[]File{f}, []File{inMemory(t, data[:len(data)-9], nil)}, Options{Key: []string{"id"}}, "read x.parquet as Parquet"},
	} {
		a, b := sets(c.here, c.there)
		_, err := Compare(t.Context(), a, b, c.o)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestDamage: a damaged file is an error, never a panic.
func TestDamage(t *testing.T) {
	f := fileOf(t, randomRows(rand.New(rand.NewPCG(1, 1)), 200, 50))
	r, err := f.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole := make([]byte, r.Info.Size)
	if _, err := r.ReadAt(whole, 0); err != nil {
		t.Fatal(err)
	}
	errs := 0
	for at := 0; at < len(whole); at += 7 {
		data := slices.Clone(whole)
		data[at] ^= 0x55
		a, b := sets([]File{f}, []File{inMemory(t, data, nil)})
		if _, err := Compare(t.Context(), a, b, Options{Key: []string{"id"}, TempDir: t.TempDir()}); err != nil {
			errs++
		}
	}
	if errs < 10 {
		t.Errorf("only %d errors", errs)
	}
}

// TestWriters: the same rows as pyarrow writes them, in each codec, page format, encoding and way to store times, are the same; or
// the file is refused. Needs a Python with pyarrow, see etl/readers.
func TestWriters(t *testing.T) {
	python := os.Getenv("DATALAKE_PYTHON")
	if python == "" {
		if os.Getenv("DATALAKE_REQUIRE_PEERS") == "1" {
			t.Fatal("DATALAKE_PYTHON is not set, and DATALAKE_REQUIRE_PEERS=1 asks for it")
		}
		t.Skip("DATALAKE_PYTHON is not set")
	}
	dir := t.TempDir()
	if out, err := exec.Command(python, filepath.Join("testdata", "write.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	open := func(key string) File {
		return File{Name: key, Open: func(ctx context.Context) (*storage.Reader, error) { return storage.OpenReader(ctx, s, key) }}
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	same, refused, differs := 0, 0, 0
	for _, n := range names {
		a, b := sets([]File{open("base.parquet")}, []File{open(n.Name())})
		r, err := Compare(t.Context(), a, b, Options{Key: []string{"id"}, TempDir: dir})
		expectDifferent := strings.HasPrefix(n.Name(), "other-")
		switch {
		case errors.Is(err, ErrUsage) && strings.Contains(err.Error(), "cannot be read here"):
			refused++
		case err != nil:
			t.Errorf("%s: %v", n.Name(), err)
		case r.Same == expectDifferent || r.RowsThere != 3000:
			t.Errorf("%s: %+v", n.Name(), r)
		case expectDifferent:
			differs++
			for _, c := range r.Columns {
				if want := int64(0); c.Name == strings.TrimSuffix(strings.TrimPrefix(n.Name(), "other-"), ".parquet") {
					if want = 1; c.Different != want {
						t.Errorf("%s: %d rows differ in %s, want %d", n.Name(), c.Different, c.Name, want)
					}
				} else if c.Different != want {
					t.Errorf("%s: %d rows differ in %s", n.Name(), c.Different, c.Name)
				}
			}
		default:
			same++
		}
	}
	t.Logf("%d files the same, %d refused, %d with one other value", same, refused, differs)
	if same < 15 || differs < 10 || refused > 10 {
		t.Errorf("%d files the same, %d refused, %d with one other value", same, refused, differs)
	}
}
