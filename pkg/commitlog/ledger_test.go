package commitlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"datalake/pkg/layout"
	"datalake/pkg/storage/memory"
)

// version of an object, and the entry that consumed it.
type version struct {
	key, etag string
	seq       uint64
}

// versions makes n versions in folders of all sizes, of entries 1 to entries.
func versions(r *rand.Rand, n, entries int) []version {
	vs := make([]version, n)
	for i := range vs {
		folder := fmt.Sprintf("raw/source%d/year=2025/month=%02d/day=%02d/", i%3, r.IntN(12)+1, r.IntN(28)+1)
		switch r.IntN(3) {
		case 0:
			folder = "raw/large/"
		case 1:
			folder = fmt.Sprintf("raw/%x/", r.Uint32())
		}
		if i%101 == 0 {
			folder = ""
		}
		vs[i] = version{fmt.Sprintf("%s%d.json", folder, i), fmt.Sprint(r.Uint32()), uint64(r.IntN(entries)) + 1}
	}
	return vs
}

// ledgerOf consumes versions entry by entry.
func ledgerOf(t testing.TB, l *Ledger, vs []version) *Ledger {
	t.Helper()
	inputs := map[uint64][]Input{}
	for _, v := range vs {
		inputs[v.seq] = append(inputs[v.seq], Input{Key: v.key, ETag: v.etag})
	}
	for seq := uint64(0); len(inputs) > 0; seq++ {
		if inputs[seq] != nil {
			r, err := runOf(inputs[seq], seq)
			if err != nil {
				t.Fatal(err)
			}
			l = l.with(r, 0)
			delete(inputs, seq)
		}
	}
	return l
}

// holds checks that a ledger has just these versions.
func holds(t *testing.T, l *Ledger, vs []version) {
	t.Helper()
	if l.Len() != len(vs) {
		t.Errorf("%d versions, want %d", l.Len(), len(vs))
	}
	for _, v := range vs {
		if seq, ok, err := l.Seq(t.Context(), v.key, v.etag); seq != v.seq || !ok || err != nil {
			t.Fatalf("%s %s: entry %d, %t, %v; want %d", v.key, v.etag, seq, ok, err, v.seq)
		}
		for _, other := range []version{{key: v.key}, {key: v.key + v.etag}, {key: v.key, etag: v.etag + "0"}, {key: "x" + v.key, etag: v.etag}} {
			if _, ok, err := l.Seq(t.Context(), other.key, other.etag); ok || err != nil {
				t.Fatalf("%q %q: %t, %v; it was not consumed", other.key, other.etag, ok, err)
			}
		}
	}
}

// smallBlocks makes the blocks of a test's checkpoints small.
func smallBlocks(t testing.TB) {
	before := maxBlock
	maxBlock = 1000
	t.Cleanup(func() { maxBlock = before })
}

// A ledger holds what was put into it and nothing else, in memory and in a checkpoint, and its bytes do not tell how it grew.
func TestLedger(t *testing.T) {
	smallBlocks(t)
	for _, n := range []int{0, 1, 2, 500, 1000, 20_500} {
		vs := versions(rand.New(rand.NewPCG(1, uint64(n))), n, min(n/3+1, 300))
		slices.SortStableFunc(vs, func(a, b version) int { return int(a.seq) - int(b.seq) })
		s := Empty()
		s.Ledger = ledgerOf(t, s.Ledger, vs)
		holds(t, s.Ledger, vs)
		if len(s.Ledger.runs) > 12 {
			t.Errorf("%d runs of %d versions", len(s.Ledger.runs), n)
		}
		data := encode(t, s)

		// The older ones in a checkpoint, the newer ones added to what was read from it; then all of it in one.
		some := len(vs) / 3
		for some > 0 && vs[some-1].seq == vs[some].seq {
			some--
		}
		old := Empty()
		old.Ledger = ledgerOf(t, old.Ledger, vs[:some])
		read, err := DecodeCheckpoint(t.Context(), encode(t, old))
		if err != nil {
			t.Fatal(err)
		}
		holds(t, read.Ledger, vs[:some])
		read.Ledger = ledgerOf(t, read.Ledger, vs[some:])
		holds(t, read.Ledger, vs)
		if !bytes.Equal(encode(t, read), data) {
			t.Errorf("%d versions: other bytes by way of a checkpoint", n)
		}
		if read, err = DecodeCheckpoint(t.Context(), data); err != nil {
			t.Fatal(err)
		}
		rand.Shuffle(len(vs), func(i, j int) { vs[i], vs[j] = vs[j], vs[i] })
		holds(t, read.Ledger, vs)
	}
}

