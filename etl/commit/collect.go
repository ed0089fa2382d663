package commit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"datalake/pkg/catalog"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
	"datalake/pkg/planted"
	"datalake/pkg/storage"
)

// Collected says what a gc did.
type Collected struct {
	// Seq is its entry; 0 if there was nothing to decide.
	Seq uint64
	// Condemned attempts, Settled attempts and Dirs that the entry lists.
	Condemned, Settled, Dirs int
	// Deleted objects, and their bytes.
	Deleted int
	Bytes   int64
	// Kept are directories that a catalog still names, although every publish was said to have moved it: they stay.
	Kept []string
}

// Collect is gc. It decides in the log what goes, and then deletes it; what an earlier gc decided and did not get round
// to, it deletes too. Only what went out of use longer ago than Grace goes: attempts that were not decided and have
// shown no sign of life, directories that partitions have left, what decided attempts had put aside. All ages are the
// store's.
//
// Errors: ErrConflict if others were in the way again and again; those of Begin and of the stores and catalogs. After
// an error the next gc goes on.
func Collect(ctx context.Context, lake Lake) (Collected, error) {
	got, err := Retry(func() (Collected, error) { return collect(ctx, lake) })
	if err != nil {
		err = fmt.Errorf("gc: %w", err)
	}
	return got, err
}

func collect(ctx context.Context, lake Lake) (got Collected, err error) {
	a, err := Begin(ctx, lake)
	if err != nil {
		return got, err
	}
	c := &collector{Lake: a.lake, attempt: a, state: a.Base, limit: a.Began.Add(-a.lake.Grace), got: &got}
	defer func() {
		// Signs of life of a gc are of no use once it has ended; those that stay are collected as any attempt's.
		derr := c.remove(ctx, a.lake.Log.Zone(), a.lake.Log.Zone().Key(layout.AttemptPath(a.ID, aliveName)))
		err = errors.Join(err, derr)
	}()
	return got, c.run(ctx)
}

// collector is one round of gc.
type collector struct {
	Lake
	attempt *Attempt
	state   *commitlog.State
	// limit is the time before which things must have gone out of use.
	limit time.Time
	got   *Collected

	traces map[string]*trace
	// published is the state that every catalog has shown since before limit; 0 if one has not.
	published uint64
	dones     map[string]history
}

// trace is what there is of an attempt.
type trace struct {
	newest time.Time
	// rest: there is something that a decided attempt does not need any more.
	rest bool
}

func (c *collector) run(ctx context.Context) error {
	if err := c.look(ctx); err != nil {
		return err
	}
	decision := c.decision()
	if err := c.findGone(ctx, decision); err != nil {
		return err
	}
	if planted.Bug("gc-clock-alone") {
		return c.deleteAttempts(ctx, decision.Condemned)
	}
	s := c.state
	if len(decision.Condemned)+len(decision.Settled)+len(decision.Dirs)+len(decision.Gone) > 0 {
		seq, err := c.attempt.Decide(ctx, Decision{Kind: commitlog.GC, Body: &commitlog.Body{Collect: decision}})
		if err != nil {
			return err
		}
		c.got.Seq = seq
		c.got.Condemned, c.got.Settled, c.got.Dirs = len(decision.Condemned), len(decision.Settled), len(decision.Dirs)
		if s, err = c.Log.Head(ctx); err != nil {
			return err
		}
	}
	if err := c.deleteAttempts(ctx, slices.Sorted(maps.Keys(s.Condemned))); err != nil {
		return err
	}
	if err := c.deleteAside(ctx, slices.Sorted(maps.Keys(s.Settled))); err != nil {
		return err
	}
	if err := c.deleteDirs(ctx, s); err != nil {
		return err
	}
	return c.deleteSmall(ctx)
}

// look lists what attempts have left, and finds out what has been published for how long.
func (c *collector) look(ctx context.Context) error {
	c.traces = map[string]*trace{}
	note := func(id string, info storage.Info, rest bool) {
		t := c.traces[id]
		if t == nil {
			t = &trace{}
			c.traces[id] = t
		}
		if info.ModTime.After(t.newest) {
			t.newest = info.ModTime
		}
		t.rest = t.rest || rest
	}
	z := c.Log.Zone()
	for info, err := range z.Store.List(ctx, z.Key(layout.AttemptsPrefix), "") {
		if err != nil {
			return fmt.Errorf("list attempts: %w", err)
		}
		path, err := z.Rel(info.Key)
		if err != nil {
			return err
		}
		if id, name, ok := layout.ParseAttempt(path); ok {
			if planted.Bug("gc-clock-alone") && name == aliveName {
				continue
			}
			note(id, info, !keepsForever(name))
		}
	}
	for _, name := range c.tableZones() {
		z := c.Zones[name]
		for info, err := range z.Store.List(ctx, z.Aside()+"/", "") {
			if err != nil {
				return fmt.Errorf("list %s: %w", z.Aside(), err)
			}
			if k, err := z.ParseAside(info.Key); err == nil {
				note(k.Attempt, info, !k.Swap)
			}
		}
	}
	return c.lookPublished(ctx)
}

