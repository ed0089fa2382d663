package commitlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// A checkpoint is a line that names the format; the length of the head, eight bytes; the SHA-256 of the head; the head, which is
// JSON in zstd; and the blocks of the ledger, of which the head has the hashes. Whoever opens it reads the head, and of the
// blocks those that a look-up asks for. Sizes of a ledger of 1,000,000 objects in 250 folders: head 1 KB, blocks 16 MB.
//
// Format 1 had no blocks: all of the ledger was read, and checked, before the first look-up. It is not read any more; a log that has
// only such checkpoints is folded from its entries, once.
const checkpointMagic = "datalake checkpoint 2\n"

const (
	// headAt is where the head of a checkpoint begins.
	headAt = len(checkpointMagic) + 8 + sha256.Size
	// firstRead is how much of a checkpoint is read at first: mostly the head is in it.
	firstRead = 64 << 10
)

const (
	// checkpointEvery is the number of entries after which a checkpoint is worth its while.
	checkpointEvery = 16
	// checkpointBytes of bodies after the last checkpoint are too, however few entries they belong to: to decode the body of
	// 100,000 inputs takes longer than to look at all those objects. They also must come to an eighth of what
	// the checkpoint will have, so that a large ledger is not written again and again for little.
	checkpointBytes = 256 << 10
)

type checkpointJSON struct {
	Seq        uint64            `json:"seq"`
	Hash       string            `json:"hash"`
	MinWriter  int               `json:"min_writer"`
	Roots      map[string]string `json:"roots,omitempty"`
	Catalogs   []string          `json:"catalogs,omitempty"`
	Oldest     uint64            `json:"oldest"`
	Counts     Counts            `json:"counts"`
	Sources    map[string]Source `json:"sources,omitempty"`
	Attempts   map[string]uint64 `json:"attempts,omitempty"`
	Condemned  map[string]uint64 `json:"condemned,omitempty"`
	Settled    map[string]uint64 `json:"settled,omitempty"`
	Held       map[uint64]Hold   `json:"held,omitempty"`
	Left       []Dir             `json:"left,omitempty"`
	Doomed     []Dir             `json:"doomed,omitempty"`
	Partitions []partitionJSON   `json:"partitions,omitempty"`
	Ledger     []blockRef        `json:"ledger,omitempty"`
}

type partitionJSON struct {
	Partition
	Content
}

// EncodeCheckpoint gives the bytes of a state: equal states give equal bytes, however they came about. Errors: those of
// Ledger.Seq.
func (s *State) EncodeCheckpoint(ctx context.Context) ([]byte, error) {
	j := checkpointJSON{
		Seq: s.Seq, Hash: s.Hash, MinWriter: s.MinWriter, Roots: s.Roots, Catalogs: s.Catalogs, Oldest: s.Oldest, Counts: s.Counts,
		Sources: s.Sources, Attempts: s.Attempts, Condemned: s.Condemned, Settled: s.Settled, Held: s.Held, Left: s.Left, Doomed: s.Doomed,
	}
	for _, p := range slices.SortedFunc(maps.Keys(s.Partitions), Partition.Compare) {
		j.Partitions = append(j.Partitions, partitionJSON{p, *s.Partitions[p]})
	}
	blocks, err := s.Ledger.encode(ctx, &j.Ledger)
	if err != nil {
		return nil, fmt.Errorf("encode checkpoint %d: %w", s.Seq, err)
	}
	text, err := json.Marshal(&j)
	if err != nil {
		return nil, fmt.Errorf("encode checkpoint %d: %w", s.Seq, err)
	}
	c, err := codec()
	if err != nil {
		return nil, err
	}
	head := c.enc.EncodeAll(text, nil)
	sum := sha256.Sum256(head)
	data := make([]byte, 0, headAt+len(head)+len(blocks))
	data = binary.BigEndian.AppendUint64(append(data, checkpointMagic...), uint64(len(head)))
	return append(append(append(data, sum[:]...), head...), blocks...), nil
}

