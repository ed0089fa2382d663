package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"datalake/pkg/storage"
)

// A batch is a view of the store: what it does shows at once, before Sync.
func testBatch(t *testing.T, s storage.Store) {
	ctx := t.Context()
	b := storage.NewBatch(s)
	if err := b.Sync(ctx); err != nil {
		t.Errorf("Sync of nothing: %v", err)
	}
	put(t, s, "a/here", "here")
	for round := range 2 {
		key, copied := fmt.Sprintf("a/%d", round), fmt.Sprintf("b/%d", round)
		info, err := b.Put(ctx, key, strings.NewReader("body"), storage.PutOptions{Once: true})
		if err != nil {
			t.Fatalf("Put: %v", err)
		}
		if _, err := b.Put(ctx, key, strings.NewReader("other"), storage.PutOptions{Once: true}); !errors.Is(err, storage.ErrExists) {
			t.Errorf("Put again: got %v, want ErrExists", err)
		}
		if got := wantBody(t, s, key, "body"); !equalInfo(got, info) {
			t.Errorf("Get gives %+v, Put %+v", got, info)
		}
		if _, err := b.Copy(ctx, key, copied); err != nil {
			t.Fatalf("Copy: %v", err)
		}
		wantBody(t, s, copied, "body")
		if got, err := b.Head(ctx, "a/here"); err != nil || got.Size != 4 {
			t.Errorf("Head: %+v, %v", got, err)
		}
		for range 2 {
			if err := b.Sync(ctx); err != nil {
				t.Fatalf("Sync: %v", err)
			}
		}
	}
	if err := b.Delete(ctx, "a/0"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	wantMissing(t, s, "a/0")
	if _, err := b.Head(ctx, "a/1"); err != nil {
		t.Errorf("Head: %v", err)
	}
	if err := s.Delete(ctx, "a/1"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if err := b.Sync(ctx); err != nil {
		t.Errorf("Sync of what was deleted meanwhile: %v", err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := b.Sync(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("Sync with a canceled context: %v", err)
	}
}
