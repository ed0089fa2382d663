package commit

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// Attempt is one try at an entry. Its methods may be called by many goroutines at once, but Rebase and Decide by one
// only, while no other method is called.
type Attempt struct {
	// ID names it: made at random after the head was read.
	ID string
	// Base is the state that the work stands on: plan against it, read the files that it names.
	Base *commitlog.State
	// Began is the store's time at which the attempt began.
	Began time.Time

	lake Lake
	// planned is the base that the attempt began with: what map did stands on its ledger and its schemas.
	planned *commitlog.State
	rounds  int
	// aside are the zones as PutFile writes to them: what it puts is durable only when Decide says so.
	aside batches
}

const aliveName = "alive"

// ManifestName is the name of the object in which an attempt says what it set out to do. gc keeps it.
const ManifestName = "manifest"

// Begin reads the head of the log as the base and makes an attempt on it, which it signs as alive. Where the log is
// empty it first checks that the store can carry the protocol. An attempt that is left alone does no harm: gc takes it
// away. Errors: those of commitlog.Log.Head, ErrRoots, ErrStore, and the lake's faults.
func Begin(ctx context.Context, lake Lake) (*Attempt, error) {
	if err := lake.Validate(); err != nil {
		return nil, fmt.Errorf("begin attempt: %w", err)
	}
	lake = lake.withDefaults()
	base, err := lake.Log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin attempt: %w", err)
	}
	if err := lake.checkRoots(base); err != nil {
		return nil, err
	}
	if base.MinWriter > commitlog.Writer {
		return nil, fmt.Errorf("begin attempt: %w: writer %d", commitlog.ErrNewer, base.MinWriter)
	}
	if base.Seq == 0 {
		if err := lake.beginning(ctx); err != nil {
			return nil, fmt.Errorf("begin attempt: %w", err)
		}
		if err := lake.probe(ctx); err != nil {
			return nil, err
		}
	}
	a := &Attempt{ID: newID(), Base: base, planned: base, lake: lake, aside: lake.batches()}
	z := lake.Log.Zone()
	info, err := z.Store.Put(ctx, z.Key(layout.AttemptPath(a.ID, aliveName)), strings.NewReader(a.ID), storage.PutOptions{Once: true})
	if err != nil {
		return nil, fmt.Errorf("begin attempt %s: %w", a.ID, err)
	}
	a.Began = info.ModTime
	return a, nil
}

// Rebase moves the attempt to the newest state, after a Conflict that says so: redo resolve and write on the new Base.
// If a twin has decided the attempt meanwhile, decided is its entry, and the work is done. Errors: ErrRounds,
// ErrCondemned, and those of commitlog.Log.Head.
func (a *Attempt) Rebase(ctx context.Context) (decided uint64, err error) {
	if a.rounds++; a.rounds > MaxRounds {
		return 0, fmt.Errorf("rebase attempt %s: %w", a.ID, ErrRounds)
	}
	head, decided, err := a.examine(ctx, nil)
	if err != nil || decided > 0 {
		return decided, err
	}
	a.Base = head
	return 0, nil
}

// beginning refuses a log that seems empty and cannot be: its first entry is missing although there are later ones, or
// tables have files although nothing can have been published. Then the state was lost, or the zones are not those they were.
func (l Lake) beginning(ctx context.Context) error {
	z := l.Log.Zone()
	for info, err := range z.Store.List(ctx, z.Key(layout.LogPrefix), "") {
		if err != nil {
			return err
		}
		path, err := z.Rel(info.Key)
		if err != nil {
			return err
		}
		switch seq, ok := layout.ParseLog(path); {
		case ok && seq > 1:
			return fmt.Errorf("%w: entry 1 is missing, %s is there", commitlog.ErrChain, info.Key)
		case ok:
			return nil // somebody has begun it since
		}
	}
	for _, name := range []string{layout.Processed, layout.Quarantine, layout.Curated} {
		t, ok := l.Zones[name]
		if !ok {
			continue
		}
		for info, err := range t.Store.List(ctx, t.Prefix+"/source=", "") {
			if err != nil {
				return err
			}
			// Somebody may have begun the log and published since.
			if head, err := l.Log.Head(ctx); err != nil || head.Seq > 0 {
				return err
			}
			return fmt.Errorf("%w: the log in %s is empty, but %s is there", ErrRoots, z.Prefix, info.Key)
		}
	}
	return nil
}

// newID is 80 random bits in 16 lower-case letters and digits.
func newID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // it cannot fail
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// Alive signs the attempt as alive and gives the store's time. Call it at least every 10 minutes as long as the attempt
// works.
func (a *Attempt) Alive(ctx context.Context) (now time.Time, err error) {
	z := a.lake.Log.Zone()
	info, err := z.Store.Put(ctx, z.Key(layout.AttemptPath(a.ID, aliveName)), strings.NewReader(a.ID), storage.PutOptions{})
	if err != nil {
		return time.Time{}, fmt.Errorf("sign attempt %s: %w", a.ID, err)
	}
	return info.ModTime, nil
}

// Put writes an object of the attempt once: the manifest, a step's report or segment. The name is a path below
// attempts/<id>/; "alive" and names that begin with "body-" are the attempt's own. One that is there already stays, and
// is no error: a twin has written it.
func (a *Attempt) Put(ctx context.Context, name string, body io.ReadSeeker) (storage.Info, error) {
	z := a.lake.Log.Zone()
	key := z.Key(layout.AttemptPath(a.ID, name))
	info, err := z.Store.Put(ctx, key, body, storage.PutOptions{Once: true})
	if errors.Is(err, storage.ErrExists) {
		info, err = z.Store.Head(ctx, key)
	}
	if err != nil {
		return storage.Info{}, fmt.Errorf("write %s of attempt %s: %w", name, a.ID, err)
	}
	return info, nil
}