// encode gives the ledger's blocks, one behind the other, and appends to refs what the head says of them. All blocks but
// the last have maxBlock items.
func (l *Ledger) encode(ctx context.Context, refs *[]blockRef) ([]byte, error) {
	data := make([]byte, 0, l.Len()*(idBytes+1))
	var b builder
	end := func() {
		if len(b.list) == 0 {
			return
		}
		r, from := b.finish(), len(data)
		data = appendBlock(data, r)
		*refs = append(*refs, blockRef{
			Folder: r.folders[0], ID: Sum(r.id(0)), Items: r.len(), Size: int64(len(data) - from), SHA256: Hash(data[from:]),
		})
	}
	err := l.walk(ctx, func(folder string, h id, seq uint64) {
		if len(b.list) == maxBlock {
			end()
		}
		b.add(folder, h, seq)
	})
	if folded := l.stored.refolded(); errors.Is(err, errBlock) && folded != nil {
		*refs = nil
		both := &Ledger{stored: folded.stored, runs: slices.Concat(folded.runs, l.runs), n: l.n, gone: slices.Concat(folded.gone, l.gone)}
		return both.encode(ctx, refs)
	}
	end()
	return data, err
}

// DecodeCheckpoint reads what EncodeCheckpoint gave. Any other bytes are an error, of no kind that callers need to
// know. The state shares the memory of data.
func DecodeCheckpoint(ctx context.Context, data []byte) (*State, error) {
	s, err := decodeHead(data, int64(len(data)), func(_ context.Context, offset, size int64) ([]byte, error) {
		return data[offset : offset+size], nil
	})
	if err != nil {
		return nil, fmt.Errorf("decode checkpoint: %w", err)
	}
	for i := range s.Ledger.stored.blocks {
		if _, err := s.Ledger.stored.load(ctx, i); err != nil {
			return nil, fmt.Errorf("decode checkpoint: %w", err)
		}
	}
	return s, nil
}

// headSize says how long a checkpoint is up to the end of its head; 0 if it is none.
func headSize(data []byte) int64 {
	if len(data) < headAt || string(data[:len(checkpointMagic)]) != checkpointMagic {
		return 0
	}
	n := binary.BigEndian.Uint64(data[len(checkpointMagic):])
	if n > 1<<40 {
		return 0
	}
	return int64(headAt) + int64(n)
}

// decodeHead gives the state of a checkpoint of size bytes, of which data has at least the head and read gives others.
func decodeHead(data []byte, size int64, read func(ctx context.Context, offset, size int64) ([]byte, error)) (*State, error) {
	end := headSize(data)
	if end == 0 || end > int64(len(data)) {
		return nil, errors.New("not one of this format")
	}
	head := data[headAt:end]
	if sum := sha256.Sum256(head); !bytes.Equal(sum[:], data[headAt-sha256.Size:headAt]) {
		return nil, errors.New("its hash does not fit")
	}
	c, err := codec()
	if err != nil {
		return nil, err
	}
	text, err := c.dec.DecodeAll(head, nil)
	if err != nil {
		return nil, err
	}
	var j checkpointJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, err
	}
	stored, end, err := newStored(j.Ledger, end, read)
	if err == nil && end != size {
		err = fmt.Errorf("%d bytes, it must be %d", size, end)
	}
	if err != nil {
		return nil, err
	}
	s := Empty()
	s.Seq, s.Hash, s.MinWriter, s.Roots, s.Catalogs, s.Oldest, s.Counts = j.Seq, j.Hash, j.MinWriter, j.Roots, j.Catalogs, j.Oldest, j.Counts
	s.Left, s.Doomed = j.Left, j.Doomed
	maps.Copy(s.Sources, j.Sources)
	maps.Copy(s.Attempts, j.Attempts)
	maps.Copy(s.Condemned, j.Condemned)
	maps.Copy(s.Settled, j.Settled)
	maps.Copy(s.Held, j.Held)
	for i := range j.Partitions {
		s.Partitions[j.Partitions[i].Partition] = &j.Partitions[i].Content
	}
	s.Ledger.stored, s.Ledger.n, s.from = stored, stored.n, s.Seq
	return s, nil
}

// Checkpoint puts the checkpoint of a state if the newest that can be read is far behind. It sees to it that the state's entry
// is durable before. Errors: those of Confirm and of Ledger.Seq.
func (l *Log) Checkpoint(ctx context.Context, s *State) error {
	// Of a large checkpoint the ledger is the most.
	large := max(checkpointBytes, int64(s.Ledger.Len())*idBytes/8)
	if s.Seq < s.from+checkpointEvery && s.behind < large {
		return nil
	}
	if last, err := l.CheckpointSeq(ctx); err != nil {
		return err
	} else if last >= s.Seq {
		_, err := l.zone.Store.Head(ctx, l.zone.Key(layout.CheckpointPath(last)))
		if !errors.Is(err, storage.ErrNotFound) {
			return err // there is one, or no way to tell
		}
	}
	if err := l.Confirm(ctx, s.Seq); err != nil {
		return err
	}
	return l.PutCheckpoint(ctx, s)
}