// keepsForever: what of a decided attempt stays among its objects.
func keepsForever(name string) bool {
	return name == ManifestName || strings.HasPrefix(name, commitlog.BodyName)
}

func (c *collector) lookPublished(ctx context.Context) error {
	c.dones = map[string]history{}
	c.published = c.state.Seq
	for name := range c.Catalogs {
		h, err := c.history(ctx, name)
		if err != nil {
			return err
		}
		seq, err := c.Lake.published(ctx, h, c.limit)
		if err != nil {
			return err
		}
		c.published = min(c.published, seq)
		c.dones[name] = h
	}
	for _, name := range c.state.Catalogs {
		if _, ok := c.Catalogs[name]; !ok {
			return fmt.Errorf("the log names catalog %s: gc needs it, to see which directories it shows", name)
		}
	}
	return nil
}

// decision lists what goes.
func (c *collector) decision() *commitlog.Collect {
	d := &commitlog.Collect{Oldest: c.state.Oldest}
	for _, id := range slices.Sorted(maps.Keys(c.traces)) {
		t := c.traces[id]
		seq, decided := c.state.Attempts[id]
		_, condemned := c.state.Condemned[id]
		_, settled := c.state.Settled[id]
		switch {
		case id == c.attempt.ID:
		case decided && !settled && t.rest && seq <= c.published:
			d.Settled = append(d.Settled, id)
		case !decided && !condemned && t.newest.Before(c.limit):
			d.Condemned = append(d.Condemned, id)
		}
	}
	for _, dir := range c.state.Left {
		if dir.Seq <= c.published {
			d.Dirs = append(d.Dirs, dir)
			d.Oldest = max(d.Oldest, dir.Seq)
		}
	}
	return d
}

// findGone lists what earlier entries listed and is deleted by now.
func (c *collector) findGone(ctx context.Context, d *commitlog.Collect) error {
	for _, id := range slices.Sorted(maps.Keys(c.state.Condemned)) {
		if c.traces[id] == nil {
			d.Gone = append(d.Gone, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.state.Settled)) {
		if t := c.traces[id]; t == nil || !t.rest {
			d.Gone = append(d.Gone, id)
		}
	}
	for _, dir := range c.state.Doomed {
		empty := true
		for _, err := range c.Zones[dir.Zone].Store.List(ctx, dir.Key, "") {
			if err != nil {
				return fmt.Errorf("list %s: %w", dir.Key, err)
			}
			empty = false
			break
		}
		if empty {
			d.Gone = append(d.Gone, dir.Key)
		}
	}
	return nil
}

// deleteAttempts deletes all objects of attempts that are not in the log.
func (c *collector) deleteAttempts(ctx context.Context, ids []string) error {
	log := c.Log.Zone()
	for _, id := range ids {
		if _, decided := c.state.Attempts[id]; decided || id == "" {
			continue
		}
		for _, name := range c.tableZones() {
			if err := c.removeAll(ctx, c.Zones[name], c.Zones[name].AttemptPrefix(id), nil); err != nil {
				return err
			}
		}
		// Last, so that as long as there is something its age can be told.
		if err := c.removeAll(ctx, log, log.Key(layout.AttemptPath(id, "")), nil); err != nil {
			return err
		}
	}
	return nil
}

// deleteAside deletes what decided attempts had put aside, and their reports.
func (c *collector) deleteAside(ctx context.Context, ids []string) error {
	log := c.Log.Zone()
	for _, id := range ids {
		for _, name := range c.tableZones() {
			if err := c.removeAll(ctx, c.Zones[name], c.Zones[name].DataPrefix(id), nil); err != nil {
				return err
			}
		}
		prefix := log.Key(layout.AttemptPath(id, ""))
		keep := func(key string) bool { return keepsForever(strings.TrimPrefix(key, prefix)) }
		if err := c.removeAll(ctx, log, prefix, keep); err != nil {
			return err
		}
	}
	return nil
}

// deleteDirs deletes directories that partitions have left, but for those that a catalog names.
func (c *collector) deleteDirs(ctx context.Context, s *commitlog.State) error {
	if len(s.Doomed) == 0 {
		return nil
	}
	named := map[string]bool{}
	for _, content := range s.Partitions {
		named[content.Dir] = true
	}
	shown := map[string]bool{}
	tables, err := c.tables(s, nil)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Catalogs)) {
		for _, t := range tables {
			ps, err := c.Catalogs[name].Partitions(ctx, t.Name)
			if errors.Is(err, catalog.ErrNoTable) {
				continue
			}
			if err != nil {
				return fmt.Errorf("list partitions of %s in catalog %s: %w", t.Name, name, err)
			}
			for _, p := range ps {
				shown[p.Location] = true
			}
		}
	}
	for _, dir := range s.Doomed {
		z := c.Zones[dir.Zone]
		if named[dir.Key] || shown[z.Location(dir.Key)] {
			c.got.Kept = append(c.got.Kept, dir.Key)
			continue
		}
		if err := c.removeAll(ctx, z, dir.Key, nil); err != nil {
			return err
		}
	}
	return nil
}

