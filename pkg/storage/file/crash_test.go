package file_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
)

// A step is one request of a schedule; what it asks for is that key has the body want afterwards ("" is: no object).
type step struct {
	op        string // put, once, copy, delete
	key, from string
	want      string
}

func (s step) String() string { return fmt.Sprintf("%s %s%s", s.op, s.key, s.from) }

var crashKeys = []string{"a/b/1", "a/b/2", "a/c/1", "d", "e/f/g/h"}

// schedule gives steps that all succeed when nothing fails.
func schedule(r *rand.Rand, n int) []step {
	state := map[string]string{}
	steps := []step{}
	for i := range n {
		s := step{op: "put", key: crashKeys[r.IntN(len(crashKeys))], want: fmt.Sprintf("body %d", i)}
		switch from := crashKeys[r.IntN(len(crashKeys))]; r.IntN(4) {
		case 0:
			s.op, s.want = "delete", ""
		case 1:
			if state[s.key] == "" {
				s.op = "once"
			}
		case 2:
			if state[from] != "" && (state[s.key] == "" || state[s.key] == state[from]) {
				s.op, s.from, s.want = "copy", from, state[from]
			}
		}
		state[s.key] = s.want
		steps = append(steps, s)
	}
	return steps
}

func (s step) run(t *testing.T, store storage.Store) (err error) {
	switch s.op {
	case "put", "once":
		_, err = store.Put(t.Context(), s.key, strings.NewReader(s.want), storage.PutOptions{Once: s.op == "once"})
	case "copy":
		_, err = store.Copy(t.Context(), s.from, s.key)
	case "delete":
		err = store.Delete(t.Context(), s.key)
	}
	return err
}

// observe gives all objects of the store, and an error where its answers do not agree.
func observe(t *testing.T, store *file.Store) (map[string]string, error) {
	got := map[string]string{}
	for info, err := range store.List(t.Context(), "", "") {
		if err != nil {
			return nil, err
		}
		r, _, err := store.Get(t.Context(), info.Key, storage.GetOptions{IfMatch: info.ETag})
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
		got[info.Key] = string(body)
	}
	return got, nil
}

// allowed is what each key may hold; a key that is not in it, nothing.
type allowed map[string][]string

func (a allowed) check(got map[string]string) error {
	for _, key := range crashKeys {
		may := a[key]
		if may == nil {
			may = []string{""}
		}
		if !slices.Contains(may, got[key]) {
			return fmt.Errorf("%s holds %q, may hold %q", key, got[key], may)
		}
	}
	for key := range got {
		if !slices.Contains(crashKeys, key) {
			return fmt.Errorf("%s should not be there", key)
		}
	}
	return nil
}

const crashRoot = "/srv/data/lake"

// crashRun runs a schedule on a new file system, which wrap may make worse, until the power fails before operation
// at; brings the power back; and says whether what was acknowledged is there, and whether the store can go on. It also
// says whether the power failed at all.
func crashRun(t *testing.T, steps []step, at int, crash func(*crashfs.FS), wrap func(file.FS) file.FS) (failed bool, err error) {
	t.Helper()
	disk := crashfs.New()
	store, err := file.OpenFS(crashRoot, wrap(disk))
	if err != nil {
		t.Fatal(err)
	}
	disk.CrashAt(at)
	may, left := allowed{}, []step{}
	for i, s := range steps {
		err := s.run(t, store)
		switch {
		case err == nil:
			may[s.key] = []string{s.want}
			continue
		case !errors.Is(err, crashfs.ErrCrashed):
			return true, fmt.Errorf("%v: %w", s, err)
		}
		if failed = true; may[s.key] == nil {
			may[s.key] = []string{""}
		}
		if errors.Is(err, storage.ErrUnknown) || s.op == "delete" {
			may[s.key] = append(may[s.key], s.want)
		}
		left = steps[i:]
		break
	}
	crash(disk)
	store, err = file.OpenFS(crashRoot, wrap(disk))
	if err != nil {
		t.Fatal(err)
	}
	got, err := observe(t, store)
	if err == nil {
		err = may.check(got)
	}
	if err != nil {
		return failed, err
	}
	for _, s := range left {
		err := s.run(t, store)
		if s.op == "once" && errors.Is(err, storage.ErrExists) && got[s.key] == s.want {
			err = nil
		}
		if err != nil {
			return failed, fmt.Errorf("%v after the crash: %w", s, err)
		}
		may[s.key] = []string{s.want}
	}
	disk.Crash()
	if got, err = observe(t, store); err != nil {
		return failed, err
	}
	if err := may.check(got); err != nil {
		return failed, fmt.Errorf("after all steps and another crash: %w", err)
	}
	return failed, nil
}

func asItIs(fsys file.FS) file.FS { return fsys }

