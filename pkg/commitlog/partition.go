package commitlog

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"
)

// Partition names a partition of a zone's tables. Comparable.
type Partition struct {
	// Zone is the zone's name: processed, quarantine or curated.
	Zone string `json:"zone"`
	// Path is the partition path, source included, without a slash at either end.
	Path string `json:"partition"`
}

// String is zone:path.
func (p Partition) String() string { return p.Zone + ":" + p.Path }

// Compare orders partitions by zone, then path.
func (p Partition) Compare(q Partition) int {
	if c := strings.Compare(p.Zone, q.Zone); c != 0 {
		return c
	}
	return strings.Compare(p.Path, q.Path)
}

// Set is a set of partitions: all whose String begins with it, followed by a slash or by nothing more.
// "processed:source=iot" are all partitions of iot, those that do not exist yet included; "processed:" are all of the
// zone.
type Set string

// SetOf is the set that holds the partition alone.
func SetOf(p Partition) Set { return Set(p.String()) }

// Overlaps says whether a partition can be in both sets.
func (s Set) Overlaps(t Set) bool {
	a, b := string(s), string(t)
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.HasPrefix(b, a) && (len(a) == len(b) || strings.HasSuffix(a, ":") || b[len(a)] == '/')
}

// Overlap gives the first pair of sets that overlap.
func Overlap(as, bs []Set) (a, b Set, ok bool) {
	for _, a := range as {
		for _, b := range bs {
			if a.Overlaps(b) {
				return a, b, true
			}
		}
	}
	return "", "", false
}

// Sum is a sum of 128-bit hashes modulo 2^128: equal for equal bags of keys, whatever their order. Its text is 32 hex
// digits. Sum[0] is the high half.
type Sum [2]uint64

// Add adds t to s.
func (s *Sum) Add(t Sum) {
	var carry uint64
	s[1], carry = bits.Add64(s[1], t[1], 0)
	s[0], _ = bits.Add64(s[0], t[0], carry)
}

func (s Sum) String() string { return fmt.Sprintf("%016x%016x", s[0], s[1]) }

// MarshalText makes a sum its text.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Sum) UnmarshalText(b []byte) error {
	var raw [16]byte
	if len(b) != 32 {
		return fmt.Errorf("sum %q: 32 hex digits are needed", b)
	}
	if _, err := hex.Decode(raw[:], b); err != nil {
		return fmt.Errorf("sum %q: %w", b, err)
	}
	s[0], s[1] = binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])
	return nil
}
