package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"datalake/pkg/storage"
)

func testMissing(t *testing.T, s storage.Store) {
	ctx := t.Context()
	_, err := s.Head(ctx, "a/b")
	wantError(t, err, storage.ErrNotFound, "head", "a/b")
	_, _, err = s.Get(ctx, "a/b", storage.GetOptions{})
	wantError(t, err, storage.ErrNotFound, "get", "a/b")
	_, _, err = s.Get(ctx, "a/b", storage.GetOptions{IfMatch: "x"})
	wantError(t, err, storage.ErrNotFound, "get", "a/b")
	if err := s.Delete(ctx, "a/b"); err != nil {
		t.Errorf("Delete of a missing object: %v", err)
	}
	if keys := list(t, s, "", ""); len(keys) != 0 {
		t.Errorf("empty store lists %q", keys)
	}
	put(t, s, "a/b", "x")
	wantMissing(t, s, "a")     // the folder of an object is none
	wantMissing(t, s, "a/b/c") // nor is there one in an object
	wantMissing(t, s, "a/bb")
	if err := s.Delete(ctx, "a"); err != nil {
		t.Errorf("Delete of a folder's name: %v", err)
	}
	if err := s.Delete(ctx, "a/b/c"); err != nil {
		t.Errorf("Delete below an object: %v", err)
	}
	wantBody(t, s, "a/b", "x")
}

func testPutGet(t *testing.T, s storage.Store) {
	for _, size := range []int{0, 1, 4095, 4096, 1 << 16, 256<<10 - 1, 256 << 10, 256<<10 + 1, 3<<20 + 7} {
		body := pattern(size)
		info, err := s.Put(t.Context(), "dir/object", bytes.NewReader(body), storage.PutOptions{})
		if err != nil {
			t.Fatalf("Put of %d bytes: %v", size, err)
		}
		if info.Key != "dir/object" || info.Size != int64(size) || info.ETag == "" || info.ModTime.IsZero() {
			t.Errorf("Put of %d bytes gives %+v", size, info)
		}
		if got := wantBody(t, s, "dir/object", string(body)); !equalInfo(got, info) {
			t.Errorf("Get gives %+v, Put gave %+v", got, info)
		}
		head, err := s.Head(t.Context(), "dir/object")
		if err != nil || !equalInfo(head, info) {
			t.Errorf("Head gives %+v, %v, Put gave %+v", head, err, info)
		}
		for listed, err := range s.List(t.Context(), "", "") {
			if err != nil || !equalInfo(listed, info) {
				t.Errorf("List gives %+v, %v, Put gave %+v", listed, err, info)
			}
		}
	}
}

var errBody = errors.New("body broke")

// brokenBody fails after some bytes.
type brokenBody struct{ *strings.Reader }

func (b brokenBody) Read(p []byte) (int, error) {
	if b.Len() < 100 {
		return 0, errBody
	}
	return b.Reader.Read(p[:min(len(p), 100)])
}

// onlySeeker hides all but the methods that a body must have.
type onlySeeker struct{ io.ReadSeeker }

func testBody(t *testing.T, s storage.Store) {
	body := strings.NewReader("from the start")
	if _, err := body.Seek(5, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "a", onlySeeker{body}, storage.PutOptions{}); err != nil {
		t.Fatalf("Put: %v", err)
	}
	wantBody(t, s, "a", "from the start")

	for _, once := range []bool{false, true} {
		broken := brokenBody{strings.NewReader(strings.Repeat("x", 1000))}
		_, err := s.Put(t.Context(), "b", broken, storage.PutOptions{Once: once})
		if !errors.Is(err, errBody) {
			t.Errorf("Put of a body that breaks: %v", err)
		}
		wantMissing(t, s, "b")
	}
	broken := brokenBody{strings.NewReader(strings.Repeat("x", 1000))}
	if _, err := s.Put(t.Context(), "a", broken, storage.PutOptions{}); !errors.Is(err, errBody) {
		t.Errorf("Put of a body that breaks: %v", err)
	}
	wantBody(t, s, "a", "from the start")
	if got := list(t, s, "", ""); len(got) != 1 {
		t.Errorf("failed puts left %q", got)
	}
}

