package file_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"syscall"
	"testing"

	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
)

// batchSteps are what a batch is asked for: once, copy, and foreign: another process puts the key and never syncs it, and the batch
// then asks for it.
func batchSteps(r *rand.Rand, n int) []step {
	var steps []step
	var keys []string
	for i := range n {
		s := step{op: "once", key: fmt.Sprintf("%c/%c/%d", 'a'+r.IntN(3), 'x'+r.IntN(2), i), want: fmt.Sprintf("body %d", i)}
		switch from := r.IntN(6); {
		case from == 0:
			s = step{op: "sync"}
		case from == 1:
			s.op = "foreign"
		case from < 4 && len(keys) > 0:
			from := steps[r.IntN(len(steps))]
			if from.key != "" {
				s.op, s.from, s.want = "copy", from.key, from.want
			}
		}
		if s.key != "" {
			keys = append(keys, s.key)
		}
		steps = append(steps, s)
	}
	return append(steps, step{op: "sync"})
}

// batchRun goes through the steps until the power fails before operation at, and says whether all is there that was put before the last
// barrier.
func batchRun(t *testing.T, steps []step, disk *crashfs.FS, fsys file.FS, at int, crash func(*crashfs.FS)) (failed bool, err error) {
	t.Helper()
	store, other := openFS(t, fsys), openFS(t, worseFS{FS: disk, forgetsFile: true, forgetsDir: func(string) bool { return true }})
	batch := storage.NewBatch(store)
	disk.CrashAt(at)
	durable, maybe := map[string]string{}, map[string]string{}
	for _, s := range steps {
		switch {
		case s.op == "sync":
			if err = batch.Sync(t.Context()); err == nil {
				for key, body := range maybe {
					durable[key] = body
				}
			}
		case s.op == "foreign":
			if err = putOnce(t, other, s.key, s.want); err == nil {
				_, err = batch.Head(t.Context(), s.key)
			}
		default:
			err = s.run(t, batch)
		}
		if err != nil {
			if !errors.Is(err, crashfs.ErrCrashed) {
				return true, fmt.Errorf("%v: %w", s, err)
			}
			failed = true
			break
		}
		if s.key != "" {
			maybe[s.key] = s.want
		}
	}
	crash(disk)
	got, err := observe(t, openFS(t, disk))
	if err != nil {
		return failed, err
	}
	for key, want := range durable {
		if got[key] != want {
			return failed, fmt.Errorf("%s holds %q after the barrier and a crash, want %q", key, got[key], want)
		}
	}
	return failed, nil
}

// batchEverywhere crashes schedules before every operation, and after all of them.
func batchEverywhere(t *testing.T, wholeFrom, schedules int, wrap func(file.FS) file.FS) (points int, err error) {
	for seed := range uint64(schedules) {
		steps := batchSteps(rand.New(rand.NewPCG(seed, 2)), 12)
		for at := 0; ; at++ {
			over := false
			for luck := range uint64(3) {
				points++
				crash := (*crashfs.FS).Crash
				if luck > 0 {
					crash = func(disk *crashfs.FS) { disk.CrashRandom(rand.New(rand.NewPCG(seed, luck))) }
				}
				disk := crashfs.New()
				disk.SetWhole(wholeFrom)
				failed, err := batchRun(t, steps, disk, wrap(disk), at, crash)
				if err != nil {
					return points, fmt.Errorf("schedule %d %v, crash at %d: %w", seed, steps, at, err)
				}
				over = !failed
			}
			if over {
				break
			}
		}
	}
	return points, nil
}

// After the barrier everything of a batch is durable, whether the disk is synced as a whole (from 1 or 12 files on) or not.
func TestBatchIsDurableAfterSync(t *testing.T) {
	for _, from := range []int{0, 1, 12} {
		points, err := batchEverywhere(t, from, 15, asItIs)
		if err != nil {
			t.Errorf("as a whole from %d: %v", from, err)
		}
		t.Logf("%d crash points", points)
	}
}

