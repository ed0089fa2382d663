package overlay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
	"datalake/pkg/storage/overlay"
	"datalake/pkg/storage/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, base storage.Store) *overlay.Store {
	s := overlay.New(base, t.TempDir(), nil)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storage.Store { return open(t, memory.New()) })
}

// An overlay of an overlay is as good as one of a store.
func TestConformanceOfTwo(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storage.Store { return open(t, open(t, memory.New())) })
}

// Random requests show the same as on a store that has the same objects, and the store below is only read.
func TestModel(t *testing.T) {
	ctx := t.Context()
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		base, model := memory.New(), memory.New()
		var keys []string
		for i := range 8 {
			keys = append(keys, fmt.Sprintf("%c/%d", 'a'+rune(i%3), i))
		}
		body := func() []byte {
			return bytes.Repeat([]byte{byte(rng.IntN(3))}, []int{0, 1, 64 << 10, 64<<10 + 1, 3 << 19}[rng.IntN(5)])
		}
		for _, key := range keys[:4] {
			b := body()
			for _, s := range []storage.Store{base, model} {
				if _, err := s.Put(ctx, key, bytes.NewReader(b), storage.PutOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		before, requests := contents(t, base), base.Requests()
		s := open(t, base)
		for range 30 {
			key, other, b, once := keys[rng.IntN(8)], keys[rng.IntN(8)], body(), rng.IntN(2) == 0
			both := func(what string, request func(s storage.Store) error) {
				got, want := request(s), request(model)
				for _, e := range []error{storage.ErrExists, storage.ErrNotFound} {
					if errors.Is(got, e) != errors.Is(want, e) || (got == nil) != (want == nil) {
						t.Fatalf("seed %d: %s: %v, want %v", seed, what, got, want)
					}
				}
			}
			switch rng.IntN(3) {
			case 0:
				both("put "+key, func(s storage.Store) error {
					_, err := s.Put(ctx, key, bytes.NewReader(b), storage.PutOptions{Once: once})
					return err
				})
			case 1:
				both("copy "+key+" to "+other, func(s storage.Store) error { _, err := s.Copy(ctx, key, other); return err })
			case 2:
				both("delete "+key, func(s storage.Store) error { return s.Delete(ctx, key) })
			}
			if got, want := contents(t, s), contents(t, model); !maps.Equal(got, want) {
				t.Fatalf("seed %d: the overlay has %v, want %v", seed, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
		}
		if got := contents(t, base); !maps.Equal(got, before) {
			t.Fatalf("seed %d: the store below has changed", seed)
		}
		for op, n := range base.Requests() {
			if slices.Contains([]string{"put", "copy", "delete"}, op) && n != requests[op] {
				t.Fatalf("seed %d: the store below was asked to %s", seed, op)
			}
		}
	}
}

// contents lists a store and reads all of it, whole and from the middle.
func contents(t *testing.T, s storage.Store) map[string]string {
	t.Helper()
	all, last := map[string]string{}, ""
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if info.Key <= last {
			t.Fatalf("listed %s after %s", info.Key, last)
		}
		last = info.Key
		head, err := s.Head(t.Context(), info.Key)
		if err != nil || head != info {
			t.Fatalf("Head gives %+v, %v; the listing %+v", head, err, info)
		}
		text := read(t, s, info, storage.GetOptions{IfMatch: info.ETag})
		if half := info.Size / 2; half > 0 {
			if got := read(t, s, info, storage.GetOptions{Offset: half, Length: 7}); got != text[half:min(info.Size, half+7)] {
				t.Fatalf("%s: a range is not that of the whole", info.Key)
			}
		}
		all[info.Key] = fmt.Sprintf("%d %x", len(text), text[:min(1, len(text))])
	}
	return all
}

func read(t *testing.T, s storage.Store, info storage.Info, o storage.GetOptions) string {
	t.Helper()
	r, got, err := s.Get(t.Context(), info.Key, o)
	if err != nil || got != info {
		t.Fatalf("Get: %+v, %v; want %+v", got, err, info)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A temporary folder that cannot be written to is an error that names it.
func TestNoRoom(t *testing.T) {
	s := overlay.New(memory.New(), "no/such/folder", nil)
	_, err := s.Put(context.Background(), "a", strings.NewReader(strings.Repeat("x", 1<<20)), storage.PutOptions{})
	if err == nil || !strings.Contains(err.Error(), "no/such/folder") {
		t.Errorf("error %v", err)
	}
	if _, err := s.Put(context.Background(), "a", strings.NewReader("small"), storage.PutOptions{}); err != nil || s.Bytes() != 0 {
		t.Errorf("a small object: %v, %d bytes in the file", err, s.Bytes())
	}
}
