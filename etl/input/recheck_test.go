package input

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"datalake/pkg/batch"
	"datalake/pkg/storage"
)

// lookingStore gives readers that can tell whether their object still is the same.
type lookingStore struct {
	*lake
	looks int
	look  func(storage.Info) (storage.Info, error)
}

type lookingBody struct {
	io.ReadCloser
	s    *lookingStore
	info storage.Info
}

func (l *lookingStore) Get(ctx context.Context, key string, o storage.GetOptions) (io.ReadCloser, storage.Info, error) {
	r, info, err := l.lake.Get(ctx, key, o)
	if err != nil {
		return nil, info, err
	}
	return lookingBody{r, l, info}, info, nil
}

func (b lookingBody) Look() (storage.Info, error) {
	b.s.looks++
	return b.s.look(b.info)
}

// An object that was changed while it was read leaves the run, whether its reader tells or the store, and in whatever way it is read.
func TestRecheck(t *testing.T) {
	text := strings.Repeat("{\"a\":1}\n", 20<<10)
	failure := errors.New("planted")
	for name, content := range map[string]string{
		"small": `{"a":1}`, "ranges": text, "gzip": gzipped2(t, text, 1), "zstd": zstded(t, text, 1), "array": `[{"a":1}]`, "UTF-16": "\xff\xfe{\x00}\x00",
	} {
		for kind, look := range map[string]func(storage.Info) (storage.Info, error){
			"same":    func(i storage.Info) (storage.Info, error) { return i, nil },
			"changed": func(i storage.Info) (storage.Info, error) { i.ETag += "x"; return i, nil },
			"failed":  func(i storage.Info) (storage.Info, error) { return i, failure },
		} {
			s := &lookingStore{lake: newLake(t, content), look: look}
			heads := s.Requests()["head"]
			err := drain(s, s.objects, Options{ChunkBytes: 16 << 10, Recheck: true})
			var failed *ObjectError
			switch {
			case kind == "same" && err != nil:
				t.Errorf("%s: %v", name, err)
			case kind == "changed" && (!errors.As(err, &failed) || !failed.Gone() || failed.Object != s.objects[0]):
				t.Errorf("%s: changed, but %v", name, err)
			case kind == "failed" && (!errors.Is(err, failure) || !errors.As(err, &failed) || failed.Gone()):
				t.Errorf("%s: a failure, but %v", name, err)
			}
			if s.looks == 0 || s.Requests()["head"] != heads {
				t.Errorf("%s, %s: %d looks, %d heads", name, kind, s.looks, s.Requests()["head"]-heads)
			}
			looks := s.looks
			if err := drain(s, s.objects, Options{ChunkBytes: 16 << 10}); err != nil || s.looks != looks {
				t.Errorf("%s: nobody asked, yet %d looks, %v", name, s.looks-looks, err)
			}
		}
	}
}

// drain reads all units and gives the last error.
func drain(s *lookingStore, objects []*batch.Object, o Options) (last error) {
	var bufs Buffers
	for task := range Tasks(s, objects, o) {
		for u, err := range task.Units(context.Background(), &bufs) {
			if err != nil {
				last = err
				continue
			}
			bufs.Release(u)
		}
	}
	return last
}
