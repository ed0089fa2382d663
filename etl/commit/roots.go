package commit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// roots are the zones' prefixes, as entry 1 names them.
func (l Lake) roots() map[string]string {
	roots := make(map[string]string, len(l.Zones))
	for name, z := range l.Zones {
		roots[name] = z.Prefix
	}
	return roots
}

// tableZones are the names of the zones that data files go to, in order.
func (l Lake) tableZones() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.Zones)), func(name string) bool { return name == layout.Raw })
}

// checkRoots compares the zones with those of the log's first entry.
func (l Lake) checkRoots(s *commitlog.State) error {
	if s.Seq > 0 && !maps.Equal(s.Roots, l.roots()) {
		return fmt.Errorf("%w: the log has %v, the lake %v", ErrRoots, s.Roots, l.roots())
	}
	return nil
}

// guard refuses acts and inputs whose keys lie outside the zones.
func (l Lake) guard(b *commitlog.Body) error {
	for i := range b.Acts {
		if err := l.guardAct(&b.Acts[i]); err != nil {
			return err
		}
	}
	if raw, ok := l.Zones[layout.Raw]; ok {
		for _, in := range b.Inputs {
			if _, err := raw.Rel(in.Key); err != nil {
				return fmt.Errorf("%w: input: %w", commitlog.ErrInvalid, err)
			}
		}
	}
	return nil
}

func (l Lake) guardAct(a *commitlog.Act) error {
	z, ok := l.Zones[a.Zone]
	if !ok || a.Zone == layout.Raw {
		return fmt.Errorf("%w: %s: no such zone", commitlog.ErrInvalid, a.Partition)
	}
	if values, err := layout.ParsePath(a.Path); err != nil {
		return fmt.Errorf("%w: %s: %w", commitlog.ErrInvalid, a.Partition, err)
	} else if path, err := layout.Path(values...); err != nil || path != a.Path {
		return fmt.Errorf("%w: %s is not spelt as partition paths are", commitlog.ErrInvalid, a.Partition)
	}
	if !z.Owns(a.Dir) {
		return fmt.Errorf("%w: %s: directory %q lies outside the zone", commitlog.ErrInvalid, a.Partition, a.Dir)
	}
	for _, f := range a.Files {
		if !z.Owns(f.Key) {
			return fmt.Errorf("%w: %s: file %q lies outside the zone", commitlog.ErrInvalid, a.Partition, f.Key)
		}
	}
	return nil
}

// probeDir is below a zone while the zone is probed. Names that begin with _ are no data to any reader.
const probeDir = "_probe"

// probe finds out whether the store can carry the protocol: of racing puts one wins, and an object beside a zone can be
// copied into it.
func (l Lake) probe(ctx context.Context) error {
	z, id := l.Log.Zone(), newID()
	key := z.Key(layout.ProbePrefix + id)
	const racers = 4
	outcomes := make([]error, racers)
	g, gctx := errgroup.WithContext(ctx)
	for i := range racers {
		g.Go(func() error {
			_, outcomes[i] = z.Store.Put(gctx, key, strings.NewReader(fmt.Sprint("racer ", i)), storage.PutOptions{Once: true})
			return nil
		})
	}
	_ = g.Wait() // no racer fails the group
	winner, wins := 0, 0
	for i, err := range outcomes {
		switch {
		case err == nil:
			winner, wins = i, wins+1
		case !errors.Is(err, storage.ErrExists):
			return fmt.Errorf("probe store: %w", err)
		}
	}
	if wins != 1 {
		return fmt.Errorf("%w: of %d racing conditional puts %d won", ErrStore, racers, wins)
	}
	if got, err := readAll(ctx, z.Store, key); err != nil {
		return fmt.Errorf("probe store: %w", err)
	} else if string(got) != fmt.Sprint("racer ", winner) {
		return fmt.Errorf("%w: a conditional put that lost has replaced the object", ErrStore)
	}
	if err := z.Store.Delete(ctx, key); err != nil {
		return fmt.Errorf("probe store: %w", err)
	}
	for _, name := range l.tableZones() {
		if err := probeCopy(ctx, l.Zones[name], id); err != nil {
			return fmt.Errorf("probe zone %s: %w", name, err)
		}
	}
	return nil
}

func probeCopy(ctx context.Context, z layout.Zone, id string) error {
	from, to := z.Aside()+"/"+probeDir+"/"+id, z.Key(probeDir+"/"+id)
	if _, err := z.Store.Put(ctx, from, strings.NewReader(id), storage.PutOptions{Once: true}); err != nil {
		return err
	}
	if _, err := z.Store.Copy(ctx, from, to); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	for _, key := range []string{to, from} {
		if err := z.Store.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads a small object.
func readAll(ctx context.Context, s storage.Store, key string) ([]byte, error) {
	r, _, err := s.Get(ctx, key, storage.GetOptions{})
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// each calls do for 0 to n-1, Parallel of them at once, and gives the first error. These are the only goroutines of the
// package beside the racers of probe; all have ended when it returns.
func (l Lake) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(l.Parallel)
	for i := range n {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return do(gctx, i) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// dirs say where an attempt puts the partitions that it acts on.
//
// No directory of a table may lie above or below another one, also not one that a partition has left and that is still there: who
// lists the upper one would see the files of the lower one too, and gc would take both away. By their paths partitions of one table are
// apart, unless it was partitioned anew: the partitions of before stay in the state, without files.
type dirs struct {
	*Attempt
	left  nest // directories that partitions have left, or leave now
	paths nest // of partitions of the base and of the body, as zone:path/
}

func (a *Attempt) dirs(b *commitlog.Body) dirs {
	d := dirs{Attempt: a}
	if !slices.ContainsFunc(b.Acts, func(act commitlog.Act) bool { return act.Kind != commitlog.Add }) {
		return d
	}
	for _, dir := range slices.Concat(a.Base.Left, a.Base.Doomed) {
		d.left = append(d.left, dir.Key)
	}
	for p := range a.Base.Partitions {
		d.paths = append(d.paths, p.String()+"/")
	}
	for i := range b.Acts {
		act := &b.Acts[i]
		old := a.Base.Partitions[act.Partition]
		switch {
		case act.Kind == commitlog.Swap && old != nil:
			d.left = append(d.left, old.Dir)
		case old == nil:
			d.paths = append(d.paths, act.Partition.String()+"/")
		}
	}
	slices.Sort(d.left)
	slices.Sort(d.paths)
	return d
}

// of is the directory of a new or a swap; no other act may be asked for.
func (d dirs) of(act *commitlog.Act) string {
	z := d.lake.Zones[act.Zone]
	dir := z.FirstDir(act.Path)
	if act.Kind == commitlog.Swap {
		dir = z.SwapDir(d.ID, act.Path)
	}
	if d.left.near(dir) || d.paths.near(act.Partition.String()+"/") {
		return z.ApartDir(d.ID, act.Path)
	}
	return dir
}

// nest are keys that end in a slash, sorted.
type nest []string

// near says whether one of the keys lies above or below a key that ends in a slash.
func (n nest) near(key string) bool {
	i, found := slices.BinarySearch(n, key)
	for ; found && i < len(n) && n[i] == key; i++ {
	}
	if i < len(n) && strings.HasPrefix(n[i], key) {
		return true
	}
	for up := strings.LastIndexByte(key[:len(key)-1], '/'); up >= 0; up = strings.LastIndexByte(key[:up], '/') {
		if _, found := slices.BinarySearch(n, key[:up+1]); found {
			return true
		}
	}
	return false
}