func testReplace(t *testing.T, s storage.Store) {
	seen := map[string]int{}
	for i := range 20 {
		body := strings.Repeat(string(rune('a'+i)), 10) // the same size each time
		info := put(t, s, "a", body)
		if before, taken := seen[info.ETag]; taken {
			t.Errorf("versions %d and %d have the same ETag %s", before, i, info.ETag)
		}
		seen[info.ETag] = i
		if got := wantBody(t, s, "a", body); got.ETag != info.ETag {
			t.Errorf("Get gives ETag %s, Put gave %s", got.ETag, info.ETag)
		}
	}
	// Nor after a removal.
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	info := put(t, s, "a", "0123456789")
	if before, taken := seen[info.ETag]; taken {
		t.Errorf("the object made anew has the ETag of version %d", before)
	}
}

func testOnce(t *testing.T, s storage.Store) {
	first, err := s.Put(t.Context(), "log/1", strings.NewReader("first"), storage.PutOptions{Once: true})
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	for _, body := range []string{"second", "first"} {
		_, err = s.Put(t.Context(), "log/1", strings.NewReader(body), storage.PutOptions{Once: true})
		wantError(t, err, storage.ErrExists, "put", "log/1")
		if errors.Is(err, storage.ErrUnknown) {
			t.Errorf("Put says both ErrExists and ErrUnknown: %v", err)
		}
	}
	if got := wantBody(t, s, "log/1", "first"); !equalInfo(got, first) {
		t.Errorf("a put that lost changed %+v to %+v", first, got)
	}
	put(t, s, "log/1", "replaced")
	_, err = s.Put(t.Context(), "log/1", strings.NewReader("third"), storage.PutOptions{Once: true})
	wantError(t, err, storage.ErrExists, "put", "log/1")
	if err := s.Delete(t.Context(), "log/1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "log/1", strings.NewReader("fourth"), storage.PutOptions{Once: true}); err != nil {
		t.Errorf("Put once after a delete: %v", err)
	}
	wantBody(t, s, "log/1", "fourth")
	if got := list(t, s, "", ""); len(got) != 1 {
		t.Errorf("puts that lost left %q", got)
	}
}

func testIfMatch(t *testing.T, s storage.Store) {
	old := put(t, s, "a", "old")
	if body, _, err := get(t.Context(), s, "a", storage.GetOptions{IfMatch: old.ETag}); err != nil || body != "old" {
		t.Errorf("Get with the ETag: %q, %v", body, err)
	}
	now := put(t, s, "a", "new")
	_, _, err := s.Get(t.Context(), "a", storage.GetOptions{IfMatch: old.ETag})
	wantError(t, err, storage.ErrChanged, "get", "a")
	_, _, err = s.Get(t.Context(), "a", storage.GetOptions{IfMatch: old.ETag, Offset: 1, Length: 1})
	wantError(t, err, storage.ErrChanged, "get", "a")
	body, _, err := get(t.Context(), s, "a", storage.GetOptions{IfMatch: now.ETag, Offset: 1, Length: 1})
	if err != nil || body != "e" {
		t.Errorf("Get of a range with the ETag: %q, %v", body, err)
	}
}

