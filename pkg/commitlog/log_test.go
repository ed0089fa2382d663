package commitlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"datalake/pkg/layout"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var roots = map[string]string{"processed": "processed", "quarantine": "quarantine"}

func open(t testing.TB, store storage.Store) *Log {
	t.Helper()
	l, err := Open(t.Context(), layout.Zone{Store: store, Prefix: "state/processed"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func hash(i int) string { return Hash(fmt.Append(nil, i)) }

// write adds an entry of the body at the head.
func write(t testing.TB, l *Log, attempt string, b *Body) {
	t.Helper()
	head, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ref, err := l.PutBody(t.Context(), attempt, b)
	if err != nil {
		t.Fatal(err)
	}
	e := &Entry{Seq: head.Seq + 1, Kind: Run, Format: Format, MinWriter: 1, Attempt: attempt, Prev: head.Hash, Body: ref}
	if b.Collect != nil {
		e.Kind = GC
	}
	if e.Seq == 1 {
		e.Roots, e.Catalogs = roots, []string{"local"}
	}
	for _, c := range b.Counts {
		e.Counts.Add(c)
	}
	data, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Put(t.Context(), e.Seq, data); err != nil {
		t.Fatal(err)
	}
}

// story is a log of n entries with everything in it.
func story(t testing.TB, l *Log, n int) {
	t.Helper()
	p := func(i int) Partition { return Partition{"processed", fmt.Sprintf("source=s%d/day=%d", i%2, i%7)} }
	file := func(i int) File {
		return File{Name: hash(i) + ".parquet", Key: fmt.Sprintf("processed@/a%d/data/x/%s", i, hash(i)), Size: 1, Rows: 2, SHA256: hash(i), Keys: Sum{uint64(i), 7}}
	}
	for i := range n {
		head, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b := &Body{
			Inputs: []Input{{Key: fmt.Sprint("raw/", i), ETag: "e", Partitions: []string{"x"}}, {Key: "raw/same", ETag: fmt.Sprint(i)}},
			Counts: map[string]Counts{"s0": {In: 3, Out: 2, Duplicates: 1, Notes: map[string]int64{"floored": 1}}},
		}
		old := head.Partitions[p(i)]
		switch {
		case i%10 == 9:
			b = &Body{Collect: &Collect{Condemned: []string{fmt.Sprint("dead", i)}, Settled: []string{fmt.Sprint("a", i-1)}, Dirs: head.Left, Oldest: head.Oldest}}
			for _, d := range head.Left {
				b.Collect.Oldest = max(b.Collect.Oldest, d.Seq)
			}
			for _, d := range head.Doomed {
				b.Collect.Gone = append(b.Collect.Gone, d.Key)
			}
		case old == nil:
			b.Acts = []Act{{Partition: p(i), Kind: New, Dir: "processed/" + p(i).Path + "/", Files: []File{file(i)}}}
			b.Schemas = map[string]*schema.Schema{fmt.Sprint("s", i%2): {Source: fmt.Sprint("s", i%2), Columns: []schema.Column{{Name: fmt.Sprint("c", i), Type: schema.Type{Kind: schema.Bigint}}}}}
			b.Fingerprints = map[string]string{fmt.Sprint("s", i%2): "f"}
		case i%3 == 0:
			b.Acts = []Act{{Partition: p(i), Kind: Swap, Dir: fmt.Sprintf("processed@/a%d/swap/%s/", i, p(i).Path), Files: append(old.Files[:1:1], file(i))}}
		default:
			b.Acts = []Act{{Partition: p(i), Kind: Add, Dir: old.Dir, Files: []File{file(i)}}}
		}
		write(t, l, fmt.Sprint("a", i), b)
	}
}

func encode(t testing.TB, s *State) []byte {
	t.Helper()
	data, err := s.EncodeCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The state is the same however it is reached: entry by entry, by any checkpoint, from the start.
func TestState(t *testing.T) {
	store := memory.New()
	l := open(t, store)
	if s, err := l.Head(t.Context()); err != nil || s.Seq != 0 || len(s.Partitions) != 0 {
		t.Fatalf("empty log: %+v, %v", s, err)
	}
	const n = 45
	story(t, l, n)
	want, err := l.Head(t.Context())
	if err != nil || want.Seq != n {
		t.Fatalf("head: %+v, %v", want, err)
	}
	if again, err := l.Head(t.Context()); again != want || err != nil {
		t.Error("an unchanged head is not given again")
	}
	for seq := uint64(0); seq <= n; seq += 5 {
		s, err := open(t, store).At(t.Context(), seq)
		if err != nil || s.Seq != seq {
			t.Fatalf("state %d: %v", seq, err)
		}
		if seq == 0 {
			continue
		}
		if err := l.PutCheckpoint(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if last, err := l.CheckpointSeq(t.Context()); last != seq || err != nil {
			t.Errorf("hint %d, %v", last, err)
		}
		got, err := open(t, store).Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encode(t, got), encode(t, want)) {
			t.Errorf("the state from checkpoint %d differs", seq)
		}
		if got.Ledger.Len() != want.Ledger.Len() {
			t.Errorf("%d inputs, want %d", got.Ledger.Len(), want.Ledger.Len())
		}
		if seq, ok, err := got.Ledger.Seq(t.Context(), "raw/same", "12"); seq != 13 || !ok || err != nil {
			t.Errorf("ledger: %d, %t, %v", seq, ok, err)
		}
		if _, ok, _ := got.Ledger.Seq(t.Context(), "raw/same", "9"); ok {
			t.Error("the ledger has an input that was not consumed")
		}
	}
	if _, err := l.At(t.Context(), n+1); !errors.Is(err, ErrNoEntry) {
		t.Errorf("a state that is not yet there: %v", err)
	}
}

// A state that somebody holds does not change when the log goes on.
func TestStateIsImmutable(t *testing.T) {
	l := open(t, memory.New())
	var states []*State
	var before [][]byte
	for i := 0; i < 30; i++ {
		s, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		states, before = append(states, s), append(before, encode(t, s))
		storyStep(t, l, i)
	}
	for i, s := range states {
		if !bytes.Equal(encode(t, s), before[i]) {
			t.Errorf("state %d has changed", i)
		}
	}
}

// storyStep writes entry i+1 of a short story: adds to one partition, now and then a swap.
func storyStep(t testing.TB, l *Log, i int) {
	t.Helper()
	p := Partition{"processed", "source=s/day=1"}
	f := File{Name: hash(i), Key: fmt.Sprint("processed@/a", i, "/data/", p.Path, "/", hash(i)), Size: 1, SHA256: hash(i)}
	a := Act{Partition: p, Kind: New, Dir: "processed/" + p.Path + "/", Files: []File{f}}
	if i > 0 {
		head, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a.Kind, a.Dir = Add, head.Partitions[p].Dir
		if i%4 == 0 {
			a.Kind, a.Dir = Swap, fmt.Sprint("processed@/a", i, "/swap/")
		}
	}
	write(t, l, fmt.Sprint("a", i), &Body{Acts: []Act{a}})
}

func put(t testing.TB, store storage.Store, key, text string) {
	t.Helper()
	if _, err := store.Put(t.Context(), key, strings.NewReader(text), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenLog(t *testing.T) {
	entry := func(seq uint64) string { return "state/processed/" + layout.LogPath(seq) }
	read := func(t *testing.T, store storage.Store, seq uint64) *Record {
		r, err := open(t, store).Entry(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, store *memory.Store)
		want  error // nil: the log is as it was
	}{
		{"sound", func(t *testing.T, store *memory.Store) {}, nil},
		{"an entry changed", func(t *testing.T, store *memory.Store) {
			put(t, store, entry(3), strings.Replace(string(read(t, store, 3).data), `"seq":3`, `"seq": 3`, 1))
		}, ErrChain},
		{"an entry written anew", func(t *testing.T, store *memory.Store) { // its own check holds, the chain does not
			e := *read(t, store, 3).Entry
			e.Program += "x"
			data, err := e.Encode()
			if err != nil {
				t.Fatal(err)
			}
			put(t, store, entry(3), string(data))
		}, ErrChain},
		{"the body of another entry", func(t *testing.T, store *memory.Store) {
			body, err := open(t, store).get(t.Context(), read(t, store, 3).Body.Key)
			if err != nil {
				t.Fatal(err)
			}
			put(t, store, read(t, store, 4).Body.Key, string(body))
		}, ErrChain},
		{"an entry of another number", func(t *testing.T, store *memory.Store) { put(t, store, entry(3), string(read(t, store, 2).data)) }, ErrChain},
		{"no entry", func(t *testing.T, store *memory.Store) { put(t, store, entry(3), "x") }, ErrChain},
		{"a body changed", func(t *testing.T, store *memory.Store) { put(t, store, read(t, store, 4).Body.Key, "x") }, ErrChain},
		{"a body lost", func(t *testing.T, store *memory.Store) { _ = store.Delete(t.Context(), read(t, store, 4).Body.Key) }, ErrChain},
		{"a newer format", func(t *testing.T, store *memory.Store) {
			put(t, store, entry(6), `{"seq":6,"format":4}`)
		}, ErrNewer},
		{"another history before a checkpoint", func(t *testing.T, store *memory.Store) {
			l := open(t, store)
			s, err := l.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wrong := *s
			wrong.Hash = hash(0)
			if err := l.PutCheckpoint(t.Context(), &wrong); err != nil {
				t.Fatal(err)
			}
		}, ErrChain},
		{"entries lost behind a checkpoint", func(t *testing.T, store *memory.Store) {
			l := open(t, store)
			s, err := l.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := l.PutCheckpoint(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			_ = store.Delete(t.Context(), entry(5))
		}, ErrChain},
		{"a checkpoint that cannot be read", func(t *testing.T, store *memory.Store) {
			put(t, store, "state/processed/"+layout.CheckpointPath(4), "x")
			put(t, store, "state/processed/checkpoint/latest", "4")
		}, nil},
		{"a hint that is none", func(t *testing.T, store *memory.Store) {
			put(t, store, "state/processed/checkpoint/latest", "x")
		}, nil},
		{"a hint to nothing", func(t *testing.T, store *memory.Store) {
			put(t, store, "state/processed/checkpoint/latest", "3")
		}, nil},
		{"an attempt twice", func(t *testing.T, store *memory.Store) { write(t, open(t, store), "a1", &Body{}) }, ErrInvalid},
		{"an input twice", func(t *testing.T, store *memory.Store) {
			write(t, open(t, store), "b", &Body{Inputs: []Input{{Key: "raw/1", ETag: "e"}}})
		}, ErrInvalid},
		{"forbidden to read", func(t *testing.T, store *memory.Store) {
			store.SetFaults(func(op, key string) error {
				if op == "get" && key == entry(6) {
					return errors.New("403")
				}
				return nil
			}, nil)
		}, errAny},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := memory.New()
			story(t, open(t, store), 5)
			want, err := open(t, store).Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			test.spoil(t, store)
			got, err := open(t, store).Head(t.Context())
			switch {
			case test.want == errAny && err != nil:
			case !errors.Is(err, test.want):
				t.Errorf("got %v, want %v", err, test.want)
			case err == nil && !bytes.Equal(encode(t, got), encode(t, want)):
				t.Error("another state")
			}
		})
	}
}

var errAny = errors.New("any error")

func TestPut(t *testing.T) {
	l := open(t, memory.New())
	story(t, l, 3)
	if err := l.Put(t.Context(), 3, []byte("x")); !errors.Is(err, ErrTaken) {
		t.Errorf("a number that is taken: %v", err)
	}
	if err := l.Put(t.Context(), 4, make([]byte, MaxEntry+1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("a large entry: %v", err)
	}
	if err := l.Confirm(t.Context(), 3); err != nil {
		t.Error(err)
	}
	if err := l.Confirm(t.Context(), 4); !errors.Is(err, ErrNoEntry) {
		t.Errorf("confirm of nothing: %v", err)
	}
	if _, err := Open(t.Context(), layout.Zone{}); !errors.Is(err, layout.ErrZone) {
		t.Errorf("no zone: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Entry(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	store := memory.New()
	l := open(f, store)
	story(f, l, 12)
	s, err := l.Head(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encode(f, s))
	for info := range store.List(f.Context(), "", "") {
		data, err := l.get(f.Context(), info.Key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := DecodeCheckpoint(t.Context(), data); err == nil {
			if _, err := s.EncodeCheckpoint(t.Context()); err != nil {
				t.Errorf("encode what was decoded: %v", err)
			}
		}
		if b, err := DecodeBody(data); err == nil {
			_ = b.Validate()
			_, _ = Empty().Next(t.Context(), &Entry{Seq: 1}, "", b)
		}
		if e, err := DecodeEntry(data); err == nil {
			_, _ = e.Encode()
		}
	})
}

func BenchmarkHead(b *testing.B) {
	store := memory.New()
	l := open(b, store)
	p := Partition{"processed", "source=s/day=1"}
	const inputs = 100_000
	body := &Body{Acts: []Act{{Partition: p, Kind: New, Dir: "processed/x/", Files: []File{{Name: "x", Key: "x", Size: 1, SHA256: hash(1)}}}}}
	for i := range inputs {
		body.Inputs = append(body.Inputs, Input{Key: fmt.Sprintf("raw/source/year=2025/month=11/day=25/%d.json", i), ETag: hash(i)[:32], Size: 1})
	}
	write(b, l, "a", body)
	b.Run("fold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := open(b, store).Head(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	s, err := l.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if err := l.PutCheckpoint(b.Context(), s); err != nil {
		b.Fatal(err)
	}
	b.Run("checkpoint", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := open(b, store).Head(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