// deleteSmall deletes old claims, checkpoints and probes, which nothing refers to. The claims that tell what has been
// published for longer than Grace stay, and all after them, so that no number becomes free.
func (c *collector) deleteSmall(ctx context.Context) error {
	z := c.Log.Zone()
	old := func(info storage.Info) bool { return info.ModTime.Before(c.limit) }
	for _, name := range slices.Sorted(maps.Keys(c.dones)) {
		var keep uint64
		for _, info := range c.dones[name].dones {
			if path, err := z.Rel(info.Key); err == nil && old(info) {
				n, _, _ := layout.ParseClaim(name, path)
				keep = max(keep, n)
			}
		}
		// One clean publish more than the newest: the newest may be one that gave up.
		keep = max(keep, claimMargin) - claimMargin
		err := c.removeIf(ctx, z, z.Key(layout.PublishPrefix+name+"/"), func(info storage.Info) bool {
			path, err := z.Rel(info.Key)
			if err != nil {
				return false
			}
			n, _, ok := layout.ParseClaim(name, path)
			return ok && n < keep && old(info)
		})
		if err != nil {
			return err
		}
	}
	hint, err := c.Log.CheckpointSeq(ctx)
	if err != nil {
		return err
	}
	err = c.removeIf(ctx, z, z.Key(layout.CheckpointPrefix), func(info storage.Info) bool {
		path, err := z.Rel(info.Key)
		if err != nil {
			return false
		}
		seq, ok := layout.ParseCheckpoint(path)
		return ok && seq < hint && old(info)
	})
	if err != nil {
		return err
	}
	if err := c.removeIf(ctx, z, z.Key(layout.ProbePrefix), old); err != nil {
		return err
	}
	for _, name := range c.tableZones() {
		zone := c.Zones[name]
		for _, prefix := range []string{zone.Key(probeDir + "/"), zone.Aside() + "/" + probeDir + "/"} {
			if err := c.removeIf(ctx, zone, prefix, old); err != nil {
				return err
			}
		}
	}
	return nil
}

// claimMargin is how many claims before the newest old one stay, so that a clean one is among them.
const claimMargin = 100

// removeAll deletes the objects below a prefix, but for those to keep.
func (c *collector) removeAll(ctx context.Context, z layout.Zone, prefix string, keep func(key string) bool) error {
	return c.removeIf(ctx, z, prefix, func(info storage.Info) bool { return keep == nil || !keep(info.Key) })
}

func (c *collector) removeIf(ctx context.Context, z layout.Zone, prefix string, goes func(storage.Info) bool) error {
	if !z.Owns(prefix) || !strings.HasSuffix(prefix, "/") {
		return fmt.Errorf("refuse to delete below %q: it lies outside %s", prefix, z.Prefix)
	}
	var infos []storage.Info
	for info, err := range z.Store.List(ctx, prefix, "") {
		if err != nil {
			return fmt.Errorf("list %s: %w", prefix, err)
		}
		if goes(info) {
			infos = append(infos, info)
		}
	}
	if err := c.each(ctx, len(infos), func(ctx context.Context, i int) error { return c.remove(ctx, z, infos[i].Key) }); err != nil {
		return err
	}
	for _, info := range infos {
		c.got.Deleted++
		c.got.Bytes += info.Size
	}
	return nil
}

func (c *collector) remove(ctx context.Context, z layout.Zone, key string) error {
	if err := z.Store.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}