// Abandon takes away what the attempt wrote to its own folder, and so its sign of life. It is for an attempt that found
// nothing to do; one that has put files aside or has called Decide must be left to gc, which it is no error to do
// always.
func (a *Attempt) Abandon(ctx context.Context) error {
	z := a.lake.Log.Zone()
	var keys []string
	for info, err := range z.Store.List(ctx, z.Key(layout.AttemptPath(a.ID, "")), "") {
		if err != nil {
			return fmt.Errorf("abandon attempt %s: %w", a.ID, err)
		}
		_, name, _ := layout.ParseAttempt(strings.TrimPrefix(info.Key, z.Prefix+"/"))
		if strings.HasPrefix(name, commitlog.BodyName) {
			return fmt.Errorf("abandon attempt %s: %w: it may be decided", a.ID, commitlog.ErrInvalid)
		}
		keys = append(keys, info.Key)
	}
	for _, key := range keys {
		if err := z.Store.Delete(ctx, key); err != nil {
			return fmt.Errorf("abandon attempt %s: %w", a.ID, err)
		}
	}
	return nil
}

// PutFile puts a finished data file aside, once, and gives it with Name and Key filled in. The caller sets Size, Rows,
// SHA256 and Keys of f, of a file that it has read back; the name is made of the hash. What it gives goes into an act
// of the body. The file need not be durable yet: Decide sees to that before it decides. Errors: commitlog.ErrInvalid for a zone
// that takes no files or a file without size or hash.
func (a *Attempt) PutFile(ctx context.Context, p commitlog.Partition, f commitlog.File, body io.ReadSeeker) (commitlog.File, error) {
	z, ok := a.lake.Zones[p.Zone]
	if !ok || p.Zone == layout.Raw {
		return f, fmt.Errorf("put file: %w: %s: no such zone", commitlog.ErrInvalid, p)
	}
	if len(f.SHA256) != 64 || f.Size <= 0 {
		return f, fmt.Errorf("put file: %w: %s: a file of %d bytes with hash %q", commitlog.ErrInvalid, p, f.Size, f.SHA256)
	}
	f.Name = a.fileName(p, f.SHA256)
	f.Key = z.DataKey(a.ID, f.Name)
	store := a.aside[p.Zone]
	info, err := store.Put(ctx, f.Key, body, storage.PutOptions{Once: true})
	if errors.Is(err, storage.ErrExists) {
		info, err = store.Head(ctx, f.Key)
	}
	if err == nil && info.Size != f.Size {
		err = fmt.Errorf("%s has %d bytes, not %d", f.Key, info.Size, f.Size)
	}
	if err != nil {
		return f, fmt.Errorf("put file aside: %w", err)
	}
	return f, nil
}

// Restore gives the acts that bring partitions of the base back to what they were at an older state; one that was not there then
// is left without files. It copies the files into the directories that the partitions will move to, and does so before the
// decision: a file's only other place may be a directory that its partition has left, which gc may take away at any time.
// So what Restore did is lost by a Rebase: begin another attempt. It reads all that it copies. Error: ErrMissing if the bytes are
// nowhere, because gc was there first or somebody has changed them.
func (a *Attempt) Restore(ctx context.Context, old *commitlog.State, ps []commitlog.Partition) ([]commitlog.Act, error) {
	acts := make([]commitlog.Act, len(ps))
	type copied struct {
		commitlog.Partition
		dir  string
		file *commitlog.File
	}
	var files []copied
	for i, p := range ps {
		acts[i] = commitlog.Act{Partition: p, Kind: commitlog.Swap}
	}
	dirs := a.dirs(&commitlog.Body{Acts: acts})
	for i, p := range ps {
		acts[i].Dir = dirs.of(&acts[i])
		if c := old.Partitions[p]; c != nil {
			acts[i].Files = slices.Clone(c.Files)
		}
		for j := range acts[i].Files {
			files = append(files, copied{p, acts[i].Dir, &acts[i].Files[j]})
		}
	}
	return acts, a.lake.each(ctx, len(files), func(ctx context.Context, i int) error {
		p, f := files[i].Partition, files[i].file
		from, err := a.lake.FindSound(ctx, old, p, *f)
		if err != nil {
			return fmt.Errorf("restore %s: %w", p, err)
		}
		f.Key = files[i].dir + f.Name
		info, err := a.aside[p.Zone].Copy(ctx, from, f.Key)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			err = fmt.Errorf("%w: %w", ErrMissing, err)
		case err == nil && info.Size != f.Size:
			err = fmt.Errorf("%s has %d bytes, not %d", f.Key, info.Size, f.Size)
		}
		if err != nil {
			return fmt.Errorf("restore %s: %w", p, err)
		}
		return nil
	})
}

// fileName names a file by its hash. Where the partition has a file of these very bytes already (two runs without
// dedupe over equal records), a number tells them apart, so that the second is not taken for the first.
func (a *Attempt) fileName(p commitlog.Partition, hash string) string {
	extension := ".parquet"
	if p.Zone == layout.Quarantine {
		extension = ".ndjson.zst"
	}
	c := a.Base.Partitions[p]
	for n := 1; ; n++ {
		name := hash + extension
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", hash, n, extension)
		}
		if c == nil || !slices.ContainsFunc(c.Files, func(f commitlog.File) bool { return f.Name == name }) {
			return name
		}
	}
}