// What was consumed is not consumed again, in one entry or in two.
func TestLedgerTwice(t *testing.T) {
	if _, err := runOf([]Input{{Key: "a/x", ETag: "1"}, {Key: "b/x", ETag: "1"}, {Key: "a/x", ETag: "1"}}, 1); !errors.Is(err, ErrInvalid) {
		t.Errorf("twice in an entry: %v", err)
	}
	vs := []version{{"a/x", "1", 1}, {"b/x", "1", 2}, {"a/x", "2", 2}}
	l := ledgerOf(t, Empty().Ledger, vs)
	r, err := runOf([]Input{{Key: "a/y", ETag: "1"}, {Key: "b/x", ETag: "1"}, {Key: "a/x", ETag: "3"}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	err = l.taken(t.Context(), r, func(folder string, seq uint64) { found = append(found, fmt.Sprint(folder, seq)) })
	if want := []string{"b/2"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("taken: %q, %v; want %q", found, err, want)
	}
}

// checkpointed is a log whose inputs are in a checkpoint of several blocks, and what they are.
func checkpointed(t testing.TB) (*memory.Store, []version) {
	t.Helper()
	smallBlocks(t)
	store := memory.New()
	l := open(t, store)
	vs := versions(rand.New(rand.NewPCG(3, 4)), 6000, 1)
	b := &Body{}
	for _, v := range vs {
		b.Inputs = append(b.Inputs, Input{Key: v.key, ETag: v.etag})
	}
	write(t, l, "a", b)
	s, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.PutCheckpoint(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return store, vs
}

// A ledger reads of its checkpoint what it is asked for, and each block once.
func TestLedgerReadsBlocks(t *testing.T) {
	store, vs := checkpointed(t)
	gets := map[string]int{}
	store.SetFaults(func(op, key string) error {
		if op == "get" {
			gets[strings.TrimPrefix(key, "state/processed/")[:4]]++
		}
		return nil
	}, nil)
	read := func(want int, what string) {
		t.Helper()
		if got := gets["chec"]; got != want {
			t.Errorf("%d reads of the checkpoint %s, want %d", got, what, want)
		}
		gets["chec"] = 0
	}
	s, err := open(t, store).Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if gets["atte"] > 0 {
		t.Error("a body was read, though there is a checkpoint")
	}
	read(2, "and its hint to open it")
	if s.Ledger.Len() != len(vs) {
		t.Errorf("%d versions", s.Ledger.Len())
	}
	read(0, "to count")
	for range 2 {
		if _, ok, err := s.Ledger.Seq(t.Context(), vs[1].key, vs[1].etag); !ok || err != nil {
			t.Errorf("%t, %v", ok, err)
		}
	}
	read(1, "for one object")
	slices.SortFunc(vs, func(a, b version) int { return strings.Compare(a.key, b.key) })
	for _, v := range vs {
		if _, ok, err := s.Ledger.Seq(t.Context(), v.key, v.etag); !ok || err != nil {
			t.Fatalf("%t, %v", ok, err)
		}
	}
	read(5, "for all objects in order")
}

// Blocks are let go when there are many, but for those of the folder at hand.
func TestLedgerLetsBlocksGo(t *testing.T) {
	smallBlocks(t)
	maxBlock = 10
	var vs []version
	for folder := range 40 {
		for i := range 10 + folder%2*10*maxHeld*2 {
			vs = append(vs, version{fmt.Sprintf("%02d/%d", folder, i), "e", 1})
		}
	}
	s := Empty()
	s.Ledger = ledgerOf(t, s.Ledger, vs)
	s, err := DecodeCheckpoint(t.Context(), encode(t, s))
	if err != nil {
		t.Fatal(err)
	}
	stored, reads, most := s.Ledger.stored, 0, 0
	read := stored.read
	stored.read = func(ctx context.Context, offset, size int64) ([]byte, error) {
		reads++
		return read(ctx, offset, size)
	}
	for _, v := range vs {
		if _, ok, err := s.Ledger.Seq(t.Context(), v.key, v.etag); !ok || err != nil {
			t.Fatalf("%t, %v", ok, err)
		}
		most = max(most, len(stored.held))
	}
	if most > 3*maxHeld+2 || reads > len(stored.blocks)+40 {
		t.Errorf("%d blocks were held, and %d of %d read", most, reads, len(stored.blocks))
	}
}

// A checkpoint that is spoilt or gone costs time, never an answer; a store that refuses to answer is an error.
func TestLedgerWithoutItsBlocks(t *testing.T) {
	store, vs := checkpointed(t)
	key := "state/processed/" + layout.CheckpointPath(1)
	sound, err := open(t, store).get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	want, err := open(t, store).At(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("403")
	end := headSize(sound)
	for name, spoil := range map[string]func(){
		"gone":    func() { _ = store.Delete(t.Context(), key) },
		"another": func() { put(t, store, key, string(sound[:len(sound)-1])+"x") },
		"refused": func() {
			store.SetFaults(func(op, k string) error {
				if k == key {
					return refused
				}
				return nil
			}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			put(t, store, key, string(sound))
			s, err := open(t, store).Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			spoil()
			defer store.SetFaults(nil, nil)
			if name == "refused" {
				if _, ok, err := s.Ledger.Seq(t.Context(), vs[0].key, vs[0].etag); ok || !errors.Is(err, refused) {
					t.Errorf("%t, %v", ok, err)
				}
				if _, err := s.EncodeCheckpoint(t.Context()); !errors.Is(err, refused) {
					t.Error(err)
				}
				return
			}
			if !bytes.Equal(encode(t, s), encode(t, want)) {
				t.Error("another state")
			}
			if s, err = open(t, store).Head(t.Context()); err != nil {
				t.Fatal(err)
			}
			holds(t, s.Ledger, vs)
		})
	}
	// Damage that is there when it is opened.
	for _, at := range []int64{0, int64(headAt) - 1, int64(headAt), end - 1, end, (end + int64(len(sound))) / 2, int64(len(sound)) - 1} {
		bad := bytes.Clone(sound)
		bad[at] ^= 1
		put(t, store, key, string(bad))
		if _, err := DecodeCheckpoint(t.Context(), bad); err == nil {
			t.Errorf("damage at %d is not seen", at)
		}
		s, err := open(t, store).Head(t.Context())
		if err != nil {
			t.Fatalf("damage at %d: %v", at, err)
		}
		holds(t, s.Ledger, vs)
		if !bytes.Equal(encode(t, s), encode(t, want)) {
			t.Errorf("damage at %d: another state", at)
		}
	}
	for _, size := range []int{0, 10, headAt, int(end) - 1, int(end), len(sound) - 1} {
		if _, err := DecodeCheckpoint(t.Context(), sound[:size]); err == nil {
			t.Errorf("%d bytes of a checkpoint are one", size)
		}
		put(t, store, key, string(sound[:size]))
		if s, err := open(t, store).Head(t.Context()); err != nil || s.from != 0 || !bytes.Equal(encode(t, s), encode(t, want)) {
			t.Errorf("%d bytes of a checkpoint: %v", size, err)
		}
	}
}

// A checkpoint is put when the log, or what there is to read of it, has grown; never twice at one entry.
func TestCheckpointIsDue(t *testing.T) {
	store := memory.New()
	const large = 8 * checkpointBytes / idBytes * 2 // versions, whose checkpoint is due at twice checkpointBytes
	n := 0
	for _, step := range []struct {
		entries  int   // that are added
		behind   int64 // bytes of bodies that they are taken to have; 0: what they have
		versions int
		want     bool
	}{
		{0, 0, 0, false},
		{checkpointEvery - 1, 0, 0, false},
		{1, 0, 0, true},
		{1, checkpointBytes - 1, 0, false},
		{0, checkpointBytes, 0, true},
		{checkpointEvery - 2, checkpointBytes, large, false},
		{0, 2*checkpointBytes + 1000, large, true},
		{1, 0, 0, false},
	} {
		for range step.entries {
			n++
			write(t, open(t, store), fmt.Sprint("a", n), &Body{Inputs: []Input{{Key: fmt.Sprint("raw/", n), ETag: "e"}}})
		}
		l := open(t, store)
		head, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before, err := l.CheckpointSeq(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := *head
		s.behind = max(s.behind, step.behind)
		if step.versions > 0 {
			s.Ledger = ledgerOf(t, s.Ledger, versions(rand.New(rand.NewPCG(1, 2)), step.versions, 1))
		}
		if err := l.Checkpoint(t.Context(), &s); err != nil {
			t.Fatal(err)
		}
		after, err := l.CheckpointSeq(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if (after != before) != step.want || step.want && after != s.Seq {
			t.Errorf("%+v: checkpoint %d after %d, at entry %d", step, after, before, s.Seq)
		}
		if !step.want {
			continue
		}
		for _, l := range []*Log{l, open(t, store)} {
			if s, err := l.Head(t.Context()); err != nil || s.from != s.Seq || s.behind != 0 {
				t.Errorf("%+v: %v, the state is said to be read from checkpoint %d of %d", step, err, s.from, s.Seq)
			}
		}
		if step.versions > 0 { // not the log's
			_ = store.Delete(t.Context(), "state/processed/"+layout.CheckpointPath(s.Seq))
		}
	}

	// A checkpoint of another format, as the programs before this one wrote them, is none.
	l := open(t, store)
	s, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for info := range store.List(t.Context(), "state/processed/"+layout.CheckpointPrefix, "") {
		if !strings.HasSuffix(info.Key, "latest") {
			_ = store.Delete(t.Context(), info.Key)
		}
	}
	put(t, store, fmt.Sprintf("state/processed/checkpoint/%020d.v1", s.Seq), "datalake checkpoint 1\n")
	folded, err := open(t, store).Head(t.Context())
	if err != nil || folded.from != 0 || !bytes.Equal(encode(t, folded), encode(t, s)) {
		t.Errorf("from a log with an old checkpoint: %v", err)
	}
	if err := l.Checkpoint(t.Context(), folded); err != nil {
		t.Fatal(err)
	}
	if s, err := open(t, store).Head(t.Context()); err != nil || s.from != s.Seq {
		t.Errorf("an old checkpoint is not replaced: %v", err)
	}
}

func FuzzBlock(f *testing.F) {
	for _, n := range []int{1, 3, 200} {
		vs := versions(rand.New(rand.NewPCG(5, 6)), n, 3)
		l := ledgerOf(f, Empty().Ledger, vs)
		r := &run{}
		for _, other := range l.runs {
			r = merge(r, other)
		}
		f.Add(appendBlock(nil, r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, ok := decodeBlock(data)
		if !ok {
			return
		}
		n := 0
		for folder, h := range r.all() {
			r.find(folder, h)
			r.seq(n)
			n++
		}
		again, ok := decodeBlock(appendBlock(nil, r))
		if n != r.len() || !ok || again.len() != n || !slices.Equal(again.folders, r.folders) || !bytes.Equal(again.seqs, r.seqs) || !bytes.Equal(again.ids, r.ids) {
			t.Errorf("%d items: %v, then %v", n, r, again)
		}
	})
}
