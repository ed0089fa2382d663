package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestSets(t *testing.T) {
	for _, test := range []struct {
		a, b Set
		want bool
	}{
		{"p:source=a", "p:source=a", true},
		{"p:source=a", "p:source=a/day=1", true},
		{"p:source=a", "p:source=ab", false},
		{"p:source=a/day=1", "p:source=a/day=2", false},
		{"p:source=a/day=1", "p:source=a/day=10", false},
		{"p:", "p:source=a", true},
		{"p:", "q:source=a", false},
		{"p:source=a", "q:source=a", false},
	} {
		if test.a.Overlaps(test.b) != test.want || test.b.Overlaps(test.a) != test.want {
			t.Errorf("%s and %s: want %t", test.a, test.b, test.want)
		}
	}
	got := minimal([]Set{"p:source=b/day=2", "p:source=a/day=1", "p:source=a", "p:source=a-b", "p:source=a/day=1/h=2", "q:x=1", "q:", "p:source=b/day=2"})
	if want := []Set{"p:source=a-b", "p:source=a", "p:source=b/day=2", "q:"}; !slices.Equal(got, want) {
		t.Errorf("minimal: got %q, want %q", got, want)
	}
}

// Entries stay small; what is left out of them is covered by coarser sets.
func TestEntryIsBounded(t *testing.T) {
	e := &Entry{Seq: 1, Format: Format, Roots: roots}
	for i := range 5000 {
		e.Writes = append(e.Writes, Set(fmt.Sprintf("processed:source=s%d/year=2025/month=%d/day=%d", i%3, i%12, i%1000)))
		e.Reads = append(e.Reads, Set(fmt.Sprintf("processed:source=s%d", i)))
		e.Schemas = append(e.Schemas, fmt.Sprint("s", i))
	}
	data, err := e.Encode()
	if err != nil || len(data) > MaxEntry {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	got, err := DecodeEntry(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2][]Set{{e.Writes, got.Writes}, {e.Reads, got.Reads}} {
		for _, s := range pair[0] {
			if !slices.ContainsFunc(pair[1], func(c Set) bool {
				return c == s || strings.HasSuffix(string(c), ":") && strings.HasPrefix(string(s), string(c)) || strings.HasPrefix(string(s), string(c)+"/")
			}) {
				t.Fatalf("%s is not covered by %q", s, pair[1])
			}
		}
	}
	again, err := e.Encode()
	if err != nil || !bytes.Equal(data, again) {
		t.Error("equal entries give other bytes")
	}
	e.Program = strings.Repeat("x", MaxEntry)
	if _, err := e.Encode(); !errors.Is(err, ErrInvalid) {
		t.Errorf("an entry that cannot be made small: %v", err)
	}
}

func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	sums := make([]Sum, 100)
	for i := range sums {
		sums[i] = Sum{r.Uint64(), r.Uint64()}
	}
	add := func() (total Sum) {
		for _, s := range sums {
			total.Add(s)
		}
		return total
	}
	want := add()
	r.Shuffle(len(sums), func(i, j int) { sums[i], sums[j] = sums[j], sums[i] })
	if got := add(); got != want {
		t.Errorf("the order matters: %s, %s", got, want)
	}
	carry := Sum{0, 1<<64 - 1}
	carry.Add(Sum{0, 1})
	if carry != (Sum{1, 0}) {
		t.Errorf("carry: %s", carry)
	}
	text, _ := want.MarshalText()
	var got Sum
	if err := got.UnmarshalText(text); err != nil || got != want {
		t.Errorf("text %s: %s, %v", text, got, err)
	}
	for _, bad := range []string{"", "x", strings.Repeat("g", 32), strings.Repeat("0", 33)} {
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is a sum", bad)
		}
	}
}

func TestCounts(t *testing.T) {
	var c Counts
	d := Counts{In: 4, Out: 1, Duplicates: 2, Quarantined: 1, Replaced: 1, Rescued: 1, Inputs: 1, BytesIn: 1, BytesOut: 1, Files: 1, Rules: map[string]int64{"json": 1}, Checks: map[string]int64{"a.min": 2}}
	c.Add(d)
	c.Add(d)
	if c.In != 8 || c.Files != 2 || !maps.Equal(c.Rules, map[string]int64{"json": 2}) || c.Checks["a.min"] != 4 || d.Checks["a.min"] != 2 || d.Rules["json"] != 1 {
		t.Errorf("got %+v and %+v", c, d)
	}
	if err := c.Balance(); err != nil {
		t.Error(err)
	}
	c.Out++
	if err := c.Balance(); !errors.Is(err, ErrInvalid) {
		t.Errorf("unbalanced: %v", err)
	}
}
