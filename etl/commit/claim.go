package commit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// Claims keep publishers of one catalog apart, because a catalog may not be able to tell a late request from a new one.
// Claims are numbered; each is put once, and ended by a "done" of the same number. The next number may be taken when
// the last one is done, or so old that its holder has stopped sending, or when its holder is known to be dead.
//
// A claim is no lock that safety of the log rests on: were two publishers to write at once, the catalog could show an
// older decided state until the next publish, and nothing else would happen.

// claimBody is the content of a claim.
type claimBody struct {
	Owner string `json:"owner,omitempty"`
	Nonce string `json:"nonce"`
}

// doneBody is the content of what ends a claim.
type doneBody struct {
	// Seq is the state that the catalog shows; 0 if the publisher gave up.
	Seq uint64 `json:"seq"`
	// Refused is how many partitions were not published.
	Refused int `json:"refused,omitempty"`
}

// claim is a claim that is held.
type claim struct {
	catalog string
	n       uint64
	nonce   string
	clock   func() time.Time
	began   time.Time
	limit   time.Duration
}

// errClaimOld: the holder may send nothing more.
var errClaimOld = errors.New("claim has become old")

// check is called before each request to the catalog. The time since the claim is measured by the monotonic and by the
// wall clock, of which one stands still while a machine sleeps.
func (c *claim) check() error {
	now := c.clock()
	if max(now.Sub(c.began), now.Round(0).Sub(c.began.Round(0))) > c.limit {
		return fmt.Errorf("publish to %s: %w", c.catalog, errClaimOld)
	}
	return nil
}

// held are the nonces of claims that this process holds.
var held = struct {
	sync.Mutex
	nonces map[string]bool
}{nonces: map[string]bool{}}

func hold(nonce string, on bool) {
	held.Lock()
	defer held.Unlock()
	if on {
		held.nonces[nonce] = true
	} else {
		delete(held.nonces, nonce)
	}
}

// gone says whether the holder of a claim has surely ended.
func (l Lake) gone(b claimBody) bool {
	if l.Owner == "" || b.Owner == "" {
		return false
	}
	if b.Owner == l.Owner {
		held.Lock()
		defer held.Unlock()
		return !held.nonces[b.Nonce]
	}
	return l.Dead != nil && l.Dead(b.Owner)
}

// history is what there is of claims to a catalog.
type history struct {
	last  uint64
	claim storage.Info // of the last
	done  bool         // the last is done
	dones []storage.Info
}

func (l Lake) history(ctx context.Context, catalog string) (history, error) {
	z, h := l.Log.Zone(), history{}
	for info, err := range z.Store.List(ctx, z.Key(layout.PublishPrefix+catalog+"/"), "") {
		if err != nil {
			return h, fmt.Errorf("list claims to %s: %w", catalog, err)
		}
		path, err := z.Rel(info.Key)
		if err != nil {
			return h, err
		}
		n, done, ok := layout.ParseClaim(catalog, path)
		switch {
		case !ok:
		case done:
			h.dones = append(h.dones, info)
			h.done = h.done || n == h.last
		case n > h.last:
			h.last, h.claim, h.done = n, info, false
		}
	}
	return h, nil
}

