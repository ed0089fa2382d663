package etl_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"datalake/etl"
	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
	"datalake/pkg/storage/memory"
)

// errFault is what a store says that failing has made fail.
var errFault = errors.New("the store is out of order")

// failing makes request number at of a store fail, or, with after, succeed and say that it failed. end puts the store in order again, and says
// whether it came to that request.
func failing(store *memory.Store, at int, after bool) (end func() (hit bool)) {
	var mu sync.Mutex
	n, hit := 0, false
	count := func(op, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		if n++; n-1 != at {
			return nil
		}
		hit = true
		if after && (op == "put" || op == "copy" || op == "delete") {
			return fmt.Errorf("%w: %w", storage.ErrUnknown, errFault)
		}
		return errFault
	}
	if after {
		store.SetFaults(nil, count)
	} else {
		store.SetFaults(count, nil)
	}
	return func() bool {
		store.SetFaults(nil, nil)
		mu.Lock()
		defer mu.Unlock()
		return hit
	}
}

// before does something before request number at of a store, unless publishing has begun by then: others wait for the end of that. end says
// whether it was done.
func before(store *memory.Store, at int, do func() error) (end func() (done bool)) {
	var mu sync.Mutex
	n, done, claimed := 0, false, false
	store.SetFaults(func(op, key string) error {
		mu.Lock()
		claimed = claimed || op == "put" && strings.Contains(key, "/publish/")
		now := n == at && !claimed
		done = done || now
		n++
		mu.Unlock()
		if !now {
			return nil
		}
		store.SetFaults(nil, nil)
		return do()
	}, nil)
	return func() bool {
		store.SetFaults(nil, nil)
		mu.Lock()
		defer mu.Unlock()
		return done
	}
}

// powerLoss does something on a disk whose power fails before operation number at. It gives the disk's store as it is when the power is back;
// nil: all was done without that operation.
func powerLoss(t *testing.T, disk *crashfs.FS, at int, seed uint64, do func(context.Context) error) *file.Store {
	t.Helper()
	disk.CrashAt(at)
	// A decision is sent again and again while its outcome is unknown; here nobody waits for that.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	err := do(ctx)
	cancel()
	if err == nil {
		return nil
	}
	if !errors.Is(err, crashfs.ErrCrashed) && !errors.Is(err, etl.ErrUnknown) {
		t.Fatalf("crash at %d: %v", at, err)
	}
	if disk.CrashRandom(rand.New(rand.NewPCG(seed, uint64(at)))); at%2 == 0 {
		disk.Crash()
	}
	disk.CrashAt(-1)
	store, err := file.OpenFS("/lake", disk)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
