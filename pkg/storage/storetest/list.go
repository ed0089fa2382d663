package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/storage"
)

// reference is what a listing of keys must give.
func reference(keys []string, prefix, after string) []string {
	want := []string{}
	for _, key := range keys {
		if strings.HasPrefix(key, prefix) && key > after {
			want = append(want, key)
		}
	}
	slices.Sort(want)
	return want
}

func checkList(t *testing.T, s storage.Store, keys []string, prefix, after string) {
	t.Helper()
	if diff := cmp.Diff(reference(keys, prefix, after), list(t, s, prefix, after)); diff != "" {
		t.Errorf("List with prefix %q after %q (-want +got):\n%s", prefix, after, diff)
	}
}

func testListOrder(t *testing.T, s storage.Store) {
	keys := []string{"a!", "a-b", "a.b", "a/x", "a/y/z", "a/y-z", "a/y.z", "a/y0", "a0", "ab/c", "b", "A/b", "Z", "é/x", "é!"}
	for _, key := range keys {
		put(t, s, key, key)
	}
	for _, prefix := range append([]string{"", "a", "a/", "a/y", "a/y/", "a/y/z", "a.", "b", "b/", "c", "é", "a/x/", "\xc3"}, keys...) {
		for _, after := range append([]string{"", "a", "a/", "a/y", "a/y/", "a/y/a", "a/y/zz", "a/z", "a0", "b", "\xff", "!"}, keys...) {
			checkList(t, s, keys, prefix, after)
		}
	}
}

// randomKeys gives keys of which none is a folder of another.
func randomKeys(r *rand.Rand, n int) []string {
	const letters = "aab b-./0=%é\U0001F600" // around the slash in byte order
	runes := []rune(letters)
	folders, taken := map[string]bool{}, map[string]bool{}
	keys := []string{}
	for len(keys) < n {
		var b strings.Builder
		for range 1 + r.IntN(10) {
			b.WriteRune(runes[r.IntN(len(runes))])
		}
		key := b.String()
		if storage.CheckKey(key) != nil || taken[key] || folders[key] {
			continue
		}
		above := []string{}
		for i, c := range key {
			if c == '/' {
				above = append(above, key[:i])
			}
		}
		if slices.ContainsFunc(above, func(folder string) bool { return taken[folder] }) {
			continue
		}
		for _, folder := range above {
			folders[folder] = true
		}
		taken[key] = true
		keys = append(keys, key)
	}
	return keys
}

func testListRandom(t *testing.T, s storage.Store) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := randomKeys(r, 300)
	for _, key := range keys {
		put(t, s, key, "")
	}
	// part cuts a key somewhere, perhaps in the middle of a character, and perhaps goes on otherwise.
	part := func() string {
		key := keys[r.IntN(len(keys))]
		key = key[:r.IntN(len(key)+1)]
		if r.IntN(4) == 0 {
			key += string("/a-0\x01\xff"[r.IntN(6)])
		}
		return key
	}
	for range 400 {
		prefix, after := part(), part()
		switch r.IntN(3) {
		case 0:
			prefix = ""
		case 1:
			after = prefix + after
		}
		checkList(t, s, keys, prefix, after)
	}
	// To go on after each key in turn sees every key once.
	seen := []string{}
	for after := ""; ; {
		next := ""
		for info, err := range s.List(t.Context(), "", after) {
			if err != nil {
				t.Fatal(err)
			}
			next = info.Key
			break
		}
		if next == "" {
			break
		}
		seen, after = append(seen, next), next
	}
	if diff := cmp.Diff(reference(keys, "", ""), seen); diff != "" {
		t.Errorf("List step by step (-want +got):\n%s", diff)
	}
}

// More than a store gives in one answer.
func testListMany(t *testing.T, s storage.Store) {
	keys := []string{}
	for i := range 2500 {
		keys = append(keys, fmt.Sprintf("n/%d", i))
		put(t, s, keys[i], "")
	}
	put(t, s, "m", "")
	put(t, s, "o", "")
	checkList(t, s, keys, "n/", "")
	checkList(t, s, keys, "n/", "n/2499")
}

func testListStops(t *testing.T, s storage.Store) {
	for i := range 20 {
		put(t, s, fmt.Sprintf("d%d/x", i), "")
	}
	n := 0
	for _, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n = 0
	var last error
	for _, err := range s.List(ctx, "", "") {
		if last != nil {
			t.Fatalf("List goes on after the error %v", last)
		}
		if last = err; err == nil {
			if n++; n == 3 {
				cancel()
			}
		}
	}
	if !errors.Is(last, context.Canceled) || n != 3 {
		t.Errorf("List that is called off after 3 objects gives %d and the error %v", n, last)
	}
	// One sequence can be walked twice.
	seq := s.List(t.Context(), "d1", "")
	for range 2 {
		n = 0
		for range seq {
			n++
		}
		if n != 11 {
			t.Errorf("List gives %d objects, want 11", n)
		}
	}
}