// crashEverywhere runs schedules with a crash before every operation, and once after all of them.
func crashEverywhere(t *testing.T, schedules int, wrap func(file.FS) file.FS) (points int, err error) {
	for seed := range uint64(schedules) {
		steps := schedule(rand.New(rand.NewPCG(seed, 0)), 12)
		for at := 0; ; at++ {
			points++
			failed, err := crashRun(t, steps, at, (*crashfs.FS).Crash, wrap)
			if err != nil {
				return points, fmt.Errorf("schedule %d %v, strict crash at %d: %w", seed, steps, at, err)
			}
			for luck := range uint64(3) {
				random := func(disk *crashfs.FS) { disk.CrashRandom(rand.New(rand.NewPCG(seed, luck))) }
				if _, err := crashRun(t, steps, at, random, wrap); err != nil {
					return points, fmt.Errorf("schedule %d %v, random crash at %d: %w", seed, steps, at, err)
				}
			}
			if !failed {
				break
			}
		}
	}
	return points, nil
}

// linksFS has links, but cannot rename once.
type linksFS struct{ file.FS }

func (linksFS) RenameOnce(string, string) error { return errors.ErrUnsupported }

func onlyLinks(fsys file.FS) file.FS { return linksFS{fsys} }

func TestDurableAtEveryCrashPoint(t *testing.T) {
	points, err := crashEverywhere(t, 25, asItIs)
	if err != nil {
		t.Fatal(err)
	}
	byLinks, err := crashEverywhere(t, 10, onlyLinks)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d crash points, %d by links", points, byLinks)
}

// worseFS forgets some syncs.
type worseFS struct {
	file.FS
	forgetsDir   func(name string) bool
	forgetsFile  bool
	forgetsWhole bool
}

func (w worseFS) Whole(dir string) (file.Whole, error) {
	whole, err := w.FS.Whole(dir)
	if err == nil && w.forgetsWhole {
		whole = unsyncedWhole{whole}
	}
	return whole, err
}

type unsyncedWhole struct{ file.Whole }

func (unsyncedWhole) Sync() error { return nil }

// Open is how a batch comes to the files that it syncs.
func (w worseFS) Open(name string) (file.File, error) {
	f, err := w.FS.Open(name)
	if err == nil && w.forgetsFile {
		f = unsyncedFile{f}
	}
	return f, err
}

func (w worseFS) SyncDir(name string) error {
	if w.forgetsDir != nil && w.forgetsDir(name) {
		return nil
	}
	return w.FS.SyncDir(name)
}

func (w worseFS) Create(name string) (file.File, error) {
	f, err := w.FS.Create(name)
	if err == nil && w.forgetsFile {
		f = unsyncedFile{f}
	}
	return f, err
}

type unsyncedFile struct{ file.File }

func (unsyncedFile) Sync() error { return nil }

// The test above has teeth: without any one of the syncs it fails.
func TestForgottenSyncIsNoticed(t *testing.T) {
	only := func(dir string) func(string) bool {
		return func(name string) bool { return name == dir }
	}
	for name, worse := range map[string]worseFS{
		"content":             {forgetsFile: true},
		"all directories":     {forgetsDir: func(string) bool { return true }},
		"an object's":         {forgetsDir: only(crashRoot + "/a/b")},
		"the one above":       {forgetsDir: only(crashRoot + "/a")},
		"the root":            {forgetsDir: only(crashRoot)},
		"the root's entry":    {forgetsDir: only(path.Dir(crashRoot))},
		"what the root is in": {forgetsDir: only(path.Dir(path.Dir(crashRoot)))},
		"the topmost":         {forgetsDir: only("/")},
	} {
		t.Run(name, func(t *testing.T) {
			wrap := func(fsys file.FS) file.FS {
				worse.FS = fsys
				return worse
			}
			_, err := crashEverywhere(t, 10, wrap)
			if err == nil {
				t.Error("nothing noticed that the sync was missing")
			}
			t.Log(err)
		})
	}
}

// An operation that fails is reported; then nothing has changed, unless the outcome is said to be unknown. The request can
// be repeated.
func TestFailureAtEveryOperation(t *testing.T) {
	for seed := range uint64(20) {
		wrap := asItIs
		if seed%2 == 1 {
			wrap = onlyLinks
		}
		steps := schedule(rand.New(rand.NewPCG(seed, 1)), 12)
		for at := 0; ; at++ {
			disk := crashfs.New()
			store, err := file.OpenFS(crashRoot, wrap(disk))
			if err != nil {
				t.Fatal(err)
			}
			disk.FailAt(at, syscall.EIO)
			may, tolerated := allowed{}, 0
			for _, s := range steps {
				err := s.run(t, store)
				if err != nil {
					var e *storage.Error
					if !errors.Is(err, syscall.EIO) || !errors.As(err, &e) || e.Key != s.key && e.Key != s.from {
						t.Fatalf("schedule %d, failure at %d: %v: error does not tell cause and key: %v", seed, at, s, err)
					}
					if may[s.key] == nil {
						may[s.key] = []string{""}
					}
					if errors.Is(err, storage.ErrUnknown) {
						may[s.key] = append(may[s.key], s.want)
					}
					got, oerr := observe(t, store)
					if oerr == nil {
						oerr = may.check(got)
					}
					if oerr != nil {
						t.Fatalf("schedule %d, failure at %d: %v says %v, but %v", seed, at, s, err, oerr)
					}
					err = s.run(t, store)
					if s.op == "once" && errors.Is(err, storage.ErrExists) && got[s.key] == s.want {
						err = nil
					}
					if err != nil {
						t.Fatalf("schedule %d, failure at %d: %v repeated: %v", seed, at, s, err)
					}
					tolerated++
				}
				may[s.key] = []string{s.want}
			}
			disk.Crash()
			got, err := observe(t, store)
			if err == nil {
				err = may.check(got)
			}
			if err != nil {
				t.Fatalf("schedule %d, failure at %d, after a crash: %v", seed, at, err)
			}
			if at >= disk.Ops() {
				break
			}
		}
	}
}