// claim takes the next claim to a catalog. It waits for others up to PublishWait, then gives ErrBusy.
func (l Lake) claim(ctx context.Context, catalog string) (*claim, error) {
	z, nonce := l.Log.Zone(), newID()
	body, err := json.Marshal(claimBody{Owner: l.Owner, Nonce: nonce})
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", catalog, err)
	}
	deadline := time.Now().Add(l.PublishWait)
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		h, err := l.history(ctx, catalog)
		if err != nil {
			return nil, err
		}
		free, err := l.free(ctx, catalog, h)
		if err != nil {
			return nil, err
		}
		if free {
			c := &claim{catalog: catalog, n: h.last + 1, nonce: nonce, clock: l.Clock, began: l.Clock(), limit: l.ClaimAge * 2 / 3}
			hold(nonce, true)
			err := l.putClaim(ctx, z.Key(layout.ClaimPath(catalog, c.n)), body)
			if err == nil {
				return c, nil
			}
			hold(nonce, false)
			if !errors.Is(err, storage.ErrExists) {
				return nil, fmt.Errorf("claim %s: %w", catalog, err)
			}
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("claim %s: %w: claim %d", catalog, ErrBusy, h.last)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// putClaim puts a claim. A request whose outcome is unknown is looked up.
func (l Lake) putClaim(ctx context.Context, key string, body []byte) error {
	s := l.Log.Zone().Store
	_, err := s.Put(ctx, key, bytes.NewReader(body), storage.PutOptions{Once: true})
	if err == nil || ctx.Err() != nil {
		return err
	}
	if got, gerr := readAll(ctx, s, key); gerr == nil && bytes.Equal(got, body) {
		return nil
	}
	return err
}

// free says whether the claim after the last one may be taken.
func (l Lake) free(ctx context.Context, catalog string, h history) (bool, error) {
	if h.last == 0 || h.done {
		return true, nil
	}
	s := l.Log.Zone().Store
	data, err := readAll(ctx, s, h.claim.Key)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil // collected meanwhile: there is a newer one
	}
	if err != nil {
		return false, fmt.Errorf("read claim: %w", err)
	}
	var b claimBody
	if err := json.Unmarshal(data, &b); err == nil && l.gone(b) {
		return true, nil
	}
	now, err := l.now(ctx, catalog)
	if err != nil {
		return false, err
	}
	return now.Sub(h.claim.ModTime) >= l.ClaimAge, nil
}

// now is the store's time, told by an object written just now.
func (l Lake) now(ctx context.Context, catalog string) (time.Time, error) {
	z := l.Log.Zone()
	info, err := z.Store.Put(ctx, z.Key(layout.PublishPrefix+catalog+"/clock"), strings.NewReader(""), storage.PutOptions{})
	if err != nil {
		return time.Time{}, fmt.Errorf("ask store for its time: %w", err)
	}
	return info.ModTime, nil
}

// end ends a claim: with the state that the catalog shows, or with 0 after giving up.
func (l Lake) end(ctx context.Context, c *claim, b doneBody) error {
	defer hold(c.nonce, false)
	data, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("end claim to %s: %w", c.catalog, err)
	}
	z := l.Log.Zone()
	_, err = z.Store.Put(ctx, z.Key(layout.DonePath(c.catalog, c.n)), bytes.NewReader(data), storage.PutOptions{Once: true})
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("end claim to %s: %w", c.catalog, err)
	}
	return nil
}

// abandon lets go of a claim after an error. A claim under which a request was sent whose outcome is unknown is not
// ended: the request may still take effect, and then the next publisher had better not have begun.
func (l Lake) abandon(ctx context.Context, c *claim, cause error) {
	if errors.Is(cause, storage.ErrUnknown) || ctx.Err() != nil {
		hold(c.nonce, false)
		return
	}
	// That it could not be ended is no news: others wait a while then.
	_ = l.end(ctx, c, doneBody{})
}

// published is the newest state that a clean publish to the catalog has shown; 0 if there was none. With a time, only
// publishes that were done by then count.
func (l Lake) published(ctx context.Context, h history, by time.Time) (uint64, error) {
	s := l.Log.Zone().Store
	var newest uint64
	for i := len(h.dones) - 1; i >= 0; i-- {
		if !by.IsZero() && h.dones[i].ModTime.After(by) {
			continue
		}
		data, err := readAll(ctx, s, h.dones[i].Key)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read end of claim: %w", err)
		}
		var b doneBody
		if json.Unmarshal(data, &b) == nil && b.Refused == 0 && b.Seq > 0 {
			newest = b.Seq
			break
		}
	}
	return newest, nil
}
