package commitlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"datalake/pkg/planted"
)

// Encode gives the bytes of an entry: equal entries give equal bytes. Where reads and writes do not fit into MaxEntry
// bytes they are made coarser, which only makes more commits conflict; then schemas, rules and notes are left out,
// which the body has too.
func (e *Entry) Encode() ([]byte, error) {
	c := *e
	c.Reads, c.Writes = minimal(e.Reads), minimal(e.Writes)
	for {
		data, err := json.Marshal(&c)
		if err != nil {
			return nil, fmt.Errorf("encode log entry %d: %w", e.Seq, err)
		}
		if len(data) <= MaxEntry {
			return data, nil
		}
		if r, w := depth(c.Reads), depth(c.Writes); r > 0 || w > 0 {
			if r >= w {
				c.Reads = coarser(c.Reads, r-1)
			}
			if w >= r {
				c.Writes = coarser(c.Writes, w-1)
			}
			continue
		}
		if len(c.Schemas) > 0 {
			c.Schemas = c.Schemas[:len(c.Schemas)/2]
			continue
		}
		if c.Counts.Rules != nil || c.Counts.Notes != nil {
			c.Counts.Rules, c.Counts.Notes = nil, nil
			continue
		}
		return nil, fmt.Errorf("%w: entry %d takes %d bytes, %d are allowed", ErrInvalid, e.Seq, len(data), MaxEntry)
	}
}

// minimal sorts sets and drops those that another one holds.
func minimal(sets []Set) []Set {
	sorted := slices.Clone(sets)
	// With a slash behind it, a set comes right before all those that it holds.
	slices.SortFunc(sorted, func(a, b Set) int { return strings.Compare(string(a)+"/", string(b)+"/") })
	var kept []Set
	for _, s := range sorted {
		if len(kept) == 0 || !kept[len(kept)-1].Overlaps(s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// depth is the largest number of path segments in a set.
func depth(sets []Set) (n int) {
	for _, s := range sets {
		if _, path, _ := strings.Cut(string(s), ":"); path != "" {
			n = max(n, 1+strings.Count(path, "/"))
		}
	}
	return n
}

// coarser cuts paths down to n segments.
func coarser(sets []Set, n int) []Set {
	cut := make([]Set, len(sets))
	for i, s := range sets {
		zone, path, _ := strings.Cut(string(s), ":")
		segments := strings.Split(path, "/")
		cut[i] = Set(zone + ":" + strings.Join(segments[:min(n, len(segments))], "/"))
	}
	return minimal(cut)
}

// DecodeEntry reads an entry. Errors: ErrChain if it is none, ErrNewer if its format is.
func DecodeEntry(data []byte) (*Entry, error) {
	e := &Entry{}
	if err := json.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChain, err)
	}
	if e.Format > Format {
		return nil, fmt.Errorf("%w: format %d, this program reads up to %d", ErrNewer, e.Format, Format)
	}
	return e, nil
}

// Hash is the hash of an entry's or a body's bytes.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Encode sorts the body and gives its bytes, and what an entry says of them but the key. Errors: those of Validate.
func (b *Body) Encode() ([]byte, BodyRef, error) {
	slices.SortFunc(b.Inputs, func(x, y Input) int {
		if c := strings.Compare(x.Key, y.Key); c != 0 {
			return c
		}
		return strings.Compare(x.ETag, y.ETag)
	})
	slices.SortFunc(b.Acts, func(x, y Act) int { return x.Partition.Compare(y.Partition) })
	if err := b.Validate(); err != nil {
		return nil, BodyRef{}, err
	}
	text, err := json.Marshal(b)
	if err != nil {
		return nil, BodyRef{}, fmt.Errorf("encode body: %w", err)
	}
	c, err := codec()
	if err != nil {
		return nil, BodyRef{}, err
	}
	data := c.enc.EncodeAll(text, nil)
	return data, BodyRef{SHA256: Hash(data), Size: int64(len(data))}, nil
}

// DecodeBody reads a body. Errors: ErrChain.
func DecodeBody(data []byte) (*Body, error) {
	c, err := codec()
	if err != nil {
		return nil, err
	}
	text, err := c.dec.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: body: %w", ErrChain, err)
	}
	b := &Body{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("%w: body: %w", ErrChain, err)
	}
	return b, nil
}

// coders of bodies and checkpoints. Both may be used by many goroutines at once, and with a concurrency of one they
// keep no goroutines.
type coders struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

var codec = sync.OnceValues(func() (coders, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return coders{}, fmt.Errorf("open zstd: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return coders{}, fmt.Errorf("open zstd: %w", err)
	}
	return coders{enc, dec}, nil
})

// Validate says all that is wrong with a body by itself. Its errors are ErrInvalid.
func (b *Body) Validate() error {
	v := validation{}
	inputs := make(map[[2]string]bool, len(b.Inputs))
	for _, in := range b.Inputs {
		id := [2]string{in.Key, in.ETag}
		v.check(in.Key != "" && in.ETag != "", "an input without key or ETag: %q, %q", in.Key, in.ETag)
		v.check(!inputs[id], "input %s twice", in.Key)
		inputs[id] = true
	}
	acts := make(map[Partition]bool, len(b.Acts))
	for i := range b.Acts {
		a := &b.Acts[i]
		v.check(a.Zone != "" && a.Path != "", "an act without partition")
		v.check(!acts[a.Partition], "two acts on %s", a.Partition)
		acts[a.Partition] = true
		v.act(a)
	}
	for _, source := range slices.Sorted(maps.Keys(b.Counts)) {
		if err := b.Counts[source].Balance(); err != nil {
			v.check(false, "source %s: %v", source, err)
		}
	}
	return v.err()
}

func (v *validation) act(a *Act) {
	switch a.Kind {
	case Add:
		v.check(len(a.Files) == 1, "%s: add of %d files, it must be one", a.Partition, len(a.Files))
	case New:
		v.check(len(a.Files) > 0, "%s: new without files", a.Partition)
	case Swap:
	default:
		v.check(false, "%s: unknown act %q", a.Partition, a.Kind)
	}
	v.check(strings.HasSuffix(a.Dir, "/"), "%s: directory %q does not end in a slash", a.Partition, a.Dir)
	names := make(map[string]bool, len(a.Files))
	for _, f := range a.Files {
		v.check(f.Name != "" && !strings.Contains(f.Name, "/"), "%s: file name %q", a.Partition, f.Name)
		v.check(!names[f.Name] || planted.Bug("double-file"), "%s: file %s twice", a.Partition, f.Name)
		v.check(len(f.SHA256) == 64 && f.Key != "" && f.Size > 0 && f.Rows >= 0, "%s: file %s lacks hash, key or size", a.Partition, f.Name)
		names[f.Name] = true
	}
}

// validation gathers faults, the first twenty in full.
type validation struct {
	faults bytes.Buffer
	n      int
}

func (v *validation) check(ok bool, format string, args ...any) {
	if ok {
		return
	}
	if v.n++; v.n <= 20 {
		fmt.Fprintf(&v.faults, "; "+format, args...)
	}
}

func (v *validation) err() error {
	if v.n == 0 {
		return nil
	}
	more := ""
	if v.n > 20 {
		more = fmt.Sprintf("; and %d more", v.n-20)
	}
	return fmt.Errorf("%w: %s%s", ErrInvalid, v.faults.String()[2:], more)
}
