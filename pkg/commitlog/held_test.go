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

	"datalake/pkg/storage/memory"
)

// Inputs are consumed, read again, held and released in random order; the state knows each one's last entry, in memory, by
// way of checkpoints, and folded anew.
func TestHeld(t *testing.T) {
	smallBlocks(t)
	maxBlock = 7
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		store := memory.New()
		l := open(t, store)
		want, held := map[string]uint64{}, map[uint64]int{}
		input := func(name string) Input { return Input{Key: "raw/s/" + name, ETag: "e"} }
		for i := range 40 {
			head, err := l.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			seq, b := head.Seq+1, &Body{}
			var consumed []string
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if _, is := held[want[name]]; !is {
					consumed = append(consumed, name)
				}
			}
			switch n := r.IntN(6); {
			case n == 0 && len(want) > 0: // inputs of an entry are held, but for some of them, and perhaps held ones are consumed again
				of := want[slices.Sorted(maps.Keys(want))[r.IntN(len(want))]]
				_, before := held[of]
				stay := 0
				for _, name := range slices.Sorted(maps.Keys(want)) {
					if want[name] != of {
						continue
					}
					if r.IntN(3) == 0 {
						b.Inputs = append(b.Inputs, input(name))
						want[name] = seq
					} else {
						stay++
					}
				}
				b.Reread = int64(len(b.Inputs))
				if delete(held, of); stay > 0 {
					held[of] = stay
				}
				if !before && stay > 0 {
					b.Hold = map[uint64]Hold{of: {Source: "s", Inputs: int64(stay)}}
				}
			case n == 1 && len(held) > 0: // released
				for _, by := range slices.Sorted(maps.Keys(held)) {
					b.Release = append(b.Release, by)
					delete(held, by)
					maps.DeleteFunc(want, func(_ string, seq uint64) bool { return seq == by })
					break
				}
			default: // consumed, some of them again
				for _, name := range consumed[:r.IntN(len(consumed)+1)] {
					b.Inputs = append(b.Inputs, input(name))
					want[name] = seq
				}
				b.Reread = int64(len(b.Inputs))
				for range r.IntN(5) {
					name := fmt.Sprint(r.IntN(60))
					if _, there := want[name]; !there {
						b.Inputs = append(b.Inputs, input(name))
						want[name] = seq
					}
				}
			}
			write(t, l, fmt.Sprint("a", i), b)
			if head, err = l.Head(t.Context()); err != nil {
				t.Fatal(err)
			}
			check := func(how string, s *State) {
				t.Helper()
				if s.Ledger.Len() != len(want) {
					t.Fatalf("seed %d, entry %d, %s: %d inputs, want %d", seed, seq, how, s.Ledger.Len(), len(want))
				}
				for n := range 60 {
					name := fmt.Sprint(n)
					got, ok, err := s.Ledger.Seq(t.Context(), input(name).Key, "e")
					by, there := want[name]
					if err != nil || ok != there || ok && got != by {
						t.Fatalf("seed %d, entry %d, %s: %s is of entry %d, %t, %v; want %d", seed, seq, how, name, got, ok, err, by)
					}
				}
				if len(s.Held) != len(held) {
					t.Fatalf("seed %d, entry %d, %s: held by %v, want %v", seed, seq, how, s.Held, held)
				}
				for by, n := range held {
					if s.Held[by].Inputs != int64(n) {
						t.Fatalf("seed %d, entry %d, %s: held by %v, want %v", seed, seq, how, s.Held, held)
					}
				}
			}
			check("in memory", head)
			again, err := l.At(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			check("from the log", again)
			data := encode(t, head)
			if !bytes.Equal(data, encode(t, again)) {
				t.Fatalf("seed %d, entry %d: the checkpoint depends on the way", seed, seq)
			}
			read, err := DecodeCheckpoint(t.Context(), data)
			if err != nil {
				t.Fatal(err)
			}
			check("from a checkpoint", read)
			if r.IntN(4) == 0 { // go on from the checkpoint
				if err := l.PutCheckpoint(t.Context(), head); err != nil {
					t.Fatal(err)
				}
				l = open(t, store)
			}
		}
	}
}

