package commit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"datalake/pkg/catalog"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// Checks say how far Verify goes. The zero value looks at the log, the listings and the catalogs, and into no data
// file.
type Checks struct {
	// Content reads every file of the head and compares its hash.
	Content bool
	// File, if set, opens a data file and gives its rows. An error is a finding, and so are other rows than the log's.
	// It is called by several goroutines at once.
	File func(ctx context.Context, zone layout.Zone, key string) (rows int64, err error)
	// Keys, if set, looks for dedupe keys that occur twice in their scope.
	Keys func(ctx context.Context, s *commitlog.State) ([]Finding, error)
}

// Verify compares log, directories and catalogs, and gives what does not agree, alarms first. It changes nothing. While
// others commit or publish it may find things pending that are in order a moment later. Errors: those of stores and
// catalogs, and of Keys; a broken log is a finding, after which nothing else is looked at.
func Verify(ctx context.Context, lake Lake, checks Checks) ([]Finding, error) {
	if err := lake.Validate(); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	v := &verifier{Lake: lake.withDefaults(), checks: checks}
	if err := v.run(ctx); err != nil {
		return v.findings, fmt.Errorf("verify: %w", err)
	}
	rank := map[Severity]int{Alarm: 0, Pending: 1, Note: 2}
	slices.SortStableFunc(v.findings, func(a, b Finding) int {
		if a.Severity != b.Severity {
			return rank[a.Severity] - rank[b.Severity]
		}
		return strings.Compare(a.Key, b.Key)
	})
	return v.findings, nil
}

// verifier is one verify.
type verifier struct {
	Lake
	checks Checks
	state  *commitlog.State
	// published is the newest state that some catalog has shown: up to there all directories are filled.
	published uint64

	mu       sync.Mutex
	findings []Finding
}

func (v *verifier) find(s Severity, what, key, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.findings = append(v.findings, Finding{s, what, key, fmt.Sprintf(format, args...)})
}

func (v *verifier) run(ctx context.Context) error {
	ok, err := v.log(ctx)
	if err != nil || !ok || v.state.Seq == 0 {
		return err
	}
	if err := v.checkRoots(v.state); err != nil {
		return err
	}
	for name := range v.Catalogs {
		h, err := v.history(ctx, name)
		if err != nil {
			return err
		}
		seq, err := v.Lake.published(ctx, h, time.Time{})
		if err != nil {
			return err
		}
		v.published = max(v.published, seq)
	}
	v.counts()
	for _, name := range v.tableZones() {
		if err := v.zone(ctx, name); err != nil {
			return err
		}
	}
	if err := v.catalogs(ctx); err != nil {
		return err
	}
	if v.checks.Keys != nil {
		found, err := v.checks.Keys(ctx, v.state)
		v.findings = append(v.findings, found...)
		return err
	}
	return nil
}

// log folds the log from its first entry, and compares that with the checkpoint. It says whether the log is sound.
func (v *verifier) log(ctx context.Context) (ok bool, err error) {
	z := v.Log.Zone()
	broken := func(err error) (bool, error) {
		if errors.Is(err, commitlog.ErrChain) || errors.Is(err, commitlog.ErrInvalid) {
			v.find(Alarm, "chain", z.Key(layout.LogPrefix), "%v", err)
			return false, nil
		}
		return false, err
	}
	var last uint64
	for info, err := range z.Store.List(ctx, z.Key(layout.LogPrefix), "") {
		if err != nil {
			return false, fmt.Errorf("list log: %w", err)
		}
		path, err := z.Rel(info.Key)
		if err != nil {
			return false, err
		}
		seq, ok := layout.ParseLog(path)
		switch {
		case !ok:
			v.find(Alarm, "foreign", info.Key, "no entry of the log")
		case seq != last+1:
			v.find(Alarm, "chain", info.Key, "entry %d comes after entry %d", seq, last)
			return false, nil
		default:
			last = seq
		}
	}
	if v.state, err = v.Log.At(ctx, last); err != nil {
		return broken(err)
	}
	// A log of its own: what this one has seen already might hide that a checkpoint is wrong.
	fresh, err := commitlog.Open(ctx, z)
	if err != nil {
		return false, err
	}
	head, err := fresh.Head(ctx)
	if err != nil {
		return broken(err)
	}
	if head.Seq != v.state.Seq {
		return true, nil // it went on meanwhile
	}
	a, err := v.state.EncodeCheckpoint(ctx)
	if err != nil {
		return false, err
	}
	b, err := head.EncodeCheckpoint(ctx)
	if err != nil {
		return false, err
	}
	if !bytes.Equal(a, b) {
		v.find(Alarm, "checkpoint", z.Key(layout.CheckpointPrefix), "the state from the checkpoint differs from that of the log")
	}
	return true, nil
}

// counts compares what the files hold with what the entries said came and went.
func (v *verifier) counts() {
	var rows, rejects int64
	for p, c := range v.state.Partitions {
		if p.Zone == layout.Quarantine {
			rejects += c.Rows()
		} else {
			rows += c.Rows()
		}
	}
	c := v.state.Counts
	if err := c.Balance(); err != nil {
		v.find(Alarm, "count", "log", "%v", err)
	}
	if rows != c.Out-c.Replaced+c.Restored {
		v.find(Alarm, "count", layout.Processed, "files hold %d rows, but by the log %d came out, %d were replaced and %d restored", rows, c.Out, c.Replaced, c.Restored)
	}
	if rejects != c.Quarantined-c.Withdrawn {
		v.find(Alarm, "count", layout.Quarantine, "files hold %d records, but by the log %d were quarantined and %d left again", rejects, c.Quarantined, c.Withdrawn)
	}
}