func testRange(t *testing.T, s storage.Store) {
	const body = "0123456789"
	info := put(t, s, "a", body)
	empty := put(t, s, "empty", "")
	for _, c := range []struct {
		offset, length int64
		want           string
	}{
		{0, 0, body},
		{0, 1, "0"},
		{0, 10, body},
		{0, 11, body},
		{0, 1 << 62, body},
		{3, 0, "3456789"},
		{3, 4, "3456"},
		{9, 1, "9"},
		{9, 5, "9"},
		{5, 1<<63 - 1, "56789"},
		{10, 0, ""},
		{10, 1, ""},
		{11, 0, ""},
		{1 << 40, 7, ""},
		{1<<63 - 1, 1<<63 - 1, ""},
	} {
		o := storage.GetOptions{Offset: c.offset, Length: c.length}
		got, gotInfo, err := get(t.Context(), s, "a", o)
		if err != nil || got != c.want {
			t.Errorf("Get of %d bytes at %d: got %q, %v, want %q", c.length, c.offset, got, err, c.want)
		} else if !equalInfo(gotInfo, info) {
			t.Errorf("Get of %d bytes at %d describes %+v, want the whole object %+v", c.length, c.offset, gotInfo, info)
		}
		if got, gotInfo, err := get(t.Context(), s, "empty", o); err != nil || got != "" || !equalInfo(gotInfo, empty) {
			t.Errorf("Get of %d bytes at %d of an empty object: got %q, %+v, %v", c.length, c.offset, got, gotInfo, err)
		}
	}
	for _, o := range []storage.GetOptions{{Offset: -1}, {Length: -1}} {
		if r, _, err := s.Get(t.Context(), "a", o); err == nil {
			t.Errorf("Get with %+v succeeds", o)
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Readers that can seek or read at an offset do it right, and the object may go meanwhile.
func testSeek(t *testing.T, s storage.Store) {
	put(t, s, "a", "0123456789")
	r, _, err := s.Get(t.Context(), "a", storage.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	put(t, s, "a", "replaced")
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if at, ok := r.(io.ReaderAt); ok {
		p := make([]byte, 4)
		if n, err := at.ReadAt(p, 3); err != nil || string(p[:n]) != "3456" {
			t.Errorf("ReadAt 3: %q, %v", p[:n], err)
		}
		if n, err := at.ReadAt(p, 8); !errors.Is(err, io.EOF) || string(p[:n]) != "89" {
			t.Errorf("ReadAt 8: %q, %v, want 89 and EOF", p[:n], err)
		}
	}
	if seeker, ok := r.(io.Seeker); ok {
		if n, err := seeker.Seek(-3, io.SeekEnd); err != nil || n != 7 {
			t.Errorf("Seek: %d, %v", n, err)
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != "789" {
			t.Errorf("Read after Seek: %q, %v", rest, err)
		}
		if _, err := seeker.Seek(0, io.SeekStart); err != nil {
			t.Errorf("Seek: %v", err)
		}
	}
	if all, err := io.ReadAll(r); err != nil || string(all) != "0123456789" {
		t.Errorf("Read: %q, %v", all, err)
	}
}

func testDelete(t *testing.T, s storage.Store) {
	for _, key := range []string{"a/b/c/1", "a/b/c/2", "a/b/3", "d"} {
		put(t, s, key, key)
	}
	for _, key := range []string{"a/b/c/1", "a/b/c/1", "a/b/c/2", "a/b/3", "d", "d"} {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatalf("Delete %s: %v", key, err)
		}
		wantMissing(t, s, key)
	}
	if got := list(t, s, "", ""); len(got) != 0 {
		t.Errorf("after all was deleted List gives %q", got)
	}
	put(t, s, "a/b", "where a folder was")
	wantBody(t, s, "a/b", "where a folder was")
}

func testCopy(t *testing.T, s storage.Store) {
	body := string(pattern(300_000))
	put(t, s, "aside/x/1.parquet", body)
	for range 2 { // the second time, the copy is there
		info, err := s.Copy(t.Context(), "aside/x/1.parquet", "table/y/z/2.parquet")
		if err != nil {
			t.Fatalf("Copy: %v", err)
		}
		if got := wantBody(t, s, "table/y/z/2.parquet", body); !equalInfo(got, info) {
			t.Errorf("Copy gives %+v, Get %+v", info, got)
		}
	}
	put(t, s, "table/same", body)
	if _, err := s.Copy(t.Context(), "aside/x/1.parquet", "table/same"); err != nil {
		t.Errorf("Copy onto equal bytes: %v", err)
	}
	wantBody(t, s, "table/same", body)
	if _, err := s.Copy(t.Context(), "table/same", "table/same"); err != nil {
		t.Errorf("Copy onto itself: %v", err)
	}
	// Copy and original are two objects.
	put(t, s, "table/same", "other")
	wantBody(t, s, "aside/x/1.parquet", body)
	if err := s.Delete(t.Context(), "aside/x/1.parquet"); err != nil {
		t.Fatal(err)
	}
	wantMissing(t, s, "aside/x/1.parquet")
	wantBody(t, s, "table/y/z/2.parquet", body)
	_, err := s.Copy(t.Context(), "aside/x/1.parquet", "table/3")
	if !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Copy of a missing object: %v", err)
	}
	wantMissing(t, s, "table/3")

	put(t, s, "empty", "")
	if _, err := s.Copy(t.Context(), "empty", "void"); err != nil {
		t.Errorf("Copy of an empty object: %v", err)
	}
	wantBody(t, s, "void", "")
}

var weirdKeys = []string{
	"a b", " ", "  /  ", "source=iot_sensors/year=2025/month=01/day=02/x.json.gz", "a+b", "100%", "%2F", "%", "a%2fb", "a?b=c&d#e",
	"ü", "日本語/データ.json", "\U0001F600/\U0001F469\u200D\U0001F680", "e\u0301", ".hidden", ".x/.y", "...", "a..", "..a", "~", "'\"`$(x)", `back\slash`,
	"tab\there", "line\nbreak", "star*", "<>|:", "-rf", "@", "processed@/x", "\u00a0", strings.Repeat("n", storage.MaxSegment),
}

func testKeys(t *testing.T, s storage.Store) {
	for _, key := range weirdKeys {
		put(t, s, key, "body of "+key)
	}
	for _, key := range weirdKeys {
		wantBody(t, s, key, "body of "+key)
		if got := list(t, s, key, ""); len(got) == 0 || got[0] != key {
			t.Errorf("List with prefix %q gives %q", key, got)
		}
	}
	if got := list(t, s, "", ""); len(got) != len(weirdKeys) {
		t.Errorf("List gives %d keys, want %d: %q", len(got), len(weirdKeys), got)
	}
	for _, key := range weirdKeys {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete: %v", err)
		}
		wantMissing(t, s, key)
	}
}

func testInvalidKeys(t *testing.T, s storage.Store) {
	ctx := t.Context()
	put(t, s, "fine", "x")
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\x00b", "a\xff", strings.Repeat("n", storage.MaxSegment+1),
	} {
		_, err := s.Put(ctx, key, strings.NewReader("x"), storage.PutOptions{})
		wantError(t, err, storage.ErrKey, "put", key)
		_, _, err = s.Get(ctx, key, storage.GetOptions{})
		wantError(t, err, storage.ErrKey, "get", key)
		_, err = s.Head(ctx, key)
		wantError(t, err, storage.ErrKey, "head", key)
		wantError(t, s.Delete(ctx, key), storage.ErrKey, "delete", key)
		if _, err := s.Copy(ctx, key, "copy"); !errors.Is(err, storage.ErrKey) {
			t.Errorf("Copy from %q: %v", key, err)
		}
		if _, err := s.Copy(ctx, "fine", key); !errors.Is(err, storage.ErrKey) {
			t.Errorf("Copy to %q: %v", key, err)
		}
	}
	for _, prefix := range []string{"/", "//", "../", "./", "a//", "fine/", "\x00", "\xff"} {
		if got := list(t, s, prefix, ""); len(got) != 0 {
			t.Errorf("List with prefix %q gives %q", prefix, got)
		}
	}
	if got := list(t, s, "", ""); len(got) != 1 {
		t.Errorf("List gives %q", got)
	}
}

func testCanceled(t *testing.T, s storage.Store) {
	put(t, s, "a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Put(ctx, "b", strings.NewReader("x"), storage.PutOptions{})
	wantError(t, err, context.Canceled, "put", "b")
	_, _, err = s.Get(ctx, "a", storage.GetOptions{})
	wantError(t, err, context.Canceled, "get", "a")
	_, err = s.Head(ctx, "a")
	wantError(t, err, context.Canceled, "head", "a")
	wantError(t, s.Delete(ctx, "a"), context.Canceled, "delete", "a")
	if _, err = s.Copy(ctx, "a", "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("Copy: %v", err)
	}
	n := 0
	for _, err := range s.List(ctx, "", "") {
		if n++; !errors.Is(err, context.Canceled) {
			t.Errorf("List: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("List yields %d times, want one error", n)
	}
	wantMissing(t, s, "b")
	wantBody(t, s, "a", "x")

	// In the middle of a body.
	for _, once := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		body := &cancelingBody{Reader: bytes.NewReader(pattern(4 << 20)), cancel: cancel}
		_, err := s.Put(ctx, "b", body, storage.PutOptions{Once: once})
		wantError(t, err, context.Canceled, "put", "b")
		wantMissing(t, s, "b")
	}
	if got := list(t, s, "", ""); len(got) != 1 {
		t.Errorf("puts that were called off left %q", got)
	}
}

// cancelingBody calls its own Put off when half of it is read.
type cancelingBody struct {
	*bytes.Reader
	cancel func()
}

func (b *cancelingBody) Read(p []byte) (int, error) {
	if int64(b.Len()) < b.Size()/2 {
		b.cancel()
	}
	return b.Reader.Read(p)
}

func (b *cancelingBody) WriteTo(w io.Writer) (int64, error) {
	b.cancel()
	return b.Reader.WriteTo(w)
}