// The test above has teeth: without any one of the syncs it fails.
func TestForgottenSyncOfBatchIsNoticed(t *testing.T) {
	only := func(dir string) func(string) bool {
		return func(name string) bool { return name == dir }
	}
	for name, c := range map[string]struct {
		whole int
		worse worseFS
	}{
		"content":                    {0, worseFS{forgetsFile: true}},
		"an object's directory":      {0, worseFS{forgetsDir: only(crashRoot + "/a/x")}},
		"the one above":              {0, worseFS{forgetsDir: only(crashRoot + "/a")}},
		"the root":                   {0, worseFS{forgetsDir: only(crashRoot)}},
		"the topmost":                {0, worseFS{forgetsDir: only("/")}},
		"the disk":                   {1, worseFS{forgetsWhole: true}},
		"what the root is in, whole": {12, worseFS{forgetsWhole: true, forgetsDir: only(path.Dir(crashRoot))}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := batchEverywhere(t, c.whole, 10, func(fsys file.FS) file.FS {
				worse := c.worse
				worse.FS = fsys
				return worse
			})
			if err == nil {
				t.Error("nothing noticed that the sync was missing")
			}
			t.Log(err)
		})
	}
}

// A failure of an operation below the barrier is told, and from then on by every Sync of the batch: the system may have forgotten
// what it could not write.
func TestFailedBarrierStays(t *testing.T) {
	for _, from := range []int{0, 1} {
		for at := 0; ; at++ {
			disk := crashfs.New()
			disk.SetWhole(from)
			batch := openFS(t, disk).NewBatch()
			for i := range 3 {
				if _, err := batch.Put(t.Context(), fmt.Sprintf("a/%d/x", i), strings.NewReader("x"), storage.PutOptions{Once: true}); err != nil {
					t.Fatal(err)
				}
			}
			before := disk.Ops()
			disk.FailAt(at, syscall.EIO)
			err := batch.Sync(t.Context())
			if disk.Ops()-before <= at {
				if err != nil || at == 0 {
					t.Errorf("%d operations, %v", at, err)
				}
				break
			}
			for range 2 {
				if !errors.Is(err, syscall.EIO) {
					t.Fatalf("failure at %d: %v", at, err)
				}
				err = batch.Sync(t.Context())
			}
		}
	}
}

// A file on another disk than the root is synced by itself.
func TestBatchOverTwoDisks(t *testing.T) {
	disk := crashfs.New()
	disk.SetWhole(1)
	batch := openFS(t, otherDevice{disk}).NewBatch()
	if _, err := batch.Put(t.Context(), "a/x", strings.NewReader("x"), storage.PutOptions{Once: true}); err != nil {
		t.Fatal(err)
	}
	if err := batch.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	disk.Crash()
	if got, err := observe(t, openFS(t, disk)); err != nil || got["a/x"] != "x" {
		t.Errorf("after the crash: %q, %v", got, err)
	}
}

// otherDevice is a file system whose root seems to be on a disk of its own, whose sync does nothing for the rest.
type otherDevice struct{ file.FS }

func (o otherDevice) Whole(dir string) (file.Whole, error) {
	w, err := o.FS.Whole(dir)
	return strangeDisk{w}, err
}

type strangeDisk struct{ file.Whole }

func (d strangeDisk) Device() uint64 { return d.Whole.Device() + 1 }
func (strangeDisk) Sync() error      { return nil }

// A sync that was called off may be done again.
func TestCanceledBarrier(t *testing.T) {
	disk := crashfs.New()
	batch := openFS(t, disk).NewBatch()
	if _, err := batch.Put(t.Context(), "a/x", strings.NewReader("x"), storage.PutOptions{Once: true}); err != nil {
		t.Fatal(err)
	}
	if err := batch.Sync(canceled(t)); err == nil {
		t.Error("a canceled context synced")
	}
	if err := batch.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	disk.Crash()
	if got, err := observe(t, openFS(t, disk)); err != nil || got["a/x"] != "x" {
		t.Errorf("after the crash: %q, %v", got, err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