// frozenStore is a store of another process, which never gets round to syncing a directory.
func frozenStore(t *testing.T, disk *crashfs.FS) *file.Store {
	return openFS(t, worseFS{FS: disk, forgetsDir: func(string) bool { return true }})
}

func openFS(t *testing.T, fsys file.FS) *file.Store {
	t.Helper()
	s, err := file.OpenFS(crashRoot, fsys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func putOnce(t *testing.T, s *file.Store, key, body string) error {
	_, err := s.Put(t.Context(), key, strings.NewReader(body), storage.PutOptions{Once: true})
	return err
}

// Another process has put the object but not yet made it durable: whoever is told that it exists can count on it.
func TestExistsMeansDurable(t *testing.T) {
	for _, first := range []string{"aside", "log/n/1"} { // who makes the root
		for name, reply := range map[string]func(*file.Store) error{
			"put": func(s *file.Store) error {
				if err := putOnce(t, s, "log/n/1", "mine"); !errors.Is(err, storage.ErrExists) {
					return fmt.Errorf("put: %w", err)
				}
				return nil
			},
			"copy": func(s *file.Store) error {
				_, err := s.Copy(t.Context(), "aside", "log/n/1")
				return err
			},
		} {
			disk := crashfs.New()
			stores := map[string]*file.Store{"aside": openFS(t, disk), "log/n/1": frozenStore(t, disk)}
			keys := []string{"aside", "log/n/1"}
			if first != keys[0] {
				slices.Reverse(keys)
			}
			for _, key := range keys {
				if err := putOnce(t, stores[key], key, "theirs"); err != nil {
					t.Fatal(err)
				}
			}
			s := openFS(t, disk)
			if err := reply(s); err != nil {
				t.Fatal(err)
			}
			disk.Crash()
			got, err := observe(t, s)
			if err != nil || got["log/n/1"] != "theirs" {
				t.Errorf("%s, %s first: after the crash: %q, %v", name, first, got, err)
			}
		}
	}
}

// A directory that this store has made durable is removed by another process, which makes a new one and does not sync it.
func TestRemadeDirectoryIsDurable(t *testing.T) {
	for _, gone := range []string{"a/b/c/1", "a/x"} {
		disk := crashfs.New()
		s, other := openFS(t, disk), frozenStore(t, disk)
		for _, key := range []string{"a/b/c/1", "a/x"} {
			if err := putOnce(t, s, key, "first"); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{"a/b/c/1", gone} {
			if err := other.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		if err := putOnce(t, other, "a/b/c/2", "theirs"); err != nil {
			t.Fatal(err)
		}
		if err := putOnce(t, s, "a/b/c/3", "mine"); err != nil {
			t.Fatal(err)
		}
		disk.Crash()
		if got, err := observe(t, s); err != nil || got["a/b/c/3"] != "mine" {
			t.Errorf("%s gone: after the crash: %q, %v", gone, got, err)
		}
	}
}

// A store that has put into very many directories still knows what is durable.
func TestManyDirectories(t *testing.T) {
	disk := crashfs.New()
	s := openFS(t, disk)
	for round := range 2 {
		for i := range 300 {
			if err := putOnce(t, s, fmt.Sprintf("p/%d/%d", i, round), "x"); err != nil {
				t.Fatal(err)
			}
		}
	}
	disk.Crash()
	if got, err := observe(t, s); err != nil || len(got) != 600 {
		t.Errorf("after the crash: %d objects, %v", len(got), err)
	}
}

// A delete that was cut off before its sync is made good by the next one, though the file is gone already.
func TestDeleteOfMissingIsDurable(t *testing.T) {
	for _, key := range []string{"a/b/c", "a"} {
		disk := crashfs.New()
		s := openFS(t, disk)
		if _, err := s.Put(t.Context(), key, strings.NewReader("x"), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*file.Store{frozenStore(t, disk), s} {
			if err := s.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		disk.Crash()
		if got, err := observe(t, s); err != nil || len(got) != 0 {
			t.Errorf("after the crash: %q, %v", got, err)
		}
	}
}
