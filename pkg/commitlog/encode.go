package commitlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Encode gives the bytes of an entry: equal entries give equal bytes. They end in a check, a hash of what stands before it:
// that an older entry is sound its successor says, but the newest has none. Where reads and writes do not fit into MaxEntry
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
		if e.Format >= sealedFormat {
			data = seal(data)
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
		if c.Counts.Rules != nil || c.Counts.Checks != nil || c.Counts.Notes != nil {
			c.Counts.Rules, c.Counts.Checks, c.Counts.Notes = nil, nil, nil
			continue
		}
		return nil, fmt.Errorf("%w: entry %d takes %d bytes, %d are allowed", ErrInvalid, e.Seq, len(data), MaxEntry)
	}
}

// sealedFormat is the first format of entries that end in a check.
const sealedFormat = 2

// seal gives a JSON object a last field: the first half of the SHA-256 of the object without it.
func seal(object []byte) []byte {
	check := Hash(object)[:sha256.Size]
	return fmt.Appendf(object[:len(object)-1], `,"check":"%s"}`, check)
}

// sealed says whether seal made these bytes.
func sealed(data []byte) bool {
	end := sealAt(data)
	return end > 0 && bytes.Equal(data, seal(append(data[:end:end], '}')))
}

func sealAt(data []byte) int { return len(data) - len(`,"check":""}`) - sha256.Size }

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

// DecodeEntry reads an entry. Errors: ErrChain if it is none or its check does not fit, ErrNewer if its format is.
func DecodeEntry(data []byte) (*Entry, error) {
	e := &Entry{}
	if err := json.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChain, err)
	}
	if e.Format > Format {
		return nil, fmt.Errorf("%w: format %d, this program reads up to %d", ErrNewer, e.Format, Format)
	}
	// Either tells that there must be one, so that no single flaw makes an entry pass for an old one.
	if (e.Format >= sealedFormat || bytes.Contains(data[max(sealAt(data), 0):], []byte(`"check":`))) && !sealed(data) {
		return nil, fmt.Errorf("%w: its check does not fit", ErrChain)
	}
	return e, nil
}

// Hash is the hash of an entry's or a body's bytes.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
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
