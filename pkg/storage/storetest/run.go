package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"datalake/pkg/storage"
)

// Run holds a store to the suite. It calls open for each of its tests; each time open gives an empty store, and
// cleans up by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, storage.Store)
	}{
		{"Missing", testMissing},
		{"PutGet", testPutGet},
		{"Body", testBody},
		{"Replace", testReplace},
		{"Once", testOnce},
		{"IfMatch", testIfMatch},
		{"Range", testRange},
		{"Seek", testSeek},
		{"Delete", testDelete},
		{"Copy", testCopy},
		{"Batch", testBatch},
		{"Keys", testKeys},
		{"InvalidKeys", testInvalidKeys},
		{"ListOrder", testListOrder},
		{"ListRandom", testListRandom},
		{"ListMany", testListMany},
		{"ListStops", testListStops},
		{"Canceled", testCanceled},
		{"RaceOnce", testRaceOnce},
		{"RaceReplace", testRaceReplace},
		{"RaceDelete", testRaceDelete},
		{"RaceCopy", testRaceCopy},
		{"RaceList", testRaceList},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func put(t *testing.T, s storage.Store, key, body string) storage.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, strings.NewReader(body), storage.PutOptions{})
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	return info
}

// get reads a whole object.
func get(ctx context.Context, s storage.Store, key string, o storage.GetOptions) (string, storage.Info, error) {
	r, info, err := s.Get(ctx, key, o)
	if err != nil {
		return "", info, err
	}
	body, err := io.ReadAll(r)
	return string(body), info, errors.Join(err, r.Close())
}

func wantBody(t *testing.T, s storage.Store, key, want string) storage.Info {
	t.Helper()
	body, info, err := get(t.Context(), s, key, storage.GetOptions{})
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if body != want {
		t.Fatalf("Get %q: got %s, want %s", key, abbreviate(body), abbreviate(want))
	}
	return info
}

func wantMissing(t *testing.T, s storage.Store, key string) {
	t.Helper()
	if info, err := s.Head(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Head %q: got %+v, %v, want ErrNotFound", key, info, err)
	}
	if _, _, err := get(t.Context(), s, key, storage.GetOptions{}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Get %q: got %v, want ErrNotFound", key, err)
	}
}

// wantError checks the error's kind, and that it tells the operation and the key.
func wantError(t *testing.T, err, kind error, op, key string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s %q: got error %v, want %v", op, key, err, kind)
		return
	}
	var e *storage.Error
	if !errors.As(err, &e) || e.Op != op || e.Key != key {
		t.Errorf("%s %q: error %#v does not tell operation and key", op, key, err)
	}
}

// list gives the keys of a listing.
func list(t *testing.T, s storage.Store, prefix, after string) []string {
	t.Helper()
	keys := []string{}
	for info, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatalf("List %q after %q: %v", prefix, after, err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func equalInfo(a, b storage.Info) bool {
	return a.Key == b.Key && a.Size == b.Size && a.ETag == b.ETag && a.ModTime.Equal(b.ModTime)
}

func abbreviate(s string) string {
	if len(s) <= 40 {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q… (%d bytes)", s[:40], len(s))
}

// pattern gives n bytes of which no two stretches are alike.
func pattern(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.Bytes()[:n]
}
