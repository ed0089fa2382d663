package storage_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"datalake/pkg/storage"
)

func TestCheckKey(t *testing.T) {
	long := strings.Repeat("x", storage.MaxSegment)
	for _, key := range []string{
		"a", "a/b/c.parquet", "source=iot sensors/day=01", "a..b/.hidden/...", "50%/+/=/~", "ü/日本/\U0001F600", `back\slash`,
		long, long + "/" + long, "new\nline",
	} {
		if err := storage.CheckKey(key); err != nil {
			t.Errorf("CheckKey(%q) = %v, want nil", key, err)
		}
	}
	for _, c := range []struct{ key, says string }{
		{"", "empty"},
		{"/", "slash"},
		{"/a", "slash"},
		{"a/", "empty segment"},
		{"a//b", "empty segment"},
		{".", `segment "."`},
		{"a/./b", `segment "."`},
		{"..", `segment ".."`},
		{"../a", `segment ".."`},
		{"a/..", `segment ".."`},
		{"a\x00b", "NUL"},
		{"a\xff", "UTF-8"},
		{long + "x", "256 bytes"},
		{"a/" + long + "x/b", "256 bytes"},
	} {
		err := storage.CheckKey(c.key)
		if !errors.Is(err, storage.ErrKey) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("CheckKey(%q) = %v, want an ErrKey that says %q", c.key, err, c.says)
		}
	}
}

func TestErrorUnwraps(t *testing.T) {
	var err error = &storage.Error{Op: "put", Key: "a/b", Err: storage.ErrExists}
	if got, want := err.Error(), "put a/b: already exists"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if !errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("errors.Is does not see the cause of %v", err)
	}
}

// A key that passes, joined to a directory, lies below it.
func FuzzCheckKey(f *testing.F) {
	for _, key := range []string{"a", "../a", "a/../../b", "/a", "a//b", "."} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if storage.CheckKey(key) != nil {
			return
		}
		if joined := path.Join("/store", key); joined != "/store/"+key {
			t.Errorf("%q leads to %q", key, joined)
		}
	})
}