// Bodies that say of inputs what is not so are refused.
func TestHeldInvalid(t *testing.T) {
	a, b := Input{Key: "raw/a", ETag: "1"}, Input{Key: "raw/b", ETag: "1"}
	for name, c := range map[string]struct {
		body Body
		want string
	}{
		"consumed twice":     {Body{Inputs: []Input{a}}, `was consumed before, by entry 1`},
		"more than said":     {Body{Inputs: []Input{a, b}, Reread: 2}, "1 inputs were consumed before, the body says 2"},
		"held from nowhere":  {Body{Hold: map[uint64]Hold{0: {Inputs: 1}}}, "1 inputs of entry 0 are held"},
		"held from later":    {Body{Hold: map[uint64]Hold{2: {Inputs: 1}}}, "1 inputs of entry 2 are held"},
		"nothing held":       {Body{Hold: map[uint64]Hold{1: {}}}, "0 inputs of entry 1 are held"},
		"unread, but read":   {Body{Inputs: []Input{a}, Reread: 1, Unread: Skip}, "1 inputs that nobody has read, of which 1 were consumed before"},
		"unread, but none":   {Body{Unread: Skip}, "0 inputs that nobody has read"},
		"released, not held": {Body{Release: []uint64{1}}, "entry 1 is released, but nothing of it is held"},
	} {
		l := open(t, memory.New())
		write(t, l, "first", &Body{Inputs: []Input{a}})
		write(t, l, name, &c.body)
		if _, err := l.Head(t.Context()); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// A swap of the same rows leaves the version of a partition's rows as it is; it must have as many.
func TestSame(t *testing.T) {
	p := Partition{"processed", "source=s/day=1"}
	file := func(i int, rows int64) File {
		return File{Name: hash(i), Key: "processed@/a/data/" + hash(i), Size: 1, Rows: rows, SHA256: hash(i)}
	}
	counts := func(out int64) map[string]Counts { return map[string]Counts{"s": {In: out, Out: out}} }
	l := open(t, memory.New())
	write(t, l, "a", &Body{Counts: counts(2), Acts: []Act{{Partition: p, Kind: New, Dir: "processed/source=s/day=1/", Files: []File{file(1, 2)}}}})
	write(t, l, "b", &Body{Counts: counts(3), Acts: []Act{{Partition: p, Kind: Add, Dir: "processed/source=s/day=1/", Files: []File{file(2, 3)}}}})
	same := Act{Partition: p, Kind: Swap, Same: true, Dir: "processed@/c/swap/", Files: []File{file(3, 5)}}
	write(t, l, "c", &Body{Acts: []Act{same}})
	same.Dir = "processed@/d/swap/"
	write(t, l, "d", &Body{Acts: []Act{same}})
	for seq, want := range map[uint64][2]uint64{1: {1, 1}, 2: {2, 2}, 3: {3, 2}, 4: {4, 2}} {
		s, err := l.At(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if c := s.Partitions[p]; [2]uint64{c.Since, c.RowsSince()} != want {
			t.Errorf("entry %d: since %d, rows since %d; want %v", seq, c.Since, c.RowsSince(), want)
		}
		again, err := DecodeCheckpoint(t.Context(), encode(t, s))
		if err != nil || again.Partitions[p].RowsSince() != want[1] {
			t.Errorf("entry %d: a checkpoint forgets the version of the rows (%v)", seq, err)
		}
	}
	write(t, l, "e", &Body{Counts: counts(1), Acts: []Act{{Partition: p, Kind: Add, Dir: same.Dir, Files: []File{file(5, 1)}}}})
	s, err := l.Head(t.Context())
	if err != nil || s.Partitions[p].RowsSince() != 5 {
		t.Errorf("rows since %d after an add, want 5 (%v)", s.Partitions[p].RowsSince(), err)
	}
	write(t, l, "f", &Body{Acts: []Act{{Partition: p, Kind: Swap, Same: true, Dir: "processed@/f/swap/", Files: []File{file(6, 5)}}}})
	if _, err := l.Head(t.Context()); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "5 rows in place of the same 6") {
		t.Errorf("another number of rows: %v", err)
	}
	if err := (&Body{Acts: []Act{{Partition: p, Kind: Add, Same: true, Dir: "x/", Files: []File{file(7, 1)}}}}).Validate(); !errors.Is(err, ErrInvalid) {
		t.Errorf("an add of the same rows: %v", err)
	}
}