// expected is a file that has to be in a directory.
type expected struct {
	partition commitlog.Partition
	content   *commitlog.Content
	file      commitlog.File
}

// zone compares a zone and its aside with the state.
func (v *verifier) zone(ctx context.Context, name string) error {
	z := v.Zones[name]
	want, dirs := map[string]expected{}, map[string]bool{}
	for p, c := range v.state.Partitions {
		if p.Zone != name {
			continue
		}
		dirs[c.Dir] = true
		for _, f := range c.Files {
			key := c.Dir + f.Name
			if _, twice := want[key]; twice {
				v.find(Alarm, "twice", key, "the state lists the file twice")
			}
			want[key] = expected{p, c, f}
		}
	}
	left := map[string]bool{}
	for _, d := range slices.Concat(v.state.Left, v.state.Doomed) {
		left[d.Key] = true
	}
	var there []string
	for _, prefix := range []string{z.Prefix + "/", z.Aside() + "/"} {
		for info, err := range z.Store.List(ctx, prefix, "") {
			if err != nil {
				return fmt.Errorf("list %s: %w", prefix, err)
			}
			e, ok := want[info.Key]
			if !ok {
				v.unexpected(z, info, dirs, left)
				continue
			}
			there = append(there, info.Key)
			if info.Size != e.file.Size {
				v.find(Alarm, "size", info.Key, "%d bytes, the log says %d", info.Size, e.file.Size)
			}
		}
	}
	if err := v.contents(ctx, z, there, want); err != nil {
		return err
	}
	for _, key := range there {
		delete(want, key)
	}
	return v.missing(ctx, z, want)
}

// missing looks for the bytes of files that are not in their directories.
func (v *verifier) missing(ctx context.Context, z layout.Zone, want map[string]expected) error {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		e := want[key]
		_, info, err := v.Find(ctx, v.state, e.partition, e.file)
		switch {
		case errors.Is(err, ErrMissing):
			v.find(Alarm, "missing", key, "the bytes are not at %s either", e.file.Key)
		case err != nil:
			return err
		case info.Key == key: // it came meanwhile
		case e.content.Since <= v.published:
			v.find(Alarm, "missing", key, "it was published; repair can copy it from %s", info.Key)
		default:
			v.find(Pending, "missing", key, "not yet published; it is at %s", info.Key)
		}
	}
	return nil
}

// unexpected judges an object that no partition lists.
func (v *verifier) unexpected(z layout.Zone, info storage.Info, dirs, left map[string]bool) {
	dir := info.Key[:strings.LastIndexByte(info.Key, '/')+1]
	if dirs[dir] {
		v.find(Alarm, "foreign", info.Key, "no entry of the log put it into the table's directory")
		return
	}
	if left[dir] {
		return
	}
	for up := dir; len(up) > len(z.Prefix); up = up[:strings.LastIndexByte(up[:len(up)-1], '/')+1] {
		if dirs[up] {
			v.find(Alarm, "foreign", info.Key, "it lies below the table's directory %s", up)
			return
		}
	}
	k, err := z.ParseAside(info.Key)
	switch {
	case err != nil && strings.HasPrefix(info.Key, z.Prefix+"/"):
		v.find(Note, "orphan", info.Key, "no partition is or was there")
	case err != nil:
		v.find(Note, "orphan", info.Key, "no file of an attempt")
	case v.state.Attempts[k.Attempt] == 0:
		v.find(Note, "orphan", info.Key, "attempt %s is not in the log", k.Attempt)
	case k.Swap:
		v.find(Note, "orphan", info.Key, "no partition has moved there")
	}
}

// contents opens the files of the head.
func (v *verifier) contents(ctx context.Context, z layout.Zone, keys []string, want map[string]expected) error {
	if !v.checks.Content && v.checks.File == nil {
		return nil
	}
	return v.each(ctx, len(keys), func(ctx context.Context, i int) error {
		key, e := keys[i], want[keys[i]]
		if v.checks.Content {
			hash, err := hashObject(ctx, z.Store, key)
			if errors.Is(err, storage.ErrNotFound) {
				return nil // moved meanwhile
			}
			if err != nil {
				return err
			}
			if hash != e.file.SHA256 {
				v.find(Alarm, "corrupt", key, "its hash is %s, the log says %s", hash, e.file.SHA256)
				return nil
			}
		}
		if v.checks.File != nil {
			rows, err := v.checks.File(ctx, z, key)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				v.find(Alarm, "corrupt", key, "%v", err)
			case rows != e.file.Rows:
				v.find(Alarm, "rows", key, "%d rows, the log says %d", rows, e.file.Rows)
			}
		}
		return nil
	})
}

func hashObject(ctx context.Context, s storage.Store, key string) (string, error) {
	r, _, err := s.Get(ctx, key, storage.GetOptions{})
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	if err := errors.Join(err, r.Close()); err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// catalogs compares what catalogs show with the head.
func (v *verifier) catalogs(ctx context.Context) error {
	tables, err := v.tables(v.state, nil)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(v.Catalogs)) {
		for _, t := range tables {
			has, err := v.Catalogs[name].Partitions(ctx, t.Name)
			if errors.Is(err, catalog.ErrNoTable) {
				v.find(Pending, "catalog", t.Name, "catalog %s does not have the table", name)
				continue
			}
			if err != nil {
				return fmt.Errorf("list partitions of %s in catalog %s: %w", t.Name, name, err)
			}
			d := compare(t, has)
			v.findings = append(v.findings, d.extra...)
			if n := len(d.created) + len(d.moved); n > 0 {
				v.find(Pending, "catalog", t.Name, "catalog %s is behind for %d partitions", name, n)
			}
		}
	}
	return nil
}