// PutCheckpoint puts the checkpoint of a state, once, and then the hint that points to it. The caller has confirmed the
// state's entry.
func (l *Log) PutCheckpoint(ctx context.Context, s *State) error {
	data, err := s.EncodeCheckpoint(ctx)
	if err != nil {
		return err
	}
	z := l.zone
	_, err = z.Store.Put(ctx, z.Key(layout.CheckpointPath(s.Seq)), bytes.NewReader(data), storage.PutOptions{Once: true})
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("put checkpoint %d: %w", s.Seq, err)
	}
	hint := strings.NewReader(strconv.FormatUint(s.Seq, 10))
	if _, err := z.Store.Put(ctx, z.Key(layout.CheckpointHint), hint, storage.PutOptions{}); err != nil {
		return fmt.Errorf("put checkpoint hint: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && l.last.Seq == s.Seq {
		last := *l.last
		last.from, last.behind = s.Seq, 0
		l.last = &last
	}
	return nil
}

// CheckpointSeq is the number of the checkpoint that the hint names; 0 if there is no hint.
func (l *Log) CheckpointSeq(ctx context.Context) (uint64, error) {
	data, err := l.get(ctx, l.zone.Key(layout.CheckpointHint))
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read checkpoint hint: %w", err)
	}
	seq, err := strconv.ParseUint(string(data), 10, 64)
	if err != nil {
		return 0, nil // not a hint; it need not be one
	}
	return seq, nil
}

// newest gives the newest state that a checkpoint holds, or the empty one.
func (l *Log) newest(ctx context.Context) (*State, error) {
	seq, err := l.CheckpointSeq(ctx)
	if err != nil {
		return nil, err
	}
	if seq > 0 {
		if s, err := l.checkpoint(ctx, seq); s != nil || err != nil {
			return s, err
		}
	}
	var seqs []uint64
	for info, err := range l.zone.Store.List(ctx, l.zone.Key(layout.CheckpointPrefix), "") {
		if err != nil {
			return nil, fmt.Errorf("list checkpoints: %w", err)
		}
		if path, err := l.zone.Rel(info.Key); err == nil {
			if n, ok := layout.ParseCheckpoint(path); ok && n != seq {
				seqs = append(seqs, n)
			}
		}
	}
	for _, n := range slices.Backward(seqs) {
		if s, err := l.checkpoint(ctx, n); s != nil || err != nil {
			return s, err
		}
	}
	return Empty(), nil
}

// checkpoint reads one checkpoint and checks that its entry is what it says; nil if it is missing or cannot be read.
func (l *Log) checkpoint(ctx context.Context, seq uint64) (*State, error) {
	s, err := l.readCheckpoint(ctx, l.zone.Key(layout.CheckpointPath(seq)))
	if err != nil {
		return nil, fmt.Errorf("read checkpoint %d: %w", seq, err)
	}
	if s == nil || s.Seq != seq {
		return nil, nil
	}
	r, err := l.Entry(ctx, seq)
	if errors.Is(err, ErrNoEntry) {
		return nil, fmt.Errorf("read checkpoint %d: %w: %w", seq, ErrChain, err)
	}
	if err != nil {
		return nil, err
	}
	if r.Hash != s.Hash {
		return nil, fmt.Errorf("read checkpoint %d: %w: entry %d has another hash than the checkpoint says", seq, ErrChain, seq)
	}
	s.Ledger.stored.refold = func(ctx context.Context) (*Ledger, error) {
		s, err := l.At(ctx, seq)
		if err != nil {
			return nil, err
		}
		return s.Ledger, nil
	}
	return s, nil
}

// readCheckpoint reads the head of a checkpoint; nil if it is missing or cannot be read.
func (l *Log) readCheckpoint(ctx context.Context, key string) (*State, error) {
	data, info, err := l.getPart(ctx, key, storage.GetOptions{Length: firstRead})
	if end := headSize(data); err == nil && end > int64(len(data)) && end <= info.Size {
		data, _, err = l.getPart(ctx, key, storage.GetOptions{IfMatch: info.ETag, Length: end})
	}
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrChanged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := decodeHead(data, info.Size, func(ctx context.Context, offset, size int64) ([]byte, error) {
		data, _, err := l.getPart(ctx, key, storage.GetOptions{IfMatch: info.ETag, Offset: offset, Length: size})
		if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrChanged) {
			return nil, fmt.Errorf("%w: %w", errBlock, err)
		}
		return data, err
	})
	if err != nil {
		return nil, nil // no one that this program can read; it need not be one
	}
	return s, nil
}
